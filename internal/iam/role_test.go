package iam

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const (
	lambdaTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	basicRole   = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
)

func allowDocument(action, resource string) string {
	return `{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"}]}`
}

func (f *fixture) mustCreateRole(tb testing.TB, name, trust string) types.Role {
	tb.Helper()
	out, err := f.createRole(asRoot(tb), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	if err != nil {
		tb.Fatalf("create role %s: %v", name, err)
	}
	return *out.Role
}

func (f *fixture) mustPutRolePolicy(tb testing.TB, role, name, document string) {
	tb.Helper()
	_, err := f.putRolePolicy(asRoot(tb), &iam.PutRolePolicyInput{RoleName: &role, PolicyName: &name, PolicyDocument: &document})
	if err != nil {
		tb.Fatalf("put policy %s on %s: %v", name, role, err)
	}
}

func (f *fixture) mustAttach(tb testing.TB, role, arn string) {
	tb.Helper()
	if _, err := f.attachRolePolicy(asRoot(tb), &iam.AttachRolePolicyInput{RoleName: &role, PolicyArn: &arn}); err != nil {
		tb.Fatalf("attach %s to %s: %v", arn, role, err)
	}
}

func TestARoleIsReadAsItWasCreated(t *testing.T) {
	f := open(t, nil)
	boundary := "arn:aws:iam::aws:policy/PowerUserAccess"
	in := &iam.CreateRoleInput{
		RoleName: new("App-Role"), Path: new("/team/a/"), AssumeRolePolicyDocument: new(lambdaTrust),
		Description: new("what it is for"), MaxSessionDuration: new(int32(7200)), PermissionsBoundary: &boundary,
		Tags: []types.Tag{{Key: new("Team"), Value: new("a")}},
	}
	created, err := f.createRole(asRoot(t), in)
	if err != nil {
		t.Fatal(err)
	}
	f.reopen(t)
	got, err := f.getRoleOperation(asRoot(t), &iam.GetRoleInput{RoleName: new("App-Role")})
	if err != nil {
		t.Fatal(err)
	}
	r := got.Role
	if *r.RoleId != *created.Role.RoleId || len(*r.RoleId) != 21 || !strings.HasPrefix(*r.RoleId, "AROA") {
		t.Errorf("role id: got %q, created as %q", *r.RoleId, *created.Role.RoleId)
	}
	if want := "arn:aws:iam::000000000000:role/team/a/App-Role"; *r.Arn != want {
		t.Errorf("arn: got %q, want %q", *r.Arn, want)
	}
	if strings.ContainsAny(*r.AssumeRolePolicyDocument, `{" +`) {
		t.Errorf("the trust policy is not percent-encoded: %q", *r.AssumeRolePolicyDocument)
	}
	if doc, _ := url.PathUnescape(*r.AssumeRolePolicyDocument); doc != lambdaTrust {
		t.Errorf("trust policy: got %q, want %q", doc, lambdaTrust)
	}
	if *r.Description != "what it is for" || *r.MaxSessionDuration != 7200 || *r.Path != "/team/a/" || !r.CreateDate.Equal(testStart) {
		t.Errorf("got %q %d %q %s", *r.Description, *r.MaxSessionDuration, *r.Path, r.CreateDate)
	}
	if *r.PermissionsBoundary.PermissionsBoundaryArn != boundary || len(r.Tags) != 1 || *r.Tags[0].Key != "Team" {
		t.Errorf("got boundary %q and tags %v", *r.PermissionsBoundary.PermissionsBoundaryArn, r.Tags)
	}
}

func TestCreateRoleRefuses(t *testing.T) {
	f := open(t, nil)
	f.mustCreateRole(t, "taken", lambdaTrust)
	base := func() *iam.CreateRoleInput {
		return &iam.CreateRoleInput{RoleName: new("r"), AssumeRolePolicyDocument: new(lambdaTrust)}
	}
	tests := []struct {
		name          string
		edit          func(*iam.CreateRoleInput)
		code, message string
	}{
		{"no name", func(in *iam.CreateRoleInput) { in.RoleName = nil }, codeValidation, "1 validation error detected: Value null at 'roleName' failed to satisfy constraint: Member must not be null"},
		{"a long name", func(in *iam.CreateRoleInput) { in.RoleName = new(strings.Repeat("r", 65)) }, codeValidation, "1 validation error detected: Value '" + strings.Repeat("r", 65) + "' at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64"},
		{"a name with a slash", func(in *iam.CreateRoleInput) { in.RoleName = new("a/b") }, codeValidation, "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"},
		{"a path without slashes", func(in *iam.CreateRoleInput) { in.Path = new("team") }, codeValidation, "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."},
		{"a short session", func(in *iam.CreateRoleInput) { in.MaxSessionDuration = new(int32(60)) }, codeValidation, "1 validation error detected: Value '60' at 'maxSessionDuration' failed to satisfy constraint: Member must have value greater than or equal to 3600"},
		{"a name that exists", func(in *iam.CreateRoleInput) { in.RoleName = new("taken") }, codeAlreadyExists, "Role with name taken already exists."},
		{"a name that exists in another case", func(in *iam.CreateRoleInput) { in.RoleName = new("TAKEN") }, codeAlreadyExists, "Role with name TAKEN already exists."},
		{"a malformed trust policy", func(in *iam.CreateRoleInput) { in.AssumeRolePolicyDocument = new("{") }, codeMalformed, "This policy contains invalid Json"},
		{"a principal that does not exist", func(in *iam.CreateRoleInput) {
			in.AssumeRolePolicyDocument = new(trustFor("arn:aws:iam::000000000000:role/nobody"))
		}, codeMalformed, `Invalid principal in policy: "AWS":"arn:aws:iam::000000000000:role/nobody"`},
		{"a trust policy beyond the quota", func(in *iam.CreateRoleInput) {
			in.AssumeRolePolicyDocument = new(strings.Replace(lambdaTrust, `"Effect"`, `"Sid":"`+strings.Repeat("x", 2048)+`","Effect"`, 1))
		}, codeLimitExceeded, "Cannot exceed quota for ACLSizePerRole: 2048"},
		{"a boundary that does not exist", func(in *iam.CreateRoleInput) { in.PermissionsBoundary = new("arn:aws:iam::aws:policy/Nothing") }, codeNoSuchEntity, "Policy arn:aws:iam::aws:policy/Nothing does not exist or is not attachable."},
		{"a tag key twice", func(in *iam.CreateRoleInput) {
			in.Tags = []types.Tag{{Key: new("a"), Value: new("1")}, {Key: new("A"), Value: new("2")}}
		}, codeInvalidInput, "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{"a tag without value", func(in *iam.CreateRoleInput) { in.Tags = []types.Tag{{Key: new("a")}} }, codeValidation, "1 validation error detected: Value null at 'tags.1.member.value' failed to satisfy constraint: Member must not be null"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := base()
			tt.edit(in)
			_, err := f.createRole(asRoot(t), in)
			wantError(t, err, tt.code, tt.message)
		})
	}
}

