package trace

import (
	"container/heap"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/placement"
	"github.com/hearthfaas/hearth/internal/workermanager"
)

// Config is what a trace is replayed with.
type Config struct {
	KeepAlive   workermanager.KeepAlive
	IdleTimeout time.Duration
	Placement   placement.Policy
	Workers     int
	Zones       int
	WorkerMB    int           // what one worker may commit
	ColdStart   time.Duration // what it adds to an invoke
}

// Result is what a replay cost.
type Result struct {
	Invokes, Cold, NoRoom int
	Evicted               int
	// CodeFetched are the cold starts on a worker that did not have the code yet.
	CodeFetched int
	// BusyGBs and IdleGBs are memory by time, of environments that run and that wait.
	BusyGBs, IdleGBs float64
	// WorkersUsed is the mean number of workers with an environment, Fill how full those
	// are in the mean, and ZoneShare the largest part of a function's environments in one
	// zone, in the mean over the starts of functions that have several.
	WorkersUsed, Fill, ZoneShare float64
}

// environment is one made by a replay. It is used up to free, then idle.
type environment struct {
	function *function
	worker   int
	free     time.Duration
	deadline time.Duration // when it ends if nobody uses it
	busy     bool
	at       int // in the heap
}

type function struct {
	memoryMB int
	idle     []*environment // the last is the most recently used
	history  *workermanager.History
	on       map[int]int // environments by worker
	cached   map[int]bool
	total    int
}

// events orders environments by when something becomes of them: they get idle, or end.
type events []*environment

func (e *environment) next() time.Duration {
	if e.busy {
		return e.free
	}
	return e.deadline
}
func (h events) Len() int           { return len(h) }
func (h events) Less(i, j int) bool { return h[i].next() < h[j].next() }
func (h events) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].at, h[j].at = i, j }
func (h *events) Push(x any)        { e := x.(*environment); e.at = len(*h); *h = append(*h, e) }
func (h *events) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}

type replay struct {
	cfg       Config
	epoch     time.Time
	functions map[string]*function
	workers   []placement.Candidate
	marked    map[int]bool
	events    events
	result    Result
	// The sums over time of workers in use and of their fill.
	at               time.Duration
	used, committed  int
	usedTime, fillMB float64
	shares, shared   float64
}

// Replay runs a trace, which is in the order of its starts.
func Replay(cfg Config, invokes []Invoke) Result {
	r := &replay{cfg: cfg, epoch: time.Unix(0, 0), functions: make(map[string]*function), marked: make(map[int]bool)}
	for n := range cfg.Workers {
		r.workers = append(r.workers, placement.Candidate{
			WorkerID: fmt.Sprintf("w%05d", n), Zone: fmt.Sprint(n % cfg.Zones), FreeMB: 1 << 30, CommitMaxMB: cfg.WorkerMB,
		})
	}
	for _, inv := range invokes {
		r.until(inv.Start)
		r.invoke(inv)
	}
	if n := len(invokes); n > 0 {
		r.until(invokes[n-1].Start)
	}
	r.result.Invokes = len(invokes)
	if r.usedTime > 0 {
		r.result.WorkersUsed = r.usedTime / r.at.Seconds()
		r.result.Fill = r.fillMB / (r.usedTime * float64(cfg.WorkerMB))
	}
	if r.shares > 0 {
		r.result.ZoneShare = r.shared / r.shares
	}
	return r.result
}

// until lets pass what happens up to a moment.
func (r *replay) until(now time.Duration) {
	for len(r.events) > 0 && r.events[0].next() <= now {
		e := r.events[0]
		r.pass(e.next())
		if e.busy {
			e.busy = false
			e.deadline = e.free + r.cfg.KeepAlive.Keep(r.cfg.IdleTimeout, e.function.history)
			e.function.idle = append(e.function.idle, e)
			heap.Fix(&r.events, 0)
			continue
		}
		e.function.history.Ended(r.epoch.Add(e.free))
		r.end(e, e.deadline)
	}
	r.pass(now)
}

// pass adds up the time since the last event.
func (r *replay) pass(now time.Duration) {
	d := (now - r.at).Seconds()
	r.usedTime += d * float64(r.used)
	r.fillMB += d * float64(r.committed)
	r.at = now
}

