package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/harness"
)

// initialisedAs tells how its environment was initialised and how often the module
// was loaded in it.
const initialisedAs = `let n = 0;
exports.handler = async () => ({how: process.env.AWS_LAMBDA_INITIALIZATION_TYPE, n: ++n});`

func TestRootProvisionedEnvironmentsAreInitialisedBeforeTheFirstInvoke(t *testing.T) {
	h := up(t, "")
	h.function(t, "f", initialisedAs)
	if _, err := h.lambda.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: aws.String("f")}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.lambda.PutProvisionedConcurrencyConfig(t.Context(), &lambda.PutProvisionedConcurrencyConfigInput{
		FunctionName: aws.String("f"), Qualifier: aws.String("1"), ProvisionedConcurrentExecutions: aws.Int32(2),
	}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "provisioned concurrency is ready", func() bool {
		out, err := h.lambda.GetProvisionedConcurrencyConfig(t.Context(), &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: aws.String("f"), Qualifier: aws.String("1")})
		return err == nil && out.Status == types.ProvisionedConcurrencyStatusEnumReady && *out.AvailableProvisionedConcurrentExecutions == 2
	})
	if got, want := h.answers(t, "f:1", `{}`), `{"how":"provisioned-concurrency","n":1}`; got != want {
		t.Errorf("the first invoke answers %s, want %s", got, want)
	}
	if got, want := h.answers(t, "f", `{}`), `{"how":"on-demand","n":1}`; got != want {
		t.Errorf("$LATEST answers %s, want %s", got, want)
	}
}

func TestRootProvisionedConcurrencyFailsWithItsInit(t *testing.T) {
	h := up(t, "")
	h.function(t, "f", `throw new Error("no");`)
	if _, err := h.lambda.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: aws.String("f")}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.lambda.PutProvisionedConcurrencyConfig(t.Context(), &lambda.PutProvisionedConcurrencyConfigInput{
		FunctionName: aws.String("f"), Qualifier: aws.String("1"), ProvisionedConcurrentExecutions: aws.Int32(1),
	}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "provisioned concurrency failed", func() bool {
		out, err := h.lambda.GetProvisionedConcurrencyConfig(t.Context(), &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: aws.String("f"), Qualifier: aws.String("1")})
		return err == nil && out.Status == types.ProvisionedConcurrencyStatusEnumFailed && *out.StatusReason == "FUNCTION_ERROR_INIT_FAILURE"
	})
}

func TestRootTenantsNeverShareAnEnvironment(t *testing.T) {
	h := up(t, "")
	role, err := harness.LogsRole(t.Context(), h.aws)
	if err != nil {
		t.Fatal(err)
	}
	code, err := harness.Function{Files: map[string]string{"index.js": initialisedAs}}.Package(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.lambda.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("f"), Runtime: types.Runtime(node), Handler: aws.String("index.handler"), Role: &role,
		Code:          &types.FunctionCode{ZipFile: code},
		TenancyConfig: &types.TenancyConfig{TenantIsolationMode: types.TenantIsolationModePerTenant},
	}); err != nil {
		t.Fatal(err)
	}
	if err := harness.WaitActive(t.Context(), h.lambda, "f"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ tenant, want string }{
		{"blue", `"n":1`}, {"blue", `"n":2`}, {"green", `"n":1`}, {"blue", `"n":3`},
	} {
		out, err := h.lambda.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), TenantId: aws.String(c.tenant)})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(out.Payload), c.want) {
			t.Errorf("tenant %s: %s, want %s", c.tenant, out.Payload, c.want)
		}
	}
	if _, err := h.lambda.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f")}); err == nil || !strings.Contains(err.Error(), "Add a valid tenant ID") {
		t.Errorf("without a tenant: %v", err)
	}
}
