package e2e

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/harness"
	"github.com/hearthfaas/hearth/internal/reportline"
)

const lookAroundNode = `
const fs = require('fs'), os = require('os');
exports.handler = async () => ({
  env: process.env, cwd: process.cwd(), args: process.execArgv, uid: process.getuid(), gid: process.getgid(),
  task: fs.readdirSync('/var/task'), opt: fs.readdirSync('/opt'), tmp: fs.readdirSync('/tmp'),
  heap: require('v8').getHeapStatistics().heap_size_limit, host: os.hostname(), main: require.main?.filename,
  fds: fs.readdirSync('/proc/self/fd').length > 8, write: (() => { try { fs.writeFileSync('/var/task/x', ''); return 'written' } catch (e) { return e.code } })(),
  table: process.env.TABLE,
});`

const lookAroundPython = `
import os, sys

def handler(event, context):
    try:
        open("/var/task/x", "w")
        write = "written"
    except OSError as e:
        write = e.errno
    return {
        "env": dict(os.environ), "cwd": os.getcwd(), "uid": os.getuid(), "gid": os.getgid(), "path": sys.path,
        "task": sorted(os.listdir("/var/task")), "opt": sorted(os.listdir("/opt")), "tmp": os.listdir("/tmp"),
        "modules": sorted(m for m in sys.modules if m.startswith("hearth")), "write": write, "flags": str(sys.flags),
    }
`

// Goal: a function cannot tell an environment that was made ahead from one made for
// it. Method: it tells all that it sees, in one Hearth of either kind.
func TestRootAnEnvironmentMadeAheadIsLikeOneFromScratch(t *testing.T) {
	seen := map[string]map[string]any{}
	for _, way := range []struct{ name, config, part string }{
		{"ahead", "", "assign"}, {"scratch", "boot_ahead: 0\n", "sandbox"},
	} {
		h := up(t, way.config)
		for name, f := range map[string]harness.Function{
			"node":   {Runtime: node, Files: map[string]string{"index.js": lookAroundNode}},
			"python": {Runtime: python(t), Handler: "app.handler", Files: map[string]string{"app.py": lookAroundPython}},
		} {
			f.Name, f.Memory, f.Env = name, 256, map[string]string{"TABLE": "orders"}
			result, _ := h.firstCall(t, f, way.part)
			seen[name+" "+way.name] = decoded(t, result)
		}
	}
	for _, name := range []string{"node", "python"} {
		ahead, scratch := seen[name+" ahead"], seen[name+" scratch"]
		for _, both := range []map[string]any{ahead, scratch} {
			env := both["env"].(map[string]any)
			for _, own := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_LOG_STREAM_NAME", "_X_AMZN_TRACE_ID"} {
				if env[own] == nil && own != "_X_AMZN_TRACE_ID" {
					t.Errorf("%s: no %s", name, own)
				}
				delete(env, own)
			}
		}
		if a, s := printed(t, ahead), printed(t, scratch); a != s {
			t.Errorf("%s: made ahead it sees\n%s\nfrom scratch\n%s", name, a, s)
		}
		for _, variable := range slices.Sorted(maps.Keys(ahead["env"].(map[string]any))) {
			if strings.HasPrefix(variable, "HEARTH_") {
				t.Errorf("%s sees %s", name, variable)
			}
		}
	}
}

// Goal: an environment made ahead serves one function, and nothing of a function
// reaches the next one that is made of the stock. Method: functions that leave what
// they can, one after the other, each with a cold start.
func TestRootWhatIsMadeAheadServesOneFunctionOnly(t *testing.T) {
	const leave = `
const fs = require('fs');
exports.handler = async (e) => {
  const found = { tmp: fs.readdirSync('/tmp'), global: globalThis.mark ?? null, env: process.env.MARK ?? null, secret: process.env.SECRET ?? null };
  globalThis.mark = process.env.MARK = e.name; fs.writeFileSync('/tmp/' + e.name, '');
  return found;
};`
	h := up(t, "")
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		h.function(t, name, leave, func(f *harness.Function) { f.Env = map[string]string{"SECRET": name} })
		if got, want := h.answers(t, name, `{"name":"`+name+`"}`), `{"tmp":[],"global":null,"env":null,"secret":"`+name+`"}`; got != want {
			t.Errorf("%s finds %s, want %s", name, got, want)
		}
	}
}

// Goal: a Hearth that is killed with environments in stock leaves none of them.
func TestRootAKilledHearthLeavesNoStock(t *testing.T) {
	needRoot(t)
	h := start(t, harness.Options{DataDir: dataDir(t)})
	h.function(t, "f", `exports.handler = async () => 1`)
	h.answers(t, "f", `{}`)
	eventually(t, 20*time.Second, "one is in stock beside the function's", func() bool { return h.Functions() >= 2 })
	held := h.Footprint()
	if err := h.Kill(); err != nil {
		t.Fatal(err)
	}
	var left []string
	defer func() {
		if len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	}()
	eventually(t, 20*time.Second, "all processes are gone", func() bool {
		// Control groups are the next start's to remove.
		left = slices.DeleteFunc(held.Left(""), func(s string) bool { return strings.HasPrefix(s, "cgroup") })
		return len(left) == 0
	})
}

// firstCall makes a function and calls it, and again, until its cold start has a part:
// what is made ahead may not be ready yet. It returns the answer and the parts.
func (h *hearth) firstCall(t *testing.T, f harness.Function, part string) (payload, header string) {
	t.Helper()
	for range 20 {
		if err := harness.Create(t.Context(), h.aws, f); err != nil {
			t.Fatal(err)
		}
		result, err := harness.Invoke(t.Context(), h.lambda, f.Name, `{}`, harness.KeepHeader(reportline.ColdStartHeader, &header))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(header, `"`+part+`"`) {
			return result.Payload, header
		}
		if _, err := h.lambda.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: &f.Name}); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatalf("%s: the parts of its cold starts never had %s: %s", f.Name, part, header)
	return "", ""
}

func decoded(t *testing.T, payload string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(payload), &v); err != nil {
		t.Fatalf("%s: %v", payload, err)
	}
	return v
}

func printed(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
