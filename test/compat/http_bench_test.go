package compat

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	gwtypes "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/harness"
)

// BenchmarkWaysToAFunction calls one warm function by the Invoke API, by its URL, and
// through both kinds of APIs: what each adds is the difference to the first. All are
// called by net/http's client over one connection; the first with one signature for all
// calls, so that signing does not count.
func BenchmarkWaysToAFunction(b *testing.B) {
	path, err := binary()
	if err != nil {
		b.Fatal(err)
	}
	dir, err := os.MkdirTemp(scratch, "bench-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		b.Fatal(err)
	}
	isolation := "process"
	if os.Geteuid() == 0 {
		isolation = "namespace"
	}
	h, err := harness.Start(b.Context(), harness.Options{Binary: path, DataDir: filepath.Join(dir, "data"), Isolation: isolation})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = h.Stop() })
	if err := harness.Create(b.Context(), h.AWS(), harness.Function{Name: "f", Runtime: node, Files: map[string]string{"index.js": `exports.handler = async () => ({ statusCode: 200, body: 'ok' })`}}); err != nil {
		b.Fatal(err)
	}
	urls := waysTo(b, h)
	client := &http.Client{Transport: &http.Transport{}}
	direct := signed(b, h.AWS(), "lambda", "POST", h.Endpoint+"/2015-03-31/functions/f/invocations", "").Header
	ways := []string{"invoke", "url", "http api", "rest api"}
	took := map[string][]time.Duration{}
	for b.Loop() {
		for _, way := range ways { // in turn, so that all see the same machine
			req, err := http.NewRequestWithContext(b.Context(), "GET", urls[way], nil)
			if err != nil {
				b.Fatal(err)
			}
			if way == "invoke" {
				req.Method, req.Header = "POST", direct
			}
			start := time.Now()
			res, err := client.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			body, _ := io.ReadAll(res.Body)
			if res.Body.Close(); string(body) != "ok" && way != "invoke" || res.StatusCode != http.StatusOK {
				b.Fatalf("%s: got %d %s", way, res.StatusCode, body)
			}
			took[way] = append(took[way], time.Since(start))
		}
	}
	b.ReportMetric(0, "ns/op")
	for _, way := range ways {
		slices.Sort(took[way])
		b.ReportMetric(float64(took[way][len(took[way])/2].Microseconds()), strings.ReplaceAll(way, " ", "-")+"-p50-µs")
	}
}

// waysTo puts the function f behind everything, and returns addresses by path.
func waysTo(b *testing.B, h *harness.Hearth) map[string]string {
	b.Helper()
	check := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	ctx, out := b.Context(), map[string]string{"invoke": h.Endpoint + "/2015-03-31/functions/f/invocations"}
	c, v1, v2 := lambda.NewFromConfig(h.AWS()), apigateway.NewFromConfig(h.AWS()), apigatewayv2.NewFromConfig(h.AWS())
	const arn = "arn:aws:lambda:us-east-1:000000000000:function:f"
	url, err := c.CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{FunctionName: new("f"), AuthType: lambdatypes.FunctionUrlAuthTypeNone})
	check(err)
	id, _, _ := strings.Cut(strings.TrimPrefix(*url.FunctionUrl, "http://"), ".")
	out["url"] = h.Endpoint + "/_aws/lambda-url/" + id + "/"
	for i, p := range []lambda.AddPermissionInput{
		{Principal: new("*"), Action: new("lambda:InvokeFunctionUrl"), FunctionUrlAuthType: lambdatypes.FunctionUrlAuthTypeNone},
		{Principal: new("*"), Action: new("lambda:InvokeFunction"), InvokedViaFunctionUrl: new(true)},
		{Principal: new("apigateway.amazonaws.com"), Action: new("lambda:InvokeFunction")},
	} {
		p.FunctionName, p.StatementId = new("f"), new(string(rune('a'+i)))
		_, err := c.AddPermission(ctx, &p)
		check(err)
	}
	quick, err := v2.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: new("f"), ProtocolType: types.ProtocolTypeHttp, Target: new(arn)})
	check(err)
	out["http api"] = h.Endpoint + "/_aws/execute-api/" + *quick.ApiId + "/"
	rest, err := v1.CreateRestApi(ctx, &apigateway.CreateRestApiInput{Name: new("f")})
	check(err)
	_, err = v1.PutMethod(ctx, &apigateway.PutMethodInput{RestApiId: rest.Id, ResourceId: rest.RootResourceId, HttpMethod: new("GET"), AuthorizationType: new("NONE")})
	check(err)
	_, err = v1.PutIntegration(ctx, &apigateway.PutIntegrationInput{
		RestApiId: rest.Id, ResourceId: rest.RootResourceId, HttpMethod: new("GET"), Type: gwtypes.IntegrationTypeAwsProxy, IntegrationHttpMethod: new("POST"),
		Uri: new("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" + arn + "/invocations"),
	})
	check(err)
	_, err = v1.CreateDeployment(ctx, &apigateway.CreateDeploymentInput{RestApiId: rest.Id, StageName: new("s")})
	check(err)
	out["rest api"] = h.Endpoint + "/_aws/execute-api/" + *rest.Id + "/s"
	return out
}
