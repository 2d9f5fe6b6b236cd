package compat

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// configuration is what every function shows, but for its state and version.
const configuration = `"FunctionName":"f","Runtime":"provided.al2023","Role":"arn:aws:iam::000000000000:role/r","Handler":"bootstrap",
	"CodeSize":0.5,"Description":"","Timeout":3,"MemorySize":128,"LastModified":"*","CodeSha256":"*","RevisionId":"*",
	"TracingConfig":{"Mode":"PassThrough"},"PackageType":"Zip","Architectures":["x86_64"],"EphemeralStorage":{"Size":512},
	"SnapStart":{"ApplyOn":"None","OptimizationStatus":"Off"},"LoggingConfig":{"LogFormat":"Text","LogGroup":"/aws/lambda/f"}`

const (
	latest  = `,"Version":"$LATEST","FunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:f"`
	runtime = `,"RuntimeVersionConfig":{"RuntimeVersionArn":"*"}`
	pending = `,"State":"Pending","StateReason":"The function is being created.","StateReasonCode":"Creating"`
	active  = `,"State":"Active","LastUpdateStatus":"Successful"`
	updates = `,"State":"Active","LastUpdateStatus":"InProgress","LastUpdateStatusReason":"The function is being created.","LastUpdateStatusReasonCode":"Creating"`
)

func x86(in *lambda.CreateFunctionInput) {
	in.Architectures = []types.Architecture{types.ArchitectureX8664}
}

func TestAPIFunctionsOnTheWire(t *testing.T) {
	a := serve(t)
	in := a.input("f")
	x86(in)
	shows(t, a.do(in), 201, `{`+configuration+latest+runtime+pending+`}`)
	a.settled("f")
	shows(t, a.do(&lambda.GetFunctionConfigurationInput{FunctionName: new("f")}), 200, `{`+configuration+latest+runtime+active+`}`)
	shows(t, a.do(&lambda.GetFunctionInput{FunctionName: new("f")}), 200,
		`{"Configuration":{`+configuration+latest+runtime+active+`},"Code":{"RepositoryType":"S3","Location":"*"}}`)
	shows(t, a.do(&lambda.GetFunctionConfigurationInput{FunctionName: new("f"), Qualifier: new("$LATEST")}), 200,
		`{`+configuration+`,"Version":"$LATEST","FunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST"`+runtime+active+`}`)
	shows(t, a.do(&lambda.ListFunctionsInput{}), 200, `{"Functions":[{`+configuration+latest+`}]}`)

	shows(t, a.do(&lambda.UpdateFunctionConfigurationInput{FunctionName: new("f"), MemorySize: new(int32(129))}), 200,
		`{`+strings.Replace(configuration, `"MemorySize":128`, `"MemorySize":129`, 1)+latest+runtime+updates+`}`)
	a.settled("f")
	a.do(&lambda.UpdateFunctionConfigurationInput{FunctionName: new("f"), MemorySize: new(int32(128))})
	a.settled("f")
	code := bootstrapZip(t, "#!/bin/bash\n")
	shows(t, a.do(&lambda.UpdateFunctionCodeInput{FunctionName: new("f"), ZipFile: code, DryRun: true}), 200,
		`{`+configuration+latest+runtime+active+`}`)
	shows(t, a.do(&lambda.UpdateFunctionCodeInput{FunctionName: new("f"), ZipFile: code, Publish: true}), 200,
		`{`+configuration+`,"Version":"1","FunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:f:1"`+runtime+pending+`}`)
	a.settled("f")

	shows(t, a.do(&lambda.TagResourceInput{Resource: new(apiPrefix + "function:f"), Tags: map[string]string{"k": "v"}}), 204, "")
	shows(t, a.do(&lambda.PutFunctionConcurrencyInput{FunctionName: new("f"), ReservedConcurrentExecutions: new(int32(7))}), 200, `{"ReservedConcurrentExecutions":7}`)
	shows(t, a.do(&lambda.GetFunctionInput{FunctionName: new("f")}), 200, `{"Configuration":{`+configuration+latest+runtime+active+`},
		"Code":{"RepositoryType":"S3","Location":"*"},"Tags":{"k":"v"},"Concurrency":{"ReservedConcurrentExecutions":7}}`)
	shows(t, a.do(&lambda.DeleteFunctionInput{FunctionName: new("f")}), 204, "")
	shows(t, a.do(&lambda.ListFunctionsInput{}), 200, `{"Functions":[]}`)
}

