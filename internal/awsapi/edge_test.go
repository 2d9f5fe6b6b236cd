package awsapi

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	awsauth "github.com/aws/smithy-go/aws-http-auth/credentials"
	"github.com/aws/smithy-go/aws-http-auth/sigv4"

	"github.com/hearthfaas/hearth/internal/awshttp"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

// keyring is a small table of access keys.
type keyring map[string]struct {
	secret, token string
	expired       bool
}

func (k keyring) Lookup(_ context.Context, id, token string) (Identity, error) {
	key, ok := k[id]
	switch {
	case !ok || key.token != token:
		return Identity{}, ErrUnknownKey
	case key.expired:
		return Identity{}, ErrExpired
	}
	return Identity{SecretAccessKey: key.secret, Caller: lambda.Caller{
		Kind: lambda.PrincipalRoot, Account: "000000000000", ARN: "arn:aws:iam::000000000000:root",
		UserID: "000000000000", AccessKeyID: id,
	}}, nil
}

// gate allows everything but what it lists, and remembers what it was asked.
type gate struct {
	mu     sync.Mutex
	denied map[string]bool
	asked  []string
}

func (g *gate) AuthorizeOperation(_ context.Context, c lambda.Caller, action, resource string, _ any) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, action+" "+resource)
	if g.denied[action] {
		return lambda.Errorf(lambda.CodeAccessDenied,
			"User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
			c.ARN, action, resource, action)
	}
	return nil
}

func (g *gate) questions() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.asked...)
}

// echo is an invoker that answers with what it was given.
type echo struct {
	last InvokeInput
	// stream carries out a streamed invoke.
	stream func(ctx context.Context, in InvokeInput, sink lambda.Sink) (InvokeOutput, error)
}

func (e *echo) InvokeStream(ctx context.Context, in InvokeInput, sink lambda.Sink) (InvokeOutput, error) {
	return e.stream(ctx, in, sink)
}

func (e *echo) Invoke(_ context.Context, in InvokeInput) (InvokeOutput, error) {
	e.last = in
	switch {
	case in.FunctionName == "throttled":
		return InvokeOutput{}, lambda.Throttled(lambda.ReasonConcurrentInvocationLimit)
	case in.Type == lambda.Event:
		return InvokeOutput{Status: http.StatusAccepted}, nil
	case in.FunctionName == "failing":
		return InvokeOutput{Status: 200, ExecutedVersion: "$LATEST", Result: lambda.Result{
			FunctionError: lambda.Unhandled, Payload: []byte(`{"errorType":"E"}`), LogTail: []byte("REPORT"),
		}}, nil
	}
	return InvokeOutput{Status: 200, ExecutedVersion: "7", TraceID: "Root=1-2", Result: lambda.Result{Payload: in.Payload}}, nil
}

