package metrics

import (
	"cmp"
	"context"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const (
	// queriesMax is how many queries one GetMetricData may have.
	queriesMax = 500
	// pageMax is how many points one answer has.
	pageMax = 100_800
	// readMax bounds the points that the queries of one request may ask for: each is
	// in memory until the answer is made.
	readMax = 2_000_000
)

var queryID = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)

// result is what a query gives, in the order of time.
type result struct {
	query *types.MetricDataQuery
	label string
	at    []int64
	value []float64
}

func (s *Service) getMetricData(ctx context.Context, in *cloudwatch.GetMetricDataInput) (*cloudwatch.GetMetricDataOutput, error) {
	if err := checkQueries(in); err != nil {
		return nil, err
	}
	skip, err := skipOf(in.NextToken)
	if err != nil {
		return nil, err
	}
	if err := s.flush(ctx); err != nil {
		return nil, err
	}
	env := &environment{queries: map[string]*types.MetricDataQuery{}, known: map[string]value{}, at: map[string]bool{}}
	for i := range in.MetricDataQueries {
		env.queries[*in.MetricDataQueries[i].Id] = &in.MetricDataQueries[i]
	}
	asked := int64(0)
	env.metric = func(q *types.MetricDataQuery) (series, error) {
		p, err := dataSpan(in, q)
		if err != nil {
			return series{}, err
		}
		if asked += p.count(); asked > readMax {
			return series{}, invalidValue("The queries ask for more than %d datapoints.", readMax)
		}
		return s.series(ctx, q, p)
	}
	var results []result
	for i := range in.MetricDataQueries {
		q := &in.MetricDataQueries[i]
		v, err := env.get(*q.Id)
		if err != nil {
			return nil, err
		}
		if q.ReturnData != nil && !*q.ReturnData {
			continue
		}
		one, ok := v.(series)
		if !ok {
			return nil, malformedQuery("Error in expression '%s': the result must be one time series.", *q.Id)
		}
		results = append(results, resultOf(q, one, in.ScanBy))
	}
	return dataPage(results, skip, int(cmp.Or(aws.ToInt32(in.MaxDatapoints), pageMax))), nil
}

// checkQueries makes the checks that need no data.
func checkQueries(in *cloudwatch.GetMetricDataInput) error {
	switch n := len(in.MetricDataQueries); {
	case n == 0:
		return missing("MetricDataQueries")
	case n > queriesMax:
		return invalidValue("The collection MetricDataQueries must not have a size greater than %d.", queriesMax)
	case !in.StartTime.Before(*in.EndTime):
		return malformedQuery("The parameter StartTime must be less than the parameter EndTime.")
	case in.MaxDatapoints != nil && (*in.MaxDatapoints < 1 || *in.MaxDatapoints > pageMax):
		return invalidValue("The parameter MaxDatapoints must be between 1 and %d.", pageMax)
	}
	seen := map[string]bool{}
	for _, q := range in.MetricDataQueries {
		id := aws.ToString(q.Id)
		switch {
		case !queryID.MatchString(id):
			return malformedQuery("The value for the parameter MetricDataQueries: Id '%s' must begin with a lowercase letter and have only letters, numbers and underscores.", id)
		case seen[id]:
			return malformedQuery("The Ids of MetricDataQueries must be unique; '%s' is used more than once.", id)
		case (q.MetricStat == nil) == (q.Expression == nil):
			return malformedQuery("The query '%s' must have one of MetricStat and Expression.", id)
		case q.AccountId != nil:
			return malformedQuery("The query '%s' names an account; metrics of other accounts are not available.", id)
		}
		seen[id] = true
		if m := q.MetricStat; m != nil {
			if m.Metric == nil || aws.ToString(m.Metric.Namespace) == "" || aws.ToString(m.Metric.MetricName) == "" {
				return malformedQuery("The query '%s' must have the namespace and the name of a metric.", id)
			}
			if _, ok := parseStatistic(aws.ToString(m.Stat)); !ok {
				return invalidValue("The value %s for parameter MetricDataQueries: Stat of '%s' is not supported.", aws.ToString(m.Stat), id)
			}
			if _, bad := minutesOf(aws.ToInt32(m.Period), "Period"); bad != nil {
				return bad
			}
		}
	}
	return nil
}

