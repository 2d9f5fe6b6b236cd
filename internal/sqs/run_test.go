package sqs

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
	"github.com/hearthfaas/hearth/internal/store/mem"
)

// bubble runs a test of what takes time, on the service itself: connections have no
// place in a bubble.
func bubble(t *testing.T, fn func(ctx context.Context, s *Service, e *queue.Engine)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		e, err := queue.Open(context.Background(), queue.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		s, err := Open(context.Background(), Config{
			Queues: e, Store: mem.New(), CheckPolicy: func(string) error { return nil },
			Allow: func(context.Context, string, string, any) error { return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx := lambda.WithCaller(t.Context(), caller(account))
		for _, name := range []string{"dead", "q"} {
			in := &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"VisibilityTimeout": "1"}}
			if name == "q" {
				in.Attributes["RedrivePolicy"] = redriveTo("dead", 1)
			}
			if _, err := s.createQueue(ctx, in); err != nil {
				t.Fatal(err)
			}
		}
		fn(ctx, s, e)
	})
}

func TestALongPollTakesAMessageAsSoonAsItIsThere(t *testing.T) {
	bubble(t, func(ctx context.Context, s *Service, _ *queue.Engine) {
		url := aws.String(account + "/q")
		receive := func(ctx context.Context, wait int32) (int, time.Duration, error) {
			start := time.Now()
			out, err := s.receiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: wait})
			if err != nil {
				return 0, time.Since(start), err
			}
			return len(out.Messages), time.Since(start), nil
		}
		if n, took, err := receive(ctx, 20); n != 0 || err != nil || took != 20*time.Second {
			t.Errorf("nothing: %d, %v after %s", n, err, took)
		}
		if n, took, err := receive(ctx, 0); n != 0 || err != nil || took != 0 {
			t.Errorf("a short poll: %d, %v after %s", n, err, took)
		}
		go func() {
			time.Sleep(7 * time.Second)
			if _, err := s.sendMessage(ctx, &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("m"), DelaySeconds: 2}); err != nil {
				t.Error(err)
			}
		}()
		if n, took, err := receive(ctx, 20); n != 1 || err != nil || took != 9*time.Second {
			t.Errorf("got %d, %v after %s", n, err, took)
		}
		short, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		if _, took, err := receive(short, 20); err != error(errLeft) || took != 3*time.Second { //nolint:errorlint // this very one
			t.Errorf("a client that left: %v after %s", err, took)
		}
		go func() {
			time.Sleep(time.Second)
			s.EndPolls()
		}()
		if n, took, err := receive(ctx, 20); n != 0 || err != nil || took != time.Second {
			t.Errorf("a node that ends: %d, %v after %s", n, err, took)
		}
		if n, took, err := receive(ctx, 20); n != 0 || err != nil || took != 0 {
			t.Errorf("a node that has ended: %d, %v after %s", n, err, took)
		}
	})
}

func TestAMoveKeepsToItsRateAndEndsWithTheProcess(t *testing.T) {
	bubble(t, func(ctx context.Context, s *Service, e *queue.Engine) {
		q, dead := aws.String(account+"/q"), queue.Name{Account: account, Region: region, Kind: kind, Name: "dead"}
		for range 50 {
			if _, err := s.sendMessage(ctx, &sqs.SendMessageInput{QueueUrl: q, MessageBody: aws.String("m")}); err != nil {
				t.Fatal(err)
			}
		}
		for range 12 { // twice each: received, then found to be dead
			if _, err := s.receiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: q, MaxNumberOfMessages: 10}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if c, err := e.Counts(dead); err != nil || c.Visible != 50 {
			t.Fatal(c, err)
		}
		running, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- s.Run(running) }()
		_, err := s.startMoveTask(ctx, &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(arn("dead")), MaxNumberOfMessagesPerSecond: aws.Int32(10)})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2050 * time.Millisecond)
		if c, err := e.Counts(dead); err != nil || c.Visible < 28 || c.Visible > 30 {
			t.Errorf("after two seconds: %+v, %v", c, err)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := s.mover.list(dead)[0]; got.State != taskRunning || got.Moved < 20 {
			t.Errorf("got %+v", got)
		}
	})
}
