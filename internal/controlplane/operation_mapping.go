package controlplane

import (
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

// mappingOperations are those on event source mappings.
func (s *Service) mappingOperations() []wire.Operation {
	return []wire.Operation{
		op(s, "CreateEventSourceMapping", s.CreateEventSourceMapping, nil),
		opOn(s, "GetEventSourceMapping", s.GetEventSourceMapping, func(c lambda.Caller, in *awslambda.GetEventSourceMappingInput) string {
			return callersMapping(c, in.UUID)
		}),
		opOn(s, "UpdateEventSourceMapping", s.UpdateEventSourceMapping, func(c lambda.Caller, in *awslambda.UpdateEventSourceMappingInput) string {
			return callersMapping(c, in.UUID)
		}),
		opOn(s, "DeleteEventSourceMapping", s.DeleteEventSourceMapping, func(c lambda.Caller, in *awslambda.DeleteEventSourceMappingInput) string {
			return callersMapping(c, in.UUID)
		}),
		op(s, "ListEventSourceMappings", s.ListEventSourceMappings, nil),
	}
}

func callersMapping(c lambda.Caller, uuid *string) string {
	return mappingARN(home{c.Account, c.Region}, value(uuid))
}