func TestAPIOptionalSettingsOnTheWire(t *testing.T) {
	a := serve(t)
	a.function("f", x86, func(in *lambda.CreateFunctionInput) {
		in.Environment = &types.Environment{Variables: map[string]string{"KEY": "<&>é"}}
		in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatJson}
		in.Description, in.Tags = new("what it is"), map[string]string{"k": "v"}
	})
	base := strings.Replace(configuration, `"Description":""`, `"Description":"what it is"`, 1)
	json := strings.Replace(base, `"LogFormat":"Text"`, `"LogFormat":"JSON","ApplicationLogLevel":"INFO","SystemLogLevel":"INFO"`, 1)
	shows(t, a.do(&lambda.GetFunctionConfigurationInput{FunctionName: new("f")}), 200,
		`{`+json+latest+runtime+active+`,"Environment":{"Variables":{"KEY":"<&>é"}}}`)
	shows(t, a.do(&lambda.UpdateFunctionConfigurationInput{
		FunctionName: new("f"), Environment: &types.Environment{}, LoggingConfig: &types.LoggingConfig{LogFormat: types.LogFormatText},
		VpcConfig: &types.VpcConfig{SubnetIds: []string{}, SecurityGroupIds: []string{}},
	}), 200, `{`+base+latest+runtime+updates+`,"Environment":{"Variables":{}},
		"VpcConfig":{"SubnetIds":[],"SecurityGroupIds":[],"VpcId":"","Ipv6AllowedForDualStack":false}}`)
}

