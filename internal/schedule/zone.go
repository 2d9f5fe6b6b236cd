package schedule

import "time"

// wall is what a clock on a wall shows, kept as the moment at which one in UTC does.
type wall struct{ time.Time }

// wallAt is what a clock in a zone shows at a moment.
func wallAt(t time.Time, zone *time.Location) wall {
	t = t.In(zone)
	return wall{time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)}
}

// in is the first moment at which a clock in a zone shows this; false says that it
// never does, because the clocks are put forward over it. Later moments that show
// the same, after clocks were put back, are none: Scheduler runs those once.
func (w wall) in(zone *time.Location) (time.Time, bool) {
	near := time.Date(w.Year(), w.Month(), w.Day(), w.Hour(), w.Minute(), w.Second(), 0, zone)
	start, end := near.ZoneBounds()
	offsets := []time.Time{near}
	if !start.IsZero() {
		offsets = append(offsets, start.Add(-time.Second))
	}
	if !end.IsZero() {
		offsets = append(offsets, end)
	}
	var first time.Time
	for _, at := range offsets {
		_, seconds := at.In(zone).Zone()
		t := w.Add(-time.Duration(seconds) * time.Second).In(zone)
		if wallAt(t, zone) == w && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first, !first.IsZero()
}
