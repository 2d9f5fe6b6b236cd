package controlplane

import (
	"strings"
	"testing"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func TestAFunctionIsFoundUnderEveryFormOfItsName(t *testing.T) {
	h := start(t)
	h.create("f")
	h.publish("f")
	h.alias("prod", "1")
	const ipv, rnf = "InvalidParameterValueException: ", "ResourceNotFoundException: "
	for _, tc := range []struct{ name, qualifier, wantARN, wantVersion, wantErr string }{
		{"f", "", fARN, "$LATEST", ""},
		{"f:$LATEST", "", fARN + ":$LATEST", "$LATEST", ""},
		{"f", "$LATEST", fARN + ":$LATEST", "$LATEST", ""},
		{"f:1", "", fARN + ":1", "1", ""},
		{"f:1", "1", fARN + ":1", "1", ""},
		{"f", "prod", fARN + ":prod", "1", ""},
		{"123456789012:function:f", "", fARN, "$LATEST", ""},
		{"us-east-1:123456789012:function:f:prod", "", fARN + ":prod", "1", ""},
		{"function:f", "1", fARN + ":1", "1", ""},
		{fARN + ":1", "", fARN + ":1", "1", ""},
		{"f:1", "prod", "", "", ipv + "The derived qualifier from the function name does not match the specified qualifier."},
		{"f", "2", "", "", rnf + "Function not found: " + fARN + ":2"},
		{"f", "01", "", "", rnf + "Function not found: " + fARN + ":01"},
		{"f", "dev", "", "", rnf + "Function not found: " + fARN + ":dev"},
		{"g", "", "", "", rnf + "Function not found: " + strings.TrimSuffix(fARN, "f") + "g"},
		{"F", "", "", "", rnf + "Function not found: " + strings.TrimSuffix(fARN, "f") + "F"},
		{strings.Repeat("n", 65), "", "", "", rnf + "Function not found: " + strings.TrimSuffix(fARN, "f") + strings.Repeat("n", 65)},
		{"invalid:function:name", "", "", "", "ValidationException: 1 validation error detected: Value 'invalid:function:name' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: " + lambda.FunctionNamePattern},
		{strings.Replace(fARN, "us-east-1", "eu-west-1", 1), "", "", "", rnf + "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"},
		// Whether another account's caller may is the edge's question.
		{strings.Replace(fARN, testAccount, "999999999999", 1), "", "", "", rnf + "Function not found: " + strings.Replace(fARN, testAccount, "999999999999", 1)},
	} {
		t.Run(tc.name+" "+tc.qualifier, func(t *testing.T) {
			in := &awslambda.GetFunctionInput{FunctionName: new(tc.name)}
			if tc.qualifier != "" {
				in.Qualifier = new(tc.qualifier)
			}
			out, err := h.GetFunction(h.ctx, in)
			shows(t, err, tc.wantErr)
			if err == nil && (*out.Configuration.FunctionArn != tc.wantARN || *out.Configuration.Version != tc.wantVersion) {
				t.Errorf("got %s, version %s; want %s, %s", *out.Configuration.FunctionArn, *out.Configuration.Version, tc.wantARN, tc.wantVersion)
			}
		})
	}
}

func TestAnotherAccountIsRefusedWithoutAMessageWhereNoPolicyCouldAllow(t *testing.T) {
	h := start(t)
	_, err := h.GetRuntimeManagementConfig(h.ctx, &awslambda.GetRuntimeManagementConfigInput{FunctionName: new("999999999999:function:f")})
	shows(t, err, "AccessDeniedException")
}

func TestAliases(t *testing.T) {
	const ipv, rnf = "InvalidParameterValueException: ", "ResourceNotFoundException: "
	routing := func(kv ...any) *types.AliasRoutingConfiguration {
		c := &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{}}
		for i := 0; i < len(kv); i += 2 {
			c.AdditionalVersionWeights[kv[i].(string)] = kv[i+1].(float64)
		}
		return c
	}
	create := func(in awslambda.CreateAliasInput) func(*harness) error {
		return func(h *harness) error {
			in.FunctionName = new(firstOf(value(in.FunctionName), "f"))
			_, err := h.CreateAlias(h.ctx, &in)
			return err
		}
	}
	update := func(in awslambda.UpdateAliasInput) func(*harness) error {
		return func(h *harness) error {
			in.FunctionName = new("f")
			_, err := h.UpdateAlias(h.ctx, &in)
			return err
		}
	}
	for _, tc := range []struct {
		name string
		call func(*harness) error
		want string
	}{
		{"can point to a version", create(awslambda.CreateAliasInput{Name: new("a"), FunctionVersion: new("1")}), ""},
		{"can point to $LATEST", create(awslambda.CreateAliasInput{Name: new("a"), FunctionVersion: new("$LATEST")}), ""},
		{"can share out", create(awslambda.CreateAliasInput{Name: new("a"), FunctionVersion: new("1"), RoutingConfig: routing("2", 0.5)}), ""},
		{
			"have unique names", create(awslambda.CreateAliasInput{Name: new("prod"), FunctionVersion: new("1")}),
			"ResourceConflictException: Alias already exists: " + fARN + ":prod",
		},
		{
			"need a function", create(awslambda.CreateAliasInput{FunctionName: new("g"), Name: new("a"), FunctionVersion: new("1")}),
			rnf + "Function not found: " + strings.TrimSuffix(fARN, "f") + "g:1",
		},
		{"need a version", create(awslambda.CreateAliasInput{Name: new("a"), FunctionVersion: new("9")}), rnf + "Function not found: " + fARN + ":9"},
		{"need a version to share with", create(awslambda.CreateAliasInput{Name: new("a"), FunctionVersion: new("1"), RoutingConfig: routing("9", 0.5)}), rnf + "Function not found: " + fARN + ":9"},
		{
			"share with one only", create(awslambda.CreateAliasInput{Name: new("a"), FunctionVersion: new("1"), RoutingConfig: routing("2", 0.5, "3", 0.1)}),
			ipv + "Number of items in AdditionalVersionWeights cannot be greater than 1",
		},
		{
			"share with another", create(awslambda.CreateAliasInput{Name: new("a"), FunctionVersion: new("1"), RoutingConfig: routing("1", 0.5)}),
			ipv + "Invalid function version 1. Function version 1 is already included in routing configuration.",
		},
		{
			"do not share $LATEST", create(awslambda.CreateAliasInput{Name: new("a"), FunctionVersion: new("$LATEST"), RoutingConfig: routing("1", 0.5)}),
			ipv + "$LATEST is not supported for an alias pointing to more than 1 version",
		},
		{"can be moved", update(awslambda.UpdateAliasInput{Name: new("prod"), FunctionVersion: new("2")}), ""},
		{"must exist to be moved", update(awslambda.UpdateAliasInput{Name: new("none"), FunctionVersion: new("2")}), rnf + "Alias not found: " + fARN + ":none"},
		{"can be moved at their revision only", update(awslambda.UpdateAliasInput{Name: new("prod"), RevisionId: new("old")}), "PreconditionFailedException: " + msgRevision},
		{"must exist to be shown", func(h *harness) error {
			_, err := h.GetAlias(h.ctx, &awslambda.GetAliasInput{FunctionName: new("f"), Name: new("none")})
			return err
		}, rnf + "Cannot find alias arn: " + fARN + ":none"},
		{"need not exist to be deleted", func(h *harness) error {
			_, err := h.DeleteAlias(h.ctx, &awslambda.DeleteAliasInput{FunctionName: new("f"), Name: new("none")})
			return err
		}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := start(t)
			h.create("f")
			h.publish("f")
			h.updateCode("f", "v2")
			h.publish("f")
			h.alias("prod", "1")
			shows(t, tc.call(h), tc.want)
		})
	}
}

