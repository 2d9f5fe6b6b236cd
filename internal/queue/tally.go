package queue

// place is where a message is: when it is due, and whether somebody holds it. The
// zero value is nowhere.
type place struct {
	due    int64
	leased bool
	exists bool
}

func waitingAt(due int64) place { return place{due: due, exists: true} }
func leasedTo(due int64) place  { return place{due: due, leased: true, exists: true} }

// held is 1 for a message that somebody holds.
func (p place) held(now int64) int {
	if p.exists && p.leased && p.due > now {
		return 1
	}
	return 0
}

// tally counts the messages of one queue. Messages become visible with time and
// without a write, so those that are not visible are counted by the second in which
// they will be, and seconds that have passed are dropped when somebody asks.
type tally struct {
	total  int
	later  map[int64][2]int // second → delayed, in flight
	sum    [2]int           // over later
	passed int64            // seconds up to this one are not in later
}

func (t *tally) add(p place, n int) {
	if !p.exists {
		return
	}
	t.total += n
	second := p.due / 1000
	if second <= t.passed {
		return
	}
	if t.later == nil {
		t.later = map[int64][2]int{}
	}
	kind := 0
	if p.leased {
		kind = 1
	}
	b := t.later[second]
	b[kind] += n
	t.sum[kind] += n
	if b == ([2]int{}) {
		delete(t.later, second)
	} else {
		t.later[second] = b
	}
}

// at counts what is where at a time in milliseconds.
func (t *tally) at(now int64) Counts {
	second := now / 1000
	if steps := second - t.passed; steps > int64(len(t.later)) {
		for s := range t.later {
			if s <= second {
				t.drop(s)
			}
		}
	} else {
		for s := t.passed + 1; s <= second; s++ {
			t.drop(s)
		}
	}
	t.passed = max(t.passed, second)
	return Counts{Visible: t.total - t.sum[0] - t.sum[1], Delayed: t.sum[0], InFlight: t.sum[1]}
}

func (t *tally) drop(second int64) {
	b := t.later[second]
	t.sum[0] -= b[0]
	t.sum[1] -= b[1]
	delete(t.later, second)
}
