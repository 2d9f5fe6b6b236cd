package logs

import (
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// MessageMax is the largest event that Append stores in one piece; longer ones
// are split (CloudWatch Logs' classic 256 KiB, which counts eventOverhead too).
const MessageMax = 256<<10 - eventOverhead

// eventOverhead is what CloudWatch Logs counts for each event beside its message
// (PutLogEvents).
const eventOverhead = 26

const (
	// bufferMax is how many bytes may wait for the disk. At the highest rates seen
	// of functions that print in a loop this is seconds; beyond that the disk is
	// not keeping up, and memory belongs to the functions.
	bufferMax = 64 << 20
	// bufferHurry is at how many waiting bytes the flush delay is cut short.
	bufferHurry = 4 << 20
)

// Append takes events of a stream and makes the group and the stream when they do
// not exist. It never waits for the disk: what the buffer has no room for is
// dropped and counted. The events are copied. An event without a sensible time
// gets the present one.
func (s *Service) Append(k Key, stream string, events []Event) {
	if len(events) == 0 {
		return
	}
	now := s.now()
	s.buffer.add(k, stream, now, events)
	s.followers.tell(k, stream, events)
}

// buffer is what waits for the disk.
type buffer struct {
	// filled has an entry when the buffer is no longer empty, hurry when it holds
	// much.
	filled  chan struct{}
	hurry   chan struct{}
	dropped atomic.Int64

	// mu guards what follows.
	mu   sync.Mutex
	size int
	batch
	spare  batch // an emptied batch, for its memory
	closed bool
}

// batch is what several Appends took.
type batch struct {
	entries []entry
	events  []Event // the entries' events, one after the other
}

// entry is one Append.
type entry struct {
	key    Key
	stream string
	at     int64 // ingestion time, Unix milliseconds
	n      int   // how many of the buffer's events are its own
}

func newBuffer() buffer {
	return buffer{filled: make(chan struct{}, 1), hurry: make(chan struct{}, 1)}
}

func (b *buffer) add(k Key, stream string, now time.Time, events []Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wasEmpty, wasSmall, n := len(b.entries) == 0, b.size < bufferHurry, len(b.events)
	for _, e := range events {
		size := len(e.Message) + eventOverhead
		if b.size+size > bufferMax || b.closed {
			b.dropped.Add(1)
			continue
		}
		b.size += size
		e.Time = sensible(e.Time, now)
		for len(e.Message) > MessageMax {
			head := splitAt(e.Message, MessageMax)
			b.events = append(b.events, Event{Time: e.Time, Message: e.Message[:head]})
			e.Message = e.Message[head:]
		}
		b.events = append(b.events, e)
	}
	if n = len(b.events) - n; n == 0 {
		return
	}
	b.entries = append(b.entries, entry{key: k, stream: stream, at: now.UnixMilli(), n: n})
	if wasEmpty {
		notify(b.filled)
	}
	if wasSmall && b.size >= bufferHurry {
		notify(b.hurry)
	}
}

// take empties the buffer.
func (b *buffer) take() batch {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.batch
	b.batch, b.spare, b.size = b.spare, batch{}, 0
	select {
	case <-b.hurry:
	default:
	}
	return out
}

// spareMax is how many events an emptied batch may have room for to be kept: what
// a busy machine takes during one flush delay, about 2.5 MB.
const spareMax = 1 << 16

// give hands the memory of a batch back that take took and that is done with.
func (b *buffer) give(done batch) {
	if cap(done.events) > spareMax || cap(done.entries) > spareMax {
		return
	}
	clear(done.entries)
	clear(done.events) // lets go of the messages
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spare = batch{entries: done.entries[:0], events: done.events[:0]}
}

// close makes the buffer drop everything from now on.
func (b *buffer) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// How far from the present an event may be (PutLogEvents).
const (
	pastMax   = 14 * 24 * time.Hour
	futureMax = 2 * time.Hour
)

// sensible is t, or now when t is too far from it.
func sensible(t, now time.Time) time.Time {
	if d := t.Sub(now); d < -pastMax || d > futureMax {
		return now
	}
	return t
}

// splitAt is where to cut s so that the head has at most n bytes and no character
// is cut in two.
func splitAt(s string, n int) int {
	for i := n; i > n-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			return i
		}
	}
	return n
}
