package controlplane

import (
	"fmt"
	"strings"
	"testing"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const (
	ipv  = "InvalidParameterValueException: "
	rnf  = "ResourceNotFoundException: "
	rc   = "ResourceConflictException: "
	gARN = "arn:aws:lambda:us-east-1:123456789012:function:g"
)

func permission(sid string) *awslambda.AddPermissionInput {
	return &awslambda.AddPermissionInput{
		FunctionName: new("f"), StatementId: new(sid), Action: new("lambda:InvokeFunction"), Principal: new("s3.amazonaws.com"),
	}
}

func TestDeleteTakesEverythingAlong(t *testing.T) {
	h := start(t)
	h.create("f")
	h.publish("f")
	h.alias("prod", "1")
	must(h.AddPermission(h.ctx, permission("s")))
	must(h.PutFunctionConcurrency(h.ctx, &awslambda.PutFunctionConcurrencyInput{FunctionName: new("f"), ReservedConcurrentExecutions: new(int32(5))}))
	must(h.PutFunctionEventInvokeConfig(h.ctx, &awslambda.PutFunctionEventInvokeConfigInput{FunctionName: new("f"), MaximumRetryAttempts: new(int32(1))}))
	keys := []lambda.EnvironmentKey{must(h.Lookup(fid("f"), "")).Version.Key(), must(h.Lookup(fid("f"), "1")).Version.Key()}
	out := must(h.DeleteFunction(h.ctx, &awslambda.DeleteFunctionInput{FunctionName: new("f")}))
	if out.StatusCode != 204 {
		t.Errorf("StatusCode = %d, want 204", out.StatusCode)
	}
	for _, kind := range []string{"lambda.function", "lambda.version", "lambda.alias", "lambda.policy", "lambda.event_invoke"} {
		if left := must(h.store.List(h.ctx, kind, "", "", 10)); len(left) != 0 {
			t.Errorf("%d records of %s are left", len(left), kind)
		}
	}
	usage := must(h.GetAccountSettings(h.ctx, &awslambda.GetAccountSettingsInput{}))
	if usage.AccountUsage.TotalCodeSize != 0 || usage.AccountUsage.FunctionCount != 0 || *usage.AccountLimit.UnreservedConcurrentExecutions != 1000 {
		t.Errorf("still used: %+v, unreserved %d", *usage.AccountUsage, *usage.AccountLimit.UnreservedConcurrentExecutions)
	}
	if len(h.view.digests) != 0 {
		t.Errorf("packages are still referenced: %v", h.view.digests)
	}
	h.awaitRetired(keys...)
	h.create("f")
	if again := must(h.Lookup(fid("f"), "")).Version.Key(); again == keys[0] {
		t.Error("a function made anew shares environments with the one before")
	}
	if v := h.publish("f"); v != "1" {
		t.Errorf("a function made anew starts at version %s, want 1", v)
	}
}

func TestDeleteOfQualifiers(t *testing.T) {
	h := start(t)
	h.create("f")
	h.publish("f")
	h.updateCode("f", "v2")
	h.publish("f")
	h.alias("prod", "1")
	for _, tc := range []struct{ function, qualifier, want string }{
		{"f", "$LATEST", ipv + "$LATEST version cannot be deleted without deleting the function."},
		{"f", "prod", ipv + "Deletion of aliases is not currently supported."},
		{"f", "1", rc + "Version 1 is still referenced by alias prod."},
		{"f", "2", ""},
		{"f", "2", ""},
		{"f", "9", ""},
		{"g", "", rnf + "Function not found: " + gARN},
		{"g", "1", rnf + "Function not found: " + gARN + ":1"},
	} {
		in := &awslambda.DeleteFunctionInput{FunctionName: new(tc.function)}
		if tc.qualifier != "" {
			in.Qualifier = new(tc.qualifier)
		}
		_, err := h.DeleteFunction(h.ctx, in)
		t.Logf("%s %s", tc.function, tc.qualifier)
		shows(t, err, tc.want)
	}
}

func TestTags(t *testing.T) {
	h := start(t)
	h.create("f")
	h.publish("f")
	before := *h.config("f").RevisionId
	key := must(h.Lookup(fid("f"), "")).Version.Key()
	must(h.TagResource(h.ctx, &awslambda.TagResourceInput{Resource: new(fARN), Tags: map[string]string{"a": "1", "b": "2"}}))
	must(h.UntagResource(h.ctx, &awslambda.UntagResourceInput{Resource: new(fARN), TagKeys: []string{"a", "none"}}))
	tags := must(h.ListTags(h.ctx, &awslambda.ListTagsInput{Resource: new(fARN)})).Tags
	if len(tags) != 1 || tags["b"] != "2" {
		t.Errorf("tags are %v, want b=2", tags)
	}
	if *h.config("f").RevisionId == before {
		t.Error("RevisionId is the same after tagging")
	}
	if must(h.Lookup(fid("f"), "")).Version.Key() != key {
		t.Error("tagging changed which environments serve the function")
	}
	many := make(map[string]string)
	for i := range 50 {
		many[fmt.Sprint("t", i)] = ""
	}
	for _, tc := range []struct {
		name, resource string
		tags           map[string]string
		want           string
	}{
		{"no tags", fARN, nil, ipv + "An error occurred and the request cannot be processed."},
		{"too many", fARN, many, ipv + "Number of tags exceeds resource tag limit."},
		{"a version", fARN + ":1", map[string]string{"a": ""}, ipv + "Tags on function aliases and versions are not supported. Please specify a function ARN."},
		{"a missing function", gARN, map[string]string{"a": ""}, rnf + "Function not found: " + gARN},
		{
			"a missing mapping", "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:u",
			map[string]string{"a": ""},
			rnf + "Event source mapping not found: arn:aws:lambda:us-east-1:123456789012:event-source-mapping:u",
		},
	} {
		_, err := h.TagResource(h.ctx, &awslambda.TagResourceInput{Resource: new(tc.resource), Tags: tc.tags})
		t.Log(tc.name)
		shows(t, err, tc.want)
	}
}

func TestReservedConcurrency(t *testing.T) {
	h := start(t)
	h.create("f")
	h.create("g")
	h.publish("f")
	const floor = ipv + "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."
	for _, tc := range []struct {
		name, function string
		n              int32
		want           string
	}{
		{"up to the floor", "f", 900, ""},
		{"nothing is left for another", "g", 1, floor},
		{"but zero is", "g", 0, ""},
		{"beyond the floor", "f", 901, floor},
		{"less", "f", 600, ""},
		{"what that leaves", "g", 300, ""},
		{"one more", "g", 301, floor},
		{"of a version", "f:1", 1, ipv + msgFunctionsOnly},
		{"of a missing function", "h", 1, rnf + "Function not found: arn:aws:lambda:us-east-1:123456789012:function:h"},
	} {
		out, err := h.PutFunctionConcurrency(h.ctx, &awslambda.PutFunctionConcurrencyInput{FunctionName: new(tc.function), ReservedConcurrentExecutions: new(tc.n)})
		t.Log(tc.name)
		shows(t, err, tc.want)
		if err == nil && *out.ReservedConcurrentExecutions != tc.n {
			t.Errorf("answer %d, want %d", *out.ReservedConcurrentExecutions, tc.n)
		}
	}
	if r := must(h.Lookup(fid("g"), "")).Reserved; r == nil || *r != 300 {
		t.Errorf("the data plane sees %v, want 300", r)
	}
	if c := must(h.GetFunction(h.ctx, &awslambda.GetFunctionInput{FunctionName: new("f")})).Concurrency; *c.ReservedConcurrentExecutions != 600 {
		t.Errorf("GetFunction shows %v, want 600", c)
	}
	if u := *must(h.GetAccountSettings(h.ctx, nil)).AccountLimit.UnreservedConcurrentExecutions; u != 100 {
		t.Errorf("unreserved is %d, want 100", u)
	}
	must(h.DeleteFunctionConcurrency(h.ctx, &awslambda.DeleteFunctionConcurrencyInput{FunctionName: new("f")}))
	must(h.DeleteFunctionConcurrency(h.ctx, &awslambda.DeleteFunctionConcurrencyInput{FunctionName: new("f")}))
	if got := must(h.GetFunctionConcurrency(h.ctx, &awslambda.GetFunctionConcurrencyInput{FunctionName: new("f")})); got.ReservedConcurrentExecutions != nil {
		t.Errorf("after deleting: %d", *got.ReservedConcurrentExecutions)
	}
}

func TestPermissionsPrintAsAWSPrintsThem(t *testing.T) {
	h := start(t)
	h.create("f")
	h.publish("f")
	h.alias("prod", "1")
	for _, tc := range []struct {
		name string
		in   awslambda.AddPermissionInput
		want string
	}{
		{
			"a service with its source",
			awslambda.AddPermissionInput{Principal: new("s3.amazonaws.com"), SourceAccount: new(testAccount), SourceArn: new("arn:aws:s3:::b")},
			`"Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + fARN + `","Condition":{"StringEquals":{"AWS:SourceAccount":"123456789012"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"}}}`,
		},
		{
			"an account",
			awslambda.AddPermissionInput{Principal: new("999999999999")},
			`"Principal":{"AWS":"arn:aws:iam::999999999999:root"},"Action":"lambda:InvokeFunction","Resource":"` + fARN + `"}`,
		},
		{
			"a role",
			awslambda.AddPermissionInput{Principal: new("arn:aws:iam::999999999999:role/r")},
			`"Principal":{"AWS":"arn:aws:iam::999999999999:role/r"},"Action":"lambda:InvokeFunction","Resource":"` + fARN + `"}`,
		},
		{
			"everyone of an organisation",
			awslambda.AddPermissionInput{Principal: new("*"), PrincipalOrgID: new("o-1234567890")},
			`"Principal":"*","Action":"lambda:InvokeFunction","Resource":"` + fARN + `","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1234567890"}}}`,
		},
		{
			"a function URL",
			awslambda.AddPermissionInput{Principal: new("*"), FunctionUrlAuthType: types.FunctionUrlAuthTypeNone, InvokedViaFunctionUrl: new(true), Qualifier: new("prod")},
			`"Principal":"*","Action":"lambda:InvokeFunction","Resource":"` + fARN + `:prod","Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"},"Bool":{"lambda:InvokedViaFunctionUrl":"true"}}}`,
		},
		{
			"characters that HTML escapes",
			awslambda.AddPermissionInput{Principal: new("s3.amazonaws.com"), SourceArn: new("arn:aws:s3:::<b>&")},
			`"Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + fARN + `","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::<b>&"}}}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := tc.in
			in.FunctionName, in.StatementId, in.Action = new("f"), new("s1"), new("lambda:InvokeFunction")
			want := `{"Sid":"s1","Effect":"Allow",` + tc.want
			if got := *must(h.AddPermission(h.ctx, &in)).Statement; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			policy := must(h.GetPolicy(h.ctx, &awslambda.GetPolicyInput{FunctionName: new("f"), Qualifier: in.Qualifier}))
			if want := `{"Version":"2012-10-17","Id":"default","Statement":[` + want + `]}`; *policy.Policy != want {
				t.Errorf("got  %s\nwant %s", *policy.Policy, want)
			}
			if doc, ok := h.ResourcePolicy(fid("f"), value(in.Qualifier)); !ok || doc != *policy.Policy {
				t.Errorf("the data plane sees %q, %t", doc, ok)
			}
			must(h.RemovePermission(h.ctx, &awslambda.RemovePermissionInput{FunctionName: new("f"), StatementId: new("s1"), Qualifier: in.Qualifier, RevisionId: policy.RevisionId}))
			_, err := h.GetPolicy(h.ctx, &awslambda.GetPolicyInput{FunctionName: new("f"), Qualifier: in.Qualifier})
			shows(t, err, rnf+"The resource you requested does not exist.")
		})
	}
}

