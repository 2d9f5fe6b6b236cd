package iam

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/hearthfaas/hearth/internal/iam/policy"
)

func (f *fixture) mustCreatePolicy(tb testing.TB, name, document string) string {
	tb.Helper()
	out, err := f.createPolicy(asRoot(tb), &iam.CreatePolicyInput{PolicyName: &name, PolicyDocument: &document})
	if err != nil {
		tb.Fatalf("create policy %s: %v", name, err)
	}
	return *out.Policy.Arn
}

func TestBuiltInPoliciesParse(t *testing.T) {
	for arn, m := range awsManaged() {
		if _, err := m.current(); err != nil {
			t.Errorf("%s: %v", arn, err)
		}
		if n := documentSize(m.Versions[0].Document); n > managedMax {
			t.Errorf("%s has %d characters, more than a policy may have", arn, n)
		}
	}
	for _, name := range []string{
		"service-role/AWSLambdaBasicExecutionRole", "service-role/AWSLambdaSQSQueueExecutionRole", "service-role/AWSLambdaRole",
		"service-role/AWSLambdaKinesisExecutionRole", "service-role/AWSLambdaDynamoDBExecutionRole", "service-role/AWSLambdaMSKExecutionRole",
		"service-role/AWSLambdaVPCAccessExecutionRole", "service-role/AWSLambdaBasicDurableExecutionRolePolicy", "AWSXRayDaemonWriteAccess",
		"AdministratorAccess", "ReadOnlyAccess", "PowerUserAccess", "AWSLambda_FullAccess", "AWSLambda_ReadOnlyAccess",
		"AmazonS3FullAccess", "AmazonS3ReadOnlyAccess", "AmazonDynamoDBFullAccess", "AmazonDynamoDBReadOnlyAccess",
		"AmazonSQSFullAccess", "AmazonSQSReadOnlyAccess", "AmazonSNSFullAccess", "CloudWatchLogsFullAccess", "AmazonEventBridgeFullAccess",
	} {
		if _, ok := awsManaged()["arn:aws:iam::aws:policy/"+name]; !ok {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestBuiltInPoliciesAllowWhatTheyAreFor(t *testing.T) {
	tests := []struct {
		policy, action string
		want           policy.Effect
	}{
		{"service-role/AWSLambdaBasicExecutionRole", "logs:PutLogEvents", policy.Allow},
		{"service-role/AWSLambdaBasicExecutionRole", "sqs:ReceiveMessage", policy.None},
		{"service-role/AWSLambdaSQSQueueExecutionRole", "sqs:DeleteMessage", policy.Allow},
		{"service-role/AWSLambdaSQSQueueExecutionRole", "logs:CreateLogStream", policy.Allow},
		{"PowerUserAccess", "lambda:CreateFunction", policy.Allow},
		{"PowerUserAccess", "iam:CreateRole", policy.None},
		{"ReadOnlyAccess", "lambda:GetFunction", policy.Allow},
		{"ReadOnlyAccess", "lambda:DeleteFunction", policy.None},
		{"AWSLambda_ReadOnlyAccess", "lambda:ListFunctions", policy.Allow},
		{"AWSLambda_ReadOnlyAccess", "lambda:InvokeFunction", policy.None},
		{"AWSLambda_FullAccess", "iam:PassRole", policy.None}, // without iam:PassedToService
	}
	for _, tt := range tests {
		p, err := awsManaged()["arn:aws:iam::aws:policy/"+tt.policy].current()
		if err != nil {
			t.Fatal(err)
		}
		got := policy.Evaluate([]policy.Source{{Name: tt.policy, Policy: p}}, &policy.Request{Action: tt.action, Resource: "*"})
		if got.Effect != tt.want {
			t.Errorf("%s on %s: got %v, want %v", tt.policy, tt.action, got.Effect, tt.want)
		}
	}
}

func TestAPolicyIsReadAsItWasCreated(t *testing.T) {
	f := open(t, nil)
	document := allowDocument("s3:GetObject", "arn:aws:s3:::b/*")
	created, err := f.createPolicy(asRoot(t), &iam.CreatePolicyInput{
		PolicyName: new("p"), Path: new("/team/"), PolicyDocument: &document, Description: new("reads b"),
		Tags: []types.Tag{{Key: new("k"), Value: new("v")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	arn := created.Policy.Arn
	if want := "arn:aws:iam::000000000000:policy/team/p"; *arn != want {
		t.Fatalf("got %q, want %q", *arn, want)
	}
	f.mustCreateRole(t, "r", lambdaTrust)
	f.mustAttach(t, "r", *arn)
	f.reopen(t)
	got, err := f.getPolicyOperation(asRoot(t), &iam.GetPolicyInput{PolicyArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	p := got.Policy
	if *p.PolicyId != *created.Policy.PolicyId || *p.DefaultVersionId != "v1" || *p.AttachmentCount != 1 || *p.Description != "reads b" || len(p.Tags) != 1 {
		t.Errorf("got %+v", p)
	}
	version, err := f.getPolicyVersion(asRoot(t), &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: p.DefaultVersionId})
	if err != nil {
		t.Fatal(err)
	}
	if doc, _ := url.PathUnescape(*version.PolicyVersion.Document); doc != document || !version.PolicyVersion.IsDefaultVersion {
		t.Errorf("got %q, default %v", doc, version.PolicyVersion.IsDefaultVersion)
	}
	entities, err := f.listEntitiesForPolicy(asRoot(t), &iam.ListEntitiesForPolicyInput{PolicyArn: arn})
	if err != nil || len(entities.PolicyRoles) != 1 || *entities.PolicyRoles[0].RoleName != "r" || entities.PolicyUsers == nil {
		t.Errorf("got %+v, error %v", entities, err)
	}
}

func TestCreatePolicyRefuses(t *testing.T) {
	f := open(t, nil)
	f.mustCreatePolicy(t, "taken", allowDocument("s3:*", "*"))
	tests := []struct {
		name, policyName, document, code, message string
	}{
		{"a name that exists", "Taken", allowDocument("s3:*", "*"), codeAlreadyExists, "A policy called Taken already exists. Duplicate names are not allowed."},
		{"a malformed document", "p", `{}`, codeMalformed, "Syntax errors in policy."},
		{"a document beyond the quota", "p", allowDocument("s3:*", "arn:aws:s3:::"+strings.Repeat("x", managedMax)), codeLimitExceeded, "Cannot exceed quota for PolicySize: 6144"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := f.createPolicy(asRoot(t), &iam.CreatePolicyInput{PolicyName: &tt.policyName, PolicyDocument: &tt.document})
			wantError(t, err, tt.code, tt.message)
		})
	}
	t.Run("white space does not count", func(t *testing.T) {
		f.mustCreatePolicy(t, "wide", strings.Replace(allowDocument("s3:*", "*"), ",", ","+strings.Repeat(" ", managedMax), 1))
	})
}

func TestPolicyVersions(t *testing.T) {
	f := open(t, nil)
	ctx := asRoot(t)
	arn := new(f.mustCreatePolicy(t, "p", allowDocument("s3:*", "*")))
	create := func(setDefault bool) (*iam.CreatePolicyVersionOutput, error) {
		return f.createPolicyVersion(ctx, &iam.CreatePolicyVersionInput{
			PolicyArn: arn, PolicyDocument: new(allowDocument("sqs:*", "*")), SetAsDefault: setDefault,
		})
	}
	out, err := create(true)
	if err != nil || *out.PolicyVersion.VersionId != "v2" || !out.PolicyVersion.IsDefaultVersion {
		t.Fatalf("got %+v, error %v", out, err)
	}
	remove := func(id string) error {
		_, err := f.deletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: &id})
		return err
	}
	wantError(t, remove("v2"), codeDeleteConflict, "Cannot delete the default version of a policy.")
	wantError(t, remove("v9"), codeNoSuchEntity, "Policy "+*arn+" version v9 does not exist or is not attachable.")
	_, err = f.deletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn})
	wantError(t, err, codeDeleteConflict, "")
	if err := remove("v1"); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if _, err := create(false); err != nil {
			t.Fatal(err)
		}
	}
	_, err = create(false)
	wantError(t, err, codeLimitExceeded, "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")
	list, err := f.listPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: arn, MaxItems: new(int32(2))})
	if err != nil || len(list.Versions) != 2 || *list.Versions[0].VersionId != "v6" || *list.Versions[1].VersionId != "v5" || !list.IsTruncated {
		t.Fatalf("got %+v, error %v", list, err)
	}
	list, err = f.listPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: arn, Marker: list.Marker})
	if err != nil || len(list.Versions) != 3 || *list.Versions[0].VersionId != "v4" || *list.Versions[2].VersionId != "v2" {
		t.Fatalf("second page: got %+v, error %v", list, err)
	}
	if _, err := f.setDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: arn, VersionId: new("v6")}); err != nil {
		t.Fatal(err)
	}
	got, err := f.getPolicyOperation(ctx, &iam.GetPolicyInput{PolicyArn: arn})
	if err != nil || *got.Policy.DefaultVersionId != "v6" {
		t.Errorf("got %+v, error %v", got, err)
	}
}