// bench is an edge behind a server, with clients.
type bench struct {
	url     string
	client  *http.Client
	gate    *gate
	invoker *echo
	now     time.Time
	log     *strings.Builder
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{gate: &gate{denied: map[string]bool{}}, invoker: &echo{}, now: time.Now(), log: &strings.Builder{}}
	edge, err := New(Config{
		Services: []*wire.Service{lambdaAPI(), logsAPI(), iamAPI(), stsAPI()},
		Identities: keyring{
			"AKIDGOOD": {secret: "right"},
			"ASIATEMP": {secret: "temporary", token: "token"},
			"ASIAGONE": {secret: "temporary", token: "token", expired: true},
		},
		Authorizer: b.gate,
		Invoker:    b.invoker,
		Region:     "us-east-1",
		Now:        func() time.Time { return b.now },
		Log:        slog.New(slog.NewTextHandler(b.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(edge)
	t.Cleanup(server.Close)
	b.url, b.client = server.URL, server.Client()
	return b
}

func (b *bench) config(key, secret, token string) aws.Config {
	return aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String(b.url), RetryMaxAttempts: 1, HTTPClient: awshttp.New(),
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, token),
	}
}

func (b *bench) good() aws.Config { return b.config("AKIDGOOD", "right", "") }

func lambdaAPI() *wire.Service {
	resource := func(c lambda.Caller, in *awslambda.GetFunctionConfigurationInput) string {
		return lambda.FunctionID{Account: c.Account, Region: c.Region, Name: aws.ToString(in.FunctionName)}.ARN()
	}
	return &wire.Service{Name: "lambda", Protocol: wire.RestJSON1, Operations: []wire.Operation{
		wire.Op("GetFunctionConfiguration", getFunctionConfiguration, resource),
		wire.Op("UpdateFunctionCode", func(_ context.Context, in *awslambda.UpdateFunctionCodeInput) (*awslambda.UpdateFunctionCodeOutput, error) {
			return &awslambda.UpdateFunctionCodeOutput{CodeSize: int64(len(in.ZipFile))}, nil
		}, nil),
		wire.Op("DeleteFunction", func(context.Context, *awslambda.DeleteFunctionInput) (*awslambda.DeleteFunctionOutput, error) {
			return &awslambda.DeleteFunctionOutput{}, nil
		}, nil),
	}}
}

func getFunctionConfiguration(ctx context.Context, in *awslambda.GetFunctionConfigurationInput) (*awslambda.GetFunctionConfigurationOutput, error) {
	c := lambda.CallerFrom(ctx)
	switch name := aws.ToString(in.FunctionName); name {
	case "missing":
		return nil, lambda.Errorf(lambda.CodeResourceNotFound, "Function not found: %s", name)
	case "broken":
		return nil, errors.New("the disk is on fire")
	case "panics":
		panic("nothing left")
	default:
		return &awslambda.GetFunctionConfigurationOutput{
			FunctionName: in.FunctionName, MemorySize: aws.Int32(128), Timeout: aws.Int32(3),
			Environment: &types.EnvironmentResponse{Variables: map[string]string{}},
			Description: aws.String(c.BaseURL + " " + c.Region + " " + c.SourceIP),
		}, nil
	}
}

func logsAPI() *wire.Service {
	return &wire.Service{Name: "logs", Protocol: wire.AWSJSON11, TargetPrefix: "Logs_20140328", Operations: []wire.Operation{
		wire.Op("CreateLogGroup", func(_ context.Context, in *cloudwatchlogs.CreateLogGroupInput) (*cloudwatchlogs.CreateLogGroupOutput, error) {
			if aws.ToString(in.LogGroupName) == "twice" {
				return nil, lambda.Errorf(lambda.CodeResourceAlreadyExists, "The specified log group already exists")
			}
			return &cloudwatchlogs.CreateLogGroupOutput{}, nil
		}, nil),
	}}
}

func iamAPI() *wire.Service {
	return &wire.Service{
		Name: "iam", Protocol: wire.AWSQuery, Version: "2010-05-08", Namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
		Operations: []wire.Operation{
			wire.Op("GetRole", func(_ context.Context, in *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
				if aws.ToString(in.RoleName) == "missing" {
					return nil, lambda.Errorf("NoSuchEntity", "The role with name missing cannot be found.")
				}
				return &iam.GetRoleOutput{Role: &iamtypes.Role{RoleName: in.RoleName, Tags: []iamtypes.Tag{}}}, nil
			}, nil),
		},
	}
}

func stsAPI() *wire.Service {
	identity := wire.Op("GetCallerIdentity", func(ctx context.Context, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
		c := lambda.CallerFrom(ctx)
		return &sts.GetCallerIdentityOutput{Account: &c.Account, Arn: &c.ARN, UserId: &c.UserID}, nil
	}, nil)
	identity.OwnVerdict = true
	return &wire.Service{
		Name: "sts", Protocol: wire.AWSQuery, Version: "2011-06-15", Namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
		Operations: []wire.Operation{identity},
	}
}

func TestAnOperationIsReachedByEverySDKClient(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()

	fn, err := awslambda.NewFromConfig(b.good()).GetFunctionConfiguration(ctx,
		&awslambda.GetFunctionConfigurationInput{FunctionName: aws.String("hello")})
	if err != nil {
		t.Fatalf("lambda: %v", err)
	}
	if got := aws.ToString(fn.Description); got != b.url+" eu-west-1 127.0.0.1" {
		t.Errorf("the caller's base URL, region and address: got %q", got)
	}
	if fn.Environment == nil || fn.Environment.Variables == nil {
		t.Error("an empty environment did not arrive")
	}
	if _, err := cloudwatchlogs.NewFromConfig(b.good()).CreateLogGroup(ctx,
		&cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("group")}); err != nil {
		t.Errorf("logs: %v", err)
	}
	role, err := iam.NewFromConfig(b.good()).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("role")})
	if err != nil {
		t.Fatalf("iam: %v", err)
	}
	if got := aws.ToString(role.Role.RoleName); got != "role" {
		t.Errorf("role: got %q", got)
	}
	who, err := sts.NewFromConfig(b.good()).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatalf("sts: %v", err)
	}
	if got := aws.ToString(who.Arn); got != "arn:aws:iam::000000000000:root" {
		t.Errorf("identity: got %q", got)
	}
	want := []string{
		"lambda:GetFunctionConfiguration arn:aws:lambda:eu-west-1:000000000000:function:hello",
		"logs:CreateLogGroup *", "iam:GetRole *",
	}
	if got := b.gate.questions(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("authorization was asked\n%q, want\n%q", got, want)
	}
}

