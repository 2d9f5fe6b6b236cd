package runtimes_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// pythons are the runtimes that the tests run on, as far as this host has them.
var pythons = []string{"python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14"}

// pythonsFor gives a table's first case to every Python and the others to one: what
// differs between Pythons is how they start, print traces and import.
func pythonsFor(i int) []string {
	if i == 0 {
		return pythons
	}
	return []string{"python3.11"}
}

func pythonProgram(source string) program {
	return program{runtime: "python3.11", handler: "app.handler", files: map[string]string{"app.py": source}}
}

func TestPythonAnswers(t *testing.T) {
	const decimals = "from decimal import Decimal\ndef handler(e, c): return [Decimal('1.10'), Decimal('NaN'), 'ü']"
	for _, c := range []struct {
		name, source, event, want string
		runtimes                  []string
	}{
		{"a dict, with spaces", "def handler(e, c): return {'got': e['a'], 'n': None}", `{"a":[1,2]}`, `{"got": [1, 2], "n": null}`, pythons},
		{"None is null", "def handler(e, c): pass", `{}`, `null`, nil},
		{"a string event", "def handler(e, c): return e", ` "x" `, `"x"`, nil},
		{"numbers of every kind", "def handler(e, c): return e", `[1.5, -0, 1e3, 12345678901234567890]`, `[1.5, 0, 1000.0, 12345678901234567890]`, nil},
		{"non-ASCII as escapes up to 3.11", decimals, `{}`, `[1.10, NaN, "\u00fc"]`, pythons[:3]},
		{"non-ASCII as it is from 3.12 on", decimals, `{}`, `[1.10, NaN, "ü"]`, pythons[3:]},
		{"bytes as they are", "def handler(e, c): return b'raw\\x00'", `{}`, "raw\x00", nil},
		{"memory limit is a string", "def handler(e, c): return [c.memory_limit_in_mb, c.function_name, c.client_context, c.identity.cognito_identity_id]", `{}`, `["128", "f", null, null]`, nil},
		{"time remains", "def handler(e, c): return 1000 < c.get_remaining_time_in_millis() <= 3000", `{}`, `true`, nil},
		{"the channel is not inherited", "import subprocess\ndef handler(e, c): return subprocess.run('test -e /proc/self/fd/3 -o -e /proc/self/fd/4 && echo open || echo closed', shell=True, capture_output=True, text=True, close_fds=False).stdout.strip()", `{}`, `"closed"`, nil},
		{"the package comes first on the path", "import sys, os\ndef handler(e, c): return [sys.path[0] == os.environ['LAMBDA_TASK_ROOT'], os.getcwd() == os.environ['LAMBDA_TASK_ROOT']]", `{}`, `[true, true]`, nil},
		{"the host's packages are out of sight", "import sys\ndef handler(e, c): return [p for p in sys.path if 'site-packages' in p and not p.startswith('/opt/') or 'dist-packages' in p]", `{}`, `[]`, nil},
		{"a large event and result", "def handler(e, c): return e", `"` + strings.Repeat("x", 1<<20) + `"`, `"` + strings.Repeat("x", 1<<20) + `"`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			runtimes := c.runtimes
			if runtimes == nil {
				runtimes = []string{"python3.11"}
			}
			for _, name := range runtimes {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					p := pythonProgram(c.source)
					p.runtime = name
					r := start(t, p)
					for range 2 {
						out := r.call(c.event)
						if string(out.Payload) != c.want || out.FunctionError != "" {
							t.Errorf("got %.200q (%s), want %.200q", out.Payload, out.FunctionError, c.want)
						}
					}
				})
			}
		})
	}
}

func TestPythonFindsHandlers(t *testing.T) {
	const source = "def handler(e, c): return 'found'"
	for _, c := range []struct {
		name, handler string
		files         map[string]string
	}{
		{"behind a slash", "pkg/mod.handler", map[string]string{"pkg/mod.py": source}},
		{"behind a dot", "pkg.mod.handler", map[string]string{"pkg/mod.py": source, "pkg/__init__.py": ""}},
		{"under the name of a module of the runtime's", "channel.handler", map[string]string{"channel.py": source}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out := start(t, program{runtime: "python3.11", handler: c.handler, files: c.files}).call(`{}`)
			if string(out.Payload) != `"found"` {
				t.Errorf("got %s", out.Payload)
			}
		})
	}
}

