package compat

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestAPILayersOnTheWire(t *testing.T) {
	a := serve(t)
	zip := bootstrapZip(t, "layer")
	arn := apiPrefix + "layer:l"
	content := `"Content":{"Location":"*","CodeSha256":"*","CodeSize":0.5},`
	one := `"LayerVersionArn":"` + arn + `:1","Version":1,"Description":"","CreatedDate":"*"`
	two := `"LayerVersionArn":"` + arn + `:2","Version":2,"Description":"d","CreatedDate":"*","CompatibleRuntimes":["nodejs20.x","java8"],"CompatibleArchitectures":["arm64"],"LicenseInfo":"MIT"`
	publish := func(with func(*lambda.PublishLayerVersionInput)) *lambda.PublishLayerVersionInput {
		in := &lambda.PublishLayerVersionInput{LayerName: new("l"), Content: &types.LayerVersionContentInput{ZipFile: zip}}
		with(in)
		return in
	}
	shows(t, a.do(publish(func(*lambda.PublishLayerVersionInput) {})), 201, `{`+content+`"LayerArn":"`+arn+`",`+one+`}`)
	shows(t, a.do(publish(func(in *lambda.PublishLayerVersionInput) {
		in.Description, in.LicenseInfo = new("d"), new("MIT")
		in.CompatibleRuntimes = []types.Runtime{types.RuntimeNodejs20x, types.RuntimeJava8}
		in.CompatibleArchitectures = []types.Architecture{types.ArchitectureArm64}
	})), 201, `{`+content+`"LayerArn":"`+arn+`",`+two+`}`)
	shows(t, a.do(&lambda.GetLayerVersionInput{LayerName: new("l"), VersionNumber: new(int64(1))}), 200, `{`+content+`"LayerArn":"`+arn+`",`+one+`}`)
	shows(t, a.do(&lambda.GetLayerVersionInput{LayerName: new(arn), VersionNumber: new(int64(2))}), 200, `{`+content+`"LayerArn":"`+arn+`",`+two+`}`)
	shows(t, a.do(&lambda.GetLayerVersionByArnInput{Arn: new(arn + ":2")}), 200, `{`+content+`"LayerArn":"`+arn+`",`+two+`}`)
	shows(t, a.do(&lambda.ListLayersInput{}), 200, `{"Layers":[{"LayerName":"l","LayerArn":"`+arn+`","LatestMatchingVersion":{`+two+`}}]}`)
	shows(t, a.do(&lambda.ListLayersInput{CompatibleRuntime: types.RuntimePython312}), 200, `{"Layers":[]}`)
	shows(t, a.do(&lambda.ListLayerVersionsInput{LayerName: new("l")}), 200, `{"LayerVersions":[{`+two+`},{`+one+`}]}`)
	shows(t, a.do(&lambda.ListLayerVersionsInput{LayerName: new("l"), CompatibleArchitecture: types.ArchitectureArm64, CompatibleRuntime: types.RuntimeJava8}), 200, `{"LayerVersions":[{`+two+`}]}`)

	a.function("f", func(in *lambda.CreateFunctionInput) { in.Layers = []string{arn + ":2"} })
	conf, err := a.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: new("f")})
	if err != nil || len(conf.Layers) != 1 || *conf.Layers[0].Arn != arn+":2" || conf.Layers[0].CodeSize != int64(len(zip)) {
		t.Errorf("layers of the function: %+v %v", conf.Layers, err)
	}
	none := "The resource you requested does not exist."
	a.refuses(t, []refusal{
		{"a version that is not there", &lambda.GetLayerVersionInput{LayerName: new("l"), VersionNumber: new(int64(9))}, "ResourceNotFoundException", none, false},
		{"an ARN that is not there", &lambda.GetLayerVersionByArnInput{Arn: new(arn + ":9")}, "ResourceNotFoundException", none, false},
		{"version 0", &lambda.GetLayerVersionInput{LayerName: new("l"), VersionNumber: new(int64(0))}, "InvalidParameterValueException", "Layer Version Cannot be less than 1", false},
		{"a zip that is none", publish(func(in *lambda.PublishLayerVersionInput) { in.Content.ZipFile = []byte("no zip") }), "InvalidParameterValueException", "Could not unzip uploaded file. Please check your file, then try to upload again.", false},
		{
			"a name with a space", publish(func(in *lambda.PublishLayerVersionInput) { in.LayerName = new("a b") }), "ValidationException",
			violation("'a b'", "layerName", `Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+`), false,
		},
		{
			"a license of 513 characters", publish(func(in *lambda.PublishLayerVersionInput) { in.LicenseInfo = new(strings.Repeat("x", 513)) }), "ValidationException",
			violation("'"+strings.Repeat("x", 513)+"'", "licenseInfo", "Member must have length less than or equal to 512"), false,
		},
		{
			"two versions of one layer", &lambda.UpdateFunctionConfigurationInput{FunctionName: new("f"), Layers: []string{arn + ":1", arn + ":2"}}, "InvalidParameterValueException",
			"Two different versions of the same layer are not allowed to be referenced in the same function. " + arn + ":1 and " + arn + ":2 are versions of the same layer.", false,
		},
		{
			"a layer of another region", &lambda.UpdateFunctionConfigurationInput{FunctionName: new("f"), Layers: []string{"arn:aws:lambda:eu-west-1:000000000000:layer:l:1"}}, "InvalidParameterValueException",
			"Layers are not in the same region as the function. Layers are expected to be in region us-east-1.", false,
		},
	})
	for range 2 {
		shows(t, a.do(&lambda.DeleteLayerVersionInput{LayerName: new("l"), VersionNumber: new(int64(2))}), 204, "")
	}
	shows(t, a.do(&lambda.ListLayerVersionsInput{LayerName: new("l")}), 200, `{"LayerVersions":[{`+one+`}]}`)
	a.do(publish(func(*lambda.PublishLayerVersionInput) {}))
	shows(t, a.do(&lambda.ListLayersInput{}), 200, `{"Layers":[{"LayerName":"l","LayerArn":"`+arn+`","LatestMatchingVersion":{"LayerVersionArn":"`+arn+`:3","Version":3,"Description":"","CreatedDate":"*"}}]}`)
}

