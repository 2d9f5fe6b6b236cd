package logs

import (
	"fmt"
	"math"
	"strconv"
)

// position is a place in the order of events: time first, then arrival. Seqs begin
// at 1, so seq 0 lies before every event of its millisecond.
type position struct {
	ts  int64
	seq int64
}

func (p position) less(q position) bool {
	return p.ts < q.ts || p.ts == q.ts && p.seq < q.seq
}

func (l line) position() position { return position{l.ts, l.seq} }

// next is the place right after p.
func (p position) next() position { return position{p.ts, p.seq + 1} }

// interval is the events between two places, neither included.
type interval struct {
	after, before position
}

// always is later than any event.
var always = position{ts: math.MaxInt64 - chunkSpan}

// The digits of a position in text: AWS's event ids have 56.
const (
	tsDigits  = 20
	seqDigits = 36
)

// String is the position as 56 digits: the event's id, and what tokens carry.
func (p position) String() string { return fmt.Sprintf("%0*d%0*d", tsDigits, p.ts, seqDigits, p.seq) }

func parsePosition(s string) (position, bool) {
	if len(s) != tsDigits+seqDigits {
		return position{}, false
	}
	ts, err1 := strconv.ParseUint(s[:tsDigits], 10, 63)
	seq, err2 := strconv.ParseUint(s[tsDigits:], 10, 63)
	// 63 bits fit
	return position{int64(ts), int64(seq)}, err1 == nil && err2 == nil && int64(ts) <= always.ts && seq < math.MaxInt64
}