func TestPythonInvocationErrors(t *testing.T) {
	for i, c := range []struct{ name, source, message, errorType, logged, trace, log string }{
		{
			"a raised exception", "def handler(e, c):\n    raise Exception('no')\n", "no", "Exception", "Runtime.Unknown",
			"  File \"CODE/app.py\", line 2, in handler\n    raise Exception('no')\n",
			"[ERROR] Exception: no\rTraceback (most recent call last):\r\u00a0\u00a0File \"CODE/app.py\", line 2, in handler\r\u00a0\u00a0\u00a0\u00a0raise Exception('no')\n",
		},
		{
			"a result that is no JSON", "def handler(e, c): return {1, 2}", "Unable to marshal response: Object of type set is not JSON serializable",
			"Runtime.MarshalError", "Runtime.MarshalError", "", "[ERROR] Runtime.MarshalError: Unable to marshal response: Object of type set is not JSON serializable\r",
		},
		{
			"a result that contains itself", "def handler(e, c):\n    a = []\n    a.append(a)\n    return a", "Unable to marshal response: Circular reference detected",
			"Runtime.MarshalError", "Runtime.MarshalError", "", "",
		},
		{
			"a coroutine", "async def handler(e, c): return 1", "Unable to marshal response: Object of type coroutine is not JSON serializable",
			"Runtime.MarshalError", "Runtime.MarshalError", "", "",
		},
		{
			"a syntax error at run time", "def handler(e, c): eval('1 +')", "invalid syntax (<string>, line 1)", "SyntaxError", "Runtime.Unknown",
			"  File \"CODE/app.py\", line 1, in handler\n", "",
		},
	} {
		for _, name := range pythonsFor(i) {
			t.Run(c.name+" on "+name, func(t *testing.T) {
				t.Parallel()
				p := pythonProgram(c.source)
				p.runtime = name
				r := start(t, p)
				out, id, err := r.try(`{}`)
				if err != nil {
					t.Fatal(err)
				}
				var got struct {
					ErrorMessage string   `json:"errorMessage"`
					ErrorType    string   `json:"errorType"`
					RequestID    string   `json:"requestId"`
					StackTrace   []string `json:"stackTrace"`
				}
				if err := json.Unmarshal(out.Payload, &got); err != nil {
					t.Fatalf("%s: %v", out.Payload, err)
				}
				if got.ErrorMessage != c.message || got.ErrorType != c.errorType || got.RequestID != string(id) {
					t.Errorf("got %s", out.Payload)
				}
				if out.ErrorType != c.logged || out.FunctionError != lambda.Unhandled {
					t.Errorf("logged type %q, want %q", out.ErrorType, c.logged)
				}
				first := strings.Join(got.StackTrace[:min(1, len(got.StackTrace))], "")
				if want := strings.ReplaceAll(c.trace, "CODE", r.code); !strings.HasPrefix(stripCarets(first), want) || (want == "") != (first == "") {
					t.Errorf("trace %q, want %q", first, want)
				}
				if want := strings.ReplaceAll(c.log, "CODE", r.code); !strings.Contains(stripCarets(r.out.String()), want) {
					t.Errorf("log %q does not have %q", r.out, want)
				}
				if again := r.call(`{}`); again.ErrorType != c.logged {
					t.Errorf("the second time got %s", again.Payload)
				}
			})
		}
	}
}

// stripCarets removes the line of markers that newer Pythons put under a source line.
func stripCarets(trace string) string {
	for _, eol := range []string{"\n", "\r"} {
		var kept []string
		for line := range strings.SplitSeq(trace, eol) {
			if body := strings.Trim(line, " \u00a0\n"); body == "" || strings.Trim(body, "^~") != "" {
				kept = append(kept, line)
			} else if strings.HasSuffix(line, "\n") {
				kept[len(kept)-1] += "\n"
			}
		}
		trace = strings.Join(kept, eol)
	}
	return trace
}