func TestAPICreateFunctionRefuses(t *testing.T) {
	a := serve(t)
	a.function("f")
	with := func(change func(*lambda.CreateFunctionInput)) *lambda.CreateFunctionInput {
		in := a.input("new")
		change(in)
		return in
	}
	long := strings.Repeat("n", 65)
	const namePattern = `(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`
	layer := apiPrefix + "layer:l:"
	a.refuses(t, []refusal{
		{"a name that is taken", a.input("f"), "ResourceConflictException", "Function already exist: f", false},
		{"a name of 65 characters", a.input(long), "InvalidParameterValueException", violation("'"+long+"'", "functionName", "Member must have length less than or equal to 64"), false},
		{"no name at all", request{"POST", "/2015-03-31/functions", `{"Role":"` + a.role + `","Code":{}}`}, "ValidationException", violation("null", "functionName", "Member must not be null"), false},
		{"a name with a space", a.input("a b"), "ValidationException", violation("'a b'", "functionName", "Member must satisfy regular expression pattern: "+namePattern), false},
		{"a name with three fields", a.input("invalid:function:name"), "ValidationException", violation("'invalid:function:name'", "functionName", "Member must satisfy regular expression pattern: "+namePattern), false},
		{"another region", a.input("arn:aws:lambda:eu-west-1:000000000000:function:x"), "ResourceNotFoundException", "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')", false},
		{"no runtime", with(func(in *lambda.CreateFunctionInput) { in.Runtime = "" }), "InvalidParameterValueException", "Runtime and Handler are mandatory parameters for functions created with deployment packages.", false},
		{
			"a runtime that is no more", with(func(in *lambda.CreateFunctionInput) { in.Runtime = types.RuntimePython37 }), "InvalidParameterValueException",
			"The runtime parameter of python3.7 is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.", false,
		},
		{"memory below the least", with(func(in *lambda.CreateFunctionInput) { in.MemorySize = new(int32(127)) }), "ValidationException", violation("'127'", "memorySize", "Member must have value greater than or equal to 128"), false},
		{"memory above the model's most", with(func(in *lambda.CreateFunctionInput) { in.MemorySize = new(int32(32769)) }), "ValidationException", violation("'32769'", "memorySize", "Member must have value less than or equal to 32768"), false},
		{"a timeout of 0", with(func(in *lambda.CreateFunctionInput) { in.Timeout = new(int32(0)) }), "ValidationException", violation("'0'", "timeout", "Member must have value greater than or equal to 1"), false},
		{"storage below the least", with(func(in *lambda.CreateFunctionInput) {
			in.EphemeralStorage = &types.EphemeralStorage{Size: new(int32(511))}
		}), "ValidationException", violation("'511'", "ephemeralStorage.size", "Member must have value greater than or equal to 512"), false},
		{"storage above the most", with(func(in *lambda.CreateFunctionInput) {
			in.EphemeralStorage = &types.EphemeralStorage{Size: new(int32(10241))}
		}), "ValidationException", violation("'10241'", "ephemeralStorage.size", "Member must have value less than or equal to 10240"), false},
		{
			"a description of 257 characters", with(func(in *lambda.CreateFunctionInput) { in.Description = new(strings.Repeat("d", 257)) }), "ValidationException",
			violation("'"+strings.Repeat("d", 257)+"'", "description", "Member must have length less than or equal to 256"), false,
		},
		{
			"an architecture that is none", with(func(in *lambda.CreateFunctionInput) { in.Architectures = []types.Architecture{"sparc"} }), "ValidationException",
			violation("'[sparc]'", "architectures", "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"), false,
		},
		{"a reserved variable", with(func(in *lambda.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: map[string]string{"AWS_REGION": "x"}}
		}), "InvalidParameterValueException", "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION", false},
		{"more than 4 KB of variables", with(func(in *lambda.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: map[string]string{"KEY": strings.Repeat("v", 4087)}}
		}), "InvalidParameterValueException", `Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: {"KEY":"` + strings.Repeat("v", 4087) + `"}`, false},
		{"a role that does not exist", with(func(in *lambda.CreateFunctionInput) { in.Role = new("arn:aws:iam::000000000000:role/absent") }), "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda.", false},
		{"code that is no zip", with(func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = []byte("no zip") }), "InvalidParameterValueException", "Could not unzip uploaded file. Please check your file, then try to upload again.", false},
		{"a log level with text", with(func(in *lambda.CreateFunctionInput) {
			in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatText, ApplicationLogLevel: types.ApplicationLogLevelDebug}
		}), "InvalidParameterValueException", `LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or change the LogFormat to "JSON" and try again.`, false},
		{"SnapStart with a runtime that has none", with(func(in *lambda.CreateFunctionInput) {
			in.SnapStart = &types.SnapStart{ApplyOn: types.SnapStartApplyOnPublishedVersions}
		}), "InvalidParameterValueException", "provided.al2023 is not supported for SnapStart enabled functions.", false},
		{"a layer that does not exist", with(func(in *lambda.CreateFunctionInput) { in.Layers = []string{layer + "1"} }), "InvalidParameterValueException", "Layer version " + layer + "1 does not exist.", false},
		{"six layers", with(func(in *lambda.CreateFunctionInput) {
			in.Layers = []string{layer + "1", layer + "2", layer + "3", layer + "4", layer + "5", layer + "6"}
		}), "InvalidParameterValueException", "Cannot reference more than 5 layers.", false},
		{"a security group", with(func(in *lambda.CreateFunctionInput) {
			in.VpcConfig = &types.VpcConfig{SecurityGroupIds: []string{"sg-1"}, SubnetIds: []string{"subnet-1"}}
		}), "InvalidParameterValueException", "Error occurred while DescribeSecurityGroups. EC2 Error Code: InvalidGroup.NotFound. EC2 Error Message: The security group 'sg-1' does not exist", false},
		{"a capacity provider", with(func(in *lambda.CreateFunctionInput) {
			in.CapacityProviderConfig = &types.CapacityProviderConfig{LambdaManagedInstancesCapacityProviderConfig: &types.LambdaManagedInstancesCapacityProviderConfig{
				CapacityProviderArn: new(apiPrefix + "capacity-provider:p"),
			}}
		}), "InvalidParameterValueException", "CapacityProviderConfig isn't supported for Lambda Default functions.", false},
		{"51 tags", with(func(in *lambda.CreateFunctionInput) { in.Tags = numbered(51) }), "InvalidParameterValueException", "Number of tags exceeds resource tag limit.", false},
	})
}

