package e2e

import (
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/harness"
)

// nodeClientSource answers with what it was told of the invocation, or fails as asked.
const nodeClientSource = `
let calls = 0
exports.handler = async (event, context) => {
	console.log("CALL " + ++calls)
	if (event.fail) throw new TypeError("asked to")
	if (event.exit) process.exit(3)
	if (event.large) return "x".repeat(event.large)
	return { event, id: context.awsRequestId, arn: context.invokedFunctionArn, left: context.getRemainingTimeInMillis(), memory: context.memoryLimitInMB }
}`

// Goal: the client that AWS itself publishes for Node's Runtime API runs unchanged.
// Method: as a custom runtime, through an answer, an error, a crash and a time-out.
func TestRootAWSsOwnClientForNodeRuns(t *testing.T) {
	needRoot(t)
	files, err := harness.NodeClient(nodeClientSource)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s has no client; its comment in package harness says how it is built", harness.NodeClientDir)
	}
	if err != nil {
		t.Fatal(err)
	}
	h := up(t, "")
	h.function(t, "client", "", func(f *harness.Function) {
		f.Runtime, f.Files, f.Timeout, f.Memory = "provided.al2023", files, 10, 512
	})
	var got struct {
		Event  map[string]string
		ID     string
		ARN    string
		Left   float64
		Memory any
	}
	text := h.answers(t, "client", `{"a":"ü <&>"}`)
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if got.Event["a"] != "ü <&>" || len(got.ID) != 36 || got.ARN != "arn:aws:lambda:"+here+"function:client" ||
		got.Left <= 0 || got.Left > 10_000 || got.Memory != "512" {
		t.Errorf("the answer is %s", text)
	}
	a := h.invoke(t, "client", `{"fail":true}`)
	var failure struct {
		ErrorType, ErrorMessage string
		Trace                   []string
	}
	if err := json.Unmarshal([]byte(a.Payload), &failure); err != nil || a.Error != "Unhandled" ||
		failure.ErrorType != "TypeError" || failure.ErrorMessage != "asked to" || len(failure.Trace) == 0 {
		t.Errorf("a failure: %q %s %v", a.Error, a.Payload, err)
	}
	if text := h.answers(t, "client", `{"large":5000000}`); len(text) != 5_000_002 {
		t.Errorf("a large answer has %d bytes", len(text))
	}
	if a := h.invoke(t, "client", `{"exit":true}`); a.Error != "Unhandled" || !strings.Contains(a.Payload, "Runtime.ExitError") {
		t.Errorf("a crash: %q %s", a.Error, a.Payload)
	}
	for range 50 {
		h.answers(t, "client", `{"a":"again"}`)
	}
	// Three calls in the first environment, a fourth that ended it, fifty in the next.
	eventually(t, 20*time.Second, "all calls are logged", func() bool { return len(h.logLines(t, "client", "CALL")) == 54 })
	if lines := h.logLines(t, "client", "CALL 50"); len(lines) != 1 {
		t.Errorf("the fiftieth call of one environment is logged %d times", len(lines))
	}
}
