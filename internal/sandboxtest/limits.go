//go:build linux

package sandboxtest

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

func (s *suite) memory(t *testing.T) {
	d := s.open(t)
	if !d.Capabilities().MemoryLimit {
		t.Skip("the driver has no memory limit")
	}
	spec := s.spec()
	spec.MemoryMB = 128
	small, other := create(t, d, spec), create(t, d, s.spec())
	bystander := start(t, other, "term")
	bystander.until("ready")

	out, exit := do(t, small, "eat", "400")
	if exit.String() != "signal: killed" || !exit.OutOfMemory {
		t.Errorf("eating 400 of 128 MB: %v, out of memory %t, printed %q; want it killed for memory", exit, exit.OutOfMemory, out)
	}
	u, err := small.Usage()
	if err != nil {
		t.Fatal(err)
	}
	if got := u.MemoryPeakBytes >> 20; got < 100 || got > 128 {
		t.Errorf("peak %d MB, want close to 128", got)
	}
	select {
	case <-bystander.proc.Done():
		t.Errorf("another environment's process ended: %v", bystander.proc.Exit())
	default:
	}
	if out, exit := do(t, small, "eat", "60"); exit.Code != 0 || exit.Signal != 0 {
		t.Errorf("eating 60 of 128 MB afterwards: %v, %q", exit, out)
	}
	if _, exit := do(t, small, "signal", "9"); exit.OutOfMemory {
		t.Error("a plain SIGKILL afterwards counts as out of memory")
	}
}

func (s *suite) tmpOutside(t *testing.T) {
	d := s.open(t)
	c := d.Capabilities()
	if !c.MemoryLimit || !c.TmpOutsideMemory || !c.TmpLimit {
		t.Skip("the driver's /tmp is not outside of limited memory")
	}
	spec := s.spec()
	spec.MemoryMB = 128
	env := create(t, d, spec)
	if out, exit := do(t, env, "fill", env.Path("/tmp/big"), "300"); out != "300 MB\n" || exit.Code != 0 {
		t.Errorf("writing 300 MB with 128 MB of memory: %v, %q", exit, out)
	}
	u, err := env.Usage()
	if err != nil {
		t.Fatal(err)
	}
	if got := u.MemoryBytes >> 20; got > 40 {
		t.Errorf("memory in use %d MB, want what is in /tmp not counted", got)
	}
}

func (s *suite) processes(t *testing.T) {
	d := s.open(t)
	if !d.Capabilities().ProcessLimit {
		t.Skip("the driver has no process limit")
	}
	spec := s.spec()
	spec.MemoryMB = 2048
	spec.ProcessesMax = 100
	env := create(t, d, spec)
	r := start(t, env, "forks", "2000")
	out := r.until("forked ")
	if !strings.Contains(out, "resource temporarily unavailable") {
		t.Errorf("output %q, want forks refused", out)
	}
	n, err := strconv.Atoi(strings.TrimSpace(out[strings.LastIndex(out, " ")+1:]))
	if err != nil || n < 5 || n > 100 {
		t.Errorf("forked %d (%v), want no more than 100 with their threads", n, err)
	}
	if err := env.KillAll(t.Context()); err != nil {
		t.Errorf("KillAll: %v", err)
	}
	if n := processesOf(t, s.payload); n != 0 {
		t.Errorf("%d processes are left", n)
	}
	if _, exit := do(t, env, "exit", "3"); exit.Code != 3 {
		t.Errorf("afterwards: %v, want exit status 3", exit)
	}
}

func (s *suite) fullTmp(t *testing.T) {
	d := s.open(t)
	if !d.Capabilities().TmpLimit {
		t.Skip("the driver does not limit /tmp")
	}
	env := create(t, d, s.spec())
	out, _ := do(t, env, "fill", env.Path("/tmp/big"), "600")
	mb, rest, _ := strings.Cut(out, " MB\n")
	if n, _ := strconv.Atoi(mb); n < 460 || n > 512 {
		t.Errorf("%q fitted into 512 MB, want most of it", mb)
	}
	if !strings.Contains(rest, "ENOSPC") {
		t.Errorf("then %q, want ENOSPC", rest)
	}
}

func (s *suite) openFiles(t *testing.T) {
	env := create(t, s.open(t), s.spec())
	eventually(t, "the limits are files 1024 core 0", func() bool {
		out, _ := do(t, env, "limits")
		return out == "files 1024 core 0\n"
	})
}

func (s *suite) cpu(t *testing.T) {
	d := s.open(t)
	if !d.Capabilities().CPULimit {
		t.Skip("the driver has no CPU limit")
	}
	spec := s.spec()
	spec.CPUMillis = 200
	env := create(t, d, spec)
	out, _ := do(t, env, "burn", "1s")
	ms, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil {
		t.Fatalf("output %q", out)
	}
	// The upper bound is the promise; the lower one depends on who else computes.
	if ms > 300 {
		t.Errorf("%d ms of CPU in a second, want about 200", ms)
	}
	if u, err := env.Usage(); err != nil || u.CPUNanos <= 0 {
		t.Errorf("usage %d ns of CPU, %v; want some", u.CPUNanos, err)
	}
}

func (s *suite) freeze(t *testing.T) {
	d := s.open(t)
	env := create(t, d, s.spec())
	if !d.Capabilities().Freeze {
		if err := env.Freeze(t.Context()); err != nil {
			t.Errorf("Freeze where it does nothing: %v", err)
		}
		if err := env.Thaw(t.Context()); err != nil {
			t.Errorf("Thaw where it does nothing: %v", err)
		}
		t.Skip("the driver cannot freeze")
	}
	r := start(t, env, "count")
	r.until("3\n")
	if err := env.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.drain()
	// Ten times what it takes to print the next number.
	if err := r.out.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := r.out.Read(make([]byte, 100)); n > 0 {
		t.Errorf("a frozen process printed %d bytes (%v)", n, err)
	}
	if err := env.Thaw(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.text.Reset()
	r.until("\n")

	if err := env.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := env.KillAll(t.Context()); err != nil {
		t.Errorf("KillAll of a frozen environment: %v", err)
	}
	if exit := r.exit(); exit.String() != "signal: killed" {
		t.Errorf("exit %v, want signal: killed", exit)
	}
}

// drain reads what is there already.
func (r *running) drain() {
	r.t.Helper()
	buf := make([]byte, 4096)
	for {
		if err := r.out.SetReadDeadline(time.Now().Add(5 * time.Millisecond)); err != nil {
			r.t.Fatal(err)
		}
		if n, err := r.out.Read(buf); n == 0 || err != nil {
			return
		}
	}
}

func (s *suite) usage(t *testing.T) {
	env := create(t, s.open(t), s.spec())
	r := start(t, env, "term")
	r.until("ready")
	u, err := env.Usage()
	if err != nil {
		t.Fatal(err)
	}
	if u.MemoryBytes <= 0 || u.MemoryPeakBytes < u.MemoryBytes/2 || u.Processes < 1 || u.Processes > 40 {
		t.Errorf("usage %+v, want memory, and the process with its threads", u)
	}
}