// numbered is n different tags.
func numbered(n int) map[string]string {
	tags := map[string]string{}
	for i := range n {
		tags[strings.Repeat("k", i+1)] = "v"
	}
	return tags
}

func TestAPIFunctionsThatAreNotThere(t *testing.T) {
	a := serve(t)
	a.function("f")
	gone := "Function not found: " + apiPrefix + "function:gone"
	name, zip := new("gone"), bootstrapZip(t, "")
	a.refuses(t, []refusal{
		{"GetFunction", &lambda.GetFunctionInput{FunctionName: name}, "ResourceNotFoundException", gone, false},
		{"GetFunction of a version", &lambda.GetFunctionInput{FunctionName: new("f"), Qualifier: new("3")}, "ResourceNotFoundException", "Function not found: " + apiPrefix + "function:f:3", false},
		{"GetFunction of an alias", &lambda.GetFunctionInput{FunctionName: new("f:prod")}, "ResourceNotFoundException", "Function not found: " + apiPrefix + "function:f:prod", false},
		{"GetFunctionConfiguration", &lambda.GetFunctionConfigurationInput{FunctionName: name}, "ResourceNotFoundException", gone, false},
		{"UpdateFunctionCode", &lambda.UpdateFunctionCodeInput{FunctionName: name, ZipFile: zip}, "ResourceNotFoundException", gone, false},
		{"UpdateFunctionConfiguration", &lambda.UpdateFunctionConfigurationInput{FunctionName: name}, "ResourceNotFoundException", gone, false},
		{"DeleteFunction", &lambda.DeleteFunctionInput{FunctionName: name}, "ResourceNotFoundException", gone, false},
		{"PublishVersion", &lambda.PublishVersionInput{FunctionName: name}, "ResourceNotFoundException", gone, false},
		{"ListVersionsByFunction", &lambda.ListVersionsByFunctionInput{FunctionName: name}, "ResourceNotFoundException", gone, false},
		{"ListAliases", &lambda.ListAliasesInput{FunctionName: name}, "ResourceNotFoundException", gone, false},
		{"PutFunctionConcurrency", &lambda.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: new(int32(1))}, "ResourceNotFoundException", gone, false},
		{"GetFunctionConcurrency", &lambda.GetFunctionConcurrencyInput{FunctionName: name}, "ResourceNotFoundException", gone, false},
		{"DeleteFunctionConcurrency", &lambda.DeleteFunctionConcurrencyInput{FunctionName: name}, "ResourceNotFoundException", gone, false},
		{"GetFunctionCodeSigningConfig", &lambda.GetFunctionCodeSigningConfigInput{FunctionName: name}, "ResourceNotFoundException", gone, false},
		{"GetRuntimeManagementConfig", &lambda.GetRuntimeManagementConfigInput{FunctionName: name}, "ResourceNotFoundException", gone, false},
		{"PutRuntimeManagementConfig", &lambda.PutRuntimeManagementConfigInput{FunctionName: name, UpdateRuntimeOn: types.UpdateRuntimeOnAuto}, "ResourceNotFoundException", gone, false},
		{"GetFunctionRecursionConfig", &lambda.GetFunctionRecursionConfigInput{FunctionName: name}, "ResourceNotFoundException", gone, false},
		{"PutFunctionRecursionConfig", &lambda.PutFunctionRecursionConfigInput{FunctionName: name, RecursiveLoop: types.RecursiveLoopAllow}, "ResourceNotFoundException", gone, false},
		{"Invoke", &lambda.InvokeInput{FunctionName: name}, "ResourceNotFoundException", gone + ":$LATEST", false},
		{"InvokeAsync", &lambda.InvokeAsyncInput{FunctionName: name, InvokeArgs: strings.NewReader("{}")}, "ResourceNotFoundException", gone + ":$LATEST", false},
		{"InvokeWithResponseStream", &lambda.InvokeWithResponseStreamInput{FunctionName: name}, "ResourceNotFoundException", gone + ":$LATEST", false},
	})
}

