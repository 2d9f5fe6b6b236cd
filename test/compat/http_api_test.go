package compat

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/harness"
)

// httpAPIExample makes what examples/http-api/README.md makes, for pages of an origin.
func httpAPIExample(t *testing.T, h *harness.Hearth, origin string) (endpoint string) {
	t.Helper()
	source, err := os.ReadFile("../../examples/http-api/index.js")
	if err != nil {
		t.Fatal(err)
	}
	makeFunction(t, h, "http-api", string(source))
	ctx, gw := t.Context(), apigatewayv2.NewFromConfig(h.AWS())
	api, err := gw.CreateApi(ctx, &apigatewayv2.CreateApiInput{
		Name: new("hello"), ProtocolType: types.ProtocolTypeHttp,
		CorsConfiguration: &types.Cors{AllowOrigins: []string{origin}, AllowMethods: []string{"POST"}, AllowHeaders: []string{"content-type"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	i, err := gw.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
		ApiId: api.ApiId, IntegrationType: types.IntegrationTypeAwsProxy, PayloadFormatVersion: new("2.0"),
		IntegrationUri: new("arn:aws:lambda:us-east-1:000000000000:function:http-api"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gw.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: api.ApiId, RouteKey: new("ANY /hello/{name}"), Target: new("integrations/" + *i.IntegrationId)}); err != nil {
		t.Fatal(err)
	}
	if _, err := gw.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: api.ApiId, StageName: new("$default"), AutoDeploy: new(true)}); err != nil {
		t.Fatal(err)
	}
	newSite(t, h).want("GET", *api.ApiEndpoint+"/hello/early", "", 500, `{"message":"Internal Server Error"}`) // nothing lets the API invoke yet
	if _, err := lambda.NewFromConfig(h.AWS()).AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: new("http-api"), StatementId: new("api"), Action: new("lambda:InvokeFunction"), Principal: new("apigateway.amazonaws.com"),
		SourceArn: new("arn:aws:execute-api:us-east-1:000000000000:" + *api.ApiId + "/*"),
	}); err != nil {
		t.Fatal(err)
	}
	return *api.ApiEndpoint
}

func TestTheHTTPAPIExampleAnswersCurl(t *testing.T) {
	t.Parallel()
	curl := findTool(t, "curl", func(string) bool { return true })
	h := up(t)
	endpoint := httpAPIExample(t, h, "https://page")
	host, _, _ := strings.Cut(strings.TrimPrefix(endpoint, "http://"), ":")
	port := endpoint[strings.LastIndexByte(endpoint, ':')+1:]
	// Not every resolver knows names below localhost; curl is told.
	out, code := command(t, t.TempDir(), environ(h), curl, "-sS", "--resolve", host+":"+port+":127.0.0.1", endpoint+"/hello/curl")
	if want := `{"greeting":"Hello, curl","method":"GET","sent":null}`; code != 0 || out != want {
		t.Errorf("got %q, want %q", out, want)
	}
	id, _, _ := strings.Cut(host, ".")
	out, _ = command(t, t.TempDir(), environ(h), curl, "-sS", "-X", "POST", "-H", "Content-Type: text/plain", "-d", "body", h.Endpoint+"/_aws/execute-api/"+id+"/hello/path")
	if want := `{"greeting":"Hello, path","method":"POST","sent":"body"}`; out != want {
		t.Errorf("got %q, want %q", out, want)
	}
}

// browserMax is how long a browser may take to start and show a page on a busy machine.
const browserMax = 90 * time.Second

func TestTheHTTPAPIExampleAnswersAPage(t *testing.T) {
	t.Parallel()
	chromium := findTool(t, "chromium", func(path string) bool { return exec.Command(path, "--version").Run() == nil }, "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
	h := up(t)
	pages := httptest.NewServer(http.FileServer(http.Dir("../../examples/http-api")))
	t.Cleanup(pages.Close)
	show := func(endpoint string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), browserMax)
		defer cancel()
		cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server",
			"--user-data-dir="+t.TempDir(), "--virtual-time-budget=20000", "--dump-dom", pages.URL+"/page.html?api="+endpoint)
		cmd.Env = environ(h)
		out, err := cmd.Output()
		if err != nil {
			t.Skipf("chromium does not run here: %v", err)
		}
		return string(out)
	}
	endpoint := httpAPIExample(t, h, pages.URL)
	if got := show(endpoint); !strings.Contains(got, `Hello, page (POST) {"from":"a page"}`) {
		t.Errorf("the page shows\n%s", got)
	}
	gw := apigatewayv2.NewFromConfig(h.AWS())
	id, _, _ := strings.Cut(strings.TrimPrefix(endpoint, "http://"), ".")
	if _, err := gw.DeleteCorsConfiguration(t.Context(), &apigatewayv2.DeleteCorsConfigurationInput{ApiId: &id}); err != nil {
		t.Fatal(err)
	}
	if got := show(endpoint); !strings.Contains(got, "failed: ") {
		t.Errorf("without rules the page shows\n%s", got)
	}
}