func TestErrorsArriveAsTheSDKsTypedExceptions(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()

	_, err := awslambda.NewFromConfig(b.good()).GetFunctionConfiguration(ctx,
		&awslambda.GetFunctionConfigurationInput{FunctionName: aws.String("missing")})
	var notFound *types.ResourceNotFoundException
	if !errors.As(err, &notFound) || notFound.ErrorMessage() != "Function not found: missing" || aws.ToString(notFound.Type) != "User" {
		t.Errorf("lambda: got %#v", err)
	}
	_, err = cloudwatchlogs.NewFromConfig(b.good()).CreateLogGroup(ctx,
		&cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("twice")})
	var exists *logstypes.ResourceAlreadyExistsException
	if !errors.As(err, &exists) || exists.ErrorMessage() != "The specified log group already exists" {
		t.Errorf("logs: got %v", err)
	}
	_, err = iam.NewFromConfig(b.good()).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("missing")})
	var noEntity *iamtypes.NoSuchEntityException
	if !errors.As(err, &noEntity) || noEntity.ErrorMessage() != "The role with name missing cannot be found." {
		t.Errorf("iam: got %v", err)
	}
	_, err = awslambda.NewFromConfig(b.good()).Invoke(ctx, &awslambda.InvokeInput{FunctionName: aws.String("throttled")})
	var throttled *types.TooManyRequestsException
	if !errors.As(err, &throttled) || throttled.Reason != types.ThrottleReasonConcurrentInvocationLimitExceeded {
		t.Errorf("invoke: got %v", err)
	}
}

// code is the error code that an SDK client saw.
func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

func TestRequestsThatAreNotProperlySignedAreRefused(t *testing.T) {
	b := newBench(t)
	start := b.now
	cases := []struct {
		name               string
		key, secret, token string
		now                time.Time
		lambda, sts        string // the codes that each protocol calls it
	}{
		{"an unknown key", "AKIDNONE", "right", "", start, "UnrecognizedClientException", "InvalidClientTokenId"},
		{"a wrong secret", "AKIDGOOD", "wrong", "", start, "InvalidSignatureException", "SignatureDoesNotMatch"},
		{"a session key without its token", "ASIATEMP", "temporary", "", start, "UnrecognizedClientException", "InvalidClientTokenId"},
		{"a session key with another token", "ASIATEMP", "temporary", "other", start, "UnrecognizedClientException", "InvalidClientTokenId"},
		{"a session that has ended", "ASIAGONE", "temporary", "token", start, "ExpiredTokenException", "ExpiredToken"},
		{"a clock six minutes behind", "AKIDGOOD", "right", "", start.Add(6 * time.Minute), "InvalidSignatureException", "SignatureDoesNotMatch"},
		{"a clock six minutes ahead", "AKIDGOOD", "right", "", start.Add(-6 * time.Minute), "InvalidSignatureException", "SignatureDoesNotMatch"},
		{"a session key with its token is let in", "ASIATEMP", "temporary", "token", start, "", ""},
		{"a clock four minutes behind is let in", "AKIDGOOD", "right", "", start.Add(4 * time.Minute), "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b.now = c.now
			cfg := b.config(c.key, c.secret, c.token)
			_, err := awslambda.NewFromConfig(cfg).GetFunctionConfiguration(t.Context(),
				&awslambda.GetFunctionConfigurationInput{FunctionName: aws.String("f")})
			if got := code(err); got != c.lambda {
				t.Errorf("lambda: got %q (%v), want %q", got, err, c.lambda)
			}
			_, err = awslambda.NewFromConfig(cfg).Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("f")})
			if got := code(err); got != c.lambda {
				t.Errorf("invoke: got %q (%v), want %q", got, err, c.lambda)
			}
			_, err = sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
			if got := code(err); got != c.sts {
				t.Errorf("sts: got %q (%v), want %q", got, err, c.sts)
			}
		})
	}
}