func TestAPolicyInUseIsNotDeleted(t *testing.T) {
	f := open(t, nil)
	ctx := asRoot(t)
	arn := new(f.mustCreatePolicy(t, "p", allowDocument("s3:*", "*")))
	f.mustCreateRole(t, "r", lambdaTrust)
	remove := func() error {
		_, err := f.deletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn})
		return err
	}
	f.mustAttach(t, "r", *arn)
	wantError(t, remove(), codeDeleteConflict, "Cannot delete a policy attached to entities.")
	if _, err := f.detachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: new("r"), PolicyArn: arn}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.putRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: new("r"), PermissionsBoundary: arn}); err != nil {
		t.Fatal(err)
	}
	wantError(t, remove(), codeDeleteConflict, "Cannot delete a policy attached to entities.")
	if _, err := f.deleteRolePermissionsBoundary(ctx, &iam.DeleteRolePermissionsBoundaryInput{RoleName: new("r")}); err != nil {
		t.Fatal(err)
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	wantError(t, remove(), codeNoSuchEntity, "Policy "+*arn+" was not found.")
}

func TestAWSManagedPoliciesCannotBeChanged(t *testing.T) {
	f := open(t, nil)
	_, err := f.deletePolicy(asRoot(t), &iam.DeletePolicyInput{PolicyArn: new(basicRole)})
	wantError(t, err, codeAccessDenied, "User: arn:aws:iam::000000000000:root is not authorized to perform: iam:DeletePolicy on resource: policy "+basicRole)
}

func TestPoliciesAreListedByScopeAndUse(t *testing.T) {
	f := open(t, nil)
	mine := f.mustCreatePolicy(t, "mine", allowDocument("s3:*", "*"))
	f.mustCreateRole(t, "r", lambdaTrust)
	f.mustAttach(t, "r", basicRole)
	tests := []struct {
		name string
		in   iam.ListPoliciesInput
		want int
		has  string
	}{
		{"the account's own", iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal}, 1, mine},
		{"AWS's", iam.ListPoliciesInput{Scope: types.PolicyScopeTypeAws}, len(awsPolicies), basicRole},
		{"all", iam.ListPoliciesInput{MaxItems: new(int32(1000))}, len(awsPolicies) + 1, mine},
		{"those in use", iam.ListPoliciesInput{OnlyAttached: true}, 1, basicRole},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := f.listPolicies(asRoot(t), &tt.in)
			if err != nil {
				t.Fatal(err)
			}
			has := false
			for _, p := range out.Policies {
				has = has || *p.Arn == tt.has
			}
			if len(out.Policies) != tt.want || !has {
				t.Errorf("got %d policies, with %s: %v; want %d", len(out.Policies), tt.has, has, tt.want)
			}
		})
	}
}
