package iam

import (
	"cmp"
	"errors"
	"strings"
	"testing"

	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// shelfOfFunctions owns resources with one policy and tags, as a service would.
type shelfOfFunctions struct {
	revision int64
	document string
	tags     map[string]string
	rendered int
}

func (o *shelfOfFunctions) Policy(string) (int64, func() string, bool) {
	return o.revision, func() string { o.rendered++; return o.document }, o.document != ""
}

func (o *shelfOfFunctions) Tags(string) map[string]string { return o.tags }

func TestAResourcePolicyDecidesForServicesAndOtherAccounts(t *testing.T) {
	const foreign = "999999999999"
	policy := func(principal, condition string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"lambda:InvokeFunction","Resource":"` + function + `"` + condition + `}]}`
	}
	service := lambda.Caller{Kind: lambda.PrincipalService, ARN: "sns.amazonaws.com", SourceARN: "arn:aws:sns:us-east-1:000000000000:t", SourceAccount: account}
	guest := rootIdentity(foreign, "", "").Caller
	const bySource = `,"Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:sns:us-east-1:000000000000:t"},"StringEquals":{"AWS:SourceAccount":"000000000000"}}`
	tests := []struct {
		name   string
		caller lambda.Caller
		policy string
		want   bool
	}{
		{"a service without a policy", service, "", false},
		{"a service that is named", service, policy(`{"Service":"sns.amazonaws.com"}`, ""), true},
		{"another service", service, policy(`{"Service":"s3.amazonaws.com"}`, ""), false},
		{"the source that is named", service, policy(`{"Service":"sns.amazonaws.com"}`, bySource), true},
		{
			"another source",
			lambda.Caller{Kind: lambda.PrincipalService, ARN: "sns.amazonaws.com", SourceARN: "arn:aws:sns:us-east-1:000000000000:u", SourceAccount: account},
			policy(`{"Service":"sns.amazonaws.com"}`, bySource), false,
		},
		{"no source", lambda.Caller{Kind: lambda.PrincipalService, ARN: "sns.amazonaws.com"}, policy(`{"Service":"sns.amazonaws.com"}`, bySource), false},
		{"another account's root, unnamed", guest, "", false},
		{"another account's root, named", guest, policy(`{"AWS":"`+foreign+`"}`, ""), true},
		{"nobody in particular, where all may", lambda.Caller{Kind: lambda.PrincipalAnonymous, ARN: "anonymous"}, policy(`"*"`, ""), true},
		{"nobody in particular, elsewhere", lambda.Caller{Kind: lambda.PrincipalAnonymous, ARN: "anonymous"}, policy(`{"AWS":"`+foreign+`"}`, ""), false},
		{"a policy that cannot be read", guest, "{", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := open(t, nil)
			owner := &shelfOfFunctions{1, tt.policy, nil, 0}
			f.UseResources("lambda", owner)
			for range 2 { // the second may come from the cache
				err := f.Authorize(t.Context(), tt.caller, "lambda:InvokeFunction", function)
				if (err == nil) != tt.want {
					t.Errorf("got %v, want allowed %v", err, tt.want)
				}
				if e := (*lambda.Error)(nil); err != nil && !errors.As(err, &e) {
					t.Errorf("got %v, which is no refusal", err)
				}
			}
			if owner.rendered > 1 {
				t.Errorf("the document was asked for %d times", owner.rendered)
			}
			owner.revision, owner.document = 2, policy(`{"AWS":"`+account+`"}`, "")
			if err := f.Authorize(t.Context(), tt.caller, "lambda:InvokeFunction", function); err == nil {
				t.Error("the old policy still counts after a change")
			}
		})
	}
}

func TestConditionKeysOfTheRequestAndTheResource(t *testing.T) {
	f := open(t, nil)
	f.UseResources("lambda", &shelfOfFunctions{tags: map[string]string{"Team": "blue"}})
	tagged := map[string]string{"team": "blue"}
	c := f.mustUser(t, "ann", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"lambda:CreateFunction","Resource":"*","Condition":{
			"StringEquals":{"aws:RequestTag/Team":"blue"},"ForAllValues:StringEquals":{"aws:TagKeys":["team"]},
			"ForAllValues:StringLike":{"lambda:SubnetIds":"subnet-1*"}}},
		{"Effect":"Allow","Action":"lambda:TagResource","Resource":"*"},
		{"Effect":"Allow","Action":"lambda:GetFunction","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"${aws:RequestedRegion}"}}},
		{"Effect":"Allow","Action":"lambda:DeleteFunction","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"blue"},"StringLike":{"aws:UserAgent":"cli*"}}}]}`)
	c.UserAgent = "cli/2"
	create := func(in awslambda.CreateFunctionInput) func() error {
		return func() error { return f.AuthorizeOperation(t.Context(), c, "lambda:CreateFunction", function, &in) }
	}
	tests := []struct {
		name string
		ask  func() error
		want bool
	}{
		{"the tag that is asked for", create(awslambda.CreateFunctionInput{Tags: tagged}), true},
		{"no tag", create(awslambda.CreateFunctionInput{}), false},
		{"another value", create(awslambda.CreateFunctionInput{Tags: map[string]string{"team": "red"}}), false},
		{"one tag too many", create(awslambda.CreateFunctionInput{Tags: map[string]string{"team": "blue", "x": ""}}), false},
		{"a subnet that may be", create(awslambda.CreateFunctionInput{Tags: tagged, VpcConfig: &types.VpcConfig{SubnetIds: []string{"subnet-12"}}}), true},
		{"a subnet that may not", create(awslambda.CreateFunctionInput{Tags: tagged, VpcConfig: &types.VpcConfig{SubnetIds: []string{"subnet-12", "subnet-2"}}}), false},
		{"the resource's tag and the client", func() error { return f.Authorize(t.Context(), c, "lambda:DeleteFunction", function) }, true},
		{"the resource's tag differs", func() error { return f.Authorize(t.Context(), c, "lambda:GetFunction", function) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.ask(); (err == nil) != tt.want {
				t.Errorf("got %v, want allowed %v", err, tt.want)
			}
		})
	}
}

