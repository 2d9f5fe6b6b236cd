package controlplane

import (
	"context"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// mappingPageMax is how many mappings a page of ListEventSourceMappings has at most
// (Lambda API).
const mappingPageMax = 100

// GetEventSourceMapping shows a mapping (Lambda API, GetEventSourceMapping).
func (s *Service) GetEventSourceMapping(ctx context.Context, in *awslambda.GetEventSourceMappingInput) (*awslambda.GetEventSourceMappingOutput, error) {
	c := lambda.CallerFrom(ctx)
	m, ok := s.mappings.get(mappingID{home{c.Account, c.Region}, value(in.UUID)})
	if !ok {
		return nil, lambda.Errorf(lambda.CodeResourceNotFound, msgResourceNotFound)
	}
	return as[awslambda.GetEventSourceMappingOutput](s.renderMapping(m)), nil
}

// ListEventSourceMappings shows the mappings of the caller's account and region in
// order of UUID, those of one source or function when the request names it (Lambda
// API, ListEventSourceMappings).
func (s *Service) ListEventSourceMappings(ctx context.Context, in *awslambda.ListEventSourceMappingsInput) (*awslambda.ListEventSourceMappingsOutput, error) {
	c := lambda.CallerFrom(ctx)
	after, err := decodeMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	var only lambda.FunctionID
	var qualifier string
	if in.FunctionName != nil {
		if only, qualifier, err = resolve(c, "ListEventSourceMappings", in.FunctionName, nil); err != nil {
			return nil, err
		}
	}
	page := newPageOf[types.EventSourceMappingConfiguration](in.MaxItems, mappingPageMax)
	for _, m := range s.mappings.in(home{c.Account, c.Region}) {
		switch {
		case m.uuid <= string(after):
		case in.EventSourceArn != nil && *in.EventSourceArn != m.value.SourceARN:
		case in.FunctionName != nil && (only != m.function() || qualifier != m.value.Qualifier):
		default:
			page.add(marker(m.uuid), *s.renderMapping(m))
		}
	}
	return &awslambda.ListEventSourceMappingsOutput{EventSourceMappings: page.items, NextMarker: page.marker()}, nil
}

// newPageOf is newPage with a limit of its own.
func newPageOf[T any](maxItems *int32, limit int) *page[T] {
	p := newPage[T](nil)
	p.limit = limit
	if maxItems != nil && *maxItems >= 1 {
		p.limit = min(limit, int(*maxItems))
	}
	return p
}

// mappingARN names a mapping.
func mappingARN(h home, uuid string) string {
	return "arn:aws:lambda:" + h.region + ":" + h.account + ":event-source-mapping:" + uuid
}

// lastResult is LastProcessingResult, empty for none.
func (s *Service) lastResult(m committedMapping) string {
	rules := rulesOf[m.value.Kind]
	switch {
	case !s.view.function(m.function()).exists:
		return "PROBLEM: Function does not exist."
	case s.cfg.Sources == nil || !s.cfg.Sources.Serves(m.value.Kind):
		return "PROBLEM: " + rules.name + " is not polled here: this installation does not serve that event source."
	}
	if result := s.mappings.result(m.uuid); result != "" || !rules.processingResults {
		return result
	}
	return "No records processed"
}

// renderMapping shows a mapping as the API does. Which members there are depends on
// the kind of source.
func (s *Service) renderMapping(m committedMapping) *types.EventSourceMappingConfiguration {
	r, set := m.value, m.value.Settings
	rules := rulesOf[r.Kind]
	out := &types.EventSourceMappingConfiguration{
		UUID:                           new(m.uuid),
		EventSourceMappingArn:          new(mappingARN(m.home, m.uuid)),
		EventSourceArn:                 optional(r.SourceARN),
		FunctionArn:                    new(m.function().QualifiedARN(r.Qualifier)),
		LastModified:                   new(r.LastModified),
		LastProcessingResult:           optional(s.lastResult(m)),
		State:                          new(r.State),
		StateTransitionReason:          new(rules.reason),
		BatchSize:                      new(set.BatchSize),
		MaximumBatchingWindowInSeconds: set.WindowSec,
		KMSKeyArn:                      optional(set.KMSKeyARN),
		StartingPosition:               types.EventSourcePosition(set.StartingPosition),
		StartingPositionTimestamp:      set.StartingAt,
		ParallelizationFactor:          set.Parallelization,
		BisectBatchOnFunctionError:     set.Bisect,
		MaximumRecordAgeInSeconds:      set.RecordAgeMaxSec,
		MaximumRetryAttempts:           set.RetriesMax,
		TumblingWindowInSeconds:        set.TumblingSec,
		Topics:                         set.Topics,
		Queues:                         set.Queues,
	}
	if set.Filters != nil {
		out.FilterCriteria = &types.FilterCriteria{}
		for _, p := range set.Filters {
			out.FilterCriteria.Filters = append(out.FilterCriteria.Filters, types.Filter{Pattern: new(p)})
		}
	}
	if rules.responses {
		out.FunctionResponseTypes = []types.FunctionResponseType{}
		for _, t := range set.ResponseTypes {
			out.FunctionResponseTypes = append(out.FunctionResponseTypes, types.FunctionResponseType(t))
		}
	}
	if set.ConcurrencyMax != nil {
		out.ScalingConfig = &types.ScalingConfig{MaximumConcurrency: set.ConcurrencyMax}
	}
	if len(rules.failureTo) > 0 {
		out.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: optional(set.OnFailure)}}
	}
	if set.Metrics != nil {
		out.MetricsConfig = &types.EventSourceMappingMetricsConfig{}
		for _, name := range set.Metrics {
			out.MetricsConfig.Metrics = append(out.MetricsConfig.Metrics, types.EventSourceMappingMetric(name))
		}
	}
	if set.LogLevel != "" {
		out.LoggingConfig = &types.EventSourceMappingLoggingConfig{SystemLogLevel: types.EventSourceMappingSystemLogLevel(set.LogLevel)}
	}
	if p := set.Pollers; p != nil {
		out.ProvisionedPollerConfig = &types.ProvisionedPollerConfig{MinimumPollers: p.Min, MaximumPollers: p.Max, PollerGroupName: optional(p.Group)}
	}
	for _, a := range set.Access {
		out.SourceAccessConfigurations = append(out.SourceAccessConfigurations, types.SourceAccessConfiguration{Type: types.SourceAccessType(a.Type), URI: new(a.URI)})
	}
	if d := set.Document; d != nil {
		out.DocumentDBEventSourceConfig = &types.DocumentDBEventSourceConfig{
			DatabaseName: new(d.Database), CollectionName: optional(d.Collection), FullDocument: types.FullDocument(d.FullDocument),
		}
	}
	renderKafka(out, m)
	return out
}

// renderKafka fills in what Kafka sources have. A consumer group that was not given
// has the mapping's UUID for a name.
func renderKafka(out *types.EventSourceMappingConfiguration, m committedMapping) {
	set := m.value.Settings
	group := firstOf(set.ConsumerGroup, m.uuid)
	switch m.value.Kind {
	case SourceMSK:
		out.AmazonManagedKafkaEventSourceConfig = &types.AmazonManagedKafkaEventSourceConfig{
			ConsumerGroupId: new(group), SchemaRegistryConfig: set.Registry,
		}
	case SourceSelfManaged:
		out.SelfManagedEventSource = &types.SelfManagedEventSource{Endpoints: map[string][]string{bootstrapServers: set.Bootstrap}}
		out.SelfManagedKafkaEventSourceConfig = &types.SelfManagedKafkaEventSourceConfig{
			ConsumerGroupId: new(group), SchemaRegistryConfig: set.Registry,
			ConsumptionMode: types.KafkaEventSourceMappingConsumptionMode(set.ConsumptionMode),
		}
	case SourceSQS, SourceKinesis, SourceDynamoDB, SourceMQ, SourceDocumentDB: // have none of it
	}
}
