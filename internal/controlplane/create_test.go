package controlplane

import (
	"fmt"
	"strings"
	"testing"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func TestCreateAnswersPendingAndBecomesActive(t *testing.T) {
	p := &peers{gate: make(chan struct{})}
	h := startOn(t, newMem(), p)
	out := must(h.CreateFunction(h.ctx, createInput("f")))
	if out.State != types.StatePending || *out.StateReason != "The function is being created." || out.StateReasonCode != "Creating" {
		t.Errorf("State = %s, %v, %s", out.State, out.StateReason, out.StateReasonCode)
	}
	if out.LastUpdateStatus != "" || out.LastUpdateStatusReason != nil {
		t.Errorf("LastUpdateStatus = %q, want that it is absent", out.LastUpdateStatus)
	}
	if *out.FunctionArn != fARN || *out.Version != "$LATEST" {
		t.Errorf("ARN %s, version %s", *out.FunctionArn, *out.Version)
	}
	target := must(h.Lookup(fid("f"), ""))
	shows(t, target.Invocable(), "ResourceConflictException: The operation cannot be performed at this time. The function is currently in the following state: Pending")
	_, err := h.PublishVersion(h.ctx, &awslambda.PublishVersionInput{FunctionName: new("f")})
	shows(t, err, "ResourceConflictException: The operation cannot be performed at this time. The function is currently in the following state: Pending")

	close(p.gate)
	h.awaitSettled("f")
	got := h.config("f")
	if got.State != types.StateActive || got.LastUpdateStatus != types.LastUpdateStatusSuccessful || got.StateReason != nil {
		t.Errorf("later State = %s, %s, %v", got.State, got.LastUpdateStatus, got.StateReason)
	}
	if *got.RevisionId == *out.RevisionId {
		t.Error("RevisionId is the same after Pending became Active")
	}
	shows(t, must(h.Lookup(fid("f"), "")).Invocable(), "")
}

func TestAConfigurationHasEverythingThatIsAlwaysPresent(t *testing.T) {
	h := start(t)
	out := h.create("f")
	zip := zipWith("v1")
	for _, tc := range []struct {
		member    string
		got, want any
	}{
		{"Architectures", out.Architectures[0], types.ArchitectureX8664},
		{"EphemeralStorage", *out.EphemeralStorage.Size, int32(512)},
		{"LogFormat", out.LoggingConfig.LogFormat, types.LogFormatText},
		{"LogGroup", *out.LoggingConfig.LogGroup, "/aws/lambda/f"},
		{"ApplicationLogLevel", out.LoggingConfig.ApplicationLogLevel, types.ApplicationLogLevel("")},
		{"SnapStart", *out.SnapStart, types.SnapStartResponse{ApplyOn: "None", OptimizationStatus: "Off"}},
		{"TracingConfig", out.TracingConfig.Mode, types.TracingModePassThrough},
		{"PackageType", out.PackageType, types.PackageTypeZip},
		{"Description", *out.Description, ""},
		{"MemorySize", *out.MemorySize, int32(128)},
		{"Timeout", *out.Timeout, int32(3)},
		{"CodeSize", out.CodeSize, int64(len(zip))},
		{"RuntimeVersionConfig", strings.HasPrefix(*out.RuntimeVersionConfig.RuntimeVersionArn, "arn:aws:lambda:us-east-1::runtime:"), true},
		{"Environment absent", out.Environment == nil, true},
		{"VpcConfig absent", out.VpcConfig == nil, true},
		{"DeadLetterConfig absent", out.DeadLetterConfig == nil, true},
		{"Layers absent", out.Layers == nil, true},
	} {
		if tc.got != tc.want {
			t.Errorf("%s = %v, want %v", tc.member, tc.got, tc.want)
		}
	}
	if m := *out.LastModified; len(m) != len("2026-11-07T10:11:12.345+0000") || !strings.HasSuffix(m, "+0000") {
		t.Errorf("LastModified = %s", m)
	}
	list := must(h.ListFunctions(h.ctx, &awslambda.ListFunctionsInput{})).Functions[0]
	if list.State != "" || list.LastUpdateStatus != "" || list.RuntimeVersionConfig != nil {
		t.Errorf("a list shows %q, %q, %v; want them absent", list.State, list.LastUpdateStatus, list.RuntimeVersionConfig)
	}
}

func TestCreateKeepsWhatWasAskedFor(t *testing.T) {
	h := start(t)
	h.create("f", func(in *awslambda.CreateFunctionInput) {
		in.Description, in.MemorySize, in.Timeout = new("d"), new(int32(256)), new(int32(30))
		in.Environment = &types.Environment{Variables: map[string]string{"AB": "<&>"}}
		in.EphemeralStorage = &types.EphemeralStorage{Size: new(int32(1024))}
		in.Architectures = []types.Architecture{types.ArchitectureArm64}
		in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatJson, ApplicationLogLevel: types.ApplicationLogLevelDebug}
		in.DeadLetterConfig = &types.DeadLetterConfig{TargetArn: new("arn:aws:sqs:us-east-1:123456789012:q")}
		in.TracingConfig = &types.TracingConfig{Mode: types.TracingModeActive}
		in.Tags = map[string]string{"team": "a"}
		in.VpcConfig = &types.VpcConfig{SubnetIds: []string{}}
	})
	out := must(h.GetFunction(h.ctx, &awslambda.GetFunctionInput{FunctionName: new("f")}))
	c := out.Configuration
	got := fmt.Sprintln(*c.Description, *c.MemorySize, *c.Timeout, c.Environment.Variables, *c.EphemeralStorage.Size,
		c.Architectures, c.LoggingConfig.LogFormat, c.LoggingConfig.ApplicationLogLevel, c.LoggingConfig.SystemLogLevel,
		*c.DeadLetterConfig.TargetArn, c.TracingConfig.Mode, out.Tags, *c.VpcConfig.VpcId == "", c.VpcConfig.SubnetIds != nil)
	want := fmt.Sprintln("d", 256, 30, "map[AB:<&>]", 1024, "[arm64]", "JSON", "DEBUG", "INFO",
		"arn:aws:sqs:us-east-1:123456789012:q", "Active", "map[team:a]", true, true)
	if got != want {
		t.Errorf("got  %swant %s", got, want)
	}
	v := must(h.Lookup(fid("f"), ""))
	if v.Version.MemoryMB != 256 || v.Version.Environment["AB"] != "<&>" || v.Version.ApplicationLogLevel != "DEBUG" ||
		v.DeadLetterARN == "" || v.Version.Timeout.Seconds() != 30 || v.Version.LogGroup != "/aws/lambda/f" {
		t.Errorf("the data plane sees %+v", v.Version)
	}
	digest := v.Version.CodeDigest
	if want := "http://127.0.0.1:4566/" + string(digest); *out.Code.Location != want || *out.Code.RepositoryType != "S3" {
		t.Errorf("Location = %s, want %s", *out.Code.Location, want)
	}
	if out.Concurrency != nil {
		t.Errorf("Concurrency = %v, want that it is absent", out.Concurrency)
	}
}

