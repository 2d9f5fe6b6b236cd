package metrics

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// forgetAfter is after how many flushes without an invoke a function's counters are
// dropped: ten minutes.
const forgetAfter = 20

// flush makes points of everything that was counted and writes them.
func (s *Service) flush(ctx context.Context) error {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	b := batch{now: minuteOf(s.cfg.Now()), accounts: map[account]*accountSums{}}
	for i := range s.shards {
		s.shards[i].take(&b, s.weighted)
	}
	b.sums()
	s.sample(&b)
	b.points = append(b.points, s.loose.take()...)
	s.totals.add(&b)
	err := s.disk.put(ctx, b.points)
	if errors.Is(err, errTooManySeries) {
		s.cfg.Log.WarnContext(ctx, "metrics of further functions are not kept", "series_max", seriesMax)
		return nil
	}
	return err
}

func (s *Service) weighted(id lambda.FunctionID, qualifier string) bool {
	return s.cfg.Weighted != nil && qualifier != "" && s.cfg.Weighted(id, qualifier)
}

type account struct{ account, region string }

// accountSums are the metrics that have no dimension.
type accountSums struct{ minutes map[int64]*minuteTally }

// batch is the points of one flush.
type batch struct {
	now      int64
	points   []point
	accounts map[account]*accountSums

	invocations, errors, throttles float64
	durations                      stat
}

// take makes points of a shard's counters and begins them anew.
func (sh *shard) take(b *batch, weighted func(lambda.FunctionID, string) bool) {
	sh.mu.RLock()
	functions := make([]*function, 0, len(sh.functions))
	for _, f := range sh.functions {
		functions = append(functions, f)
	}
	sh.mu.RUnlock()
	for _, f := range functions {
		if !f.take(b, weighted) {
			continue
		}
		sh.mu.Lock()
		if f.inFlight.now.Load() == 0 { // nobody holds it, and nobody can while the lock is held
			delete(sh.functions, f.id)
		}
		sh.mu.Unlock()
	}
}

// take makes points of a function's counters and says whether it can be forgotten.
func (f *function) take(b *batch, weighted func(lambda.FunctionID, string) bool) (idle bool) {
	f.mu.Lock()
	taken := map[route][]minuteTally{}
	peaks := map[route]int64{}
	for r, running := range f.routes {
		t := &running.tally
		if len(t.minutes) > 0 {
			taken[r] = t.minutes
			t.minutes = nil
		}
		if peak := t.inFlight.take(); peak > 0 {
			peaks[r] = peak
		}
	}
	peak := f.inFlight.take()
	if len(taken) == 0 && peak == 0 {
		f.idle++
	} else {
		f.idle = 0
	}
	idle = f.idle >= forgetAfter
	f.mu.Unlock()

	all := minutes{}
	byName, byResource := dimension{"FunctionName", f.id.Name}, map[string]minutes{}
	for r, list := range taken {
		resource := f.id.Name
		if r.qualifier != "" {
			resource += ":" + r.qualifier
		}
		if byResource[resource] == nil {
			byResource[resource] = minutes{}
		}
		for _, m := range list {
			all.add(m)
			byResource[resource].add(m)
			b.sum(f.id, m)
			if weighted(f.id, r.qualifier) {
				b.tally(f.id, m, byName, dimension{"Resource", resource}, dimension{"ExecutedVersion", r.version})
			}
		}
	}
	for _, m := range all {
		b.tally(f.id, *m, byName)
	}
	for resource, list := range byResource {
		for _, m := range list {
			b.tally(f.id, *m, byName, dimension{"Resource", resource})
		}
	}
	b.gauge(f.id, "ConcurrentExecutions", float64(peak), byName)
	resources := map[string]int64{}
	for r, peak := range peaks {
		resource := f.id.Name
		if r.qualifier != "" {
			resource += ":" + r.qualifier
		}
		resources[resource] = max(resources[resource], peak)
	}
	for resource, peak := range resources {
		b.gauge(f.id, "ConcurrentExecutions", float64(peak), byName, dimension{"Resource", resource})
	}
	return idle
}

// minutes are the tallies of a set of routes.
type minutes map[int64]*minuteTally

func (ms minutes) add(m minuteTally) {
	sum := ms[m.minute]
	if sum == nil {
		sum = &minuteTally{minute: m.minute}
		ms[m.minute] = sum
	}
	sum.invocations += m.invocations
	sum.errors += m.errors
	sum.throttles += m.throttles
	sum.duration.merge(m.duration)
}

// sum adds to the metrics of the account and of the node.
func (b *batch) sum(id lambda.FunctionID, m minuteTally) {
	b.invocations += m.invocations
	b.errors += m.errors
	b.throttles += m.throttles
	b.durations.merge(m.duration)
	a := account{id.Account, id.Region}
	sums := b.accounts[a]
	if sums == nil {
		sums = &accountSums{minutes: minutes{}}
		b.accounts[a] = sums
	}
	minutes(sums.minutes).add(m)
}

func (b *batch) sums() {
	for a, sums := range b.accounts {
		for _, m := range sums.minutes {
			b.tally(lambda.FunctionID{Account: a.account, Region: a.region}, *m)
		}
	}
}

// tally makes the points of a minute's invokes. Errors and throttles are values of 0
// and 1, one for each request, so that their average is a rate.
func (b *batch) tally(id lambda.FunctionID, m minuteTally, dims ...dimension) {
	k := lambdaKey(id, "Invocations", "Count", dims)
	if m.invocations > 0 {
		b.points = append(b.points, point{key: k, minute: m.minute, stat: single(1, m.invocations, false)})
		k.name = "Errors"
		b.points = append(b.points, point{key: k, minute: m.minute, stat: ones(m.errors, m.invocations)})
		k.name, k.unit = "Duration", "Milliseconds"
		b.points = append(b.points, point{key: k, minute: m.minute, stat: m.duration})
	}
	k.name, k.unit = "Throttles", "Count"
	b.points = append(b.points, point{key: k, minute: m.minute, stat: ones(m.throttles, m.invocations+m.throttles)})
}

// ones is the stat of n values of which some are 1 and the others 0.
func ones(some, n float64) stat {
	s := stat{count: n, sum: some}
	if some > 0 {
		s.max = 1
	}
	if some == n && n > 0 {
		s.min = 1
	}
	return s
}

// gauge makes a point of which the largest value of the minute counts.
func (b *batch) gauge(id lambda.FunctionID, name string, value float64, dims ...dimension) {
	if value > 0 {
		b.points = append(b.points, point{key: lambdaKey(id, name, "Count", dims), minute: b.now, stat: single(value, 1, false), gauge: true})
	}
}

// count makes a point of n things that happened.
func (b *batch) count(id lambda.FunctionID, name string, n int, dims ...dimension) {
	if n > 0 {
		b.points = append(b.points, point{key: lambdaKey(id, name, "Count", dims), minute: b.now, stat: single(1, float64(n), false)})
	}
}

func lambdaKey(id lambda.FunctionID, name, unit string, dims []dimension) key {
	return key{
		account: id.Account, region: id.Region, namespace: lambdaNamespace,
		name: name, dimensions: canonical(dims), unit: unit,
	}
}

// loose is what is counted now and then, in no function's own counters.
type loose struct {
	mu     sync.Mutex // guards points
	points map[looseKey]*point
}

type looseKey struct {
	key    key
	minute int64
}

// looseMax bounds what waits for the next flush; further points wait for nothing and
// are lost, which takes tens of thousands of series in half a minute.
const looseMax = 50_000

func (l *loose) add(p point) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := looseKey{p.key, p.minute}
	if had := l.points[at]; had != nil {
		had.stat.merge(p.stat)
	} else if len(l.points) < looseMax {
		l.points[at] = &p
	}
}

func (l *loose) take() []point {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]point, 0, len(l.points))
	for _, p := range l.points {
		out = append(out, *p)
	}
	clear(l.points)
	return out
}

// Count counts n of something of a function that happens seldom compared with
// invokes: a delivery that failed, a record that a mapping read. mapping is the UUID of
// the event source mapping that it is kept by; empty for the function's name.
func (s *Service) Count(id lambda.FunctionID, mapping, name string, n int) {
	if n > 0 {
		s.loose.add(point{
			key: lambdaKey(id, name, "Count", of(id, mapping)), minute: minuteOf(s.cfg.Now()),
			stat: single(1, float64(n), false),
		})
	}
}

// Observe takes a duration of a function: the age of an event or of a record.
func (s *Service) Observe(id lambda.FunctionID, mapping, name string, d time.Duration) {
	dims := of(id, "")
	if mapping != "" {
		dims = append(dims, of(id, mapping)...)
	}
	ms := float64(d) / float64(time.Millisecond)
	minute := minuteOf(s.cfg.Now())
	s.loose.add(point{key: lambdaKey(id, name, "Milliseconds", of(id, "")), minute: minute, stat: single(ms, 1, true)})
	if mapping != "" {
		s.loose.add(point{key: lambdaKey(id, name, "Milliseconds", dims), minute: minute, stat: single(ms, 1, true)})
	}
}

func of(id lambda.FunctionID, mapping string) []dimension {
	if mapping != "" {
		return []dimension{{"EventSourceMappingUUID", mapping}}
	}
	return []dimension{{"FunctionName", id.Name}}
}

// commits lets callers that write at the same time share a transaction.
type commits struct {
	mu      sync.Mutex // guards waiting
	waiting *commit
}

type commit struct {
	points []point
	done   chan struct{}
	err    error // read after done
}

// commit writes points and returns when they are on disk. The first to come writes for
// all who come while the writer before it is busy.
func (s *Service) commit(ctx context.Context, points []point) error {
	s.commits.mu.Lock()
	c := s.commits.waiting
	leads := c == nil
	if leads {
		c = &commit{done: make(chan struct{})}
		s.commits.waiting = c
	}
	c.points = append(c.points, points...)
	s.commits.mu.Unlock()
	if !leads {
		<-c.done
		return c.err
	}
	s.flushing.Lock()
	defer s.flushing.Unlock()
	s.commits.mu.Lock()
	s.commits.waiting = nil
	s.commits.mu.Unlock()
	c.err = s.disk.put(context.WithoutCancel(ctx), c.points)
	close(c.done)
	return c.err
}
