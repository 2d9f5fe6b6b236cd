package runtimes_test

import (
	"cmp"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/runtimeapi"
)

// nodeRuntime is the one that the tests run on; HEARTH_TEST_NODE names another of
// those that answer to callbacks.
var nodeRuntime = cmp.Or(os.Getenv("HEARTH_TEST_NODE"), "nodejs20.x")

func nodeProgram(source string) program {
	return program{runtime: nodeRuntime, handler: "index.handler", files: map[string]string{"index.js": source}}
}

func TestNodeAnswers(t *testing.T) {
	for _, c := range []struct{ name, source, event, want string }{
		{"an async handler's value", `exports.handler = async (e) => ({ got: e.a });`, `{"a":1}`, `{"got":1}`},
		{"a promise's value", `exports.handler = (e) => Promise.resolve(e);`, `[1,"ü"]`, `[1,"ü"]`},
		{"undefined is null", `exports.handler = async () => {};`, `{}`, `null`},
		{"a function is null", `exports.handler = async () => () => 1;`, `{}`, `null`},
		{"a callback's value", `exports.handler = (e, c, cb) => { setTimeout(() => cb(null, "late"), 5); };`, `{}`, `"late"`},
		{
			"a callback waits for an empty event loop",
			`let done = false; exports.handler = (e, c, cb) => { setTimeout(() => { done = true; }, 30); cb(null, { get done() { return done; } }); };`,
			`{}`, `{"done":true}`,
		},
		{
			"unless the handler says otherwise",
			`let done = false; exports.handler = (e, c, cb) => { c.callbackWaitsForEmptyEventLoop = false; setTimeout(() => { done = true; }, 5000); cb(null, { get done() { return done; } }); };`,
			`{}`, `{"done":false}`,
		},
		{"the first callback wins", `exports.handler = (e, c, cb) => { cb(null, 1); cb(null, 2); };`, `{}`, `1`},
		{"a sync return value is ignored", `exports.handler = (e) => 5;`, `{}`, `null`},
		{"context.succeed", `exports.handler = (e, c) => { c.succeed("s"); };`, `{}`, `"s"`},
		{"context.done", `exports.handler = (e, c) => { c.done(null, "d"); };`, `{}`, `"d"`},
		{"memory limit is a string", `exports.handler = async (e, c) => [c.memoryLimitInMB, c.functionName, c.functionVersion];`, `{}`, `["128","f","$LATEST"]`},
		{"time remains", `exports.handler = async (e, c) => { const t = c.getRemainingTimeInMillis(); return t > 1000 && t <= 3000; };`, `{}`, `true`},
		{"the handler may print to a broken fd 3 child", `const { execSync } = require('child_process'); exports.handler = async () => execSync('test -e /proc/self/fd/3 && echo open || echo closed').toString().trim();`, `{}`, `"closed"`},
		{
			"a streaming handler's chunks in one piece",
			`exports.handler = awslambda.streamifyResponse(async (e, s) => { s.write("a"); s.write({ b: 1 }); s.end("c"); });`,
			`{}`, `a{"b":1}c`,
		},
		{
			"an HTTP response stream's prelude",
			`exports.handler = awslambda.streamifyResponse(async (e, s) => { s = awslambda.HttpResponseStream.from(s, { statusCode: 201 }); s.write("x"); s.end(); });`,
			`{}`, "{\"statusCode\":201}\x00\x00\x00\x00\x00\x00\x00\x00x",
		},
		{
			"a pipeline into a streaming response",
			`const { pipeline } = require('stream/promises'); const { Readable } = require('stream'); exports.handler = awslambda.streamifyResponse(async (e, s) => { await pipeline(Readable.from(["a", "b"]), s); });`,
			`{}`, `ab`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out := start(t, nodeProgram(c.source)).call(c.event)
			if string(out.Payload) != c.want || out.FunctionError != "" {
				t.Errorf("got %q (%s), want %q", out.Payload, out.FunctionError, c.want)
			}
		})
	}
}