func TestCreateRefuses(t *testing.T) {
	const ipv = "InvalidParameterValueException: "
	long := strings.Repeat("n", 65)
	vars := func(n int, k string) map[string]string { return map[string]string{k: strings.Repeat("v", n)} }
	enum := strings.Join(currentRuntimes, ", ")
	for _, tc := range []struct {
		name string
		with func(*awslambda.CreateFunctionInput)
		want string
	}{
		{
			"a name that exists", func(in *awslambda.CreateFunctionInput) { in.FunctionName = new("taken") },
			"ResourceConflictException: Function already exist: taken",
		},
		{
			"a name that is too long", func(in *awslambda.CreateFunctionInput) { in.FunctionName = new(long) },
			ipv + "1 validation error detected: Value '" + long + "' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64",
		},
		{
			"an ARN that is too long", func(in *awslambda.CreateFunctionInput) { in.FunctionName = new(fARN + strings.Repeat("n", 100)) },
			"ValidationException: 1 validation error detected: Value '" + fARN + strings.Repeat("n", 100) + "' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 140",
		},
		{"a qualified name", func(in *awslambda.CreateFunctionInput) { in.FunctionName = new("f:prod") }, ipv + msgFunctionsOnly},
		{
			"an ARN of another region", func(in *awslambda.CreateFunctionInput) {
				in.FunctionName = new(strings.Replace(fARN, testRegion, "eu-west-1", 1))
			},
			"ResourceNotFoundException: Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
		},
		{
			"no runtime", func(in *awslambda.CreateFunctionInput) { in.Runtime = "" },
			ipv + "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
		},
		{
			"no handler", func(in *awslambda.CreateFunctionInput) { in.Handler = nil },
			ipv + "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
		},
		{
			"an unknown runtime", func(in *awslambda.CreateFunctionInput) { in.Runtime = "cobol85" },
			ipv + "Value cobol85 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [" + enum + "] or be a valid ARN",
		},
		{
			"a deprecated runtime", func(in *awslambda.CreateFunctionInput) { in.Runtime = "go1.x" },
			ipv + "The runtime parameter of go1.x is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.",
		},
		{"a runtime that the host lacks", func(in *awslambda.CreateFunctionInput) { in.Runtime = "dotnet10" }, ipv + "This host cannot run dotnet10."},
		{
			"a role that Lambda cannot assume", func(in *awslambda.CreateFunctionInput) { in.Role = new(testRole + "2") },
			ipv + "The role defined for the function cannot be assumed by Lambda.",
		},
		{
			"a role of another account", func(in *awslambda.CreateFunctionInput) { in.Role = new("arn:aws:iam::999999999999:role/lambda") },
			"AccessDeniedException: Cross-account pass role is not allowed.",
		},
		{"no code", func(in *awslambda.CreateFunctionInput) { in.Code = nil }, ipv + "Please provide a source for function code."},
		{
			"code that is no zip", func(in *awslambda.CreateFunctionInput) { in.Code.ZipFile = []byte("x") },
			ipv + "Could not unzip uploaded file. Please check your file, then try to upload again.",
		},
		{"code in S3", func(in *awslambda.CreateFunctionInput) {
			in.Code = &types.FunctionCode{S3Bucket: new("b"), S3Key: new("k")}
		}, ipv + "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist"},
		{"a container image", func(in *awslambda.CreateFunctionInput) {
			in.PackageType, in.Runtime, in.Handler = types.PackageTypeImage, "", nil
			in.Code = &types.FunctionCode{ImageUri: new("i")}
		}, ipv + "Source image i is not valid. Provide a valid source image."},
		{"a reserved variable", func(in *awslambda.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: map[string]string{"_HANDLER": "", "AWS_REGION": "", "OK": ""}}
		}, ipv + "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION, _HANDLER"},
		{"4 KB of environment and one byte", func(in *awslambda.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: vars(4096-len(`{"KK":""}`)+1, "KK")}
		}, ipv + `Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: {"KK":"` + strings.Repeat("v", 4088) + `"}`},
		{
			"more memory than there is", func(in *awslambda.CreateFunctionInput) { in.MemorySize = new(int32(10241)) },
			ipv + "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 10240",
		},
		{"a level with text logs", func(in *awslambda.CreateFunctionInput) {
			in.LoggingConfig = &types.LoggingConfig{ApplicationLogLevel: "INFO"}
		}, ipv + `LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or change the LogFormat to "JSON" and try again.`},
		{"SnapStart of a runtime without it", func(in *awslambda.CreateFunctionInput) {
			in.SnapStart = &types.SnapStart{ApplyOn: "PublishedVersions"}
		}, ipv + "nodejs20.x is not supported for SnapStart enabled functions."},
		{"six layers", func(in *awslambda.CreateFunctionInput) { in.Layers = make([]string, 6) }, ipv + "Cannot reference more than 5 layers."},
		{
			"an unknown layer", func(in *awslambda.CreateFunctionInput) {
				in.Layers = []string{"arn:aws:lambda:us-east-1:123456789012:layer:l:1"}
			},
			ipv + "Layer version arn:aws:lambda:us-east-1:123456789012:layer:l:1 does not exist.",
		},
		{
			"a layer of another region", func(in *awslambda.CreateFunctionInput) {
				in.Layers = []string{"arn:aws:lambda:eu-west-1:123456789012:layer:l:1"}
			},
			ipv + "Layers are not in the same region as the function. Layers are expected to be in region us-east-1.",
		},
		{
			"a layer version below one", func(in *awslambda.CreateFunctionInput) {
				in.Layers = []string{"arn:aws:lambda:us-east-1:123456789012:layer:l:0"}
			},
			ipv + "Layer Version Cannot be less than 1",
		},
		{"one layer twice", func(in *awslambda.CreateFunctionInput) {
			in.Layers = []string{"arn:aws:lambda:us-east-1:123456789012:layer:l:1", "arn:aws:lambda:us-east-1:123456789012:layer:l:2"}
		}, ipv + "Two different versions of the same layer are not allowed to be referenced in the same function. arn:aws:lambda:us-east-1:123456789012:layer:l:1 and arn:aws:lambda:us-east-1:123456789012:layer:l:2 are versions of the same layer."},
		{
			"a security group", func(in *awslambda.CreateFunctionInput) {
				in.VpcConfig = &types.VpcConfig{SecurityGroupIds: []string{"sg-1"}}
			},
			ipv + "Error occurred while DescribeSecurityGroups. EC2 Error Code: InvalidGroup.NotFound. EC2 Error Message: The security group 'sg-1' does not exist",
		},
		{
			"an unknown code signing configuration", func(in *awslambda.CreateFunctionInput) { in.CodeSigningConfigArn = new("arn:c") },
			"CodeSigningConfigNotFoundException: The code signing configuration cannot be found. Check that the provided configuration is not deleted: arn:c.",
		},
		{"51 tags", func(in *awslambda.CreateFunctionInput) {
			in.Tags = make(map[string]string)
			for i := range 51 {
				in.Tags[fmt.Sprint("t", i)] = ""
			}
		}, ipv + "Number of tags exceeds resource tag limit."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := start(t)
			h.create("taken")
			in := createInput("f")
			tc.with(in)
			_, err := h.CreateFunction(h.ctx, in)
			shows(t, err, tc.want)
			if n := len(must(h.ListFunctions(h.ctx, &awslambda.ListFunctionsInput{})).Functions); n != 1 {
				t.Errorf("there are %d functions, want 1", n)
			}
		})
	}
}

