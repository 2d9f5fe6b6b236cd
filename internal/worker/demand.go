package worker

import "time"

const (
	// demandWindow is over how long the demand for a recipe is counted: about as long
	// as a burst of cold starts lasts.
	demandWindow = 10 * time.Second
	// demandKept is how long one blank is kept after the last time that anybody asked.
	demandKept = 10 * time.Minute
	// demandMost bounds the blanks of one recipe.
	demandMost = 8
)

// demand is how often blanks of a recipe were asked for of late.
type demand struct {
	last  time.Time
	taken [demandMost]time.Time // the last ones, as a ring
	at    int
}

// expect says that one may be asked for soon.
func (d *demand) expect(now time.Time) { d.last = now }

// take says that one was asked for.
func (d *demand) take(now time.Time) {
	d.last = now
	d.taken[d.at] = now
	d.at = (d.at + 1) % len(d.taken)
}

// target is how many blanks are worth having: as many as were asked for within the
// window, and one for as long as somebody may come back.
func (d *demand) target(now time.Time) int {
	if now.Sub(d.last) > demandKept {
		return 0
	}
	n := 0
	for _, t := range d.taken {
		if !t.IsZero() && now.Sub(t) <= demandWindow {
			n++
		}
	}
	return max(1, n)
}