func TestAPIUpdatesAndDeletionsRefuse(t *testing.T) {
	a := serve(t)
	a.function("f")
	a.do(&lambda.CreateAliasInput{FunctionName: new("f"), Name: new("prod"), FunctionVersion: new("$LATEST")})
	name, zip := new("f"), bootstrapZip(t, "")
	stale := "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
	a.refuses(t, []refusal{
		{"code at a stale revision", &lambda.UpdateFunctionCodeInput{FunctionName: name, ZipFile: zip, RevisionId: new(absentUUID)}, "PreconditionFailedException", stale, false},
		{"a configuration at a stale revision", &lambda.UpdateFunctionConfigurationInput{FunctionName: name, RevisionId: new(absentUUID)}, "PreconditionFailedException", stale, false},
		{"a publication at a stale revision", &lambda.PublishVersionInput{FunctionName: name, RevisionId: new(absentUUID)}, "PreconditionFailedException", stale, false},
		{
			"an image for a zip function", &lambda.UpdateFunctionCodeInput{FunctionName: name, ImageUri: new("000000000000.dkr.ecr.us-east-1.amazonaws.com/i:1")}, "InvalidParameterValueException",
			"Please don't provide ImageUri when updating a function with packageType Zip.", false,
		},
		{"a deletion of $LATEST", &lambda.DeleteFunctionInput{FunctionName: name, Qualifier: new("$LATEST")}, "InvalidParameterValueException", "$LATEST version cannot be deleted without deleting the function.", false},
		{"a deletion of an alias", &lambda.DeleteFunctionInput{FunctionName: name, Qualifier: new("prod")}, "InvalidParameterValueException", "Deletion of aliases is not currently supported.", false},
		{"two qualifiers that differ", &lambda.GetFunctionInput{FunctionName: new("f:1"), Qualifier: new("2")}, "InvalidParameterValueException", "The derived qualifier from the function name does not match the specified qualifier.", false},
		{
			"a function of another account", &lambda.GetFunctionInput{FunctionName: new("arn:aws:lambda:us-east-1:111111111111:function:f")}, "AccessDeniedException",
			"User: arn:aws:iam::000000000000:root is not authorized to perform: lambda:GetFunction on resource: arn:aws:lambda:us-east-1:111111111111:function:f because no resource-based policy allows the lambda:GetFunction action", false,
		},
		{"tags on a version", &lambda.TagResourceInput{Resource: new(apiPrefix + "function:f:1"), Tags: map[string]string{"k": "v"}}, "InvalidParameterValueException", "Tags on function aliases and versions are not supported. Please specify a function ARN.", false},
		{"tags on nothing", &lambda.ListTagsInput{Resource: new(apiPrefix + "function:gone")}, "ResourceNotFoundException", "Function not found: " + apiPrefix + "function:gone", false},
		{"51 tags", &lambda.TagResourceInput{Resource: new(apiPrefix + "function:f"), Tags: numbered(51)}, "InvalidParameterValueException", "Number of tags exceeds resource tag limit.", false},
		{"no tags", &lambda.TagResourceInput{Resource: new(apiPrefix + "function:f"), Tags: map[string]string{}}, "InvalidParameterValueException", "An error occurred and the request cannot be processed.", false},
		{"tags on a mapping that is not there", &lambda.ListTagsInput{Resource: new(apiPrefix + "event-source-mapping:" + absentUUID)}, "ResourceNotFoundException", "Event source mapping not found: " + apiPrefix + "event-source-mapping:" + absentUUID, false},
		{"tags on a capacity provider that is not there", &lambda.ListTagsInput{Resource: new(apiPrefix + "capacity-provider:p")}, "ResourceNotFoundException", "Capacity provider not found: " + apiPrefix + "capacity-provider:p", false},
	})
}
