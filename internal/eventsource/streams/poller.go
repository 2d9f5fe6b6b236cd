package streams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/eventsource"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// checkpoint is how far a mapping has come in a shard.
type checkpoint struct {
	Position Position `json:"position"`
	Done     bool     `json:"done,omitempty"` // the shard was read to its end
	Window   *window  `json:"window,omitempty"`
}

// window is an open tumbling window.
type window struct {
	Start time.Time       `json:"start"`
	State json.RawMessage `json:"state,omitempty"`
	// Early says that it ends before its time, for its state grew too large.
	Early bool `json:"early,omitempty"`
}

// begun is the key of the record that says that a mapping's starting position was
// resolved; no shard is called so.
const begun = ""

func checkpointKey(uuid, shard string) string { return uuid + "/" + shard }

// Poll meets eventsource.Source. A change of the mapping lets the attempts that are
// under way end and goes on from what they left.
func (s *Source) Poll(ctx context.Context, live *eventsource.Live) {
	r := &reporter{report: s.cfg.Report}
	for ctx.Err() == nil {
		m, changed := live.Now()
		own, cancel := context.WithCancel(ctx)
		var watch sync.WaitGroup
		watch.Go(func() {
			select {
			case <-changed:
				cancel()
			case <-own.Done():
			}
		})
		p := &poller{Source: s, m: m, reporter: r, points: map[string]checkpoint{}, running: map[string]bool{}, ended: make(chan string)}
		p.run(own)
		cancel()
		watch.Wait()
	}
}

// reporter tells a mapping's last result when it changes.
type reporter struct {
	report func(uuid, result string)
	mu     sync.Mutex // guards last
	last   string
}

func (r *reporter) tell(uuid, result string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last != result {
		r.last = result
		r.report(uuid, result)
	}
}

// The results of processing that are shown (Lambda API, LastProcessingResult).
const (
	resultOK     = "OK"
	resultFailed = "PROBLEM: Function call failed"
)

// poller is one mapping at work, as it is set.
type poller struct {
	*Source
	m        eventsource.Mapping
	reporter *reporter
	filter   *eventsource.Filter
	running  map[string]bool
	ended    chan string // shards

	mu     sync.Mutex // guards points
	points map[string]checkpoint
}

// shardsEvery is how often a mapping looks for shards that are new.
const shardsEvery = 10 * time.Second

func (p *poller) run(ctx context.Context) {
	var readers sync.WaitGroup
	defer readers.Wait()
	loaded := false
	for trouble := 0; ; {
		err := p.prepare(ctx, &loaded)
		if err == nil {
			err = p.look(ctx, &readers)
		}
		wait := shardsEvery
		if trouble++; err == nil {
			trouble = 0
		} else if ctx.Err() == nil {
			p.problem(ctx, err)
			wait = backOff(trouble-1, retryMin, troubleMax)
		}
		timer := time.NewTimer(wait)
		select {
		case shard := <-p.ended:
			delete(p.running, shard)
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			for len(p.running) > 0 {
				delete(p.running, <-p.ended)
			}
			return
		}
		timer.Stop()
	}
}

func (p *poller) problem(ctx context.Context, err error) {
	text, ok := explain(err, p.m.SourceARN)
	if !ok {
		text = "internal Lambda error. Please contact the operator of this installation."
		p.cfg.Log.ErrorContext(ctx, "polling a stream", "mapping", p.m.UUID, "error", err)
	}
	p.reporter.tell(p.m.UUID, "PROBLEM: "+text)
}

// prepare reads what is kept of the mapping, once.
func (p *poller) prepare(ctx context.Context, loaded *bool) (err error) {
	if *loaded {
		return nil
	}
	if p.filter, err = eventsource.NewFilter(p.m.Settings.Filters, p.cfg.Streams.Format().Data); err != nil {
		return err
	}
	prefix := checkpointKey(p.m.UUID, "")
	for row, err := range p.checkpoints.All(ctx, prefix) {
		if err != nil {
			return fmt.Errorf("read the checkpoints: %w", err)
		}
		p.points[row.Key[len(prefix):]] = row.Value
	}
	*loaded = true
	return nil
}

