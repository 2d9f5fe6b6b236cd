package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/harness"
	"github.com/hearthfaas/hearth/internal/reportline"
)

// healthy is a handler that fails as it is told and works otherwise.
const healthy = `
exports.handler = async (event) => {
  switch (event.how) {
    case "throw": throw new TypeError("thrown");
    case "reject": return Promise.reject("a text");
    case "exit": process.exit(event.code);
    case "signal": process.kill(process.pid, "SIGSEGV"); await new Promise(() => setInterval(() => {}, 1000));
    case "memory": { const kept = []; for (;;) kept.push(Buffer.alloc(8 << 20, 1)); }
    case "hang": for (;;);
    case "big": return "x".repeat(7 << 20);
    case "never": return new Promise(() => {});
    default: return "well";
  }
};`

func TestRootEachFailureHasItsPayloadAndTheFunctionIsHealthyAfterIt(t *testing.T) {
	h := up(t, "")
	h.function(t, "f", healthy, timeout(6), memory(192))
	for _, tt := range []struct {
		name, event   string
		wantType      string
		wantMessage   string // a regular expression for all of it
		wantInReport  string
		keepsTheState bool
	}{
		{"an exception", `{"how":"throw"}`, "TypeError", `thrown`, "", true},
		{"a rejection with a text", `{"how":"reject"}`, "string", `a text`, "", true},
		{"an exit without a reason", `{"how":"exit","code":0}`, "Runtime.ExitError", `RequestId: \S+ Error: Runtime exited without providing a reason`, "Status: error\tError Type: Runtime.ExitError", false},
		{"an exit with a code", `{"how":"exit","code":7}`, "Runtime.ExitError", `RequestId: \S+ Error: Runtime exited with error: exit status 7`, "Status: error\tError Type: Runtime.ExitError", false},
		{"a signal", `{"how":"signal"}`, "Runtime.ExitError", `RequestId: \S+ Error: Runtime exited with error: signal: segmentation fault`, "Status: error", false},
		{"out of memory", `{"how":"memory"}`, "Runtime.ExitError", `RequestId: \S+ Error: Runtime exited with error: signal: killed`, "Max Memory Used: 192 MB", false},
		{"a timeout", `{"how":"hang"}`, "Sandbox.Timedout", `RequestId: \S+ Error: Task timed out after 6\.00 seconds`, "Status: timeout", false},
		{"a response that is too big", `{"how":"big"}`, "Function.ResponseSizeTooLarge", `Response payload size exceeded maximum allowed payload size \(6291556 bytes\)\.`, "", true},
		{"a promise that is never settled", `{"how":"never"}`, "Runtime.NodeJsExit", `(?s)The Lambda runtime client detected an unexpected Node\.js exit code\..*`, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := h.invoke(t, "f", tt.event)
			var got struct{ ErrorType, ErrorMessage string }
			if err := json.Unmarshal([]byte(a.Payload), &got); err != nil {
				t.Fatalf("%v: %s", err, a.Payload)
			}
			if a.Error != "Unhandled" || got.ErrorType != tt.wantType {
				t.Errorf("got %q %q, want Unhandled %q: %s", a.Error, got.ErrorType, tt.wantType, a.Payload)
			}
			if ok, err := regexp.MatchString("^"+tt.wantMessage+"$", got.ErrorMessage); err != nil || !ok {
				t.Errorf("message %q does not match %q (%v)", got.ErrorMessage, tt.wantMessage, err)
			}
			if !strings.Contains(a.Tail, tt.wantInReport) {
				t.Errorf("the log has no %q:\n%s", tt.wantInReport, a.Tail)
			}
			if _, ok := reportline.Last(a.Tail); !ok {
				t.Errorf("the log has no REPORT line:\n%s", a.Tail)
			}
			if got := h.answers(t, "f", `{}`); got != `"well"` {
				t.Errorf("the next call: got %s", got)
			}
		})
	}
}