func TestCreateTakesExactly4KBOfEnvironment(t *testing.T) {
	h := start(t)
	h.create("f", func(in *awslambda.CreateFunctionInput) {
		in.Environment = &types.Environment{Variables: map[string]string{"KK": strings.Repeat("<", 4096-len(`{"KK":""}`))}}
	})
}

func TestEveryRuntimeOfTheModelIsKnown(t *testing.T) {
	for _, r := range types.Runtime("").Values() {
		err := checkRuntimeName(string(r))
		if err != nil && strings.Contains(err.Error(), "enum value set") {
			t.Errorf("%s is neither current nor deprecated", r)
		}
	}
}

func TestCreateWithPublishAnswersVersionOneWithAnUnqualifiedARN(t *testing.T) {
	h := start(t)
	out := h.create("f", func(in *awslambda.CreateFunctionInput) { in.Publish = true })
	if *out.Version != "1" || *out.FunctionArn != fARN || out.State != types.StatePending {
		t.Errorf("answer is %s %s %s", *out.Version, *out.FunctionArn, out.State)
	}
	one := must(h.GetFunctionConfiguration(h.ctx, &awslambda.GetFunctionConfigurationInput{FunctionName: new("f:1")}))
	if one.State != types.StateActive || one.LastUpdateStatus != "Successful" || *one.FunctionArn != fARN+":1" || *one.RevisionId != *out.RevisionId {
		t.Errorf("version 1 is %s %s %s", one.State, one.LastUpdateStatus, *one.FunctionArn)
	}
	if v := h.publish("f"); v != "1" {
		t.Errorf("publishing the same again gives version %s, want 1", v)
	}
}

func TestCodeStorageIsLimited(t *testing.T) {
	h := start(t)
	h.view.mu.Lock()
	h.view.region(homeOf(fid("f"))).codeBytes = lambda.CodeStorageMax
	h.view.mu.Unlock()
	_, err := h.CreateFunction(h.ctx, createInput("f"))
	shows(t, err, "CodeStorageExceededException: Code storage limit exceeded.")
}

func TestAFunctionWhoseCodeCannotBePreparedFails(t *testing.T) {
	h := startOn(t, newMem(), &peers{warm: func() error { return invalid("bad zip") }})
	h.create("f")
	got := h.config("f")
	if got.State != types.StateFailed || got.StateReasonCode != types.StateReasonCodeInvalidZipFileException || *got.StateReason != "bad zip" || got.LastUpdateStatus != "" {
		t.Errorf("State = %s, %s, %v, %s", got.State, got.StateReasonCode, got.StateReason, got.LastUpdateStatus)
	}
}
