package controlplane

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// CreateEventSourceMapping makes a mapping from a source to a function (Lambda API,
// CreateEventSourceMapping). It is Creating in the answer and Enabled soon after,
// or Disabled at once.
func (s *Service) CreateEventSourceMapping(ctx context.Context, in *awslambda.CreateEventSourceMappingInput) (*awslambda.CreateEventSourceMappingOutput, error) {
	c := lambda.CallerFrom(ctx)
	id, q, err := s.mappedFunction(c, "CreateEventSourceMapping", in.FunctionName)
	if err != nil {
		return nil, err
	}
	kind, err := kindOf(value(in.EventSourceArn), in.SelfManagedEventSource)
	if err != nil {
		return nil, err
	}
	settings, err := newMappingSettings(kind, in)
	if err == nil {
		err = checkTags(nil, in.Tags)
	}
	if err != nil {
		return nil, err
	}
	record := mappingRecord{
		Function: id.Name, Qualifier: q, Kind: kind, SourceARN: value(in.EventSourceArn),
		State: mappingCreating, Enabled: in.Enabled == nil || *in.Enabled,
		LastModified: s.cfg.Now(), Tags: in.Tags, Settings: settings,
	}
	if !record.Enabled {
		record.State = mappingDisabled
	}
	at := mappingID{homeOf(id), lambda.NewUUID()}
	record.Claim = homeKey(at.home, claimOf(record))
	if err := s.checkSource(ctx, at, record); err != nil {
		return nil, err
	}
	if err := s.commitNewMapping(ctx, at, record); err != nil {
		return nil, err
	}
	return as[awslambda.CreateEventSourceMappingOutput](s.renderMapping(committedMapping{row[mappingRecord]{value: record}, at.home, at.uuid})), nil
}

// commitNewMapping stores a mapping unless there is one of the same source and
// function.
func (s *Service) commitNewMapping(ctx context.Context, at mappingID, r mappingRecord) error {
	put, err := s.tables.mappings.PutChange(homeKey(at.home, at.uuid), r, store.Absent)
	claim, claimErr := s.tables.claims.PutChange(r.Claim, mappingClaim{at.uuid}, store.Absent)
	if err := errors.Join(err, claimErr); err != nil {
		return fmt.Errorf("encode a mapping: %w", err)
	}
	_, err = s.cfg.Store.Apply(ctx, put, claim)
	if errors.Is(err, store.ErrConflict) {
		return s.duplicateMapping(ctx, at.home, r)
	}
	if err != nil {
		return fmt.Errorf("commit a mapping: %w", err)
	}
	return nil
}

// duplicateMapping is the ResourceConflictException of a second mapping of the same
// source and function.
func (s *Service) duplicateMapping(ctx context.Context, h home, r mappingRecord) error {
	had, _, err := s.tables.claims.Get(ctx, r.Claim)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("find the mapping that is there: %w", err)
	}
	id := lambda.FunctionID{Account: h.account, Region: h.region, Name: r.Function}
	const hint = "already exists. Please update or delete the existing mapping with UUID "
	var text string
	switch r.Kind {
	case SourceSQS:
		text = fmt.Sprintf(`An event source mapping with SQS arn (" %s ") and function (" %s ") `, r.SourceARN, r.Function)
	case SourceSelfManaged:
		text = fmt.Sprintf(`An event source mapping with event source ("%s"), function ("%s"), topics ("%s") `,
			strings.Join(r.Settings.Bootstrap, ","), id.QualifiedARN(r.Qualifier), strings.Join(r.Settings.Topics, ","))
	default:
		text = fmt.Sprintf(`The event source arn (" %s ") and function (" %s ") provided mapping `, r.SourceARN, r.Function)
	}
	return &lambda.Error{Code: lambda.CodeResourceConflict, Message: text + hint + had.UUID}
}

// claimOf names what only one mapping may be of: a source, with what of it is read,
// and a function with its qualifier.
func claimOf(r mappingRecord) string {
	brokers := slices.Sorted(slices.Values(r.Settings.Bootstrap))
	parts := slices.Concat([]string{r.Function, r.Qualifier, r.SourceARN}, brokers, r.Settings.Topics, r.Settings.Queues)
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:])
}

// mappedFunction finds the function that a mapping is to invoke. One that does not
// exist is an InvalidParameterValueException here.
func (s *Service) mappedFunction(c lambda.Caller, op string, name *string) (lambda.FunctionID, string, error) {
	id, q, err := resolve(c, op, name, nil)
	if err != nil {
		return id, q, err
	}
	if _, err := s.view.function(id).choose(q); err != nil {
		return id, q, invalid("Function does not exist")
	}
	return id, q, nil
}

