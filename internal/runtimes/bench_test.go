package runtimes_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/runtimeapi"
	"github.com/hearthfaas/hearth/internal/runtimes"
)

// benchPrograms are the smallest functions there are.
var benchPrograms = []struct {
	program
	bare []string // the interpreter doing nothing, for comparison
}{
	{program{runtime: "nodejs20.x", handler: "index.handler", files: map[string]string{
		"index.js": "exports.handler = async (e) => e;",
	}}, []string{"-e", "0"}},
	{program{runtime: "python3.11", handler: "app.handler", files: map[string]string{
		"app.py": "def handler(e, c): return e",
	}}, []string{"-I", "-S", "-c", "0"}},
}

// benchPlan plans a program, or skips the benchmark when this host lacks it.
func benchPlan(b *testing.B, p program) runtimes.Plan {
	b.Helper()
	dir := b.TempDir()
	for name, content := range p.files {
		if err := os.WriteFile(dir+"/"+name, []byte(content), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	home, _ := os.UserHomeDir() // without one there are fewer interpreters
	c, err := runtimes.New(runtimes.Config{Dir: sharedDir, Path: os.Getenv("PATH"), Home: home})
	if err != nil {
		b.Fatal(err)
	}
	plan, err := c.Plan(b.Context(), &lambda.Version{Runtime: p.runtime, Handler: p.handler, MemoryMB: 128}, runtimes.Trees{Code: dir})
	if err != nil {
		b.Skipf("this benchmark needs %s: %v", p.runtime, err)
	}
	return plan
}

// boot starts a plan's process and waits until it asks for an event.
func boot(b *testing.B, plan runtimes.Plan, p program) (*runtimeapi.Session, func()) {
	b.Helper()
	ours, theirs, err := runtimeapi.Pair()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(onHost(plan, plan.Path))
	for _, arg := range plan.Args {
		cmd.Args = append(cmd.Args, onHost(plan, arg))
	}
	cmd.Dir, cmd.Env, cmd.ExtraFiles = onHost(plan, plan.Dir), environment(plan, p), theirs
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	_ = theirs.Close()
	s := runtimeapi.New(runtimeapi.Config{})
	s.Attach(ours)
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	if failure, err := s.AwaitReady(ctx); failure != nil || err != nil {
		b.Fatal(failure, err)
	}
	return s, func() {
		_ = s.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed on purpose
	}
}

// BenchmarkWarm is one invocation of a running function, without sandbox and API.
func BenchmarkWarm(b *testing.B) {
	for _, p := range benchPrograms {
		b.Run(p.runtime, func(b *testing.B) {
			s, stop := boot(b, benchPlan(b, p.program), p.program)
			defer stop()
			inv := &lambda.Invocation{
				RequestID: lambda.NewRequestID(), Deadline: time.Now().Add(time.Minute),
				Payload: []byte(`{"hello":"world"}`), TraceID: "Root=1-65a5b3a0-0123456789abcdef01234567;Sampled=0",
				InvokedFunctionARN: "arn:aws:lambda:us-east-1:000000000000:function:f",
			}
			for b.Loop() {
				if out, err := s.Invoke(b.Context(), inv); err != nil || out.FunctionError != "" {
					b.Fatal(string(out.Payload), err)
				}
			}
		})
	}
}

// BenchmarkStart is the time from exec to the first request for an event, beside
// the bare interpreter's from exec to exit and to the program's first instruction.
func BenchmarkStart(b *testing.B) {
	for _, p := range benchPrograms {
		plan := benchPlan(b, p.program)
		b.Run(p.runtime, func(b *testing.B) {
			for b.Loop() {
				_, stop := boot(b, plan, p.program)
				b.StopTimer()
				stop()
				b.StartTimer()
			}
		})
		b.Run(p.runtime+"/bare", func(b *testing.B) {
			for b.Loop() {
				cmd := exec.Command(onHost(plan, plan.Path), p.bare...)
				cmd.Env = []string{"PATH=/usr/bin", "LANG=en_US.UTF-8"}
				if err := cmd.Run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
