package compat

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/harness"
)

// terraformAllVariable has every argument changed alone, which takes many minutes.
// Without it the changes of a round are made at once.
const terraformAllVariable = "HEARTH_TERRAFORM_ALL"

// update and replace are the actions that a plan shows.
const (
	update  = "update"
	replace = "delete,create"
)

// change is one argument changed, and the one thing that a plan must show for it.
type change struct {
	round    int
	variable string
	value    any
	address  string
	action   string
}

// changes are in the order in which they are made: what a round changed stays.
var changes = []change{
	{1, "memory", 256, "aws_lambda_function.zip", update}, // and version 2
	{1, "fed_memory", 192, "aws_lambda_function.bucket", update},
	{1, "tag", "b", "aws_iam_role.function", update},
	{1, "retention", 14, "aws_cloudwatch_log_group.function", update},
	{1, "alias_description", "second", "aws_lambda_alias.live", update},
	{1, "source_arn", "arn:aws:s3:::b", "aws_lambda_permission.bucket", replace},
	{1, "auth", "AWS_IAM", "aws_lambda_function_url.open", update},
	{1, "batch", 5, "aws_lambda_event_source_mapping.queue", update},
	{1, "retries", 0, "aws_lambda_function_event_invoke_config.zip", update},
	{1, "publishers", "Enforce", "aws_lambda_code_signing_config.signed", update},

	{2, "code", "two.zip", "aws_lambda_function.zip", update},
	{2, "object", "two.zip", "aws_s3_object.code", update},
	{2, "weight", 0.25, "aws_lambda_alias.live", update},
	{2, "origin", "https://b.example", "aws_lambda_function_url.open", update},
	{2, "filter", "b", "aws_lambda_event_source_mapping.queue", update},
	{2, "age", 120, "aws_lambda_function_event_invoke_config.zip", update},
	{2, "provisioned", 2, "aws_lambda_provisioned_concurrency_config.one", update},

	{3, "description", "second", "aws_lambda_function.zip", update},
	{3, "timeout", 4, "aws_lambda_function.zip", update},
	{3, "ephemeral", 1024, "aws_lambda_function.zip", update},
	{3, "greeting", "Goodbye", "aws_lambda_function.zip", update},
	{3, "log_format", "JSON", "aws_lambda_function.zip", update},
	{3, "tracing", "Active", "aws_lambda_function.zip", update},
	{3, "reserved", 6, "aws_lambda_function.zip", update},
	{3, "layers", false, "aws_lambda_function.zip", update},
	{3, "function_tag", "b", "aws_lambda_function.zip", update},
	{3, "weight", 0, "aws_lambda_alias.live", update},
	{3, "alias_version", "2", "aws_lambda_alias.live", update},
	{3, "invoke_mode", "RESPONSE_STREAM", "aws_lambda_function_url.open", update},
	{3, "window", 1, "aws_lambda_event_source_mapping.queue", update},
	{3, "enabled", false, "aws_lambda_event_source_mapping.queue", update},
	{3, "mapping_concurrency", 3, "aws_lambda_event_source_mapping.queue", update},
	{3, "mapping_tag", "b", "aws_lambda_event_source_mapping.queue", update},
	{3, "destination", "arn:aws:sns:us-east-1:000000000000:failed", "aws_lambda_function_event_invoke_config.zip", update},
}

// follows are the changes that Terraform itself makes because of another.
var follows = map[string]map[string]string{
	"object": {"aws_lambda_function.bucket": update},
}

// TestTerraformRunsALambdaApplication applies, changes and destroys every kind of
// resource around a function. After each step there must be nothing left to change.
func TestTerraformRunsALambdaApplication(t *testing.T) {
	t.Parallel()
	terraform := findTool(t, "terraform", func(path string) bool { return exec.Command(path, "version").Run() == nil })
	installation := providers(t)
	h := up(t)
	w := &workspace{t: t, dir: t.TempDir(), terraform: terraform, values: map[string]any{}}
	w.env = environ(h, "TF_CLI_CONFIG_FILE="+filepath.Join(w.dir, "cli.tfrc"), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
	w.fill(installation)

	w.run(0, "init", "-input=false", "-no-color")
	w.run(0, "apply", "-auto-approve", "-input=false", "-no-color", "-parallelism=4")
	w.unchanged("apply")
	c := lambda.NewFromConfig(h.AWS())
	for _, name := range []string{"zip", "zip:live", "bucket"} {
		a, err := harness.Invoke(t.Context(), c, name, `{}`)
		if err != nil || a.Payload != `"one"` {
			t.Errorf("%s: got %s %v", name, a.Payload, err)
		}
	}
	for _, round := range rounds() {
		w.change(round)
	}
	a, err := harness.Invoke(t.Context(), c, "zip", `{}`)
	if err != nil || a.Payload != `"two"` {
		t.Errorf("after all changes: got %s %v", a.Payload, err)
	}
	w.run(0, "destroy", "-auto-approve", "-input=false", "-no-color", "-parallelism=4")
	nothingLeft(t, h)
}

// rounds are the changes that are made together.
func rounds() [][]change {
	var out [][]change
	for i, c := range changes {
		if i == 0 || os.Getenv(terraformAllVariable) != "" || c.round != changes[i-1].round {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], c)
	}
	return out
}

