package asyncinvoke

import (
	"context"
	"sync"

	"github.com/hearthfaas/hearth/internal/queue"
)

// share divides the attempts that may run at the same time between functions.
//
// A function may start one more while it has fewer running than are free ("dynamic
// thresholds", Choudhury and Hahne 1998): one alone gets half of all, k busy ones a
// (k+1)-th each, and as much stays free. So a function with nothing running starts
// at once as long as fewer functions are busy than there are slots, however long the
// others' backlogs are.
type share struct {
	total int

	mu      sync.Mutex // guards what follows
	used    int
	holders map[queue.Name]*holder
	waiting []*turn // in the order of their coming
}

// holder is one function's part.
type holder struct {
	held int
	// limit is how many it may hold by its own concurrency: it shrinks when attempts
	// are throttled and grows slowly while they are not.
	limit float64
}

// turn is a function that waits for slots.
type turn struct {
	holder *holder
	want   int
	got    chan int
}

func newShare(total int) *share {
	return &share{total: total, holders: map[queue.Name]*holder{}}
}

// allowance is how many more a function may start that has held running.
func allowance(total, used, held, limit, want int) int {
	n := 0
	for n < want && held+n < limit && held+n < total-used-n {
		n++
	}
	return n
}

// acquire waits until a function may start at least one attempt, and takes up to
// want slots for it.
func (s *share) acquire(ctx context.Context, name queue.Name, want int) (int, error) {
	s.mu.Lock()
	t := &turn{holder: s.holder(name), want: want, got: make(chan int, 1)}
	s.waiting = append(s.waiting, t)
	s.grant()
	s.mu.Unlock()
	select {
	case n := <-t.got:
		return n, nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.waiting {
		if other == t {
			s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
			return 0, ctx.Err()
		}
	}
	s.give(t.holder, <-t.got)
	return 0, ctx.Err()
}

// release gives slots back.
func (s *share) release(name queue.Name, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.give(s.holder(name), n)
}

func (s *share) give(h *holder, n int) {
	h.held -= n
	s.used -= n
	s.grant()
}

// grant serves those who wait: first who holds the fewest, then who came first.
func (s *share) grant() {
	for {
		best, most := -1, 0
		for i, t := range s.waiting {
			n := allowance(s.total, s.used, t.holder.held, max(1, int(t.holder.limit)), t.want)
			if n > 0 && (best < 0 || t.holder.held < s.waiting[best].holder.held) {
				best, most = i, n
			}
		}
		if best < 0 {
			return
		}
		t := s.waiting[best]
		s.waiting = append(s.waiting[:best], s.waiting[best+1:]...)
		t.holder.held += most
		s.used += most
		t.got <- most
	}
}

func (s *share) holder(name queue.Name) *holder {
	h, ok := s.holders[name]
	if !ok {
		h = &holder{limit: float64(s.total)}
		s.holders[name] = h
	}
	return h
}

// tell adapts a function's limit to how an attempt went. It reports true when an
// attempt was throttled although the function runs no more than one at a time.
func (s *share) tell(name queue.Name, throttled bool) (stuck bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.holder(name)
	if throttled {
		stuck = h.limit == 1
		h.limit = max(1, h.limit/2)
		return stuck
	}
	h.limit = min(float64(s.total), h.limit+1/h.limit)
	return false
}
