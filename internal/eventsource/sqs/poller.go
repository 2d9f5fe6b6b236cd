package sqs

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/eventsource"
)

// poller is one mapping at work. Its loop alone decides how many batches are
// gathered and run; each is a goroutine that tells the loop how it goes.
type poller struct {
	cfg  *Config
	live *eventsource.Live
	told chan news

	mu sync.Mutex // guards what follows
	// groups are those of a FIFO queue that a batch in hand has messages of. The queue
	// keeps them apart as long as messages are hidden; this holds beyond that.
	groups map[string]bool
	filter struct {
		*eventsource.Filter
		revision int64
	}
	queue struct { // what is known of it
		arn        string
		visibility time.Duration
		at         time.Time
	}
	problems [2]string // by problemKind
	reported string
}

// problemKind keeps problems apart that come and go by themselves.
type problemKind int

const (
	polling problemKind = iota
	deleting
)

// news is what a batch's goroutine tells the loop.
type news struct {
	kind  newsKind
	found found
	runs  bool  // gathered: a batch comes of it
	err   error // gathered
}

type newsKind int

const (
	gathered newsKind = iota // nothing more is gathered for the batch
	refused                  // the function had no room for the batch
	settled                  // the batch was run, and deleted or not
)

// Poll meets eventsource.Source.
func (s *Source) Poll(ctx context.Context, live *eventsource.Live) {
	p := &poller{cfg: &s.cfg, live: live, told: make(chan news), groups: map[string]bool{}}
	p.run(ctx)
}

// state is where a mapping's poller stands.
type state struct {
	scale              scale
	gathering, running int
	trouble            int       // gatherings in a row that failed
	pause              time.Time // until when nothing is gathered
}

// growthStep is how often a mapping looks whether it may do more at a time, while it
// does as much as it may.
const growthStep = time.Second

func (p *poller) run(ctx context.Context) {
	var batches sync.WaitGroup
	defer batches.Wait()
	m, changed := p.live.Now()
	b := p.bounds(&m)
	st := state{scale: newScale(b, time.Now())}
	stopping := ctx.Done()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if ctx.Err() == nil && !time.Now().Before(st.pause) {
			now := m // what a batch begins with stays as it is
			for range st.scale.start(st.gathering, st.running) {
				st.gathering++
				batches.Go(func() { p.batch(ctx, &now) })
			}
		}
		if ctx.Err() != nil && st.gathering+st.running == 0 {
			return
		}
		full := st.gathering+st.running >= int(st.scale.allowed)
		timer.Reset(st.wakeAfter(b, full, time.Now()))
		var n *news
		select {
		case told := <-p.told:
			n = &told
		case <-changed:
		case <-timer.C:
		case <-stopping:
			stopping = nil
		}
		now := time.Now()
		m, changed = p.live.Now()
		b = p.bounds(&m)
		st.scale = st.scale.grown(b, now, full)
		if n != nil {
			p.note(&m, n.err)
			st = st.after(*n, b, now)
		}
	}
}

// never is a wait for something else.
const never = 24 * time.Hour

// wakeAfter is when the loop has to look again by itself.
func (s *state) wakeAfter(b bounds, full bool, now time.Time) time.Duration {
	switch {
	case now.Before(s.pause):
		return s.pause.Sub(now)
	case full && int(s.scale.allowed) < b.max:
		return growthStep
	}
	return never
}

// after is the state after news.
func (s state) after(n news, b bounds, now time.Time) state {
	switch n.kind {
	case gathered:
		s.gathering--
		if n.runs {
			s.running++
		}
		if n.err != nil {
			s.pause = now.Add(backOff(s.trouble, troubleMin, troubleMax))
			s.trouble++
			s.scale.polls = b.polls
			return s
		}
		s.trouble = 0
		s.scale = s.scale.polled(b, n.found, s.running)
	case refused:
		s.scale = s.scale.throttled(now, s.running)
	case settled:
		s.running--
	}
	return s
}

func (p *poller) bounds(m *eventsource.Mapping) bounds {
	f, err := p.cfg.Functions.Find(m.Function, m.Qualifier)
	if err != nil {
		return boundsOf(m.Settings, 1)
	}
	return boundsOf(m.Settings, f.Concurrency)
}

// note shows what is wrong with the queue, or that nothing is.
func (p *poller) note(m *eventsource.Mapping, err error) {
	text := ""
	if err != nil {
		var ok bool
		if text, ok = explain(err); !ok {
			text = "internal Lambda error. Please contact the operator of this installation."
		}
	}
	p.problem(m, polling, text)
}

// problem keeps what is wrong in one respect; an empty text is that nothing is.
func (p *poller) problem(m *eventsource.Mapping, kind problemKind, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems[kind] = text
	shown := cmp.Or(p.problems[polling], p.problems[deleting])
	if shown != "" {
		shown = "PROBLEM: " + shown
	}
	if shown != p.reported {
		p.reported = shown
		p.cfg.Report(m.UUID, shown)
	}
}
