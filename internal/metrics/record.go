package metrics

import (
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// shardCount spreads the functions over locks of their own, so that invokes of
// different functions do not wait for one another.
const shardCount = 64

type shard struct {
	mu        sync.RWMutex // guards functions
	functions map[lambda.FunctionID]*function
	_         [64]byte // the next shard's lock is on another cache line
}

// function is what is counted of one function.
type function struct {
	id       lambda.FunctionID
	inFlight level

	mu     sync.Mutex // guards what follows
	routes map[route]*Running
	// idle is how many flushes found nothing; the function is then forgotten.
	idle int
}

// route is how an invoke came to a version.
type route struct{ qualifier, version string }

// tally is what is counted of one route; its function's mutex guards it, but for the
// level.
type tally struct {
	inFlight level
	minutes  []minuteTally // few: the present one and those of invokes that ran long
}

type minuteTally struct {
	minute                         int64
	invocations, errors, throttles float64
	duration                       stat
}

// level is how many there are of something now, and the most there were of late.
type level struct{ now, peak atomic.Int64 }

func (l *level) enter() {
	n := l.now.Add(1)
	for {
		peak := l.peak.Load()
		if n <= peak || l.peak.CompareAndSwap(peak, n) {
			return
		}
	}
}

func (l *level) leave() { l.now.Add(-1) }

// take returns the peak and begins a new one.
func (l *level) take() int64 {
	now := l.now.Load()
	return max(l.peak.Swap(now), now)
}

var seed = maphash.MakeSeed()

func (s *Service) shard(id lambda.FunctionID) *shard {
	return &s.shards[maphash.String(seed, id.Name)%shardCount]
}

// Running is what invokes by one route are counted in. For each that Began, Ended or
// Abandoned is called once.
type Running struct {
	service  *Service
	function *function
	tally    tally
}

// Began says that an invoke of a version has its slot.
func (s *Service) Began(v *lambda.Version, inv *lambda.Invocation) *Running {
	f := s.function(v.Function)
	f.mu.Lock()
	r := f.route(s, routeOf(v, inv))
	f.mu.Unlock()
	r.tally.inFlight.enter()
	return r
}

// Ended says that the function gave an answer or failed. The metrics are those of the
// minute in which it was invoked.
func (r *Running) Ended(inv *lambda.Invocation, failed bool) {
	took := r.service.cfg.Now().Sub(inv.Start)
	r.function.mu.Lock()
	m := r.tally.at(minuteOf(inv.Start))
	m.invocations++
	if failed {
		m.errors++
	}
	m.duration.add(float64(took)/float64(time.Millisecond), 1)
	r.function.mu.Unlock()
	r.Abandoned()
}

// Abandoned says that a fault of the platform kept the function from running.
func (r *Running) Abandoned() {
	r.tally.inFlight.leave()
	r.function.inFlight.leave()
}

// Throttled says that an invoke got no slot.
func (s *Service) Throttled(v *lambda.Version, inv *lambda.Invocation) {
	f := s.function(v.Function)
	f.mu.Lock()
	f.route(s, routeOf(v, inv)).tally.at(minuteOf(s.cfg.Now())).throttles++
	f.mu.Unlock()
	f.inFlight.leave()
}

// function finds the counters of a function, which are held until its level is left.
func (s *Service) function(id lambda.FunctionID) *function {
	sh := s.shard(id)
	sh.mu.RLock()
	if f := sh.functions[id]; f != nil {
		f.inFlight.enter()
		sh.mu.RUnlock()
		return f
	}
	sh.mu.RUnlock()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	f := sh.functions[id]
	if f == nil {
		f = &function{id: id, routes: map[route]*Running{}}
		sh.functions[id] = f
	}
	f.inFlight.enter()
	return f
}

// route is the counters of a route; invokes by the same route share them.
func (f *function) route(s *Service, r route) *Running {
	t := f.routes[r]
	if t == nil {
		t = &Running{service: s, function: f}
		f.routes[r] = t
	}
	return t
}

// routeOf reads the qualifier from the ARN as it was invoked.
func routeOf(v *lambda.Version, inv *lambda.Invocation) route {
	_, rest, _ := strings.Cut(inv.InvokedFunctionARN, ":function:")
	_, qualifier, _ := strings.Cut(rest, ":")
	return route{qualifier, v.Version}
}

func (t *tally) at(minute int64) *minuteTally {
	for i := len(t.minutes) - 1; i >= 0; i-- {
		if t.minutes[i].minute == minute {
			return &t.minutes[i]
		}
	}
	t.minutes = append(t.minutes, minuteTally{minute: minute})
	return &t.minutes[len(t.minutes)-1]
}
