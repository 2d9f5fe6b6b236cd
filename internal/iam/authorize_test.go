package iam

import (
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
)

const function = "arn:aws:lambda:us-east-1:000000000000:function:f"

// session is a caller with minted credentials of a role, as Lookup proves it.
func (f *fixture) session(tb testing.TB, role string) lambda.Caller {
	tb.Helper()
	creds, err := f.MintRoleSession(tb.Context(), roleARN(account, "/", role), "f", time.Hour)
	if err != nil {
		tb.Fatalf("mint a session of %s: %v", role, err)
	}
	id, err := f.Lookup(tb.Context(), creds.AccessKeyID, creds.SessionToken)
	if err != nil {
		tb.Fatalf("look up a session of %s: %v", role, err)
	}
	return id.Caller
}

func TestTheRootUserMayDoEverythingInItsAccount(t *testing.T) {
	f := open(t, nil)
	root := rootIdentity(account, "test", "test").Caller
	for _, resource := range []string{function, "*", "", "arn:aws:s3:::bucket", "arn:aws:iam::000000000000:role/r"} {
		if err := f.Authorize(t.Context(), root, "lambda:GetFunction", resource); err != nil {
			t.Errorf("on %q: %v", resource, err)
		}
	}
	err := f.Authorize(t.Context(), root, "lambda:GetFunction", "arn:aws:lambda:us-east-1:999999999999:function:f")
	wantError(t, err, lambda.CodeAccessDenied, "User: arn:aws:iam::000000000000:root is not authorized to perform: lambda:GetFunction "+
		"on resource: arn:aws:lambda:us-east-1:999999999999:function:f because no resource-based policy allows the lambda:GetFunction action")
}

func TestASessionMayDoWhatItsRoleAllows(t *testing.T) {
	f := open(t, nil)
	f.mustCreateRole(t, "r", lambdaTrust)
	f.mustPutRolePolicy(t, "r", "get", allowDocument("lambda:Get*", function))
	f.mustAttach(t, "r", basicRole)
	f.mustAttach(t, "r", f.mustCreatePolicy(t, "queue", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"sqs:*","Resource":"*"},{"Effect":"Deny","Action":"sqs:Purge*","Resource":"*"}]}`))
	c := f.session(t, "r")
	const who = "User: arn:aws:sts::000000000000:assumed-role/r/f is not authorized to perform: "
	tests := []struct {
		name, action, resource, refusal string
	}{
		{"an inline policy allows", "lambda:GetFunction", function, ""},
		{"an AWS-managed policy allows", "logs:PutLogEvents", "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/f:log-stream:x", ""},
		{"a customer-managed policy allows", "sqs:SendMessage", "arn:aws:sqs:us-east-1:000000000000:q", ""},
		{"nothing allows the action", "lambda:DeleteFunction", function, who + "lambda:DeleteFunction on resource: " + function + " because no identity-based policy allows the lambda:DeleteFunction action"},
		{"nothing allows the resource", "lambda:GetFunction", function + ":live", who + "lambda:GetFunction on resource: " + function + ":live because no identity-based policy allows the lambda:GetFunction action"},
		{"a policy denies", "sqs:PurgeQueue", "arn:aws:sqs:us-east-1:000000000000:q", who + "sqs:PurgeQueue on resource: arn:aws:sqs:us-east-1:000000000000:q with an explicit deny in an identity-based policy"},
		{"another account's resource", "sqs:SendMessage", "arn:aws:sqs:us-east-1:999999999999:q", who + "sqs:SendMessage on resource: arn:aws:sqs:us-east-1:999999999999:q because no resource-based policy allows the sqs:SendMessage action"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, answer := range []string{"first", "second"} { // the second may come from the cache
				err := f.Authorize(t.Context(), c, tt.action, tt.resource)
				if tt.refusal == "" && err != nil {
					t.Errorf("%s answer: %v", answer, err)
				}
				if tt.refusal != "" {
					wantError(t, err, lambda.CodeAccessDenied, tt.refusal)
				}
			}
		})
	}
}

// TestEveryChangeOfIAMCountsAtOnce warms the cache with an allowed call before
// each change and asks again right after it.
func TestEveryChangeOfIAMCountsAtOnce(t *testing.T) {
	deny := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`
	tests := []struct {
		name   string
		change func(t *testing.T, f *fixture, arn string) error
	}{
		{"an inline policy is replaced", func(t *testing.T, f *fixture, _ string) error {
			f.mustPutRolePolicy(t, "r", "p", deny)
			return nil
		}},
		{"a policy is detached", func(t *testing.T, f *fixture, arn string) error {
			_, err := f.detachRolePolicy(asRoot(t), &iam.DetachRolePolicyInput{RoleName: new("r"), PolicyArn: &arn})
			return err
		}},
		{"a policy gets another default version", func(t *testing.T, f *fixture, arn string) error {
			_, err := f.createPolicyVersion(asRoot(t), &iam.CreatePolicyVersionInput{PolicyArn: &arn, PolicyDocument: &deny, SetAsDefault: true})
			return err
		}},
		{"a boundary is put", func(t *testing.T, f *fixture, _ string) error {
			_, err := f.putRolePermissionsBoundary(asRoot(t), &iam.PutRolePermissionsBoundaryInput{RoleName: new("r"), PermissionsBoundary: new(basicRole)})
			return err
		}},
		{"the role is deleted", func(t *testing.T, f *fixture, arn string) error {
			if _, err := f.detachRolePolicy(asRoot(t), &iam.DetachRolePolicyInput{RoleName: new("r"), PolicyArn: &arn}); err != nil {
				return err
			}
			_, err := f.deleteRole(asRoot(t), &iam.DeleteRoleInput{RoleName: new("r")})
			return err
		}},
		{"the role is deleted and made again", func(t *testing.T, f *fixture, arn string) error {
			if _, err := f.detachRolePolicy(asRoot(t), &iam.DetachRolePolicyInput{RoleName: new("r"), PolicyArn: &arn}); err != nil {
				return err
			}
			if _, err := f.deleteRole(asRoot(t), &iam.DeleteRoleInput{RoleName: new("r")}); err != nil {
				return err
			}
			f.mustCreateRole(t, "r", lambdaTrust)
			f.mustAttach(t, "r", arn)
			return nil
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := open(t, nil)
			f.mustCreateRole(t, "r", lambdaTrust)
			arn := f.mustCreatePolicy(t, "p", allowDocument("lambda:*", "*"))
			f.mustAttach(t, "r", arn)
			c := f.session(t, "r")
			if err := f.Authorize(t.Context(), c, "lambda:GetFunction", function); err != nil {
				t.Fatalf("before: %v", err)
			}
			if err := tt.change(t, f, arn); err != nil {
				t.Fatal(err)
			}
			wantError(t, f.Authorize(t.Context(), c, "lambda:GetFunction", function), lambda.CodeAccessDenied, "")
		})
	}
}

