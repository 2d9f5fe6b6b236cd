package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/hearthfaas/hearth/internal/harness"
	"github.com/hearthfaas/hearth/internal/reportline"
)

// python is the first of the Pythons that the host has, or a skip.
func python(t *testing.T) string {
	t.Helper()
	for _, version := range []string{"3.11", "3.12", "3.13", "3.10", "3.9", "3.14"} {
		if _, err := exec.LookPath("python" + version); err == nil {
			return "python" + version
		}
	}
	t.Skip("this machine has no Python from 3.9 on")
	return ""
}

func TestRootANodeHandlerRunsAndItsResolvedValueIsTheResult(t *testing.T) {
	h := up(t, "")
	h.example(t, "hello", node, "index.handler")
	if got, want := h.answers(t, "hello", `{"name":"Ada"}`), `{"message":"Hello, Ada!"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRootACallbackHandlerRunsAndLambdaWaitsForTheCallback(t *testing.T) {
	h := up(t, "")
	h.example(t, "callback", node, "index.handler")
	if got, want := h.answers(t, "callback", `{}`), `{"answered":"by callback","after_ms":50}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	a := h.invoke(t, "callback", `{"fail":true}`)
	if a.Error != "Unhandled" || !strings.Contains(a.Payload, `"errorMessage":"asked to fail"`) {
		t.Errorf("got %q %s, want Unhandled with the callback's error", a.Error, a.Payload)
	}
}

func TestRootTheEventAndTheContextTellWhatTheyShould(t *testing.T) {
	h := up(t, "")
	h.example(t, "event-and-context", node, "index.handler")
	event, err := os.ReadFile("../../examples/event-and-context/event.json")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Request struct {
			Path   string
			Query  map[string]string
			Header string
			Body   string
		}
		Function struct {
			Name, Version, ARN string
			MemoryMB           string `json:"memory_mb"`
		}
		Invocation struct {
			RequestID string `json:"request_id"`
			Falls     bool   `json:"time_left_falls"`
		}
		Environment struct {
			LogGroup  string `json:"log_group"`
			LogStream string `json:"log_stream"`
			Region    string
		}
	}
	a := h.invoke(t, "event-and-context", string(event))
	if err := json.Unmarshal([]byte(a.Payload), &got); err != nil {
		t.Fatalf("%v: %s", err, a.Payload)
	}
	report, _ := reportline.Last(a.Tail)
	for _, c := range []struct{ what, got, want string }{
		{"path", got.Request.Path, "/orders"},
		{"query", got.Request.Query["dry"], "true"},
		{"header", got.Request.Header, "example"},
		{"body", got.Request.Body, `{"item":"lamp"}`},
		{"name", got.Function.Name, "event-and-context"},
		{"version", got.Function.Version, "$LATEST"},
		{"memory", got.Function.MemoryMB, "128"},
		{"ARN", got.Function.ARN, "arn:aws:lambda:us-east-1:000000000000:function:event-and-context"},
		{"request id", got.Invocation.RequestID, report.RequestID},
		{"log group", got.Environment.LogGroup, "/aws/lambda/event-and-context"},
		{"region", got.Environment.Region, "us-east-1"},
	} {
		if c.got != c.want || c.got == "" {
			t.Errorf("%s: got %q, want %q", c.what, c.got, c.want)
		}
	}
	if !got.Invocation.Falls {
		t.Error("the time left did not fall")
	}
	if !strings.Contains(got.Environment.LogStream, "[$LATEST]") {
		t.Errorf("log stream %q does not name the version", got.Environment.LogStream)
	}
}

