package compat

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestAPIPermissionsOnTheWire(t *testing.T) {
	a := serve(t)
	a.function("f")
	arn := apiPrefix + "function:f"
	a.publish("f", "one")
	a.do(&lambda.CreateAliasInput{FunctionName: new("f"), Name: new("prod"), FunctionVersion: new("1")})
	statements := []struct {
		name string
		in   lambda.AddPermissionInput
		want string // without Sid, Effect and Resource
		on   string
	}{
		{
			"a service on behalf of a bucket",
			lambda.AddPermissionInput{Action: new("lambda:InvokeFunction"), Principal: new("s3.amazonaws.com"), SourceArn: new("arn:aws:s3:::b"), SourceAccount: new("111111111111")},
			`"Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + arn + `","Condition":{"StringEquals":{"AWS:SourceAccount":"111111111111"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"}}`, "",
		},
		{
			"an account",
			lambda.AddPermissionInput{Action: new("lambda:*"), Principal: new("111111111111")},
			`"Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"lambda:*","Resource":"` + arn + `"`, "",
		},
		{
			"everyone of an organization",
			lambda.AddPermissionInput{Action: new("lambda:InvokeFunction"), Principal: new("*"), PrincipalOrgID: new("o-abcdefghij")},
			`"Principal":"*","Action":"lambda:InvokeFunction","Resource":"` + arn + `","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-abcdefghij"}}`, "",
		},
		{
			"a URL for everyone",
			lambda.AddPermissionInput{Action: new("lambda:InvokeFunctionUrl"), Principal: new("*"), FunctionUrlAuthType: types.FunctionUrlAuthTypeNone},
			`"Principal":"*","Action":"lambda:InvokeFunctionUrl","Resource":"` + arn + `","Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}`, "",
		},
		{
			"an alias",
			lambda.AddPermissionInput{Action: new("lambda:InvokeFunction"), Principal: new("sns.amazonaws.com")},
			`"Principal":{"Service":"sns.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + arn + `:prod"`, "prod",
		},
		{
			"a version",
			lambda.AddPermissionInput{Action: new("lambda:InvokeFunction"), Principal: new("sns.amazonaws.com")},
			`"Principal":{"Service":"sns.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + arn + `:1"`, "1",
		},
	}
	var whole []string
	for i, tc := range statements {
		t.Run(tc.name, func(t *testing.T) {
			in := tc.in
			in.FunctionName, in.StatementId = new("f"), new(fmt.Sprintf("s%d", i))
			if tc.on != "" {
				in.Qualifier = new(tc.on)
			}
			statement := fmt.Sprintf(`{"Sid":"s%d","Effect":"Allow",%s}`, i, tc.want)
			if tc.on == "" {
				whole = append(whole, statement)
			}
			shows(t, a.do(&in), 201, `{"Statement":`+quoted(statement)+`}`)
		})
	}
	shows(t, a.do(&lambda.GetPolicyInput{FunctionName: new("f")}), 200,
		`{"RevisionId":"*","Policy":`+quoted(`{"Version":"2012-10-17","Id":"default","Statement":[`+strings.Join(whole, ",")+`]}`)+`}`)
	add := func(name, sid, principal string) *lambda.AddPermissionInput {
		return &lambda.AddPermissionInput{FunctionName: new(name), StatementId: new(sid), Action: new("lambda:InvokeFunction"), Principal: new(principal)}
	}
	with := func(in *lambda.AddPermissionInput, qualifier, revision string) *lambda.AddPermissionInput {
		if qualifier != "" {
			in.Qualifier = new(qualifier)
		}
		if revision != "" {
			in.RevisionId = new(revision)
		}
		return in
	}
	stale := "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id"
	a.refuses(t, []refusal{
		{"a statement id that is taken", add("f", "s0", "*"), "ResourceConflictException", "The statement id (s0) provided already exists. Please provide a new statement id, or remove the existing statement.", false},
		{"a principal that is none", add("f", "x", "nobody"), "InvalidParameterValueException", "The provided principal was invalid. Please check the principal and try again.", false},
		{"$LATEST", with(add("f", "x", "*"), "$LATEST", ""), "InvalidParameterValueException", "We currently do not support adding policies for $LATEST.", false},
		{"an alias that is not there", with(add("f", "x", "*"), "gone", ""), "ResourceNotFoundException", "Cannot find alias arn: " + arn + ":gone", false},
		{"a version that is not there", with(add("f", "x", "*"), "9", ""), "ResourceNotFoundException", "Function not found: " + arn + ":9", false},
		{"a function that is not there", add("gone", "x", "*"), "ResourceNotFoundException", "Function not found: " + apiPrefix + "function:gone", false},
		{"a stale revision", with(add("f", "x", "*"), "", absentUUID), "PreconditionFailedException", stale, false},
		{"a statement id with a dot", add("f", "a.b", "*"), "ValidationException", violation("'a.b'", "statementId", "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)"), false},
		{"a removal at a stale revision", &lambda.RemovePermissionInput{FunctionName: new("f"), StatementId: new("s0"), RevisionId: new(absentUUID)}, "PreconditionFailedException", stale, false},
		{"a removal of no statement", &lambda.RemovePermissionInput{FunctionName: new("f"), StatementId: new("x")}, "ResourceNotFoundException", "Statement x is not found in resource policy.", false},
		{"a removal from no function", &lambda.RemovePermissionInput{FunctionName: new("gone"), StatementId: new("x")}, "ResourceNotFoundException", "No policy found for: " + apiPrefix + "function:gone", false},
		{"a policy of no function", &lambda.GetPolicyInput{FunctionName: new("gone")}, "ResourceNotFoundException", "The resource you requested does not exist.", false},
	})
	shows(t, a.do(&lambda.RemovePermissionInput{FunctionName: new("f"), StatementId: new("s4"), Qualifier: new("prod")}), 204, "")
	a.refuses(t, []refusal{
		{"a removal without a policy", &lambda.RemovePermissionInput{FunctionName: new("f:prod"), StatementId: new("s4")}, "ResourceNotFoundException", "No policy is associated with the given resource.", false},
		{"a policy that is none", &lambda.GetPolicyInput{FunctionName: new("f"), Qualifier: new("prod")}, "ResourceNotFoundException", "The resource you requested does not exist.", false},
	})
}

func TestAPIPoliciesHaveALimit(t *testing.T) {
	a := serve(t)
	a.function("f")
	for i := range 100 {
		in := &lambda.AddPermissionInput{
			FunctionName: new("f"), StatementId: new(fmt.Sprintf("s%d", i)), Action: new("lambda:InvokeFunction"),
			Principal: new("sns.amazonaws.com"), SourceArn: new("arn:aws:sns:us-east-1:111111111111:" + strings.Repeat("t", 256)),
		}
		if err := a.call(in); err != nil {
			got := a.wire.answer()
			if got.status != 400 || got.header.Get("X-Amzn-Errortype") != "PolicyLengthExceededException" || !strings.Contains(got.body, `"Type":"User","message":"The final policy size (`) {
				t.Errorf("statement %d: %d %s", i, got.status, got.body)
			}
			policy, err := a.GetPolicy(t.Context(), &lambda.GetPolicyInput{FunctionName: new("f")})
			if err != nil || len(*policy.Policy) > 20480 || len(*policy.Policy) < 20000 {
				t.Errorf("a policy of %d bytes, %v; want at most 20480, and full", len(*policy.Policy), err)
			}
			return
		}
	}
	t.Error("100 statements with long conditions were taken")
}

// quoted is a text as a JSON string.
func quoted(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }
