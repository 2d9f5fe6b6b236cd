package node

import (
	"context"
	"slices"
	"time"

	"github.com/hearthfaas/hearth/internal/controlplane"
	"github.com/hearthfaas/hearth/internal/counter"
	"github.com/hearthfaas/hearth/internal/eventsource"
	"github.com/hearthfaas/hearth/internal/eventsource/dynamodb"
	"github.com/hearthfaas/hearth/internal/eventsource/sqs"
	"github.com/hearthfaas/hearth/internal/eventsource/streams"
	"github.com/hearthfaas/hearth/internal/frontend"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/workermanager"
)

// mappingSources stands between the control plane, which keeps mappings, and the
// pollers that follow them.
type mappingSources struct {
	parts              *parts
	accountConcurrency int
	front              *frontend.Frontend[counter.Slot, workermanager.Environment]
}

// eventSources makes the pollers.
func (n *Node) eventSources(s *mappingSources, front *frontend.Frontend[counter.Slot, workermanager.Environment]) *eventsource.Service {
	s.front = front
	return eventsource.New(eventsource.Config{
		Mappings: s,
		Sources: map[string]eventsource.Source{
			string(controlplane.SourceSQS): sqs.New(sqs.Config{
				Queues: polledQueues{s.parts.iam, s.parts.local}, Functions: s, Runner: s, Roles: s,
				Metrics: mappingMetrics{s.parts.metrics}, Report: s.ReportMapping, Log: n.log,
			}),
			string(controlplane.SourceDynamoDB): streams.New(streams.Config{
				Streams: dynamodb.New(polledStreams{s.parts.local}), Store: s.parts.store,
				Functions: s, Runner: s, Roles: s, Destinations: failedBatches{s.parts.hub},
				Metrics: mappingMetrics{s.parts.metrics}, Report: s.ReportMapping, Log: n.log,
			}),
		},
		Log: n.log,
	})
}

// Serves meets controlplane.MappingSources.
func (s *mappingSources) Serves(kind controlplane.SourceKind) bool {
	return s.parts.mappings.Serves(string(kind))
}

// Check meets controlplane.MappingSources.
func (s *mappingSources) Check(ctx context.Context, m controlplane.Mapping) error {
	return s.parts.mappings.Check(ctx, mappingOf(&m))
}

// Drain meets controlplane.MappingSources.
func (s *mappingSources) Drain(ctx context.Context, uuid string) error {
	return s.parts.mappings.Drain(ctx, uuid)
}

// Mappings meets eventsource.Mappings.
func (s *mappingSources) Mappings() ([]eventsource.Mapping, <-chan struct{}) {
	kept, changed := s.parts.plane.Mappings()
	all := make([]eventsource.Mapping, len(kept))
	for i := range kept {
		all[i] = mappingOf(&kept[i])
	}
	return all, changed
}

// ReportMapping sets a mapping's LastProcessingResult; empty shows none.
func (s *mappingSources) ReportMapping(uuid, result string) {
	s.parts.plane.ReportMapping(uuid, result)
}

func mappingOf(m *controlplane.Mapping) eventsource.Mapping {
	set := &m.Settings
	seconds := func(n *int32) time.Duration { return time.Duration(max(orZero(n), 0)) * time.Second }
	out := eventsource.Mapping{
		UUID: m.UUID, Function: m.Function, Qualifier: m.Qualifier, Kind: string(m.Kind), SourceARN: m.SourceARN,
		Polling: m.Polling, Revision: m.Revision,
		Settings: eventsource.Settings{
			BatchSize: int(set.BatchSize), Window: seconds(set.WindowSec), Filters: set.Filters,
			PartialResponses: slices.Contains(set.ResponseTypes, "ReportBatchItemFailures"),
			ConcurrencyMax:   int(orZero(set.ConcurrencyMax)),
			CountEvents:      slices.Contains(set.Metrics, "EventCount"),
			StartingPosition: set.StartingPosition, StartingAt: orZero(set.StartingAt),
			Parallelization: int(orZero(set.Parallelization)), Bisect: orZero(set.Bisect),
			RecordAgeMax: seconds(set.RecordAgeMaxSec), RetriesMax: -1,
			Tumbling: seconds(set.TumblingSec), OnFailure: set.OnFailure,
		},
	}
	if set.RetriesMax != nil {
		out.Settings.RetriesMax = int(*set.RetriesMax)
	}
	if p := set.Pollers; p != nil {
		out.Settings.Pollers = &eventsource.Pollers{Min: int(orZero(p.Min)), Max: int(orZero(p.Max))}
	}
	return out
}

func orZero[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}

// Find meets eventsource.Functions.
func (s *mappingSources) Find(id lambda.FunctionID, qualifier string) (eventsource.Function, error) {
	t, err := s.parts.plane.Lookup(id, qualifier)
	if err != nil {
		return eventsource.Function{}, err
	}
	f := eventsource.Function{
		Version: t.Version, Refusal: t.Invocable(), Concurrency: s.accountConcurrency, RecursionAllowed: t.RecursionAllowed,
	}
	if t.Reserved != nil {
		f.Concurrency = *t.Reserved
	}
	return f, nil
}

// RunEvent meets eventsource.Runner. The invoke is Lambda's own: nobody's permission
// is asked for.
func (s *mappingSources) RunEvent(ctx context.Context, f eventsource.Function, inv *lambda.Invocation) (lambda.Result, error) {
	result, err := s.front.RunEvent(ctx, frontend.Target{Version: f.Version, Refusal: f.Refusal}, inv)
	if err != nil {
		return lambda.Result{}, invokeError(err)
	}
	return result, nil
}

// Trace meets eventsource.Runner.
func (s *mappingSources) Trace(header string, id lambda.FunctionID) (next string, looping bool) {
	return frontend.Trace(header, id)
}

// Assume meets eventsource.Roles.
func (s *mappingSources) Assume(ctx context.Context, roleARN string, f lambda.FunctionID) (lambda.Caller, error) {
	if err := s.parts.iam.CanLambdaAssume(ctx, roleARN, f.Account, f.ARN()); err != nil {
		return lambda.Caller{}, err
	}
	return s.parts.hub.asFunction(ctx, roleARN, f)
}