func TestAnAliasKeepsWhatAnUpdateLeavesOut(t *testing.T) {
	h := start(t)
	h.create("f")
	h.publish("f")
	h.updateCode("f", "v2")
	h.publish("f")
	before := must(h.CreateAlias(h.ctx, &awslambda.CreateAliasInput{
		FunctionName: new("f"), Name: new("a"), FunctionVersion: new("1"), Description: new("d"),
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 0.25}},
	}))
	if *before.AliasArn != fARN+":a" || before.RoutingConfig.AdditionalVersionWeights["2"] != 0.25 {
		t.Errorf("made: %s, %v", *before.AliasArn, before.RoutingConfig)
	}
	out := must(h.UpdateAlias(h.ctx, &awslambda.UpdateAliasInput{FunctionName: new("f"), Name: new("a"), Description: new("")}))
	if *out.FunctionVersion != "1" || *out.Description != "" || out.RoutingConfig == nil || *out.RevisionId == *before.RevisionId {
		t.Errorf("after a change of description: %s %q %v", *out.FunctionVersion, *out.Description, out.RoutingConfig)
	}
	out = must(h.UpdateAlias(h.ctx, &awslambda.UpdateAliasInput{FunctionName: new("f"), Name: new("a"), RoutingConfig: &types.AliasRoutingConfiguration{}}))
	if out.RoutingConfig != nil {
		t.Errorf("after clearing the routing: %v", out.RoutingConfig)
	}
	h.alias("b", "2")
	if all := must(h.ListAliases(h.ctx, &awslambda.ListAliasesInput{FunctionName: new("f")})).Aliases; len(all) != 2 || *all[0].Name != "a" {
		t.Errorf("listed: %v", all)
	}
	if some := must(h.ListAliases(h.ctx, &awslambda.ListAliasesInput{FunctionName: new("f"), FunctionVersion: new("2")})).Aliases; len(some) != 1 || *some[0].Name != "b" {
		t.Errorf("listed for version 2: %v", some)
	}
}