// dataSpan cuts the time range at multiples of the period since 1970.
func dataSpan(in *cloudwatch.GetMetricDataInput, q *types.MetricDataQuery) (span, error) {
	period, bad := minutesOf(aws.ToInt32(q.MetricStat.Period), "Period")
	if bad != nil {
		return span{}, bad
	}
	from := minuteOf(*in.StartTime)
	return span{from: from - from%period, to: minuteUp(*in.EndTime), period: period}, nil
}

// series reads the statistic of a metric.
func (s *Service) series(ctx context.Context, q *types.MetricDataQuery, p span) (series, error) {
	dims, err := dimensionsFrom(q.MetricStat.Metric.Dimensions, "Dimensions")
	if err != nil {
		return series{}, err
	}
	c := lambda.CallerFrom(ctx)
	found, err := s.collect(ctx, key{
		account: c.Account, region: c.Region, namespace: *q.MetricStat.Metric.Namespace,
		name: *q.MetricStat.Metric.MetricName, dimensions: canonical(dims),
	}, string(q.MetricStat.Unit), p)
	if err != nil {
		return series{}, err
	}
	all := map[int64]*stat{}
	for _, buckets := range found {
		for at, st := range buckets {
			if all[at] == nil {
				all[at] = &stat{}
			}
			all[at].merge(*st)
		}
	}
	st, _ := parseStatistic(*q.MetricStat.Stat)
	out := series{span: p, values: map[int64]float64{}}
	for at, values := range all {
		if v, ok := st.of(values); ok {
			out.values[at] = v
		}
	}
	return out, nil
}

func resultOf(q *types.MetricDataQuery, one series, order types.ScanBy) result {
	r := result{query: q, label: aws.ToString(q.Label), at: slices.Sorted(maps.Keys(one.values))}
	if r.label == "" {
		if r.label = *q.Id; q.MetricStat != nil {
			r.label = *q.MetricStat.Metric.MetricName
		}
	}
	if order != types.ScanByTimestampAscending {
		slices.Reverse(r.at)
	}
	for _, at := range r.at {
		r.value = append(r.value, one.values[at])
	}
	return r
}

func skipOf(token *string) (int, error) {
	text, ok := decodeToken(token)
	if !ok {
		return 0, lambda.Errorf("InvalidNextToken", "The value for parameter NextToken is invalid.")
	}
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, lambda.Errorf("InvalidNextToken", "The value for parameter NextToken is invalid.")
	}
	return n, nil
}

// dataPage is the part of the results after the first skip points. Results that go on
// in the next answer say so.
func dataPage(results []result, skip, limit int) *cloudwatch.GetMetricDataOutput {
	out := &cloudwatch.GetMetricDataOutput{MetricDataResults: []types.MetricDataResult{}, Messages: []types.MessageData{}}
	from, left := skip, limit
	for _, r := range results {
		if from > 0 && from >= len(r.at) {
			from -= len(r.at)
			continue
		}
		at, value := r.at[from:], r.value[from:]
		from = 0
		status := types.StatusCodeComplete
		if len(at) > left {
			at, value = at[:left], value[:left]
			status = types.StatusCodePartialData
		}
		left -= len(at)
		one := types.MetricDataResult{
			Id: r.query.Id, Label: aws.String(r.label), StatusCode: status,
			Timestamps: make([]time.Time, 0, len(at)), Values: append([]float64{}, value...),
		}
		for _, minute := range at {
			one.Timestamps = append(one.Timestamps, time.Unix(minute*60, 0).UTC())
		}
		out.MetricDataResults = append(out.MetricDataResults, one)
		if status == types.StatusCodePartialData {
			out.NextToken = aws.String(encodeToken(strconv.Itoa(skip + limit)))
			break
		}
	}
	return out
}
