package sns

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
)

// deliveryTimeout bounds one delivery to a queue or a function, which take it at
// once or not at all.
const deliveryTimeout = 30 * time.Second

// progress is what a message has been through on its way to one endpoint.
type progress struct {
	Attempts int `json:"attempts,omitempty"`
	// Dead says that the endpoint was given up: what is left is the dead-letter queue.
	Dead bool `json:"dead,omitempty"`
	// Code and Text are of the last failure.
	Code string `json:"code,omitempty"`
	Text string `json:"text,omitempty"`
}

// deliveryLane takes one subscription's messages from its queue as long as there are
// slots, and waits for the deliveries that it started.
func (s *Service) deliveryLane(ctx context.Context, name queue.Name) {
	var running sync.WaitGroup
	defer running.Wait()
	for ctx.Err() == nil {
		sub, ok := s.subscriptionByID(name.Name)
		if !ok {
			s.deleteQueue(ctx, name)
			return
		}
		if err := s.cfg.Queue.AwaitDue(ctx, name); err != nil {
			if s.laneEnds(ctx, name, err) {
				return
			}
			continue
		}
		slots, err := s.gate.acquire(ctx, name)
		if err != nil {
			return
		}
		hold := heldMax
		messages, err := s.cfg.Queue.Receive(ctx, name, queue.Request{Max: slots, Visibility: &hold})
		batches := inOrder(messages, sub.topic.record.FIFO)
		s.gate.release(name, slots-len(batches))
		if err != nil {
			if s.laneEnds(ctx, name, err) {
				return
			}
			continue
		}
		for _, batch := range batches {
			running.Go(func() {
				defer s.gate.release(name, 1)
				s.deliverInOrder(ctx, name, batch)
			})
		}
		s.throttle(ctx, sub, len(messages))
	}
}

// inOrder divides messages into those that are delivered one after the other: by
// group in FIFO topics, each for itself in others.
func inOrder(messages []queue.Message, fifo bool) [][]queue.Message {
	var out [][]queue.Message
	groups := map[string]int{}
	for _, m := range messages {
		at, ok := groups[m.Group]
		if !fifo || !ok {
			groups[m.Group] = len(out)
			out = append(out, []queue.Message{m})
			continue
		}
		out[at] = append(out[at], m)
	}
	return out
}

// throttle holds a lane to the rate that the endpoint's delivery policy allows.
func (s *Service) throttle(ctx context.Context, sub *subscription, taken int) {
	if !isHTTP(sub.record.Protocol) {
		return
	}
	if t := sub.deliveryPolicy().Throttle; t != nil {
		rest(ctx, s.scaled(time.Duration(taken)*time.Second/time.Duration(t.MaxReceivesPerSecond)))
	}
}

// deliverInOrder delivers messages one after the other. Those behind one that has to
// wait go back untried.
func (s *Service) deliverInOrder(ctx context.Context, name queue.Name, batch []queue.Message) {
	for i := range batch {
		if s.attempt(ctx, name, &batch[i]) {
			continue
		}
		for _, m := range batch[i+1:] {
			s.putBack(context.WithoutCancel(ctx), name, &m, 0, m.Attributes)
		}
		return
	}
}

func (s *Service) putBack(ctx context.Context, name queue.Name, m *queue.Message, delay time.Duration, attributes map[string]queue.Attribute) {
	err := s.cfg.Queue.Return(ctx, name, m.Receipt, delay, attributes)
	if err != nil && !errors.Is(err, queue.ErrNoQueue) {
		s.cfg.Log.ErrorContext(ctx, "putting a message back", "queue", name.Name, "error", err)
	}
}

