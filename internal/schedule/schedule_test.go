package schedule

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func TestNext(t *testing.T) {
	tests := []struct {
		name, expression, zone, after string
		want                          []string
	}{
		{"a rate counts from its anchor", "rate(5 minutes)", "", "2026-01-01T00:07:30Z", []string{"2026-01-01T00:10:00Z", "2026-01-01T00:15:00Z"}},
		{"the anchor is the first", "rate(1 day)", "", "2025-12-31T23:59:59Z", []string{"2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"}},
		{"noon each day", "cron(0 12 * * ? *)", "", "2026-01-01T12:00:00Z", []string{"2026-01-02T12:00:00Z"}},
		{"weekdays", "cron(0 18 ? * MON-FRI *)", "", "2026-01-02T18:00:00Z", []string{"2026-01-05T18:00:00Z"}},
		{"days of the week count from Sunday, 1", "cron(0 18 ? * 2-6 *)", "", "2026-01-02T18:00:00Z", []string{"2026-01-05T18:00:00Z"}},
		{"a week's end over its end", "cron(0 0 ? * FRI-SUN *)", "", "2026-01-01T00:00:00Z", []string{"2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z", "2026-01-09T00:00:00Z"}},
		{"every other day of the week", "cron(0 0 ? * 2/2 *)", "", "2026-01-04T00:00:00Z", []string{"2026-01-05T00:00:00Z", "2026-01-07T00:00:00Z", "2026-01-09T00:00:00Z", "2026-01-12T00:00:00Z"}},
		{"the last day of the month", "cron(0 0 L * ? *)", "", "2028-02-01T00:00:00Z", []string{"2028-02-29T00:00:00Z", "2028-03-31T00:00:00Z"}},
		{"the last day of the week", "cron(0 0 ? * L *)", "", "2026-01-01T00:00:00Z", []string{"2026-01-03T00:00:00Z"}},
		{"the month's last Friday", "cron(15 10 ? * 6L 2026-2027)", "", "2026-01-01T00:00:00Z", []string{"2026-01-30T10:15:00Z", "2026-02-27T10:15:00Z"}},
		{"the same by its name", "cron(15 10 ? * FRIL *)", "", "2026-01-01T00:00:00Z", []string{"2026-01-30T10:15:00Z"}},
		{"the second Tuesday", "cron(0 9 ? * 3#2 *)", "", "2026-01-01T00:00:00Z", []string{"2026-01-13T09:00:00Z", "2026-02-10T09:00:00Z"}},
		{"the weekday nearest to the first stays in its month", "cron(0 0 1W * ? *)", "", "2026-07-15T00:00:00Z", []string{"2026-08-03T00:00:00Z", "2026-09-01T00:00:00Z"}},
		{"the last weekday", "cron(0 0 LW * ? *)", "", "2026-01-15T00:00:00Z", []string{"2026-01-30T00:00:00Z"}},
		{"a step", "cron(0/15 8,20 * * ? *)", "", "2026-01-01T08:40:00Z", []string{"2026-01-01T08:45:00Z", "2026-01-01T20:00:00Z"}},
		{"a step from the first", "cron(*/25 * * * ? *)", "", "2026-01-01T08:30:00Z", []string{"2026-01-01T08:50:00Z", "2026-01-01T09:00:00Z"}},
		{"a day that some months lack", "cron(0 0 31 * ? *)", "", "2026-02-01T00:00:00Z", []string{"2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z"}},
		{"a day that no month has", "cron(0 0 30 FEB ? *)", "", "2026-01-01T00:00:00Z", nil},
		{"years that end", "cron(0 0 1 1 ? 2027)", "", "2026-01-01T00:00:00Z", []string{"2027-01-01T00:00:00Z"}},
		{"years too late to tell", "cron(0 0 1 1 ? 2150)", "", "2026-01-01T00:00:00Z", nil},
		{"a zone", "cron(0 9 * * ? *)", "America/New_York", "2026-01-01T00:00:00Z", []string{"2026-01-01T14:00:00Z"}},
		{"the zone's day of the week", "cron(0 1 ? * MON *)", "Asia/Tokyo", "2026-01-01T00:00:00Z", []string{"2026-01-04T16:00:00Z"}},
		{"a time that spring skips", "cron(30 2 * * ? *)", "America/New_York", "2026-03-07T12:00:00Z", []string{"2026-03-09T06:30:00Z"}},
		{"a time that autumn has twice", "cron(30 1 * * ? *)", "America/New_York", "2026-10-31T12:00:00Z", []string{"2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"}},
		{"an hour that autumn has twice", "cron(0 * * * ? *)", "America/New_York", "2026-11-01T04:30:00Z", []string{"2026-11-01T05:00:00Z", "2026-11-01T07:00:00Z"}},
		{"asked within the second of the two", "cron(0/20 * * * ? *)", "America/New_York", "2026-11-01T06:10:00Z", []string{"2026-11-01T07:00:00Z"}},
		{"half an hour of summer", "cron(15 2 * * ? *)", "Australia/Lord_Howe", "2026-10-02T00:00:00Z", []string{"2026-10-02T15:45:00Z", "2026-10-04T15:15:00Z"}},
		{"a day that was never", "cron(0 12 * * ? *)", "Pacific/Apia", "2011-12-29T23:00:00Z", []string{"2011-12-30T22:00:00Z", "2011-12-31T22:00:00Z"}},
		{"once", "at(2026-06-01T12:00:00)", "Europe/Berlin", "2026-01-01T00:00:00Z", []string{"2026-06-01T10:00:00Z"}},
		{"once, passed", "at(2025-06-01T12:00:00)", "", "2026-01-01T00:00:00Z", nil},
		{"once, at a time that spring skips", "at(2026-03-29T02:30:00)", "Europe/Berlin", "2026-01-01T00:00:00Z", nil},
		{"once, at a time that autumn has twice", "at(2026-10-25T02:30:00)", "Europe/Berlin", "2026-01-01T00:00:00Z", []string{"2026-10-25T00:30:00Z"}},
	}
	anchor := at(t, "2026-01-01T00:00:00Z")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Parse(tt.expression, tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			after := at(t, tt.after)
			for _, want := range tt.want {
				next, ok := s.Next(after, anchor)
				if !ok || !next.Equal(at(t, want)) {
					t.Fatalf("after %s got %s, %v; want %s", after, next.UTC(), ok, want)
				}
				after = next
			}
			if next, ok := s.Next(after, anchor); tt.want == nil && ok {
				t.Errorf("got %s, want none", next)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	both := []string{
		"", "rate", "rate()", "rate(5)", "rate(0 minutes)", "rate(-1 minutes)", "rate(1.5 hours)", "rate(5 seconds)", "rate(5minutes)",
		"Rate(5 minutes)", "rate(5 minutes", "rate(99999999999 days)", "rate(4000000000 days)", "rate(+5 minutes)",
		"cron()", "cron(0 12 * * *)", "cron(0 12 * * * *)", "cron(0 12 ? * ? *)", "cron(0 0 12 * * ? *)", "cron(60 12 * * ? *)",
		"cron(0 24 * * ? *)", "cron(0 12 0 * ? *)", "cron(0 12 32 * ? *)", "cron(0 12 * 13 ? *)", "cron(0 12 ? * 0 *)", "cron(0 12 ? * 8 *)",
		"cron(0 12 ? * 3#6 *)", "cron(0 12 ? * 3#0 *)", "cron(0 12 * * ? 1969)", "cron(0 12 * * ? 2200)", "cron(0/0 12 * * ? *)",
		"cron(*/60 12 * * ? *)", "cron(a 12 * * ? *)", "cron(1, 12 * * ? *)", "cron(1- 12 * * ? *)", "cron(L 12 * * ? *)", "cron(0 12 L-3 * ? *)",
		"cron(0 12 W * ? *)", "cron(0 12 ? * W *)", "cron(0 12 * * ? 2027-2026)", "cron(? 12 * * ? *)", "cron(0 12 ?,1 * ? *)", "cron(+1 12 * * ? *)",
		"cron(@daily 12 * * ? *)", "hourly()", "rate(1 minute) ", strings.Repeat(" ", 300) + "rate(1 minute)",
	}
	for _, text := range both {
		_, err := ParseRule(text)
		if e, ok := errors.AsType[*lambda.Error](err); !ok || e.Code != "ValidationException" || e.Message != "Parameter ScheduleExpression is not valid." {
			t.Errorf("rule %q: got %v", text, err)
		}
		_, err = Parse(text, "")
		if e, ok := errors.AsType[*lambda.Error](err); !ok || e.Code != "ValidationException" || e.Message != "Invalid Schedule Expression "+text+"." {
			t.Errorf("schedule %q: got %v", text, err)
		}
	}
	for _, text := range []string{"rate(1 minutes)", "rate(5 minute)", "at(2026-01-01T00:00:00)"} {
		if _, err := ParseRule(text); err == nil {
			t.Errorf("rule %q was taken", text)
		}
		if _, err := Parse(text, ""); err != nil {
			t.Errorf("schedule %q: %v", text, err)
		}
	}
	for _, text := range []string{"at(2026-01-01)", "at(2026-01-01T00:00:00Z)", "at(2026-02-30T00:00:00)", "at(2026-01-01T00:00:00.5)"} {
		if _, err := Parse(text, ""); err == nil {
			t.Errorf("schedule %q was taken", text)
		}
	}
	for _, zone := range []string{"Local", "Mars/Olympus", "../../etc/passwd", "america/nowhere"} {
		if _, err := Parse("rate(1 minute)", zone); err == nil {
			t.Errorf("zone %q was taken", zone)
		}
	}
}

// naive is a cron expression that is evaluated a minute at a time, without a word of
// what Next does.
type naive struct{ minute, hour, dom, month, dow, year string }

func (n naive) String() string {
	return "cron(" + strings.Join([]string{n.minute, n.hour, n.dom, n.month, n.dow, n.year}, " ") + ")"
}

func (n naive) matches(t time.Time) bool {
	return named(n.minute, t.Minute(), 59) && named(n.hour, t.Hour(), 23) && named(n.month, int(t.Month()), 12) &&
		named(n.year, t.Year(), 2199) && n.dayOfMonth(t) && n.dayOfWeek(t)
}

func named(text string, v, most int) bool {
	for item := range strings.SplitSeq(text, ",") {
		span, step, stepped := strings.Cut(item, "/")
		from, to, ranged := strings.Cut(span, "-")
		low, _ := strconv.Atoi(from)
		high, every := low, 1
		if stepped {
			every, _ = strconv.Atoi(step)
			high = most
		}
		if ranged {
			high, _ = strconv.Atoi(to)
		}
		if span == "*" && !stepped || span != "*" && v >= low && v <= high && (v-low)%every == 0 {
			return true
		}
	}
	return false
}

func lastDay(t time.Time) int { return time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day() }

func (n naive) dayOfMonth(t time.Time) bool {
	switch day, nearest := strings.CutSuffix(n.dom, "W"); {
	case n.dom == "?":
		return true
	case n.dom == "L":
		return t.Day() == lastDay(t)
	case nearest:
		if t.Weekday() == time.Saturday || t.Weekday() == time.Sunday {
			return false
		}
		d, _ := strconv.Atoi(day)
		if d > lastDay(t) {
			return false
		}
		best := 0
		for _, delta := range []int{0, -1, 1, -2, 2} { // the nearest within the month
			c := time.Date(t.Year(), t.Month(), d+delta, 0, 0, 0, 0, time.UTC)
			if c.Month() == t.Month() && c.Weekday() != time.Saturday && c.Weekday() != time.Sunday {
				best = c.Day()
				break
			}
		}
		return t.Day() == best
	}
	return named(n.dom, t.Day(), 31)
}

func (n naive) dayOfWeek(t time.Time) bool {
	day := int(t.Weekday()) + 1
	if n.dow == "?" {
		return true
	}
	if n.dow == "L" {
		return day == 7
	}
	if d, ok := strings.CutSuffix(n.dow, "L"); ok {
		return d == strconv.Itoa(day) && t.Day() > lastDay(t)-7
	}
	if d, week, ok := strings.Cut(n.dow, "#"); ok {
		return d == strconv.Itoa(day) && week == strconv.Itoa((t.Day()-1)/7+1)
	}
	return named(n.dow, day, 7)
}

func genField(low, high int, special ...string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		a := rapid.IntRange(low, high).Draw(t, "a")
		b := rapid.IntRange(a, high).Draw(t, "b")
		step := strconv.Itoa(rapid.IntRange(1, min(high, 20)).Draw(t, "step"))
		from, to := strconv.Itoa(a), strconv.Itoa(b)
		forms := append([]string{"*", from, from + "," + to, from + "-" + to, from + "/" + step, from + "-" + to + "/" + step}, special...)
		return strings.ReplaceAll(rapid.SampledFrom(forms).Draw(t, "form"), "#a", from)
	})
}

