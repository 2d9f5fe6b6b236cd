package asyncinvoke

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
)

// house is functions, a runner and targets that do what a test says; time is the
// bubble's.
type house struct {
	t      *testing.T
	target Target // of every function
	gone   bool
	// run is an attempt; it may block.
	run func(ctx context.Context, inv *lambda.Invocation) (lambda.Result, error)

	mu        sync.Mutex
	attempts  []try
	delivered []Delivery
	refuse    bool
}

type try struct {
	at time.Duration // since the start
	id lambda.RequestID
}

func (h *house) Find(id lambda.FunctionID, qualifier string) (Target, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gone {
		return Target{}, lambda.Errorf(lambda.CodeResourceNotFound, "Function not found: %s", id.QualifiedARN(qualifier))
	}
	t := h.target
	t.Version = &lambda.Version{Function: id, Version: lambda.Latest, RoleARN: "arn:aws:iam::111111111111:role/r"}
	return t, nil
}

func (h *house) RunEvent(ctx context.Context, _ Target, inv *lambda.Invocation) (lambda.Result, error) {
	h.mu.Lock()
	h.attempts = append(h.attempts, try{time.Since(began), inv.RequestID})
	h.mu.Unlock()
	return h.run(ctx, inv)
}

func (h *house) Deliver(_ context.Context, d Delivery) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse {
		return fmt.Errorf("nothing is at %s", d.ARN)
	}
	h.delivered = append(h.delivered, d)
	return nil
}

// began is when a bubble's time begins.
var began = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func fails(context.Context, *lambda.Invocation) (lambda.Result, error) {
	return lambda.Result{Payload: []byte(`{"errorMessage":"no","errorType":"Error"}`), FunctionError: lambda.Unhandled, ErrorType: "Error"}, nil
}

func throttles(context.Context, *lambda.Invocation) (lambda.Result, error) {
	return lambda.Result{}, lambda.Throttled(lambda.ReasonConcurrentInvocationLimit)
}

func succeeds(context.Context, *lambda.Invocation) (lambda.Result, error) {
	return lambda.Result{Payload: []byte(`{"ok":"<&>"}`)}, nil
}

var fn = lambda.FunctionID{Account: "111111111111", Region: "us-east-1", Name: "f"}

