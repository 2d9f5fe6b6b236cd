package metrics

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// statisticsMax is how many points one GetMetricStatistics may ask for.
const statisticsMax = 1440

func (s *Service) getMetricStatistics(ctx context.Context, in *cloudwatch.GetMetricStatisticsInput) (*cloudwatch.GetMetricStatisticsOutput, error) {
	stats, err := statisticsOf(in)
	if err != nil {
		return nil, err
	}
	p, err := statisticsSpan(in)
	if err != nil {
		return nil, err
	}
	dims, err := dimensionsFrom(in.Dimensions, "Dimensions")
	if err != nil {
		return nil, err
	}
	if err := s.flush(ctx); err != nil {
		return nil, err
	}
	c := lambda.CallerFrom(ctx)
	found, err := s.collect(ctx, key{
		account: c.Account, region: c.Region, namespace: *in.Namespace, name: *in.MetricName, dimensions: canonical(dims),
	}, string(in.Unit), p)
	if err != nil {
		return nil, err
	}
	out := &cloudwatch.GetMetricStatisticsOutput{Label: in.MetricName, Datapoints: []types.Datapoint{}}
	for unit, buckets := range found {
		for at, st := range buckets {
			out.Datapoints = append(out.Datapoints, datapoint(at, unit, st, stats))
		}
	}
	slices.SortFunc(out.Datapoints, func(a, b types.Datapoint) int {
		return cmp.Or(a.Timestamp.Compare(*b.Timestamp), cmp.Compare(a.Unit, b.Unit))
	})
	return out, nil
}

func statisticsOf(in *cloudwatch.GetMetricStatisticsInput) ([]string, error) {
	if len(in.Statistics)+len(in.ExtendedStatistics) == 0 {
		return nil, invalidCombination("At least one of the parameters Statistics and ExtendedStatistics must be specified.")
	}
	var stats []string
	for _, name := range in.Statistics {
		stats = append(stats, string(name))
	}
	for _, name := range in.ExtendedStatistics {
		st, ok := parseStatistic(name)
		if !ok || st.name != percentile && st.name != trimmedMean {
			return nil, invalidValue("The value %s for parameter ExtendedStatistics is not supported.", name)
		}
		stats = append(stats, name)
	}
	return stats, nil
}

func statisticsSpan(in *cloudwatch.GetMetricStatisticsInput) (span, error) {
	period, bad := minutesOf(aws.ToInt32(in.Period), "Period")
	if bad != nil {
		return span{}, bad
	}
	if !in.StartTime.Before(*in.EndTime) {
		return span{}, invalidCombination("The parameter StartTime must be less than the parameter EndTime.")
	}
	p := span{from: minuteOf(*in.StartTime), to: minuteUp(*in.EndTime), period: period}
	if n := p.count(); n > statisticsMax {
		return span{}, invalidCombination("You have requested up to %d datapoints, which exceeds the limit of 1,440. "+
			"You may reduce the datapoints requested by increasing Period, or decreasing the time range.", n)
	}
	return p, nil
}

// minuteUp is the minute at or after a time.
func minuteUp(t time.Time) int64 {
	m := minuteOf(t)
	if t.After(time.Unix(m*60, 0)) {
		m++
	}
	return m
}

func datapoint(at int64, unit string, s *stat, stats []string) types.Datapoint {
	d := types.Datapoint{Timestamp: aws.Time(time.Unix(at*60, 0).UTC()), Unit: types.StandardUnit(unit)}
	for _, name := range stats {
		st, _ := parseStatistic(name)
		v, ok := st.of(s)
		if !ok {
			continue
		}
		switch name {
		case "SampleCount":
			d.SampleCount = &v
		case "Average":
			d.Average = &v
		case "Sum":
			d.Sum = &v
		case "Minimum":
			d.Minimum = &v
		case "Maximum":
			d.Maximum = &v
		default:
			if d.ExtendedStatistics == nil {
				d.ExtendedStatistics = map[string]float64{}
			}
			d.ExtendedStatistics[name] = v
		}
	}
	return d
}
