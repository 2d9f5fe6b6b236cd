package runtimes_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/runtimeapi"
)

var (
	millis = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,3}Z`)
	second = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
)

// maskLog puts fixed words for times and the request id.
func maskLog(log string, id lambda.RequestID) string {
	log = strings.ReplaceAll(log, string(id), "ID")
	log = millis.ReplaceAllString(log, "YYYY-MM-DDTHH:MM:SS.mmmZ")
	return second.ReplaceAllString(log, "YYYY-MM-DDTHH:MM:SSZ")
}

func TestRuntimesThatExitAreGone(t *testing.T) {
	for _, c := range []struct {
		name    string
		program program
		code    int
	}{
		{"node in a handler", nodeProgram(`exports.handler = async () => process.exit(7);`), 7},
		{"node with status 0", nodeProgram(`exports.handler = async () => process.exit(0);`), 0},
		{"python in a handler", pythonProgram("import sys\ndef handler(e, c): sys.exit(7)"), 7},
		{"python by exit()", pythonProgram("def handler(e, c): exit()"), 0},
		{"python by a signal", pythonProgram("import os\ndef handler(e, c): os.kill(os.getpid(), 9)"), -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, c.program)
			_, _, err := r.try(`{}`)
			if !errors.Is(err, runtimeapi.ErrGone) || errors.Is(err, runtimeapi.ErrNotDelivered) {
				t.Errorf("got error %v, want ErrGone after delivery", err)
			}
			if got := r.exit(); got != c.code {
				t.Errorf("exit status %d, want %d", got, c.code)
			}
			if _, _, err := r.invoke(&lambda.Invocation{}); !errors.Is(err, runtimeapi.ErrNotDelivered) {
				t.Errorf("the next invocation got error %v, want ErrNotDelivered", err)
			}
		})
	}
}

func TestRuntimesEndWhenTheSessionCloses(t *testing.T) {
	for name, p := range map[string]program{
		"node":   nodeProgram(`exports.handler = async () => 1;`),
		"python": pythonProgram("def handler(e, c): return 1"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, p)
			_ = r.call(`{}`)
			if err := r.session.Close(); err != nil {
				t.Fatal(err)
			}
			if got := r.exit(); got != 0 {
				t.Errorf("exit status %d, want 0", got)
			}
		})
	}
}

func TestRuntimesShowTheInvocation(t *testing.T) {
	const context = `{"client":{"installation_id":"i"},"custom":{"k":"v"},` + "\n" + `"env":{}}`
	for _, c := range []struct {
		name, want string
		program    program
	}{
		{
			"node", `["ID","arn:aws:lambda:us-east-1:000000000000:function:f","Root=1-a","v","/aws/lambda/f","AWS_Lambda_` + nodeRuntime + `"]`,
			nodeProgram(`exports.handler = async (e, c) => [c.awsRequestId, c.invokedFunctionArn, process.env._X_AMZN_TRACE_ID, c.clientContext.custom.k, c.logGroupName, process.env.AWS_EXECUTION_ENV];`),
		},
		{
			"python", `["ID", "arn:aws:lambda:us-east-1:000000000000:function:f", "Root=1-a", "v", "i", "/aws/lambda/f", "AWS_Lambda_python3.11"]`,
			pythonProgram("import os\ndef handler(e, c): return [c.aws_request_id, c.invoked_function_arn, os.environ['_X_AMZN_TRACE_ID'], c.client_context.custom['k'], c.client_context.client.installation_id, c.log_group_name, os.environ['AWS_EXECUTION_ENV']]"),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, c.program)
			if failure := r.ready(); failure != nil {
				t.Fatalf("%s", failure.Payload)
			}
			out, id, err := r.invoke(&lambda.Invocation{Payload: []byte("{}"), TraceID: "Root=1-a", ClientContext: context})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.ReplaceAll(string(out.Payload), string(id), "ID"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestNodeLogs(t *testing.T) {
	const stamp = "YYYY-MM-DDTHH:MM:SS.mmmZ"
	asJSON := map[string]string{"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}
	for _, c := range []struct {
		name, source, want string
		env                map[string]string
	}{
		{"a line with time, id and level", `console.log("a %s", "b", { c: 1 });`, stamp + "\tID\tINFO\ta b { c: 1 }\n", nil},
		{"line ends as carriage returns", `console.error("a\nb");`, stamp + "\tID\tERROR\ta\rb\n", nil},
		{"standard output as it is", `process.stdout.write("plain\n");`, "plain\n", nil},
		{"JSON with an object as the message", `console.warn({ k: [1] });`, `{"timestamp":"` + stamp + `","level":"WARN","requestId":"ID","message":{"k":[1]}}` + "\n", asJSON},
		{"JSON with a formatted message", `console.info("n=%d", 1);`, `{"timestamp":"` + stamp + `","level":"INFO","requestId":"ID","message":"n=1"}` + "\n", asJSON},
		{"JSON below its level", `console.debug("d");`, "", asJSON},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := nodeProgram("exports.handler = async () => { " + c.source + " };")
			p.env = c.env
			r := start(t, p)
			_, id, err := r.try(`{}`)
			if err != nil {
				t.Fatal(err)
			}
			if got := maskLog(r.out.String(), id); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestNodeTakesLargePayloads(t *testing.T) {
	t.Parallel()
	r := start(t, nodeProgram(`exports.handler = async (e) => e;`))
	big := `"` + strings.Repeat("é", 1<<20) + `"`
	for _, payload := range []string{big, `1`, big} {
		if out := r.call(payload); string(out.Payload) != payload {
			t.Errorf("%d bytes came back as %d", len(payload), len(out.Payload))
		}
	}
	over := start(t, nodeProgram(`exports.handler = async (e) => 'x'.repeat(e);`))
	if out := over.call(`6291555`); out.ErrorType != lambda.ErrorResponseSizeTooLarge {
		t.Errorf("a response over the limit gave %q", out.ErrorType)
	}
	if out := over.call(`6291554`); out.FunctionError != "" || len(out.Payload) != lambda.ResponseMax {
		t.Errorf("a response at the limit gave %d bytes, %q", len(out.Payload), out.ErrorType)
	}
}