func BenchmarkACachedVerdictWithAResourcePolicy(b *testing.B) {
	f := open(b, nil)
	f.mustCreateRole(b, "r", lambdaTrust)
	f.mustPutRolePolicy(b, "r", "p", allowDocument("lambda:InvokeFunction", "*"))
	f.UseResources("lambda", &shelfOfFunctions{revision: 1, document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"lambda:*","Resource":"*"}]}`})
	c := f.session(b, "r")
	b.ReportAllocs()
	for b.Loop() {
		if err := f.Authorize(b.Context(), c, "lambda:InvokeFunction", function); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAPolicyThatCannotBeReadForbidsAllButItsRepair(t *testing.T) {
	f := open(t, nil)
	f.UseResources("lambda", &shelfOfFunctions{1, "{", nil, 0})
	admin := f.mustUser(t, "admin", allowDocument("*", "*"))
	for c, want := range map[string]bool{admin.ARN: false, rootARN(account): true} {
		caller := admin
		if want {
			caller = rootIdentity(account, "", "").Caller
		}
		err := f.Authorize(t.Context(), caller, "lambda:PutResourcePolicy", function)
		if (err == nil) != want {
			t.Errorf("%s: got %v, want allowed %v", c, err, want)
		}
	}
}

// TestWhoMakesSomethingWithTagsMustBeAllowedToTagIt asks for each service in which AWS
// does so.
func TestWhoMakesSomethingWithTagsMustBeAllowedToTagIt(t *testing.T) {
	const in = "us-east-1:" + account + ":"
	pairs := map[string]string{"team": "blue"}
	tests := []struct {
		action, resource string
		tagged, bare     any
		needs, on        string
	}{
		{"sns:CreateTopic", "arn:aws:sns:" + in + "t", &sns.CreateTopicInput{Tags: []snstypes.Tag{{Key: new("team"), Value: new("blue")}}}, &sns.CreateTopicInput{}, "sns:TagResource", ""},
		{"sqs:CreateQueue", "arn:aws:sqs:" + in + "q", &sqs.CreateQueueInput{Tags: pairs}, &sqs.CreateQueueInput{}, "sqs:TagQueue", ""},
		{"events:PutRule", "arn:aws:events:" + in + "rule/r", &eventbridge.PutRuleInput{Tags: []ebtypes.Tag{{Key: new("team"), Value: new("blue")}}}, &eventbridge.PutRuleInput{}, "events:TagResource", ""},
		{"dynamodb:CreateTable", "arn:aws:dynamodb:" + in + "table/t", &dynamodb.CreateTableInput{Tags: []ddbtypes.Tag{{Key: new("team"), Value: new("blue")}}}, &dynamodb.CreateTableInput{}, "dynamodb:TagResource", ""},
		{"iam:CreateRole", roleARN(account, "/", "r"), &awsiam.CreateRoleInput{Tags: []iamtypes.Tag{{Key: new("team"), Value: new("blue")}}}, &awsiam.CreateRoleInput{Tags: []iamtypes.Tag{}}, "iam:TagRole", ""},
		{"lambda:CreateFunction", function, &awslambda.CreateFunctionInput{Tags: pairs}, &awslambda.CreateFunctionInput{}, "lambda:TagResource", ""},
		{"lambda:CreateEventSourceMapping", "*", &awslambda.CreateEventSourceMappingInput{Tags: pairs}, &awslambda.CreateEventSourceMappingInput{}, "lambda:TagResource", "arn:aws:lambda:" + in + "event-source-mapping:*"},
		{"logs:CreateLogGroup", "arn:aws:logs:" + in + "log-group:g:log-stream:", &logs.CreateLogGroupInput{LogGroupName: new("g"), Tags: pairs}, &logs.CreateLogGroupInput{LogGroupName: new("g")}, "logs:TagResource", "arn:aws:logs:" + in + "log-group:g"},
	}
	for _, tt := range tests {
		t.Run(tt.action, func(t *testing.T) {
			f := open(t, nil)
			c := f.mustUser(t, "ann", allowDocument(tt.action, "*"))
			c.Region = "us-east-1"
			if err := f.AuthorizeOperation(t.Context(), c, tt.action, tt.resource, tt.bare); err != nil {
				t.Errorf("without tags: %v", err)
			}
			on := cmp.Or(tt.on, tt.resource)
			wantError(t, f.AuthorizeOperation(t.Context(), c, tt.action, tt.resource, tt.tagged), lambda.CodeAccessDenied,
				"User: "+c.ARN+" is not authorized to perform: "+tt.needs+" on resource: "+on+" because no identity-based policy allows the "+tt.needs+" action")
			c = f.mustUser(t, "bob", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"`+tt.action+`","Resource":"*"},
				{"Effect":"Allow","Action":"`+tt.needs+`","Resource":"`+on+`","Condition":{"StringEquals":{"aws:RequestTag/team":"blue"}}}]}`)
			c.Region = "us-east-1"
			if err := f.AuthorizeOperation(t.Context(), c, tt.action, tt.resource, tt.tagged); err != nil {
				t.Errorf("with the permission to tag: %v", err)
			}
		})
	}
}

