package iam

import (
	"net/url"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// TestAPrincipalsPermissionsAreSimulated asks for a user with a policy of its own, one
// of its group's, a managed one as its boundary and a policy that is only tried.
func TestAPrincipalsPermissionsAreSimulated(t *testing.T) {
	f := open(t, nil)
	ctx := asRoot(t)
	f.mustUser(t, "ann", `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}},
	{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}]}`)
	boundary := f.mustCreatePolicy(t, "bound", allowDocument("sqs:*", "*"))
	for _, err := range []error{
		second(f.createGroup(ctx, &iam.CreateGroupInput{GroupName: new("g")})),
		second(f.putGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: new("g"), PolicyName: new("no"), PolicyDocument: new(
			`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"sqs:PurgeQueue","Resource":"*"}}`)})),
		second(f.addUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: new("g"), UserName: new("ann")})),
		second(f.putUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: new("ann"), PermissionsBoundary: &boundary})),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	user := userARN(account, "/", "ann")
	in := iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: &user, ActionNames: []string{"sqs:SendMessage", "sns:Publish", "sqs:PurgeQueue", "sqs:DeleteQueue", "s3:GetObject"},
		PolicyInputList: []string{allowDocument("sqs:DeleteQueue", "*")},
		ResourceArns:    []string{"arn:aws:sqs:eu-west-1:" + account + ":q"},
		ContextEntries:  []types.ContextEntry{{ContextKeyName: new("aws:RequestedRegion"), ContextKeyType: "string", ContextKeyValues: []string{"eu-west-1"}}},
	}
	const allowed, implicit, explicit = types.PolicyEvaluationDecisionTypeAllowed, types.PolicyEvaluationDecisionTypeImplicitDeny, types.PolicyEvaluationDecisionTypeExplicitDeny
	want := map[string]struct {
		decision types.PolicyEvaluationDecisionType
		policy   string
		bounded  bool // the boundary allows it
	}{
		"sqs:SendMessage": {allowed, "user_ann_own", true},
		"sns:Publish":     {implicit, "", false},
		"sqs:PurgeQueue":  {explicit, "group_g_no", true},
		"sqs:DeleteQueue": {allowed, "PolicyInputList.1", true},
		"s3:GetObject":    {implicit, "", false},
	}
	out, err := f.simulatePrincipalPolicy(ctx, &in)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.EvaluationResults) != len(want) || out.IsTruncated {
		t.Errorf("got %d results", len(out.EvaluationResults))
	}
	for _, r := range out.EvaluationResults {
		w, from := want[*r.EvalActionName], ""
		if len(r.MatchedStatements) > 0 {
			from = *r.MatchedStatements[0].SourcePolicyId
		}
		if r.EvalDecision != w.decision || from != w.policy || r.PermissionsBoundaryDecisionDetail.AllowedByPermissionsBoundary != w.bounded {
			t.Errorf("%s: got %s by %q, boundary %+v; want %+v", *r.EvalActionName, r.EvalDecision, from, r.PermissionsBoundaryDecisionDetail, w)
		}
	}

	in.ContextEntries, in.ActionNames = nil, in.ActionNames[:1]
	out, err = f.simulatePrincipalPolicy(ctx, &in)
	if err != nil {
		t.Fatal(err)
	}
	if r := out.EvaluationResults[0]; r.EvalDecision != implicit || !slices.Equal(r.MissingContextValues, []string{"aws:RequestedRegion"}) {
		t.Errorf("without the key that is asked for: %s, missing %v", r.EvalDecision, r.MissingContextValues)
	}
	in.PolicySourceArn = new(userARN(account, "/", "bob"))
	wantError(t, second(f.simulatePrincipalPolicy(ctx, &in)), codeNoSuchEntity, "")
	in.PolicySourceArn, in.PolicyInputList = &user, []string{"{"}
	wantError(t, second(f.simulatePrincipalPolicy(ctx, &in)), codeInvalidInput, "Syntax errors in policy.")
}

