package frontend

import (
	"strings"
	"testing"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func TestTenanted(t *testing.T) {
	for _, tt := range []struct {
		name     string
		isolated bool
		tenant   string
		want     string // the error's beginning, empty for none
	}{
		{"a function without isolation and no tenant", false, "", ""},
		{"a function without isolation and a tenant", false, "blue", "InvalidParameterValueException: The invoked function is not enabled"},
		{"an isolated function without a tenant", true, "", "InvalidParameterValueException: The invoked function is enabled"},
		{"an isolated function and its tenant", true, "blue@x.org", ""},
		{"a tenant with a line feed", true, "a\nb", "ValidationException: 1 validation error detected: Value"},
		{"a tenant that is too long", true, strings.Repeat("x", 257), "ValidationException: 1 validation error detected: Value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := &lambda.Version{Version: "1", TenantIsolation: tt.isolated}
			got, err := tenanted(v, tt.tenant)
			if (err == nil) != (tt.want == "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) {
				t.Fatalf("got error %v, want %q", err, tt.want)
			}
			if err == nil && got.Key().Tenant != tt.tenant {
				t.Errorf("environments are keyed by tenant %q, want %q", got.Key().Tenant, tt.tenant)
			}
			if v.Tenant != "" {
				t.Error("the shared version was changed")
			}
		})
	}
}
