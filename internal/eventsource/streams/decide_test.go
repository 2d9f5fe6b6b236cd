package streams

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/eventsource"
)

func some(names string) []Record {
	var out []Record
	for n := range strings.SplitSeq(names, "") {
		out = append(out, Record{Sequence: n})
	}
	return out
}

func names(records []Record) string {
	var b strings.Builder
	for i := range records {
		b.WriteString(records[i].Sequence)
	}
	return b.String()
}

func (s step) String() string {
	var parts []string
	for _, seg := range s.work {
		parts = append(parts, fmt.Sprintf("%s/%d", names(seg.records), seg.attempts))
	}
	return fmt.Sprintf("%s done=%s dropped=%s %s %d pause=%t", strings.Join(parts, " "), names(s.done), names(s.dropped), s.why, s.tries, s.pause)
}

func TestWhatFollowsAnAttempt(t *testing.T) {
	all := func(retries int) eventsource.Settings { return eventsource.Settings{RetriesMax: retries} }
	bisect := func(retries int) eventsource.Settings {
		return eventsource.Settings{RetriesMax: retries, Bisect: true}
	}
	for name, c := range map[string]struct {
		work     work
		outcome  outcome
		settings eventsource.Settings
		want     string
	}{
		"success":                       {work{{some("abc"), 1}}, outcome{}, all(-1), " done=abc dropped=  0 pause=false"},
		"throttled":                     {work{{some("abc"), 1}}, outcome{pushedBack: true}, all(0), "abc/1 done= dropped=  0 pause=true"},
		"failed, any number of retries": {work{{some("abc"), 99}}, outcome{failed: true}, all(-1), "abc/100 done= dropped=  0 pause=true"},
		"failed, retries left":          {work{{some("abc"), 1}}, outcome{failed: true}, all(2), "abc/2 done= dropped=  0 pause=true"},
		"failed, none left":             {work{{some("abc"), 2}}, outcome{failed: true}, all(2), " done= dropped=abc RetryAttemptsExhausted 3 pause=false"},
		"failed, none wanted":           {work{{some("abc"), 0}}, outcome{failed: true}, all(0), " done= dropped=abc RetryAttemptsExhausted 1 pause=false"},
		"failed in part":                {work{{some("abc"), 0}}, outcome{failed: true, from: 1}, all(2), "bc/1 done=a dropped=  0 pause=true"},
		"failed in part, none left":     {work{{some("abc"), 2}}, outcome{failed: true, from: 2}, all(2), " done=ab dropped=c RetryAttemptsExhausted 3 pause=false"},
		"bisected":                      {work{{some("abcde"), 1}}, outcome{failed: true}, bisect(2), "abc/1 de/1 done= dropped=  0 pause=false"},
		"bisected before others":        {work{{some("ab"), 0}, {some("cd"), 0}}, outcome{failed: true}, bisect(2), "a/0 b/0 cd/0 done= dropped=  0 pause=false"},
		"cut where it was reported":     {work{{some("abcd"), 1}}, outcome{failed: true, from: 3}, bisect(2), "d/1 done=abc dropped=  0 pause=false"},
		"one is no halves":              {work{{some("a"), 0}, {some("b"), 0}}, outcome{failed: true}, bisect(1), "a/1 b/0 done= dropped=  0 pause=true"},
		"one is given up":               {work{{some("a"), 1}, {some("b"), 0}}, outcome{failed: true}, bisect(1), "b/0 done= dropped=a RetryAttemptsExhausted 2 pause=false"},
	} {
		if got := c.work.after(c.outcome, c.settings).String(); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestOldRecordsAreDropped(t *testing.T) {
	now := time.Unix(10000, 0)
	r := some("abc")
	for i, age := range []time.Duration{90, 61, 60} {
		r[i].Arrived = now.Add(-age * time.Second) //nolint:durationcheck // a number of seconds
	}
	if got := (work{{r, 2}}).expire(now, time.Minute).String(); got != "c/2 done= dropped=ab RecordAgeExceeded 2 pause=false" {
		t.Error(got)
	}
	if got := (work{{r[2:], 2}}).expire(now, time.Minute).String(); got != "c/2 done= dropped=  0 pause=false" {
		t.Error(got)
	}
	if got := (work{{r, 2}}).expire(now, time.Second).String(); got != " done= dropped=abc RecordAgeExceeded 2 pause=false" {
		t.Error(got)
	}
}

func TestTheCheckpointIsBelowAllThatIsNotDone(t *testing.T) {
	p := newProgress()
	for _, s := range []string{"1", "2", "3", "4"} {
		p.read(s)
	}
	p.finish("2", "4")
	if last, ok := p.advance(); ok {
		t.Errorf("advanced to %s", last)
	}
	p.finish("1")
	if last, ok := p.advance(); !ok || last != "2" || !p.open() {
		t.Errorf("advanced to %s", last)
	}
	p.finish("3")
	if last, ok := p.advance(); !ok || last != "4" || p.open() || len(p.done) != 0 {
		t.Errorf("advanced to %s", last)
	}
}

func TestChildrenWaitForTheirParents(t *testing.T) {
	shards := []Shard{{ID: "c", Parents: []string{"a", "b"}}, {ID: "a"}, {ID: "b"}, {ID: "d", Parents: []string{"gone"}}}
	for _, c := range []struct{ done, running, want []string }{
		{nil, nil, []string{"a", "b", "d"}},
		{[]string{"a"}, []string{"b", "d"}, nil},
		{[]string{"a", "b"}, []string{"d"}, []string{"c"}},
	} {
		var got []string
		for _, s := range runnable(shards, func(id string) bool { return slices.Contains(c.done, id) }, func(id string) bool { return slices.Contains(c.running, id) }) {
			got = append(got, s.ID)
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}

func TestABatchClosesAtItsBounds(t *testing.T) {
	now := time.Unix(1000, 0)
	s := eventsource.Settings{BatchSize: 3, Window: 5 * time.Second}
	records := func(n int) []Record {
		out := make([]Record, n)
		for i := range out {
			out[i].Arrived = now
		}
		return out
	}
	large := records(3)
	for i := range large {
		large[i].text = make([]byte, recordsMax/2)
	}
	across := records(3)
	across[2].Arrived = now.Add(time.Minute)
	tumbling := s
	tumbling.Tumbling = time.Minute
	for name, c := range map[string]struct {
		records  []Record
		settings eventsource.Settings
		after    time.Duration
		ended    bool
		want     int
	}{
		"too few, too early":    {records(2), s, 4 * time.Second, false, 0},
		"the window is over":    {records(2), s, 5 * time.Second, false, 2},
		"the shard is over":     {records(2), s, 0, true, 2},
		"full":                  {records(7), s, 0, false, 3},
		"too large together":    {large, s, 0, false, 1},
		"of two tumbling times": {across, tumbling, 0, false, 2},
	} {
		if got := ready(c.records, c.settings, now, now.Add(c.after), c.ended); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}