// TestCronNamesTheMinutesThatAScanFinds compares Next with looking at every minute
// for some days, in zones whose clocks are put forward and back in them.
func TestCronNamesTheMinutesThatAScanFinds(t *testing.T) {
	around := []struct{ zone, from string }{
		{"UTC", "2027-12-28T00:00:00Z"},
		{"UTC", "2028-02-20T00:00:00Z"},
		{"America/New_York", "2026-03-06T05:00:00Z"},
		{"America/New_York", "2026-10-30T04:00:00Z"},
		{"Australia/Lord_Howe", "2026-04-03T00:00:00Z"},
		{"Australia/Lord_Howe", "2026-10-02T00:00:00Z"},
		{"America/Sao_Paulo", "2018-11-02T03:00:00Z"},
		{"Asia/Kathmandu", "2026-05-29T00:00:00Z"},
	}
	const days = 12
	rapid.Check(t, func(rt *rapid.T) {
		n := naive{
			minute: genField(0, 59).Draw(rt, "minute"), hour: genField(0, 23).Draw(rt, "hour"),
			month: genField(1, 12).Draw(rt, "month"), year: genField(2018, 2030).Draw(rt, "year"), dom: "?", dow: "?",
		}
		if rapid.Bool().Draw(rt, "by month") {
			n.dom = genField(1, 31, "L", "#aW").Draw(rt, "day of month")
		} else {
			n.dow = genField(1, 7, "L", "#aL", "#a#2", "#a#5").Draw(rt, "day of week")
		}
		where := rapid.SampledFrom(around).Draw(rt, "where")
		s, err := Parse(n.String(), where.zone)
		if err != nil {
			rt.Fatalf("%s: %v", n, err)
		}
		start := at(t, where.from)
		end := start.AddDate(0, 0, days)
		var want []time.Time
		seen := map[wall]bool{}
		for m := start.Add(-24 * time.Hour); m.Before(end); m = m.Add(time.Minute) {
			w := wallAt(m, s.zone)
			if !seen[w] && m.After(start) && n.matches(w.Time) {
				want = append(want, m)
			}
			seen[w] = true
		}
		var got []time.Time
		for next, ok := s.Next(start, start); ok && next.Before(end); next, ok = s.Next(next, start) {
			got = append(got, next)
		}
		if !slices.EqualFunc(got, want, time.Time.Equal) {
			rt.Fatalf("%s in %s: got %d moments %v, want %d %v", n, where.zone, len(got), got[:min(5, len(got))], len(want), want[:min(5, len(want))])
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"rate(1 minute)", "cron(0/5 8-17 ? * MON-FRI *)", "cron(0 0 LW * ? 2026/2)", "at(2026-01-01T00:00:00)", "cron(0 0 ? * 6#5 *)"} {
		f.Add(seed, "America/New_York")
	}
	f.Fuzz(func(t *testing.T, expression, zone string) {
		s, err := Parse(expression, zone)
		if err != nil {
			if _, ok := errors.AsType[*lambda.Error](err); !ok {
				t.Fatalf("%q: %v is none of AWS's errors", expression, err)
			}
			return
		}
		now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		for range 3 {
			next, ok := s.Next(now, now)
			if !ok {
				return
			}
			if !next.After(now) {
				t.Fatalf("%q after %s is due at %s", expression, now, next)
			}
			now = next
		}
	})
}

func BenchmarkNext(b *testing.B) {
	s, err := Parse("cron(0 9 ? * MON-FRI *)", "Europe/Berlin")
	if err != nil {
		b.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for b.Loop() {
		if _, ok := s.Next(now, now); !ok {
			b.Fatal("there is no next")
		}
	}
}
