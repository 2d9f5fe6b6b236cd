package iam

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func TestGetCallerIdentity(t *testing.T) {
	f := open(t, nil)
	f.mustCreateRole(t, "r", lambdaTrust)
	c := f.session(t, "r")
	out, err := f.getCallerIdentity(lambda.WithCaller(t.Context(), c), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	if *out.Account != account || *out.Arn != "arn:aws:sts::000000000000:assumed-role/r/f" || !strings.HasPrefix(*out.UserId, "AROA") || !strings.HasSuffix(*out.UserId, ":f") {
		t.Errorf("got %s %s %s", *out.Account, *out.Arn, *out.UserId)
	}
}

func TestWhoMayAssumeARole(t *testing.T) {
	const assume = `"Action":"sts:AssumeRole"`
	tests := []struct {
		name   string
		trust  string
		caller string // a role, or "" for a user with every permission
		own    string // the calling role's own policy
		in     func(*sts.AssumeRoleInput)
		want   string // the refusal after the resource; "-" for none
	}{
		{"a user with every permission, when the account is trusted", trustFor(account), "", "", nil, "-"},
		{"a user with every permission, when only a service is trusted", lambdaTrust, "", "", nil, ""},
		{"a role that the trust policy names", trustFor("arn:aws:iam::000000000000:role/caller"), "caller", "", nil, "-"},
		{"a role's session that the trust policy names", trustFor("arn:aws:sts::000000000000:assumed-role/caller/f"), "caller", "", nil, "-"},
		{"a role of a trusted account without its own permission", trustFor(account), "caller", "", nil, " because no identity-based policy allows the sts:AssumeRole action"},
		{"a role of a trusted account with its own permission", trustFor(account), "caller", allowDocument("sts:AssumeRole", "*"), nil, "-"},
		{"a role that nobody trusts", lambdaTrust, "caller", allowDocument("sts:AssumeRole", "*"), nil, ""},
		{
			"a role whose own policy denies", trustFor("arn:aws:iam::000000000000:role/caller"), "caller",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Deny",` + assume + `,"Resource":"*"}]}`, nil, " with an explicit deny in an identity-based policy",
		},
		{
			"with the external id that is asked for", strings.Replace(trustFor(account), assume, assume+`,"Condition":{"StringEquals":{"sts:ExternalId":"abc"}}`, 1), "", "",
			func(in *sts.AssumeRoleInput) { in.ExternalId = new("abc") }, "-",
		},
		{"without the external id that is asked for", strings.Replace(trustFor(account), assume, assume+`,"Condition":{"StringEquals":{"sts:ExternalId":"abc"}}`, 1), "", "", nil, ""},
		{"a role that does not exist", trustFor(account), "", "", func(in *sts.AssumeRoleInput) {
			in.RoleArn = new("arn:aws:iam::000000000000:role/none")
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := open(t, nil)
			f.mustCreateRole(t, "caller", lambdaTrust)
			target := f.mustCreateRole(t, "target", tt.trust)
			c := f.mustUser(t, "admin", allowDocument("*", "*"))
			if tt.caller != "" {
				if tt.own != "" {
					f.mustPutRolePolicy(t, tt.caller, "own", tt.own)
				}
				c = f.session(t, tt.caller)
			}
			in := &sts.AssumeRoleInput{RoleArn: target.Arn, RoleSessionName: new("sess")}
			if tt.in != nil {
				tt.in(in)
			}
			out, err := f.assumeRole(lambda.WithCaller(t.Context(), c), in)
			if tt.want != "-" {
				wantError(t, err, codeAccessDenied, "User: "+c.ARN+" is not authorized to perform: sts:AssumeRole on resource: "+*in.RoleArn+tt.want)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := "arn:aws:sts::000000000000:assumed-role/target/sess"; *out.AssumedRoleUser.Arn != want {
				t.Errorf("got %s, want %s", *out.AssumedRoleUser.Arn, want)
			}
			if want := *target.RoleId + ":sess"; *out.AssumedRoleUser.AssumedRoleId != want {
				t.Errorf("got %s, want %s", *out.AssumedRoleUser.AssumedRoleId, want)
			}
			id, err := f.Lookup(t.Context(), *out.Credentials.AccessKeyId, *out.Credentials.SessionToken)
			if err != nil || id.SecretAccessKey != *out.Credentials.SecretAccessKey {
				t.Errorf("the credentials do not work: %v", err)
			}
		})
	}
}

func TestAssumeRoleChecksItsInput(t *testing.T) {
	f := open(t, nil)
	role := f.mustCreateRole(t, "r", trustFor(account))
	ctx := f.asAdmin(t)
	tests := []struct {
		name          string
		edit          func(*sts.AssumeRoleInput)
		code, message string
	}{
		{"no role", func(in *sts.AssumeRoleInput) { in.RoleArn = nil }, codeValidation, "1 validation error detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null"},
		{"a session name with a blank", func(in *sts.AssumeRoleInput) { in.RoleSessionName = new("a b") }, codeValidation, `1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`},
		{"a short session", func(in *sts.AssumeRoleInput) { in.DurationSeconds = new(int32(60)) }, codeValidation, "1 validation error detected: Value '60' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
		{"a session longer than the role's", func(in *sts.AssumeRoleInput) { in.DurationSeconds = new(int32(7200)) }, codeValidation, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
		{"a malformed session policy", func(in *sts.AssumeRoleInput) { in.Policy = new("{}") }, codeMalformed, "Syntax errors in policy."},
		{"a session policy that does not exist", func(in *sts.AssumeRoleInput) {
			in.PolicyArns = []ststypes.PolicyDescriptorType{{Arn: new("arn:aws:iam::aws:policy/None")}}
		}, codeValidation, "Policy arn:aws:iam::aws:policy/None does not exist or is not attachable."},
		{"a transitive tag that is not among the tags", func(in *sts.AssumeRoleInput) {
			in.Tags, in.TransitiveTagKeys = []ststypes.Tag{{Key: new("k"), Value: new("v")}}, []string{"other"}
		}, codeValidation, "The specified transitive tag key must be included in the requested tags."},
		{"a tag twice", func(in *sts.AssumeRoleInput) {
			in.Tags = []ststypes.Tag{{Key: new("k"), Value: new("v")}, {Key: new("K"), Value: new("w")}}
		}, codeValidation, "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := &sts.AssumeRoleInput{RoleArn: role.Arn, RoleSessionName: new("sess")}
			tt.edit(in)
			_, err := f.assumeRole(ctx, in)
			wantError(t, err, tt.code, tt.message)
		})
	}
}

func TestAChainedSessionLastsAnHourAtMost(t *testing.T) {
	f := open(t, nil)
	f.mustCreateRole(t, "caller", lambdaTrust)
	role := f.mustCreateRole(t, "r", trustFor("arn:aws:iam::000000000000:role/caller"))
	if _, err := f.updateRole(asRoot(t), &iam.UpdateRoleInput{RoleName: new("r"), MaxSessionDuration: new(int32(43200))}); err != nil {
		t.Fatal(err)
	}
	in := &sts.AssumeRoleInput{RoleArn: role.Arn, RoleSessionName: new("sess"), DurationSeconds: new(int32(7200))}
	_, err := f.assumeRole(lambda.WithCaller(t.Context(), f.session(t, "caller")), in)
	wantError(t, err, codeValidation, "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
}

// assume returns the caller of a narrowed session of the role "wide".
func (f *fixture) assume(t *testing.T, ctx context.Context, in *sts.AssumeRoleInput) lambda.Caller {
	t.Helper()
	in.RoleArn, in.RoleSessionName = new(roleARN(account, "/", "wide")), new("sess")
	out, err := f.assumeRole(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	id, err := f.Lookup(t.Context(), *out.Credentials.AccessKeyId, *out.Credentials.SessionToken)
	if err != nil {
		t.Fatal(err)
	}
	return id.Caller
}

func TestSessionPoliciesNarrow(t *testing.T) {
	f := open(t, nil)
	f.mustCreateRole(t, "wide", trustFor(account))
	f.mustPutRolePolicy(t, "wide", "all", allowDocument("lambda:*", "*"))
	ctx := f.asAdmin(t)
	whole := f.assume(t, ctx, &sts.AssumeRoleInput{})
	inline := f.assume(t, ctx, &sts.AssumeRoleInput{Policy: new(allowDocument("lambda:Get*", "*"))})
	managed := f.assume(t, ctx, &sts.AssumeRoleInput{PolicyArns: []ststypes.PolicyDescriptorType{{Arn: new(basicRole)}}})
	beyond := f.assume(t, ctx, &sts.AssumeRoleInput{Policy: new(allowDocument("s3:*", "*"))})
	tests := []struct {
		name   string
		caller lambda.Caller
		action string
		cause  string
	}{
		{"a session without a policy has all of the role", whole, "lambda:DeleteFunction", ""},
		{"a session policy lets through what it names", inline, "lambda:GetFunction", ""},
		{"a session policy holds back the rest", inline, "lambda:DeleteFunction", "because no session policy allows the lambda:DeleteFunction action"},
		{"a managed session policy holds back", managed, "lambda:GetFunction", "because no session policy allows the lambda:GetFunction action"},
		{"a session policy adds nothing", beyond, "s3:GetObject", "because no identity-based policy allows the s3:GetObject action"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := f.Authorize(t.Context(), tt.caller, tt.action, "*")
			if tt.cause == "" && err != nil {
				t.Error(err)
			}
			if tt.cause != "" && (err == nil || !strings.HasSuffix(err.Error(), tt.cause)) {
				t.Errorf("got %v, want it to end with %q", err, tt.cause)
			}
		})
	}
}

func TestGetSessionToken(t *testing.T) {
	f := open(t, nil)
	out, err := f.getSessionToken(asRoot(t), &sts.GetSessionTokenInput{DurationSeconds: new(int32(43200))})
	if err != nil {
		t.Fatal(err)
	}
	if want := testStart.Add(time.Hour); !out.Credentials.Expiration.Equal(want) {
		t.Errorf("got expiration %s, want %s", out.Credentials.Expiration, want)
	}
	id, err := f.Lookup(t.Context(), *out.Credentials.AccessKeyId, *out.Credentials.SessionToken)
	if err != nil || id.Caller.Kind != lambda.PrincipalRoot || id.Caller.ARN != rootARN(account) {
		t.Errorf("got %+v, error %v", id.Caller, err)
	}
	f.mustCreateRole(t, "r", lambdaTrust)
	_, err = f.getSessionToken(lambda.WithCaller(t.Context(), f.session(t, "r")), &sts.GetSessionTokenInput{})
	wantError(t, err, codeAccessDenied, "Cannot call GetSessionToken with session credentials")
}

func TestCanLambdaAssume(t *testing.T) {
	conditional := func(condition string) string {
		return strings.Replace(lambdaTrust, `"Action"`, `"Condition":`+condition+`,"Action"`, 1)
	}
	tests := []struct {
		name, trust, role, account string
		want                       bool
	}{
		{"a role that trusts Lambda", lambdaTrust, "r", account, true},
		{"a role that trusts another service", strings.ReplaceAll(lambdaTrust, "lambda.", "ec2."), "r", account, false},
		{"a role that trusts the account", trustFor(account), "r", account, false},
		{"a role that does not exist", lambdaTrust, "none", account, false},
		{"a function of another account", lambdaTrust, "r", "999999999999", false},
		{"the right source account", conditional(`{"StringEquals":{"aws:SourceAccount":"000000000000"}}`), "r", account, true},
		{"another source account", conditional(`{"StringEquals":{"aws:SourceAccount":"999999999999"}}`), "r", account, false},
		{"the right source ARN", conditional(`{"ArnLike":{"aws:SourceArn":"arn:aws:lambda:*:*:function:f"}}`), "r", account, true},
		{"another source ARN", conditional(`{"ArnLike":{"aws:SourceArn":"arn:aws:lambda:*:*:function:g"}}`), "r", account, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := open(t, nil)
			f.mustCreateRole(t, "r", tt.trust)
			err := f.CanLambdaAssume(t.Context(), roleARN(account, "/", tt.role), tt.account, function)
			if tt.want {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, lambda.CodeInvalidParameterValue, "The role defined for the function cannot be assumed by Lambda.")
		})
	}
}

func TestOperationsNameTheirResources(t *testing.T) {
	f := open(t, nil)
	_, err := f.createRole(asRoot(t), &iam.CreateRoleInput{RoleName: new("r"), Path: new("/p/"), AssumeRolePolicyDocument: new(lambdaTrust)})
	if err != nil {
		t.Fatal(err)
	}
	c := rootIdentity(account, "test", "test").Caller
	want := map[string]string{
		"CreateRole": "arn:aws:iam::000000000000:role/", "ListRoles": "arn:aws:iam::000000000000:role/",
		"GetRole": "arn:aws:iam::000000000000:role/", "CreatePolicy": "arn:aws:iam::000000000000:policy/",
	}
	seen := map[string]bool{}
	for _, op := range append(f.IAM().Operations, f.STS().Operations...) {
		if seen[op.Name] {
			t.Errorf("%s is there twice", op.Name)
		}
		seen[op.Name] = true
		if op.Resource == nil {
			continue
		}
		got := op.Resource(c, op.NewInput()) // an empty input must not panic
		if w, ok := want[op.Name]; ok && got != w {
			t.Errorf("%s: got %q, want %q", op.Name, got, w)
		}
	}
	for _, op := range f.IAM().Operations {
		if op.Name == "GetRole" {
			if got, want := op.Resource(c, &iam.GetRoleInput{RoleName: new("r")}), "arn:aws:iam::000000000000:role/p/r"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	}
}
