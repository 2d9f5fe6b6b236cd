package compat

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestAPIProvisionedConcurrencyOfVersionsAndAliases(t *testing.T) {
	a := serve(t)
	a.function("f")
	a.publish("f", "one")
	a.publish("f", "two")
	f, arn := new("f"), apiPrefix+"function:f"
	for alias, version := range map[string]string{"prod": "1", "two": "2", "other": "2", "latest": "$LATEST"} {
		a.do(&lambda.CreateAliasInput{FunctionName: f, Name: &alias, FunctionVersion: &version})
	}
	put := func(qualifier string, n int32) *lambda.PutProvisionedConcurrencyConfigInput {
		return &lambda.PutProvisionedConcurrencyConfigInput{FunctionName: f, Qualifier: &qualifier, ProvisionedConcurrentExecutions: &n}
	}
	get := func(qualifier string) *lambda.GetProvisionedConcurrencyConfigInput {
		return &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: f, Qualifier: &qualifier}
	}
	shows(t, a.do(put("prod", 2)), 202, `{"RequestedProvisionedConcurrentExecutions":2,"AllocatedProvisionedConcurrentExecutions":0,"AvailableProvisionedConcurrentExecutions":0,"Status":"IN_PROGRESS","LastModified":"*"}`)
	a.do(put("2", 1))
	if got, err := a.GetProvisionedConcurrencyConfig(t.Context(), get("prod")); err != nil || *got.RequestedProvisionedConcurrentExecutions != 2 {
		t.Errorf("got %+v %v, want 2", got, err)
	}
	listed, err := a.ListProvisionedConcurrencyConfigs(t.Context(), &lambda.ListProvisionedConcurrencyConfigsInput{FunctionName: f})
	if err != nil || len(listed.ProvisionedConcurrencyConfigs) != 2 || *listed.ProvisionedConcurrencyConfigs[0].FunctionArn != arn+":2" || *listed.ProvisionedConcurrencyConfigs[1].FunctionArn != arn+":prod" {
		t.Errorf("got %+v %v, want those of 2 and prod", listed, err)
	}
	unpublished := "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
	a.refuses(t, []refusal{
		{"$LATEST", put("$LATEST", 1), "InvalidParameterValueException", unpublished, false},
		{"an alias of $LATEST", put("latest", 1), "InvalidParameterValueException", unpublished, false},
		{"a read of $LATEST", get("$LATEST"), "InvalidParameterValueException", "The function resource provided must be an alias or a published version.", false},
		{"none at all", put("prod", 0), "ValidationException", violation("'0'", "provisionedConcurrentExecutions", "Member must have value greater than or equal to 1"), false},
		{"a version that an alias provisions", put("1", 1), "ResourceConflictException", "Version is pointed by a Provisioned Concurrency alias", false},
		{"an alias of a version that has it", put("two", 1), "ResourceConflictException", "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version", false},
		{"an alias that is not there", put("gone", 1), "ResourceNotFoundException", "Cannot find alias arn: " + arn + ":gone", false},
		{"a version that is not there", put("9", 1), "ResourceNotFoundException", "Function not found: " + arn + ":9", false},
		{"more than the account has", put("prod", 1000), "InvalidParameterValueException", "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [999].", true},
		{"what leaves less than 100", put("prod", 950), "InvalidParameterValueException", "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].", true},
		{"a read of none", get("other"), "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function", false},
		{
			"a reserve below it", &lambda.PutFunctionConcurrencyInput{FunctionName: f, ReservedConcurrentExecutions: new(int32(1))}, "InvalidParameterValueException",
			" ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency [3].", true,
		},
	})
	a.do(&lambda.PutFunctionConcurrencyInput{FunctionName: f, ReservedConcurrentExecutions: new(int32(3))})
	a.refuses(t, []refusal{{"more than the reserve", put("prod", 3), "InvalidParameterValueException", "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function", false}})
	for range 2 {
		shows(t, a.do(&lambda.DeleteProvisionedConcurrencyConfigInput{FunctionName: f, Qualifier: new("prod")}), 204, "")
	}
}

