package metrics

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// span is a time range cut into periods, all in minutes since 1970.
type span struct{ from, to, period int64 }

// bucket is the beginning of the period that a minute lies in.
func (p span) bucket(at int64) int64 { return at - (at-p.from)%p.period }

// count is how many periods there are.
func (p span) count() int64 { return (p.to - p.from + p.period - 1) / p.period }

// collect returns the stats of a metric for each period that has values, by unit. An
// empty unit stands for all.
func (s *Service) collect(ctx context.Context, k key, unit string, p span) (map[string]map[int64]*stat, error) {
	t := byMinute
	if p.from < minuteOf(s.cfg.Now())-minutesKept {
		t = byHour
	}
	out := map[string]map[int64]*stat{}
	for series, info := range s.disk.exactly(k) {
		if unit != "" && series.unit != unit {
			continue
		}
		buckets := map[int64]*stat{}
		err := s.disk.read(ctx, t, info.id, p.from, p.to, func(at int64, st stat) {
			b := buckets[p.bucket(at)]
			if b == nil {
				b = &stat{}
				buckets[p.bucket(at)] = b
			}
			b.merge(st)
		})
		if err != nil {
			return nil, err
		}
		if len(buckets) > 0 {
			out[series.unit] = buckets
		}
	}
	return out, nil
}

// statistic is one of CloudWatch's: a plain one or an extended one.
type statistic struct {
	name      string
	low, high float64 // of p and tm, in percent
}

const (
	percentile  = "p"
	trimmedMean = "tm"
)

// parseStatistic reads the name of a statistic, such as Sum, p99.9 or tm90.
func parseStatistic(text string) (statistic, bool) {
	switch text {
	case "SampleCount", "Average", "Sum", "Minimum", "Maximum":
		return statistic{name: text}, true
	case "IQM":
		return statistic{trimmedMean, 25, 75}, true
	}
	if rest, ok := strings.CutPrefix(text, trimmedMean); ok {
		high, ok := parsePercent(rest)
		return statistic{trimmedMean, 0, high}, ok
	}
	if rest, ok := strings.CutPrefix(text, percentile); ok {
		high, ok := parsePercent(rest)
		return statistic{percentile, 0, high}, ok
	}
	if inside, ok := strings.CutPrefix(text, "TM("); ok {
		low, high, ok := strings.Cut(strings.TrimSuffix(inside, ")"), ":")
		from, okFrom := parsePercent(cmp.Or(strings.TrimSuffix(low, "%"), "0"))
		to, okTo := parsePercent(cmp.Or(strings.TrimSuffix(high, "%"), "100"))
		return statistic{trimmedMean, from, to}, ok && strings.HasSuffix(text, ")") && okFrom && okTo && from < to
	}
	return statistic{}, false
}

func parsePercent(text string) (float64, bool) {
	if text == "" || strings.Trim(text, "0123456789.") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil && f >= 0 && f <= 100
}

// of is the statistic of some values; false when it is not known of them.
func (st statistic) of(s *stat) (float64, bool) {
	switch st.name {
	case "SampleCount":
		return s.count, true
	case "Average":
		return s.sum / s.count, s.count > 0
	case "Sum":
		return s.sum, true
	case "Minimum":
		return s.min, true
	case "Maximum":
		return s.max, true
	case percentile:
		return s.percentile(st.high)
	default:
		return s.trimmedMean(st.low, st.high)
	}
}

// minutesOf checks a period in seconds.
func minutesOf(seconds int32, where string) (int64, *lambda.Error) {
	switch {
	case seconds <= 0:
		return 0, invalidValue("The parameter %s must be greater than 0.", where)
	case seconds < 60:
		return 0, invalidValue("The parameter %s must be a multiple of 60: values are kept by the minute.", where)
	case seconds%60 != 0:
		return 0, invalidValue("The parameter %s must be a multiple of 60.", where)
	}
	return int64(seconds / 60), nil
}
