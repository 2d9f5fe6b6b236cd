package sqs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/eventsource"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// attributesAge is how old what is known of a queue may be: a change of its
// visibility timeout is noticed this late.
const attributesAge = time.Minute

// hastyPause follows a long poll that was answered with nothing before its time, as
// SQS does while too many messages are in flight.
const hastyPause = 2 * time.Second

// harvest is what a gathering found.
type harvest struct {
	items []item
	found found
	// visible is when the first of the messages may be received by others.
	visible time.Time
}

// gather receives messages until a batch is full or its window is over. Those that
// the function does not want are deleted. It ends early, with what there is, when
// ctx ends.
func (p *poller) gather(ctx context.Context, m *eventsource.Mapping) (harvest, error) {
	f, as, err := p.target(ctx, m)
	if err != nil {
		return harvest{}, err
	}
	filter, err := p.filterOf(m)
	if err != nil {
		return harvest{}, err
	}
	queue, err := p.visibility(ctx, as, m.SourceARN)
	if err != nil {
		return harvest{}, err
	}
	total, override := hidden(queue, m.Settings.Window, f.Version.Timeout)
	var h harvest
	var until time.Time // the end of the window
	bytes := len(eventHead) + len(eventTail)
	for {
		r := Receive{Max: min(ReceiveMax, m.Settings.BatchSize-len(h.items)), Wait: WaitMax, Visibility: override}
		waiting, cancel := ctx, func() {}
		if len(h.items) > 0 {
			r.Wait = min(WaitMax, time.Until(until))
			waiting, cancel = context.WithDeadline(ctx, until)
		}
		messages, err := p.receive(waiting, m, as, r)
		cancel()
		ending := ctx.Err() != nil
		if err != nil {
			if len(h.items) > 0 || ending { // the window's end, or the mapping's
				return h, unexpected(err)
			}
			return harvest{}, err
		}
		if len(messages) > 0 {
			h.found = max(h.found, some)
		}
		if len(h.items) == 0 {
			until = time.Now().Add(m.Settings.Window)
			h.visible = time.Now().Add(total)
		}
		wanted, err := p.sift(ctx, m, as, filter, messages)
		if err != nil {
			return harvest{}, err
		}
		for i := range wanted {
			bytes += wanted[i].sizeIn()
		}
		h.items = append(h.items, wanted...)
		full := len(messages) == r.Max && m.Settings.Window == 0 || len(h.items) >= m.Settings.BatchSize || bytes >= eventMax
		if full {
			h.found = plenty
		}
		if full || ending || len(h.items) == 0 || !time.Now().Before(until) {
			return h, nil //nolint:nilerr // every error has returned above
		}
	}
}

func (p *poller) receive(ctx context.Context, m *eventsource.Mapping, as lambda.Caller, r Receive) ([]types.Message, error) {
	asked := time.Now()
	messages, err := p.cfg.Queues.Receive(ctx, as, m.SourceARN, r)
	if err == nil && len(messages) == 0 && time.Since(asked) < r.Wait/2 {
		rest(ctx, hastyPause)
	}
	return messages, err
}

// unexpected is an error that is not the end of a wait.
func unexpected(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// target is the function of a mapping and the caller that its role makes.
func (p *poller) target(ctx context.Context, m *eventsource.Mapping) (eventsource.Function, lambda.Caller, error) {
	f, err := p.cfg.Functions.Find(m.Function, m.Qualifier)
	if err == nil {
		err = f.Refusal
	}
	if err != nil {
		return f, lambda.Caller{}, err
	}
	as, err := p.cfg.Roles.Assume(ctx, f.Version.RoleARN, m.Function)
	return f, as, err
}

func (p *poller) filterOf(m *eventsource.Mapping) (*eventsource.Filter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.filter.Filter == nil || p.filter.revision != m.Revision {
		f, err := eventsource.NewFilter(m.Settings.Filters, "body")
		if err != nil {
			return nil, err
		}
		p.filter.Filter, p.filter.revision = f, m.Revision
	}
	return p.filter.Filter, nil
}

func (p *poller) visibility(ctx context.Context, as lambda.Caller, arn string) (time.Duration, error) {
	p.mu.Lock()
	known := p.queue
	p.mu.Unlock()
	if known.arn == arn && time.Since(known.at) < attributesAge {
		return known.visibility, nil
	}
	visibility, err := p.cfg.Queues.Visibility(ctx, as, arn)
	if err != nil {
		return 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue.arn, p.queue.visibility, p.queue.at = arn, visibility, time.Now()
	return visibility, nil
}

// sift makes records of messages and deletes those that no filter lets pass.
func (p *poller) sift(ctx context.Context, m *eventsource.Mapping, as lambda.Caller, filter *eventsource.Filter, messages []types.Message) ([]item, error) {
	var wanted []item
	var unwanted []types.Message
	for i := range messages {
		text, err := encode(recordOf(&messages[i], m.SourceARN))
		if err != nil {
			return nil, fmt.Errorf("write message %s as a record: %w", value(messages[i].MessageId), err)
		}
		if !filter.Match(text) {
			unwanted = append(unwanted, messages[i])
			continue
		}
		it := item{message: messages[i], record: text}
		if strings.HasSuffix(m.SourceARN, ".fifo") { // groups of other queues keep no order
			it.group = messages[i].Attributes[string(types.MessageSystemAttributeNameMessageGroupId)]
		}
		wanted = append(wanted, it)
	}
	p.count(m, eventsource.MetricPolled, len(messages))
	if len(unwanted) > 0 {
		p.count(m, eventsource.MetricFilteredOut, len(unwanted))
		p.remove(context.WithoutCancel(ctx), m, as, unwanted)
	}
	return wanted, nil
}

func (p *poller) count(m *eventsource.Mapping, metric string, n int) {
	if m.Settings.CountEvents && n > 0 {
		p.cfg.Metrics.CountEvents(*m, metric, n)
	}
}

const (
	// deletesMax is how many deletes of one batch are under way at the same time: they
	// share the queue's way to disk.
	deletesMax = 8
	// deleteTries is how often a delete is tried that goes wrong for no fault of the
	// message; then the message comes again, as at-least-once allows.
	deleteTries = 3
)

// remove deletes messages.
func (p *poller) remove(ctx context.Context, m *eventsource.Mapping, as lambda.Caller, messages []types.Message) {
	slots := make(chan struct{}, deletesMax)
	results := make(chan error)
	n := 0
	for part := range slices.Chunk(messages, DeleteMax) {
		n++
		go func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			results <- p.removePart(ctx, m, as, part)
		}()
	}
	var failed error
	for range n {
		failed = errors.Join(failed, <-results)
	}
	text := ""
	if failed != nil {
		text, _ = explain(failed)
		p.cfg.Log.WarnContext(ctx, "messages that were done with are still in their queue", "mapping", m.UUID, "error", failed)
	}
	p.problem(m, deleting, text)
}

func (p *poller) removePart(ctx context.Context, m *eventsource.Mapping, as lambda.Caller, messages []types.Message) (err error) {
	left := messages
	for try := 0; try < deleteTries && len(left) > 0; try++ {
		if try > 0 {
			rest(ctx, backOff(try, retryMin, retryMax))
		}
		left, err = p.cfg.Queues.Delete(ctx, as, m.SourceARN, left)
		if _, refused := explain(err); refused { // it stays so
			break
		}
	}
	p.count(m, eventsource.MetricDeleted, len(messages)-len(left))
	return err
}

// rest waits, or for the end of ctx.
func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