// TestAPIWithoutDurableFunctionsAndManagedInstances holds what operations answer that
// have nothing to act on here.
func TestAPIWithoutDurableFunctionsAndManagedInstances(t *testing.T) {
	a := serve(t)
	a.function("f")
	a.publish("f", "one")
	execution := apiPrefix + "function:f:1/durable-execution/name/id"
	provider := apiPrefix + "capacity-provider:p"
	token := new("dG9rZW4=")
	shows(t, a.do(&lambda.ListCapacityProvidersInput{}), 200, `{"CapacityProviders":[]}`)
	shows(t, a.do(&lambda.ListDurableExecutionsByFunctionInput{FunctionName: new("f")}), 200, `{"DurableExecutions":[]}`)
	shows(t, a.do(&lambda.PutFunctionScalingConfigInput{FunctionName: new("f"), Qualifier: new("1"), FunctionScalingConfig: &types.FunctionScalingConfig{MinExecutionEnvironments: new(int32(1))}}), 202, `{"FunctionState":"Active"}`)
	shows(t, a.do(&lambda.GetFunctionScalingConfigInput{FunctionName: new("f"), Qualifier: new("1")}), 200,
		`{"FunctionArn":"`+apiPrefix+`function:f:1","RequestedFunctionScalingConfig":{"MinExecutionEnvironments":1}}`)
	gone, capacity := "Durable execution not found: "+execution, "Capacity provider not found: "+provider
	a.refuses(t, []refusal{
		{"GetDurableExecution", &lambda.GetDurableExecutionInput{DurableExecutionArn: &execution}, "ResourceNotFoundException", gone, false},
		{"GetDurableExecutionHistory", &lambda.GetDurableExecutionHistoryInput{DurableExecutionArn: &execution}, "ResourceNotFoundException", gone, false},
		{"StopDurableExecution", &lambda.StopDurableExecutionInput{DurableExecutionArn: &execution}, "ResourceNotFoundException", gone, false},
		{"GetDurableExecutionState", &lambda.GetDurableExecutionStateInput{DurableExecutionArn: &execution, CheckpointToken: token}, "InvalidParameterValueException", "The provided checkpoint token is invalid.", false},
		{"CheckpointDurableExecution", &lambda.CheckpointDurableExecutionInput{DurableExecutionArn: &execution, CheckpointToken: token}, "InvalidParameterValueException", "The provided checkpoint token is invalid.", false},
		{"SendDurableExecutionCallbackSuccess", &lambda.SendDurableExecutionCallbackSuccessInput{CallbackId: token}, "ResourceNotFoundException", "Callback not found.", false},
		{"SendDurableExecutionCallbackFailure", &lambda.SendDurableExecutionCallbackFailureInput{CallbackId: token}, "ResourceNotFoundException", "Callback not found.", false},
		{"SendDurableExecutionCallbackHeartbeat", &lambda.SendDurableExecutionCallbackHeartbeatInput{CallbackId: token}, "ResourceNotFoundException", "Callback not found.", false},
		{"GetCapacityProvider", &lambda.GetCapacityProviderInput{CapacityProviderName: new("p")}, "ResourceNotFoundException", capacity, false},
		{"UpdateCapacityProvider", &lambda.UpdateCapacityProviderInput{CapacityProviderName: &provider}, "ResourceNotFoundException", capacity, false},
		{"DeleteCapacityProvider", &lambda.DeleteCapacityProviderInput{CapacityProviderName: new("p")}, "ResourceNotFoundException", capacity, false},
		{"ListFunctionVersionsByCapacityProvider", &lambda.ListFunctionVersionsByCapacityProviderInput{CapacityProviderName: new("p")}, "ResourceNotFoundException", capacity, false},
		{"CreateCapacityProvider", &lambda.CreateCapacityProviderInput{
			CapacityProviderName: new("p"),
			VpcConfig:            &types.CapacityProviderVpcConfig{SubnetIds: []string{"subnet-1"}, SecurityGroupIds: []string{}},
			PermissionsConfig:    &types.CapacityProviderPermissionsConfig{CapacityProviderOperatorRoleArn: &a.role},
		}, "InvalidParameterValueException", "Capacity providers are not available in this Region.", false},
		{"the scaling of what is not published", &lambda.GetFunctionScalingConfigInput{FunctionName: new("f"), Qualifier: new("9")}, "ResourceNotFoundException", "Function not found: " + apiPrefix + "function:f:9", false},
	})
}

func TestAPIResourcePoliciesOnTheWire(t *testing.T) {
	a := serve(t)
	a.function("f")
	arn := apiPrefix + "function:f"
	first := `{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"s","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"` + arn + `"}]}`
	whole := `{"Version":"2012-10-17","Id":"own","Statement":[{"Sid":"t","Effect":"Deny","Principal":{"AWS":"111111111111"},"Action":"lambda:*","Resource":"` + arn + `"}]}`
	stale := "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id"
	get := &lambda.GetResourcePolicyInput{ResourceArn: &arn}
	a.refuses(t, []refusal{{"a read of none", get, "ResourceNotFoundException", "The resource you requested does not exist.", false}})
	a.do(&lambda.AddPermissionInput{FunctionName: new("f"), StatementId: new("s"), Action: new("lambda:InvokeFunction"), Principal: new("*")})
	shows(t, a.do(get), 200, `{"Policy":`+quoted(first)+`,"RevisionId":"*"}`)
	shows(t, a.do(&lambda.PutResourcePolicyInput{ResourceArn: &arn, Policy: &whole}), 200, `{"Policy":`+quoted(whole)+`,"RevisionId":"*"}`)
	shows(t, a.do(&lambda.GetPolicyInput{FunctionName: new("f")}), 200, `{"Policy":`+quoted(whole)+`,"RevisionId":"*"}`)
	a.refuses(t, []refusal{
		{"a stale revision", &lambda.PutResourcePolicyInput{ResourceArn: &arn, Policy: &whole, RevisionId: new(absentUUID)}, "PreconditionFailedException", stale, false},
		{"a deletion at a stale revision", &lambda.DeleteResourcePolicyInput{ResourceArn: &arn, RevisionId: new(absentUUID)}, "PreconditionFailedException", stale, false},
		{
			"a function that is not there", &lambda.PutResourcePolicyInput{ResourceArn: new(apiPrefix + "function:gone"), Policy: new(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"lambda:*","Resource":"*"}]}`)},
			"ResourceNotFoundException", "Function not found: " + apiPrefix + "function:gone", false,
		},
	})
	shows(t, a.do(&lambda.DeleteResourcePolicyInput{ResourceArn: &arn}), 204, "")
	a.refuses(t, []refusal{{"a read after the deletion", get, "ResourceNotFoundException", "The resource you requested does not exist.", false}})
}
