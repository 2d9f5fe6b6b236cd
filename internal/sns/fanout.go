package sns

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/queue"
)

const (
	// fanOutsMax is how many times ten messages of one topic are copied at the same
	// time: enough that the disk's syncs take many.
	fanOutsMax = 4
	// copiesMax bounds the copies of one message that are written at the same time.
	copiesMax = 64
	// heldMax is how long messages may be in this process's hands; a restart releases
	// them earlier. It is longer than ten deliveries one after the other.
	heldMax = time.Hour
	// troublePause is the rest after a fault of the queue.
	troublePause = time.Second
)

// fanOutLane copies one topic's messages to its subscriptions until ctx ends or the
// topic is gone.
func (s *Service) fanOutLane(ctx context.Context, name queue.Name) {
	var running sync.WaitGroup
	defer running.Wait()
	free := make(chan struct{}, fanOutsMax)
	for ctx.Err() == nil {
		if !s.owned(name) {
			s.deleteQueue(ctx, name)
			return
		}
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return
		}
		messages, err := s.nextOf(ctx, name)
		if err != nil {
			<-free
			if s.laneEnds(ctx, name, err) {
				return
			}
			continue
		}
		running.Go(func() {
			defer func() { <-free }()
			s.fanOut(context.WithoutCancel(ctx), name, messages)
		})
	}
}

// nextOf waits for messages that are due and takes them.
func (s *Service) nextOf(ctx context.Context, name queue.Name) ([]queue.Message, error) {
	if err := s.cfg.Queue.AwaitDue(ctx, name); err != nil {
		return nil, err
	}
	hold := heldMax
	return s.cfg.Queue.Receive(ctx, name, queue.Request{Max: queue.ReceiveMax, Visibility: &hold})
}

// laneEnds says whether a lane is over after an error; after a fault it rests.
func (s *Service) laneEnds(ctx context.Context, name queue.Name, err error) bool {
	if ctx.Err() != nil || errors.Is(err, queue.ErrNoQueue) || errors.Is(err, queue.ErrClosed) {
		return true
	}
	s.cfg.Log.ErrorContext(ctx, "taking messages from their queue", "queue", name.Name, "error", err)
	rest(ctx, troublePause)
	return false
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

// notice is what is kept in a subscription's queue beside a message's text.
type notice struct {
	Kind       string               `json:"kind"`
	ID         string               `json:"id"`
	Sequence   string               `json:"sequence,omitempty"`
	Subject    *string              `json:"subject,omitempty"`
	Sent       int64                `json:"sent"` // milliseconds since 1970
	Attributes map[string]Attribute `json:"attributes,omitempty"`
	Group      string               `json:"group,omitempty"`
	DedupID    string               `json:"dedup,omitempty"`
	Version    string               `json:"version"` // of the signature
	Token      string               `json:"token,omitempty"`
	progress
}

// fanOut copies messages into the queues of the subscriptions that they are for, and
// removes them from the topic's. What could not be copied to all is copied again.
func (s *Service) fanOut(ctx context.Context, name queue.Name, messages []queue.Message) {
	copies := map[*subscription][]queue.Outgoing{}
	t, subs := s.audienceOf(name.Name)
	for i := range messages {
		if t == nil {
			break // the topic is gone, and its messages with it
		}
		l, err := letterOf(t, &messages[i])
		if err == nil {
			err = s.address(t, subs, l, copies)
		}
		if err != nil {
			s.cfg.Log.ErrorContext(ctx, "a message cannot be read and is dropped", "topic_arn", t.arn, "error", err)
		}
	}
	if err := s.writeCopies(ctx, copies); err != nil {
		s.cfg.Log.ErrorContext(ctx, "copying messages to subscriptions", "topic", name.Name, "error", err)
		for i := range messages {
			if err := s.cfg.Queue.Return(ctx, name, messages[i].Receipt, troublePause, messages[i].Attributes); err != nil {
				s.cfg.Log.ErrorContext(ctx, "putting a message back", "topic", name.Name, "error", err)
			}
		}
		return
	}
	receipts := make([]string, len(messages))
	for i := range messages {
		receipts[i] = messages[i].Receipt
	}
	s.remove(ctx, name, receipts...)
}

// audience is those who get a topic's messages.
func (s *Service) audience(id string) ([]*subscription, error) {
	t, subs := s.audienceOf(id)
	if t == nil {
		return nil, errNoTopic
	}
	return subs, nil
}

// audienceOf is a topic, nil when it is gone, and those who get its messages.
func (s *Service) audienceOf(id string) (*topic, []*subscription) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t := s.index.byID[id]
	if t == nil {
		return nil, nil
	}
	var subs []*subscription
	for _, sub := range t.subs {
		if sub.confirmed() {
			subs = append(subs, sub)
		}
	}
	return t, subs
}

