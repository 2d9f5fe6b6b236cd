package compat

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestAPIVersionsOnTheWire(t *testing.T) {
	a := serve(t)
	a.function("f", x86)
	version := func(label string) string {
		return `,"Version":"` + label + `","FunctionArn":"` + apiPrefix + `function:f:` + label + `"`
	}
	published := strings.Replace(configuration, `"Description":""`, `"Description":"first"`, 1)
	for _, what := range []string{"new", "the same again, as nothing has changed"} {
		t.Run(what, func(t *testing.T) {
			shows(t, a.do(&lambda.PublishVersionInput{FunctionName: new("f"), Description: new("first")}), 201, `{`+published+version("1")+runtime+active+`}`)
		})
	}
	shows(t, a.do(&lambda.ListVersionsByFunctionInput{FunctionName: new("f")}), 200,
		`{"Versions":[{`+configuration+version("$LATEST")+`},{`+published+version("1")+`}]}`)
	shows(t, a.do(&lambda.ListFunctionsInput{FunctionVersion: types.FunctionVersionAll}), 200,
		`{"Functions":[{`+configuration+version("$LATEST")+`},{`+published+version("1")+`}]}`)
	a.publish("f", "two")
	shows(t, a.do(&lambda.DeleteFunctionInput{FunctionName: new("f:2")}), 204, "")
	shows(t, a.do(&lambda.DeleteFunctionInput{FunctionName: new("f"), Qualifier: new("2")}), 204, "")
	a.do(&lambda.UpdateFunctionConfigurationInput{FunctionName: new("f"), Description: new("changed")})
	a.settled("f")
	shows(t, a.do(&lambda.PublishVersionInput{FunctionName: new("f")}), 201,
		`{`+strings.Replace(configuration, `"Description":""`, `"Description":"changed"`, 1)+version("3")+runtime+active+`}`)
	in := a.input("g")
	x86(in)
	in.Publish = true
	g := strings.NewReplacer(`"f"`, `"g"`, "lambda/f", "lambda/g").Replace(configuration)
	shows(t, a.do(in), 201, `{`+g+runtime+pending+`,"Version":"1","FunctionArn":"`+apiPrefix+`function:g"}`)
}

