package metrics

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// The limits of PutMetricData (CloudWatch API reference, PutMetricData and MetricDatum).
const (
	putMax        = 1000
	valuesMax     = 150
	dimensionsMax = 30
	pastMax       = 14 * 24 * time.Hour
	futureMax     = 2 * time.Hour
)

// largest is 2 to the power of 360, the largest value that CloudWatch takes.
var largest = math.Ldexp(1, 360)

// units are those that a datum may have.
var units = func() []string {
	var out []string
	for _, u := range types.StandardUnit("").Values() {
		out = append(out, string(u))
	}
	return out
}()

func (s *Service) putMetricData(ctx context.Context, in *cloudwatch.PutMetricDataInput) (*cloudwatch.PutMetricDataOutput, error) {
	namespace := aws.ToString(in.Namespace)
	switch {
	case namespace == "":
		return nil, missing("Namespace")
	case strings.HasPrefix(namespace, "AWS/"), strings.HasPrefix(namespace, ":"):
		return nil, invalidValue("The value %s for parameter Namespace is invalid.", namespace)
	}
	data := slices.Clone(in.MetricData)
	for _, e := range in.EntityMetricData {
		data = append(data, e.MetricData...)
	}
	switch {
	case len(data) == 0:
		return nil, missing("MetricData")
	case len(data) > putMax:
		return nil, invalidValue("The collection MetricData must not have a size greater than %d.", putMax)
	}
	c := lambda.CallerFrom(ctx)
	now := s.cfg.Now()
	points := make([]point, 0, len(data))
	for i := range data {
		p, err := datum(&data[i], i+1, now)
		if err != nil {
			return nil, err
		}
		p.key.account, p.key.region, p.key.namespace = c.Account, c.Region, namespace
		points = append(points, p)
	}
	if !s.disk.room(points) {
		return nil, lambda.Errorf("LimitExceededFault", "This installation keeps at most %d metrics.", seriesMax)
	}
	if err := s.commit(ctx, points); err != nil {
		return nil, err
	}
	return &cloudwatch.PutMetricDataOutput{}, nil
}

// datum reads a datum; n is its number, for the texts.
func datum(d *types.MetricDatum, n int, now time.Time) (point, error) {
	member := func(name string) string { return memberName(n) + name }
	if aws.ToString(d.MetricName) == "" {
		return point{}, missing(member("MetricName"))
	}
	at := now
	if d.Timestamp != nil {
		at = *d.Timestamp
	}
	if at.Before(now.Add(-pastMax)) {
		return point{}, invalidValue("The parameter %s must specify a time no more than two weeks in the past.", member("Timestamp"))
	}
	if at.After(now.Add(futureMax)) {
		return point{}, invalidValue("The parameter %s must specify a time no more than two hours in the future.", member("Timestamp"))
	}
	if d.StorageResolution != nil && *d.StorageResolution != 1 && *d.StorageResolution != 60 {
		return point{}, invalidValue("The parameter %s must be 1 or 60.", member("StorageResolution"))
	}
	if len(d.Dimensions) > dimensionsMax {
		return point{}, invalidValue("The collection %s must not have a size greater than %d.", member("Dimensions"), dimensionsMax)
	}
	dims, err := dimensionsFrom(d.Dimensions, member("Dimensions"))
	if err != nil {
		return point{}, err
	}
	st, err := datumStat(d, member)
	if err != nil {
		return point{}, err
	}
	unit := string(d.Unit)
	if unit == "" {
		unit = string(types.StandardUnitNone)
	}
	return point{
		key:    key{name: *d.MetricName, dimensions: canonical(dims), unit: unit},
		minute: minuteOf(at), stat: st,
	}, nil
}

func dimensionsFrom(in []types.Dimension, where string) ([]dimension, error) {
	dims := make([]dimension, 0, len(in))
	for _, d := range in {
		name, value := aws.ToString(d.Name), aws.ToString(d.Value)
		if name == "" || value == "" {
			return nil, invalidValue("The parameter %s must have names and values that are not empty.", where)
		}
		if slices.ContainsFunc(dims, func(o dimension) bool { return o.Name == name }) {
			return nil, invalidValue("The parameter %s has the name %s more than once.", where, name)
		}
		dims = append(dims, dimension{name, value})
	}
	return dims, nil
}

// datumStat reads the one of Value, Values and StatisticValues that a datum has.
func datumStat(d *types.MetricDatum, member func(string) string) (stat, error) {
	given := 0
	for _, has := range []bool{d.Value != nil, len(d.Values) > 0, d.StatisticValues != nil} {
		if has {
			given++
		}
	}
	switch {
	case given == 0:
		return stat{}, missing(member("Value"))
	case given > 1:
		return stat{}, invalidCombination("The parameters %s, %s and %s are mutually exclusive and you have specified more than one.",
			member("Value"), member("Values"), member("StatisticValues"))
	case d.Value != nil:
		if err := finite(*d.Value, member("Value")); err != nil {
			return stat{}, err
		}
		return single(*d.Value, 1, true), nil
	case d.StatisticValues != nil:
		return statisticSet(d.StatisticValues, member("StatisticValues."))
	}
	if len(d.Values) > valuesMax {
		return stat{}, invalidValue("The collection %s must not have a size greater than %d.", member("Values"), valuesMax)
	}
	if len(d.Counts) > 0 && len(d.Counts) != len(d.Values) {
		return stat{}, invalidValue("The parameters %s and %s must be of the same size.", member("Values"), member("Counts"))
	}
	var s stat
	for i, v := range d.Values {
		if err := finite(v, member("Values")); err != nil {
			return stat{}, err
		}
		n := 1.0
		if len(d.Counts) > 0 {
			n = d.Counts[i]
		}
		if !(n > 0) || math.IsInf(n, 0) {
			return stat{}, invalidValue("The parameter %s must be greater than 0.", member("Counts"))
		}
		s.add(v, n)
	}
	return s, nil
}

func statisticSet(in *types.StatisticSet, where string) (stat, error) {
	for _, m := range []struct {
		name string
		v    *float64
	}{{"SampleCount", in.SampleCount}, {"Sum", in.Sum}, {"Minimum", in.Minimum}, {"Maximum", in.Maximum}} {
		if m.v == nil {
			return stat{}, missing(where + m.name)
		}
		if err := finite(*m.v, where+m.name); err != nil {
			return stat{}, err
		}
	}
	s := stat{count: *in.SampleCount, sum: *in.Sum, min: *in.Minimum, max: *in.Maximum}
	switch {
	case s.count <= 0:
		return stat{}, invalidValue("The parameter %sSampleCount must be greater than 0.", where)
	case s.min > s.max:
		return stat{}, invalidValue("The parameter %sMaximum must be greater than or equal to %sMinimum.", where, where)
	}
	if s.min == s.max {
		return single(s.min, s.count, true), nil
	}
	return s, nil
}

func finite(v float64, where string) error {
	if math.IsNaN(v) || math.IsInf(v, 0) || math.Abs(v) > largest {
		return invalidValue("The value %v for parameter %s is invalid.", v, where)
	}
	return nil
}

// memberName is how CloudWatch names a member of MetricData in its texts.
func memberName(n int) string { return "MetricData.member." + strconv.Itoa(n) + "." }
