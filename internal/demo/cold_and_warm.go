package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hearthfaas/hearth/internal/harness"
	"github.com/hearthfaas/hearth/internal/reportline"
)

// warmRounds is how often a warm function is called; the median is shown.
const warmRounds = 30

// round is how one function did.
type round struct {
	name   string
	cold   harness.Answer
	parts  []reportline.Part
	warm   time.Duration // median
	result string

	started bool // whether the first call was a cold start and succeeded
	warmed  bool // whether no warm call was a cold start
}

// busyMin is what a warm call takes at least in which the function waits or computes on
// purpose: a cold start is then lost in it.
const busyMin = 10 * time.Millisecond

// coldAndWarm calls every example cold once and warm many times, and shows where
// the time of the cold start went.
func (d *demo) coldAndWarm(ctx context.Context) error {
	var rounds []round
	for _, e := range list {
		if !d.has(e.name) {
			continue
		}
		r, err := d.round(ctx, e)
		if err != nil {
			return err
		}
		rounds = append(rounds, r)
	}
	d.p.title("Cold: the first call makes an environment. Warm: the next ones find it")
	var names []string
	for _, r := range rounds {
		for _, p := range r.parts {
			if !slices.Contains(names, p.Name) {
				names = append(names, p.Name)
			}
		}
	}
	rows := [][]string{append(append([]string{"MILLISECONDS", "COLD CALL"}, names...), "WARM CALL", "RESULT")}
	faster, allWarm, allStarted := true, true, true
	for _, r := range rounds {
		row := []string{r.name, millis(r.cold.Elapsed)}
		for _, name := range names {
			i := slices.IndexFunc(r.parts, func(p reportline.Part) bool { return p.Name == name })
			if i < 0 {
				row = append(row, "-")
				continue
			}
			row = append(row, fmt.Sprintf("%.2f", float64(r.parts[i].Duration)/float64(time.Millisecond)))
		}
		rows = append(rows, append(row, millis(r.warm), short(r.result, 60)))
		faster = faster && (r.warm > busyMin || r.warm < r.cold.Elapsed)
		allWarm = allWarm && r.warmed
		allStarted = allStarted && r.started
	}
	d.p.table(rows)
	d.p.text("Calls are timed in this client, signing and all; some functions wait or compute on purpose.")
	d.check(allStarted, "the first call of each function was a cold start and succeeded")
	d.check(faster, "a warm call is faster than the cold one, where the function does not wait or compute by itself")
	d.check(allWarm, "while calls come one after the other, one environment serves them all")
	return nil
}

func (d *demo) round(ctx context.Context, e example) (round, error) {
	payload, err := d.payload(e)
	if err != nil {
		return round{}, err
	}
	var header string
	cold, err := harness.Invoke(ctx, d.lambda, e.name, payload, harness.KeepHeader(reportline.ColdStartHeader, &header))
	if err != nil {
		return round{}, fmt.Errorf("invoke %s: %w", e.name, err)
	}
	r := round{name: e.name, cold: cold, result: cold.Payload, parts: reportline.ColdStart(header, cold.Tail), warmed: true}
	report, ok := reportline.Last(cold.Tail)
	r.started = ok && report.Cold() && cold.Error == ""
	if !r.started {
		d.check(false, "%s: the first call is a cold start and succeeds%s", e.name, onError(cold))
	}
	if r.parts == nil {
		r.parts = []reportline.Part{{Name: "init", Duration: report.Init}}
	}
	times := make([]time.Duration, 0, warmRounds)
	for range warmRounds {
		a, err := harness.Invoke(ctx, d.lambda, e.name, payload)
		if err != nil {
			return round{}, fmt.Errorf("invoke %s: %w", e.name, err)
		}
		if report, ok := reportline.Last(a.Tail); !ok || report.Cold() {
			r.warmed = false
		}
		times = append(times, a.Elapsed)
	}
	slices.Sort(times)
	r.warm = times[len(times)/2]
	return r, nil
}

// onError is what to say of an answer that should not have been an error.
func onError(a harness.Answer) string {
	if a.Error == "" {
		return ""
	}
	return ": " + short(a.Payload, 200)
}