// attempt delivers a message once and carries out what follows. It reports false
// when the message stays in its queue. ctx ends when the process is leaving.
func (s *Service) attempt(ctx context.Context, name queue.Name, m *queue.Message) (done bool) {
	alive := context.WithoutCancel(ctx) // what was begun is written down
	sub, ok := s.subscriptionByID(name.Name)
	var n notice
	if err := unpack(m, &n); err != nil || !ok || !n.wanted(sub) {
		if err != nil {
			s.cfg.Log.ErrorContext(alive, "a message cannot be read and is dropped", "subscription", name.Name, "error", err)
		}
		s.remove(alive, name, m.Receipt)
		return true
	}
	var err error
	if n.Dead {
		err = s.deliverDead(ctx, sub, &n, string(m.Body))
	} else {
		err = s.deliver(ctx, sub, &n, string(m.Body))
		s.gate.tell(name, err == nil || permanent(err))
	}
	if err != nil && ctx.Err() != nil {
		s.putBack(alive, name, m, 0, m.Attributes) // the process is leaving: it does not count
		return false
	}
	if err == nil {
		s.succeeded(sub, &n)
		s.remove(alive, name, m.Receipt)
		return true
	}
	return s.failed(alive, name, m, sub, &n, err)
}

// wanted says whether a message still goes to the subscription.
func (n *notice) wanted(sub *subscription) bool {
	if n.Kind == typeNotification {
		return sub.confirmed() || n.Dead
	}
	return n.Token == sub.record.Token && !sub.confirmed()
}

func (s *Service) succeeded(sub *subscription, n *notice) {
	if n.Kind != typeNotification {
		return
	}
	s.tally.add(sub.topic.arn, func(c *Counts) {
		if n.Dead {
			c.Redriven++
		} else {
			c.Delivered++
		}
	})
}

// failed decides what becomes of a message after a failure: another attempt later,
// the dead-letter queue, or the end.
func (s *Service) failed(ctx context.Context, name queue.Name, m *queue.Message, sub *subscription, n *notice, err error) (done bool) {
	n.Attempts++
	next := decide(sub, n, err)
	if !n.Dead { // the reason that a dead letter has is the endpoint's
		n.Code, n.Text = describe(err)
	}
	s.cfg.Log.DebugContext(ctx, "a message could not be delivered", "subscription_arn", sub.arn, "attempts", n.Attempts, "error", err)
	switch {
	case next.again:
	case next.dead:
		s.tally.add(sub.topic.arn, func(c *Counts) { c.Failed++ })
		n.progress = progress{Dead: true, Code: n.Code, Text: n.Text}
	default:
		s.cfg.Log.WarnContext(ctx, "a message is given up", "subscription_arn", sub.arn, "attempts", n.Attempts, "error", err)
		s.tally.add(sub.topic.arn, func(c *Counts) {
			if n.Dead {
				c.FailedToRedrive++
			} else {
				c.Failed++
			}
		})
		s.remove(ctx, name, m.Receipt)
		return true
	}
	attributes, err := pack(n)
	if err != nil {
		s.cfg.Log.ErrorContext(ctx, "putting a message back", "queue", name.Name, "error", err)
		return false
	}
	s.putBack(ctx, name, m, s.scaled(next.delay), attributes)
	return false
}

// verdict is what to do with a message after a failure; the zero value gives it up.
type verdict struct {
	again bool
	dead  bool // to the dead-letter queue
	delay time.Duration
}

// decide says what becomes of a message whose delivery failed; n counts the attempt.
func decide(sub *subscription, n *notice, err error) verdict {
	policy := sub.retryPolicy()
	if n.Dead {
		policy = managedRetries
	}
	if !permanent(err) {
		if delay, ok := policy.delay(n.Attempts); ok {
			return verdict{again: true, delay: delay}
		}
	}
	if n.Dead || sub.deadLetter == "" || n.Kind != typeNotification {
		return verdict{}
	}
	return verdict{dead: true}
}

func permanent(err error) bool {
	_, ok := errors.AsType[*Refusal](err)
	return ok
}

// describe is what a dead letter says of the failure.
func describe(err error) (code, text string) {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Code, r.Text
	}
	return strconv.Itoa(http.StatusInternalServerError), err.Error()
}

