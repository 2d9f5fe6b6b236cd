package compat

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestAPIEventSourceMappingsOnTheWire(t *testing.T) {
	a := serve(t)
	a.function("f")
	a.do(&lambda.CreateAliasInput{FunctionName: new("f"), Name: new("prod"), FunctionVersion: new("$LATEST")})
	stream := "arn:aws:kinesis:us-east-1:000000000000:stream/s"
	other := "arn:aws:kinesis:us-east-1:000000000000:stream/t"
	base := func(source, function, state string) string {
		return `"UUID":"*","EventSourceMappingArn":"*","EventSourceArn":"` + source + `","FunctionArn":"` + apiPrefix + "function:" + function + `","LastModified":0.5,
			"LastProcessingResult":"*","State":"` + state + `","FunctionResponseTypes":[],"MaximumBatchingWindowInSeconds":0,`
	}
	streams := `"StateTransitionReason":"User action","StartingPosition":"TRIM_HORIZON","ParallelizationFactor":1,"BisectBatchOnFunctionError":false,
		"MaximumRecordAgeInSeconds":-1,"MaximumRetryAttempts":-1,"TumblingWindowInSeconds":0,"DestinationConfig":{"OnFailure":{}},`
	created := a.do(&lambda.CreateEventSourceMappingInput{FunctionName: new("f"), EventSourceArn: new(stream), StartingPosition: types.EventSourcePositionTrimHorizon})
	shows(t, created, 202, `{`+base(stream, "f", "Creating")+streams+`"BatchSize":100}`)
	shows(t, a.do(&lambda.CreateEventSourceMappingInput{
		FunctionName: new("f:prod"), EventSourceArn: new(other), StartingPosition: types.EventSourcePositionTrimHorizon, Enabled: new(false),
		BatchSize: new(int32(7)), FilterCriteria: &types.FilterCriteria{Filters: []types.Filter{{Pattern: new(`{"a":["b"]}`)}}},
	}), 202,
		`{`+base(other, "f:prod", "Disabled")+streams+`"BatchSize":7,"FilterCriteria":{"Filters":[{"Pattern":"{\"a\":[\"b\"]}"}]}}`)
	var first struct{ UUID string }
	if err := json.Unmarshal([]byte(created.body), &first); err != nil {
		t.Fatal(err)
	}
	a.mappingIs(first.UUID, "Enabled")
	shows(t, a.do(&lambda.GetEventSourceMappingInput{UUID: &first.UUID}), 200, `{`+base(stream, "f", "Enabled")+streams+`"BatchSize":100}`)
	shows(t, a.do(&lambda.UpdateEventSourceMappingInput{UUID: &first.UUID, BatchSize: new(int32(5))}), 202, `{`+base(stream, "f", "Updating")+streams+`"BatchSize":5}`)
	a.mappingIs(first.UUID, "Enabled")
	shows(t, a.do(&lambda.ListEventSourceMappingsInput{FunctionName: new("f")}), 200, `{"EventSourceMappings":[{`+base(stream, "f", "Enabled")+streams+`"BatchSize":5}]}`)

	none := "The resource you requested does not exist."
	uuid := new(absentUUID)
	a.refuses(t, []refusal{
		{
			"the same stream twice", &lambda.CreateEventSourceMappingInput{FunctionName: new("f"), EventSourceArn: new(stream), StartingPosition: types.EventSourcePositionLatest}, "ResourceConflictException",
			`The event source arn (" ` + stream + ` ") and function (" f ") provided mapping already exists. Please update or delete the existing mapping with UUID ` + first.UUID, false,
		},
		{"a read of none", &lambda.GetEventSourceMappingInput{UUID: uuid}, "ResourceNotFoundException", none, false},
		{"an update of none", &lambda.UpdateEventSourceMappingInput{UUID: uuid}, "ResourceNotFoundException", none, false},
		{"a deletion of none", &lambda.DeleteEventSourceMappingInput{UUID: uuid}, "ResourceNotFoundException", none, false},
		{
			"a batch of 10001", &lambda.CreateEventSourceMappingInput{FunctionName: new("f"), EventSourceArn: new(stream), BatchSize: new(int32(10001)), StartingPosition: types.EventSourcePositionLatest}, "ValidationException",
			violation("'10001'", "batchSize", "Member must have value less than or equal to 10000"), false,
		},
		{
			"a stream without a position", &lambda.CreateEventSourceMappingInput{FunctionName: new("f"), EventSourceArn: new(stream + "2")}, "InvalidParameterValueException",
			"1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.", false,
		},
		{"a short UUID", &lambda.GetEventSourceMappingInput{UUID: new("x")}, "ValidationException", violation("'x'", "uUID", "Member must have length greater than or equal to 36"), false},
	})
	shows(t, a.do(&lambda.DeleteEventSourceMappingInput{UUID: &first.UUID}), 202, `{`+base(stream, "f", "Deleting")+streams+`"BatchSize":5}`)
	a.mappingIs(first.UUID, "")
}

// mappingIs waits until a mapping has a state, or is gone.
func (a *api) mappingIs(uuid, state string) {
	a.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	var last string
	for limit := time.After(30 * time.Second); ; {
		m, err := a.GetEventSourceMapping(a.t.Context(), &lambda.GetEventSourceMappingInput{UUID: &uuid})
		if last = ""; err == nil {
			last = *m.State
		}
		if last == state {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			a.t.Fatalf("the mapping is %q, want %q", last, state)
		}
	}
}
