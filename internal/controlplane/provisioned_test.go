package controlplane

import (
	"errors"
	"sync"
	"testing"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// ahead keeps environments ready as soon as somebody wants them, unless the
// function does not initialise.
type ahead struct {
	mu      sync.Mutex
	wanted  map[lambda.EnvironmentKey]int
	counted map[string]int // by version
	failed  error
	told    chan struct{}
}

func newAhead() *ahead {
	return &ahead{wanted: map[lambda.EnvironmentKey]int{}, counted: map[string]int{}, told: make(chan struct{}, 1)}
}

func (a *ahead) Provision(v *lambda.Version, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wanted[v.Key()] = n
	select {
	case a.told <- struct{}{}:
	default:
	}
}

func (a *ahead) Provisioned(key lambda.EnvironmentKey) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed != nil {
		return 0, a.failed
	}
	return a.wanted[key], nil
}

func (a *ahead) SetReserved(lambda.FunctionID, *int) {}

func (a *ahead) SetProvisioned(_ lambda.FunctionID, version string, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counted[version] = n
}

// await waits until both peers were told to have n for a version.
func (a *ahead) await(t *testing.T, version string, n int) {
	t.Helper()
	for {
		a.mu.Lock()
		got, counted := 0, a.counted[version]
		for key, wanted := range a.wanted {
			if key.Version == version {
				got += wanted
			}
		}
		a.mu.Unlock()
		if got == n && counted == n {
			return
		}
		select {
		case <-a.told:
		case <-t.Context().Done():
			t.Fatalf("version %s has %d environments and %d slots ahead, want %d", version, got, counted, n)
		}
	}
}

func startAhead(t *testing.T) (*harness, *ahead) {
	a := newAhead()
	h := start(t, func(c *Config) { c.Provisioner, c.Limits = a, a })
	h.create("f")
	h.publish("f")
	h.updateCode("f", "v2")
	h.publish("f")
	return h, a
}

func (h *harness) putProvisioned(name, qualifier string, n int32) error {
	_, err := h.PutProvisionedConcurrencyConfig(h.ctx, &awslambda.PutProvisionedConcurrencyConfigInput{
		FunctionName: &name, Qualifier: &qualifier, ProvisionedConcurrentExecutions: &n,
	})
	return err
}

func (h *harness) getProvisioned(qualifier string) (*awslambda.GetProvisionedConcurrencyConfigOutput, error) {
	return h.GetProvisionedConcurrencyConfig(h.ctx, &awslambda.GetProvisionedConcurrencyConfigInput{FunctionName: new("f"), Qualifier: &qualifier})
}

func TestProvisionedConcurrencyGoesThroughItsStates(t *testing.T) {
	h, a := startAhead(t)
	out := must(h.PutProvisionedConcurrencyConfig(h.ctx, &awslambda.PutProvisionedConcurrencyConfigInput{
		FunctionName: new("f"), Qualifier: new("1"), ProvisionedConcurrentExecutions: new(int32(3)),
	}))
	if out.Status != "IN_PROGRESS" || *out.RequestedProvisionedConcurrentExecutions != 3 || *out.AllocatedProvisionedConcurrentExecutions != 0 || *out.AvailableProvisionedConcurrentExecutions != 0 {
		t.Errorf("put: %s %d %d", out.Status, *out.RequestedProvisionedConcurrentExecutions, *out.AvailableProvisionedConcurrentExecutions)
	}
	a.await(t, "1", 3)
	got := must(h.getProvisioned("1"))
	if got.Status != "READY" || *got.AllocatedProvisionedConcurrentExecutions != 3 || *got.AvailableProvisionedConcurrentExecutions != 3 {
		t.Errorf("ready: %s %d", got.Status, *got.AvailableProvisionedConcurrentExecutions)
	}
	a.mu.Lock()
	a.failed = errors.New("exit status 1")
	a.mu.Unlock()
	if got := must(h.getProvisioned("1")); got.Status != "FAILED" || *got.StatusReason != "FUNCTION_ERROR_INIT_FAILURE" {
		t.Errorf("failed: %s", got.Status)
	}
	list := must(h.ListProvisionedConcurrencyConfigs(h.ctx, &awslambda.ListProvisionedConcurrencyConfigsInput{FunctionName: new("f")}))
	if n := len(list.ProvisionedConcurrencyConfigs); n != 1 || *list.ProvisionedConcurrencyConfigs[0].FunctionArn != fARN+":1" {
		t.Errorf("%d listed", n)
	}
	for range 2 { // the second time there is nothing to delete
		must(h.DeleteProvisionedConcurrencyConfig(h.ctx, &awslambda.DeleteProvisionedConcurrencyConfigInput{FunctionName: new("f"), Qualifier: new("1")}))
	}
	a.await(t, "1", 0)
	_, err := h.getProvisioned("1")
	shows(t, err, "ProvisionedConcurrencyConfigNotFoundException: No Provisioned Concurrency Config found for this function")
}