func TestAPresignedRequestIsAnswered(t *testing.T) {
	b := newBench(t)
	signed, err := sts.NewPresignClient(sts.NewFromConfig(b.good())).PresignGetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	status, body, _ := b.send(t, signed.Method, signed.URL, "", nil)
	if status != 200 || !strings.Contains(body, "<Arn>arn:aws:iam::000000000000:root</Arn>") {
		t.Errorf("got %d %s", status, body)
	}
	status, body, _ = b.send(t, signed.Method, strings.Replace(signed.URL, "GetCallerIdentity", "GetSessionToken", 1), "", nil)
	if status != 403 || !strings.Contains(body, "<Code>SignatureDoesNotMatch</Code>") {
		t.Errorf("another action under the same signature: got %d %s", status, body)
	}
	b.now = b.now.Add(16 * time.Minute) // the SDK presigns for 15
	status, body, _ = b.send(t, signed.Method, signed.URL, "", nil)
	if status != 403 || !strings.Contains(body, "Signature expired") {
		t.Errorf("after it expired: got %d %s", status, body)
	}
}

// send sends a request as it is, unsigned unless the URL is.
func (b *bench) send(t *testing.T, method, url, body string, header map[string]string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	res, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(got), res.Header
}

func TestAnUnsignedRequestIsRefusedInItsOwnProtocol(t *testing.T) {
	b := newBench(t)
	cases := []struct {
		name, method, path, body string
		header                   map[string]string
		status                   int
		want                     string
	}{
		{"restJson1", "GET", "/2015-03-31/functions", "", nil, 403, `{"message":"Missing Authentication Token"}`},
		{"invoke", "POST", "/2015-03-31/functions/f/invocations", "{}", nil, 403, `{"message":"Missing Authentication Token"}`},
		{
			"awsJson", "POST", "/", "{}",
			map[string]string{"X-Amz-Target": "Logs_20140328.CreateLogGroup"},
			400,
			`{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}`,
		},
		{"awsQuery", "GET", "/?Action=GetUser", "", nil, 403, "<Code>MissingAuthenticationToken</Code>"},
		{
			"a broken header", "GET", "/2015-03-31/functions", "",
			map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=x"},
			403,
			"Authorization header requires 'Signature' parameter.",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			status, body, header := b.send(t, c.method, b.url+c.path, c.body, c.header)
			if status != c.status || !strings.Contains(body, c.want) {
				t.Errorf("got %d %s, want %d %s", status, body, c.status, c.want)
			}
			if header.Get("X-Amzn-Requestid") == "" || header.Get("Date") == "" {
				t.Errorf("the answer has no request id or date: %v", header)
			}
		})
	}
}

func TestHealthNeedsNoSignatureAndOtherPathsOfOursAreNeverAWSs(t *testing.T) {
	b := newBench(t)
	if status, body, _ := b.send(t, "GET", b.url+"/_hearth/health", "", nil); status != 200 || body != `{"status":"ok"}` {
		t.Errorf("health: got %d %s", status, body)
	}
	if status, _, _ := b.send(t, "GET", b.url+"/_hearth/nothing", "", nil); status != 404 {
		t.Errorf("an unknown page: got %d", status)
	}
}

