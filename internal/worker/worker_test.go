//go:build linux

package worker

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/code"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/runtimes"
	"github.com/hearthfaas/hearth/internal/sandbox/process"
)

// The worker is tested with the process driver, the real code cache, the real
// catalogue and a custom runtime that does as it is told.

// sink keeps the lines of all log streams.
type sink struct {
	mu    sync.Mutex
	lines []string
}

func (s *sink) Open(context.Context, LogStream, lambda.Credentials) (LogWriter, error) { return s, nil }

func (s *sink) Append(lines []LogLine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range lines {
		s.lines = append(s.lines, l.Message)
	}
}

func (s *sink) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "")
}

type roles struct{}

func (roles) MintFunctionSession(context.Context, string, lambda.FunctionID, time.Duration) (lambda.Credentials, error) {
	return lambda.Credentials{AccessKeyID: "ASIATEST", SecretAccessKey: "secret", SessionToken: "token"}, nil
}

var bootstrapZip = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "bootstrap")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "bootstrap")
	build := exec.Command("go", "build", "-o", bin, "./testdata/bootstrap")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, &exec.Error{Name: string(out), Err: err}
	}
	program, err := os.ReadFile(bin)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: "bootstrap", Method: zip.Store}
	h.SetMode(0o755)
	f, err := w.CreateHeader(h)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(program); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
})

type bench struct {
	worker   *Worker
	packages *code.Packages
	sink     *sink
	version  lambda.Version
}