func TestAnOrganizationIsLetInWithAllItsAccountsAndNobodyElse(t *testing.T) {
	const member, stranger = "222222222222", "999999999999"
	const document = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction",
		"Resource":"` + function + `","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-abcdefghij"}}}]}`
	for org, lets := range map[string]bool{"o-abcdefghij": true, "o-zyxwvutsrq": false, "": false} {
		f := open(t, func(c *Config) { c.Organization = org })
		if _, _, _, err := f.CreateAccount(t.Context(), "member", member); err != nil {
			t.Fatal(err)
		}
		f.UseResources("lambda", &shelfOfFunctions{revision: 1, document: document})
		for _, tt := range []struct {
			caller lambda.Caller
			want   bool
		}{
			{rootIdentity(member, "", "").Caller, lets},
			{rootIdentity(stranger, "", "").Caller, false},
			{lambda.Caller{Kind: lambda.PrincipalAnonymous, ARN: "anonymous"}, false},
		} {
			for range 2 { // the second may come from the cache
				if err := f.Authorize(t.Context(), tt.caller, "lambda:InvokeFunction", function); (err == nil) != tt.want {
					t.Errorf("organization %q, caller %q: got %v, want allowed %v", org, tt.caller.ARN, err, tt.want)
				}
			}
		}
	}
	if err := (Config{Organization: "o-short"}).Validate(); err == nil || !strings.Contains(err.Error(), `organization "o-short"`) {
		t.Errorf("got %v for an id that is none", err)
	}
}