func TestWhatHearthDoesNotHaveIsSaidClearly(t *testing.T) {
	b := newBench(t)
	_, err := awslambda.NewFromConfig(b.good()).ListFunctions(t.Context(), &awslambda.ListFunctionsInput{})
	if code(err) != "NotImplementedException" || !strings.Contains(err.Error(), "Hearth does not support lambda:ListFunctions yet.") {
		t.Errorf("an operation: got %v", err)
	}
	_, err = awslambda.NewFromConfig(b.good()).GetFunctionConfiguration(t.Context(), &awslambda.GetFunctionConfigurationInput{FunctionName: aws.String("f")},
		func(o *awslambda.Options) { o.BaseEndpoint = aws.String(b.url + "/elsewhere") })
	if code(err) != lambda.CodeUnknownOperation {
		t.Errorf("a path: got %v", err)
	}
}

func TestARefusalOfTheAuthorizerReachesTheCaller(t *testing.T) {
	b := newBench(t)
	b.gate.denied["lambda:GetFunctionConfiguration"] = true
	b.gate.denied["iam:GetRole"] = true
	_, err := awslambda.NewFromConfig(b.good()).GetFunctionConfiguration(t.Context(),
		&awslambda.GetFunctionConfigurationInput{FunctionName: aws.String("f")})
	if code(err) != "AccessDeniedException" || !strings.Contains(err.Error(), "is not authorized to perform: lambda:GetFunctionConfiguration") {
		t.Errorf("lambda: got %v", err)
	}
	_, err = iam.NewFromConfig(b.good()).GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("r")})
	if code(err) != "AccessDenied" {
		t.Errorf("iam: got %v", err)
	}
}

func TestFaultsOfOursAreLoggedAndNotShown(t *testing.T) {
	for _, name := range []string{"broken", "panics"} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			_, err := awslambda.NewFromConfig(b.good()).GetFunctionConfiguration(t.Context(),
				&awslambda.GetFunctionConfigurationInput{FunctionName: aws.String(name)})
			var fault *types.ServiceException
			if !errors.As(err, &fault) || aws.ToString(fault.Type) != "Service" {
				t.Fatalf("got %v", err)
			}
			for _, secret := range []string{"fire", "nothing left"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the caller was told %q", err)
				}
			}
			if log := b.log.String(); strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, "request_id=") {
				t.Errorf("the log is %q", log)
			}
		})
	}
}

func TestInvokePassesEverythingOnAndBack(t *testing.T) {
	b := newBench(t)
	client := awslambda.NewFromConfig(b.good())
	out, err := client.Invoke(t.Context(), &awslambda.InvokeInput{
		FunctionName: aws.String("arn:aws:lambda:eu-west-1:000000000000:function:f"), Qualifier: aws.String("prod"),
		Payload: []byte(`{"n": 1.0, "s": "<&>"}`), LogType: types.LogTypeTail, ClientContext: aws.String("e30="),
	})
	if err != nil {
		t.Fatal(err)
	}
	in := b.invoker.last
	if in.FunctionName != "arn:aws:lambda:eu-west-1:000000000000:function:f" || in.Qualifier != "prod" ||
		in.LogType != "Tail" || in.ClientContext != "e30=" || in.Type != lambda.RequestResponse {
		t.Errorf("the invoker was given %+v", in)
	}
	if in.Caller.Account != "000000000000" || in.Caller.Region != "eu-west-1" || in.Caller.RequestID == "" {
		t.Errorf("the invoker was given the caller %+v", in.Caller)
	}
	if string(out.Payload) != `{"n": 1.0, "s": "<&>"}` || out.StatusCode != 200 || aws.ToString(out.ExecutedVersion) != "7" {
		t.Errorf("got %d %s version %s", out.StatusCode, out.Payload, aws.ToString(out.ExecutedVersion))
	}

	out, err = client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("failing")})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(out.FunctionError) != "Unhandled" || aws.ToString(out.LogResult) != "UkVQT1JU" || out.StatusCode != 200 {
		t.Errorf("a failed function: got %+v", out)
	}
	out, err = client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("f"), InvocationType: types.InvocationTypeEvent})
	if err != nil || out.StatusCode != 202 || len(out.Payload) != 0 {
		t.Errorf("an event: got %+v, %v", out, err)
	}
}