func (r *replay) invoke(inv Invoke) {
	f := r.functions[inv.Function]
	if f == nil {
		f = &function{memoryMB: memoryOf(inv.Function), history: &workermanager.History{}, on: make(map[int]int), cached: make(map[int]bool)}
		r.functions[inv.Function] = f
	}
	now := inv.Start
	if n := len(f.idle); n > 0 {
		e := f.idle[n-1]
		f.idle = f.idle[:n-1]
		f.history.Reused(r.epoch.Add(e.free), r.epoch.Add(now))
		r.result.IdleGBs += gbs(f.memoryMB, now-e.free)
		r.use(e, now, inv.Duration)
		heap.Fix(&r.events, e.at)
		return
	}
	f.history.Missed(r.epoch.Add(now))
	worker := r.place(inv.Function, f, now)
	if worker < 0 {
		r.result.NoRoom++
		return
	}
	r.result.Cold++
	if !f.cached[worker] {
		f.cached[worker] = true
		r.result.CodeFetched++
	}
	e := &environment{function: f, worker: worker}
	c := &r.workers[worker]
	if c.Environments == 0 {
		r.used++
	}
	c.Environments++
	c.CommittedMB += f.memoryMB
	r.committed += f.memoryMB
	f.on[worker]++
	f.total++
	r.share(f)
	r.use(e, now, r.cfg.ColdStart+inv.Duration)
	heap.Push(&r.events, e)
}

func (r *replay) use(e *environment, now, lasts time.Duration) {
	e.busy, e.free = true, now+lasts
	r.result.BusyGBs += gbs(e.function.memoryMB, lasts)
}

// place picks a worker, making room as the worker manager does.
func (r *replay) place(name string, f *function, now time.Duration) int {
	need := placement.Need{Function: lambda.EnvironmentKey{Function: lambda.FunctionID{Name: name}}, MemoryMB: f.memoryMB}
	for n := range r.marked {
		r.workers[n].Same, r.workers[n].CodeCached = 0, false
	}
	clear(r.marked)
	for n := range f.cached {
		r.workers[n].Same, r.workers[n].CodeCached = f.on[n], true
		r.marked[n] = true
	}
	for evicted := -1; ; {
		if at := placement.Pick(r.cfg.Placement, need, r.workers); at >= 0 {
			return at
		}
		e := r.oldest(evicted)
		if e == nil {
			return -1
		}
		evicted = e.worker
		e.function.history.Ended(r.epoch.Add(e.free))
		r.result.Evicted++
		r.end(e, now)
	}
}

// oldest is the least recently used idle environment on a worker, or of all.
func (r *replay) oldest(worker int) (least *environment) {
	for _, e := range r.events {
		if e.busy || least != nil && (least.worker == worker) && e.worker != worker {
			continue
		}
		if least == nil || (e.worker == worker && least.worker != worker) || e.free < least.free {
			least = e
		}
	}
	return least
}

// end ends an idle environment.
func (r *replay) end(e *environment, now time.Duration) {
	f, c := e.function, &r.workers[e.worker]
	for i, other := range f.idle {
		if other == e {
			f.idle = append(f.idle[:i], f.idle[i+1:]...)
			break
		}
	}
	heap.Remove(&r.events, e.at)
	r.result.IdleGBs += gbs(f.memoryMB, now-e.free)
	c.Environments--
	c.CommittedMB -= f.memoryMB
	r.committed -= f.memoryMB
	f.on[e.worker]--
	f.total--
	if c.Environments == 0 {
		r.used--
	}
}

// share notes how much of a function lies in one zone.
func (r *replay) share(f *function) {
	if f.total < 2 {
		return
	}
	zones := make([]int, r.cfg.Zones)
	most := 0
	for n, count := range f.on {
		z := n % r.cfg.Zones
		zones[z] += count
		most = max(most, zones[z])
	}
	r.shares++
	r.shared += float64(most) / float64(f.total)
}

func gbs(memoryMB int, d time.Duration) float64 { return float64(memoryMB) / 1024 * d.Seconds() }

// memoryOf is a function's size, which traces do not have: one of four by its name.
func memoryOf(name string) int {
	h := fnv.New32a()
	h.Write([]byte(name))
	return 128 << (h.Sum32() % 4)
}
