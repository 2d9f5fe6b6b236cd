package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/harness"
	"github.com/hearthfaas/hearth/internal/queue"
)

const (
	// eventClients send events at the same time.
	eventClients = 64
	// backlogEvents are queued for one function while another's events are timed.
	backlogEvents = 100_000
	// singleEvents are how many of the other's are timed.
	singleEvents = 50
	// backlogMax bounds the time in which the backlog grows.
	backlogMax = 40 * time.Second
)

// events measures Event invokes: how many are accepted, each on disk before its 202,
// beside what the queue engine alone takes; and how long one function's event waits
// behind the backlog of another.
func (b *bench) events(ctx context.Context) error {
	if b.node == "" {
		return nil
	}
	floor, err := b.durableSends(ctx)
	if err != nil {
		return err
	}
	b.rep.add(fmt.Sprintf("floor: the queue engine, %d senders", eventClients), "", figure{"accepted", floor, "/s"})
	h, err := b.up(ctx, "events")
	if err != nil {
		return err
	}
	defer func() { _ = h.Stop() }()
	for name, source := range map[string]string{
		"slow":   `exports.handler = () => new Promise((r) => setTimeout(r, 1000));`,
		"single": `exports.handler = async (e) => { console.log('waited ' + (Date.now() - e.sent)); };`,
	} {
		if err := h.create(ctx, harness.Function{Name: name, Runtime: b.node, Files: map[string]string{"index.js": source}, Memory: 1769}); err != nil {
			return err
		}
	}
	c := lambda.NewFromConfig(h.aws)
	// What is queued is to wait: two environments take two of them in a second.
	if _, err := c.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: new("slow"), ReservedConcurrentExecutions: new(int32(2))}); err != nil {
		return err
	}
	alone, err := b.waits(ctx, h)
	if err != nil {
		return err
	}
	t, err := signedEvent(ctx, h, "slow", warmEvent)
	if err != nil {
		return err
	}
	o, err := t.together(ctx, eventClients, b.span(time.Second), b.span(4*time.Second))
	if err != nil {
		return err
	}
	b.addOutcome(fmt.Sprintf("Event invokes answered 202, %d at a time", eventClients), "≥ 10,000/s", o)
	queued := len(o.times)
	for until := time.Now().Add(backlogMax); queued < b.count(backlogEvents) && time.Now().Before(until); {
		more, err := t.together(ctx, eventClients, 0, time.Second)
		if err != nil {
			return err
		}
		queued += len(more.times)
	}
	behind, err := b.waits(ctx, h)
	if err != nil {
		return err
	}
	for _, w := range []struct {
		name  string
		times []time.Duration
	}{{"one event, sent until it runs, nothing else queued", alone}, {fmt.Sprintf("the same with %d events of another function queued", queued), behind}} {
		b.rep.add(w.name, "", millis("p50", quantile(w.times, 0.5)), millis("p99", quantile(w.times, 0.99)))
	}
	return nil
}

// durableSends is how many messages a second a queue engine of this process stores.
func (b *bench) durableSends(ctx context.Context) (float64, error) {
	dir, err := os.MkdirTemp(b.scratch, "queue-")
	if err != nil {
		return 0, err
	}
	e, err := queue.Open(ctx, queue.Config{Dir: dir, Now: time.Now})
	if err != nil {
		return 0, err
	}
	defer func() { _ = e.Close() }()
	name := queue.Name{Account: "000000000000", Region: harness.Region, Kind: "bench", Name: "q"}
	if err := e.Create(ctx, name, queue.Settings{}); err != nil {
		return 0, err
	}
	span := b.span(3 * time.Second)
	until := time.Now().Add(span)
	sent, errs := make([]int, eventClients), make([]error, eventClients)
	var wg sync.WaitGroup
	for i := range eventClients {
		wg.Go(func() {
			for time.Now().Before(until) && errs[i] == nil {
				_, errs[i] = e.Send(ctx, name, queue.Outgoing{Body: []byte(warmEvent)})
				sent[i]++
			}
		})
	}
	wg.Wait()
	total := 0
	for i, err := range errs {
		if err != nil {
			return 0, err
		}
		total += sent[i]
	}
	return float64(total) / span.Seconds(), nil
}

// waits times single events of a function from when they are sent to when they run,
// as the function itself sees it.
func (b *bench) waits(ctx context.Context, h *hearth) ([]time.Duration, error) {
	c, logs := lambda.NewFromConfig(h.aws), cloudwatchlogs.NewFromConfig(h.aws)
	// The cold start is not what is timed; its line says NaN.
	if _, err := c.Invoke(ctx, &lambda.InvokeInput{FunctionName: new("single"), Payload: []byte(`{}`)}); err != nil {
		return nil, err
	}
	began := time.Now().UnixMilli()
	n := b.count(singleEvents)
	for range n {
		payload := fmt.Sprintf(`{"sent":%d}`, time.Now().UnixMilli())
		if _, err := c.Invoke(ctx, &lambda.InvokeInput{FunctionName: new("single"), InvocationType: types.InvocationTypeEvent, Payload: []byte(payload)}); err != nil {
			return nil, err
		}
		time.Sleep(20 * time.Millisecond) // one at a time
	}
	for until := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		out, err := logs.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{
			LogGroupName: new("/aws/lambda/single"), FilterPattern: new("waited"), StartTime: &began,
		})
		if err != nil {
			return nil, err
		}
		var times []time.Duration
		for _, e := range out.Events {
			_, text, _ := strings.Cut(*e.Message, "waited ")
			ms, err := strconv.Atoi(strings.TrimSpace(text))
			if err != nil {
				continue
			}
			times = append(times, time.Duration(ms)*time.Millisecond)
		}
		if len(times) >= n {
			slices.Sort(times)
			return times, nil
		}
		if time.Now().After(until) {
			return nil, fmt.Errorf("%d of %d events ran", len(times), n)
		}
	}
}

// signedEvent is signedInvoke for the type Event.
func signedEvent(ctx context.Context, h *hearth, function, payload string) (target, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost,
		h.Endpoint+"/2015-03-31/functions/"+function+"/invocations", strings.NewReader(payload))
	if err != nil {
		return target{}, fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("X-Amz-Invocation-Type", "Event")
	keys, err := h.aws.Credentials.Retrieve(ctx)
	if err != nil {
		return target{}, fmt.Errorf("read the keys: %w", err)
	}
	sum := sha256.Sum256([]byte(payload))
	if err := v4.NewSigner().SignHTTP(ctx, keys, req, hex.EncodeToString(sum[:]), "lambda", harness.Region, time.Now()); err != nil {
		return target{}, fmt.Errorf("sign the request: %w", err)
	}
	t, err := plainTarget(req)
	t.status = http.StatusAccepted
	return t, err
}