// as is the caller that the function's role makes.
func (p *poller) as(ctx context.Context) (eventsource.Function, lambda.Caller, error) {
	f, err := p.cfg.Functions.Find(p.m.Function, p.m.Qualifier)
	if err != nil {
		return f, lambda.Caller{}, err
	}
	c, err := p.cfg.Roles.Assume(ctx, f.Version.RoleARN, p.m.Function)
	return f, c, err
}

// look starts readers for the shards that may be read.
func (p *poller) look(ctx context.Context, readers *sync.WaitGroup) error {
	_, as, err := p.as(ctx)
	if err != nil {
		return err
	}
	shards, err := p.cfg.Streams.Shards(ctx, as, p.m.SourceARN)
	if err != nil {
		return err
	}
	if _, ok := p.point(begun); !ok {
		if err := p.begin(ctx, as, shards); err != nil {
			return err
		}
	}
	if err := p.forget(ctx, shards); err != nil {
		return err
	}
	done := func(id string) bool { c, _ := p.point(id); return c.Done }
	for _, shard := range runnable(shards, done, func(id string) bool { return p.running[id] }) {
		p.running[shard.ID] = true
		readers.Go(func() {
			p.read(ctx, shard)
			p.ended <- shard.ID
		})
	}
	return nil
}

func (p *poller) point(shard string) (checkpoint, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.points[shard]
	return c, ok
}

// keep writes a checkpoint down.
func (p *poller) keep(ctx context.Context, shard string, c checkpoint) error {
	if _, err := p.checkpoints.Put(ctx, checkpointKey(p.m.UUID, shard), c, 0); err != nil {
		return fmt.Errorf("keep the checkpoint of %s: %w", shard, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.points[shard] = c
	return nil
}

// begin resolves the starting position. It is kept, so that what is written while
// nobody polls is not missed later; shards that come to be afterwards are read from
// their beginning.
func (p *poller) begin(ctx context.Context, as lambda.Caller, shards []Shard) error {
	points := map[string]checkpoint{begun: {Done: true}}
	for _, s := range shards {
		switch PositionKind(p.m.Settings.StartingPosition) {
		case Latest:
			tip, err := p.cfg.Streams.Tip(ctx, as, p.m.SourceARN, s.ID)
			if err != nil {
				return err
			}
			points[s.ID] = checkpoint{Position: tip}
		case AtTime:
			points[s.ID] = checkpoint{Position: Position{Kind: AtTime, Time: p.m.Settings.StartingAt}}
		case TrimHorizon, After: // from the beginning
		}
	}
	var changes []store.Change
	for shard, c := range points {
		change, err := p.checkpoints.PutChange(checkpointKey(p.m.UUID, shard), c, 0)
		if err != nil {
			return err
		}
		changes = append(changes, change)
	}
	if _, err := p.cfg.Store.Apply(ctx, changes...); err != nil {
		return fmt.Errorf("keep the starting position: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.Copy(p.points, points)
	return nil
}

// forget drops the checkpoints of shards that were read and are not there any more.
func (p *poller) forget(ctx context.Context, shards []Shard) error {
	exists := map[string]bool{begun: true}
	for i := range shards {
		exists[shards[i].ID] = true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, c := range p.points {
		if exists[id] || !c.Done {
			continue
		}
		if err := p.checkpoints.Delete(ctx, checkpointKey(p.m.UUID, id), 0); err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("forget the checkpoint of %s: %w", id, err)
		}
		delete(p.points, id)
	}
	return nil
}

func (p *poller) count(metric string, n int) {
	if p.m.Settings.CountEvents && n > 0 {
		p.cfg.Metrics.CountEvents(p.m, metric, n)
	}
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
