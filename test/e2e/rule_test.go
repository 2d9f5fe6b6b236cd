package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
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
