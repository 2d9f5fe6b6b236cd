package e2e

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
)

// onBus makes a rule of the default bus that sends what matches to a queue.
func (h *hearth) onBus(t *testing.T, rule, pattern, queue string) {
	t.Helper()
	c := eventbridge.NewFromConfig(h.aws)
	_, err := c.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: &rule, EventPattern: &pattern})
	if err == nil {
		_, err = c.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
			Rule: &rule, Targets: []eventtypes.Target{{Id: aws.String("q"), Arn: aws.String("arn:aws:sqs:" + here + queue)}},
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// event is what a bus hands on.
type event struct {
	Version    string
	ID         string
	DetailType string `json:"detail-type"`
	Source     string
	Account    string
	Time       string
	Region     string
	Resources  []string
	Detail     json.RawMessage
}

func (h *hearth) fromBus(t *testing.T, url string) event {
	t.Helper()
	m := h.mail(t, url, 1)[0]
	drop(t, h, url, m)
	var e event
	if err := json.Unmarshal([]byte(*m.Body), &e); err != nil {
		t.Fatalf("%v in %s", err, *m.Body)
	}
	if e.Version != "0" || len(e.ID) != 36 || e.Account != "000000000000" || e.Region != "us-east-1" || e.Time == "" {
		t.Errorf("the event is %s", *m.Body)
	}
	return e
}

// Goal: records, what happens in buckets and schedules reach the event bus, in AWS's
// wrapping.
func TestRootTheEventBusHearsOfRecordsBucketsAndSchedules(t *testing.T) {
	h := up(t, "time_scale: 100\n")
	role := withRole(sendingRole(t, h, "sender"))
	box := h.mailbox(t, "events", openTo("events.amazonaws.com"))
	h.onBus(t, "all", `{"account":["000000000000"]}`, "events")
	bus := "arn:aws:events:" + here + "event-bus/default"

	for name, source := range map[string]string{"works": works, "fails": fails} {
		h.function(t, name, source, role)
		failed, how := name == "fails", "Success"
		if failed {
			h.destinations(t, name, "", bus, 0)
			how = "Failure"
		} else {
			h.destinations(t, name, bus, "", 0)
		}
		h.event(t, name, `{"n":1}`)
		e := h.fromBus(t, box)
		if want := []string{bus, "arn:aws:lambda:" + here + "function:" + name + ":$LATEST"}; e.Source != "lambda" ||
			e.DetailType != "Lambda Function Invocation Result - "+how || !slices.Equal(e.Resources, want) {
			t.Errorf("the event of %s is %+v", name, e)
		}
		checkRecord(t, string(e.Detail), name, failed, 1)
	}

	objects := s3.NewFromConfig(h.aws, func(o *s3.Options) { o.UsePathStyle = true })
	bucket, key := aws.String("pictures"), aws.String("a cat.png")
	if _, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	if _, err := objects.PutBucketNotificationConfiguration(t.Context(), &s3.PutBucketNotificationConfigurationInput{
		Bucket: bucket, NotificationConfiguration: &s3types.NotificationConfiguration{EventBridgeConfiguration: &s3types.EventBridgeConfiguration{}},
	}); err != nil {
		t.Fatal(err)
	}
	seen := func(detailType, keys, objectKeys string, more map[string]string) {
		t.Helper()
		e := h.fromBus(t, box)
		var detail map[string]any
		if err := json.Unmarshal(e.Detail, &detail); err != nil {
			t.Fatal(err)
		}
		object, _ := detail["object"].(map[string]any)
		if e.Source != "aws.s3" || e.DetailType != detailType || !slices.Equal(e.Resources, []string{"arn:aws:s3:::pictures"}) || object["key"] != "a cat.png" {
			t.Errorf("the event is %+v, want %s of S3", e, detailType)
		}
		if got := strings.Join(slices.Sorted(maps.Keys(detail)), " "); got != keys {
			t.Errorf("the detail has %s, want %s", got, keys)
		}
		if got := strings.Join(slices.Sorted(maps.Keys(object)), " "); got != objectKeys {
			t.Errorf("the object has %s, want %s", got, objectKeys)
		}
		for name, want := range more {
			if detail[name] != want {
				t.Errorf("%s is %v, want %s", name, detail[name], want)
			}
		}
	}
	if _, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("x")}); err != nil {
		t.Fatal(err)
	}
	seen("Object Created", "bucket object reason request-id requester source-ip-address version", "etag key sequencer size",
		map[string]string{"reason": "PutObject", "requester": "000000000000", "version": "0", "source-ip-address": "127.0.0.1"})
	if _, err := objects.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: key}); err != nil {
		t.Fatal(err)
	}
	seen("Object Deleted", "bucket deletion-type object reason request-id requester source-ip-address version", "etag key sequencer",
		map[string]string{"reason": "DeleteObject", "deletion-type": "Permanently Deleted"})

	h.schedule(t, "daily", "rate(100 days)", &types.Target{
		Arn: &bus, RoleArn: aws.String(schedulerRole(t, h, "scheduler", allow("events:PutEvents", bus))), Input: aws.String(`{"a":1}`),
		EventBridgeParameters: &types.EventBridgeParameters{Source: aws.String("my.schedules"), DetailType: aws.String("Daily")},
	})
	if e := h.fromBus(t, box); e.Source != "my.schedules" || e.DetailType != "Daily" || string(e.Detail) != `{"a":1}` {
		t.Errorf("the schedule's event is %+v", e)
	}
}
