package controlplane

import (
	"context"
	"time"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// UpdateFunctionConfiguration changes the configuration of $LATEST; members that
// the request leaves out stay. Invokes run with the old configuration until the new
// is ready (Lambda API, UpdateFunctionConfiguration).
func (s *Service) UpdateFunctionConfiguration(ctx context.Context, in *awslambda.UpdateFunctionConfigurationInput) (*awslambda.UpdateFunctionConfigurationOutput, error) {
	id, err := resolveUnqualified(lambda.CallerFrom(ctx), "UpdateFunctionConfiguration", in.FunctionName)
	if err != nil {
		return nil, err
	}
	if !s.view.function(id).exists {
		return nil, notFound(id.ARN())
	}
	if in.Runtime != "" {
		if err := s.checkRuntime(string(in.Runtime)); err != nil {
			return nil, err
		}
	}
	if in.Role != nil {
		if err := s.checkRole(ctx, id, *in.Role); err != nil {
			return nil, err
		}
	}
	role := s.view.function(id).record.value.Latest.Settings.Role
	set(&role, in.Role)
	if err := s.checkDeadLetterRole(ctx, id, role, in.DeadLetterConfig); err != nil {
		return nil, err
	}
	asked := changes{
		role: in.Role, handler: in.Handler, description: in.Description, runtime: in.Runtime,
		timeout: in.Timeout, memory: in.MemorySize, ephemeral: in.EphemeralStorage,
		environment: in.Environment, logging: in.LoggingConfig, tracing: in.TracingConfig,
		snapStart: in.SnapStart, deadLetter: in.DeadLetterConfig,
		extras: extras{
			vpc: in.VpcConfig, fileSystems: in.FileSystemConfigs,
			kmsKey: value(in.KMSKeyArn), durable: in.DurableConfig,
			imageConfig: in.ImageConfig, capacity: in.CapacityProviderConfig,
		},
	}
	layers, releaseLayers, err := s.layersFor(ctx, id.Region, in.Layers)
	if err != nil {
		return nil, err
	}
	defer releaseLayers()
	var updated versionRecord
	err = s.edit(ctx, id, func(e *edit) error {
		if err := e.f.mayUpdate(in.RevisionId); err != nil {
			return err
		}
		next, err := e.record.Latest.Settings.apply(asked)
		if err != nil {
			return err
		}
		if in.Layers != nil {
			next.Layers = layers
		}
		if err := checkUnpacked(next); err != nil {
			return err
		}
		e.update(next, s.cfg.Now())
		updated = e.record.Latest
		return nil
	})
	if err != nil {
		return nil, err
	}
	return as[awslambda.UpdateFunctionConfigurationOutput](render(id, lambda.Latest, "", updated, inFull)), nil
}

// update gives $LATEST new settings and starts the transition to them. What invokes
// ran before they go on running until it is over.
func (e *edit) update(next settings, now time.Time) {
	r := &e.record
	if r.Serving == nil {
		r.Serving = &servingRecord{Settings: r.Latest.Settings, Generation: r.Latest.Generation}
	}
	r.Latest.Settings = next
	r.Latest.Generation = lambda.NewUUID()
	r.Latest.LastModified = now
	r.Latest.Update = updateInProgress
	r.Latest.UpdateReason, r.Latest.UpdateReasonCode = msgBeingCreated, codeCreating
	e.touch()
}