// checkSource asks those who poll whether the source can be read.
func (s *Service) checkSource(ctx context.Context, at mappingID, r mappingRecord) error {
	if s.cfg.Sources == nil || !s.cfg.Sources.Serves(r.Kind) {
		return nil
	}
	m := committedMapping{row[mappingRecord]{value: r}, at.home, at.uuid}
	return s.cfg.Sources.Check(ctx, Mapping{
		UUID: at.uuid, Function: m.function(), Qualifier: r.Qualifier, Kind: r.Kind,
		SourceARN: r.SourceARN, Polling: r.Enabled, Settings: r.Settings,
	})
}

// newMappingSettings are the settings of a new mapping: the defaults of its kind of
// source and what the request says.
func newMappingSettings(kind SourceKind, in *awslambda.CreateEventSourceMappingInput) (MappingSettings, error) {
	rules := rulesOf[kind]
	s := MappingSettings{BatchSize: rules.batchDefault, WindowSec: rules.windowSec, Topics: in.Topics, Queues: in.Queues}
	if kind == SourceSelfManaged {
		s.Bootstrap = in.SelfManagedEventSource.Endpoints[bootstrapServers]
	}
	if rules.perShard {
		s.Parallelization, s.Bisect, s.TumblingSec = new(int32(1)), new(false), new(int32(0))
		s.RecordAgeMaxSec, s.RetriesMax = new(int32(-1)), new(int32(-1))
	}
	for _, m := range []struct {
		name  string
		need  need
		given []string
	}{{"topics", rules.topics, in.Topics}, {"queues", rules.queues, in.Queues}} {
		switch {
		case m.need == always && len(m.given) == 0:
			return s, invalid("Required '%s' parameter is missing.", m.name)
		case m.need == never && len(m.given) > 0:
			return s, unsupportedMember(strings.ToUpper(m.name[:1]) + m.name[1:])
		}
	}
	queueMode := in.SelfManagedKafkaEventSourceConfig != nil && in.SelfManagedKafkaEventSourceConfig.ConsumptionMode == types.KafkaEventSourceMappingConsumptionMode("Queue")
	if err := s.start(rules, in, queueMode); err != nil {
		return s, err
	}
	if queueMode && value(in.MaximumBatchingWindowInSeconds) > 0 {
		return s, unsupportedMember("MaximumBatchingWindowInSeconds")
	}
	return s.apply(kind, value(in.EventSourceArn), mappingChange{
		batch: in.BatchSize, window: in.MaximumBatchingWindowInSeconds, parallelization: in.ParallelizationFactor,
		age: in.MaximumRecordAgeInSeconds, retries: in.MaximumRetryAttempts, tumbling: in.TumblingWindowInSeconds,
		bisect: in.BisectBatchOnFunctionError, filters: in.FilterCriteria, kmsKey: in.KMSKeyArn,
		metrics: in.MetricsConfig, logging: in.LoggingConfig, scaling: in.ScalingConfig,
		destination: in.DestinationConfig, access: in.SourceAccessConfigurations, responses: in.FunctionResponseTypes,
		msk: in.AmazonManagedKafkaEventSourceConfig, selfManaged: in.SelfManagedKafkaEventSourceConfig,
		document: in.DocumentDBEventSourceConfig, pollers: in.ProvisionedPollerConfig,
	})
}

// start sets where reading begins. A Kafka source that is read as a queue has no
// such place.
func (s *MappingSettings) start(r sourceRules, in *awslambda.CreateEventSourceMappingInput, queueMode bool) error {
	positions := r.positions
	if queueMode {
		positions = nil
	}
	switch {
	case len(positions) == 0 && in.StartingPosition != "":
		return unsupportedMember("StartingPosition")
	case len(positions) == 0:
		return nil
	case in.StartingPosition == "":
		return invalid("1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.")
	case !slices.Contains(positions, in.StartingPosition):
		return invalid("Unsupported starting position for arn type: %s", value(in.EventSourceArn))
	case (in.StartingPosition == types.EventSourcePositionAtTimestamp) != (in.StartingPositionTimestamp != nil):
		return invalid("StartingPositionTimestamp must be specified with StartingPosition AT_TIMESTAMP, and only then.")
	}
	s.StartingPosition, s.StartingAt = string(in.StartingPosition), in.StartingPositionTimestamp
	return nil
}