// inBubble runs a dispatcher for a test's length.
func inBubble(t *testing.T, h *house, test func(d *Dispatcher)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h.t = t
		if h.target.Limits == (Limits{}) {
			h.target.Limits = Limits{Retries: AttemptsDefault, Age: AgeDefault}
		}
		q, err := queue.Open(context.Background(), queue.Config{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		d := New(Config{Queue: q, Functions: h, Runner: h, Targets: h})
		ctx, stop := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() {
			if err := d.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		test(d)
		stop()
		running.Wait()
	})
}

func accept(t *testing.T, d *Dispatcher, id lambda.FunctionID, request string) {
	t.Helper()
	if err := d.Accept(context.Background(), Event{RequestID: lambda.RequestID(request), Function: id, Payload: []byte(`{"in":"<1>"}`)}); err != nil {
		t.Fatal(err)
	}
}

// settle waits until no events of f are left.
func settle(t *testing.T, d *Dispatcher) time.Duration {
	t.Helper()
	for {
		synctest.Wait()
		c, err := d.cfg.Queue.Counts(queueOf(fn))
		if err != nil {
			t.Fatal(err)
		}
		if c == (queue.Counts{}) {
			return time.Since(began)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func TestAFailingEventIsTriedThreeTimesWithItsRequestID(t *testing.T) {
	h := &house{run: fails, target: Target{OnFailure: "failures", OnSuccess: "successes", DeadLetter: "dead"}}
	inBubble(t, h, func(d *Dispatcher) {
		accept(t, d, fn, "r1")
		settle(t, d)
		want := []try{{0, "r1"}, {time.Minute, "r1"}, {3 * time.Minute, "r1"}}
		if !slices.Equal(h.attempts, want) {
			t.Errorf("attempts %v, want %v", h.attempts, want)
		}
		if len(h.delivered) != 2 {
			t.Fatalf("delivered %+v", h.delivered)
		}
		dead, failure := h.delivered[0], h.delivered[1]
		if dead.ARN != "dead" || string(dead.Body) != `{"in":"<1>"}` ||
			dead.Attributes["RequestID"] != (Attribute{"String", "r1"}) ||
			dead.Attributes["ErrorCode"] != (Attribute{"Number", "200"}) ||
			dead.Attributes["ErrorMessage"] != (Attribute{"String", "no"}) {
			t.Errorf("dead letter %+v: %s", dead, dead.Body)
		}
		const record = `{"version":"1.0","timestamp":"2000-01-01T00:03:00.000Z","requestContext":{"requestId":"r1",` +
			`"functionArn":"arn:aws:lambda:us-east-1:111111111111:function:f:$LATEST","condition":"RetriesExhausted","approximateInvokeCount":3},` +
			`"requestPayload":{"in":"<1>"},"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},` +
			`"responsePayload":{"errorMessage":"no","errorType":"Error"}}`
		if failure.ARN != "failures" || string(failure.Body) != record {
			t.Errorf("record for %s:\n%s\nwant\n%s", failure.ARN, failure.Body, record)
		}
		if c := d.Counts()[fn]; c != (Counts{Received: 1, Retried: 2, Dropped: 1}) {
			t.Errorf("counts %+v", c)
		}
	})
}

func TestASuccessIsToldToItsDestinationOnly(t *testing.T) {
	h := &house{run: succeeds, target: Target{OnFailure: "failures", OnSuccess: "successes", DeadLetter: "dead"}}
	inBubble(t, h, func(d *Dispatcher) {
		accept(t, d, fn, "r1")
		settle(t, d)
		if len(h.delivered) != 1 || h.delivered[0].ARN != "successes" ||
			!strings.HasSuffix(string(h.delivered[0].Body), `"responseContext":{"statusCode":200,"executedVersion":"$LATEST"},"responsePayload":{"ok":"<&>"}}`) {
			t.Errorf("delivered %+v: %s", h.delivered, h.delivered[0].Body)
		}
	})
}

func TestThrottlesBackOffUntilTheEventIsTooOld(t *testing.T) {
	h := &house{run: throttles, target: Target{OnFailure: "failures", Limits: Limits{Retries: 0, Age: 10 * time.Minute}}}
	inBubble(t, h, func(d *Dispatcher) {
		accept(t, d, fn, "r1")
		settle(t, d)
		// After 1+2+4+…+256 s the next wait of 300 s would be beyond ten minutes.
		if len(h.attempts) != 10 || h.attempts[9].at < 511*time.Second || h.attempts[9].at > 530*time.Second {
			t.Errorf("attempts %v, want 10, the last after 511s or a little more", h.attempts)
		}
		var r record
		if len(h.delivered) != 1 {
			t.Fatalf("delivered %+v", h.delivered)
		}
		if err := json.Unmarshal(h.delivered[0].Body, &r); err != nil {
			t.Fatal(err)
		}
		if r.RequestContext.Condition != EventAgeExceeded || r.RequestContext.InvokeCount != 0 || r.ResponseContext != nil || r.ResponsePayload != nil {
			t.Errorf("record %s", h.delivered[0].Body)
		}
	})
}

func TestReservedConcurrencyZeroEndsEventsAtOnce(t *testing.T) {
	zero := 0
	h := &house{run: succeeds, target: Target{OnFailure: "failures", Reserved: &zero}}
	inBubble(t, h, func(d *Dispatcher) {
		accept(t, d, fn, "r1")
		if took := settle(t, d); took != 0 || len(h.attempts) != 0 {
			t.Errorf("after %s and %d attempts", took, len(h.attempts))
		}
		if len(h.delivered) != 1 || !strings.Contains(string(h.delivered[0].Body), `"condition":"ZeroReservedConcurrency","approximateInvokeCount":0}`) {
			t.Errorf("delivered %+v", h.delivered)
		}
	})
}

func TestADeletedFunctionsEventsGoWithIt(t *testing.T) {
	h := &house{run: succeeds, gone: true, target: Target{OnFailure: "failures"}}
	inBubble(t, h, func(d *Dispatcher) {
		accept(t, d, fn, "r1")
		settle(t, d)
		if len(h.attempts) != 0 || len(h.delivered) != 0 || d.Counts()[fn].Dropped != 1 {
			t.Errorf("attempts %v, delivered %v, counts %+v", h.attempts, h.delivered, d.Counts()[fn])
		}
	})
}

func TestAFailedDeliveryIsCountedAndTheEventGone(t *testing.T) {
	h := &house{run: succeeds, refuse: true, target: Target{OnSuccess: "successes"}}
	inBubble(t, h, func(d *Dispatcher) {
		accept(t, d, fn, "r1")
		settle(t, d)
		if c := d.Counts()[fn]; c.DestinationDeliveryFailures != 1 {
			t.Errorf("counts %+v", c)
		}
	})
}

// Goal: however long one function's backlog is, another's single event starts at
// once, and the bound on one function's share is kept. Method: attempts of the first
// block; the backlog is thousands of events.
func TestABacklogDoesNotHoldUpAnotherFunction(t *testing.T) {
	unblock := make(chan struct{})
	started := make(chan lambda.RequestID, 1)
	h := &house{}
	h.run = func(_ context.Context, inv *lambda.Invocation) (lambda.Result, error) {
		if strings.HasSuffix(inv.InvokedFunctionARN, ":g") {
			started <- inv.RequestID
			return lambda.Result{Payload: []byte("null")}, nil
		}
		<-unblock
		return lambda.Result{Payload: []byte("null")}, nil
	}
	inBubble(t, h, func(d *Dispatcher) {
		unblock = make(chan struct{}) // of the bubble
		started = make(chan lambda.RequestID, 1)
		for range 20 {
			batch := make([]queue.Outgoing, 500)
			v := envelope{RequestID: "backlog"}
			attributes, err := v.attributes()
			if err != nil {
				t.Fatal(err)
			}
			for i := range batch {
				batch[i] = queue.Outgoing{Body: []byte(`{}`), Attributes: attributes}
			}
			accept(t, d, fn, "first")
			if _, err := d.cfg.Queue.Send(context.Background(), queueOf(fn), batch...); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		h.mu.Lock()
		running := len(h.attempts)
		h.mu.Unlock()
		if running != ConcurrencyDefault/2 {
			t.Errorf("%d attempts of one function run, want %d", running, ConcurrencyDefault/2)
		}
		before := time.Now()
		accept(t, d, lambda.FunctionID{Account: fn.Account, Region: fn.Region, Name: "g"}, "single")
		if id := <-started; id != "single" || time.Since(before) != 0 {
			t.Errorf("%s started after %s, want the single event at once", id, time.Since(before))
		}
		close(unblock)
		settle(t, d)
	})
}

func TestAnEventThatWasRunningWhenTheProcessLeftRunsAgain(t *testing.T) {
	h := &house{run: fails}
	synctest.Test(t, func(t *testing.T) {
		h.target.Limits = Limits{Retries: 0, Age: time.Hour}
		dir := t.TempDir()
		left := make(chan struct{})
		h.run = func(ctx context.Context, inv *lambda.Invocation) (lambda.Result, error) {
			close(left)
			time.Sleep(time.Second) // the process leaves in between, and ends the attempt
			return fails(ctx, inv)
		}
		q, err := queue.Open(context.Background(), queue.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		d := New(Config{Queue: q, Functions: h, Runner: h, Targets: h})
		ctx, stop := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { _ = d.Run(ctx) })
		accept(t, d, fn, "r1")
		<-left
		stop()
		running.Wait()
		if c, err := q.Counts(queueOf(fn)); err != nil || c != (queue.Counts{Visible: 1}) {
			t.Errorf("counts %+v, %v; want the event to wait for the next start", c, err)
		}
	})
}

func TestAnEventThatClosesALoopEndsWithoutAnAttempt(t *testing.T) {
	h := &house{run: succeeds, target: Target{OnFailure: "failures", DeadLetter: "dead"}}
	inBubble(t, h, func(d *Dispatcher) {
		if err := d.Accept(context.Background(), Event{RequestID: "r1", Function: fn, Looping: true, Payload: []byte(`{}`)}); err != nil {
			t.Fatal(err)
		}
		settle(t, d)
		if len(h.attempts) != 0 || len(h.delivered) != 2 || d.Counts()[fn].RecursiveDropped != 1 {
			t.Errorf("attempts %v, delivered %+v, counts %+v", h.attempts, h.delivered, d.Counts()[fn])
		}
	})
}