// workspace is a directory with a configuration.
type workspace struct {
	t         *testing.T
	dir       string
	terraform string
	env       []string
	values    map[string]any // of variables
}

// fill copies the configuration and makes the packages that it names.
func (w *workspace) fill(installation string) {
	w.t.Helper()
	files, err := filepath.Glob("terraform/lambda/*.tf")
	if err != nil || len(files) == 0 {
		w.t.Fatalf("no configuration: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			w.t.Fatal(err)
		}
		w.write(filepath.Base(f), string(text))
	}
	w.write("cli.tfrc", installation)
	for _, name := range []string{"one", "two"} {
		writeZip(w.t, filepath.Join(w.dir, name+".zip"), "index.js", `exports.handler = async () => "`+name+`"`)
	}
	writeZip(w.t, filepath.Join(w.dir, "layer.zip"), "nodejs/shared.txt", "shared")
}

func (w *workspace) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *workspace) run(want int, args ...string) string {
	w.t.Helper()
	out, code := command(w.t, w.dir, w.env, w.terraform, args...)
	if code != want {
		w.t.Fatalf("terraform %v: exit code %d, want %d\n%s", args, code, want, out)
	}
	return out
}

// unchanged checks that a plan has nothing to do.
func (w *workspace) unchanged(after string) {
	w.t.Helper()
	out, code := command(w.t, w.dir, w.env, w.terraform, "plan", "-detailed-exitcode", "-input=false", "-no-color")
	if code != planEmpty {
		w.t.Errorf("after %s there is still something to change (exit code %d)\n%s", after, code, out)
	}
}

// change makes changes at once, and checks that the plan shows them and no more.
func (w *workspace) change(round []change) {
	w.t.Helper()
	want := map[string]string{}
	var names []string
	for _, c := range round {
		w.values[c.variable] = c.value
		want[c.address] = c.action
		maps.Copy(want, follows[c.variable])
		names = append(names, c.variable)
	}
	values, err := json.Marshal(w.values)
	if err != nil {
		w.t.Fatal(err)
	}
	w.write("changes.auto.tfvars.json", string(values))
	what := strings.Join(names, ", ")
	w.run(planChanges, "plan", "-detailed-exitcode", "-input=false", "-no-color", "-out=plan")
	if got := planned(w.t, w.run(0, "show", "-json", "plan")); !maps.Equal(got, want) {
		w.t.Errorf("%s changed: the plan has %v\nwant %v", what, got, want)
	}
	w.run(0, "apply", "-input=false", "-no-color", "-parallelism=4", "plan")
	w.unchanged("changing " + what)
}

// planned is what a plan does, by address.
func planned(t *testing.T, text string) map[string]string {
	t.Helper()
	var plan struct {
		Changes []struct {
			Address string
			Change  struct{ Actions []string }
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal([]byte(text), &plan); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range plan.Changes {
		if !slices.Equal(c.Change.Actions, []string{"no-op"}) {
			got[c.Address] = strings.Join(c.Change.Actions, ",")
		}
	}
	return got
}

// nothingLeft checks that a destroy took everything.
func nothingLeft(t *testing.T, h *harness.Hearth) {
	t.Helper()
	var left []string
	add := func(err error, kind string, n int) {
		if err != nil {
			t.Errorf("list %s: %v", kind, err)
		}
		if n > 0 {
			left = append(left, fmt.Sprintf("%d %s", n, kind))
		}
	}
	ctx, c := t.Context(), lambda.NewFromConfig(h.AWS())
	if out, err := c.ListFunctions(ctx, &lambda.ListFunctionsInput{}); out != nil {
		add(err, "functions", len(out.Functions))
	} else {
		add(err, "functions", 0)
	}
	if out, err := c.ListLayers(ctx, &lambda.ListLayersInput{}); out != nil {
		add(err, "layers", len(out.Layers))
	} else {
		add(err, "layers", 0)
	}
	if out, err := c.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{}); out != nil {
		add(err, "event source mappings", len(out.EventSourceMappings))
	} else {
		add(err, "event source mappings", 0)
	}
	if out, err := c.ListCodeSigningConfigs(ctx, &lambda.ListCodeSigningConfigsInput{}); out != nil {
		add(err, "code signing configurations", len(out.CodeSigningConfigs))
	} else {
		add(err, "code signing configurations", 0)
	}
	if out, err := iam.NewFromConfig(h.AWS()).ListRoles(ctx, &iam.ListRolesInput{}); out != nil {
		add(err, "roles", len(out.Roles))
	} else {
		add(err, "roles", 0)
	}
	if out, err := cloudwatchlogs.NewFromConfig(h.AWS()).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{}); out != nil {
		names := 0
		for _, g := range out.LogGroups {
			if *g.LogGroupName == "/aws/lambda/zip" { // the other one is made by an invoke, as in AWS
				names++
			}
		}
		add(err, "log groups", names)
	} else {
		add(err, "log groups", 0)
	}
	if len(left) > 0 {
		t.Errorf("destroy left %s", strings.Join(left, ", "))
	}
}
