package e2e

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// eventConfig has what fails go to a queue, after retries and within an age in seconds.
// The function may be one with a qualifier.
func (h *hearth) eventConfig(t *testing.T, function, qualifier, queue string, retries, age int32) {
	t.Helper()
	in := &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: &function, MaximumRetryAttempts: &retries, MaximumEventAgeInSeconds: &age,
		DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("arn:aws:sqs:" + here + queue)}},
	}
	if qualifier != "" {
		in.Qualifier = &qualifier
	}
	if _, err := h.lambda.PutFunctionEventInvokeConfig(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// recordIs compares a destination's record with AWS's, key by key, but for its moment,
// its id and where the error was thrown.
func recordIs(t *testing.T, text string, want map[string]any) {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if stamp, _ := got["timestamp"].(string); stamp == "" {
		t.Errorf("no timestamp in %s", text)
	}
	delete(got, "timestamp")
	context, _ := got["requestContext"].(map[string]any)
	if id, _ := context["requestId"].(string); len(id) != 36 {
		t.Errorf("requestId %q", id)
	}
	delete(context, "requestId")
	if answer, ok := got["responsePayload"].(map[string]any); ok {
		delete(answer, "trace")
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the record is\n%v\nwant\n%v", got, want)
	}
}

// failedWith is the record of an event that came to nothing. A version says that the
// function ran and failed.
func failedWith(qualified, condition string, attempts float64, version string) map[string]any {
	r := map[string]any{
		"version": "1.0", "requestPayload": map[string]any{"n": 1.0},
		"requestContext": map[string]any{"functionArn": "arn:aws:lambda:" + here + "function:" + qualified, "condition": condition, "approximateInvokeCount": attempts},
	}
	if version != "" {
		r["responseContext"] = map[string]any{"statusCode": 200.0, "executedVersion": version, "functionError": "Unhandled"}
		r["responsePayload"] = map[string]any{"errorType": "Error", "errorMessage": "no"}
	}
	return r
}

// Goal: the record of an event that was given up says why, as AWS writes it. Method: the
// shortest age that there is, with time 100 times faster: an event whose next attempt
// would be too late, one that found no room until it was too old, and one of a function
// whose concurrency is zero.
func TestRootAnEventThatIsGivenUpSaysWhy(t *testing.T) {
	h := up(t, "time_scale: 100\n")
	role := withRole(sendingRole(t, h, "sender"))
	box := h.mailbox(t, "records", nil)
	const ageMin = 60

	h.function(t, "fails", fails, role)
	h.eventConfig(t, "fails", "", "records", 2, ageMin)
	h.event(t, "fails", `{"n":1}`)
	m := h.mail(t, box, 1)[0]
	recordIs(t, *m.Body, failedWith("fails:$LATEST", "EventAgeExceeded", 1, "$LATEST"))
	drop(t, h, box, m)

	h.function(t, "busy", `exports.handler = async (e) => { if (e.hold) { console.log("HOLDS"); await new Promise(r => setTimeout(r, 60000)) } }`, role, timeout(90))
	h.eventConfig(t, "busy", "", "records", 2, ageMin)
	limit(t, h, "busy", 1)
	h.event(t, "busy", `{"hold":true}`)
	h.holds(t, "busy")
	h.event(t, "busy", `{"n":1}`)
	m = h.mail(t, box, 1)[0]
	recordIs(t, *m.Body, failedWith("busy:$LATEST", "EventAgeExceeded", 0, ""))
	drop(t, h, box, m)

	h.function(t, "stopped", works, role)
	h.eventConfig(t, "stopped", "", "records", 2, ageMin)
	limit(t, h, "stopped", 0)
	h.event(t, "stopped", `{"n":1}`)
	m = h.mail(t, box, 1)[0]
	recordIs(t, *m.Body, failedWith("stopped:$LATEST", "ZeroReservedConcurrency", 0, ""))
	drop(t, h, box, m)
}

// holds waits until a function's only environment is taken.
func (h *hearth) holds(t *testing.T, name string) {
	t.Helper()
	eventually(t, 20*time.Second, name+" runs", func() bool { return len(h.logLines(t, name, "HOLDS")) > 0 })
}

// Goal: an event for an alias goes by the alias's own settings, one for the function by
// the function's. Method: retries and destinations that differ, a function that always
// fails.
func TestRootAnEventForAnAliasGoesByTheAliassOwnSettings(t *testing.T) {
	h := up(t, "time_scale: 100\n")
	ofAlias, ofFunction := h.mailbox(t, "ofalias", nil), h.mailbox(t, "offunction", nil)
	h.function(t, "fails", fails, withRole(sendingRole(t, h, "sender")))
	v, err := h.lambda.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: aws.String("fails")})
	if err == nil {
		_, err = h.lambda.CreateAlias(t.Context(), &lambda.CreateAliasInput{FunctionName: aws.String("fails"), Name: aws.String("live"), FunctionVersion: v.Version})
	}
	if err != nil {
		t.Fatal(err)
	}
	const age = 3600
	h.eventConfig(t, "fails", "", "offunction", 1, age)
	h.eventConfig(t, "fails", "live", "ofalias", 0, age)

	h.event(t, "fails:live", `{"n":1}`)
	recordIs(t, *h.mail(t, ofAlias, 1)[0].Body, failedWith("fails:live", "RetriesExhausted", 1, "1"))
	h.event(t, "fails", `{"n":1}`)
	recordIs(t, *h.mail(t, ofFunction, 1)[0].Body, failedWith("fails:$LATEST", "RetriesExhausted", 2, "$LATEST"))
}