func setUp(t *testing.T) *bench {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	packages, err := code.Open(code.Config{Dir: filepath.Join(dir, "packages"), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	cache, err := code.NewCache(code.CacheConfig{Dir: filepath.Join(dir, "code"), MaxBytes: 1 << 30, Log: log}, packages)
	if err != nil {
		t.Fatal(err)
	}
	catalogue, err := runtimes.New(runtimes.Config{Dir: filepath.Join(dir, "runtimes"), Path: "/usr/bin", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	cfg := process.Default()
	cfg.StateDir = filepath.Join(dir, "sandboxes")
	driver, err := process.New(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	program, err := bootstrapZip()
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := packages.Put(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{sink: &sink{}, packages: packages}
	b.worker = New(Default(), driver, cache, catalogue, roles{}, b.sink, http.NotFoundHandler(), log)
	b.version = lambda.Version{
		Function: lambda.FunctionID{Account: "000000000000", Region: "us-east-1", Name: "f"},
		Version:  lambda.Latest, RevisionID: "1", Runtime: "provided.al2023", Handler: "bootstrap",
		MemoryMB: 128, Timeout: 3 * time.Second, EphemeralMB: 512,
		CodeDigest: pkg.Digest, LogFormat: "Text", LogGroup: "/aws/lambda/f",
	}
	return b
}

func (b *bench) open(t *testing.T) *Environment {
	t.Helper()
	e, err := b.worker.Open(t.Context(), &b.version)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("close: %v", err)
		}
		if load := b.worker.Load(); load.Environments != 0 || load.CommittedMB != 0 {
			t.Errorf("the worker still carries %+v", load)
		}
	})
	return e
}

type answer struct {
	Invokes int
	PID     int
	Files   []string
}

func invoke(t *testing.T, e *Environment, event string) (lambda.Result, answer) {
	t.Helper()
	r, err := e.Invoke(t.Context(), &lambda.Invocation{RequestID: "11111111-2222-4333-8444-555555555555", Payload: []byte(event), Tail: true})
	if err != nil {
		t.Fatalf("invoke %s: %v", event, err)
	}
	var a answer
	if r.FunctionError == "" {
		if err := json.Unmarshal(r.Payload, &a); err != nil {
			t.Fatalf("answer %s: %v", r.Payload, err)
		}
	}
	return r, a
}

const id = "11111111-2222-4333-8444-555555555555"

func TestAnEnvironmentServesOneInvokeAfterTheOther(t *testing.T) {
	b := setUp(t)
	e := b.open(t)
	first, one := invoke(t, e, `{}`)
	second, two := invoke(t, e, `{}`)
	if one.Invokes != 1 || two.Invokes != 2 || one.PID != two.PID {
		t.Errorf("got %+v then %+v, want the same process to count on", one, two)
	}
	if first.ColdStart == nil || first.ColdStart.Init <= 0 {
		t.Errorf("the first invoke's cold start is %+v, want its parts", first.ColdStart)
	}
	if second.ColdStart != nil {
		t.Errorf("the second invoke tells of a cold start: %+v", second.ColdStart)
	}
}

func TestTheLogTailHasTheInvokesLinesInOrder(t *testing.T) {
	b := setUp(t)
	e := b.open(t)
	r, _ := invoke(t, e, `{"do":"print","text":"one\ntwo"}`)
	want := regexp.MustCompile(`^START RequestId: ` + id + ` Version: \$LATEST\n` +
		`one\ntwo\n` +
		`END RequestId: ` + id + `\n` +
		`REPORT RequestId: ` + id + `\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\tInit Duration: \d+\.\d\d ms\t\n$`)
	if !want.Match(r.LogTail) {
		t.Errorf("got log tail %q", r.LogTail)
	}
	if got := b.sink.text(); !strings.HasSuffix(got, string(r.LogTail)) {
		t.Errorf("the stream has %q, which does not end in the tail", got)
	}
	r, _ = invoke(t, e, `{}`)
	if strings.Contains(string(r.LogTail), "Init Duration") {
		t.Errorf("a warm invoke reports an Init Duration: %q", r.LogTail)
	}
}

func TestFailures(t *testing.T) {
	tests := []struct {
		name    string
		event   string
		init    string // the INIT variable
		timeout time.Duration
		payload string
		errType string
		log     string // a part of the log tail
	}{
		{
			name: "a function error is the runtime's bytes", event: `{"do":"fail"}`,
			payload: `{"errorMessage":"as asked","errorType":"Failed"}`, errType: "Function.Failed",
		},
		{
			name: "an exit with status 0", event: `{"do":"exit"}`,
			payload: `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ` + id + ` Error: Runtime exited without providing a reason"}`,
			errType: "Runtime.ExitError",
			log:     "RequestId: " + id + " Error: Runtime exited without providing a reason\nRuntime.ExitError\nEND ",
		},
		{
			name: "an exit with another status", event: `{"do":"exit","n":7}`,
			payload: `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ` + id + ` Error: Runtime exited with error: exit status 7"}`,
			errType: "Runtime.ExitError",
			log:     "\tStatus: error\tError Type: Runtime.ExitError\t\n",
		},
		{
			name: "an end by signal", event: `{"do":"kill"}`,
			payload: `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ` + id + ` Error: Runtime exited with error: signal: killed"}`,
			errType: "Runtime.ExitError",
		},
		{
			name: "a timeout", event: `{"do":"hang"}`, timeout: time.Second,
			payload: `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ` + id + ` Error: Task timed out after 1.00 seconds"}`,
			errType: "Sandbox.Timedout",
			log:     "\tDuration: 1000.00 ms\tBilled Duration: 10",
		},
		{
			name: "an init error that the runtime posted", init: "error",
			payload: `{"errorMessage":"broken","errorType":"Broken"}`, errType: "Runtime.Broken",
			log: "Phase: invoke\tStatus: error\tError Type: Runtime.Broken\t\n",
		},
		{
			name: "an exit during init", init: "exit",
			payload: `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ` + id + ` Error: Runtime exited with error: exit status 3"}`,
			errType: "Runtime.ExitError",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := setUp(t)
			if tt.init != "" {
				b.version.Environment = map[string]string{"INIT": tt.init}
			}
			if tt.timeout > 0 {
				b.version.Timeout = tt.timeout
			}
			e := b.open(t)
			r, _ := invoke(t, e, tt.event)
			if string(r.Payload) != tt.payload || r.FunctionError != lambda.Unhandled || r.ErrorType != tt.errType {
				t.Errorf("got payload %s (%s, %s)\nwant %s (Unhandled, %s)", r.Payload, r.FunctionError, r.ErrorType, tt.payload, tt.errType)
			}
			if !strings.Contains(string(r.LogTail), tt.log) {
				t.Errorf("the log tail %q has no %q", r.LogTail, tt.log)
			}
			if tt.init != "" {
				if got := b.sink.text(); !strings.Contains(got, "Phase: init\tStatus: error") {
					t.Errorf("the log %q does not tell of the failed Init phase", got)
				}
				return
			}
			if _, a := invoke(t, e, `{}`); a.Invokes == 0 {
				t.Error("the environment does not serve after the failure")
			}
		})
	}
}

func TestAResetKeepsTmpAndStartsTheRuntimeAnew(t *testing.T) {
	b := setUp(t)
	e := b.open(t)
	invoke(t, e, `{"do":"write","text":"kept"}`)
	invoke(t, e, `{"do":"exit","n":1}`)
	r, a := invoke(t, e, `{}`)
	if a.Invokes != 1 {
		t.Errorf("the runtime counts %d invokes, want 1 of a new process", a.Invokes)
	}
	if len(a.Files) != 1 || a.Files[0] != "kept" {
		t.Errorf("/tmp has %v, want [kept]", a.Files)
	}
	if strings.Contains(string(r.LogTail), "Init Duration") {
		t.Errorf("a suppressed init is reported as an Init phase: %q", r.LogTail)
	}
}

func TestARuntimeThatDiesWhileIdleIsBootedAgain(t *testing.T) {
	b := setUp(t)
	e := b.open(t)
	invoke(t, e, `{"do":"exit later"}`)
	<-e.process.Done()
	if r, a := invoke(t, e, `{}`); a.Invokes != 1 {
		t.Errorf("got %s, want a new process to serve", r.Payload)
	}
}

func TestAPackageWithoutBootstrapFailsItsInvokes(t *testing.T) {
	b := setUp(t)
	b.version.Runtime = "provided.al2"
	var empty bytes.Buffer
	w := zip.NewWriter(&empty)
	if _, err := w.Create("readme"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	pkg, err := b.packages.Put(t.Context(), empty.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	b.version.CodeDigest = pkg.Digest
	r, _ := invoke(t, b.open(t), `{}`)
	want := `{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: ` + id + ` Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"}`
	if string(r.Payload) != want {
		t.Errorf("got %s, want %s", r.Payload, want)
	}
}

func TestAbortEndsARunningInvoke(t *testing.T) {
	b := setUp(t)
	b.version.Timeout = time.Minute
	e := b.open(t)
	done := make(chan lambda.Result)
	go func() {
		r, _ := invoke(t, e, `{"do":"hang"}`)
		done <- r
	}()
	for e.mu.TryLock() { // the invoke holds it once it runs
		e.mu.Unlock()
	}
	for {
		b.worker.Abort(t.Context())
		select {
		case r := <-done:
			if r.ErrorType != lambda.ErrorExit {
				t.Errorf("got %s, want an ended runtime", r.Payload)
			}
			return
		case <-time.After(100 * time.Millisecond):
			// The runtime ended before it had the event, and was booted anew for it.
		}
	}
}