func trustFor(principal string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"sts:AssumeRole"}]}`
}

func TestARoleIsDeletedOnlyWhenNothingHangsOnIt(t *testing.T) {
	f := open(t, nil)
	f.mustCreateRole(t, "r", lambdaTrust)
	f.mustAttach(t, "r", basicRole)
	f.mustPutRolePolicy(t, "r", "inline", allowDocument("s3:*", "*"))
	remove := func() error {
		_, err := f.deleteRole(asRoot(t), &iam.DeleteRoleInput{RoleName: new("r")})
		return err
	}
	wantError(t, remove(), codeDeleteConflict, "Cannot delete entity, must detach all policies first.")
	if _, err := f.detachRolePolicy(asRoot(t), &iam.DetachRolePolicyInput{RoleName: new("r"), PolicyArn: new(basicRole)}); err != nil {
		t.Fatal(err)
	}
	wantError(t, remove(), codeDeleteConflict, "Cannot delete entity, must delete policies first.")
	if _, err := f.deleteRolePolicy(asRoot(t), &iam.DeleteRolePolicyInput{RoleName: new("r"), PolicyName: new("inline")}); err != nil {
		t.Fatal(err)
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	wantError(t, remove(), codeNoSuchEntity, "The role with name r cannot be found.")
	f.mustCreateRole(t, "r", lambdaTrust) // the name is free again
}

func TestRolesAreListedInPages(t *testing.T) {
	f := open(t, nil)
	want := []string{"Bravo", "alpha", "charlie", "delta", "echo"}
	for _, name := range want {
		f.mustCreateRole(t, name, lambdaTrust)
	}
	_, err := f.createRole(asRoot(t), &iam.CreateRoleInput{RoleName: new("foxtrot"), Path: new("/x/"), AssumeRolePolicyDocument: new(lambdaTrust)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	in := &iam.ListRolesInput{MaxItems: new(int32(2))}
	for pages := 1; ; pages++ {
		out, err := f.listRoles(asRoot(t), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.Roles {
			got = append(got, *r.RoleName)
		}
		if !out.IsTruncated {
			if pages != 3 || out.Marker != nil {
				t.Errorf("got %d pages with last marker %v, want 3 and none", pages, out.Marker)
			}
			break
		}
		in.Marker = out.Marker
	}
	if want := append(want, "foxtrot"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	out, err := f.listRoles(asRoot(t), &iam.ListRolesInput{PathPrefix: new("/x")})
	if err != nil || len(out.Roles) != 1 || *out.Roles[0].RoleName != "foxtrot" {
		t.Errorf("by path: got %v, error %v", out, err)
	}
	_, err = f.listRoles(asRoot(t), &iam.ListRolesInput{Marker: new("!")})
	wantError(t, err, codeValidation, "Invalid Marker.")
	_, err = f.listRoles(asRoot(t), &iam.ListRolesInput{MaxItems: new(int32(0))})
	wantError(t, err, codeValidation, "1 validation error detected: Value '0' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1")
}

func TestWhatTerraformReadsOfAFreshRole(t *testing.T) {
	f := open(t, nil)
	f.mustCreateRole(t, "r", lambdaTrust)
	name := new("r")
	policies, err := f.listRolePolicies(asRoot(t), &iam.ListRolePoliciesInput{RoleName: name})
	if err != nil || policies.PolicyNames == nil || len(policies.PolicyNames) > 0 {
		t.Errorf("inline policies: got %+v, error %v; want an empty list", policies, err)
	}
	attached, err := f.listAttachedRolePolicies(asRoot(t), &iam.ListAttachedRolePoliciesInput{RoleName: name})
	if err != nil || attached.AttachedPolicies == nil || len(attached.AttachedPolicies) > 0 {
		t.Errorf("attached policies: got %+v, error %v; want an empty list", attached, err)
	}
	tags, err := f.listRoleTags(asRoot(t), &iam.ListRoleTagsInput{RoleName: name})
	if err != nil || tags.Tags == nil || len(tags.Tags) > 0 {
		t.Errorf("tags: got %+v, error %v; want an empty list", tags, err)
	}
	profiles, err := f.listInstanceProfilesForRole(asRoot(t), &iam.ListInstanceProfilesForRoleInput{RoleName: name})
	if err != nil || profiles.InstanceProfiles == nil || len(profiles.InstanceProfiles) > 0 {
		t.Errorf("instance profiles: got %+v, error %v; want an empty list", profiles, err)
	}
}

func TestRoleUpdates(t *testing.T) {
	f := open(t, nil)
	f.mustCreateRole(t, "r", lambdaTrust)
	ctx, name := asRoot(t), new("r")
	step := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	_, err := f.updateRole(ctx, &iam.UpdateRoleInput{RoleName: name, Description: new("one"), MaxSessionDuration: new(int32(4000))})
	step("update", err)
	_, err = f.updateRole(ctx, &iam.UpdateRoleInput{RoleName: name, MaxSessionDuration: new(int32(5000))})
	step("update the duration alone", err)
	trust := trustFor(account)
	_, err = f.updateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: &trust})
	step("update the trust policy", err)
	_, err = f.updateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: new("{}")})
	wantError(t, err, codeMalformed, "Missing required field Statement")
	_, err = f.putRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: name, PermissionsBoundary: new(basicRole)})
	step("put the boundary", err)
	_, err = f.tagRole(ctx, &iam.TagRoleInput{RoleName: name, Tags: []types.Tag{{Key: new("a"), Value: new("1")}, {Key: new("b"), Value: new("2")}}})
	step("tag", err)
	_, err = f.tagRole(ctx, &iam.TagRoleInput{RoleName: name, Tags: []types.Tag{{Key: new("A"), Value: new("3")}}})
	step("tag again", err)
	_, err = f.untagRole(ctx, &iam.UntagRoleInput{RoleName: name, TagKeys: []string{"b", "none"}})
	step("untag", err)

	got, err := f.getRoleOperation(ctx, &iam.GetRoleInput{RoleName: name})
	step("get", err)
	r := got.Role
	doc, _ := url.PathUnescape(*r.AssumeRolePolicyDocument)
	if *r.Description != "one" || *r.MaxSessionDuration != 5000 || doc != trust {
		t.Errorf("got %q %d %q", *r.Description, *r.MaxSessionDuration, doc)
	}
	if r.PermissionsBoundary == nil || len(r.Tags) != 1 || *r.Tags[0].Key != "A" || *r.Tags[0].Value != "3" {
		t.Errorf("got boundary %v and tags %v", r.PermissionsBoundary, r.Tags)
	}
	_, err = f.deleteRolePermissionsBoundary(ctx, &iam.DeleteRolePermissionsBoundaryInput{RoleName: name})
	step("delete the boundary", err)
	desc, err := f.updateRoleDescription(ctx, &iam.UpdateRoleDescriptionInput{RoleName: name, Description: new("two")})
	step("describe", err)
	if *desc.Role.Description != "two" || desc.Role.PermissionsBoundary != nil {
		t.Errorf("got %q, boundary %v", *desc.Role.Description, desc.Role.PermissionsBoundary)
	}
}

func TestInlinePolicies(t *testing.T) {
	f := open(t, nil)
	f.mustCreateRole(t, "r", lambdaTrust)
	ctx := asRoot(t)
	document := allowDocument("s3:GetObject", "arn:aws:s3:::b/* <&>")
	f.mustPutRolePolicy(t, "r", "b", allowDocument("s3:*", "*"))
	f.mustPutRolePolicy(t, "r", "a", allowDocument("s3:*", "*"))
	f.mustPutRolePolicy(t, "r", "a", document)
	got, err := f.getRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: new("r"), PolicyName: new("a")})
	if err != nil {
		t.Fatal(err)
	}
	if doc, _ := url.PathUnescape(*got.PolicyDocument); doc != document {
		t.Errorf("got %q, want %q", doc, document)
	}
	list, err := f.listRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: new("r")})
	if err != nil || !slices.Equal(list.PolicyNames, []string{"a", "b"}) {
		t.Errorf("got %v, error %v; want a and b", list.PolicyNames, err)
	}
	_, err = f.getRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: new("r"), PolicyName: new("c")})
	wantError(t, err, codeNoSuchEntity, "The role policy with name c cannot be found.")
	put := func(document string) error {
		_, err := f.putRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: new("r"), PolicyName: new("c"), PolicyDocument: &document})
		return err
	}
	wantError(t, put(`{"Version":"2012-10-17"}`), codeMalformed, "Syntax errors in policy.")
	wantError(t, put(allowDocument("s3:*", "arn:aws:s3:::"+strings.Repeat("x", roleHolder.inlineMax))), codeLimitExceeded,
		"Maximum policy size of 10240 bytes exceeded for role r")
}

func TestAttachedPolicies(t *testing.T) {
	f := open(t, nil)
	f.mustCreateRole(t, "r", lambdaTrust)
	ctx := asRoot(t)
	f.mustAttach(t, "r", basicRole)
	f.mustAttach(t, "r", basicRole) // again: no change
	f.mustAttach(t, "r", administratorAccess)
	out, err := f.listAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: new("r"), PathPrefix: new("/service-role/")})
	if err != nil || len(out.AttachedPolicies) != 1 || *out.AttachedPolicies[0].PolicyName != "AWSLambdaBasicExecutionRole" || *out.AttachedPolicies[0].PolicyArn != basicRole {
		t.Errorf("got %+v, error %v", out, err)
	}
	attach := func(arn string) error {
		_, err := f.attachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: new("r"), PolicyArn: &arn})
		return err
	}
	const unknown = "arn:aws:iam::aws:policy/NoSuchPolicyAnywhere"
	wantError(t, attach(unknown), codeNoSuchEntity, "Policy "+unknown+" does not exist or is not attachable.")
	wantError(t, attach("arn:aws:iam::aws:role/something"), codeInvalidInput, "ARN arn:aws:iam::aws:role/something is not valid.")
	_, err = f.detachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: new("r"), PolicyArn: new(unknown)})
	wantError(t, err, codeNoSuchEntity, "Policy "+unknown+" was not found.")
	n := 0
	for arn := range awsManaged() {
		err := attach(arn)
		if n++; err != nil {
			wantError(t, err, codeLimitExceeded, "Cannot exceed quota for PoliciesPerRole: 10")
			return
		}
	}
	t.Errorf("%d policies could be attached", n)
}

func TestAccountsDoNotSeeEachOther(t *testing.T) {
	f := open(t, nil)
	f.mustCreateRole(t, "r", lambdaTrust)
	other := lambda.WithCaller(context.WithoutCancel(t.Context()), rootIdentity("111111111111", "x", "x").Caller)
	_, err := f.getRoleOperation(other, &iam.GetRoleInput{RoleName: new("r")})
	wantError(t, err, codeNoSuchEntity, "The role with name r cannot be found.")
	policy, err := f.createPolicy(asRoot(t), &iam.CreatePolicyInput{PolicyName: new("p"), PolicyDocument: new(allowDocument("s3:*", "*"))})
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.getPolicyOperation(other, &iam.GetPolicyInput{PolicyArn: policy.Policy.Arn})
	wantError(t, err, codeNoSuchEntity, "Policy "+*policy.Policy.Arn+" was not found.")
}