func TestNodeFindsHandlers(t *testing.T) {
	const cjs, esm = `exports.handler = async () => 'cjs';`, `export const handler = async () => 'esm';`
	for _, c := range []struct {
		name, handler string
		files         map[string]string
		want          string
	}{
		{"in a directory", "src/app.handler", map[string]string{"src/app.js": cjs}, `"cjs"`},
		{"in a nested export", "index.a.b", map[string]string{"index.js": `exports.a = { b: async () => 1 };`}, `1`},
		{"in an .mjs file", "index.handler", map[string]string{"index.mjs": esm}, `"esm"`},
		{"in a .cjs file", "index.handler", map[string]string{"index.cjs": cjs, "package.json": `{"type":"module"}`}, `"cjs"`},
		{"in a package of type module", "index.handler", map[string]string{"index.js": esm, "package.json": `{"type":"module"}`}, `"esm"`},
		{"behind a top-level await", "index.handler", map[string]string{"index.mjs": `const v = await new Promise((r) => setTimeout(r, 5, 'tla')); export const handler = async () => v;`}, `"tla"`},
		{".js before .mjs", "index.handler", map[string]string{"index.mjs": esm, "index.js": cjs}, `"cjs"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out := start(t, program{runtime: nodeRuntime, handler: c.handler, files: c.files}).call(`{}`)
			if string(out.Payload) != c.want {
				t.Errorf("got %s, want %s", out.Payload, c.want)
			}
		})
	}
}

func TestNodeInvocationErrors(t *testing.T) {
	for _, c := range []struct{ name, source, want, errorType, log string }{
		{
			"a thrown error", `exports.handler = async () => { throw new TypeError("no"); };`,
			`{"errorType":"TypeError","errorMessage":"no","trace":["TypeError: no",`, "Runtime.Unknown",
			"\tERROR\tInvoke Error \t{\"errorType\":\"TypeError\",\"errorMessage\":\"no\",\"stack\":[\"TypeError: no\",",
		},
		{
			"an error thrown synchronously", `exports.handler = () => { throw new Error("sync"); };`,
			`{"errorType":"Error","errorMessage":"sync","trace":["Error: sync",`, "Runtime.Unknown", "Invoke Error",
		},
		{
			"a rejection that is no error", `exports.handler = async () => { throw "text"; };`,
			`{"errorType":"string","errorMessage":"text","trace":[]}`, "Runtime.Unknown", "Invoke Error",
		},
		{
			"a callback with a string", `exports.handler = (e, c, cb) => cb("text");`,
			`{"errorType":"string","errorMessage":"text","trace":[]}`, "Runtime.Unknown", "Invoke Error",
		},
		{
			"context.fail", `exports.handler = (e, c) => { c.fail(new Error("f")); };`,
			`{"errorType":"Error","errorMessage":"f","trace":[`, "Runtime.Unknown", "Invoke Error",
		},
		{
			"a result that is no JSON", `exports.handler = async () => 1n;`,
			`{"errorType":"Runtime.JSONStringifyError","errorMessage":"Unable to stringify response body","trace":[`,
			"Runtime.JSONStringifyError", "Invoke Error",
		},
		{
			"a promise that nothing can settle", `exports.handler = async () => new Promise(() => {});`,
			`{"errorType":"Runtime.NodeJsExit","errorMessage":"The Lambda runtime client detected an unexpected Node.js exit code.`,
			"Runtime.NodeJsExit", "",
		},
		{
			"a streaming handler that is not async", `exports.handler = awslambda.streamifyResponse((e, s) => { s.end(); });`,
			`{"errorType":"string","errorMessage":"Streaming does not support non-async handlers.","trace":[]}`,
			"Runtime.Unknown", "Invoke Error",
		},
		{
			"a stream that is not ended", `exports.handler = awslambda.streamifyResponse(async (e, s) => { s.write("a"); });`,
			`{"errorType":"string","errorMessage":"Response stream is not finished.","trace":[]}`, "Runtime.Unknown", "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, nodeProgram(c.source))
			for range 2 { // an error leaves the environment in working order
				out := r.call(`{}`)
				if !strings.HasPrefix(string(out.Payload), c.want) || out.FunctionError != lambda.Unhandled {
					t.Errorf("got %q %s, want %q", out.FunctionError, out.Payload, c.want)
				}
				if out.ErrorType != c.errorType {
					t.Errorf("logged type %q, want %q", out.ErrorType, c.errorType)
				}
			}
			if !strings.Contains(r.out.String(), c.log) {
				t.Errorf("log %q does not have %q", r.out, c.log)
			}
		})
	}
}

func TestNodeInitErrors(t *testing.T) {
	for _, c := range []struct {
		name    string
		program program
		want    string
		code    int
	}{
		{
			"a missing module",
			program{handler: "nope.handler"},
			`{"errorType":"Runtime.ImportModuleError","errorMessage":"Error: Cannot find module 'nope'\nRequire stack:\n`, 129,
		},
		{
			"a missing dependency", nodeProgram(`require('left-pad');`),
			`{"errorType":"Runtime.ImportModuleError","errorMessage":"Error: Cannot find module 'left-pad'\nRequire stack:\n`, 129,
		},
		{
			"a syntax error", nodeProgram(`exports.handler = {`),
			`{"errorType":"Runtime.UserCodeSyntaxError","errorMessage":"SyntaxError: `, 129,
		},
		{
			"an export that is not there", nodeProgram(`exports.other = 1;`),
			`{"errorType":"Runtime.HandlerNotFound","errorMessage":"index.handler is undefined or not exported","trace":[`, 129,
		},
		{
			"an export that is no function", nodeProgram(`exports.handler = 1;`),
			`{"errorType":"Runtime.HandlerNotFound","errorMessage":"index.handler is not a function"`, 129,
		},
		{
			"a handler without a dot",
			program{handler: "index"},
			`{"errorType":"Runtime.MalformedHandlerName","errorMessage":"Bad handler"`, 129,
		},
		{
			"a handler outside the package",
			program{handler: "../index.handler"},
			`{"errorType":"Runtime.MalformedHandlerName","errorMessage":"'../index.handler' is not a valid handler name. Use absolute paths when specifying root directories in handler names."`, 129,
		},
		{
			"an error of the module itself", nodeProgram(`throw new RangeError("top");`),
			`{"errorType":"RangeError","errorMessage":"top","trace":["RangeError: top",`, 129,
		},
		{
			"a rejection nobody handles", nodeProgram(`Promise.reject(new Error("lost")); exports.handler = async () => 1;`),
			`{"errorType":"Runtime.UnhandledPromiseRejection","errorMessage":"Error: lost","trace":["Runtime.UnhandledPromiseRejection: Error: lost",`, 128,
		},
		{
			"a streaming mark of another kind", nodeProgram(`exports.handler = async () => 1; exports.handler[Symbol.for('aws.lambda.runtime.handler.streaming')] = 'request';`),
			`{"errorType":"Runtime.MalformedStreamingHandler","errorMessage":"Only response streaming is supported."`, 129,
		},
		{
			"the AWS SDK when it is not installed", nodeProgram(`require('@aws-sdk/client-s3');`),
			`{"errorType":"Runtime.ImportModuleError","errorMessage":"Error: Cannot find module '@aws-sdk/client-s3'`, 129,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.program.runtime = nodeRuntime
			r := start(t, c.program)
			failure := r.ready()
			if failure == nil {
				t.Fatal("the runtime initialised")
			}
			if !strings.HasPrefix(string(failure.Payload), c.want) {
				t.Errorf("got  %s\nwant %s", failure.Payload, c.want)
			}
			if got := r.exit(); got != c.code {
				t.Errorf("exit status %d, want %d", got, c.code)
			}
			if !strings.Contains(r.out.String(), "\tundefined\tERROR\tU") {
				t.Errorf("log %q has no error line", r.out)
			}
		})
	}
}

func TestNodeNamesTheCommandThatInstallsTheSDK(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]program{
		"required": nodeProgram(`require('@aws-sdk/client-s3');`),
		"imported": {runtime: nodeRuntime, handler: "index.handler", files: map[string]string{
			"index.mjs": `import { S3Client } from '@aws-sdk/client-s3'; export const handler = async () => 1;`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			failure := start(t, p).ready()
			if failure == nil || !strings.Contains(string(failure.Payload), "hearth runtimes install nodejs-sdk") {
				t.Errorf("got %+v", failure)
			}
		})
	}
}

func TestNodeEndsOnErrorsNobodyCaught(t *testing.T) {
	for _, c := range []struct {
		name, source, want string
		code               int
	}{
		{
			"an uncaught exception", `exports.handler = async () => { setTimeout(() => { throw new Error("late"); }, 1); await new Promise((r) => setTimeout(r, 500)); };`,
			`{"errorType":"Error","errorMessage":"late","trace":[`, 129,
		},
		{
			"an unhandled rejection", `exports.handler = async () => { Promise.reject(new Error("lost")); await new Promise((r) => setTimeout(r, 500)); };`,
			`{"errorType":"Runtime.UnhandledPromiseRejection","errorMessage":"Error: lost"`, 128,
		},
		{
			"an answer given before stands", `exports.handler = async () => { Promise.reject(new Error("lost")); return "kept"; };`,
			`"kept"`, 128,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, nodeProgram(c.source))
			out := r.call(`{}`)
			if !strings.HasPrefix(string(out.Payload), c.want) {
				t.Errorf("got %s, want %s", out.Payload, c.want)
			}
			if got := r.exit(); got != c.code {
				t.Errorf("exit status %d, want %d", got, c.code)
			}
		})
	}
}

func TestNode24(t *testing.T) {
	for _, c := range []struct {
		name, file, source, want string
	}{
		{"a value", "index.js", `exports.handler = async (e, c) => [e, typeof c.done, typeof c.callbackWaitsForEmptyEventLoop];`, `[1,"undefined","undefined"]`},
		{"a value that is no promise", "index.js", `exports.handler = (e) => e;`, `1`},
		{"a default export's member", "index.mjs", `export default { handler: async () => "d" };`, `"d"`},
		{"an ES module without a sign of it", "index.js", `export const handler = async () => "esm";`, `"esm"`},
		{"a top-level await in one", "index.js", `const v = await Promise.resolve("tla"); export const handler = async () => v;`, `"tla"`},
		{"an error", "index.js", `exports.handler = async () => { throw "text"; };`, `{"errorType":"string","errorMessage":"text","trace":[]}`},
		{"a streaming handler of three parameters", "index.js", `exports.handler = awslambda.streamifyResponse(async (e, s, c) => { s.end("s"); });`, `s`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := program{runtime: "nodejs24.x", handler: "index.handler", files: map[string]string{c.file: c.source}}
			if out := start(t, p).call(`1`); string(out.Payload) != c.want {
				t.Errorf("got %s, want %s", out.Payload, c.want)
			}
		})
	}
	t.Run("refuses callbacks", func(t *testing.T) {
		t.Parallel()
		p := nodeProgram(`exports.handler = (e, c, cb) => cb(null, 1);`)
		p.runtime = "nodejs24.x"
		r := start(t, p)
		failure := r.ready()
		const want = `{"errorType":"Runtime.CallbackHandlerDeprecated","errorMessage":"ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24.`
		if failure == nil || !strings.HasPrefix(string(failure.Payload), want) {
			t.Errorf("got %+v", failure)
		}
		if got := r.exit(); got != 1 {
			t.Errorf("exit status %d, want 1", got)
		}
	})
	t.Run("ends when nothing can settle the promise", func(t *testing.T) {
		t.Parallel()
		p := nodeProgram(`exports.handler = () => new Promise(() => {});`)
		p.runtime = "nodejs24.x"
		r := start(t, p)
		if _, _, err := r.try(`{}`); !errors.Is(err, runtimeapi.ErrGone) {
			t.Errorf("got %v", err)
		}
		if got := r.exit(); got != 0 {
			t.Errorf("exit status %d, want 0", got)
		}
	})
}