func TestPermissionsRefuse(t *testing.T) {
	add := func(with func(*awslambda.AddPermissionInput)) func(*harness) error {
		return func(h *harness) error {
			in := permission("s2")
			with(in)
			_, err := h.AddPermission(h.ctx, in)
			return err
		}
	}
	remove := func(function, sid, qualifier string) func(*harness) error {
		return func(h *harness) error {
			in := &awslambda.RemovePermissionInput{FunctionName: new(function), StatementId: new(sid)}
			if qualifier != "" {
				in.Qualifier = new(qualifier)
			}
			_, err := h.RemovePermission(h.ctx, in)
			return err
		}
	}
	for _, tc := range []struct {
		name string
		call func(*harness) error
		want string
	}{
		{
			"a statement id twice", add(func(in *awslambda.AddPermissionInput) { in.StatementId = new("s1") }),
			rc + "The statement id (s1) provided already exists. Please provide a new statement id, or remove the existing statement.",
		},
		{"$LATEST", add(func(in *awslambda.AddPermissionInput) { in.Qualifier = new("$LATEST") }), ipv + "We currently do not support adding policies for $LATEST."},
		{
			"a principal that is none", add(func(in *awslambda.AddPermissionInput) { in.Principal = new("nobody") }),
			ipv + "The provided principal was invalid. Please check the principal and try again.",
		},
		{"a missing alias", add(func(in *awslambda.AddPermissionInput) { in.Qualifier = new("none") }), rnf + "Cannot find alias arn: " + fARN + ":none"},
		{"a missing version", add(func(in *awslambda.AddPermissionInput) { in.Qualifier = new("7") }), rnf + "Function not found: " + fARN + ":7"},
		{"a missing function", add(func(in *awslambda.AddPermissionInput) { in.FunctionName = new("g") }), rnf + "Function not found: " + gARN},
		{"an old revision", add(func(in *awslambda.AddPermissionInput) { in.RevisionId = new("old") }), "PreconditionFailedException: " + msgPolicyRevision},
		{
			"a policy that grows too large", add(func(in *awslambda.AddPermissionInput) { in.SourceArn = new(strings.Repeat("a", 20480)) }),
			"PolicyLengthExceededException: The final policy size (20914) is bigger than the limit (20480).",
		},
		{"removing from a missing function", remove("g", "s1", ""), rnf + "No policy found for: " + gARN},
		{"removing where there is no policy", remove("f", "s1", "1"), rnf + "No policy is associated with the given resource."},
		{"removing a missing statement", remove("f", "s9", ""), rnf + "Statement s9 is not found in resource policy."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := start(t)
			h.create("f")
			h.publish("f")
			must(h.AddPermission(h.ctx, permission("s1")))
			shows(t, tc.call(h), tc.want)
		})
	}
}

