package controlplane

import (
	"context"
	"errors"
	"fmt"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// UpdateEventSourceMapping changes a mapping; members that the request leaves out
// stay (Lambda API, UpdateEventSourceMapping).
func (s *Service) UpdateEventSourceMapping(ctx context.Context, in *awslambda.UpdateEventSourceMappingInput) (*awslambda.UpdateEventSourceMappingOutput, error) {
	c := lambda.CallerFrom(ctx)
	changed, err := s.editMapping(ctx, in.UUID, "update", func(m *committedMapping) error {
		r := &m.value
		if in.FunctionName != nil {
			id, q, err := s.mappedFunction(c, "UpdateEventSourceMapping", in.FunctionName)
			if err != nil {
				return err
			}
			r.Function, r.Qualifier = id.Name, q
		}
		next, err := r.Settings.apply(r.Kind, r.SourceARN, mappingChange{
			batch: in.BatchSize, window: in.MaximumBatchingWindowInSeconds, parallelization: in.ParallelizationFactor,
			age: in.MaximumRecordAgeInSeconds, retries: in.MaximumRetryAttempts, tumbling: in.TumblingWindowInSeconds,
			bisect: in.BisectBatchOnFunctionError, filters: in.FilterCriteria, kmsKey: in.KMSKeyArn,
			metrics: in.MetricsConfig, logging: in.LoggingConfig, scaling: in.ScalingConfig,
			destination: in.DestinationConfig, access: in.SourceAccessConfigurations, responses: in.FunctionResponseTypes,
			msk: in.AmazonManagedKafkaEventSourceConfig, selfManaged: in.SelfManagedKafkaEventSourceConfig,
			document: in.DocumentDBEventSourceConfig, pollers: in.ProvisionedPollerConfig,
		})
		if err != nil {
			return err
		}
		r.Settings = next
		r.State = mappingUpdating
		if in.Enabled != nil && *in.Enabled != r.Enabled {
			r.Enabled = *in.Enabled
			r.State = mappingDisabling
			if r.Enabled {
				r.State = mappingEnabling
			}
		}
		return s.checkSource(ctx, mappingID{m.home, m.uuid}, *r)
	})
	if err != nil {
		return nil, err
	}
	return as[awslambda.UpdateEventSourceMappingOutput](s.renderMapping(changed)), nil
}

// DeleteEventSourceMapping ends a mapping: it is Deleting in the answer and gone
// once nothing is polled for it (Lambda API, DeleteEventSourceMapping).
func (s *Service) DeleteEventSourceMapping(ctx context.Context, in *awslambda.DeleteEventSourceMappingInput) (*awslambda.DeleteEventSourceMappingOutput, error) {
	changed, err := s.editMapping(ctx, in.UUID, "delete", func(m *committedMapping) error {
		m.value.State = mappingDeleting
		return nil
	})
	if err != nil {
		return nil, err
	}
	return as[awslambda.DeleteEventSourceMappingOutput](s.renderMapping(changed)), nil
}

// editMapping commits a change of one mapping that is not in transition. Of two
// changes at once the second finds the first one's transition under way. verb is
// what the message of that says. change has no effects of its own.
func (s *Service) editMapping(ctx context.Context, uuid *string, verb string, change func(*committedMapping) error) (committedMapping, error) {
	c := lambda.CallerFrom(ctx)
	at := mappingID{home{c.Account, c.Region}, value(uuid)}
	m, ok := s.mappings.get(at)
	if !ok {
		return m, lambda.Errorf(lambda.CodeResourceNotFound, msgResourceNotFound)
	}
	inUse := lambda.Errorf("ResourceInUseException", "Cannot %s the event source mapping because it is in use.", verb)
	if m.value.inTransition() {
		return m, inUse
	}
	before := m.value
	if err := change(&m); err != nil {
		return m, err
	}
	m.value.LastModified = s.cfg.Now()
	m.value.Claim = homeKey(at.home, claimOf(m.value))
	changes := make([]store.Change, 0, 3)
	put, err := s.tables.mappings.PutChange(homeKey(at.home, at.uuid), m.value, store.Precondition(m.revision))
	changes = append(changes, put)
	moved := m.value.Claim != before.Claim
	if moved {
		claim, claimErr := s.tables.claims.PutChange(m.value.Claim, mappingClaim{at.uuid}, store.Absent)
		err = errors.Join(err, claimErr)
		changes = append(changes, claim, s.tables.claims.DeleteChange(before.Claim, 0))
	}
	if err != nil {
		return m, fmt.Errorf("encode mapping %s: %w", at.uuid, err)
	}
	_, err = s.cfg.Store.Apply(ctx, changes...)
	if errors.Is(err, store.ErrConflict) {
		if had, _, getErr := s.tables.claims.Get(ctx, m.value.Claim); moved && getErr == nil && had.UUID != at.uuid {
			return m, s.duplicateMapping(ctx, at.home, m.value)
		}
		return m, inUse
	}
	if err != nil {
		return m, fmt.Errorf("commit mapping %s: %w", at.uuid, err)
	}
	return m, nil
}
