package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/runtimeapi"
	"github.com/hearthfaas/hearth/internal/runtimes"
	"github.com/hearthfaas/hearth/internal/sandbox"
	"github.com/hearthfaas/hearth/internal/sandbox/process"
)

// handlerSource is the handler of the warm measurements; the plain server does the
// same work.
const handlerSource = `exports.handler = async (event) => ({ n: event.n + 1 });`

const warmEvent = `{"n":1}`

// plainNode is a Node HTTP server with the handler in it: what a program of one's
// own, without a platform, costs.
const plainNode = `
const http = require("node:http");
const server = http.createServer((req, res) => {
  let body = "";
  req.setEncoding("utf8");
  req.on("data", (chunk) => { body += chunk; });
  req.on("end", () => {
    const answer = JSON.stringify({ n: JSON.parse(body).n + 1 });
    res.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(answer) });
    res.end(answer);
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
`

// cleanEnv is the environment of bare programs: nothing that slows a start.
var cleanEnv = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"}

// interpreter is the program that a runtime's functions run with.
func (b *bench) interpreter(ctx context.Context, runtime string) (string, error) {
	for _, info := range b.catalogue.List(ctx) {
		if info.Name == runtime && info.Available {
			return info.Interpreter, nil
		}
	}
	return "", errors.New("this machine has no " + runtime)
}

// startPlainNode starts the plain server and returns its address and how to end it.
func (b *bench) startPlainNode(ctx context.Context) (addr string, stop func(), err error) {
	node, err := b.interpreter(ctx, b.node)
	if err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(ctx, node, "-e", plainNode)
	cmd.Env = cleanEnv
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, fmt.Errorf("start the plain server: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("start the plain server: %w", err)
	}
	stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it says that it was killed
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("read the plain server's port: %w", err)
	}
	return "127.0.0.1:" + strings.TrimSpace(line), stop, nil
}

// bareSession is Hearth's own bootstrap as a plain process, driven directly over
// its channel: no sandbox, no HTTP, no checks.
type bareSession struct {
	session *runtimeapi.Session
	env     sandbox.Environment
	arn     string
}

func (b *bench) startBareSession(ctx context.Context, dir string) (*bareSession, error) {
	code := filepath.Join(dir, "code")
	if err := os.MkdirAll(code, 0o755); err != nil {
		return nil, fmt.Errorf("make the code's folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(code, "index.js"), []byte(handlerSource), 0o644); err != nil {
		return nil, fmt.Errorf("write the code: %w", err)
	}
	v := &lambda.Version{
		Function: lambda.FunctionID{Account: "000000000000", Region: "us-east-1", Name: "bare"}, Version: lambda.Latest,
		Runtime: b.node, Handler: "index.handler", MemoryMB: 512, Timeout: time.Minute,
	}
	plan, err := b.catalogue.Plan(ctx, v, runtimes.Trees{Code: code})
	if err != nil {
		return nil, err
	}
	driver, err := process.New(process.Config{StateDir: filepath.Join(dir, "state")}, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	env, err := driver.Create(ctx, sandbox.Spec{ID: lambda.NewSandboxID(), Mounts: plan.Mounts, MemoryMB: v.MemoryMB, TmpMB: 512, ProcessesMax: 1024, FilesMax: 1024})
	if err != nil {
		return nil, err
	}
	s := &bareSession{session: runtimeapi.New(runtimeapi.Config{FunctionName: "bare", FunctionVersion: lambda.Latest, Handler: v.Handler, Log: slog.New(slog.DiscardHandler)}), env: env, arn: "arn:aws:lambda:us-east-1:000000000000:function:bare"}
	if err := s.boot(ctx, plan.Path, plan.Args, plan.Env, v); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *bareSession) boot(ctx context.Context, path string, args, planned []string, v *lambda.Version) error {
	ours, theirs, err := runtimeapi.Pair()
	if err != nil {
		return err
	}
	defer func() { _ = theirs.Close() }()
	output, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("open the output: %w", err)
	}
	defer output.Close()
	cmd := sandbox.Command{Path: s.env.Path(path), Dir: s.env.Path("/var/task"), Output: output, Files: theirs}
	for _, a := range args {
		if strings.HasPrefix(a, "/") {
			a = s.env.Path(a)
		}
		cmd.Args = append(cmd.Args, a)
	}
	cmd.Env = append(planned, "_HANDLER="+v.Handler, "LAMBDA_TASK_ROOT="+s.env.Path("/var/task"), "LAMBDA_RUNTIME_DIR="+s.env.Path("/var/runtime"),
		"AWS_LAMBDA_FUNCTION_NAME=bare", "AWS_LAMBDA_FUNCTION_VERSION="+v.Version, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512")
	if _, err := s.env.Start(ctx, cmd); err != nil {
		return errors.Join(err, ours.Close())
	}
	s.session.Attach(ours)
	failure, err := s.session.AwaitReady(ctx)
	if failure != nil {
		return fmt.Errorf("the bare bootstrap failed: %s", failure.Payload)
	}
	return err
}

func (s *bareSession) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = s.session.Close()
	_ = s.env.Destroy(ctx) // a leftover of the benchmark ends with it
}

// invoke hands over one event, as a frontend without any duties would.
func (s *bareSession) invoke(ctx context.Context, payload []byte) ([]byte, error) {
	now := time.Now()
	out, err := s.session.Invoke(ctx, &lambda.Invocation{
		RequestID: lambda.NewRequestID(), Start: now, Deadline: now.Add(time.Minute), InvokedFunctionARN: s.arn, Payload: payload,
	})
	return out.Payload, err
}

// serveBare serves a bare session in a process of its own, as every real frontend is:
// a client in the same process is spared waking another one.
func (b *bench) serveBare(ctx context.Context, dir string, until io.Reader, stdout io.Writer) error {
	s, err := b.startBareSession(ctx, dir)
	if err != nil {
		return err
	}
	defer s.stop()
	addr, stop, err := s.frontend(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if _, err := fmt.Fprintln(stdout, addr); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, until) // whoever started this ends it so, also by its own end
	return err
}

// startBareFrontend starts this program as serveBare.
func (b *bench) startBareFrontend(ctx context.Context, dir string) (addr string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, "-binary", b.binary, "-bare-frontend", dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, fmt.Errorf("start the bare frontend: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, fmt.Errorf("start the bare frontend: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("start the bare frontend: %w", err)
	}
	stop = func() {
		_ = in.Close()
		_ = cmd.Wait() // it was told to end
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("read the bare frontend's address: %w", err)
	}
	return strings.TrimSpace(line), stop, nil
}

// frontend serves the bare session over HTTP: the smallest frontend that there can
// be, one environment behind it.
func (s *bareSession) frontend(ctx context.Context) (addr string, stop func(), err error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{ReadHeaderTimeout: ioMax, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, err := io.ReadAll(io.LimitReader(r.Body, lambda.PayloadMax))
		if err == nil {
			event, err = s.invoke(r.Context(), event)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(event)
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // it says that it was closed
	}()
	return l.Addr().String(), func() {
		_ = server.Close()
		<-done
	}, nil
}
