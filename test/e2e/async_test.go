package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/harness"
)

// event sends an asynchronous invoke, which must be accepted.
func (h *hearth) event(t *testing.T, name, payload string) {
	t.Helper()
	var id string
	out, err := h.lambda.Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: &name, Payload: []byte(payload), InvocationType: types.InvocationTypeEvent,
	}, harness.KeepHeader("x-amzn-RequestId", &id))
	if err != nil {
		t.Fatalf("event for %s: %v", name, err)
	}
	if out.StatusCode != 202 || len(out.Payload) != 0 || id == "" {
		t.Fatalf("event for %s: status %d, payload %q, request id %q", name, out.StatusCode, out.Payload, id)
	}
}

// logLines are the lines that a function has logged which contain a text.
func (h *hearth) logLines(t *testing.T, function, text string) []string {
	t.Helper()
	out, err := cloudwatchlogs.NewFromConfig(h.aws).FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: aws.String("/aws/lambda/" + function),
	})
	if err != nil {
		if strings.Contains(err.Error(), "ResourceNotFound") {
			return nil // it has not logged yet
		}
		t.Fatal(err)
	}
	var lines []string
	for _, e := range out.Events {
		if strings.Contains(aws.ToString(e.Message), text) {
			lines = append(lines, strings.TrimSpace(aws.ToString(e.Message)))
		}
	}
	return lines
}

const sayEvent = `exports.handler = async (event, context) => { console.log("RAN " + event.n + " " + context.awsRequestId) }`

func TestRootAnEventIsAcceptedAtOnceAndRunsOnce(t *testing.T) {
	h := up(t, "")
	h.function(t, "say", sayEvent)
	for i := range 10 {
		h.event(t, "say", fmt.Sprintf(`{"n":%d}`, i))
	}
	eventually(t, 20*time.Second, "10 events have run", func() bool { return len(h.logLines(t, "say", "RAN")) >= 10 })
	seen := map[string]bool{}
	for _, l := range h.logLines(t, "say", "RAN") {
		seen[strings.Fields(l[strings.Index(l, "RAN"):])[1]] = true
	}
	if lines := h.logLines(t, "say", "RAN"); len(seen) != 10 || len(lines) != 10 {
		t.Errorf("%d events ran %d times, want each of 10 once", len(seen), len(lines))
	}
}

