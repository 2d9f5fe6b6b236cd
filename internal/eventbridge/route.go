package eventbridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hearthfaas/hearth/internal/pattern"
	"github.com/hearthfaas/hearth/internal/queue"
	"github.com/hearthfaas/hearth/internal/store"
)

// Kind is the kind of this package's queues: one for each target.
const Kind = "events"

// retention is how long a delivery's record is kept at most: longer than an event
// may become old, so that it is this package that gives it up, and tells.
const retention = 2 * 24 * time.Hour

// queueOf is the queue of a target.
func queueOf(k busKey, rule, target string) queue.Name {
	return queue.Name{Account: k.account, Region: k.region, Kind: Kind, Name: k.name + "/" + rule + "/" + target}
}

// plan is all that is to be on disk before events are accepted.
type plan struct {
	sends []send
	kept  []keptIn
}

type send struct {
	to      queue.Name
	message queue.Outgoing
}

// keptIn is an event for an archive.
type keptIn struct {
	archive ownName
	event   keptEvent
}

// route adds what follows from an event on a bus to a plan. only names the rules
// that it may meet; none is all. A bus that does not exist swallows it, as on AWS; it
// then reports false.
func (s *Service) route(p *plan, k busKey, h header, detail []byte, only []string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, ok := s.index.buses[k]
	if !ok {
		return k.name == defaultBus
	}
	if b.matcher.Len() == 0 && b.archives.Len() == 0 {
		return true
	}
	ev, err := pattern.ParseEvent(h.encode(detail))
	if err != nil {
		return true // deeper than patterns look: no rule meets it
	}
	for _, name := range b.matcher.Match(ev) {
		r := b.rules[name]
		if len(only) == 0 || slices.Contains(only, r.arn()) {
			s.trigger(p, r, &h, detail)
		}
	}
	if h.Replay == "" { // what an archive plays is in it already
		for _, name := range b.archives.Match(ev) {
			p.kept = append(p.kept, keptIn{ownName{k.account, k.region, name}, keptEvent{h, detail}})
		}
	}
	return true
}

// trigger adds a delivery to each of a rule's targets.
func (s *Service) trigger(p *plan, r *rule, h *header, detail []byte) {
	s.counts.add(r.arn(), func(c *Counts) { c.Triggered++ })
	v := letter{header: *h}
	for i := range r.record.Targets {
		p.sends = append(p.sends, send{
			queueOf(r.bus, r.record.Name, r.record.Targets[i].ID),
			queue.Outgoing{Body: detail, Attributes: v.attributes()},
		})
	}
}

// letter is what is kept beside an event's detail while it waits for one target. It
// is rewritten after each attempt that did not end it.
type letter struct {
	header
	progress
}

// letterAttribute is the message attribute that has the letter.
const letterAttribute = "event"

func (v *letter) attributes() map[string]queue.Attribute {
	return map[string]queue.Attribute{letterAttribute: {Value: encodeJSON(v)}}
}

func readLetter(m *queue.Message) (letter, error) {
	var v letter
	if err := json.Unmarshal(m.Attributes[letterAttribute].Value, &v); err != nil {
		return v, fmt.Errorf("read an event: %w", err)
	}
	return v, nil
}

// carryMax is how many queues one request writes to at a time: their writes share
// syncs to disk.
const carryMax = 32

// carry puts a plan on disk. When it fails part of it may be there; the caller tries
// again, and delivery is at least once.
func (s *Service) carry(ctx context.Context, p *plan) error {
	var g errgroup.Group
	g.SetLimit(carryMax)
	byQueue := map[queue.Name][]queue.Outgoing{}
	for _, one := range p.sends {
		byQueue[one.to] = append(byQueue[one.to], one.message)
	}
	for name, messages := range byQueue {
		g.Go(func() error { return s.send(ctx, name, messages) })
	}
	if len(p.kept) > 0 {
		g.Go(func() error { return s.keep(ctx, p.kept) })
	}
	return g.Wait()
}

func (s *Service) send(ctx context.Context, name queue.Name, messages []queue.Outgoing) error {
	_, err := s.cfg.Queue.Send(ctx, name, messages...)
	if errors.Is(err, queue.ErrNoQueue) {
		if err = s.cfg.Queue.Create(ctx, name, queue.Settings{Retention: retention}); err == nil {
			_, err = s.cfg.Queue.Send(ctx, name, messages...)
		}
	}
	if err != nil {
		return fmt.Errorf("accept an event for %s: %w", name.Name, err)
	}
	s.lanes.note(name)
	return nil
}

// keptKey orders an archive's events by time.
func keptKey(a ownName, h *header) string { return keptBefore(a, h.Time) + "-" + h.ID }

// keptBefore comes before the keys of events at or after a time.
func keptBefore(a ownName, t time.Time) string {
	return fmt.Sprintf("%s/%014d", a.record(), max(0, t.UnixMilli()))
}

// keep puts events into archives.
func (s *Service) keep(ctx context.Context, events []keptIn) error {
	changes := make([]store.Change, 0, len(events))
	for i := range events {
		e := &events[i]
		c, err := s.kept.PutChange(keptKey(e.archive, &e.event.header), e.event, 0)
		if err != nil {
			return err
		}
		changes = append(changes, c)
	}
	if _, err := s.cfg.Store.Apply(ctx, changes...); err != nil {
		return fmt.Errorf("archive events: %w", err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for i := range events {
		if a, ok := s.index.archives[events[i].archive]; ok {
			a.tally.add(1, int64(len(changes[i].Value)))
		}
	}
	return nil
}
