package streams

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hearthfaas/hearth/internal/eventsource"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// reader reads one shard. Its loop alone knows what is pending and what is done; the
// batches of its lanes are goroutines that tell it how they go.
type reader struct {
	*poller
	shard string
	point checkpoint

	at       Position // behind what was read
	iterator string
	ended    bool // the shard has no more
	nextRead time.Time
	silent   int // reads in a row that found nothing
	trouble  int // or went wrong

	lanes    []lane
	bytes    int // of what is pending
	progress *progress
	told     chan news
}

// lane is the records whose keys are processed in order.
type lane struct {
	pending []Record
	first   time.Time // when the oldest of them came
	busy    bool
}

// news is what a batch's goroutine tells the loop.
type news struct {
	lane     int
	settled  []Record // done or given up
	window   *window  // as it is now, of mappings with windows
	finished bool
}

const (
	// recordsMax bounds the records of one event, in bytes, and leaves room for what
	// is around them (Lambda developer guide: 6 MB).
	recordsMax = lambda.PayloadMax - 4<<10
	// stateMax is the largest state of a window (Lambda developer guide, "Tumbling
	// windows").
	stateMax = 1 << 20
	// pendingMax bounds what a reader holds of a shard, in bytes: two full events.
	pendingMax = 2 * lambda.PayloadMax
	// windowGrace is how long after a window's end records of it may still be on
	// their way.
	windowGrace = time.Second
)