func TestEventInvokeConfigs(t *testing.T) {
	h := start(t)
	h.create("f")
	h.create("g")
	h.publish("f")
	queue := "arn:aws:sqs:us-east-1:123456789012:q"
	to := func(success, failure string) *types.DestinationConfig {
		return &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: optional(success)}, OnFailure: &types.OnFailure{Destination: optional(failure)}}
	}
	putConfig := func(in awslambda.PutFunctionEventInvokeConfigInput) error {
		in.FunctionName = new(firstOf(value(in.FunctionName), "f"))
		_, err := h.PutFunctionEventInvokeConfig(h.ctx, &in)
		return err
	}
	for _, tc := range []struct {
		name string
		in   awslambda.PutFunctionEventInvokeConfigInput
		want string
	}{
		{"nothing", awslambda.PutFunctionEventInvokeConfigInput{}, ipv + "You must specify at least one of error handling or destination setting."},
		{"a missing function", awslambda.PutFunctionEventInvokeConfigInput{FunctionName: new("h"), MaximumRetryAttempts: new(int32(0))}, rnf + "The function doesn't exist."},
		{"a missing alias", awslambda.PutFunctionEventInvokeConfigInput{Qualifier: new("none"), MaximumRetryAttempts: new(int32(0))}, rnf + "The function doesn't exist."},
		{"the function itself", awslambda.PutFunctionEventInvokeConfigInput{DestinationConfig: to(fARN, "")}, ipv + "You can't specify the function as a destination for itself."},
		{"a missing destination", awslambda.PutFunctionEventInvokeConfigInput{DestinationConfig: to("", fARN+"f")}, ipv + "The destination ARN " + fARN + "f is invalid."},
		{
			"a service that takes no records",
			awslambda.PutFunctionEventInvokeConfigInput{DestinationConfig: to("arn:aws:ec2:us-east-1:1:x", "")},
			ipv + "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:ec2:us-east-1:1:x), onFailure=null) is invalid.",
		},
		{"another function and a queue", awslambda.PutFunctionEventInvokeConfigInput{DestinationConfig: to(gARN, queue)}, ""},
		{"no retries", awslambda.PutFunctionEventInvokeConfigInput{MaximumRetryAttempts: new(int32(0))}, ""},
	} {
		t.Log(tc.name)
		shows(t, putConfig(tc.in), tc.want)
	}
	got := must(h.GetFunctionEventInvokeConfig(h.ctx, &awslambda.GetFunctionEventInvokeConfigInput{FunctionName: new("f")}))
	if *got.FunctionArn != fARN+":$LATEST" || *got.MaximumRetryAttempts != 0 || got.MaximumEventAgeInSeconds != nil || got.DestinationConfig.OnSuccess.Destination != nil {
		t.Errorf("put replaces: %s %d %v %v", *got.FunctionArn, *got.MaximumRetryAttempts, got.MaximumEventAgeInSeconds, got.DestinationConfig.OnSuccess)
	}
	merged := must(h.UpdateFunctionEventInvokeConfig(h.ctx, &awslambda.UpdateFunctionEventInvokeConfigInput{FunctionName: new("f"), MaximumEventAgeInSeconds: new(int32(60)), DestinationConfig: to("", queue)}))
	if *merged.MaximumRetryAttempts != 0 || *merged.MaximumEventAgeInSeconds != 60 || *merged.DestinationConfig.OnFailure.Destination != queue {
		t.Errorf("update merges: %v", merged)
	}
	if c := h.EventInvoke(fid("f"), ""); *c.RetryAttempts != 0 || c.EventAge.Seconds() != 60 || c.OnFailure != queue || c.OnSuccess != "" {
		t.Errorf("the data plane sees %+v", c)
	}
	shows(t, putConfig(awslambda.PutFunctionEventInvokeConfigInput{Qualifier: new("1"), MaximumRetryAttempts: new(int32(2))}), "")
	if all := must(h.ListFunctionEventInvokeConfigs(h.ctx, &awslambda.ListFunctionEventInvokeConfigsInput{FunctionName: new("f")})).FunctionEventInvokeConfigs; len(all) != 2 {
		t.Errorf("%d configurations are listed, want 2", len(all))
	}
	must(h.DeleteFunctionEventInvokeConfig(h.ctx, &awslambda.DeleteFunctionEventInvokeConfigInput{FunctionName: new("f")}))
	_, err := h.DeleteFunctionEventInvokeConfig(h.ctx, &awslambda.DeleteFunctionEventInvokeConfigInput{FunctionName: new("f")})
	shows(t, err, rnf+"The function "+fARN+":$LATEST doesn't have an EventInvokeConfig")
	_, err = h.GetFunctionEventInvokeConfig(h.ctx, &awslambda.GetFunctionEventInvokeConfigInput{FunctionName: new("h")})
	shows(t, err, rnf+"The function arn:aws:lambda:us-east-1:123456789012:function:h:$LATEST doesn't have an EventInvokeConfig")
}