func TestAPIAliasesOnTheWire(t *testing.T) {
	a := serve(t)
	a.function("f", x86)
	a.publish("f", "one")
	a.publish("f", "two")
	f, prod := new("f"), new("prod")
	alias := func(version, more string) string {
		return `{"AliasArn":"` + apiPrefix + `function:f:prod","Name":"prod","FunctionVersion":"` + version + `","RevisionId":"*"` + more + `}`
	}
	weighted := func(weights map[string]float64) *types.AliasRoutingConfiguration {
		return &types.AliasRoutingConfiguration{AdditionalVersionWeights: weights}
	}
	shows(t, a.do(&lambda.CreateAliasInput{FunctionName: f, Name: prod, FunctionVersion: new("1")}), 201, alias("1", `,"Description":""`))
	shows(t, a.do(&lambda.UpdateAliasInput{FunctionName: f, Name: prod, Description: new("d"), RoutingConfig: weighted(map[string]float64{"2": 0.25})}), 200,
		alias("1", `,"Description":"d","RoutingConfig":{"AdditionalVersionWeights":{"2":0.25}}`))
	shows(t, a.do(&lambda.GetAliasInput{FunctionName: f, Name: prod}), 200, alias("1", `,"Description":"d","RoutingConfig":{"AdditionalVersionWeights":{"2":0.25}}`))
	shows(t, a.do(&lambda.UpdateAliasInput{FunctionName: f, Name: prod, FunctionVersion: new("2"), RoutingConfig: &types.AliasRoutingConfiguration{}}), 200, alias("2", `,"Description":"d"`))
	shows(t, a.do(&lambda.ListAliasesInput{FunctionName: f}), 200, `{"Aliases":[`+alias("2", `,"Description":"d"`)+`]}`)
	shows(t, a.do(&lambda.ListAliasesInput{FunctionName: f, FunctionVersion: new("1")}), 200, `{"Aliases":[]}`)

	pair := weighted(map[string]float64{"1": 0.1, "2": 0.1})
	arn := apiPrefix + "function:f:"
	a.refuses(t, []refusal{
		{"a name that is taken", &lambda.CreateAliasInput{FunctionName: f, Name: prod, FunctionVersion: new("1")}, "ResourceConflictException", "Alias already exists: " + arn + "prod", false},
		{"a version that is not there", &lambda.CreateAliasInput{FunctionName: f, Name: new("x"), FunctionVersion: new("9")}, "ResourceNotFoundException", "Function not found: " + arn + "9", false},
		{
			"a name that is a number", &lambda.CreateAliasInput{FunctionName: f, Name: new("12"), FunctionVersion: new("1")}, "ValidationException",
			violation("'12'", "name", "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"), false,
		},
		{
			"two more versions", &lambda.CreateAliasInput{FunctionName: f, Name: new("x"), FunctionVersion: new("1"), RoutingConfig: pair}, "InvalidParameterValueException",
			"Number of items in AdditionalVersionWeights cannot be greater than 1", false,
		},
		{
			"the same version twice", &lambda.CreateAliasInput{FunctionName: f, Name: new("x"), FunctionVersion: new("1"), RoutingConfig: weighted(map[string]float64{"1": 0.1})}, "InvalidParameterValueException",
			"Invalid function version 1. Function version 1 is already included in routing configuration.", false,
		},
		{
			"weights over $LATEST", &lambda.CreateAliasInput{FunctionName: f, Name: new("x"), FunctionVersion: new("$LATEST"), RoutingConfig: weighted(map[string]float64{"1": 0.1})}, "InvalidParameterValueException",
			"$LATEST is not supported for an alias pointing to more than 1 version", true,
		},
		{"a read of none", &lambda.GetAliasInput{FunctionName: f, Name: new("x")}, "ResourceNotFoundException", "Cannot find alias arn: " + arn + "x", false},
		{"an update of none", &lambda.UpdateAliasInput{FunctionName: f, Name: new("x")}, "ResourceNotFoundException", "Alias not found: " + arn + "x", false},
		{
			"an update at a stale revision", &lambda.UpdateAliasInput{FunctionName: f, Name: prod, RevisionId: new(absentUUID)}, "PreconditionFailedException",
			"The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id", false,
		},
		{"a function that is not there", &lambda.CreateAliasInput{FunctionName: new("gone"), Name: prod, FunctionVersion: new("1")}, "ResourceNotFoundException", "Function not found: " + apiPrefix + "function:gone:1", false},
		{
			"a wrong digest of what is published", &lambda.PublishVersionInput{FunctionName: f, CodeSha256: new("x")}, "InvalidParameterValueException",
			"CodeSHA256 (x) is different from current CodeSHA256 in $LATEST (" + a.digest("f") + "). Please try again with the CodeSHA256 in $LATEST.", false,
		},
		{"a deletion of a version in use", &lambda.DeleteFunctionInput{FunctionName: f, Qualifier: new("2")}, "ResourceConflictException", "Version 2 is still referenced by alias prod.", false},
	})
	shows(t, a.do(&lambda.GetFunctionConfigurationInput{FunctionName: new("f:prod")}), 200,
		`{`+configuration+runtime+active+`,"Version":"2","FunctionArn":"`+arn+`prod"}`)
	shows(t, a.do(&lambda.DeleteAliasInput{FunctionName: f, Name: prod}), 204, "")
	shows(t, a.do(&lambda.DeleteAliasInput{FunctionName: f, Name: prod}), 204, "")
}

// digest is the code's digest that a function shows.
func (a *api) digest(name string) string {
	a.t.Helper()
	out, err := a.GetFunctionConfiguration(a.t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: new(name)})
	if err != nil {
		a.t.Fatal(err)
	}
	return *out.CodeSha256
}
