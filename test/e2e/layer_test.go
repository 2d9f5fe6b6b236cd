package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/harness"
)

// layer publishes a version of a layer and returns its ARN.
func (h *hearth) layer(t *testing.T, name string, files map[string]string) string {
	t.Helper()
	zip, err := harness.ZipFiles(files)
	if err != nil {
		t.Fatal(err)
	}
	out, err := h.lambda.PublishLayerVersion(t.Context(), &lambda.PublishLayerVersionInput{
		LayerName: &name, Content: &types.LayerVersionContentInput{ZipFile: zip},
	})
	if err != nil {
		t.Fatalf("publish layer %s: %v", name, err)
	}
	return *out.LayerVersionArn
}

// useLayers gives a function its layers, in their order, and waits until it has them.
func (h *hearth) useLayers(t *testing.T, function string, arns ...string) {
	t.Helper()
	_, err := h.lambda.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &function, Layers: append([]string{}, arns...),
	})
	if err == nil {
		err = harness.WaitActive(t.Context(), h.lambda, function)
	}
	if err != nil {
		t.Fatalf("give %s its layers: %v", function, err)
	}
}

func TestRootALayerCarriesAModuleForEachLanguage(t *testing.T) {
	h := up(t, "")
	t.Run("a node module", func(t *testing.T) {
		h.function(t, "with-module", `exports.handler = async () => require('greet')('Ada')`)
		if a := h.invoke(t, "with-module", `{}`); a.Error == "" {
			t.Errorf("without the layer the function answers %s, want an error", a.Payload)
		}
		h.useLayers(t, "with-module", h.layer(t, "greet", map[string]string{
			"nodejs/node_modules/greet/index.js": `module.exports = (name) => 'Hello, ' + name`,
		}))
		if got, want := h.answers(t, "with-module", `{}`), `"Hello, Ada"`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("a python module", func(t *testing.T) {
		version := python(t)
		f := harness.Function{
			Name: "with-package", Runtime: version, Handler: "main.handler",
			Files: map[string]string{"main.py": "import greet, deep\ndef handler(e, c): return greet.say('Ada') + deep.mark"},
		}
		if err := harness.Create(t.Context(), h.aws, f); err != nil {
			t.Fatal(err)
		}
		h.useLayers(t, "with-package", h.layer(t, "greet-python", map[string]string{
			"python/greet.py": "def say(name): return 'Hello, ' + name",
			"python/lib/" + version + "/site-packages/deep/__init__.py": "mark = '!'",
		}))
		if got, want := h.answers(t, "with-package", `{}`), `"Hello, Ada!"`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestRootALayerCarriesToolsAndABootstrap(t *testing.T) {
	h := up(t, "")
	tool := h.layer(t, "tool", map[string]string{"bin/tool.sh": "#!/bin/sh\necho from the layer $1\n"})
	h.function(t, "with-tool", `exports.handler = async () =>
		require('child_process').execFileSync('tool.sh', ['42']).toString().trim()`)
	h.useLayers(t, "with-tool", tool)
	if got, want := h.answers(t, "with-tool", `{}`), `"from the layer 42"`; got != want {
		t.Errorf("/opt/bin: got %s, want %s", got, want)
	}

	h.function(t, "writer", `exports.handler = async () => {
		try { require('fs').writeFileSync('/opt/bin/tool.sh', 'x'); return 'written' } catch (e) { return e.code }
	}`)
	h.useLayers(t, "writer", tool)
	if got := h.answers(t, "writer", `{}`); got != `"EROFS"` && got != `"EACCES"` {
		t.Errorf("writing below /opt: got %s, want it refused", got)
	}

	curl := `#!/bin/sh
set -eu
base="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
	headers=$(mktemp)
	event=$(curl -sS -D "$headers" "$base/next")
	id=$(tr -d '\r' <"$headers" | sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: //p')
	curl -sS -o /dev/null -d "{\"by\":\"$0\",\"event\":$event}" "$base/$id/response"
done
`
	bootstrap := h.layer(t, "own-runtime", map[string]string{"bootstrap": curl})
	f := harness.Function{Name: "by-layer", Runtime: "provided.al2023", Handler: "any", Files: map[string]string{"data": "x"}}
	if err := harness.Create(t.Context(), h.aws, f); err != nil {
		t.Fatal(err)
	}
	if a := h.invoke(t, "by-layer", `{}`); !strings.Contains(a.Payload, "Runtime.InvalidEntrypoint") {
		t.Errorf("without the layer: got %s, want Runtime.InvalidEntrypoint", a.Payload)
	}
	h.useLayers(t, "by-layer", bootstrap)
	if got, want := h.answers(t, "by-layer", `{"n":1}`), `{"by":"/opt/bootstrap","event":{"n":1}}`; got != want {
		t.Errorf("/opt/bootstrap: got %s, want %s", got, want)
	}
}

func TestRootLaterLayersLieOverEarlierOnesAndADeletedOneStays(t *testing.T) {
	h := up(t, "")
	one := h.layer(t, "one", map[string]string{"data/shared": "one", "data/only-one": "1"})
	two := h.layer(t, "two", map[string]string{"data/shared": "two", "data/only-two": "2"})
	h.function(t, "reader", `const fs = require('fs')
exports.handler = async () => Object.fromEntries(
	(fs.existsSync('/opt/data') ? fs.readdirSync('/opt/data') : []).sort().map((n) => [n, fs.readFileSync('/opt/data/' + n, 'utf8')]))`)
	check := func(what, want string) {
		t.Helper()
		if got := h.answers(t, "reader", `{}`); got != want {
			t.Errorf("%s: got %s, want %s", what, got, want)
		}
	}
	check("no layers", `{}`)
	h.useLayers(t, "reader", one, two)
	check("one, two", `{"only-one":"1","only-two":"2","shared":"two"}`)
	h.useLayers(t, "reader", two, one)
	check("two, one", `{"only-one":"1","only-two":"2","shared":"one"}`)
	h.useLayers(t, "reader", two)
	check("two alone", `{"only-two":"2","shared":"two"}`)

	if _, err := h.lambda.DeleteLayerVersion(t.Context(), &lambda.DeleteLayerVersionInput{LayerName: aws.String("two"), VersionNumber: aws.Int64(1)}); err != nil {
		t.Fatal(err)
	}
	h.useTimeout(t, "reader", 5) // a new revision and so a new environment
	check("two, deleted", `{"only-two":"2","shared":"two"}`)
	conf, err := h.lambda.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("reader")})
	if err != nil {
		t.Fatal(err)
	}
	if len(conf.Layers) != 1 || *conf.Layers[0].Arn != two || conf.Layers[0].CodeSize == 0 {
		shown, _ := json.Marshal(conf.Layers)
		t.Errorf("the configuration shows %s, want %s", shown, two)
	}
	h.useLayers(t, "reader")
	check("none again", `{}`)
}

// useTimeout changes nothing but a function's timeout.
func (h *hearth) useTimeout(t *testing.T, function string, seconds int32) {
	t.Helper()
	_, err := h.lambda.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &function, Timeout: &seconds,
	})
	if err == nil {
		err = harness.WaitActive(t.Context(), h.lambda, function)
	}
	if err != nil {
		t.Fatal(err)
	}
}
