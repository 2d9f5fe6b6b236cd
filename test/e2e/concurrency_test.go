package e2e

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/harness"
)

// environments counts the different environments that answered.
func environments(t *testing.T, answers []harness.Answer) int {
	t.Helper()
	seen := map[string]bool{}
	for _, a := range answers {
		var doc struct{ Environment string }
		if a.Payload == "" {
			continue
		}
		if err := json.Unmarshal([]byte(a.Payload), &doc); err != nil || doc.Environment == "" {
			t.Fatalf("no environment in %q (%v)", a.Payload, err)
		}
		seen[doc.Environment] = true
	}
	return len(seen)
}

func noErrors(t *testing.T, errs []error, answers []harness.Answer) {
	t.Helper()
	for i, err := range errs {
		if err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
		if answers[i].Error != "" {
			t.Fatalf("call %d: the function failed: %s", i, answers[i].Payload)
		}
	}
}

func TestRootOneEnvironmentServesCallsThatComeOneAfterTheOther(t *testing.T) {
	h := up(t, "")
	h.example(t, "slow", node, "index.handler", timeout(10))
	var answers []harness.Answer
	for range 10 {
		answers = append(answers, h.invoke(t, "slow", `{"sleep_ms":1}`))
	}
	if got := environments(t, answers); got != 1 {
		t.Errorf("%d environments served 10 calls in a row, want 1", got)
	}
}

func TestRootCallsAtTheSameTimeEachGetAnEnvironmentWhichStaysWarm(t *testing.T) {
	h := up(t, "")
	h.example(t, "slow", node, "index.handler", timeout(10))
	first, errs := h.all(t, 5, "slow", `{"sleep_ms":1000}`)
	noErrors(t, errs, first)
	if got := environments(t, first); got != 5 {
		t.Errorf("%d environments served 5 calls at the same time, want 5", got)
	}
	second, errs := h.all(t, 5, "slow", `{"sleep_ms":300}`)
	noErrors(t, errs, second)
	if got := environments(t, append(first, second...)); got != 5 {
		t.Errorf("%d environments after a second round, want the same 5", got)
	}
}

// Goal: 200 calls at the same time of a 200 ms function are all answered, by at
// most as many environments as there were calls, and once they have been idle for
// their time nothing of them is left. Method: what Hearth holds of the host after
// the first time is its stock for the next environments; a second time must not add
// to it.
func TestRootTwoHundredParallelCallsAreAllAnsweredAndNothingLeaks(t *testing.T) {
	const calls = 200
	h := up(t, "idle_timeout: 3s\nboot_ahead: 0\n") // what is made ahead does not go with idle time
	h.example(t, "slow", node, "index.handler", timeout(60))
	var stock harness.Footprint
	for i := range 2 {
		answers, errs := h.all(t, calls, "slow", `{"sleep_ms":200}`)
		noErrors(t, errs, answers)
		if got := environments(t, answers); got > calls {
			t.Errorf("%d environments for %d calls", got, calls)
		}
		if h.Functions() == 0 {
			t.Error("no environment is warm right after the calls")
		}
		eventually(t, 60*time.Second, "idle environments are gone", func() bool { return h.Functions() == 0 })
		// The last of an environment is taken away behind the scenes.
		var now harness.Footprint
		eventually(t, 20*time.Second, "what the environments held is back to the stock", func() bool {
			now = h.Footprint()
			return i == 0 || len(now.Processes) <= len(stock.Processes) && len(now.Cgroups) <= len(stock.Cgroups) &&
				len(now.Mounts) <= len(stock.Mounts) && len(now.Loops) <= len(stock.Loops)
		})
		stock = now
	}
}

func TestRootALimitIsNeverExceededAndTheRestIsThrottled(t *testing.T) {
	h := up(t, "")
	h.example(t, "slow", node, "index.handler", timeout(10))
	limit(t, h, "slow", 2)
	var all []harness.Answer
	for range 3 {
		answers, errs := h.all(t, 20, "slow", `{"sleep_ms":300}`)
		served := 0
		for _, err := range errs {
			var throttled *types.TooManyRequestsException
			switch {
			case err == nil:
				served++
			case !errors.As(err, &throttled):
				t.Fatalf("got %v, want an answer or a throttle", err)
			case throttled.Reason != types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded:
				t.Errorf("reason %q", throttled.Reason)
			case aws.ToString(throttled.Message) != "Rate Exceeded.":
				t.Errorf("message %q", aws.ToString(throttled.Message))
			}
		}
		if served != 2 {
			t.Errorf("%d of 20 calls at the same time were served, want 2", served)
		}
		all = append(all, answers...)
	}
	if got := environments(t, all); got > 2 {
		t.Errorf("%d environments with a limit of 2: a database would see as many connections", got)
	}
	limit(t, h, "slow", 0)
	if _, err := harness.Invoke(t.Context(), h.lambda, "slow", `{}`); err == nil {
		t.Error("a function with a limit of 0 ran")
	}
}

func limit(t *testing.T, h *hearth, name string, n int32) {
	t.Helper()
	_, err := h.lambda.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{
		FunctionName: &name, ReservedConcurrentExecutions: &n,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRootAnIdleEnvironmentIsTerminatedAndTheNextCallIsCold(t *testing.T) {
	h := up(t, "idle_timeout: 1s\nboot_ahead: 0\n")
	h.example(t, "random-outside", node, "index.handler")
	first := h.answers(t, "random-outside", `{}`)
	eventually(t, 20*time.Second, "the idle environment is gone", func() bool { return h.Functions() == 0 })
	if second := h.answers(t, "random-outside", `{}`); second == first {
		t.Errorf("the same environment answered after its idle time: %s", second)
	}
}

func TestRootNewCodeIsServedByNewEnvironmentsAtOnce(t *testing.T) {
	h := up(t, "")
	h.function(t, "reload", `exports.handler = async () => 1`)
	if got := h.answers(t, "reload", `{}`); got != "1" {
		t.Fatalf("got %s", got)
	}
	zip, err := harness.ZipFiles(map[string]string{"index.js": `exports.handler = async () => 2`})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.lambda.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("reload"), ZipFile: zip}); err != nil {
		t.Fatal(err)
	}
	if err := harness.WaitActive(t.Context(), h.lambda, "reload"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got := h.answers(t, "reload", `{}`); got != "2" {
			t.Errorf("after the update: got %s, want 2", got)
		}
	}
}
