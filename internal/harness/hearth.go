package harness

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/hearthfaas/hearth/internal/awshttp"
)

const (
	// readyMax bounds how long a start may take; a thousandth of it is usual.
	readyMax = 30 * time.Second
	// stopMax bounds a clean stop.
	stopMax = 20 * time.Second
	// Region is the one that clients of the harness sign for.
	Region = "us-east-1"
)

// Options say how a Hearth is started.
type Options struct {
	Binary    string
	DataDir   string
	Isolation string // "" is the binary's default
	Listen    string // "" is a free port of the loopback
	Config    string // YAML text, "" for none
	LogLevel  string // "" is warn
	User      int    // whose process it is; 0 is the caller's own. It must own the data directory
	Log       io.Writer
}

// Hearth is one running process.
type Hearth struct {
	Endpoint string
	DataDir  string
	// ReadyAfter is the time from the start of the process to its ready line.
	ReadyAfter time.Duration

	isolation string

	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
	err  error         // how; read after done
	log  *tail
}

// Start runs `hearth up` and waits for its ready line. When it fails, the error has
// the end of the process's log.
func Start(ctx context.Context, o Options) (*Hearth, error) {
	args := []string{"up", "--output", "json", "--data-dir", o.DataDir, "--listen", orElse(o.Listen, "127.0.0.1:0"), "--log-level", orElse(o.LogLevel, "warn")}
	if o.Isolation != "" {
		args = append(args, "--isolation", o.Isolation)
	}
	if o.Config != "" {
		path := filepath.Join(filepath.Dir(o.DataDir), filepath.Base(o.DataDir)+".yaml")
		if err := os.WriteFile(path, []byte(o.Config), 0o600); err != nil {
			return nil, fmt.Errorf("write the configuration: %w", err)
		}
		args = append(args, "--config", path)
	}
	h, line, err := launch(ctx, o, args)
	if err != nil {
		return nil, err
	}
	var ready struct{ Endpoint string }
	if err := json.Unmarshal([]byte(line), &ready); err != nil || ready.Endpoint == "" {
		_ = h.Kill()
		return nil, fmt.Errorf("hearth did not become ready: %s%s", line, h.Log())
	}
	h.Endpoint = ready.Endpoint
	return h, nil
}

// launch runs the binary and waits for its ready line.
func launch(ctx context.Context, o Options, args []string) (_ *Hearth, ready string, err error) {
	h := &Hearth{DataDir: o.DataDir, isolation: o.Isolation, done: make(chan struct{}), log: &tail{next: o.Log}}
	h.cmd = exec.Command(o.Binary, args...) //nolint:noctx // it is stopped with signals, not with a context
	h.cmd.Stderr = h.log
	// A process group of its own: Ctrl-C at the terminal is for whoever runs this,
	// who then stops Hearth in order.
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if o.User != 0 {
		h.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(o.User), Gid: uint32(o.User)}
		h.cmd.Dir = filepath.Dir(o.DataDir)
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, "", fmt.Errorf("start hearth: %w", err)
	}
	start := time.Now()
	if err := h.cmd.Start(); err != nil {
		return nil, "", fmt.Errorf("start hearth: %w", err)
	}
	lines := make(chan string, 1)
	go func() { // ends with the process, whose end closes the pipe
		r := bufio.NewReader(out)
		line, _ := r.ReadString('\n')
		lines <- line
		_, _ = io.Copy(io.Discard, r)
		h.err = h.cmd.Wait()
		close(h.done)
	}()
	ctx, cancel := context.WithTimeout(ctx, readyMax)
	defer cancel()
	select {
	case line := <-lines:
		h.ReadyAfter = time.Since(start)
		return h, line, nil
	case <-ctx.Done():
		_ = h.Kill()
		return nil, "", fmt.Errorf("wait for hearth: %w\n%s", ctx.Err(), h.Log())
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// PID is the process's id.
func (h *Hearth) PID() int { return h.cmd.Process.Pid }

// Done is closed when the process has ended.
func (h *Hearth) Done() <-chan struct{} { return h.done }

// Log is the end of what the process logged.
func (h *Hearth) Log() string { return h.log.String() }

// Stop ends the process in good order and waits for it; one that does not end is
// killed, which is an error.
func (h *Hearth) Stop() error {
	if err := h.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop hearth: %w", err)
	}
	select {
	case <-h.done:
	case <-time.After(stopMax):
		_ = h.Kill()
		return fmt.Errorf("hearth did not stop within %s", stopMax)
	}
	if h.err != nil {
		return fmt.Errorf("hearth ended badly: %w\n%s", h.err, h.Log())
	}
	return nil
}

// Kill ends the process as a crash would, with SIGKILL, and waits for it.
func (h *Hearth) Kill() error {
	if err := h.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill hearth: %w", err)
	}
	<-h.done
	return nil
}

// AWS is a client configuration for this Hearth, as a user's environment with
// AWS_ENDPOINT_URL and the keys test/test would give; nothing is tried twice.
func (h *Hearth) AWS() aws.Config {
	return aws.Config{
		Region:       Region,
		BaseEndpoint: aws.String(h.Endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:   awshttp.New(),
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// tailMax is how much of a log is kept for error messages.
const tailMax = 16 << 10

// tail keeps the end of what is written to it and passes everything on.
type tail struct {
	next io.Writer // may be nil

	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(p)
	if extra := t.buf.Len() - tailMax; extra > 0 {
		t.buf.Next(extra)
	}
	if t.next != nil {
		return t.next.Write(p)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
