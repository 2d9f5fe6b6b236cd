package sqs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/eventsource"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
)

const (
	account = "123456789012"
	region  = "us-east-1"
	uuid    = "00000000-0000-4000-8000-000000000001"
)

var function = lambda.FunctionID{Account: account, Region: region, Name: "f"}

// bench is a mapping's surroundings: a real queue engine and a function in Go.
type bench struct {
	t       *testing.T
	engine  *queue.Engine
	timeout time.Duration
	// handler is the function.
	handler func(records []map[string]any) (answer string, failed bool)

	mu          sync.Mutex // guards what follows
	denied      string     // an operation that the role may not use
	concurrency int
	running     int
	most        int
	refusals    int
	invokes     int
	polls       int
	reports     []string
	counts      map[string]int
	looping     string // a trace header of a loop
	traces      []string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return openBench(t, t.TempDir())
}

func openBench(t *testing.T, dir string) *bench {
	t.Helper()
	e, err := queue.Open(t.Context(), queue.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return &bench{
		t: t, engine: e, timeout: 3 * time.Second, concurrency: 1000, counts: map[string]int{},
		handler: func([]map[string]any) (string, bool) { return "null", false },
	}
}

func (b *bench) queue(name string, s queue.Settings) queue.Name {
	b.t.Helper()
	n := queue.Name{Account: account, Region: region, Kind: "sqs", Name: name}
	if s.Visibility == 0 {
		s.Visibility = 30 * time.Second
	}
	if err := b.engine.Create(b.t.Context(), n, s); err != nil {
		b.t.Fatal(err)
	}
	return n
}

func (b *bench) send(n queue.Name, bodies ...string) {
	b.t.Helper()
	for part := range slices.Chunk(bodies, 10) {
		var out []queue.Outgoing
		for _, body := range part {
			group, _, _ := strings.Cut(body, ":")
			out = append(out, queue.Outgoing{Body: []byte(body), Group: group})
		}
		if _, err := b.engine.Send(b.t.Context(), n, out...); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *bench) left(n queue.Name) int {
	c, err := b.engine.Counts(n)
	if err != nil {
		b.t.Fatal(err)
	}
	return c.Visible + c.InFlight + c.Delayed
}

func (b *bench) source() *Source {
	return New(Config{
		Queues: b, Functions: b, Runner: b, Roles: b, Metrics: b, Log: slog.New(slog.DiscardHandler),
		Report: func(id, result string) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.reports = append(b.reports, result)
		},
	})
}

// poll runs a mapping; the returned function stops it and waits.
func (b *bench) poll(m *eventsource.Live) (stop func()) {
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.source().Poll(ctx, m)
	}()
	return func() { cancel(); <-done }
}

func mapping(name string, s eventsource.Settings) *eventsource.Live {
	if s.BatchSize == 0 {
		s.BatchSize = 10
	}
	return eventsource.NewLive(eventsource.Mapping{
		UUID: uuid, Function: function, Kind: "sqs", SourceARN: "arn:aws:sqs:" + region + ":" + account + ":" + name,
		Polling: true, Settings: s, Revision: 1,
	})
}

func (b *bench) name(arn string) queue.Name {
	return queue.Name{Account: account, Region: region, Kind: "sqs", Name: arn[strings.LastIndexByte(arn, ':')+1:]}
}

func (b *bench) may(operation string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.denied == operation {
		return &DeniedError{operation, lambda.Errorf(lambda.CodeAccessDenied, "no")}
	}
	return nil
}

