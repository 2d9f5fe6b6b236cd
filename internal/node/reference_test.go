package node

import (
	"cmp"
	"testing"

	"github.com/hearthfaas/hearth/internal/apigateway"
	"github.com/hearthfaas/hearth/internal/controlplane"
	"github.com/hearthfaas/hearth/internal/dynamodb"
	"github.com/hearthfaas/hearth/internal/eventbridge"
	"github.com/hearthfaas/hearth/internal/iam"
	"github.com/hearthfaas/hearth/internal/iam/reference"
	"github.com/hearthfaas/hearth/internal/logs"
	"github.com/hearthfaas/hearth/internal/metrics"
	"github.com/hearthfaas/hearth/internal/scheduler"
	"github.com/hearthfaas/hearth/internal/sns"
	"github.com/hearthfaas/hearth/internal/sqs"
	"github.com/hearthfaas/hearth/internal/wire"
)

// served are the services of a node.
func served() []*wire.Service {
	return []*wire.Service{
		(&controlplane.Service{}).API(), (&iam.Service{}).IAM(), (&iam.Service{}).STS(), (&logs.Service{}).API(),
		(&sqs.Service{}).API(), (&sns.Service{}).API(), (&scheduler.Service{}).API(),
		(&apigateway.Service{}).V1(), (&apigateway.Service{}).V2(),
		(&eventbridge.Service{}).API(), (&metrics.Service{}).API(),
		(&dynamodb.Service{}).API(), (&dynamodb.Service{}).StreamsAPI(),
	}
}

// TestEveryOperationHasItsConditionKeysOnRecord holds the tables of package
// reference against what is served: an operation that is missing there would answer
// for none of its condition keys.
func TestEveryOperationHasItsConditionKeysOnRecord(t *testing.T) {
	for _, s := range served() {
		for _, op := range s.Operations {
			action := s.Name + ":" + cmp.Or(op.Action, op.Name)
			if _, ok := reference.Find(action); !ok {
				t.Errorf("the table of %s lacks %s", s.Name, action)
			}
		}
	}
}

// TestEveryShapeHasAFormOnTheWire finds out in the tests what a Hearth would find out at
// the first request for an operation.
func TestEveryShapeHasAFormOnTheWire(t *testing.T) {
	for _, s := range served() {
		codec, err := wire.NewCodec(s)
		if err == nil {
			err = codec.Check()
		}
		if err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
}
