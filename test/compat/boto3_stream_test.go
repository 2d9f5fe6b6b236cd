package compat

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBoto3ReadsStreams runs testdata/boto3_stream.py, which asserts for itself.
func TestBoto3ReadsStreams(t *testing.T) {
	t.Parallel()
	python := findTool(t, "python3 with boto3", func(path string) bool { return exec.Command(path, "-c", "import boto3").Run() == nil },
		"/root/.pyenv/versions/*/bin/python3", "/usr/bin/python3", "/usr/local/bin/python3")
	h := up(t)
	dir := t.TempDir()
	writeZip(t, filepath.Join(dir, "function.zip"), "index.js", `
const http = require('http');
const ask = (to, request) => new Promise((resolve, reject) => {
  http.get({ host: to.hostname, port: to.port, ...request }, (res) => {
    res.resume();
    res.on('end', () => resolve(res.statusCode));
  }).on('error', reject);
});
exports.handler = awslambda.streamifyResponse(async (event, out) => {
  if (event.do === 'late') { out.write('half'); throw new TypeError('late'); }
  out.write('first');
  while (await ask(new URL(process.env.AWS_ENDPOINT_URL), event.request) !== 200);
  out.end('second');
});`)
	script, err := filepath.Abs("testdata/boto3_stream.py")
	if err != nil {
		t.Fatal(err)
	}
	out, code := command(t, dir, environ(h), python, script, "function.zip", node)
	if code != 0 || !strings.Contains(out, "all checks passed") {
		t.Errorf("exit code %d", code)
	}
}