func TestBodiesAreLimited(t *testing.T) {
	b := newBench(t)
	client := awslambda.NewFromConfig(b.good())
	_, err := client.Invoke(t.Context(), &awslambda.InvokeInput{
		FunctionName: aws.String("f"), Payload: make([]byte, InvokeBodyMax+1),
	})
	if code(err) != lambda.CodeRequestEntityTooLarge ||
		!strings.Contains(err.Error(), "Request must be smaller than 6291456 bytes for the InvokeFunction operation") {
		t.Errorf("a payload far over the limit: got %v", err)
	}
	if _, err = client.Invoke(t.Context(), &awslambda.InvokeInput{
		FunctionName: aws.String("f"), Payload: make([]byte, lambda.PayloadMax+1),
	}); err != nil {
		t.Errorf("a payload just over the limit is the invoker's to judge: got %v", err)
	}
	out, err := client.UpdateFunctionCode(t.Context(), &awslambda.UpdateFunctionCodeInput{
		FunctionName: aws.String("f"), ZipFile: make([]byte, 20<<20),
	})
	if err != nil || out.CodeSize != 20<<20 {
		t.Errorf("a package of 20 MiB: got %+v, %v", out, err)
	}
	_, err = client.UpdateFunctionCode(t.Context(), &awslambda.UpdateFunctionCodeInput{
		FunctionName: aws.String("f"), ZipFile: make([]byte, 54<<20),
	})
	if code(err) != lambda.CodeRequestEntityTooLarge ||
		!strings.Contains(err.Error(), "Request must be smaller than 70167211 bytes for the UpdateFunctionCode operation") {
		t.Errorf("a package over the limit: got %v", err)
	}
}

func TestInputsAreHeldToTheModelBeforeTheOperationIsCalled(t *testing.T) {
	b := newBench(t)
	_, err := awslambda.NewFromConfig(b.good()).GetFunctionConfiguration(t.Context(),
		&awslambda.GetFunctionConfigurationInput{FunctionName: aws.String("not a name")})
	if code(err) != "ValidationException" || !strings.Contains(err.Error(), "Value 'not a name' at 'functionName' failed to satisfy constraint") {
		t.Errorf("lambda: got %v", err)
	}
	_, err = iam.NewFromConfig(b.good()).GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("not a role")})
	if code(err) != "ValidationError" {
		t.Errorf("iam: got %v", err)
	}
	_, err = cloudwatchlogs.NewFromConfig(b.good()).CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("not a group")})
	if code(err) != "InvalidParameterException" {
		t.Errorf("logs: got %v", err)
	}
	if asked := b.gate.questions(); len(asked) != 0 {
		t.Errorf("authorization was asked %q", asked)
	}
}

func TestARequestForAServiceThatIsNotServedSaysSo(t *testing.T) {
	b := newBench(t)
	r, err := http.NewRequestWithContext(t.Context(), "GET", b.url+"/bucket", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := sigv4.New().SignRequest(&sigv4.SignRequestInput{
		Request: r, Service: "s3", Region: "us-east-1", Time: b.now, PayloadHash: sha(nil),
		Credentials: awsauth.Credentials{AccessKeyID: "AKIDGOOD", SecretAccessKey: "right"},
	}); err != nil {
		t.Fatal(err)
	}
	res, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 501 || !strings.Contains(string(body), `Hearth does not serve \"s3\".`) {
		t.Errorf("got %d %s, %v", res.StatusCode, body, err)
	}
}

func TestDeleteFunctionAnswers204WithoutABody(t *testing.T) {
	b := newBench(t)
	out, err := awslambda.NewFromConfig(b.good()).DeleteFunction(t.Context(), &awslambda.DeleteFunctionInput{FunctionName: aws.String("f")})
	if err != nil || out.StatusCode != 204 {
		t.Errorf("got %+v, %v", out, err)
	}
}
