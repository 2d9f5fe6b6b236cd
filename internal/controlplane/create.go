package controlplane

import (
	"context"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// CreateFunction makes a function; it is Pending in the answer and Active once its
// code is ready (Lambda API, CreateFunction).
func (s *Service) CreateFunction(ctx context.Context, in *awslambda.CreateFunctionInput) (*awslambda.CreateFunctionOutput, error) {
	id, err := resolveUnqualified(lambda.CallerFrom(ctx), "CreateFunction", in.FunctionName)
	if err == nil {
		err = checkNewName(id, value(in.FunctionName))
	}
	if err != nil {
		return nil, err
	}
	var code types.FunctionCode
	if in.Code != nil {
		code = *in.Code
	}
	made, err := s.newSettings(id, in)
	if err == nil {
		err = sourceOf(code).check("function code")
	}
	if err == nil {
		err = s.checkRuntime(made.Runtime)
	}
	if err == nil {
		err = s.checkSigned(id, value(in.CodeSigningConfigArn))
	}
	if err == nil {
		err = checkTags(nil, in.Tags)
	}
	if err == nil {
		err = s.checkRole(ctx, id, made.Role)
	}
	if err == nil {
		err = s.checkDeadLetterRole(ctx, id, made.Role, in.DeadLetterConfig)
	}
	if err == nil && s.view.function(id).exists {
		err = alreadyExists(id)
	}
	if err != nil {
		return nil, err
	}
	var releaseLayers func()
	if made.Layers, releaseLayers, err = s.layersFor(ctx, id.Region, in.Layers); err != nil {
		return nil, err
	}
	defer releaseLayers()
	if made.Code, err = s.fetch(ctx, id.Region, sourceOf(code)); err == nil {
		err = checkUnpacked(made)
	}
	if err != nil {
		return nil, err
	}
	release, err := s.claimStorage(id, made.Code.Size*copies(in.Publish))
	if err != nil {
		return nil, err
	}
	defer release()

	record := functionRecord{Latest: versionRecord{
		Settings:     made,
		Generation:   lambda.NewUUID(),
		RevisionID:   lambda.NewUUID(),
		LastModified: s.cfg.Now(),
		State:        lambda.StatePending, StateReason: msgBeingCreated, StateReasonCode: codeCreating,
	}}
	if len(in.Tags) > 0 {
		record.Tags = in.Tags
	}
	label, shown := lambda.Latest, record.Latest
	err = s.edit(ctx, id, func(e *edit) error {
		if e.f.exists {
			return alreadyExists(id)
		}
		e.record = record
		if arn := value(in.CodeSigningConfigArn); arn != "" {
			if err := e.bindSigning(arn); err != nil {
				return err
			}
		}
		if in.Publish {
			var n int
			n, shown, _ = e.publish("")
			label = versionLabel(n)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	// The ARN is unqualified even when a version was published along with it.
	return as[awslambda.CreateFunctionOutput](render(id, label, "", shown, inFull)), nil
}

func alreadyExists(id lambda.FunctionID) *lambda.Error {
	return lambda.Errorf(lambda.CodeResourceConflict, "Function already exist: %s", id.Name)
}

// copies is how often a package counts towards code storage.
func copies(publish bool) int64 {
	if publish {
		return 2
	}
	return 1
}

// newSettings are the settings of a new function but for its code.
func (s *Service) newSettings(id lambda.FunctionID, in *awslambda.CreateFunctionInput) (settings, error) {
	if err := checkPackageType(in); err != nil {
		return settings{}, err
	}
	if in.Runtime == "" || value(in.Handler) == "" {
		return settings{}, invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	}
	made := settings{
		TimeoutSec:    lambda.TimeoutDefaultSec,
		MemoryMB:      lambda.MemoryDefaultMB,
		EphemeralMB:   lambda.EphemeralMinMB,
		Architectures: []string{s.defaultArchitecture()},
		Logging:       defaultLogging(id),
		Tracing:       string(types.TracingModePassThrough),
		SnapStart:     string(types.SnapStartApplyOnNone),
	}
	if err := made.setTenancy(in); err != nil {
		return made, err
	}
	if err := s.checkArchitectures(in.Architectures); err != nil {
		return settings{}, err
	}
	made.setArchitectures(in.Architectures)
	return made.apply(changes{
		role: in.Role, handler: in.Handler, description: in.Description, runtime: in.Runtime,
		timeout: in.Timeout, memory: in.MemorySize, ephemeral: in.EphemeralStorage,
		environment: in.Environment, logging: in.LoggingConfig, tracing: in.TracingConfig,
		snapStart: in.SnapStart, deadLetter: in.DeadLetterConfig,
		extras: extras{
			vpc: in.VpcConfig, fileSystems: in.FileSystemConfigs,
			kmsKey: value(in.KMSKeyArn), durable: in.DurableConfig,
			imageConfig: in.ImageConfig, capacity: in.CapacityProviderConfig,
			publishTo: in.PublishTo, sourceKMSKey: sourceKMSKey(in.Code),
		},
	})
}

func sourceKMSKey(c *types.FunctionCode) string {
	if c == nil {
		return ""
	}
	return value(c.SourceKMSKeyArn)
}
