package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/harness"
)

// killForVariable sets how long the test of repeated kills goes on, such as 10m; a
// few seconds are enough to notice a mistake.
const (
	killForVariable = "HEARTH_KILL_FOR"
	killForDefault  = 15 * time.Second
	killEvery       = 3 * time.Second
	// killSenders send events and messages, each this often.
	killSenders = 4
	killPause   = 20 * time.Millisecond
)

// tellDone is a function that sends the ids of what it is given to the queue "done":
// the one of an event, those of a queue's messages or a table's items.
var tellDone = strings.Replace(caller, "exports.handler =", "const call =", 1) + `
const tell = async (id) => {
  const r = await call({ service: "sqs", type: "application/x-amz-json-1.0", target: "AmazonSQS.SendMessage",
    body: JSON.stringify({ QueueUrl: "http://localhost/000000000000/done", MessageBody: id }) });
  if (r.status !== 200) throw new Error(r.body);
};
exports.handler = async (event) => {
  for (const r of event.Records ?? [{ body: event.id }]) await tell(r.body ?? r.dynamodb.Keys.id.S);
};`

// Goal: every event that was answered with 202, every message that a queue took and
// every item that a table with a stream took is worked on at least once, however often
// Hearth is killed meanwhile. Method: kill -9 every few seconds under all three loads; the function tells of each id through a
// durable queue, which is emptied and counted at the end.
func TestRootNothingAcceptedIsLostUnderRepeatedKills(t *testing.T) {
	needRoot(t)
	span := killForDefault
	if text := os.Getenv(killForVariable); text != "" {
		var err error
		if span, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	dir := dataDir(t)
	h := start(t, harness.Options{DataDir: dir})
	_, source, sourceARN := h.queue(t, "source", map[string]string{"VisibilityTimeout": "10"})
	h.queue(t, "done", nil)
	role := h.role(t, "worker", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sqs:*","logs:*","dynamodb:*"],"Resource":"*"}]}`)
	for _, name := range []string{"events", "messages", "items"} {
		h.function(t, name, tellDone, withRole(role))
		h.answers(t, name, `{"id":"warm"}`)
	}
	h.mapped(t, &lambda.CreateEventSourceMappingInput{FunctionName: aws.String("messages"), EventSourceArn: &sourceARN})
	_, stream := h.table(t, "items")
	h.mapped(t, &lambda.CreateEventSourceMappingInput{
		FunctionName: aws.String("items"), EventSourceArn: &stream, StartingPosition: types.EventSourcePositionTrimHorizon,
	})

	var current atomic.Pointer[hearth]
	current.Store(h)
	var accepted sync.Map
	var serial, refused atomic.Int64
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	var senders sync.WaitGroup
	send := func(prefix string, put func(h *hearth, id string) error) {
		for ctx.Err() == nil {
			id := fmt.Sprintf("%s-%d", prefix, serial.Add(1))
			if err := put(current.Load(), id); err == nil {
				accepted.Store(id, true)
			} else {
				refused.Add(1) // it was down; whether it took this one is open
			}
			select {
			case <-time.After(killPause):
			case <-ctx.Done():
			}
		}
	}
	for range killSenders {
		senders.Go(func() {
			send("event", func(h *hearth, id string) error {
				_, err := h.lambda.Invoke(ctx, &lambda.InvokeInput{
					FunctionName: aws.String("events"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"id":"` + id + `"}`),
				})
				return err
			})
		})
		senders.Go(func() {
			send("message", func(h *hearth, id string) error {
				url := h.Endpoint + source[strings.Index(source, "/000000000000/"):]
				_, err := sqs.NewFromConfig(h.aws).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &id})
				return err
			})
		})
	}
	for range killSenders {
		senders.Go(func() {
			send("item", func(h *hearth, id string) error {
				_, err := dynamodb.NewFromConfig(h.aws).PutItem(ctx, &dynamodb.PutItemInput{
					TableName: aws.String("items"), Item: map[string]dynamotypes.AttributeValue{"id": &dynamotypes.AttributeValueMemberS{Value: id}},
				})
				return err
			})
		})
	}
	kills := 0
	var slowest time.Duration
	for ; ctx.Err() == nil; kills++ {
		select {
		case <-time.After(killEvery):
		case <-ctx.Done():
		}
		if err := current.Load().Kill(); err != nil {
			t.Fatal(err)
		}
		again := start(t, harness.Options{DataDir: dir})
		slowest = max(slowest, again.ReadyAfter)
		current.Store(again)
	}
	senders.Wait()
	last := current.Load()
	defer func() {
		if err := last.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		if t.Failed() {
			t.Logf("the end of Hearth's log:\n%s", last.Log())
		}
	}()
	want := 0
	accepted.Range(func(any, any) bool { want++; return true })
	seen := map[string]int{}
	eventually(t, span+2*time.Minute, "all that was accepted is done", func() bool {
		last.drainDone(t, seen)
		missing := false
		accepted.Range(func(id, _ any) bool {
			missing = seen[id.(string)] == 0
			return !missing
		})
		return !missing
	})
	more, twice := 0, map[string]int{}
	for id, n := range seen {
		if _, ok := accepted.Load(id); !ok {
			more++ // taken, and killed before the answer
		} else if n > 1 {
			kind, _, _ := strings.Cut(id, "-")
			twice[kind]++
		}
	}
	t.Logf("%d kills in %s: %d accepted, all done; more than once: %v; %d done that were not answered; %d refused; ready after at most %s",
		kills, span, want, twice, more, refused.Load(), slowest)
}

// drainDone counts the ids in the queue "done" and removes them.
func (h *hearth) drainDone(t *testing.T, seen map[string]int) {
	t.Helper()
	c, url := sqs.NewFromConfig(h.aws), h.Endpoint+"/000000000000/done"
	for {
		got, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Messages) == 0 {
			return
		}
		var gone []sqstypes.DeleteMessageBatchRequestEntry
		for i, m := range got.Messages {
			seen[*m.Body]++
			gone = append(gone, sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle})
		}
		if _, err := c.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: gone}); err != nil {
			t.Fatal(err)
		}
	}
}
