package workermanager

import (
	"math"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// KeepAlive is how it is decided for how long an unused environment stays warm.
type KeepAlive string

const (
	// Fixed keeps every environment for Config.IdleTimeout.
	Fixed KeepAlive = "fixed"
	// Adaptive keeps a function's environments for as long as nearly all of its idle times
	// lasted so far (Shahrad et al., "Serverless in the Wild", USENIX ATC 2020, without
	// making environments ahead), and for Config.IdleTimeout while it has no pattern.
	Adaptive KeepAlive = "adaptive"
)

const (
	// binWidth and bins are the paper's: four hours in minutes. Longer idle times are not
	// worth the memory that waiting for them takes.
	binWidth = time.Minute
	bins     = 240
	// samplesMin is how many idle times make a pattern: below, each of them would be more
	// than the part that the tail cuts off.
	samplesMin = 10
	// samplesMax is where old idle times begin to count half, so that a function that
	// changes its habits is followed.
	samplesMax = 1 << 12
	// tail is the part of the idle times that is waited for, and margin what is added for
	// the next one to be somewhat longer; both are the paper's.
	tail, margin = 0.99, 1.1
	// variationMin is the coefficient of variation of the bins below which the histogram
	// is flat and says nothing (the paper's).
	variationMin = 2
	// endedMax is how many ended environments a function is remembered to have had: what
	// a longer wait would have been worth is asked for the last ones.
	endedMax = 64
	// historiesMax bounds the memory of all histories to some 60 MB. Functions beyond it
	// are kept for the fixed time until others are forgotten.
	historiesMax = 100_000
	// historyAge is how long a function that is not invoked keeps its history: a day, so
	// that those which run by night have one.
	historyAge = 24 * time.Hour
)

// History is how long environments of one function were idle before they were needed
// again, those included that were ended too early. The zero value is empty.
type History struct {
	bin     [bins]uint16
	total   int         // the sum of the bins
	beyond  int         // idle times that are longer than all bins
	ended   []time.Time // when environments that are no more were last used, the latest at the end
	touched time.Time
}

// Reused notes that an environment is used that was idle since a moment.
func (h *History) Reused(since, now time.Time) { h.add(now.Sub(since), now) }

// Ended notes that an environment is ended that was last used at a moment.
func (h *History) Ended(lastUsed time.Time) {
	if len(h.ended) == endedMax {
		h.ended = append(h.ended[:0], h.ended[1:]...)
	}
	h.ended = append(h.ended, lastUsed)
}

// Missed notes that an environment has to be made, which the one that was ended last
// would have saved.
func (h *History) Missed(now time.Time) {
	h.touched = now
	if n := len(h.ended); n > 0 {
		h.add(now.Sub(h.ended[n-1]), now)
		h.ended = h.ended[:n-1]
	}
}

func (h *History) add(idle time.Duration, now time.Time) {
	h.touched = now
	if i := int(idle / binWidth); i < bins {
		h.bin[i]++
		h.total++
	} else {
		h.beyond++
	}
	if h.total+h.beyond >= samplesMax {
		h.total, h.beyond = 0, h.beyond/2
		for i := range h.bin {
			h.bin[i] /= 2
			h.total += int(h.bin[i])
		}
	}
}

// Keep is pure: for how long an unused environment of a function with this history
// stays warm. A nil history is empty.
func (k KeepAlive) Keep(fixed time.Duration, h *History) time.Duration {
	if k != Adaptive || h == nil || !h.patterned() {
		return fixed
	}
	want := int(math.Ceil(tail * float64(h.total)))
	for i, n := range h.bin {
		if want -= int(n); want <= 0 {
			return time.Duration(float64(i+1) * margin * float64(binWidth))
		}
	}
	return fixed
}

// patterned says whether the histogram predicts anything: enough idle times, most of
// them within it, and not all lengths equally likely.
func (h *History) patterned() bool {
	if h.total < samplesMin || h.beyond > h.total {
		return false
	}
	mean, squares := float64(h.total)/bins, 0.0
	for _, n := range h.bin {
		squares += (float64(n) - mean) * (float64(n) - mean)
	}
	return math.Sqrt(squares/bins) >= variationMin*mean
}

// history returns the history of a function, nil when none is kept. The mutex is held.
func (m *Manager) history(id lambda.FunctionID) *History {
	if m.cfg.KeepAlive != Adaptive {
		return nil
	}
	h := m.histories[id]
	if h == nil && len(m.histories) < historiesMax {
		h = &History{}
		m.histories[id] = h
	}
	return h
}

// reused and missed keep a function's history. The mutex is held.
func (m *Manager) reused(h *holding) {
	if past := m.history(h.pool.key.Function); past != nil {
		past.Reused(h.lastUsed, time.Now())
	}
}

func (m *Manager) missed(p *pool) {
	if past := m.history(p.key.Function); past != nil {
		past.Missed(time.Now())
	}
}

// forgetHistories drops the histories of functions that are not invoked any more. It
// is called at the rate of reap and looks at all at most once an hour. The mutex is
// held.
func (m *Manager) forgetHistories(now time.Time) {
	if len(m.histories) == 0 || now.Before(m.forgetAt) {
		return
	}
	m.forgetAt = now.Add(time.Hour)
	for id, h := range m.histories {
		if now.Sub(h.touched) > historyAge {
			delete(m.histories, id)
		}
	}
}