// deliver hands a message to a subscription's endpoint.
func (s *Service) deliver(ctx context.Context, sub *subscription, n *notice, text string) error {
	if isHTTP(sub.record.Protocol) {
		m, err := s.message(ctx, sub, n, text)
		if err != nil {
			return err
		}
		return s.post(ctx, sub, m)
	}
	d, err := s.delivery(ctx, sub, n, text)
	if err != nil {
		return err
	}
	d.Protocol, d.Endpoint = sub.record.Protocol, sub.record.Endpoint
	return s.handOver(ctx, d)
}

// deliverDead hands a message that was given up to the dead-letter queue: what the
// endpoint would have got, and why it did not.
func (s *Service) deliverDead(ctx context.Context, sub *subscription, n *notice, text string) error {
	if sub.deadLetter == "" {
		return &Refusal{"NotFound", "the subscription has no dead-letter queue any more"}
	}
	d, err := s.delivery(ctx, sub, n, text)
	if err != nil {
		return err
	}
	d.Protocol, d.Endpoint = protocolSQS, sub.deadLetter
	why := map[string]Attribute{
		"RequestID":    {Type: "String", Value: []byte(n.ID)},
		"ErrorCode":    {Type: "String", Value: []byte(n.Code)},
		"ErrorMessage": {Type: "String", Value: []byte(cut(n.Text))},
	}
	maps.DeleteFunc(why, func(_ string, a Attribute) bool { return len(a.Value) == 0 })
	if len(d.Attributes)+len(why) <= queueAttributesMax {
		maps.Copy(why, d.Attributes)
		d.Attributes = why
	}
	return s.handOver(ctx, d)
}

const (
	// queueAttributesMax is how many attributes a queue's message may have.
	queueAttributesMax = 10
	// errorTextMax bounds what a dead letter says of the error, as Lambda's do.
	errorTextMax = 1 << 10
)

func cut(text string) string {
	if len(text) > errorTextMax {
		text = text[:errorTextMax]
	}
	return strings.ToValidUTF8(text, "")
}

func (s *Service) handOver(ctx context.Context, d Delivery) error {
	if !strings.HasSuffix(d.Endpoint, fifoSuffix) {
		d.DedupID = "" // a standard queue refuses it
	}
	ctx, cancel := context.WithTimeout(ctx, deliveryTimeout)
	defer cancel()
	return s.cfg.Targets.Deliver(ctx, d)
}

// delivery is a message for a queue or a function, without its address.
func (s *Service) delivery(ctx context.Context, sub *subscription, n *notice, text string) (Delivery, error) {
	d := Delivery{TopicARN: sub.topic.arn, Group: n.Group, DedupID: n.DedupID}
	if n.Kind == typeNotification && sub.raw() {
		d.Body, d.Attributes = []byte(text), n.Attributes
		return d, nil
	}
	m, err := s.message(ctx, sub, n, text)
	if err != nil {
		return d, err
	}
	d.Body = m.envelope()
	if sub.record.Protocol == protocolLambda {
		d.Body = m.event()
	}
	if n.Kind != typeNotification && sub.topic.record.FIFO {
		d.Group, d.DedupID = "confirmation", n.ID
	}
	return d, nil
}

// message is what the endpoint gets to read, signed unless it gets the text alone.
func (s *Service) message(ctx context.Context, sub *subscription, n *notice, text string) (*message, error) {
	m := &message{
		kind: n.Kind, id: n.ID, sequence: n.Sequence, topicARN: sub.topic.arn, subject: n.Subject, text: text,
		sent: time.UnixMilli(n.Sent), attributes: n.Attributes, subscriptionARN: sub.arn, signatureVersion: n.Version,
	}
	if n.Kind == typeNotification {
		m.unsubscribeURL = s.unsubscribeURL(sub)
		if sub.raw() {
			return m, nil
		}
	} else {
		m.token, m.subscribeURL = n.Token, s.confirmURL(sub, n.Token)
	}
	return m, s.signer.sign(ctx, s.cfg.BaseURL, m)
}

func newMessageID() string { return lambda.NewUUID() }
