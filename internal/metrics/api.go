package metrics

import (
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

// API is the part of CloudWatch that is served. None of its operations names a
// resource; permissions are of the namespace (cloudwatch:namespace).
func (s *Service) API() *wire.Service {
	return &wire.Service{
		Name: "cloudwatch",
		Operations: []wire.Operation{
			wire.Op("PutMetricData", s.putMetricData, nil),
			wire.Op("ListMetrics", s.listMetrics, nil),
			wire.Op("GetMetricStatistics", s.getMetricStatistics, nil),
			wire.Op("GetMetricData", s.getMetricData, nil),
		},
	}
}

func invalidValue(format string, args ...any) *lambda.Error {
	return lambda.Errorf("InvalidParameterValueException", format, args...)
}

func invalidCombination(format string, args ...any) *lambda.Error {
	return lambda.Errorf("InvalidParameterCombinationException", format, args...)
}

func missing(name string) *lambda.Error {
	return lambda.Errorf("MissingRequiredParameterException", "The parameter %s is required.", name)
}

func malformedQuery(format string, args ...any) *lambda.Error {
	return lambda.Errorf("ValidationException", format, args...)
}
