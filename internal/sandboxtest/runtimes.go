//go:build linux

package sandboxtest

import (
	"os"
	"strings"
	"testing"

	"github.com/hearthfaas/hearth/internal/sandbox"
)

// Runtimes runs the language runtimes that the host has in /usr, doing what needs
// much of the system: threads, processes, sockets, certificates, temporary files.
// It finds out whether a system call filter or a bare root is too tight.
func Runtimes(t *testing.T, open func(testing.TB) sandbox.Driver) {
	d := open(t)
	payload := Payload(t)
	for _, c := range []struct {
		name, path string
		args       []string
	}{
		{"node starts threads, processes and servers", "/usr/bin/node", []string{"-e", nodeProgram}},
		{"python starts threads, processes and servers", "/usr/bin/python3", []string{"-c", pythonProgram}},
		{"java starts", "/usr/bin/java", []string{"-version"}},
		{"a shell pipeline works", "/bin/sh", []string{"-c", "echo works | cat | tr a-z A-Z && ls /usr/bin > /tmp/list && test -s /tmp/list"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := os.Stat(c.path); err != nil {
				t.Skipf("the host has no %s", c.path)
			}
			env := create(t, d, Spec(payload))
			r, err := tryStart(t, env, sandbox.Command{Path: c.path, Args: c.args, Dir: "/tmp", Env: []string{"PATH=/usr/bin:/bin", "HOME=/tmp"}})
			if err != nil {
				t.Fatal(err)
			}
			out, exit := r.wait()
			if exit.Code != 0 || exit.Signal != 0 {
				t.Errorf("%v, printed:\n%s", exit, out)
			}
			if strings.Contains(c.name, "threads") && !strings.Contains(out, "all good") {
				t.Errorf("printed %q, want all good", out)
			}
		})
	}
}

const nodeProgram = `
const { Worker } = require('worker_threads'), http = require('http'), fs = require('fs');
const { execFileSync } = require('child_process'), os = require('os'), crypto = require('crypto'), tls = require('tls');
fs.writeFileSync('/tmp/a', crypto.randomBytes(100)); os.cpus(); os.networkInterfaces(); os.userInfo();
if (execFileSync('/bin/echo', ['hi']).toString() !== 'hi\n') throw 'child';
new Worker("require('worker_threads').parentPort.postMessage(1)", { eval: true }).on('message', () => {
  const s = http.createServer((q, r) => r.end('x')).listen(0, '127.0.0.1', () =>
    fetch('http://127.0.0.1:' + s.address().port).then(r => r.text()).then(x => { console.log('all good'); process.exit(0) }));
});`

const pythonProgram = `
import os, pwd, socket, ssl, subprocess, tempfile, threading, urllib.request, http.server, time
assert subprocess.check_output(['/bin/echo', 'hi']) == b'hi\n'
assert pwd.getpwuid(os.getuid()).pw_name == 'sbx_user1051'
with tempfile.TemporaryFile() as f: f.write(b'x')
s = http.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=s.handle_request).start()
urllib.request.urlopen('http://127.0.0.1:%d/' % s.server_port).read()
assert len(ssl.create_default_context().get_ca_certs()) > 10
print('all good', time.tzname)`