// TestPoliciesAreSimulatedByThemselves tells where in a document the statement is that
// decided, and goes through the results page by page.
func TestPoliciesAreSimulatedByThemselves(t *testing.T) {
	f := open(t, nil)
	ctx := asRoot(t)
	in := iam.SimulateCustomPolicyInput{
		PolicyInputList: []string{"{\"Version\":\"2012-10-17\",\"Statement\":[\n  {\"Effect\":\"Allow\",\"Action\":\"s3:Get*\",\"Resource\":\"arn:aws:s3:::b/*\"}]}"},
		ActionNames:     []string{"s3:GetObject", "s3:PutObject"}, ResourceArns: []string{"arn:aws:s3:::b/k", "arn:aws:s3:::c/k"}, MaxItems: new(int32(3)),
	}
	var got []types.PolicyEvaluationDecisionType
	for page := range 2 {
		out, err := f.simulateCustomPolicy(ctx, &in)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.EvaluationResults {
			if got = append(got, r.EvalDecision); len(got) == 1 {
				if at := r.MatchedStatements[0].StartPosition; at.Line != 2 {
					t.Errorf("the statement begins in line %d", at.Line)
				}
			}
		}
		if out.IsTruncated != (page == 0) {
			t.Errorf("page %d: truncated %v", page, out.IsTruncated)
		}
		in.Marker = out.Marker
	}
	if want := []types.PolicyEvaluationDecisionType{"allowed", "implicitDeny", "implicitDeny", "implicitDeny"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	in = iam.SimulateCustomPolicyInput{PolicyInputList: in.PolicyInputList, ActionNames: in.ActionNames, ResourcePolicy: new(allowDocument("s3:*", "*"))}
	wantError(t, second(f.simulateCustomPolicy(ctx, &in)), codeInvalidInput, "CallerArn is required when a ResourcePolicy is specified.")
}

func TestAllThatAuthorizesIsToldAtOnce(t *testing.T) {
	f := open(t, nil)
	ctx := asRoot(t)
	f.mustUser(t, "ann", allowDocument("sqs:*", "*"))
	f.mustCreateRole(t, "r", lambdaTrust)
	f.mustPutRolePolicy(t, "r", "own", allowDocument("logs:*", "*"))
	f.mustAttach(t, "r", f.mustCreatePolicy(t, "mine", allowDocument("s3:*", "*")))
	f.mustAttach(t, "r", awsPolicyARN)
	if err := second(f.createGroup(ctx, &iam.CreateGroupInput{GroupName: new("g")})); err != nil {
		t.Fatal(err)
	}
	out := &iam.GetAccountAuthorizationDetailsOutput{}
	for in := (&iam.GetAccountAuthorizationDetailsInput{MaxItems: new(int32(1))}); ; {
		page, err := f.getAccountAuthorizationDetails(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		out.UserDetailList = append(out.UserDetailList, page.UserDetailList...)
		out.GroupDetailList = append(out.GroupDetailList, page.GroupDetailList...)
		out.RoleDetailList = append(out.RoleDetailList, page.RoleDetailList...)
		out.Policies = append(out.Policies, page.Policies...)
		if in.Marker = page.Marker; !page.IsTruncated {
			break
		}
	}
	if len(out.UserDetailList) != 1 || len(out.GroupDetailList) != 1 || len(out.RoleDetailList) != 1 || len(out.Policies) != 2 {
		t.Fatalf("got %d users, %d groups, %d roles, %d policies", len(out.UserDetailList), len(out.GroupDetailList), len(out.RoleDetailList), len(out.Policies))
	}
	role := out.RoleDetailList[0]
	if document, err := url.QueryUnescape(*role.RolePolicyList[0].PolicyDocument); err != nil || document != allowDocument("logs:*", "*") {
		t.Errorf("the role's policy is %q, %v", document, err)
	}
	if len(role.AttachedManagedPolicies) != 2 || role.AssumeRolePolicyDocument == nil {
		t.Errorf("got %+v", role)
	}
	for _, p := range out.Policies {
		if *p.AttachmentCount != 1 || len(p.PolicyVersionList) == 0 || p.PolicyVersionList[0].Document == nil {
			t.Errorf("%s: attached %d times, versions %+v", *p.PolicyName, *p.AttachmentCount, p.PolicyVersionList)
		}
	}
	some, err := f.getAccountAuthorizationDetails(ctx, &iam.GetAccountAuthorizationDetailsInput{Filter: []types.EntityType{types.EntityTypeGroup}})
	if err != nil || len(some.GroupDetailList) != 1 || len(some.UserDetailList)+len(some.RoleDetailList)+len(some.Policies) != 0 {
		t.Errorf("groups alone: %+v, %v", some, err)
	}
	guest := lambda.WithCaller(t.Context(), rootIdentity("999999999999", "", "").Caller)
	if other, err := f.getAccountAuthorizationDetails(guest, &iam.GetAccountAuthorizationDetailsInput{}); err != nil || len(other.UserDetailList)+len(other.RoleDetailList)+len(other.Policies) != 0 {
		t.Errorf("another account sees %+v, %v", other, err)
	}
}

const awsPolicyARN = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
