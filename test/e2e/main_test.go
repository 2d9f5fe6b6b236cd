// Package e2e checks, with the real binary and real sandboxes, what Hearth claims:
// the tests are named like the claims. They run as root with HEARTH_ROOT_TESTS=1,
// as `make root` sets it, because a sandbox with limits needs root.
package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/harness"
)

// node is the runtime of most functions here: the one that needs no installation
// on the machines that run these tests. $HEARTH_TEST_NODE names another.
var node = "nodejs20.x"

// binary builds hearth once for the whole package.
var binary = sync.OnceValues(func() (string, error) {
	return harness.Build(context.Background(), scratch, os.Getenv(harness.BinaryVariable))
})

// scratch is where the package keeps its files; other users may look into it, as
// functions run as one.
var scratch string

func TestMain(m *testing.M) {
	if name := os.Getenv("HEARTH_TEST_NODE"); name != "" {
		node = name
	}
	var err error
	if scratch, err = os.MkdirTemp("", "hearth-e2e-"); err == nil {
		err = os.Chmod(scratch, 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(scratch)
	os.Exit(code)
}

// hearth is a running Hearth with the clients that tests use.
type hearth struct {
	*harness.Hearth
	aws    aws.Config
	lambda *lambda.Client
}

// up starts a Hearth for one test, with an optional configuration file, and stops
// it at the test's end, when nothing of it may be left on the host.
func up(t *testing.T, config string) *hearth {
	t.Helper()
	needRoot(t)
	h := start(t, harness.Options{DataDir: dataDir(t), Config: config})
	t.Cleanup(func() {
		select {
		case <-h.Done():
			return // the test ended it itself
		default:
		}
		held := h.Footprint()
		if err := h.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		for _, left := range held.Left(h.DataDir) {
			t.Errorf("left behind after a clean stop: %s", left)
		}
		if t.Failed() {
			t.Logf("the end of Hearth's log:\n%s", h.Log())
		}
	})
	return h
}

// needRoot skips a test that cannot have sandboxes.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 || os.Getenv("HEARTH_ROOT_TESTS") != "1" {
		t.Skip("runs real sandboxes with limits: needs root and HEARTH_ROOT_TESTS=1, as `make root` sets it")
	}
}

// start starts a Hearth that the test ends itself.
func start(t *testing.T, o harness.Options) *hearth {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	o.Binary, o.Isolation = path, "namespace"
	h, err := harness.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return client(h)
}

// client adds the clients of tests to a running Hearth.
func client(h *harness.Hearth) *hearth {
	cfg := h.AWS()
	return &hearth{Hearth: h, aws: cfg, lambda: lambda.NewFromConfig(cfg)}
}

// dataDir is a data directory of the test's own.
func dataDir(t *testing.T) string {
	t.Helper()
	// Functions run as another user, who has no way into t.TempDir.
	dir, err := os.MkdirTemp(scratch, "data-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "data")
}

// function makes a Node function out of one file of source.
func (h *hearth) function(t *testing.T, name, source string, change ...func(*harness.Function)) {
	t.Helper()
	f := harness.Function{Name: name, Runtime: node, Files: map[string]string{"index.js": source}}
	for _, c := range change {
		c(&f)
	}
	if err := harness.Create(t.Context(), h.aws, f); err != nil {
		t.Fatal(err)
	}
}

// example makes a function out of a folder of the examples.
func (h *hearth) example(t *testing.T, name, runtime, handler string, change ...func(*harness.Function)) {
	t.Helper()
	f := harness.Function{Name: name, Runtime: runtime, Handler: handler, Dir: filepath.Join("..", "..", "examples", name)}
	for _, c := range change {
		c(&f)
	}
	if err := harness.Create(t.Context(), h.aws, f); err != nil {
		t.Fatal(err)
	}
}

// invoke calls a function, which must answer, with an error or without.
func (h *hearth) invoke(t *testing.T, name, payload string) harness.Answer {
	t.Helper()
	a, err := harness.Invoke(t.Context(), h.lambda, name, payload)
	if err != nil {
		t.Fatalf("invoke %s: %v", name, err)
	}
	return a
}

// answers calls a function that must succeed, and returns its payload.
func (h *hearth) answers(t *testing.T, name, payload string) string {
	t.Helper()
	a := h.invoke(t, name, payload)
	if a.Error != "" {
		t.Fatalf("invoke %s: the function failed: %s", name, a.Payload)
	}
	return a.Payload
}

// all calls a function n times at once and waits for all answers.
func (h *hearth) all(t *testing.T, n int, name, payload string) ([]harness.Answer, []error) {
	t.Helper()
	answers, errs := make([]harness.Answer, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { answers[i], errs[i] = harness.Invoke(t.Context(), h.lambda, name, payload) })
	}
	wg.Wait()
	return answers, errs
}

// eventually waits until a condition holds, and fails the test when it does not in
// time.
func eventually(t *testing.T, within time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(within)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}

func timeout(seconds int32) func(*harness.Function) {
	return func(f *harness.Function) { f.Timeout = seconds }
}

func memory(mb int32) func(*harness.Function) {
	return func(f *harness.Function) { f.Memory = mb }
}
