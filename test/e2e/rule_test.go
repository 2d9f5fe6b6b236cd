package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/harness"
)

// A rule invokes its function with the events that meet its pattern, and one with a
// schedule when it is due, once the function's policy lets them.
func TestRootARuleInvokesTheFunction(t *testing.T) {
	h := up(t, "time_scale: 60\n")
	events := eventbridge.NewFromConfig(h.aws)
	h.function(t, "ruled", `exports.handler = async (e) => console.log("saw " + JSON.stringify(e));`)
	got, err := h.lambda.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("ruled")})
	if err != nil {
		t.Fatal(err)
	}
	put := func(in *eventbridge.PutRuleInput, target types.Target) {
		t.Helper()
		rule, err := events.PutRule(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		target.Id, target.Arn = aws.String("f"), got.Configuration.FunctionArn
		if _, err := events.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: in.Name, Targets: []types.Target{target}}); err != nil {
			t.Fatal(err)
		}
		_, err = h.lambda.AddPermission(t.Context(), &lambda.AddPermissionInput{
			FunctionName: aws.String("ruled"), StatementId: in.Name, Action: aws.String("lambda:InvokeFunction"),
			Principal: aws.String("events.amazonaws.com"), SourceArn: rule.RuleArn,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	put(&eventbridge.PutRuleInput{Name: aws.String("orders"), EventPattern: aws.String(`{"source":["shop"],"detail":{"total":[{"numeric":[">",100]}]}}`)}, types.Target{})
	// A minute passes in a second here.
	put(&eventbridge.PutRuleInput{Name: aws.String("often"), ScheduleExpression: aws.String("rate(1 minute)")}, types.Target{})
	for _, total := range []string{"5", "500"} {
		_, err := events.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
			{Source: aws.String("shop"), DetailType: aws.String("Order Placed"), Detail: aws.String(`{"total":` + total + `}`)},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	logs := cloudwatchlogs.NewFromConfig(h.aws)
	type event struct {
		Source     string
		DetailType string `json:"detail-type"`
		Resources  []string
		Detail     struct{ Total int }
	}
	ordered, scheduled := 0, 0
	eventually(t, 30*time.Second, "the function has seen an order and two moments of the schedule", func() bool {
		ordered, scheduled = 0, 0
		out, err := logs.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/aws/lambda/ruled"), FilterPattern: aws.String("saw")})
		if err != nil {
			return false // no log group yet
		}
		for _, line := range out.Events {
			_, text, _ := strings.Cut(*line.Message, "saw ")
			var e event
			if err := json.Unmarshal([]byte(text), &e); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			switch {
			case e.Source == "shop" && e.Detail.Total == 500:
				ordered++
			case e.Source == "aws.events" && e.DetailType == "Scheduled Event" && len(e.Resources) == 1:
				scheduled++
			default:
				t.Fatalf("the function saw %s", text)
			}
		}
		return ordered > 0 && scheduled > 1
	})
	if ordered != 1 {
		t.Errorf("the order came %d times", ordered)
	}
}

// Goal: every event that a bus took reaches the target of its rule, however often
// Hearth is killed meanwhile. Method: kill -9 every second or so while events come in;
// the target is a queue, which is emptied and counted at the end.
func TestRootNoEventOfABusIsLostWhenHearthIsKilled(t *testing.T) {
	needRoot(t)
	const span, every, senders, pause = 8 * time.Second, 1500 * time.Millisecond, 4, 5 * time.Millisecond
	dir := dataDir(t)
	h := start(t, harness.Options{DataDir: dir})
	const arn = "arn:aws:sqs:us-east-1:000000000000:done"
	h.queue(t, "done", map[string]string{"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + arn + `"}]}`})
	c := eventbridge.NewFromConfig(h.aws)
	if _, err := c.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("r"), EventPattern: aws.String(`{"source":["shop"]}`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String("r"), Targets: []types.Target{
		{Id: aws.String("q"), Arn: aws.String(arn), InputTransformer: &types.InputTransformer{InputPathsMap: map[string]string{"id": "$.id"}, InputTemplate: aws.String("<id>")}},
	}}); err != nil {
		t.Fatal(err)
	}
	var current atomic.Pointer[hearth]
	current.Store(h)
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	var accepted sync.Map
	var running sync.WaitGroup
	for i := range senders {
		running.Go(func() {
			for ctx.Err() == nil {
				out, err := eventbridge.NewFromConfig(current.Load().aws).PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
					{Source: aws.String("shop"), DetailType: aws.String("T"), Detail: aws.String(fmt.Sprintf(`{"sender":%d}`, i))},
				}})
				if err == nil {
					accepted.Store(`"`+*out.Entries[0].EventId+`"`, true)
				}
				select {
				case <-time.After(pause):
				case <-ctx.Done():
				}
			}
		})
	}
	kills := 0
	for ; ctx.Err() == nil; kills++ {
		select {
		case <-time.After(every):
		case <-ctx.Done():
		}
		if err := current.Load().Kill(); err != nil {
			t.Fatal(err)
		}
		current.Store(start(t, harness.Options{DataDir: dir}))
	}
	running.Wait()
	last := current.Load()
	defer func() {
		if err := last.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		if t.Failed() {
			t.Logf("the end of Hearth's log:\n%s", last.Log())
		}
	}()
	want, seen := 0, map[string]int{}
	accepted.Range(func(any, any) bool { want++; return true })
	if want == 0 {
		t.Error("no event was taken: the test tests nothing")
	}
	eventually(t, time.Minute, "all events that were taken are in the queue", func() bool {
		last.drainDone(t, seen)
		missing := false
		accepted.Range(func(id, _ any) bool {
			missing = seen[id.(string)] == 0
			return !missing
		})
		return !missing
	})
	total := 0
	for _, n := range seen {
		total += n
	}
	t.Logf("%d kills in %s: %d events taken, %d deliveries", kills, span, want, total)
}
