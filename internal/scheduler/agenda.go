package scheduler

import (
	"container/heap"
	"slices"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/store"
)

// agenda is what is to be done and when, in memory: it follows the store's changes
// and can be made anew from its records.
type agenda struct {
	mu        sync.Mutex // guards what follows
	schedules map[string]store.Row[scheduleRecord]
	pendings  map[string]store.Row[pendingRecord]
	// open counts the invocations of each schedule that have not come to their end.
	open map[string]int
	// count has the schedules of each account and region.
	count map[place]int
	// moments are when schedules come due, calls when invocations do.
	moments, calls dueHeap
	wake           chan struct{}
}

// item is a reason to look at a record; one of a revision that is no more is void.
type item struct {
	at       time.Time
	key      string
	revision int64
}

func newAgenda() agenda {
	return agenda{
		schedules: map[string]store.Row[scheduleRecord]{}, pendings: map[string]store.Row[pendingRecord]{},
		open: map[string]int{}, count: map[place]int{}, wake: make(chan struct{}, 1),
	}
}

func (a *agenda) setSchedule(key string, revision int64, r scheduleRecord) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.schedules[key]; !ok {
		p, _, _ := splitKey(key)
		a.count[p]++
	}
	a.schedules[key] = store.Row[scheduleRecord]{Key: key, Revision: revision, Value: r}
	if !r.Disabled && !r.Next.IsZero() {
		a.push(&a.moments, len(a.schedules), item{r.Next, key, revision})
	}
}

func (a *agenda) dropSchedule(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.schedules[key]; !ok {
		return
	}
	delete(a.schedules, key)
	p, _, _ := splitKey(key)
	if a.count[p]--; a.count[p] == 0 {
		delete(a.count, p)
	}
}

func (a *agenda) setPending(key string, revision int64, r pendingRecord) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.pendings[key]; !ok {
		a.open[r.Schedule]++
	}
	a.pendings[key] = store.Row[pendingRecord]{Key: key, Revision: revision, Value: r}
	a.push(&a.calls, len(a.pendings), item{r.Due, key, revision})
}

func (a *agenda) dropPending(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	row, ok := a.pendings[key]
	if !ok {
		return
	}
	delete(a.pendings, key)
	if a.open[row.Value.Schedule]--; a.open[row.Value.Schedule] == 0 {
		delete(a.open, row.Value.Schedule)
	}
}

// voidMax is how many void items may lie in a heap beside as many as are valid.
const voidMax = 1024

func (a *agenda) push(h *dueHeap, valid int, i item) {
	if len(*h) > 2*valid+voidMax {
		*h = slices.DeleteFunc(*h, func(i item) bool { return !a.valid(i) })
		heap.Init(h)
	}
	heap.Push(h, i)
	if (*h)[0] == i {
		signal(a.wake)
	}
}

func (a *agenda) valid(i item) bool {
	return a.schedules[i.key].Revision == i.revision || a.pendings[i.key].Revision == i.revision
}

// takeMoments takes up to most schedules that are due.
func (a *agenda) takeMoments(now time.Time, most int) []store.Row[scheduleRecord] {
	a.mu.Lock()
	defer a.mu.Unlock()
	return takeDue(&a.moments, a.schedules, now, most)
}

// takeCalls takes up to most invocations that are due.
func (a *agenda) takeCalls(now time.Time, most int) []store.Row[pendingRecord] {
	a.mu.Lock()
	defer a.mu.Unlock()
	return takeDue(&a.calls, a.pendings, now, most)
}

func takeDue[T any](h *dueHeap, rows map[string]store.Row[T], now time.Time, most int) []store.Row[T] {
	var out []store.Row[T]
	for len(*h) > 0 && len(out) < most && !(*h)[0].at.After(now) {
		i := heap.Pop(h).(item)
		if row, ok := rows[i.key]; ok && row.Revision == i.revision {
			out = append(out, row)
		}
	}
	return out
}

// wait is how long nothing is due; false when nothing is planned. Invocations count
// only when there is room for them.
func (a *agenda) wait(now time.Time, room bool) (time.Duration, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var first time.Time
	if len(a.moments) > 0 {
		first = a.moments[0].at
	}
	if room && len(a.calls) > 0 && (first.IsZero() || a.calls[0].at.Before(first)) {
		first = a.calls[0].at
	}
	return first.Sub(now), !first.IsZero()
}

// look is a schedule as it is, and how many of its invocations are open.
func (a *agenda) look(key string) (row store.Row[scheduleRecord], open int, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	row, ok = a.schedules[key]
	return row, a.open[key], ok
}

// momentAgain has a schedule looked at again, callAgain an invocation: those whose
// turn could not be carried out.
func (a *agenda) momentAgain(i item) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.push(&a.moments, len(a.schedules), i)
}

func (a *agenda) callAgain(i item) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.push(&a.calls, len(a.pendings), i)
}

// ran are the schedules that have no moment left.
func (a *agenda) ran() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for key, row := range a.schedules {
		if row.Value.Ran {
			out = append(out, key)
		}
	}
	return out
}

func (a *agenda) schedulesIn(p place) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.count[p]
}

// dueHeap has the earliest first.
type dueHeap []item

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(item)) }

func (h *dueHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
