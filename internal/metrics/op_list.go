package metrics

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const (
	// listMax is how many metrics one answer has.
	listMax = 500
	// listedFor is how long ago a metric may have had its last point: two weeks.
	listedFor = 14 * 24 * 60
	// recent is the only value of RecentlyActive: three hours.
	recent = 3 * 60
	// filtersMax is how many dimensions a request may filter by.
	filtersMax = 10
)

func (s *Service) listMetrics(ctx context.Context, in *cloudwatch.ListMetricsInput) (*cloudwatch.ListMetricsOutput, error) {
	if len(in.Dimensions) > filtersMax {
		return nil, invalidValue("The collection Dimensions must not have a size greater than %d.", filtersMax)
	}
	after, ok := decodeToken(in.NextToken)
	if !ok {
		return nil, lambda.Errorf("InvalidNextToken", "The value for parameter NextToken is invalid.")
	}
	if err := s.flush(ctx); err != nil {
		return nil, err
	}
	c := lambda.CallerFrom(ctx)
	if in.OwningAccount != nil && *in.OwningAccount != c.Account {
		return &cloudwatch.ListMetricsOutput{Metrics: []types.Metric{}}, nil
	}
	oldest := minuteOf(s.cfg.Now()) - listedFor
	if in.RecentlyActive != "" {
		oldest = minuteOf(s.cfg.Now()) - recent
	}
	found := s.disk.find(func(k key, info seriesInfo) bool {
		return k.account == c.Account && k.region == c.Region && info.last >= oldest &&
			(in.Namespace == nil || k.namespace == *in.Namespace) &&
			(in.MetricName == nil || k.name == *in.MetricName) &&
			hasDimensions(k.dimensions, in.Dimensions)
	})
	return page(found, after), nil
}

// hasDimensions says whether a metric has all that a request filters by.
func hasDimensions(text string, filters []types.DimensionFilter) bool {
	if len(filters) == 0 {
		return true
	}
	dims := dimensionsOf(text)
	for _, f := range filters {
		if !slices.ContainsFunc(dims, func(d dimension) bool {
			return d.Name == aws.ToString(f.Name) && (f.Value == nil || d.Value == *f.Value)
		}) {
			return false
		}
	}
	return true
}

// page lists the metrics after a name, those of several units once.
func page(found map[key]seriesInfo, after string) *cloudwatch.ListMetricsOutput {
	names := make(map[string]key, len(found))
	for k := range found {
		k.unit = ""
		if name := listName(k); name > after {
			names[name] = k
		}
	}
	order := make([]string, 0, len(names))
	for name := range names {
		order = append(order, name)
	}
	slices.SortFunc(order, cmp.Compare[string])
	out := &cloudwatch.ListMetricsOutput{Metrics: []types.Metric{}}
	if len(order) > listMax {
		order = order[:listMax]
		out.NextToken = aws.String(encodeToken(order[listMax-1]))
	}
	for _, name := range order {
		k := names[name]
		m := types.Metric{Namespace: aws.String(k.namespace), MetricName: aws.String(k.name), Dimensions: []types.Dimension{}}
		for _, d := range dimensionsOf(k.dimensions) {
			m.Dimensions = append(m.Dimensions, types.Dimension{Name: aws.String(d.Name), Value: aws.String(d.Value)})
		}
		out.Metrics = append(out.Metrics, m)
	}
	return out
}

// listName orders metrics.
func listName(k key) string { return strings.Join([]string{k.namespace, k.name, k.dimensions}, "\x00") }

func decodeToken(token *string) (string, bool) {
	if token == nil {
		return "", true
	}
	raw, err := base64.RawURLEncoding.DecodeString(*token)
	return string(raw), err == nil && len(raw) > 0
}

func encodeToken(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