func TestAPILayerPermissionsOnTheWire(t *testing.T) {
	a := serve(t)
	a.do(&lambda.PublishLayerVersionInput{LayerName: new("l"), Content: &types.LayerVersionContentInput{ZipFile: bootstrapZip(t, "layer")}})
	arn := apiPrefix + "layer:l:1"
	add := func(sid, principal, action string, version int64) *lambda.AddLayerVersionPermissionInput {
		return &lambda.AddLayerVersionPermissionInput{LayerName: new("l"), VersionNumber: new(version), StatementId: new(sid), Principal: new(principal), Action: new(action)}
	}
	get := "lambda:GetLayerVersion"
	org := add("s", "*", get, 1)
	org.OrganizationId = new("o-abcdefghij")
	statement := `{"Sid":"s","Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Resource":"` + arn + `","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-abcdefghij"}}}`
	policy := &lambda.GetLayerVersionPolicyInput{LayerName: new("l"), VersionNumber: new(int64(1))}
	a.refuses(t, []refusal{{"no policy yet", policy, "ResourceNotFoundException", "No policy is associated with the given resource.", false}})
	shows(t, a.do(org), 201, `{"Statement":`+quoted(statement)+`,"RevisionId":"*"}`)
	shows(t, a.do(policy), 200, `{"Policy":`+quoted(`{"Version":"2012-10-17","Id":"default","Statement":[`+statement+`]}`)+`,"RevisionId":"*"}`)
	stale := add("t", "*", get, 1)
	stale.RevisionId = new(absentUUID)
	a.refuses(t, []refusal{
		{"a statement id that is taken", add("s", "*", get, 1), "ResourceConflictException", "The statement id (s) provided already exists. Please provide a new statement id, or remove the existing statement.", false},
		{"a stale revision", stale, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the latest Revision Id", false},
		{"another action", add("t", "*", "lambda:InvokeFunction", 1), "ValidationException", violation("'lambda:InvokeFunction'", "action", "Member must satisfy regular expression pattern: lambda:GetLayerVersion"), false},
		{"a service", add("t", "s3.amazonaws.com", get, 1), "ValidationException", violation("'s3.amazonaws.com'", "principal", `Member must satisfy regular expression pattern: \d{12}|\*|arn:(aws[a-zA-Z-]*):iam::\d{12}:root`), false},
		{"a version that is not there", add("t", "*", get, 9), "ResourceNotFoundException", "Layer version " + apiPrefix + "layer:l:9 does not exist.", false},
		{"a removal of no statement", &lambda.RemoveLayerVersionPermissionInput{LayerName: new("l"), VersionNumber: new(int64(1)), StatementId: new("x")}, "ResourceNotFoundException", "Statement x is not found in resource policy.", false},
	})
	shows(t, a.do(&lambda.RemoveLayerVersionPermissionInput{LayerName: new("l"), VersionNumber: new(int64(1)), StatementId: new("s")}), 204, "")
	a.refuses(t, []refusal{
		{"a removal without a policy", &lambda.RemoveLayerVersionPermissionInput{LayerName: new("l"), VersionNumber: new(int64(1)), StatementId: new("s")}, "ResourceNotFoundException", "No policy is associated with the given resource.", false},
	})
}