// read reads a shard until it ends or ctx does; then it waits for the attempts that
// are under way.
func (p *poller) read(ctx context.Context, shard Shard) {
	point, ok := p.point(shard.ID)
	if !ok {
		point.Position = Position{Kind: TrimHorizon}
	}
	r := &reader{
		poller: p, shard: shard.ID, point: point, at: point.Position,
		lanes: make([]lane, max(1, p.m.Settings.Parallelization)), progress: newProgress(), told: make(chan news),
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	stopping := ctx.Done()
	for {
		now := time.Now()
		if ctx.Err() == nil {
			if !now.Before(r.nextRead) && r.room() && r.fetch(ctx, now) {
				continue
			}
			r.dispatch(ctx, now)
		}
		busy := r.busy()
		if !busy && (ctx.Err() != nil || r.over(ctx)) {
			return
		}
		timer.Reset(r.wait(now))
		select {
		case n := <-r.told:
			r.settle(ctx, n)
		case <-timer.C:
		case <-stopping:
			stopping = nil
		}
	}
}

// room says whether more may be read.
func (r *reader) room() bool {
	n := 0
	for i := range r.lanes {
		n += len(r.lanes[i].pending)
	}
	return !r.ended && r.bytes < pendingMax && n < r.m.Settings.BatchSize*len(r.lanes)
}

func (r *reader) busy() bool {
	for i := range r.lanes {
		if r.lanes[i].busy {
			return true
		}
	}
	return false
}

// over says that the shard is done, and writes that down.
func (r *reader) over(ctx context.Context) bool {
	if !r.ended || r.progress.open() || r.point.Window != nil {
		return false
	}
	r.point.Done = true
	if err := r.keep(ctx, r.shard, r.point); err != nil {
		r.cfg.Log.ErrorContext(ctx, "a shard's end", "mapping", r.m.UUID, "error", err)
		return ctx.Err() != nil
	}
	return true
}

// wait is how long nothing happens by itself.
func (r *reader) wait(now time.Time) time.Duration {
	wait := troubleMax
	if r.room() {
		wait = min(wait, r.nextRead.Sub(now))
	}
	for i := range r.lanes {
		if l := &r.lanes[i]; !l.busy && len(l.pending) > 0 {
			wait = min(wait, l.first.Add(r.m.Settings.Window).Sub(now))
		}
	}
	if w := r.point.Window; w != nil && !r.lanes[0].busy {
		wait = min(wait, w.Start.Add(r.m.Settings.Tumbling+windowGrace).Sub(now))
	}
	return max(wait, time.Millisecond)
}

// fetch reads once. It reports true when something came.
func (r *reader) fetch(ctx context.Context, now time.Time) bool {
	page, role, err := r.page(ctx)
	if err != nil {
		r.iterator = ""
		switch {
		case errors.Is(err, ErrExpired) && r.trouble == 0:
			r.trouble++
			return true // at once again
		case errors.Is(err, ErrTrimmed):
			r.at = Position{Kind: TrimHorizon}
		}
		if ctx.Err() == nil {
			r.problem(ctx, err)
		}
		r.nextRead = now.Add(backOff(r.trouble, retryMin, troubleMax))
		r.trouble++
		return false
	}
	if r.trouble > 0 {
		r.reporter.tell(r.m.UUID, resultOK)
	}
	r.trouble = 0
	r.iterator, r.ended = page.Next, page.Next == ""
	r.count(eventsource.MetricPolled, len(page.Records))
	for i := range page.Records {
		if err := r.add(&page.Records[i], role, now); err != nil {
			r.problem(ctx, err) // the record is lost to this function, the shard is not
		}
	}
	r.advance(ctx)
	if len(page.Records) == 0 {
		r.nextRead = now.Add(backOff(r.silent/8, pollMin, pollMax))
		r.silent++
		return false
	}
	r.silent, r.nextRead = 0, now
	if len(page.Records) < r.cfg.Streams.Format().RecordsMax {
		r.nextRead = now.Add(pollMin)
	}
	return true
}

func (r *reader) page(ctx context.Context) (Page, string, error) {
	f, as, err := r.as(ctx)
	if err != nil {
		return Page{}, "", err
	}
	if r.iterator == "" {
		if r.iterator, err = r.cfg.Streams.Iterator(ctx, as, r.m.SourceARN, r.shard, r.at); err != nil {
			return Page{}, "", err
		}
	}
	page, err := r.cfg.Streams.Records(ctx, as, r.iterator, r.cfg.Streams.Format().RecordsMax)
	return page, f.Version.RoleARN, err
}

// add takes a record up, in its key's lane. One that the function does not want is
// done with.
func (r *reader) add(rec *Record, role string, now time.Time) (err error) {
	r.at = Position{Kind: After, Sequence: rec.Sequence}
	r.progress.read(rec.Sequence)
	rec.text, err = r.cfg.Streams.Record(*rec, r.m.SourceARN, role)
	if err != nil {
		r.progress.finish(rec.Sequence)
		return fmt.Errorf("write record %s: %w", rec.Sequence, err)
	}
	if !r.filter.Match(rec.text) {
		r.count(eventsource.MetricFilteredOut, 1)
		r.progress.finish(rec.Sequence)
		return nil
	}
	l := &r.lanes[laneOf(rec.Key, len(r.lanes))]
	if len(l.pending) == 0 {
		l.first = now
	}
	l.pending = append(l.pending, *rec)
	r.bytes += len(rec.text)
	return nil
}

// dispatch begins the batches that are ready.
func (r *reader) dispatch(ctx context.Context, now time.Time) {
	for i := range r.lanes {
		l := &r.lanes[i]
		if l.busy {
			continue
		}
		if r.m.Settings.Tumbling > 0 && r.windowOver(l, now) {
			l.busy = true
			w := *r.point.Window
			go r.process(ctx, i, nil, &w, true)
			continue
		}
		n := 0
		if len(l.pending) > 0 {
			n = ready(l.pending, r.m.Settings, l.first, now, r.ended)
		}
		if n == 0 {
			continue
		}
		batch := l.pending[:n:n]
		l.pending, l.first, l.busy = l.pending[n:], now, true
		for j := range batch {
			r.bytes -= len(batch[j].text)
		}
		go r.process(ctx, i, batch, r.windowFor(batch), false)
	}
}

// windowOver says whether the open window is to end now.
func (r *reader) windowOver(l *lane, now time.Time) bool {
	w := r.point.Window
	switch {
	case w == nil:
		return false
	case w.Early:
		return true
	case len(l.pending) > 0:
		return windowOf(l.pending[0].Arrived, r.m.Settings.Tumbling).After(w.Start)
	}
	return r.ended || !now.Before(w.Start.Add(r.m.Settings.Tumbling+windowGrace))
}

// windowFor is the window that a batch belongs to, nil without windows. What comes
// late counts to the window that is open.
func (r *reader) windowFor(batch []Record) *window {
	switch {
	case r.m.Settings.Tumbling == 0:
		return nil
	case r.point.Window != nil:
		w := *r.point.Window
		return &w
	}
	return &window{Start: windowOf(batch[0].Arrived, r.m.Settings.Tumbling)}
}

// settle takes news in and writes down how far the shard is done.
func (r *reader) settle(ctx context.Context, n news) {
	for i := range n.settled {
		r.progress.finish(n.settled[i].Sequence)
	}
	changed := r.m.Settings.Tumbling > 0 && (r.point.Window != nil || n.window != nil)
	if r.m.Settings.Tumbling > 0 {
		r.point.Window = n.window
	}
	if n.finished {
		r.lanes[n.lane].busy = false
	}
	if last, ok := r.progress.advance(); ok {
		r.point.Position = Position{Kind: After, Sequence: last}
		changed = true
	}
	if changed {
		r.write(ctx)
	}
}

func (r *reader) advance(ctx context.Context) {
	if last, ok := r.progress.advance(); ok {
		r.point.Position = Position{Kind: After, Sequence: last}
		r.write(ctx)
	}
}

func (r *reader) write(ctx context.Context) {
	if err := r.keep(context.WithoutCancel(ctx), r.shard, r.point); err != nil {
		// What was done since the last checkpoint comes again after a restart.
		r.cfg.Log.ErrorContext(ctx, "a checkpoint is not kept", "mapping", r.m.UUID, "error", err)
	}
}