func TestPythonInitErrors(t *testing.T) {
	for _, c := range []struct {
		name    string
		program program
		want    string
	}{
		{
			"a missing module",
			program{handler: "nope.handler"},
			`{"errorMessage": "Unable to import module 'nope': No module named 'nope'", "errorType": "Runtime.ImportModuleError", "requestId": "", "stackTrace": []}`,
		},
		{
			"a missing dependency", pythonProgram("import left_pad"),
			`{"errorMessage": "Unable to import module 'app': No module named 'left_pad'", "errorType": "Runtime.ImportModuleError", "requestId": "", "stackTrace": []}`,
		},
		{
			"a function that is not there", pythonProgram("x = 1"),
			`{"errorMessage": "Handler 'handler' missing on module 'app'", "errorType": "Runtime.HandlerNotFound", "requestId": "", "stackTrace": []}`,
		},
		{
			"a handler without a dot",
			program{handler: "app"},
			`{"errorMessage": "Bad handler 'app': not enough values to unpack (expected 2, got 1)", "errorType": "Runtime.MalformedHandlerName", "requestId": "", "stackTrace": []}`,
		},
		{
			"a syntax error", pythonProgram("def handler(:"),
			`{"errorMessage": "Syntax error in module 'app': invalid syntax (app.py, line 1)", "errorType": "Runtime.UserCodeSyntaxError", "requestId": "", "stackTrace": ["  File \"CODE/app.py\" Line 1\n    def handler(:`,
		},
		{
			"a built-in module's name",
			program{handler: "sys.handler"},
			`{"errorMessage": "Cannot use built-in module sys as a handler module", "errorType": "Runtime.BuiltInModuleConflict", "requestId": "", "stackTrace": []}`,
		},
		{
			"an error of the module itself", pythonProgram("raise ValueError('top')"),
			`{"errorMessage": "top", "errorType": "ValueError", "requestId": "", "stackTrace": ["  File \"CODE/app.py\", line 1, in <module>\n    raise ValueError('top')\n"]}`,
		},
		{
			"an exit of the module", pythonProgram("exit(3)"),
			`{"errorMessage": "3", "errorType": "SystemExit", "requestId": "", "stackTrace": [`,
		},
		{
			"the AWS SDK when it is not installed", pythonProgram("import boto3"),
			`{"errorMessage": "Unable to import module 'app': No module named 'boto3'. The AWS SDK is not installed for functions on this machine: run \"hearth runtimes install python-sdk\", or pack it with the function.", "errorType": "Runtime.ImportModuleError", "requestId": "", "stackTrace": []}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.program.runtime = "python3.11"
			r := start(t, c.program)
			failure := r.ready()
			if failure == nil {
				t.Fatal("the runtime initialised")
			}
			want := strings.ReplaceAll(c.want, "CODE", r.code)
			got := strings.ReplaceAll(string(failure.Payload), `\n`, "\n")
			if !strings.HasPrefix(got, strings.ReplaceAll(want, `\n`, "\n")) {
				t.Errorf("got  %s\nwant %s", failure.Payload, want)
			}
			if got := r.exit(); got != 1 {
				t.Errorf("exit status %d, want 1", got)
			}
			if !strings.HasPrefix(r.out.String(), "[ERROR] ") {
				t.Errorf("log %q has no error line", r.out)
			}
		})
	}
}

func TestPythonLogs(t *testing.T) {
	const stamp = "YYYY-MM-DDTHH:MM:SS"
	asJSON := map[string]string{"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}
	for i, c := range []struct {
		name, body, want string
		env              map[string]string
	}{
		{
			"JSON with extra members", "logging.getLogger('n').warning('m', extra={'k': [1]})",
			`{"timestamp": "` + stamp + `Z", "level": "WARNING", "message": "m", "logger": "n", "requestId": "ID", "k": [1]}` + "\n", asJSON,
		},
		{"print as it is", "print('plain', end='')", "plain", nil},
		{"a warning with time and request id", "logging.warning('w %d', 1)", "[WARNING]\t" + stamp + ".mmmZ\tID\tw 1\n", nil},
		{"info is below the root's level", "logging.info('i')", "", nil},
		{"info when asked for", "logging.getLogger().setLevel('INFO'); logging.info('i')", "[INFO]\t" + stamp + ".mmmZ\tID\ti\n", nil},
		{"basicConfig changes nothing", "logging.basicConfig(format='x'); logging.error('e')", "[ERROR]\t" + stamp + ".mmmZ\tID\te\n", nil},
		{"JSON below its level", "logging.debug('d')", "", asJSON},
	} {
		for _, name := range pythonsFor(i) {
			t.Run(c.name+" on "+name, func(t *testing.T) {
				t.Parallel()
				p := pythonProgram("import logging\ndef handler(e, c):\n    " + c.body)
				p.runtime, p.env = name, c.env
				r := start(t, p)
				_, id, err := r.try(`{}`)
				if err != nil {
					t.Fatal(err)
				}
				if got := maskLog(r.out.String(), id); got != c.want {
					t.Errorf("got  %q\nwant %q", got, c.want)
				}
			})
		}
	}
}

func TestPythonLogsExceptionsAsJSON(t *testing.T) {
	t.Parallel()
	p := pythonProgram("import logging\ndef handler(e, c):\n    try:\n        1 / 0\n    except ZeroDivisionError:\n        logging.exception('oops')\n    raise KeyError('k')")
	p.env = map[string]string{"AWS_LAMBDA_LOG_FORMAT": "JSON"}
	r := start(t, p)
	_ = r.call(`{}`)
	lines := strings.Split(strings.TrimSpace(r.out.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("got %d lines: %s", len(lines), r.out)
	}
	for i, want := range []map[string]string{
		{"level": "ERROR", "message": "oops", "errorType": "ZeroDivisionError", "errorMessage": "division by zero"},
		{"log_level": "ERROR", "errorType": "KeyError", "errorMessage": "'k'"},
	} {
		var got map[string]any
		if err := json.Unmarshal([]byte(lines[i]), &got); err != nil {
			t.Fatalf("%s: %v", lines[i], err)
		}
		for k, v := range want {
			if got[k] != v {
				t.Errorf("%s: got %v, want %v", k, got[k], v)
			}
		}
		if trace, _ := got["stackTrace"].([]any); len(trace) == 0 {
			t.Errorf("line %s has no stackTrace", lines[i])
		}
	}
}