func TestRootAFailureOfOneCallDoesNotTouchTheOthers(t *testing.T) {
	h := up(t, "")
	h.function(t, "f", `
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
exports.handler = async (event) => { await sleep(200); if (event.crash) process.exit(1); return "well"; };`, timeout(10))
	h.all(t, 4, "f", `{}`) // four warm environments
	type outcome struct {
		harness.Answer
		err error
	}
	crash, well := make(chan outcome, 2), make(chan outcome, 2)
	for range 2 {
		go func() {
			a, err := harness.Invoke(t.Context(), h.lambda, "f", `{"crash":true}`)
			crash <- outcome{a, err}
		}()
		go func() {
			a, err := harness.Invoke(t.Context(), h.lambda, "f", `{}`)
			well <- outcome{a, err}
		}()
	}
	for range 2 {
		if o := <-crash; o.err != nil || !strings.Contains(o.Payload, "Runtime.ExitError") {
			t.Errorf("a crash: got %v %s", o.err, o.Payload)
		}
		if o := <-well; o.err != nil || o.Error != "" {
			t.Errorf("beside a crash: got %v %s", o.err, o.Payload)
		}
	}
}

func TestRootInitFailuresHaveAWSsPayloads(t *testing.T) {
	h := up(t, "")
	for _, tt := range []struct {
		name, handler string
		files         map[string]string
		runtime       string
		wantType      string
		wantMessage   string
	}{
		{"the handler's file is missing", "absent.handler", map[string]string{"index.js": "1"}, node, "Runtime.ImportModuleError", "Error: Cannot find module 'absent'"},
		{"the handler is not exported", "index.absent", map[string]string{"index.js": "exports.handler = 1"}, node, "Runtime.HandlerNotFound", "index.absent is undefined or not exported"},
		{"the handler is not a function", "index.handler", map[string]string{"index.js": "exports.handler = 1"}, node, "Runtime.HandlerNotFound", "index.handler is not a function"},
		{"the code has a syntax error", "index.handler", map[string]string{"index.js": "exports.handler = ("}, node, "Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected end of input"},
		{"the static code throws", "index.handler", map[string]string{"index.js": `throw new RangeError("at init")`}, node, "RangeError", "at init"},
		{"the static code exits", "index.handler", map[string]string{"index.js": `process.exit(9)`}, node, "Runtime.ExitError", "exit status 9"},
		{"the bootstrap is missing", "x", map[string]string{"index.js": "1"}, "provided.al2023", "Runtime.InvalidEntrypoint", "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := strings.ReplaceAll(strings.ReplaceAll(tt.name, " ", "-"), "'", "")
			h.function(t, name, "", func(f *harness.Function) { f.Files, f.Handler, f.Runtime = tt.files, tt.handler, tt.runtime })
			for i := range 2 { // an environment that could not start must not be kept
				a := h.invoke(t, name, `{}`)
				var got struct{ ErrorType, ErrorMessage string }
				if err := json.Unmarshal([]byte(a.Payload), &got); err != nil {
					t.Fatalf("%v: %s", err, a.Payload)
				}
				if a.Error != "Unhandled" || got.ErrorType != tt.wantType || !strings.Contains(got.ErrorMessage, tt.wantMessage) {
					t.Errorf("call %d: got %q %s, want %q with %q", i+1, a.Error, a.Payload, tt.wantType, tt.wantMessage)
				}
			}
		})
	}
	h.function(t, "good", `exports.handler = async () => "well"`)
	if got := h.answers(t, "good", `{}`); got != `"well"` {
		t.Errorf("another function after them: got %s", got)
	}
}

// Goal: an environment whose sandbox is gone is not used again. Method: process 1 of each
// sandbox is killed, as a host that is out of memory may do. No function has seen the
// next event, so that it is offered to another environment.
func TestRootALostSandboxIsReplaced(t *testing.T) {
	h := up(t, "boot_ahead: 0\n")
	h.function(t, "f", `exports.handler = async () => 1`)
	h.answers(t, "f", `{}`)
	for _, p := range h.Footprint().Processes {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID))
		if err != nil {
			t.Fatal(err)
		}
		if regexp.MustCompile(`(?m)^NSpid:\t\d+\t1$`).Match(status) {
			if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	eventually(t, 10*time.Second, "no process of a function is left", func() bool { return h.Functions() == 0 })
	for range 3 {
		if got := h.answers(t, "f", `{}`); got != "1" {
			t.Errorf("got %s", got)
		}
	}
}