func TestProvisionedConcurrencyFollowsItsAlias(t *testing.T) {
	h, a := startAhead(t)
	h.alias("live", "1")
	if err := h.putProvisioned("f", "live", 2); err != nil {
		t.Fatal(err)
	}
	a.await(t, "1", 2)
	must(h.UpdateAlias(h.ctx, &awslambda.UpdateAliasInput{FunctionName: new("f"), Name: new("live"), FunctionVersion: new("2")}))
	a.await(t, "1", 0)
	a.await(t, "2", 2)
	if got := must(h.getProvisioned("live")); got.Status != "READY" {
		t.Errorf("after the alias moved: %s", got.Status)
	}
	must(h.DeleteAlias(h.ctx, &awslambda.DeleteAliasInput{FunctionName: new("f"), Name: new("live")}))
	a.await(t, "2", 0)
	if err := h.putProvisioned("f", "2", 4); err != nil {
		t.Fatal(err)
	}
	a.await(t, "2", 4)
	must(h.DeleteFunction(h.ctx, &awslambda.DeleteFunctionInput{FunctionName: new("f")}))
	a.await(t, "2", 0)
}

func TestProvisionedConcurrencyIsResumed(t *testing.T) {
	st := newMem()
	h := startOn(t, st, &peers{})
	h.create("f")
	h.publish("f")
	if err := h.putProvisioned("f", "1", 2); err != nil {
		t.Fatal(err)
	}
	h.stop()
	a := newAhead()
	startOn(t, st, &peers{}, func(c *Config) { c.Provisioner, c.Limits = a, a })
	a.await(t, "1", 2)
}

func TestProvisionedConcurrencyRefuses(t *testing.T) {
	h, _ := startAhead(t)
	h.create("g")
	h.publish("g")
	h.alias("live", "1")
	h.alias("next", "$LATEST")
	const put = "InvalidParameterValueException: Provisioned Concurrency Configs cannot be applied to unpublished function versions."
	shows(t, h.putProvisioned("f", "$LATEST", 1), put)
	shows(t, h.putProvisioned("f", "next", 1), put)
	shows(t, h.putProvisioned("f", "9", 1), "ResourceNotFoundException: Function not found: "+fARN+":9")
	shows(t, h.putProvisioned("f", "nope", 1), "ResourceNotFoundException: Cannot find alias arn: "+fARN+":nope")
	_, err := h.getProvisioned("$LATEST")
	shows(t, err, "InvalidParameterValueException: The function resource provided must be an alias or a published version.")
	_, err = h.getProvisioned("9")
	shows(t, err, "ResourceNotFoundException: Function not found: "+fARN+":9")

	shows(t, h.putProvisioned("f", "1", 1001), "InvalidParameterValueException: Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [1000].")
	shows(t, h.putProvisioned("f", "1", 950), "InvalidParameterValueException: Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].")
	shows(t, h.putProvisioned("f", "1", 2), "")
	shows(t, h.putProvisioned("f", "live", 1), "ResourceConflictException: Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
	must(h.DeleteProvisionedConcurrencyConfig(h.ctx, &awslambda.DeleteProvisionedConcurrencyConfigInput{FunctionName: new("f"), Qualifier: new("1")}))
	shows(t, h.putProvisioned("f", "live", 2), "")
	shows(t, h.putProvisioned("f", "1", 1), "ResourceConflictException: Version is pointed by a Provisioned Concurrency alias")
	shows(t, h.putProvisioned("f", "live", 2), "") // again is no conflict with itself

	reserve := func(name string, n int32) error {
		_, err := h.PutFunctionConcurrency(h.ctx, &awslambda.PutFunctionConcurrencyInput{FunctionName: &name, ReservedConcurrentExecutions: &n})
		return err
	}
	shows(t, reserve("f", 1), "InvalidParameterValueException:  ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency [2].")
	shows(t, reserve("g", 899), "InvalidParameterValueException: Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].")
	shows(t, reserve("g", 898), "")
	shows(t, reserve("g", 10), "")
	shows(t, reserve("f", 3), "")
	shows(t, h.putProvisioned("f", "2", 2), "InvalidParameterValueException: Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
	shows(t, h.putProvisioned("f", "2", 1), "")
	if got := *must(h.GetAccountSettings(h.ctx, &awslambda.GetAccountSettingsInput{})).AccountLimit.UnreservedConcurrentExecutions; got != 987 {
		t.Errorf("%d unreserved, want 1000-10-3", got)
	}

	h.create("t", func(in *awslambda.CreateFunctionInput) {
		in.TenancyConfig = &types.TenancyConfig{TenantIsolationMode: types.TenantIsolationModePerTenant}
	})
	h.publish("t")
	shows(t, h.putProvisioned("t", "1", 1), "InvalidParameterValueException: Provisioned concurrency is not supported for functions with tenant isolation enabled.")
}