func (b *bench) Receive(ctx context.Context, as lambda.Caller, arn string, r Receive) ([]types.Message, error) {
	if as.RoleARN == "" {
		b.t.Error("a queue is polled with the function's role")
	}
	b.mu.Lock()
	b.polls++
	b.mu.Unlock()
	if err := b.may("ReceiveMessage"); err != nil {
		return nil, err
	}
	ask := queue.Request{Max: r.Max, Wait: r.Wait}
	if r.Visibility > 0 {
		ask.Visibility = &r.Visibility
	}
	messages, err := b.engine.Receive(ctx, b.name(arn), ask)
	if errors.Is(err, queue.ErrNoQueue) {
		return nil, ErrNoQueue
	}
	var out []types.Message
	for _, m := range messages {
		msg := types.Message{
			MessageId: &m.ID, ReceiptHandle: &m.Receipt, Body: new(string(m.Body)), MD5OfBody: new("md5"),
			Attributes: map[string]string{
				"ApproximateReceiveCount": strconv.Itoa(m.Receives), "SentTimestamp": "1", "SenderId": "me", "ApproximateFirstReceiveTimestamp": "2",
			},
		}
		if m.Group != "" {
			msg.Attributes["MessageGroupId"] = m.Group
			msg.Attributes["SequenceNumber"] = fmt.Sprintf("%020d", m.Sequence)
		}
		if rest, ok := strings.CutPrefix(string(m.Body), "trace:"); ok {
			msg.Attributes["AWSTraceHeader"] = rest
		}
		out = append(out, msg)
	}
	return out, err
}

func (b *bench) Delete(ctx context.Context, _ lambda.Caller, arn string, messages []types.Message) ([]types.Message, error) {
	if err := b.may("DeleteMessage"); err != nil {
		return messages, err
	}
	var receipts []string
	for i := range messages {
		receipts = append(receipts, *messages[i].ReceiptHandle)
	}
	_, err := b.engine.Remove(ctx, b.name(arn), receipts...)
	return nil, err
}

func (b *bench) Visibility(_ context.Context, _ lambda.Caller, arn string) (time.Duration, error) {
	if err := b.may("GetQueueAttributes"); err != nil {
		return 0, err
	}
	s, err := b.engine.Settings(b.name(arn))
	if errors.Is(err, queue.ErrNoQueue) {
		return 0, ErrNoQueue
	}
	return s.Visibility, err
}

func (b *bench) MayReceive(context.Context, lambda.Caller, string) error {
	return b.may("ReceiveMessage")
}

func (b *bench) Find(id lambda.FunctionID, _ string) (eventsource.Function, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return eventsource.Function{
		Version:     &lambda.Version{Function: id, Version: lambda.Latest, RoleARN: "arn:aws:iam::123456789012:role/r", Timeout: b.timeout},
		Concurrency: 1000,
	}, nil
}

func (b *bench) Assume(_ context.Context, role string, _ lambda.FunctionID) (lambda.Caller, error) {
	return lambda.Caller{Account: account, RoleARN: role}, nil
}

func (b *bench) Trace(header string, _ lambda.FunctionID) (string, bool) {
	return header + ";next", b.looping != "" && header == b.looping
}

func (b *bench) RunEvent(_ context.Context, _ eventsource.Function, inv *lambda.Invocation) (lambda.Result, error) {
	b.mu.Lock()
	if b.running >= b.concurrency {
		b.refusals++
		b.mu.Unlock()
		return lambda.Result{}, lambda.Throttled(lambda.ReasonConcurrentInvocationLimit)
	}
	b.running++
	b.invokes++
	b.most = max(b.most, b.running)
	b.traces = append(b.traces, inv.TraceID)
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.running--
		b.mu.Unlock()
	}()
	var event struct{ Records []map[string]any }
	if err := json.Unmarshal(inv.Payload, &event); err != nil {
		b.t.Errorf("the event is no JSON: %v", err)
	}
	answer, failed := b.handler(event.Records)
	r := lambda.Result{Payload: []byte(answer)}
	if failed {
		r.FunctionError = lambda.Unhandled
	}
	return r, nil
}

func (b *bench) CountEvents(_ eventsource.Mapping, metric string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts[metric] += n
}
func (b *bench) IteratorAge(eventsource.Mapping, time.Duration) {}
func (b *bench) DeliveryFailed(eventsource.Mapping)             {}

func (b *bench) snapshot() (invokes, most, refusals int, counts map[string]int, reports []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.invokes, b.most, b.refusals, maps.Clone(b.counts), slices.Clone(b.reports)
}

func body(r map[string]any) string { return r["body"].(string) }
