package loadbalancer

import (
	"time"
)

// health is what is known of one frontend. Its methods are pure: they neither ask nor
// wait.
type health struct {
	// Of active checks: the last verdict, and how many in a row say otherwise.
	down   bool
	streak int
	// Of requests: how many broke in a row, until when it is out for that, and how often
	// it was.
	broken    int
	outUntil  time.Time
	ejections int
}

// checked follows an active check, and reports whether the verdict changed.
func (h *health) checked(ok bool, c *Config) (changed bool) {
	if ok != h.down {
		h.streak = 0
		return false // it says what is known
	}
	h.streak++
	need := c.Fall
	if ok {
		need = c.Rise
	}
	if h.streak < need {
		return false
	}
	h.down, h.streak = !ok, 0
	if ok {
		h.broken = 0
	}
	return true
}

// broke follows a request that the frontend broke, and reports whether that put it out.
func (h *health) broke(now time.Time, c *Config) (ejected bool) {
	h.broken++
	if h.broken < c.EjectAfter || now.Before(h.outUntil) {
		return false
	}
	h.ejections++
	h.outUntil = now.Add(min(time.Duration(h.ejections)*c.EjectFor, c.EjectMax))
	h.broken = 0
	return true
}

// answered follows a request that the frontend answered, whatever it said.
func (h *health) answered(now time.Time) {
	h.broken = 0
	if h.ejections > 0 && now.After(h.outUntil.Add(forgive)) {
		h.ejections = 0
	}
}

// forgive is how long a frontend must have been in again until its next ejection is as
// short as the first.
const forgive = 5 * time.Minute

func (h *health) out(now time.Time) bool { return h.down || now.Before(h.outUntil) }

// candidate is a frontend as the choice sees it.
type candidate struct {
	zone     string
	out      bool
	inFlight int
	tried    bool // by this request
}

// usable are the places of the candidates that a request may go to, best zones only:
// not the ones that are out, nor the well ones of a zone that is evacuated. When that
// leaves none, all count that were not tried yet.
func usable(all []candidate) []int {
	sick := evacuated(all)
	var in []int
	for i, c := range all {
		if !c.out && !c.tried && !sick[c.zone] {
			in = append(in, i)
		}
	}
	if in != nil {
		return in
	}
	for i, c := range all {
		if !c.tried && !c.out {
			in = append(in, i)
		}
	}
	if in != nil {
		return in
	}
	for i, c := range all {
		if !c.tried {
			in = append(in, i)
		}
	}
	return in
}

// evacuated are the zones of which more than half is out, unless every zone is so.
func evacuated(all []candidate) map[string]bool {
	total, out := map[string]int{}, map[string]int{}
	for _, c := range all {
		total[c.zone]++
		if c.out {
			out[c.zone]++
		}
	}
	sick := map[string]bool{}
	for zone, n := range total {
		if out[zone]*2 > n {
			sick[zone] = true
		}
	}
	if len(sick) == len(total) {
		return nil
	}
	return sick
}

// choose takes the less busy of two of the places, drawn with draw(n) below n: as good
// as the least busy of all where many choose at once, and without their herd (M.
// Mitzenmacher, "The Power of Two Choices", 2001). It returns -1 without places.
func choose(all []candidate, places []int, draw func(n int) int) int {
	switch len(places) {
	case 0:
		return -1
	case 1:
		return places[0]
	}
	i := draw(len(places))
	j := draw(len(places) - 1)
	if j >= i {
		j++
	}
	a, b := places[i], places[j]
	if all[b].inFlight < all[a].inFlight {
		return b
	}
	return a
}