func TestLookup(t *testing.T) {
	h := start(t)
	h.create("f")
	h.publish("f")
	h.alias("prod", "1")
	for _, tc := range []struct{ name, qualifier, wantVersion, wantErr string }{
		{"f", "", "$LATEST", ""},
		{"f", "$LATEST", "$LATEST", ""},
		{"f", "1", "1", ""},
		{"f", "prod", "1", ""},
		{"f", "2", "", "ResourceNotFoundException: Function not found: " + fARN + ":2"},
		{"f", "dev", "", "ResourceNotFoundException: Function not found: " + fARN + ":dev"},
		{"g", "", "", "ResourceNotFoundException: Function not found: " + strings.TrimSuffix(fARN, "f") + "g:$LATEST"},
	} {
		got, err := h.Lookup(fid(tc.name), tc.qualifier)
		shows(t, err, tc.wantErr)
		if err == nil && got.Version.Version != tc.wantVersion {
			t.Errorf("%s %s is version %s, want %s", tc.name, tc.qualifier, got.Version.Version, tc.wantVersion)
		}
	}
	if a := must(h.Lookup(fid("f"), "prod")).Alias; a != "prod" {
		t.Errorf("Alias = %q, want prod", a)
	}
	_, err := New(Config{Store: newMem()}).Lookup(fid("f"), "")
	shows(t, err, "ServiceException: The service is starting. Try again.")
}

func TestWeightsAreDrawnFor(t *testing.T) {
	a := aliasRecord{Version: "1", Weights: map[string]float64{"2": 0.25}}
	for u, want := range map[float64]string{0: "2", 0.2499: "2", 0.25: "1", 0.99: "1"} {
		if got := a.route(u); got != want {
			t.Errorf("at %v version %s, want %s", u, got, want)
		}
	}
	if got := (aliasRecord{Version: "1", Weights: map[string]float64{"2": 0}}).route(0); got != "1" {
		t.Errorf("with weight 0 version %s, want 1", got)
	}
}

func BenchmarkLookup(b *testing.B) {
	h := start(b)
	h.create("f")
	for b.Loop() {
		if _, err := h.Lookup(fid("f"), ""); err != nil {
			b.Fatal(err)
		}
	}
}
