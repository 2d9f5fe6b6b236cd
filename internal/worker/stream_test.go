//go:build linux

package worker

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// caller takes a streamed answer.
type caller struct {
	body    bytes.Buffer
	stalled bool   // it takes nothing
	seen    string // a file that tells the function that bytes have arrived
}

func (*caller) Begin(context.Context, lambda.StreamHead) error { return nil }

func (c *caller) Write(ctx context.Context, p []byte) error {
	if c.stalled {
		<-ctx.Done()
		return ctx.Err()
	}
	c.body.Write(p)
	return os.WriteFile(c.seen, nil, 0o644)
}

func TestStreamsOfACustomRuntime(t *testing.T) {
	b := setUp(t)
	b.version.Timeout = 3 * time.Second
	e := b.open(t)
	for _, c := range []struct {
		name, event string
		stalled     bool
		body        string
		errType     string
		payload     string
	}{
		{"to the end", `{"do":"stream","text":"all of it"}`, false, "all of it", "", ""},
		{
			"until the timeout", `{"do":"stream","text":"half","then":"hang"}`, false, "half", "Sandbox.Timedout",
			`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ` + id + ` Error: Task timed out after 3.00 seconds"}`,
		},
		{
			"until the process ends", `{"do":"stream","text":"half","then":"exit","n":7}`, false, "half", "Runtime.ExitError",
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ` + id + ` Error: Runtime exited with error: exit status 7"}`,
		},
		{
			"until the timeout, for a caller who takes nothing", `{"do":"stream","text":"half"}`, true, "", "Sandbox.Timedout",
			`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ` + id + ` Error: Task timed out after 3.00 seconds"}`,
		},
		{"to the end after all that", `{"do":"stream","text":"again"}`, false, "again", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &caller{stalled: c.stalled, seen: filepath.Join(e.sandbox.Path("/tmp"), "seen")}
			_ = os.Remove(l.seen) // there is none at first
			r, err := e.Invoke(t.Context(), &lambda.Invocation{RequestID: id, Payload: []byte(c.event), Tail: true, Sink: l})
			if err != nil {
				t.Fatal(err)
			}
			if l.body.String() != c.body || r.ErrorType != c.errType || string(r.Payload) != c.payload {
				t.Errorf("got %q, then %q %s", l.body.String(), r.ErrorType, r.Payload)
			}
			if !strings.Contains(string(r.LogTail), "REPORT RequestId: "+id) {
				t.Errorf("the log tail is %q", r.LogTail)
			}
		})
	}
	if r, err := e.Invoke(t.Context(), &lambda.Invocation{RequestID: id, Payload: []byte(`{"do":"stream","text":"whole"}`)}); err != nil || string(r.Payload) != "whole" {
		t.Errorf("without a sink: got %q, %v", r.Payload, err)
	}
}
