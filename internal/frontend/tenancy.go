package frontend

import (
	"regexp"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// tenantIDMax is the length of a tenant's id (Lambda API, TenantId).
const tenantIDMax = 256

var tenantIDPattern = regexp.MustCompile(`^[a-zA-Z0-9._:/=+\-@ ]+$`)

// tenanted returns what an invoke for a tenant runs: environments of its own with
// tenant isolation. A function that has it needs a tenant, any other takes none
// (Lambda developer guide, "Tenant isolation").
func tenanted(v *lambda.Version, tenant string) (*lambda.Version, error) {
	switch {
	case !v.TenantIsolation && tenant == "":
		return v, nil
	case !v.TenantIsolation:
		return nil, lambda.Errorf(lambda.CodeInvalidParameterValue,
			"The invoked function is not enabled with tenancy configuration. Remove the tenant ID from your request and try again.")
	case tenant == "":
		return nil, lambda.Errorf(lambda.CodeInvalidParameterValue,
			"The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again.")
	case len(tenant) > tenantIDMax:
		return nil, lambda.Errorf(lambda.CodeValidation,
			"1 validation error detected: Value '%s' at 'tenantId' failed to satisfy constraint: Member must have length less than or equal to %d", tenant, tenantIDMax)
	case !tenantIDPattern.MatchString(tenant):
		return nil, lambda.Errorf(lambda.CodeValidation,
			"1 validation error detected: Value '%s' at 'tenantId' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9\\._:\\/=+\\-@ ]+", tenant)
	}
	return v.ForTenant(tenant), nil
}
