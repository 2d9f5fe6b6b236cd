package controlplane

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/store/mem"
)

// urls is a harness whose function URLs look like a node's.
func urls(c *Config) {
	c.FunctionURL = func(id, region string) string { return "http://" + id + ".lambda-url." + region + ".localhost:4566/" }
}

func (h *harness) url(name, qualifier string, with ...func(*awslambda.CreateFunctionUrlConfigInput)) *awslambda.CreateFunctionUrlConfigOutput {
	h.t.Helper()
	in := &awslambda.CreateFunctionUrlConfigInput{FunctionName: new(name), AuthType: types.FunctionUrlAuthTypeNone}
	if qualifier != "" {
		in.Qualifier = new(qualifier)
	}
	for _, w := range with {
		w(in)
	}
	return must(h.CreateFunctionUrlConfig(h.ctx, in))
}

func (h *harness) getURL(qualifier string) (*awslambda.GetFunctionUrlConfigOutput, error) {
	in := &awslambda.GetFunctionUrlConfigInput{FunctionName: new("f")}
	if qualifier != "" {
		in.Qualifier = new(qualifier)
	}
	return h.GetFunctionUrlConfig(h.ctx, in)
}

// idOf is the first label of a function URL.
func idOf(url *string) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(*url, "http://"), ".")
	return id
}

