package constraint

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const functionNamePattern = `(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`

// create is a request that breaks nothing.
func create() *awslambda.CreateFunctionInput {
	return &awslambda.CreateFunctionInput{
		FunctionName: aws.String("hello"), Role: aws.String("arn:aws:iam::000000000000:role/r"),
		Code: &types.FunctionCode{ZipFile: []byte("zip")}, Handler: aws.String("index.handler"), Runtime: types.RuntimeNodejs22x,
	}
}

func changed(change func(*awslambda.CreateFunctionInput)) *awslambda.CreateFunctionInput {
	in := create()
	change(in)
	return in
}

func TestViolationsAreToldInAWSsWords(t *testing.T) {
	long := strings.Repeat("n", 141)
	cases := []struct {
		name, service string
		in            any
		want          string // empty: no violation
	}{
		{"a request that is right passes", "lambda", create(), ""},
		{
			"a missing member", "lambda", changed(func(in *awslambda.CreateFunctionInput) { in.Role = nil }),
			"1 validation error detected: Value null at 'role' failed to satisfy constraint: Member must not be null",
		},
		{
			"two violations are joined", "lambda", changed(func(in *awslambda.CreateFunctionInput) { in.Role, in.Code = nil, nil }),
			"2 validation errors detected: Value null at 'code' failed to satisfy constraint: Member must not be null; " +
				"Value null at 'role' failed to satisfy constraint: Member must not be null",
		},
		{
			"a number over its range", "lambda", changed(func(in *awslambda.CreateFunctionInput) { in.Timeout = aws.Int32(5401) }),
			"1 validation error detected: Value '5401' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 5400",
		},
		{
			"a number under its range", "lambda", changed(func(in *awslambda.CreateFunctionInput) { in.MemorySize = aws.Int32(64) }),
			"1 validation error detected: Value '64' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128",
		},
		{
			"a pattern", "lambda", changed(func(in *awslambda.CreateFunctionInput) { in.FunctionName = aws.String("a b") }),
			"1 validation error detected: Value 'a b' at 'functionName' failed to satisfy constraint: " +
				"Member must satisfy regular expression pattern: " + functionNamePattern,
		},
		{
			"a name with too many colons", "lambda", changed(func(in *awslambda.CreateFunctionInput) { in.FunctionName = aws.String("invalid:function:name") }),
			"1 validation error detected: Value 'invalid:function:name' at 'functionName' failed to satisfy constraint: " +
				"Member must satisfy regular expression pattern: " + functionNamePattern,
		},
		{
			"a long bare name on create is the service's to refuse", "lambda",
			changed(func(in *awslambda.CreateFunctionInput) { in.FunctionName = &long }), "",
		},
		{
			"a long ARN on create", "lambda",
			changed(func(in *awslambda.CreateFunctionInput) { in.FunctionName = aws.String("function:" + long) }),
			"1 validation error detected: Value 'function:" + long + "' at 'functionName' failed to satisfy constraint: " +
				"Member must have length less than or equal to 140",
		},
		{
			"a long bare name on a read of the same shape", "lambda", &awslambda.PublishVersionInput{FunctionName: &long},
			"1 validation error detected: Value '" + long + "' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 140",
		},
		{
			"an enum", "lambda", changed(func(in *awslambda.CreateFunctionInput) { in.PackageType = "Tar" }),
			"1 validation error detected: Value 'Tar' at 'packageType' failed to satisfy constraint: Member must satisfy enum value set: [Zip, Image]",
		},
		{"the runtime is the service's to check", "lambda", changed(func(in *awslambda.CreateFunctionInput) { in.Runtime = "cobol" }), ""},
		{"a member of a member", "lambda", changed(func(in *awslambda.CreateFunctionInput) {
			in.TracingConfig = &types.TracingConfig{Mode: "Sometimes"}
		}), "1 validation error detected: Value 'Sometimes' at 'tracingConfig.mode' failed to satisfy constraint: Member must satisfy enum value set: [Active, PassThrough]"},
		{"a list that is too long", "lambda", changed(func(in *awslambda.CreateFunctionInput) {
			in.Architectures = []types.Architecture{"x86_64", "arm64"}
		}), "1 validation error detected: Value '[x86_64, arm64]' at 'architectures' failed to satisfy constraint: Member must have length less than or equal to 1"},
		{
			"a member of a list", "lambda", changed(func(in *awslambda.CreateFunctionInput) { in.Architectures = []types.Architecture{"z80"} }),
			"1 validation error detected: Value '[z80]' at 'architectures' failed to satisfy constraint: " +
				"Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]",
		},
		{"a structure in a list", "lambda", changed(func(in *awslambda.CreateFunctionInput) {
			in.FileSystemConfigs = []types.FileSystemConfig{{Arn: aws.String("arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-00000000000000000")}}
		}), "1 validation error detected: Value null at 'fileSystemConfigs.1.member.localMountPath' failed to satisfy constraint: Member must not be null"},
		{"a key of a map", "lambda", changed(func(in *awslambda.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: map[string]string{"1A": "foo"}}
		}), "1 validation error detected: Value '{1A=foo}' at 'environment.variables' failed to satisfy constraint: " +
			"Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+, Member must not be null]"},
		{
			"an alias that is a number", "lambda", &awslambda.CreateAliasInput{
				FunctionName: aws.String("f"), FunctionVersion: aws.String("1"), Name: aws.String("12"),
			},
			"1 validation error detected: Value '12' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)",
		},
		{"an alias with a letter", "lambda", &awslambda.CreateAliasInput{
			FunctionName: aws.String("f"), FunctionVersion: aws.String("1"), Name: aws.String("v12"),
		}, ""},
		{"a full ARN with an alias", "lambda", &awslambda.GetFunctionInput{
			FunctionName: aws.String("arn:aws:lambda:eu-west-1:000000000000:function:f:prod"), Qualifier: aws.String("$LATEST"),
		}, ""},
		{
			"a page size", "lambda", &awslambda.ListFunctionsInput{MaxItems: aws.Int32(0)},
			"1 validation error detected: Value '0' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1",
		},
		{
			"a log group", "logs", &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("a b")},
			`1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+`,
		},
		{
			"a role", "iam", &iam.GetRoleInput{RoleName: aws.String("a b")},
			`1 validation error detected: Value 'a b' at 'roleName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]+`,
		},
		{
			"a session", "sts", &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::000000000000:role/r"), RoleSessionName: aws.String("session"), DurationSeconds: aws.Int32(899)},
			`1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900`,
		},
	}
	codes := map[string]string{"lambda": "ValidationException", "logs": "InvalidParameterException", "iam": "ValidationError", "sts": "ValidationError"}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := For(c.service).Check(c.in)
			if c.want == "" {
				if err != nil {
					t.Fatalf("got %v", err)
				}
				return
			}
			var e *lambda.Error
			if !errors.As(err, &e) || e.Message != c.want || e.Code != codes[c.service] {
				t.Errorf("got\n%v\nwant\n%s: %s", err, codes[c.service], c.want)
			}
		})
	}
}