func TestConditionsOnTheCallerAreAskedEveryTime(t *testing.T) {
	f := open(t, nil)
	trust := lambdaTrust
	_, err := f.createRole(asRoot(t), &iam.CreateRoleInput{
		RoleName: new("r"), AssumeRolePolicyDocument: &trust,
		Tags: []types.Tag{{Key: new("Team"), Value: new("blue")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	condition := func(sid, action, condition string) string {
		return `{"Sid":"` + sid + `","Effect":"Allow","Action":"` + action + `","Resource":"*","Condition":` + condition + `}`
	}
	f.mustPutRolePolicy(t, "r", "p", `{"Version":"2012-10-17","Statement":[`+
		condition("a", "t:Ip", `{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`)+","+
		condition("b", "t:Time", `{"DateLessThan":{"aws:CurrentTime":"2026-11-23T13:00:00Z"}}`)+","+
		condition("c", "t:Region", `{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}`)+","+
		condition("d", "t:Tag", `{"StringEquals":{"aws:PrincipalTag/team":"blue"}}`)+","+
		condition("e", "t:Arn", `{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::000000000000:role/r"}}`)+","+
		condition("f", "t:Tls", `{"Bool":{"aws:SecureTransport":"true"}}`)+","+
		condition("g", "t:Type", `{"StringEquals":{"aws:PrincipalType":"AssumedRole","aws:PrincipalAccount":"000000000000"}}`)+`]}`)
	c := f.session(t, "r")
	c.SourceIP, c.Region, c.BaseURL = "10.1.1.1", "eu-west-1", "https://h"
	for _, action := range []string{"t:Ip", "t:Time", "t:Region", "t:Tag", "t:Arn", "t:Tls", "t:Type"} {
		if err := f.Authorize(t.Context(), c, action, "*"); err != nil {
			t.Errorf("%s: %v", action, err)
		}
	}
	c.SourceIP, c.Region, c.BaseURL = "192.168.1.1", "us-east-1", "http://h"
	f.now = f.now.Add(time.Hour)
	for _, action := range []string{"t:Ip", "t:Time", "t:Region", "t:Tls"} {
		wantError(t, f.Authorize(t.Context(), c, action, "*"), lambda.CodeAccessDenied, "")
	}
}

func TestResourcePoliciesAndExtraKeys(t *testing.T) {
	f := open(t, nil)
	f.mustCreateRole(t, "r", lambdaTrust)
	f.mustPutRolePolicy(t, "r", "pass", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:PassRole","Resource":"*",
		"Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}}}]}`)
	c := f.session(t, "r")
	resource, err := policy.Parse(policy.Resource, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:role/r"},"Action":"lambda:InvokeFunction","Resource":"`+function+`"},
		{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"`+function+`",
		 "Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"}}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	invoke := Request{Action: "lambda:InvokeFunction", Resource: function}
	wantError(t, f.Check(t.Context(), c, invoke), lambda.CodeAccessDenied, "")
	invoke.ResourcePolicy = resource
	if err := f.Check(t.Context(), c, invoke); err != nil {
		t.Errorf("the resource policy names the role: %v", err)
	}
	s3 := lambda.Caller{Kind: lambda.PrincipalService, ARN: "s3.amazonaws.com"}
	wantError(t, f.Check(t.Context(), s3, invoke), lambda.CodeAccessDenied, "")
	invoke.Context = policy.Values{"aws:sourcearn": {"arn:aws:s3:::b"}}
	if err := f.Check(t.Context(), s3, invoke); err != nil {
		t.Errorf("a service from the right source: %v", err)
	}
	pass := Request{Action: "iam:PassRole", Resource: roleARN(account, "/", "r")}
	wantError(t, f.Check(t.Context(), c, pass), lambda.CodeAccessDenied, "")
	pass.Context = policy.Values{"iam:passedtoservice": {"lambda.amazonaws.com"}}
	if err := f.Check(t.Context(), c, pass); err != nil {
		t.Errorf("pass the role to Lambda: %v", err)
	}
	ctx := lambda.WithCaller(t.Context(), c)
	if err := f.CanPassRole(ctx, pass.Resource, "lambda.amazonaws.com"); err != nil {
		t.Errorf("pass the role to Lambda: %v", err)
	}
	wantError(t, f.CanPassRole(ctx, pass.Resource, "ec2.amazonaws.com"), lambda.CodeAccessDenied, "")
	v, err := f.Explain(t.Context(), c, pass)
	if err != nil || !v.Allowed || v.Decision.Policy != "pass" || v.Layer != policy.LayerIdentity {
		t.Errorf("got %+v, error %v", v, err)
	}
}

// TestVerdictsUnderConcurrentChanges is for the race detector, and checks that a
// verdict asked after a change returned never comes from before it.
func TestVerdictsUnderConcurrentChanges(t *testing.T) {
	f := open(t, nil)
	f.mustCreateRole(t, "r", lambdaTrust)
	c := f.session(t, "r")
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_ = f.Authorize(t.Context(), c, "lambda:GetFunction", function)
				}
			}
		})
	}
	for range 200 {
		f.mustPutRolePolicy(t, "r", "p", allowDocument("lambda:*", "*"))
		if err := f.Authorize(t.Context(), c, "lambda:GetFunction", function); err != nil {
			t.Error(err)
			break
		}
		if _, err := f.deleteRolePolicy(asRoot(t), &iam.DeleteRolePolicyInput{RoleName: new("r"), PolicyName: new("p")}); err != nil {
			t.Error(err)
			break
		}
		if f.Authorize(t.Context(), c, "lambda:GetFunction", function) == nil {
			t.Error("allowed after the policy was deleted")
			break
		}
	}
	close(stop)
	readers.Wait()
}

func BenchmarkAuthorizeSession(b *testing.B) {
	f := open(b, nil)
	f.mustCreateRole(b, "r", lambdaTrust)
	f.mustPutRolePolicy(b, "r", "p", allowDocument("lambda:*", "*"))
	c := f.session(b, "r")
	b.ReportAllocs()
	for b.Loop() {
		if err := f.Authorize(b.Context(), c, "lambda:InvokeFunction", function); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAuthorizeRefused(b *testing.B) {
	f := open(b, nil)
	f.mustCreateRole(b, "r", lambdaTrust)
	c := f.session(b, "r")
	b.ReportAllocs()
	for b.Loop() {
		if f.Authorize(b.Context(), c, "lambda:InvokeFunction", function) == nil {
			b.Fatal("allowed")
		}
	}
}

func BenchmarkAuthorizeRoot(b *testing.B) {
	f := open(b, nil)
	c := rootIdentity(account, "test", "test").Caller
	b.ReportAllocs()
	for b.Loop() {
		if err := f.Authorize(b.Context(), c, "lambda:InvokeFunction", function); err != nil {
			b.Fatal(err)
		}
	}
}