func TestAFunctionURLShowsItsSettings(t *testing.T) {
	h := start(t, urls)
	h.create("f")
	made := h.url("f", "")
	if !regexp.MustCompile(`^http://[0-9a-z]{32}\.lambda-url\.us-east-1\.localhost:4566/$`).MatchString(*made.FunctionUrl) {
		t.Errorf("FunctionUrl is %s", *made.FunctionUrl)
	}
	got := must(h.getURL(""))
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"FunctionArn", *made.FunctionArn, fARN},
		{"AuthType", made.AuthType, types.FunctionUrlAuthTypeNone},
		{"InvokeMode after creating without", made.InvokeMode, types.InvokeMode("")},
		{"InvokeMode read", got.InvokeMode, types.InvokeModeBuffered},
		{"Cors absent", made.Cors == nil && got.Cors == nil, true},
		{"CreationTime like AWS's", regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`).MatchString(*made.CreationTime), true},
		{"LastModifiedTime", *got.LastModifiedTime, *made.CreationTime},
		{"FunctionUrl read", *got.FunctionUrl, *made.FunctionUrl},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", c.what, c.got, c.want)
		}
	}

	cors := &types.Cors{AllowCredentials: new(false), AllowOrigins: []string{"https://a.example"}, AllowMethods: []string{"GET", "*"}, MaxAge: new(int32(60))}
	changed := must(h.UpdateFunctionUrlConfig(h.ctx, &awslambda.UpdateFunctionUrlConfigInput{
		FunctionName: new("f"), AuthType: types.FunctionUrlAuthTypeAwsIam, Cors: cors, InvokeMode: types.InvokeModeResponseStream,
	}))
	kept := must(h.UpdateFunctionUrlConfig(h.ctx, &awslambda.UpdateFunctionUrlConfigInput{FunctionName: new("f")}))
	for _, out := range []*awslambda.UpdateFunctionUrlConfigOutput{changed, kept} {
		if out.AuthType != types.FunctionUrlAuthTypeAwsIam || out.InvokeMode != types.InvokeModeResponseStream ||
			out.Cors == nil || *out.Cors.AllowCredentials || *out.Cors.MaxAge != 60 ||
			fmt.Sprint(out.Cors.AllowOrigins, out.Cors.AllowMethods, out.Cors.AllowHeaders == nil) != "[https://a.example] [GET *] true" {
			t.Errorf("got %+v with %+v", out, out.Cors)
		}
	}
	target, ok := h.URL(idOf(made.FunctionUrl))
	if !ok || target.Function != fid("f") || target.Qualifier != "" || target.Auth != URLAuthIAM || !target.Streaming || *target.Cors.MaxAgeSec != 60 {
		t.Errorf("URL reaches %+v, %v", target, ok)
	}
	cleared := must(h.UpdateFunctionUrlConfig(h.ctx, &awslambda.UpdateFunctionUrlConfigInput{FunctionName: new("f"), Cors: &types.Cors{}}))
	if cleared.Cors != nil {
		t.Errorf("empty Cors left %+v", cleared.Cors)
	}
}

func TestAFunctionURLMadeAgainIsAnother(t *testing.T) {
	st := mem.New()
	h := startOn(t, st, &peers{}, urls)
	h.create("f")
	first := idOf(h.url("f", "").FunctionUrl)
	must(h.DeleteFunctionUrlConfig(h.ctx, &awslambda.DeleteFunctionUrlConfigInput{FunctionName: new("f")}))
	if _, ok := h.URL(first); ok {
		t.Error("a deleted URL still reaches the function")
	}
	second := idOf(h.url("f", "").FunctionUrl)
	if first == second {
		t.Errorf("both have the id %s", first)
	}
	h.stop()
	h = startOn(t, st, &peers{}, urls)
	if got, ok := h.URL(second); !ok || got.Function != fid("f") {
		t.Errorf("after a restart the URL reaches %+v, %v", got, ok)
	}
	must(h.DeleteFunction(h.ctx, &awslambda.DeleteFunctionInput{FunctionName: new("f")}))
	if _, ok := h.URL(second); ok {
		t.Error("the URL of a deleted function is still there")
	}
	if left := must(st.List(h.ctx, "lambda.url", "", "", 10)); len(left) != 0 {
		t.Errorf("%d records are left", len(left))
	}
}

func TestURLsOfAliasesGoWithThem(t *testing.T) {
	h := start(t, urls)
	h.create("f")
	h.publish("f")
	h.alias("prod", "1")
	h.alias("beta", "1")
	own, prod := h.url("f", ""), h.url("f", "prod")
	h.url("f:beta", "")
	if *prod.FunctionArn != fARN+":prod" {
		t.Errorf("FunctionArn is %s", *prod.FunctionArn)
	}
	var arns []string
	var at *string
	for {
		out := must(h.ListFunctionUrlConfigs(h.ctx, &awslambda.ListFunctionUrlConfigsInput{FunctionName: new("f"), MaxItems: new(int32(1)), Marker: at}))
		for _, u := range out.FunctionUrlConfigs {
			arns = append(arns, strings.TrimPrefix(*u.FunctionArn, fARN))
		}
		if at = out.NextMarker; at == nil {
			break
		}
	}
	if got := strings.Join(arns, " "); got != " :beta :prod" {
		t.Errorf("listed %q, want the function's own, :beta, :prod", got)
	}
	must(h.DeleteAlias(h.ctx, &awslambda.DeleteAliasInput{FunctionName: new("f"), Name: new("prod")}))
	if target, ok := h.URL(idOf(prod.FunctionUrl)); ok {
		t.Errorf("the URL of a deleted alias is %+v", target)
	}
	h.alias("prod", "1")
	if _, err := h.getURL("prod"); err == nil {
		t.Error("an alias that was made again has the URL of the one before")
	}
	must(h.DeleteAlias(h.ctx, &awslambda.DeleteAliasInput{FunctionName: new("f"), Name: new("prod")}))
	if _, err := h.Lookup(fid("f"), "prod"); err == nil {
		t.Error("the deleted alias can be invoked")
	}
	if _, ok := h.URL(idOf(own.FunctionUrl)); !ok {
		t.Error("the function's own URL is gone")
	}
}

func TestURLRequestsAreRefused(t *testing.T) {
	h := start(t, urls)
	h.create("f")
	h.publish("f")
	h.alias("prod", "1")
	h.create("bare")
	h.url("f", "")
	create := func(name, qualifier string, cors *types.Cors) func() error {
		return func() error {
			in := &awslambda.CreateFunctionUrlConfigInput{FunctionName: new(name), AuthType: types.FunctionUrlAuthTypeNone, Cors: cors}
			if qualifier != "" {
				in.Qualifier = new(qualifier)
			}
			_, err := h.CreateFunctionUrlConfig(h.ctx, in)
			return err
		}
	}
	update := func(name, qualifier string) func() error {
		return func() error {
			in := &awslambda.UpdateFunctionUrlConfigInput{FunctionName: new(name)}
			if qualifier != "" {
				in.Qualifier = new(qualifier)
			}
			_, err := h.UpdateFunctionUrlConfig(h.ctx, in)
			return err
		}
	}
	const badQualifier = "ValidationException: 1 validation error detected: Value '%s' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: " + urlQualifierPattern
	for _, tc := range []struct {
		name string
		call func() error
		want string
	}{
		{"a second one", create("f", "", nil), rc + "Failed to create function url config for [functionArn = " + fARN + "]. Error message:  FunctionUrlConfig exists for this Lambda function"},
		{"for a version", create("f", "1", nil), fmt.Sprintf(badQualifier, "1")},
		{"for $LATEST", create("f", "$LATEST", nil), fmt.Sprintf(badQualifier, "$LATEST")},
		{"for an alias that is none", create("f", "none", nil), rnf + "Function does not exist"},
		{"for a function that is none", create("g", "", nil), rnf + "Function does not exist"},
		{
			"with a method that is none", create("bare", "", &types.Cors{AllowMethods: []string{"GET", "PUSH"}}),
			"ValidationException: 1 validation error detected: Value '[GET, PUSH]' at 'cors.allowMethods' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [GET, PUT, HEAD, POST, PATCH, DELETE, *]]",
		},
		{"updating where there is none", update("bare", ""), rnf + msgResourceNotFound},
		{"updating an alias without one", update("f", "prod"), rnf + msgResourceNotFound},
		{"updating an alias that is none", update("f", "none"), rnf + "Function does not exist"},
		{"updating a function that is none", update("g", ""), rnf + "Function does not exist"},
		{"reading where there is none", func() error { _, err := h.getURL("prod"); return err }, rnf + msgResourceNotFound},
		{"deleting where there is none", func() error {
			_, err := h.DeleteFunctionUrlConfig(h.ctx, &awslambda.DeleteFunctionUrlConfigInput{FunctionName: new("bare")})
			return err
		}, rnf + msgResourceNotFound},
		{"deleting of a function that is none", func() error {
			_, err := h.DeleteFunctionUrlConfig(h.ctx, &awslambda.DeleteFunctionUrlConfigInput{FunctionName: new("g")})
			return err
		}, rnf + msgResourceNotFound},
		{"listing a function that is none", func() error {
			_, err := h.ListFunctionUrlConfigs(h.ctx, &awslambda.ListFunctionUrlConfigsInput{FunctionName: new("g")})
			return err
		}, rnf + "Function does not exist"},
	} {
		t.Run(tc.name, func(t *testing.T) { shows(t, tc.call(), tc.want) })
	}
}
