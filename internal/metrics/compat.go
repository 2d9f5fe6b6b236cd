package metrics

import "github.com/hearthfaas/hearth/internal/wire"

// Notes say where operations differ from AWS's. One without a note does not, as far
// as is known.
var Notes = map[string]wire.Note{
	"PutMetricData":       {Support: wire.Differs, Text: "Values are kept by the minute, also those of a resolution of one second; entities are read and not kept."},
	"ListMetrics":         {Support: wire.Differs, Text: "Only the caller's own account is listed."},
	"GetMetricStatistics": {Support: wire.Differs, Text: "Points of a minute are kept for 15 days, then those of an hour for 455; percentiles are exact to 1 %; of extended statistics p and tm are known."},
	"GetMetricData":       {Support: wire.Differs, Text: "As GetMetricStatistics. Expressions: + - * / ^, numbers, METRICS, SUM, AVG, MIN, MAX, ABS, CEIL, FLOOR, FILL and PERIOD; SEARCH, Metrics Insights and the others are refused."},
}
