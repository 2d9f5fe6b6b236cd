// Package schedule reads the schedule expressions of EventBridge's rules and of
// EventBridge Scheduler, rate(…), cron(…) and at(…), and says when they are due.
//
// It decides which moments an expression names, also where clocks are put forward
// or back. It does not wait for them, and knows neither start and end dates nor what
// has run already: that is the business of who asks (eventbridge, scheduler).
package schedule

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // schedules name time zones, also on hosts that have no list of them

	"github.com/hearthfaas/hearth/internal/lambda"
)

// expressionMax is the longest expression that AWS takes, for both services.
const expressionMax = 256

// Schedule is an expression that was read. It never changes, so many may use it at
// the same time.
type Schedule struct {
	kind  kind
	every time.Duration // rate
	cron  *cron
	once  wall // at
	zone  *time.Location
}

type kind int

const (
	rate kind = iota
	recurring
	once
)

// ParseRule reads the expression of an EventBridge rule: rate and cron, in UTC.
func ParseRule(expression string) (*Schedule, error) {
	s, err := parse(expression, true, time.UTC)
	if err != nil || s.kind == once {
		return nil, lambda.Errorf("ValidationException", "Parameter ScheduleExpression is not valid.")
	}
	return s, nil
}

// Parse reads the expression of EventBridge Scheduler: rate, cron and at, in the
// time zone of that name; empty is UTC.
func Parse(expression, timezone string) (*Schedule, error) {
	zone, err := Zone(timezone)
	if err != nil {
		return nil, err
	}
	s, err := parse(expression, false, zone)
	if err != nil {
		return nil, lambda.Errorf("ValidationException", "Invalid Schedule Expression %s.", expression)
	}
	return s, nil
}

// Zone finds a time zone by its name in the IANA database.
func Zone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" { // which would be this host's
		return nil, lambda.Errorf("ValidationException", "Invalid ScheduleExpressionTimezone %s.", name)
	}
	return zone, nil
}

// Once says that the expression names one moment, at(…).
func (s *Schedule) Once() bool { return s.kind == once }

// Every is the interval of a rate(…), otherwise 0.
func (s *Schedule) Every() time.Duration { return s.every }

// Next is the first moment after a moment; false says that there is none. A rate
// counts from anchor, which is itself the first of its moments; others have none.
func (s *Schedule) Next(after, anchor time.Time) (time.Time, bool) {
	switch s.kind {
	case rate:
		if after.Before(anchor) {
			return anchor, true
		}
		since := after.Sub(anchor)
		return after.Add(s.every - since%s.every), true
	case recurring:
		return s.cron.next(after, s.zone)
	default:
		t, ok := s.once.in(s.zone)
		return t, ok && t.After(after)
	}
}

var errSyntax = errors.New("schedule: not an expression")

// parse reads any expression. Rules have rate(1 minute) and rate(2 minutes), and no
// others; Scheduler does not mind the plural.
func parse(text string, strictPlural bool, zone *time.Location) (*Schedule, error) {
	if len(text) > expressionMax {
		return nil, errSyntax
	}
	name, inner, ok := strings.Cut(text, "(")
	if !ok {
		return nil, errSyntax
	}
	if inner, ok = strings.CutSuffix(inner, ")"); !ok {
		return nil, errSyntax
	}
	s := &Schedule{zone: zone}
	var err error
	switch name {
	case "rate":
		s.every, err = parseRate(inner, strictPlural)
	case "cron":
		s.kind = recurring
		s.cron, err = parseCron(inner)
	case "at":
		s.kind = once
		s.once, err = parseAt(inner)
	default:
		err = errSyntax
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

var units = map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}

func parseRate(text string, strictPlural bool) (time.Duration, error) {
	number, unit, ok := strings.Cut(strings.TrimSpace(text), " ")
	if !ok {
		return 0, errSyntax
	}
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil || n == 0 {
		return 0, errSyntax
	}
	unit = strings.TrimLeft(unit, " ")
	one, plural := strings.CutSuffix(unit, "s")
	length, ok := units[one]
	if !ok || strictPlural && plural != (n > 1) || n > uint64(math.MaxInt64/length) {
		return 0, errSyntax
	}
	return time.Duration(n) * length, nil
}

// atLayout is a moment without a zone, to the second.
const atLayout = "2006-01-02T15:04:05"

func parseAt(text string) (wall, error) {
	t, err := time.Parse(atLayout, text)
	if err != nil || len(text) != len(atLayout) {
		return wall{}, errSyntax
	}
	return wall{t}, nil
}
