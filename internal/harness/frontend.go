package harness

import (
	"context"
	"encoding/json"
	"fmt"
)

// StartFrontend runs `hearth frontend` and waits until it answers clients. Of the
// options, the isolation says nothing here.
func StartFrontend(ctx context.Context, o WorkerOptions) (*Hearth, error) {
	args := []string{
		"frontend", "--output", "json", "--data-dir", o.DataDir, "--listen", orElse(o.Listen, "127.0.0.1:0"),
		"--join", o.Join, "--zone", o.Zone, "--log-level", orElse(o.LogLevel, "warn"),
	}
	if o.Token != "" {
		args = append(args, "--token", o.Token)
	}
	h, line, err := launch(ctx, o.Options, append(args, o.Args...))
	if err != nil {
		return nil, err
	}
	var ready struct{ Frontend, Endpoint string }
	if err := json.Unmarshal([]byte(line), &ready); err != nil || ready.Frontend == "" {
		_ = h.Kill()
		return nil, fmt.Errorf("the frontend did not join: %s%s", line, h.Log())
	}
	h.Endpoint = ready.Endpoint
	return h, nil
}