// letter is a published message with what it got by being accepted.
type letter struct {
	outgoing
	id       string
	sequence string // of FIFO topics
	sent     time.Time
}

func letterOf(t *topic, m *queue.Message) (*letter, error) {
	l := &letter{outgoing: outgoing{text: string(m.Body)}, id: m.ID, sent: m.Sent}
	if t.record.FIFO {
		l.sequence = sequenceNumber(m.Sequence)
	}
	return l, unpack(m, &l.published)
}

// address adds a message to the copies of each subscription that it is for.
func (s *Service) address(t *topic, subs []*subscription, l *letter, copies map[*subscription][]queue.Outgoing) error {
	texts := map[string]string{"default": l.text}
	if l.JSON {
		var err error
		if texts, err = protocolTexts(l.text); err != nil {
			return err
		}
	}
	attributes, err := pack(&notice{
		Kind: typeNotification, ID: l.id, Sequence: l.sequence, Subject: l.Subject, Sent: l.sent.UnixMilli(), Attributes: l.Attributes,
		Group: l.Group, DedupID: l.DedupID, Version: t.attribute(attrSignatureVersion),
	})
	if err != nil {
		return err
	}
	seen := &subject{attributes: l.Attributes}
	for _, sub := range subs {
		text, ok := texts[sub.record.Protocol]
		if !ok {
			text = texts["default"]
		}
		if !sub.filter.matches(seen, text) {
			s.tally.add(t.arn, func(c *Counts) { c.FilteredOut++ })
			continue
		}
		// The id makes a copy that is written again after a crash a duplicate.
		copies[sub] = append(copies[sub], queue.Outgoing{Body: []byte(text), Attributes: attributes, Group: l.Group, DedupID: l.id})
	}
	return nil
}

// writeCopies puts the copies on disk; the engine syncs those of many at once.
func (s *Service) writeCopies(ctx context.Context, copies map[*subscription][]queue.Outgoing) error {
	var writing sync.WaitGroup
	free := make(chan struct{}, copiesMax)
	var mu sync.Mutex
	var failed error
	for sub, messages := range copies {
		free <- struct{}{}
		writing.Go(func() {
			defer func() { <-free }()
			_, err := s.send(ctx, sub.queue(), sub.queueSettings(), messages)
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
		})
	}
	writing.Wait()
	return failed
}

func (s *subscription) queueSettings() queue.Settings {
	return queue.Settings{FIFO: s.topic.record.FIFO, Retention: retention}
}

// enqueueConfirmation has an endpoint asked whether it wants the messages, or told
// that it gets no more.
func (s *Service) enqueueConfirmation(ctx context.Context, sub *subscription, kind string) error {
	n := notice{
		Kind: kind, ID: newMessageID(), Sent: s.cfg.Now().UnixMilli(), Version: sub.topic.attribute(attrSignatureVersion), Token: sub.record.Token,
	}
	attributes, err := pack(&n)
	if err != nil {
		return err
	}
	text := "You have chosen to subscribe to the topic " + sub.topic.arn +
		".\nTo confirm the subscription, visit the SubscribeURL included in this message."
	if kind == typeUnsubscribeConfirmation {
		text = "You have chosen to deactivate subscription " + sub.arn +
			".\nTo cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
	}
	_, err = s.send(ctx, sub.queue(), sub.queueSettings(), []queue.Outgoing{{
		Body: []byte(text), Attributes: attributes, Group: "confirmation", DedupID: n.ID,
	}})
	return err
}

func (s *Service) remove(ctx context.Context, name queue.Name, receipts ...string) {
	errs, err := s.cfg.Queue.Remove(ctx, name, receipts...)
	if err = errors.Join(append(errs, err)...); err != nil && !errors.Is(err, queue.ErrNoQueue) {
		// It is delivered again when it is due, or after the next start.
		s.cfg.Log.ErrorContext(ctx, "removing a message that was handed on", "queue", name.Name, "error", err)
	}
}
