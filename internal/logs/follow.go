package logs

import (
	"sync"
	"sync/atomic"
)

// followBuffer is how many Appends a follower may be behind before it misses
// some: a terminal that is scrolled through must not cost memory without end.
const followBuffer = 1024

// Batch is what one Append took, as a follower sees it.
type Batch struct {
	Key    Key
	Stream string
	Events []Event
	// Missed is how many events were skipped before this batch because the
	// follower was too slow.
	Missed int64
}

// Follow returns a channel of what Append takes from now on, in order, for the
// groups that match accepts; nil accepts all. A follower that falls behind misses
// batches and is told how many events they had. stop closes the channel.
func (s *Service) Follow(match func(Key) bool) (batches <-chan Batch, stop func()) {
	f := &follower{match: match, c: make(chan Batch, followBuffer)}
	s.followers.mu.Lock()
	defer s.followers.mu.Unlock()
	if s.followers.all == nil {
		s.followers.all = map[*follower]struct{}{}
	}
	s.followers.all[f] = struct{}{}
	s.followers.count.Add(1)
	return f.c, sync.OnceFunc(func() { s.followers.remove(f) })
}

type followers struct {
	// count spares Append the lock when nobody follows.
	count atomic.Int32
	// mu guards all and every follower's missed and closing.
	mu  sync.Mutex
	all map[*follower]struct{}
}

type follower struct {
	match  func(Key) bool
	c      chan Batch
	missed int64
}

func (fs *followers) tell(k Key, stream string, events []Event) {
	if fs.count.Load() == 0 {
		return
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for f := range fs.all {
		if f.match != nil && !f.match(k) {
			continue
		}
		select {
		case f.c <- Batch{Key: k, Stream: stream, Events: append([]Event(nil), events...), Missed: f.missed}:
			f.missed = 0
		default:
			f.missed += int64(len(events))
		}
	}
}

func (fs *followers) remove(f *follower) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	delete(fs.all, f)
	fs.count.Add(-1)
	close(f.c)
}