func TestSmallerSettings(t *testing.T) {
	h := start(t)
	h.create("f")
	h.publish("f")
	if got := must(h.GetFunctionCodeSigningConfig(h.ctx, &awslambda.GetFunctionCodeSigningConfigInput{FunctionName: new("f")})); got.CodeSigningConfigArn != nil {
		t.Errorf("code signing: %v", *got.CodeSigningConfigArn)
	}
	if got := must(h.GetRuntimeManagementConfig(h.ctx, &awslambda.GetRuntimeManagementConfigInput{FunctionName: new("f")})); got.UpdateRuntimeOn != "Auto" || *got.FunctionArn != fARN || got.RuntimeVersionArn != nil {
		t.Errorf("runtime management: %s %s", got.UpdateRuntimeOn, *got.FunctionArn)
	}
	must(h.PutRuntimeManagementConfig(h.ctx, &awslambda.PutRuntimeManagementConfigInput{FunctionName: new("f"), Qualifier: new("1"), UpdateRuntimeOn: "FunctionUpdate"}))
	if got := must(h.GetRuntimeManagementConfig(h.ctx, &awslambda.GetRuntimeManagementConfigInput{FunctionName: new("f:1")})); got.UpdateRuntimeOn != "FunctionUpdate" || *got.FunctionArn != fARN+":1" {
		t.Errorf("runtime management of version 1: %s %s", got.UpdateRuntimeOn, *got.FunctionArn)
	}
	if got := must(h.GetFunctionRecursionConfig(h.ctx, &awslambda.GetFunctionRecursionConfigInput{FunctionName: new("f")})); got.RecursiveLoop != "Terminate" {
		t.Errorf("recursion: %s", got.RecursiveLoop)
	}
	must(h.PutFunctionRecursionConfig(h.ctx, &awslambda.PutFunctionRecursionConfigInput{FunctionName: new("f"), RecursiveLoop: "Allow"}))
	if got := must(h.GetFunctionRecursionConfig(h.ctx, &awslambda.GetFunctionRecursionConfigInput{FunctionName: new("f")})); got.RecursiveLoop != "Allow" {
		t.Errorf("recursion: %s", got.RecursiveLoop)
	}
	_, err := h.PutFunctionRecursionConfig(h.ctx, &awslambda.PutFunctionRecursionConfigInput{FunctionName: new("f:1"), RecursiveLoop: "Allow"})
	shows(t, err, ipv+msgFunctionsOnly)
}

