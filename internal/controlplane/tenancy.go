package controlplane

import (
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// setTenancy takes over a new function's tenant isolation. It goes together with
// neither SnapStart nor container images (Lambda developer guide, "Tenant
// isolation").
func (s *settings) setTenancy(in *awslambda.CreateFunctionInput) error {
	if in.TenancyConfig == nil || in.TenancyConfig.TenantIsolationMode == "" {
		return nil
	}
	if in.SnapStart != nil && in.SnapStart.ApplyOn == types.SnapStartApplyOnPublishedVersions {
		return invalid("SnapStart is not supported for functions with tenant isolation enabled.")
	}
	s.Tenancy = string(in.TenancyConfig.TenantIsolationMode)
	return nil
}