// Goal: a function that fails twice and then succeeds gets the same event three
// times, with the same request id and with waits of one and two minutes between,
// and its destination hears of one success. Method: time passes 100 times faster.
func TestRootAnEventWhoseFunctionFailsIsTriedAgainWithItsRequestID(t *testing.T) {
	h := up(t, "time_scale: 100\n")
	role := invokingRole(t, h)
	h.function(t, "told", `exports.handler = async (event) => { console.log("TOLD " + JSON.stringify(event)) }`)
	h.function(t, "flaky", `let n = 0; exports.handler = async (event, context) => {
		console.log("TRY " + Date.now() + " " + context.awsRequestId)
		if (++n < 3) throw new Error("not yet")
		return {n}
	}`, func(f *harness.Function) { f.Role = role })
	_, err := h.lambda.PutFunctionEventInvokeConfig(t.Context(), &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: aws.String("flaky"),
		DestinationConfig: &types.DestinationConfig{OnSuccess: &types.OnSuccess{
			Destination: aws.String("arn:aws:lambda:us-east-1:000000000000:function:told"),
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.event(t, "flaky", `{"a":"<1>"}`)
	eventually(t, 30*time.Second, "the destination has been told", func() bool { return len(h.logLines(t, "told", "TOLD")) > 0 })
	tries := h.logLines(t, "flaky", "TRY")
	if len(tries) != 3 {
		t.Fatalf("%d attempts, want 3: %q", len(tries), tries)
	}
	var at [3]int64
	ids := map[string]bool{}
	for i, l := range tries {
		var id string
		if _, err := fmt.Sscanf(l[strings.Index(l, "TRY"):], "TRY %d %s", &at[i], &id); err != nil {
			t.Fatal(err)
		}
		ids[id] = true
	}
	if len(ids) != 1 {
		t.Errorf("request ids %v, want one", ids)
	}
	if first, second := at[1]-at[0], at[2]-at[1]; first < 600 || second < 1200 {
		t.Errorf("waits of %d ms and %d ms, want a 100th of 1 and 2 minutes at least", first, second)
	}
	told := h.logLines(t, "told", "TOLD")[0]
	var record struct {
		RequestContext struct {
			Condition              string
			FunctionArn            string
			ApproximateInvokeCount int
		}
		RequestPayload  map[string]string
		ResponsePayload map[string]int
		ResponseContext map[string]any
	}
	if err := json.Unmarshal([]byte(told[strings.Index(told, "{"):]), &record); err != nil {
		t.Fatalf("%v in %s", err, told)
	}
	c := record.RequestContext
	if c.Condition != "Success" || c.ApproximateInvokeCount != 3 || !strings.HasSuffix(c.FunctionArn, ":flaky:$LATEST") ||
		record.RequestPayload["a"] != "<1>" || record.ResponsePayload["n"] != 3 || record.ResponseContext["functionError"] != nil {
		t.Errorf("the destination got %s", told)
	}
}

// Goal: an event that was answered with 202 is not lost by a kill -9 right after.
func TestRootAnAcceptedEventSurvivesKillNine(t *testing.T) {
	needRoot(t)
	dir := dataDir(t)
	h := start(t, harness.Options{DataDir: dir})
	// None has come to its end, or to its log, when Hearth is killed.
	h.function(t, "say", `exports.handler = async (event) => {
		await new Promise(r => setTimeout(r, 2000))
		console.log("RAN " + event.n)
	}`, timeout(10))
	for i := range 20 {
		h.event(t, "say", fmt.Sprintf(`{"n":%d}`, i))
	}
	if err := h.Kill(); err != nil {
		t.Fatal(err)
	}
	again := start(t, harness.Options{DataDir: dir})
	defer func() {
		if err := again.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	}()
	eventually(t, 30*time.Second, "all 20 events have run", func() bool {
		seen := map[string]bool{}
		for _, l := range again.logLines(t, "say", "RAN") {
			seen[strings.Fields(l[strings.Index(l, "RAN"):])[1]] = true
		}
		return len(seen) == 20
	})
}

// Goal: a function's single event does not wait behind another's backlog. Method: a
// backlog that takes minutes, of a function whose calls take a second; the other
// function's event must have run after seconds.
func TestRootABacklogDoesNotDelayAnotherFunctionsEvent(t *testing.T) {
	h := up(t, "")
	h.function(t, "slow", `exports.handler = async () => { await new Promise(r => setTimeout(r, 1000)) }`, timeout(10))
	h.function(t, "say", sayEvent)
	limit(t, h, "slow", 4)
	for range 500 {
		h.event(t, "slow", `{}`)
	}
	start := time.Now()
	h.event(t, "say", `{"n":1}`)
	eventually(t, 10*time.Second, "the other function's event has run", func() bool { return len(h.logLines(t, "say", "RAN")) == 1 })
	t.Logf("it had run after %s", time.Since(start))
}

// invokingRole is a role that may log and invoke functions.
func invokingRole(t *testing.T, h *hearth) string {
	t.Helper()
	role, err := harness.LogsRole(t.Context(), h.aws)
	if err != nil {
		t.Fatal(err)
	}
	_, err = iam.NewFromConfig(h.aws).PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
		RoleName: aws.String(role[strings.LastIndex(role, "/")+1:]), PolicyName: aws.String("invoke"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"*"}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	return role
}

// Goal: two functions that are each other's destination do not go on for ever.
func TestRootALoopOfDestinationsIsEnded(t *testing.T) {
	h := up(t, "time_scale: 100\n")
	role := invokingRole(t, h)
	for _, name := range []string{"ping", "pong"} {
		h.function(t, name, `exports.handler = async () => { console.log("RAN " + process.env._X_AMZN_TRACE_ID) }`,
			func(f *harness.Function) { f.Role = role })
	}
	for name, to := range map[string]string{"ping": "pong", "pong": "ping"} {
		_, err := h.lambda.PutFunctionEventInvokeConfig(t.Context(), &lambda.PutFunctionEventInvokeConfigInput{
			FunctionName: &name,
			DestinationConfig: &types.DestinationConfig{OnSuccess: &types.OnSuccess{
				Destination: aws.String("arn:aws:lambda:us-east-1:000000000000:function:" + to),
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	h.event(t, "ping", `{}`)
	eventually(t, 20*time.Second, "both have run 16 times", func() bool {
		return len(h.logLines(t, "ping", "RAN")) >= 16 && len(h.logLines(t, "pong", "RAN")) >= 16
	})
	// One that came later would be there before this answer to a call of its own.
	h.answers(t, "pong", `{}`)
	if ping, pong := len(h.logLines(t, "ping", "RAN")), len(h.logLines(t, "pong", "RAN")); ping != 16 || pong > 17 {
		t.Errorf("ping ran %d times and pong %d times, want 16 each", ping, pong)
	}
}