// No operation may panic on a request without any member.
func TestEmptyRequestsGetAnAnswer(t *testing.T) {
	h := start(t)
	h.create("f")
	for _, op := range h.API().Operations {
		in := op.NewInput()
		if op.Resource != nil {
			op.Resource(caller(), in)
		}
		if _, err := op.Call(h.ctx, in); err != nil && !strings.Contains(err.Error(), "Exception") {
			t.Errorf("%s: %v", op.Name, err)
		}
	}
}

func TestAuthorizationIsAskedAboutTheFunctionThatARequestNames(t *testing.T) {
	for _, tc := range []struct{ name, qualifier, want string }{
		{"f", "", fARN},
		{"f", "1", fARN + ":1"},
		{"f:prod", "", fARN + ":prod"},
		{"999999999999:function:f", "", strings.Replace(fARN, testAccount, "999999999999", 1)},
		{strings.Replace(fARN, testRegion, "eu-west-1", 1), "", strings.Replace(fARN, testRegion, "eu-west-1", 1)},
		{"a:b:c:d", "", ""},
	} {
		if got := resourceARN(caller(), new(tc.name), new(tc.qualifier)); got != tc.want {
			t.Errorf("%s %s: %s, want %s", tc.name, tc.qualifier, got, tc.want)
		}
	}
}
