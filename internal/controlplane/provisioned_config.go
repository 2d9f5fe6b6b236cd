package controlplane

import (
	"context"
	"maps"
	"slices"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// initFailureReason is the StatusReason of provisioned concurrency whose function
// does not get through its Init phase.
const initFailureReason = "FUNCTION_ERROR_INIT_FAILURE"

// PutProvisionedConcurrencyConfig has environments of a version, or of the version
// that an alias points to, initialised ahead (Lambda API,
// PutProvisionedConcurrencyConfig).
func (s *Service) PutProvisionedConcurrencyConfig(ctx context.Context, in *awslambda.PutProvisionedConcurrencyConfigInput) (*awslambda.PutProvisionedConcurrencyConfigOutput, error) {
	id, q, err := resolve(lambda.CallerFrom(ctx), "PutProvisionedConcurrencyConfig", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	unpublished := invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
	if q == "" || q == lambda.Latest {
		return nil, unpublished
	}
	made := provisionedRecord{Requested: int(value(in.ProvisionedConcurrentExecutions)), LastModified: s.cfg.Now()}
	err = s.edit(ctx, id, func(e *edit) error {
		if err := e.f.provisionable(q); err != nil {
			return err
		}
		if e.f.aliases[q].value.Version == lambda.Latest {
			return unpublished
		}
		if err := e.f.conflictsWith(q); err != nil {
			return err
		}
		if v, err := e.f.choose(q); err == nil && v.record.Settings.Tenancy != "" {
			return invalid("Provisioned concurrency is not supported for functions with tenant isolation enabled.")
		} else if err == nil && v.record.Settings.SnapStart == snapStartOnVersions {
			return invalid("Provisioned concurrency is not supported for SnapStart enabled functions.")
		}
		return e.editReservations(func(r *reservationsRecord) error {
			own := maps.Clone(r.Provisioned[id.Name])
			delete(own, q)
			r.setProvisioned(id.Name, own)
			if err := checkProvisioned(s.cfg.AccountConcurrency, r.total(), totalOf(own), made.Requested, e.f.reserved); err != nil {
				return err
			}
			r.setProvisioned(id.Name, put(maps.Clone(own), q, made))
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.PutProvisionedConcurrencyConfigOutput{
		RequestedProvisionedConcurrentExecutions: new(int32(made.Requested)),
		AllocatedProvisionedConcurrentExecutions: new(int32(0)),
		AvailableProvisionedConcurrentExecutions: new(int32(0)),
		Status:                                   types.ProvisionedConcurrencyStatusEnumInProgress,
		LastModified:                             new(lambda.FormatLastModified(made.LastModified)),
	}, nil
}

// GetProvisionedConcurrencyConfig shows how far the provisioned concurrency of a
// version or alias is (Lambda API, GetProvisionedConcurrencyConfig).
func (s *Service) GetProvisionedConcurrencyConfig(ctx context.Context, in *awslambda.GetProvisionedConcurrencyConfigInput) (*awslambda.GetProvisionedConcurrencyConfigOutput, error) {
	id, q, err := resolveProvisioned(ctx, "GetProvisionedConcurrencyConfig", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	f := s.view.function(id)
	if err := f.provisionable(q); err != nil {
		return nil, err
	}
	if _, ok := f.provisioned[q]; !ok {
		return nil, lambda.Errorf("ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function")
	}
	return as[awslambda.GetProvisionedConcurrencyConfigOutput](s.renderProvisioned(f, q)), nil
}

// DeleteProvisionedConcurrencyConfig ends the provisioned concurrency of a version
// or alias; one that has none is no error (Lambda API,
// DeleteProvisionedConcurrencyConfig).
func (s *Service) DeleteProvisionedConcurrencyConfig(ctx context.Context, in *awslambda.DeleteProvisionedConcurrencyConfigInput) (*awslambda.DeleteProvisionedConcurrencyConfigOutput, error) {
	id, q, err := resolveProvisioned(ctx, "DeleteProvisionedConcurrencyConfig", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	err = s.edit(ctx, id, func(e *edit) error {
		if err := e.f.provisionable(q); err != nil {
			return err
		}
		if _, ok := e.f.provisioned[q]; !ok {
			e.nothing = true
			return nil
		}
		return e.endProvisioned(q)
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.DeleteProvisionedConcurrencyConfigOutput{}, nil
}

// ListProvisionedConcurrencyConfigs shows a function's provisioned concurrency in
// order of its qualifiers (Lambda API, ListProvisionedConcurrencyConfigs).
func (s *Service) ListProvisionedConcurrencyConfigs(ctx context.Context, in *awslambda.ListProvisionedConcurrencyConfigsInput) (*awslambda.ListProvisionedConcurrencyConfigsOutput, error) {
	id, err := resolveUnqualified(lambda.CallerFrom(ctx), "ListProvisionedConcurrencyConfigs", in.FunctionName)
	if err != nil {
		return nil, err
	}
	f := s.view.function(id)
	if !f.exists {
		return nil, notFound(id.ARN())
	}
	after, err := decodeMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	page := newPage[types.ProvisionedConcurrencyConfigListItem](in.MaxItems)
	for _, q := range slices.Sorted(maps.Keys(f.provisioned)) {
		if q > string(after) {
			page.add(marker(q), *s.renderProvisioned(f, q))
		}
	}
	return &awslambda.ListProvisionedConcurrencyConfigsOutput{ProvisionedConcurrencyConfigs: page.items, NextMarker: page.marker()}, nil
}

// resolveProvisioned is resolve for reading and ending provisioned concurrency.
func resolveProvisioned(ctx context.Context, op string, name, qualifier *string) (lambda.FunctionID, string, error) {
	id, q, err := resolve(lambda.CallerFrom(ctx), op, name, qualifier)
	if err == nil && (q == "" || q == lambda.Latest) {
		err = invalid("The function resource provided must be an alias or a published version.")
	}
	return id, q, err
}

// provisionable says whether a qualifier is an alias or version that exists.
func (f *function) provisionable(q string) error {
	if _, ok := f.aliases[q]; ok && f.exists {
		return nil
	}
	if _, ok := f.version(q); ok && f.exists {
		return nil
	}
	if f.exists && !isNumber(q) {
		return lambda.Errorf(lambda.CodeResourceNotFound, msgAliasNotFound, f.id.QualifiedARN(q))
	}
	return notFound(f.id.QualifiedARN(q))
}

func (s *Service) renderProvisioned(f *function, q string) *types.ProvisionedConcurrencyConfigListItem {
	p := f.provisioned[q]
	ready, failed := s.provisioned(f, q)
	ready = min(ready, p.Requested)
	out := &types.ProvisionedConcurrencyConfigListItem{
		FunctionArn:                              new(f.id.QualifiedARN(q)),
		RequestedProvisionedConcurrentExecutions: new(int32(p.Requested)),
		AllocatedProvisionedConcurrentExecutions: new(int32(ready)),
		AvailableProvisionedConcurrentExecutions: new(int32(ready)),
		Status:                                   types.ProvisionedConcurrencyStatusEnumInProgress,
		LastModified:                             new(lambda.FormatLastModified(p.LastModified)),
	}
	switch {
	case ready == p.Requested:
		out.Status = types.ProvisionedConcurrencyStatusEnumReady
	case failed != nil:
		out.Status, out.StatusReason = types.ProvisionedConcurrencyStatusEnumFailed, new(initFailureReason)
	}
	return out
}

// setProvisioned replaces what a function has; the map is not changed any more.
func (r *reservationsRecord) setProvisioned(name string, byQualifier map[string]provisionedRecord) {
	r.Provisioned = maps.Clone(r.Provisioned)
	if len(byQualifier) == 0 {
		delete(r.Provisioned, name)
		return
	}
	r.Provisioned = put(r.Provisioned, name, byQualifier)
}

// endProvisioned takes a qualifier's provisioned concurrency away, if it has any.
func (e *edit) endProvisioned(q string) error {
	if _, ok := e.f.provisioned[q]; !ok {
		return nil
	}
	return e.editReservations(func(r *reservationsRecord) error {
		own := maps.Clone(r.Provisioned[e.id.Name])
		delete(own, q)
		r.setProvisioned(e.id.Name, own)
		return nil
	})
}
