package compat

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
)

// httpFunction answers URLs and both kinds of APIs, and is their authorizer.
const httpFunction = `
exports.handler = async (event) => {
  if (event.type === 'REQUEST') return { isAuthorized: event.identitySource[0] === 'good', context: { from: 'authorizer' } };
  if (event.type === 'TOKEN') return { principalId: 'me', policyDocument: { Version: '2012-10-17', Statement: [{ Effect: event.authorizationToken === 'good' ? 'Allow' : 'Deny', Action: 'execute-api:Invoke', Resource: event.methodArn }] } };
  const said = event.version ? event.version + ' ' + event.rawPath : '1.0 ' + event.path;
  return { statusCode: 200, body: said };
};`

// TestTerraformPutsFunctionsBehindHTTP applies, calls, changes and destroys a function
// with a URL, an HTTP API and a REST API.
func TestTerraformPutsFunctionsBehindHTTP(t *testing.T) {
	t.Parallel()
	terraform := findTool(t, "terraform", func(path string) bool { return exec.Command(path, "version").Run() == nil })
	installation := providers(t)
	h := up(t)
	w := &workspace{t: t, dir: t.TempDir(), terraform: terraform, values: map[string]any{}}
	w.env = environ(h, "TF_CLI_CONFIG_FILE="+filepath.Join(w.dir, "cli.tfrc"), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
	text, err := os.ReadFile("testdata/terraform_http/main.tf")
	if err != nil {
		t.Fatal(err)
	}
	w.write("main.tf", string(text))
	w.write("cli.tfrc", installation)
	writeZip(t, filepath.Join(w.dir, "function.zip"), "index.js", httpFunction)
	w.run(0, "init", "-input=false", "-no-color")
	w.run(0, "apply", "-auto-approve", "-input=false", "-no-color", "-parallelism=4")
	w.unchanged("apply")

	var out map[string]struct{ Value string }
	if err := json.Unmarshal([]byte(w.run(0, "output", "-json")), &out); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, h)
	url, http := out["url"].Value, out["http"].Value
	rest := strings.Replace(http, strings.TrimPrefix(strings.Split(http, ".")[0], "http://"), out["rest"].Value, 1) + "/prod"
	if got := s.want("GET", url+"x", "", 200, "2.0 /x", "Origin", "https://page"); got.header.Get("Access-Control-Allow-Origin") != "https://page" {
		t.Errorf("headers %v", got.header)
	}
	s.want("GET", http+"/open/1", "", 200, "2.0 /open/1")
	s.want("GET", http+"/held/open/1", "", 200, "2.0 /held/open/1")
	s.want("GET", http+"/closed/1", "", 401, `{"message":"Unauthorized"}`)
	s.want("GET", http+"/asked", "", 200, "2.0 /asked", "Key", "good")
	s.want("GET", http+"/asked", "", 403, `{"message":"Forbidden"}`, "Key", "bad")
	s.want("OPTIONS", http+"/open/1", "", 204, "", "Origin", "https://page", "Access-Control-Request-Method", "GET")
	s.want("GET", rest+"/things/1", "", 200, "1.0 /things/1")
	s.want("GET", rest+"/things", "", 403, `{"message":"Forbidden"}`)
	s.want("GET", rest+"/things", "", 200, "1.0 /things", "X-Api-Key", "a-value-of-at-least-twenty-letters")
	s.want("POST", rest+"/things", "", 401, `{"message":"Unauthorized"}`)
	s.want("POST", rest+"/things", "", 200, "1.0 /things", "Authorization", "good")
	s.want("POST", rest+"/things", "", 403, `{"Message":"User is not authorized to access this resource with an explicit deny in an identity-based policy"}`, "Authorization", "bad")
	if got := s.want("OPTIONS", rest+"/things", "", 200, ""); got.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("headers %v", got.header)
	}
	s.want("GET", rest+"/nothing", "", 404, `{"nothing":true}`)

	w.values["rate"], w.values["description"] = 60, "second"
	values, err := json.Marshal(w.values)
	if err != nil {
		t.Fatal(err)
	}
	w.write("changes.auto.tfvars.json", string(values))
	w.run(0, "apply", "-auto-approve", "-input=false", "-no-color", "-parallelism=4")
	w.unchanged("the change")
	w.run(0, "destroy", "-auto-approve", "-input=false", "-no-color", "-parallelism=4")

	apis, err := apigatewayv2.NewFromConfig(h.AWS()).GetApis(t.Context(), &apigatewayv2.GetApisInput{})
	if err != nil || len(apis.Items) > 0 {
		t.Errorf("destroy left %d HTTP APIs %v", len(apis.Items), err)
	}
	rests, err := apigateway.NewFromConfig(h.AWS()).GetRestApis(t.Context(), &apigateway.GetRestApisInput{})
	if err != nil || len(rests.Items) > 0 {
		t.Errorf("destroy left %d REST APIs %v", len(rests.Items), err)
	}
}
