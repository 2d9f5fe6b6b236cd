package streams

import (
	"hash/fnv"
	"slices"
	"time"

	"github.com/hearthfaas/hearth/internal/eventsource"
)

// Conditions of a batch that was given up.
const (
	retriesExhausted = "RetryAttemptsExhausted"
	ageExceeded      = "RecordAgeExceeded"
)

// segment is a part of a batch that is tried as a whole.
type segment struct {
	records  []Record
	attempts int // in which the function ran and failed
}

// work is what is left of a batch, in order.
type work []segment

// outcome is how one attempt of the first segment ended.
type outcome struct {
	pushedBack bool // the function did not run
	failed     bool
	from       int // failed: the first record that is to come again
}

// step is what follows from an attempt.
type step struct {
	work    work
	done    []Record // processed
	dropped []Record // given up, with condition
	why     string
	tries   int  // of what was dropped
	pause   bool // before the next attempt
}

// after decides what follows from an attempt of the first segment (Lambda developer
// guide, "Error handling for stream event sources"): what the function got through
// is done; the rest is tried again, in halves where the mapping bisects, which is no
// retry of its own, until the retries are used up.
func (w work) after(o outcome, s eventsource.Settings) step {
	first, rest := w[0], w[1:]
	switch {
	case o.pushedBack:
		return step{work: w, pause: true}
	case !o.failed:
		return step{work: rest, done: first.records}
	}
	done, left := first.records[:o.from], first.records[o.from:]
	switch {
	case s.Bisect && o.from > 0:
		return step{work: before(rest, segment{left, first.attempts}), done: done}
	case s.Bisect && len(left) > 1:
		half := (len(left) + 1) / 2
		return step{work: before(rest, segment{left[:half], first.attempts}, segment{left[half:], first.attempts})}
	}
	attempts := first.attempts + 1
	if s.RetriesMax >= 0 && attempts > s.RetriesMax {
		return step{work: rest, done: done, dropped: left, why: retriesExhausted, tries: attempts}
	}
	return step{work: before(rest, segment{left, attempts}), done: done, pause: true}
}

func before(rest work, segments ...segment) work { return slices.Concat(segments, rest) }

// expire drops the records at the front that are too old to be tried.
func (w work) expire(now time.Time, ageMax time.Duration) step {
	first := w[0]
	n := 0
	for n < len(first.records) && now.Sub(first.records[n].Arrived) > ageMax {
		n++
	}
	if n == 0 {
		return step{work: w}
	}
	s := step{work: w[1:], dropped: first.records[:n], why: ageExceeded, tries: first.attempts}
	if n < len(first.records) {
		s.work = before(s.work, segment{first.records[n:], first.attempts})
	}
	return s
}

// ageMax is how old records may become: as the mapping says, and not older than the
// stream keeps them.
func ageMax(s eventsource.Settings, retention time.Duration) time.Duration {
	if s.RecordAgeMax > 0 && s.RecordAgeMax < retention {
		return s.RecordAgeMax
	}
	return retention
}

// progress is how far a shard's records are done.
type progress struct {
	order []string // sequence numbers that were read and are not below the checkpoint
	done  map[string]bool
}

func newProgress() *progress { return &progress{done: map[string]bool{}} }

func (p *progress) read(sequence string) { p.order = append(p.order, sequence) }

func (p *progress) finish(sequences ...string) {
	for _, s := range sequences {
		p.done[s] = true
	}
}

// advance returns the last sequence number up to which all is done; ok is false when
// that is where it was before.
func (p *progress) advance() (last string, ok bool) {
	n := 0
	for n < len(p.order) && p.done[p.order[n]] {
		last = p.order[n]
		delete(p.done, last)
		n++
	}
	p.order = p.order[n:]
	return last, n > 0
}

// open says whether anything that was read is not done.
func (p *progress) open() bool { return len(p.order) > 0 }

// laneOf is which of n lanes a key's records go to.
func laneOf(key string, n int) int {
	if n <= 1 {
		return 0
	}
	h := fnv.New32a()
	h.Write([]byte(key))
	return int(h.Sum32() % uint32(n))
}

// runnable are the shards that may be read now: those that are neither done nor
// being read, and whose parents are done or gone.
func runnable(shards []Shard, done, running func(id string) bool) []Shard {
	exists := map[string]bool{}
	for i := range shards {
		exists[shards[i].ID] = true
	}
	var out []Shard
	for _, s := range shards {
		if done(s.ID) || running(s.ID) || slices.ContainsFunc(s.Parents, func(id string) bool { return exists[id] && !done(id) }) {
			continue
		}
		out = append(out, s)
	}
	return out
}

const (
	// pollMin and pollMax are the pauses between reads of a shard: DynamoDB is read
	// four times a second (Lambda developer guide), one that was silent for a while
	// less often.
	pollMin = 250 * time.Millisecond
	pollMax = time.Second
	// retryMin and retryMax bound the pauses between tries of a batch.
	retryMin = time.Second
	retryMax = time.Minute
	// troubleMax bounds the pauses of a mapping whose stream cannot be read.
	troubleMax = 30 * time.Second
)

// backOff is the n-th pause, from 0.
func backOff(n int, least, most time.Duration) time.Duration {
	if n > 16 { // beyond any bound here, before the shift overflows
		return most
	}
	return min(least<<n, most)
}

// windowOf is the start of the tumbling window that a time is in. Windows are
// aligned to the epoch.
func windowOf(t time.Time, size time.Duration) time.Time {
	return t.UTC().Truncate(size)
}

// ready is how many of a lane's records make its next batch; 0 waits. first is when
// the oldest came.
func ready(records []Record, s eventsource.Settings, first, now time.Time, ended bool) int {
	n, bytes := 0, 0
	for n < len(records) && n < s.BatchSize {
		if s.Tumbling > 0 && windowOf(records[n].Arrived, s.Tumbling).After(windowOf(records[0].Arrived, s.Tumbling)) {
			return n // the rest is of another window
		}
		if bytes += len(records[n].text) + 1; bytes > recordsMax && n > 0 {
			return n
		}
		n++
	}
	if n == s.BatchSize || ended || !now.Before(first.Add(s.Window)) {
		return n
	}
	return 0
}
