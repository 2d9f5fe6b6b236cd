package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
)

// Token lets one more process of a kind, worker or frontend, join the Hearth whose data
// lies in a directory.
func Token(ctx context.Context, binary, dataDir, kind string) (string, error) {
	out, err := exec.CommandContext(ctx, binary, "token", "create", "--kind", kind, "--data-dir", dataDir).Output()
	if err != nil {
		return "", fmt.Errorf("make a token: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// WorkerOptions say how a worker is started.
type WorkerOptions struct {
	Options
	Join  string // where the Hearth lets others join
	Token string // "" for a worker that has joined before
	Zone  string
	Args  []string
}

// StartWorker runs `hearth worker` and waits until it has joined.
func StartWorker(ctx context.Context, o WorkerOptions) (*Hearth, error) {
	args := []string{
		"worker", "--output", "json", "--data-dir", o.DataDir, "--listen", orElse(o.Listen, "127.0.0.1:0"),
		"--join", o.Join, "--zone", o.Zone, "--log-level", orElse(o.LogLevel, "warn"),
	}
	if o.Token != "" {
		args = append(args, "--token", o.Token)
	}
	if o.Isolation != "" {
		args = append(args, "--isolation", o.Isolation)
	}
	h, line, err := launch(ctx, o.Options, append(args, o.Args...))
	if err != nil {
		return nil, err
	}
	var ready struct{ Worker string }
	if err := json.Unmarshal([]byte(line), &ready); err != nil || ready.Worker == "" {
		_ = h.Kill()
		return nil, fmt.Errorf("the worker did not join: %s%s", line, h.Log())
	}
	return h, nil
}
