package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/harness"
)

// Goal: a function does not see, and its caller does not either, that it runs in a
// worker process: its calls to AWS, its log, its errors, streams, layers, large events
// and updates are those of a function in the control process.
func TestRootAFunctionOnAWorkerIsLikeAnyOther(t *testing.T) {
	f := fleetOf(t, "namespace", "a")
	f.function(t, "caller", caller)
	if got := f.call(t, "caller", identityCall()); got.Status != 200 || !strings.Contains(got.Body, "assumed-role") {
		t.Errorf("who it is: %d %s", got.Status, got.Body)
	}

	f.function(t, "f", `exports.handler = async (e) => {
  console.log("seen", e.word);
  if (e.hang) await new Promise((r) => setTimeout(r, 60000));
  if (e.exit) process.exit(3);
  if (e.fail) throw new TypeError(e.fail);
  return e;
};`, timeout(1))
	a := f.invoke(t, "f", `{"word":"one"}`)
	if a.Payload != `{"word":"one"}` || a.Error != "" || !strings.Contains(a.Tail, "seen one") || !strings.Contains(a.Tail, "REPORT RequestId:") {
		t.Errorf("an answer: %+v", a)
	}
	for event, want := range map[string]string{
		`{"fail":"no"}`: `"errorType":"TypeError"`, `{"hang":true}`: "Task timed out after 1.00 seconds", `{"exit":true}`: "Runtime.ExitError",
	} {
		if a := f.invoke(t, "f", event); a.Error != "Unhandled" || !strings.Contains(a.Payload, want) {
			t.Errorf("%s: %+v", event, a)
		}
	}
	large := `"` + strings.Repeat("x", 6<<20-2) + `"`
	if a := f.invoke(t, "f", large); a.Payload != large {
		t.Errorf("a large event comes back as %d bytes", len(a.Payload))
	}
	eventually(t, 30*time.Second, "its log is there", func() bool { return len(f.logLines(t, "f", "seen one")) == 1 })

	zip, err := harness.ZipFiles(map[string]string{"index.js": `exports.handler = async () => "new"`})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.lambda.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: zip}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "the new code answers", func() bool { return f.invoke(t, "f", `{}`).Payload == `"new"` })

	f.function(t, "streams", streamingSource)
	hash := sha256.New()
	if end := f.stream(t, "streams", `{"do":"large","pieces":320}`).rest(t, func(p []byte) { hash.Write(p) }); end.ErrorCode != nil {
		t.Errorf("a stream of 20 MiB ends with %s", *end.ErrorCode)
	}
	want := sha256.New()
	for i := range 320 {
		want.Write(bytes.Repeat([]byte{byte(i)}, 1<<16))
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != hex.EncodeToString(want.Sum(nil)) {
		t.Error("a stream of 20 MiB is not what was written")
	}

	arn := f.layer(t, "words", map[string]string{"nodejs/node_modules/words/index.js": `module.exports = "from a layer"`})
	f.function(t, "layered", `exports.handler = async () => require('words')`)
	f.useLayers(t, "layered", arn)
	if got := f.answers(t, "layered", `{}`); got != `"from a layer"` {
		t.Errorf("with a layer: %s", got)
	}
}

// Goal: provisioned environments on workers are there again, without being made again,
// when the control process is.
func TestRootProvisionedEnvironmentsOutliveTheControlProcess(t *testing.T) {
	f := fleetOf(t, "namespace", "a", "b")
	f.function(t, "f", `const id = require('node:crypto').randomUUID(); exports.handler = async () => id;`)
	if _, err := f.lambda.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: aws.String("f")}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.lambda.PutProvisionedConcurrencyConfig(t.Context(), &lambda.PutProvisionedConcurrencyConfigInput{
		FunctionName: aws.String("f"), Qualifier: aws.String("1"), ProvisionedConcurrentExecutions: aws.Int32(1),
	}); err != nil {
		t.Fatal(err)
	}
	ready := func() bool {
		out, err := f.lambda.GetProvisionedConcurrencyConfig(t.Context(), &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: aws.String("f"), Qualifier: aws.String("1")})
		return err == nil && out.Status == types.ProvisionedConcurrencyStatusEnumReady && *out.AvailableProvisionedConcurrentExecutions == 1
	}
	eventually(t, 30*time.Second, "provisioned concurrency is ready", ready)
	before := f.answers(t, "f:1", `{}`)
	for _, end := range []struct {
		how string
		end func() error
	}{{"killed", func() error { return f.Kill() }}, {"stopped in good order", func() error { return f.Stop() }}} {
		if err := end.end(); err != nil {
			t.Fatal(err)
		}
		f.control()
		eventually(t, 30*time.Second, "provisioned concurrency is ready again", ready)
		if after := f.answers(t, "f:1", `{}`); after != before {
			t.Errorf("%s: environment %s has become %s", end.how, before, after)
		}
		// The next call waits for a worker rather than to fail.
		if got := f.answers(t, "f", `{}`); got == "" {
			t.Errorf("%s: no answer", end.how)
		}
	}
}