func TestEveryPatternOfTheModelsIsKnownToGo(t *testing.T) {
	n := 0
	for _, shapes := range [][]shape{
		lambdaShapes, logsShapes, iamShapes, stsShapes, snsShapes, eventsShapes, schedulerShapes, dynamodbShapes, dynamodbstreamsShapes, cloudwatchShapes,
	} {
		for _, s := range shapes {
			if s.pattern != "" {
				compile(s.pattern)
				n++
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d patterns: the tables are not whole", n)
	}
}

func TestPatternsWithLookAroundMatchAsJavaDoes(t *testing.T) {
	const bucket = `[0-9A-Za-z\.\-_]*(?<!\.)`
	const source = `^(?=[/\.\-_A-Za-z0-9]+)((?!aws\.).*)|(\$(\.[\w_-]+(\[(\d+|\*)\])*)*)$`
	cases := []struct {
		pattern, in string
		want        bool
	}{
		{`(?!^[0-9]+$)([a-zA-Z0-9-_]+)`, "1a", true},
		{`(?!^[0-9]+$)([a-zA-Z0-9-_]+)`, "11", false},
		{bucket, "my.bucket", true},
		{bucket, "my.bucket.", false},
		{`(^(?!(system\x2e)))(^[_a-zA-Z0-9])([^$]*)`, "systemic", true},
		{`(^(?!(system\x2e)))(^[_a-zA-Z0-9])([^$]*)`, "system.users", false},
		{`^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$`, "my-alias", true},
		{`^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$`, "my--alias", false},
		{source, "my.app", true},
		{source, "awesome", true},
		{source, "$.detail.source", true},
		{source, "aws.ec2", false},
		{source, " my.app", false},
		{`^(?!\s*$).+`, " a", true},
		{`^(?!\s*$).+`, "  ", false},
		{functionURLName, "f:prod", true},
		{functionURLName, "f:12", false},
		{functionURLName, "arn:aws:lambda:eu-west-1:000000000000:function:f:12", false},
		{`[\u0009\u000A\u000D\u0020-\u00FF]+`, "{\n}", true},
		{`[\u0009\u000A\u000D\u0020-\u00FF]+`, "\x01", false},
	}
	for _, c := range cases {
		if got := matches(c.pattern, c.in); got != c.want {
			t.Errorf("%s on %q: got %t", c.pattern, c.in, got)
		}
	}
}