func TestRootOtherLanguagesAndCustomRuntimesRunTheSame(t *testing.T) {
	h := up(t, "")
	t.Run("python", func(t *testing.T) {
		h.example(t, "hello-python", python(t), "lambda_function.lambda_handler")
		if got, want := h.answers(t, "hello-python", `{"name":"Ada"}`), `{"message": "Hello, Ada!"}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("go on a custom runtime", func(t *testing.T) {
		if _, err := exec.LookPath("go"); err != nil {
			t.Skip("the Go example is built with the go command, which is not on PATH")
		}
		h.example(t, "hello-go", "provided.al2023", "bootstrap")
		if got, want := h.answers(t, "hello-go", `{"name":"Ada"}`), `{"message":"Hello, Ada!"}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("shell on a custom runtime", func(t *testing.T) {
		if _, err := exec.LookPath("curl"); err != nil {
			t.Skip("the bootstrap asks the Runtime API with curl, which is not here")
		}
		h.function(t, "shell", "", func(f *harness.Function) {
			f.Runtime, f.Handler = "provided.al2023", "anything"
			f.Files = map[string]string{"bootstrap": shellBootstrap}
		})
		if got, want := h.answers(t, "shell", `{"n":1}`), `{"echo":{"n":1}}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// shellBootstrap is the custom runtime of AWS's tutorial, shortened.
const shellBootstrap = `#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
while :; do
  event=$(curl -sS -D /tmp/headers "$api/invocation/next")
  id=$(grep -i '^lambda-runtime-aws-request-id:' /tmp/headers | tr -d '\r' | cut -d' ' -f2)
  curl -sS -o /dev/null -d "{\"echo\":$event}" "$api/invocation/$id/response"
done
`

func TestRootAFunctionCannotBeCreatedForARuntimeThatTheHostLacks(t *testing.T) {
	h := up(t, "")
	err := harness.Create(t.Context(), h.aws, harness.Function{
		Name: "java", Runtime: "java21", Handler: "x.H::handle", Files: map[string]string{"x": "x"},
	})
	if message := wantCode(t, err, "InvalidParameterValueException"); !strings.Contains(message, "java21") {
		t.Errorf("the message does not name the runtime: %q", message)
	}
}

func TestRootColdAndWarmStartsAreTold(t *testing.T) {
	h := up(t, "")
	h.example(t, "random-outside", node, "index.handler")
	cold, warm := h.invoke(t, "random-outside", `{}`), h.invoke(t, "random-outside", `{}`)
	coldReport, ok1 := reportline.Last(cold.Tail)
	warmReport, ok2 := reportline.Last(warm.Tail)
	if !ok1 || !ok2 {
		t.Fatalf("REPORT lines are missing: %q, %q", cold.Tail, warm.Tail)
	}
	if !coldReport.Cold() || warmReport.Cold() {
		t.Errorf("Init Duration: first call %s, second %s; want one on the first only", coldReport.Init, warmReport.Init)
	}
	if warm.Elapsed >= cold.Elapsed {
		t.Errorf("the warm call took %s, the cold one %s", warm.Elapsed, cold.Elapsed)
	}
	type drawn struct {
		Environment string
		Invokes     int
	}
	var first, second drawn
	if err := errors.Join(json.Unmarshal([]byte(cold.Payload), &first), json.Unmarshal([]byte(warm.Payload), &second)); err != nil {
		t.Fatal(err)
	}
	if first.Environment != second.Environment || second.Invokes != 2 {
		t.Errorf("got %+v then %+v, want the value drawn once and two invokes", first, second)
	}
}

func TestRootTheAnswerOfAColdStartTellsItsParts(t *testing.T) {
	for made, config := range map[string]string{"assign": "", "sandbox": "boot_ahead: 0\n"} {
		t.Run(made, func(t *testing.T) { coldParts(t, config, made) })
	}
}

func coldParts(t *testing.T, config, made string) {
	t.Helper()
	h := up(t, config)
	_, header := h.firstCall(t, harness.Function{Name: "hello", Runtime: node, Files: map[string]string{"index.js": `exports.handler = async () => 1`}}, made)
	names := map[string]bool{}
	for _, p := range reportline.ColdStart(header, "") {
		names[p.Name] = true
	}
	parts := []string{"place", "fetch", "unpack", made, "init"}
	if made == "sandbox" {
		parts = append(parts, "runtime")
	}
	told := h.scrape(t)
	for _, want := range parts {
		if !names[want] {
			t.Errorf("the part %q is missing in %s: %q", want, reportline.ColdStartHeader, header)
		}
		// What was unpacked when the function was made took no time.
		if want != "fetch" && want != "unpack" && !strings.Contains(told, `hearth_lambda_start_seconds_count{part="`+want+`"}`) {
			t.Errorf("the part %q is not among the metrics", want)
		}
	}
	if _, err := harness.Invoke(t.Context(), h.lambda, "hello", `{}`, harness.KeepHeader(reportline.ColdStartHeader, &header)); err != nil {
		t.Fatal(err)
	}
	if header != "" {
		t.Errorf("a warm start has the parts of a cold one: %q", header)
	}
}

func TestRootADatabaseSeesOneConnectionForEachEnvironment(t *testing.T) {
	h := up(t, "")
	h.example(t, "database-outside", python(t), "lambda_function.lambda_handler")
	for i, want := range []string{
		`{"orders": 1, "connections_opened": 1}`, `{"orders": 2, "connections_opened": 1}`, `{"orders": 3, "connections_opened": 1}`,
	} {
		if got := h.answers(t, "database-outside", `{}`); got != want {
			t.Errorf("call %d: got %s, want %s", i+1, got, want)
		}
	}
}

// Goal: a runtime that speaks HTTP never misses an event, however soon the next one
// comes. Method: many calls without a pause between them.
func TestRootACustomRuntimeAnswersThousandsOfCallsInARow(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the Go example is built with the go command, which is not on PATH")
	}
	h := up(t, "")
	h.example(t, "hello-go", "provided.al2023", "bootstrap", memory(1769))
	for i := range 3000 {
		if got, want := h.answers(t, "hello-go", `{"name":"Ada"}`), `{"message":"Hello, Ada!"}`; got != want {
			t.Fatalf("call %d: got %s, want %s", i+1, got, want)
		}
	}
}
