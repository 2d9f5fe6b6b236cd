package wire

import (
	"fmt"
	"reflect"

	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

//go:generate go run ./modelgen

// modelOperation is what the codec needs to know of an operation beyond its Go
// types: its HTTP binding (restJson1) or just its name.
type modelOperation struct {
	name   string
	method string
	uri    string // path template, possibly with a literal query
	status int    // of a success
}

// models holds every operation of the services that Hearth knows, by
// Service.Name, so that an operation which exists at AWS but not here can be told
// from one that does not exist at all.
var models = map[string][]modelOperation{
	"lambda": lambdaOperations,
	"logs":   cloudwatchlogsOperations,
	"iam":    iamOperations,
	"sts":    stsOperations,
}

// variant is one member of a union: its name on the wire and the struct, with the
// single field Value, that stands for it in Go.
type variant struct {
	name string
	typ  reflect.Type
}

// unions lists what reflection cannot find: the types that implement a union's
// interface.
var unions = map[reflect.Type][]variant{
	reflect.TypeFor[logstypes.IntegrationDetails](): {
		{"openSearchIntegrationDetails", reflect.TypeFor[logstypes.IntegrationDetailsMemberOpenSearchIntegrationDetails]()},
	},
	reflect.TypeFor[logstypes.ResourceConfig](): {
		{"openSearchResourceConfig", reflect.TypeFor[logstypes.ResourceConfigMemberOpenSearchResourceConfig]()},
	},
	reflect.TypeFor[iamtypes.PolicyIdentifier](): {
		{"InlinePolicyIdentifier", reflect.TypeFor[iamtypes.PolicyIdentifierMemberInlinePolicyIdentifier]()},
		{"PolicyArn", reflect.TypeFor[iamtypes.PolicyIdentifierMemberPolicyArn]()},
		{"PolicyType", reflect.TypeFor[iamtypes.PolicyIdentifierMemberPolicyType]()},
	},
}

func findModel(service, operation string) (modelOperation, error) {
	for _, op := range models[service] {
		if op.name == operation {
			return op, nil
		}
	}
	return modelOperation{}, fmt.Errorf("wire: the model of %q has no operation %q", service, operation)
}
