package e2e

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/hearthfaas/hearth/internal/harness"
)

// wantCode fails unless err is AWS's exception of that name, and returns its message.
func wantCode(t *testing.T, err error, code string) string {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Fatalf("got error %v, want %s", err, code)
	}
	return api.ErrorMessage()
}

// Goal: whatever a caller sends, the answer is AWS's error and the next request is
// served. Method: each bad request is followed by a good one.
func TestRootBadInputGetsAWSsErrorAndTheNextRequestIsServed(t *testing.T) {
	h := up(t, "")
	h.function(t, "good", `exports.handler = async (e) => e`)
	role, err := harness.LogsRole(t.Context(), h.aws)
	if err != nil {
		t.Fatal(err)
	}
	create := func(change func(*lambda.CreateFunctionInput)) error {
		code, err := harness.ZipFiles(map[string]string{"index.js": "exports.handler = async () => 1"})
		if err != nil {
			t.Fatal(err)
		}
		in := &lambda.CreateFunctionInput{
			FunctionName: aws.String("bad"), Runtime: types.Runtime(node), Handler: aws.String("index.handler"), Role: &role,
			Code: &types.FunctionCode{ZipFile: code},
		}
		change(in)
		_, err = h.lambda.CreateFunction(t.Context(), in)
		return err
	}
	invoke := func(name, payload string, options ...func(*lambda.Options)) error {
		_, err := h.lambda.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &name, Payload: []byte(payload)}, options...)
		return err
	}
	for _, tt := range []struct {
		name    string
		do      func() error
		code    string
		message string
		status  int
	}{
		{
			"a package that is no zip",
			func() error {
				return create(func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = []byte("no zip") })
			},
			"InvalidParameterValueException", "Could not unzip uploaded file. Please check your file, then try to upload again.", 400,
		},
		{
			"a zip with a path that leads out",
			func() error {
				return create(func(in *lambda.CreateFunctionInput) {
					in.Code.ZipFile, _ = harness.ZipFiles(map[string]string{"../../../tmp/evil": "x", "index.js": "1"})
				})
			},
			"InvalidParameterValueException", "", 400,
		},
		{
			"a zip that unpacks to more than 250 MB",
			func() error { return create(func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = bomb(t) }) },
			"InvalidParameterValueException", "Unzipped size must be smaller than", 400,
		},
		{
			"an empty package",
			func() error {
				return create(func(in *lambda.CreateFunctionInput) { in.Code.ZipFile, _ = harness.ZipFiles(nil) })
			},
			"InvalidParameterValueException", "", 400,
		},
		{
			"a runtime that does not exist",
			func() error { return create(func(in *lambda.CreateFunctionInput) { in.Runtime = "nodejs1.x" }) },
			"InvalidParameterValueException", "Value nodejs1.x at 'runtime' failed to satisfy constraint", 400,
		},
		{
			"a name of 65 characters",
			func() error {
				return create(func(in *lambda.CreateFunctionInput) { in.FunctionName = aws.String(strings.Repeat("x", 65)) })
			},
			"InvalidParameterValueException", "Member must have length less than or equal to 64", 400,
		},
		{
			"an environment over 4 KB",
			func() error {
				return create(func(in *lambda.CreateFunctionInput) {
					in.Environment = &types.Environment{Variables: map[string]string{"KEY": strings.Repeat("v", 4096)}}
				})
			},
			"InvalidParameterValueException", "exceeded the 4KB limit", 400,
		},
		{
			"a reserved environment variable",
			func() error {
				return create(func(in *lambda.CreateFunctionInput) {
					in.Environment = &types.Environment{Variables: map[string]string{"AWS_REGION": "x"}}
				})
			},
			"InvalidParameterValueException", "Reserved keys used in this request: AWS_REGION", 400,
		},
		{
			"a role that does not exist",
			func() error {
				return create(func(in *lambda.CreateFunctionInput) {
					in.Role = aws.String("arn:aws:iam::000000000000:role/absent")
				})
			},
			"InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda.", 400,
		},
		{
			"too much memory",
			func() error {
				return create(func(in *lambda.CreateFunctionInput) { in.MemorySize = aws.Int32(20000000) })
			},
			"ValidationException", "less than or equal to", 400,
		},
		{
			"a name that is taken",
			func() error {
				return create(func(in *lambda.CreateFunctionInput) { in.FunctionName = aws.String("good") })
			},
			"ResourceConflictException", "Function already exist: good", 409,
		},
		{
			"a function that does not exist", func() error { return invoke("absent", `{}`) },
			"ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:absent", 404,
		},
		{
			"a function of another region",
			func() error { return invoke("arn:aws:lambda:eu-west-1:000000000000:function:good", `{}`) },
			"ResourceNotFoundException", "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')", 404,
		},
		{
			"a region in which the function is not",
			func() error { return invoke("good", `{}`, func(o *lambda.Options) { o.Region = "eu-west-1" }) },
			"ResourceNotFoundException", "Function not found: arn:aws:lambda:eu-west-1:", 404,
		},
		{
			"an event that is not JSON", func() error { return invoke("good", `{"half":`) },
			"InvalidRequestContentException", "Could not parse request body into json", 400,
		},
		{
			"an event of 6 MB and a byte",
			func() error { return invoke("good", `"`+strings.Repeat("x", 6291456-1)+`"`) },
			"RequestEntityTooLargeException", "6291457 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)", 413,
		},
		{
			"an event of 20 MB",
			func() error { return invoke("good", `"`+strings.Repeat("x", 20<<20)+`"`) },
			"RequestEntityTooLargeException", "Request must be smaller than 6291456 bytes for the InvokeFunction operation", 413,
		},
		{
			"a secret key that is wrong",
			func() error {
				// A client of its own: the signer of h.lambda remembers the key that it
				// derived from the right secret.
				cfg := h.aws
				cfg.Credentials = credentials.NewStaticCredentialsProvider("test", "wrong", "")
				_, err := lambda.NewFromConfig(cfg).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("good")})
				return err
			},
			"InvalidSignatureException", "", 403,
		},
		{
			"an access key that nobody has",
			func() error {
				return invoke("good", `{}`, func(o *lambda.Options) {
					o.Credentials = credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "x", "")
				})
			},
			"UnrecognizedClientException", "The security token included in the request is invalid.", 403,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.do()
			if message := wantCode(t, err, tt.code); !strings.Contains(message, tt.message) {
				t.Errorf("message %q does not have %q", message, tt.message)
			}
			var resp *smithyhttp.ResponseError
			if !errors.As(err, &resp) || resp.HTTPStatusCode() != tt.status {
				t.Errorf("status of %v, want %d", err, tt.status)
			}
			if got := h.answers(t, "good", `{"n":1}`); got != `{"n":1}` {
				t.Errorf("the next request: got %s", got)
			}
		})
	}
}

func TestRootTheLargestEventIsServed(t *testing.T) {
	h := up(t, "")
	h.function(t, "size", `exports.handler = async (e) => e.length`)
	if got, want := h.answers(t, "size", `"`+strings.Repeat("x", 6291456-2)+`"`), fmt.Sprint(6291456-2); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// bomb is a small zip that unpacks to more than a function may have.
func bomb(t *testing.T) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	out, err := w.Create("big")
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 260 {
		if _, err := out.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}
