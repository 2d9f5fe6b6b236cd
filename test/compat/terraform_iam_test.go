package compat

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// TestTerraformManagesIdentities goes through a configuration with a resource of
// every kind that IAM has here: after an apply there is nothing left to change, what
// it made works, and a destroy leaves nothing.
func TestTerraformManagesIdentities(t *testing.T) {
	h, _, tf := workspaceOf(t, "testdata/terraform_iam/main.tf")
	tf(0, "init", "-input=false", "-no-color")
	tf(0, "apply", "-auto-approve", "-input=false", "-no-color")
	tf(planEmpty, "plan", "-detailed-exitcode", "-input=false", "-no-color")

	cfg := h.AWS()
	cfg.Credentials = credentials.NewStaticCredentialsProvider(tf(0, "output", "-raw", "key"), tf(0, "output", "-raw", "secret"), "")
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || aws.ToString(who.Arn) != "arn:aws:iam::000000000000:user/made/user" {
		t.Errorf("the new key proves %v, error %v", who, err)
	}
	_, err = sts.NewFromConfig(cfg).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::000000000000:role/made/role"), RoleSessionName: aws.String("session"),
	})
	if err != nil {
		t.Errorf("the user may not assume the role: %v", err)
	}

	tf(planChanges, "plan", "-detailed-exitcode", "-input=false", "-no-color", "-var=team=red")
	tf(0, "apply", "-auto-approve", "-input=false", "-no-color", "-var=team=red")
	tf(planEmpty, "plan", "-detailed-exitcode", "-input=false", "-no-color", "-var=team=red")

	tf(0, "destroy", "-auto-approve", "-input=false", "-no-color", "-var=team=red")
	left, err := iam.NewFromConfig(h.AWS()).GetAccountSummary(t.Context(), &iam.GetAccountSummaryInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"Users", "Groups", "Roles", "Policies", "Providers"} {
		if n := left.SummaryMap[kind]; n != 0 {
			t.Errorf("after destroy there are %d %s", n, kind)
		}
	}
}
