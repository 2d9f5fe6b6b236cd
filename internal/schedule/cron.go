package schedule

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/cronexpr"
)

// cron is cron(minutes hours day-of-month month day-of-week year).
type cron struct {
	// expression finds moments on a clock that is never put forward or back. Its Next
	// writes to it, so each use takes a copy.
	expression cronexpr.Expression
	// never says that the years named are all beyond those that cronexpr knows.
	never bool
}

// next looks for the next wall time that exists in the zone. Where a clock is put
// forward or back, up to a day's wall times are passed over.
func (c *cron) next(after time.Time, zone *time.Location) (time.Time, bool) {
	if c.never {
		return time.Time{}, false
	}
	search := c.expression
	for w := wallAt(after, zone).Time; ; {
		if w = search.Next(w); w.IsZero() {
			return time.Time{}, false
		}
		if t, ok := (wall{w}).in(zone); ok && t.After(after) {
			return t, true
		}
	}
}

// field is one of the six: its numbers, and their names if it has any.
type field struct {
	min, max int
	names    []string // of min and what follows
}

var (
	minutes     = field{min: 0, max: 59}
	hours       = field{min: 0, max: 23}
	daysOfMonth = field{min: 1, max: 31}
	months      = field{min: 1, max: 12, names: []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}}
	daysOfWeek  = field{min: 1, max: 7, names: []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}}
	years       = field{min: 1970, max: 2199}
)

// lastYear is the last that cronexpr knows.
const lastYear = 2099

// parseCron translates AWS's expression: every value is written out, as cronexpr
// counts the days of the week from 0 and takes forms that AWS does not.
func parseCron(text string) (*cron, error) {
	parts := strings.Fields(text)
	if len(parts) != 6 {
		return nil, errSyntax
	}
	// A day is named by its month or by its week, and the other is "?".
	if (parts[2] == "?") == (parts[4] == "?") {
		return nil, errSyntax
	}
	c := &cron{}
	var err error
	for i, translate := range []func(string) (string, error){
		minutes.list, hours.list, dayOfMonth, months.list, dayOfWeek, c.years,
	} {
		if parts[i], err = translate(parts[i]); err != nil {
			return nil, err
		}
	}
	if c.never {
		return c, nil
	}
	e, err := cronexpr.Parse(strings.Join(parts, " "))
	if err != nil {
		return nil, errSyntax
	}
	c.expression = *e
	return c, nil
}

// list writes a field's values out.
func (f field) list(text string) (string, error) {
	values, err := f.values(text)
	if err != nil {
		return "", err
	}
	return write(values), nil
}

func write(values []int) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = strconv.Itoa(v)
	}
	return strings.Join(out, ",")
}

func (c *cron) years(text string) (string, error) {
	values, err := years.values(text)
	if err != nil {
		return "", err
	}
	values = slices.DeleteFunc(values, func(y int) bool { return y > lastYear })
	c.never = len(values) == 0
	return write(values), nil
}

// dayOfMonth also has L, the last day, LW, the last weekday, and 3W, the weekday
// nearest to the third.
func dayOfMonth(text string) (string, error) {
	return withSpecial(text, daysOfMonth, func(item string) (string, bool) {
		if item == "L" || item == "LW" {
			return item, true
		}
		if day, ok := strings.CutSuffix(item, "W"); ok {
			n, err := daysOfMonth.value(day)
			return strconv.Itoa(n) + "W", err == nil
		}
		return "", false
	})
}

// dayOfWeek also has L, the last day of the week, 6L, the month's last Friday, and
// 3#2, its second Tuesday.
func dayOfWeek(text string) (string, error) {
	return withSpecial(text, daysOfWeek, func(item string) (string, bool) {
		if item == "L" {
			return "6", true
		}
		if day, ok := strings.CutSuffix(item, "L"); ok {
			n, err := daysOfWeek.value(day)
			return strconv.Itoa(n-1) + "L", err == nil
		}
		if day, week, ok := strings.Cut(item, "#"); ok {
			n, err := daysOfWeek.value(day)
			return strconv.Itoa(n-1) + "#" + week, err == nil && len(week) == 1 && week >= "1" && week <= "5"
		}
		return "", false
	})
}

// withSpecial writes out a field in which items may be more than numbers.
func withSpecial(text string, f field, special func(item string) (string, bool)) (string, error) {
	if text == "?" || text == "*" {
		return "*", nil
	}
	var out []string
	for item := range strings.SplitSeq(strings.ToUpper(text), ",") {
		if s, ok := special(item); ok {
			out = append(out, s)
			continue
		}
		values, err := f.values(item)
		if err != nil {
			return "", err
		}
		if f.names != nil { // days of the week, of which cronexpr's first is 0
			for i := range values {
				values[i]--
			}
		}
		out = append(out, write(values))
	}
	return strings.Join(out, ","), nil
}

// values are those that a list of "*", "5", "2-4", "*/5", "3/5" and "2-40/5" names,
// in order. A range may go over the end of its field, as FRI-MON does.
func (f field) values(text string) ([]int, error) {
	var out []int
	for item := range strings.SplitSeq(strings.ToUpper(text), ",") {
		span, stepText, stepped := strings.Cut(item, "/")
		step := 1
		if stepped {
			n, err := number(stepText)
			if err != nil || n == 0 || n > f.max {
				return nil, errSyntax
			}
			step = n
		}
		first, last, err := f.span(span, stepped)
		if err != nil {
			return nil, err
		}
		size := f.max - f.min + 1
		if last < first {
			if f.min == years.min {
				return nil, errSyntax // years do not come round
			}
			last += size
		}
		for v := first; v <= last; v += step {
			out = append(out, f.min+(v-f.min)%size)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// span is what an item names before its step; a step makes a single value the first
// of all that follow.
func (f field) span(text string, stepped bool) (first, last int, err error) {
	if text == "*" {
		return f.min, f.max, nil
	}
	from, to, isRange := strings.Cut(text, "-")
	if first, err = f.value(from); err != nil {
		return 0, 0, err
	}
	switch {
	case isRange:
		last, err = f.value(to)
	case stepped:
		last = f.max
	default:
		last = first
	}
	return first, last, err
}

func (f field) value(text string) (int, error) {
	if i := slices.Index(f.names, text); i >= 0 {
		return f.min + i, nil
	}
	n, err := number(text)
	if err != nil || n < f.min || n > f.max {
		return 0, errSyntax
	}
	return n, nil
}

// number reads digits only: strconv takes signs.
func number(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || text[0] == '+' {
		return 0, errSyntax
	}
	return int(n), nil
}
