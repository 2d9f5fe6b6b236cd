package logs

import "github.com/hearthfaas/hearth/internal/wire"

// API is the service as the edge serves it. The table of its errors is the edge's.
func (s *Service) API() *wire.Service {
	return &wire.Service{
		Name:         "logs",
		Protocol:     wire.AWSJSON11,
		TargetPrefix: "Logs_20140328",
		Operations:   s.Operations(),
	}
}

// Operations are what the service can do (Amazon CloudWatch Logs API Reference,
// 2014-03-28). What each asks of authorization is an ARN as the Service
// Authorization Reference gives it; operations on a whole group ask for its
// streams' ARN with an empty name, as AWS's own denials show.
func (s *Service) Operations() []wire.Operation {
	return []wire.Operation{}
}

const classStandard = "STANDARD"
