package controlplane

import (
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// detail says how much of a configuration an operation shows: lists leave out the
// states and the runtime version (Lambda API, ListFunctions).
type detail bool

const (
	inFull detail = true
	inList detail = false
)

// snapStartOnVersions is the SnapStart setting that is not off.
const snapStartOnVersions = string(types.SnapStartApplyOnPublishedVersions)

// render shows one version as the API does. label is its version, qualifier what the
// ARN ends with, empty for none.
func render(id lambda.FunctionID, label, qualifier string, v versionRecord, d detail) *types.FunctionConfiguration {
	s := v.Settings
	out := &types.FunctionConfiguration{
		FunctionName:     new(id.Name),
		FunctionArn:      new(id.QualifiedARN(qualifier)),
		Runtime:          types.Runtime(s.Runtime),
		Role:             new(s.Role),
		Handler:          new(s.Handler),
		CodeSize:         s.Code.Size,
		CodeSha256:       new(s.Code.Base64SHA256),
		Description:      new(s.Description),
		Timeout:          new(int32(s.TimeoutSec)),
		MemorySize:       new(int32(s.MemoryMB)),
		EphemeralStorage: &types.EphemeralStorage{Size: new(int32(s.EphemeralMB))},
		LastModified:     new(lambda.FormatLastModified(v.LastModified)),
		Version:          new(label),
		RevisionId:       new(v.RevisionID),
		PackageType:      types.PackageTypeZip,
		TracingConfig:    &types.TracingConfigResponse{Mode: types.TracingMode(s.Tracing)},
		// No snapshots are taken here, so the optimisation is never on.
		SnapStart: &types.SnapStartResponse{
			ApplyOn:            types.SnapStartApplyOn(s.SnapStart),
			OptimizationStatus: types.SnapStartOptimizationStatusOff,
		},
		LoggingConfig: &types.LoggingConfig{
			LogFormat:           types.LogFormat(s.Logging.Format),
			ApplicationLogLevel: types.ApplicationLogLevel(s.Logging.ApplicationLevel),
			SystemLogLevel:      types.SystemLogLevel(s.Logging.SystemLevel),
			LogGroup:            new(s.Logging.Group),
		},
	}
	if s.Tenancy != "" {
		out.TenancyConfig = &types.TenancyConfig{TenantIsolationMode: types.TenantIsolationMode(s.Tenancy)}
	}
	for _, a := range s.Architectures {
		out.Architectures = append(out.Architectures, types.Architecture(a))
	}
	out.Layers = renderLayers(s.Layers)
	if s.Environment != nil {
		out.Environment = &types.EnvironmentResponse{Variables: s.Environment}
	}
	if s.DeadLetterARN != "" {
		out.DeadLetterConfig = &types.DeadLetterConfig{TargetArn: new(s.DeadLetterARN)}
	}
	if s.VPCCleared {
		out.VpcConfig = &types.VpcConfigResponse{
			SubnetIds: []string{}, SecurityGroupIds: []string{},
			VpcId: new(""), Ipv6AllowedForDualStack: new(false),
		}
	}
	if d == inFull {
		renderState(out, id, v)
	}
	return out
}

func renderState(out *types.FunctionConfiguration, id lambda.FunctionID, v versionRecord) {
	out.RuntimeVersionConfig = &types.RuntimeVersionConfig{
		RuntimeVersionArn: new(runtimeVersionARN(id.Region, v.Settings.Runtime)),
	}
	out.State = types.State(v.State)
	out.StateReason = optional(v.StateReason)
	out.StateReasonCode = types.StateReasonCode(v.StateReasonCode)
	out.LastUpdateStatus = types.LastUpdateStatus(v.Update)
	out.LastUpdateStatusReason = optional(v.UpdateReason)
	out.LastUpdateStatusReasonCode = types.LastUpdateStatusReasonCode(v.UpdateReasonCode)
}

// optional is nil for an empty text, so that the member is absent.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// as copies the members of from into a new Out by name. The SDK has a type of its
// own for the output of each operation that answers with the same members.
func as[Out, In any](from *In) *Out {
	out := new(Out)
	src, dst := reflect.ValueOf(from).Elem(), reflect.ValueOf(out).Elem()
	for i := range src.NumField() {
		field := src.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		if to := dst.FieldByName(field.Name); to.IsValid() && to.CanSet() && to.Type() == field.Type {
			to.Set(src.Field(i))
		}
	}
	return out
}
