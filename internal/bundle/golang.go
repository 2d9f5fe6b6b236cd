package bundle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// BuildError is a Go package that does not compile.
type BuildError struct{ Output string }

// Error is what the compiler said.
func (e *BuildError) Error() string { return "go build: " + e.Output }

// buildGo builds a main package into a package for provided.al2023: one static
// executable named bootstrap, for Linux on this machine's architecture. The tag
// lambda.norpc leaves out what aws-lambda-go needs for a runtime AWS has retired.
func buildGo(ctx context.Context, dir string) ([]byte, error) {
	tmp, err := os.MkdirTemp("", "hearth-build-")
	if err != nil {
		return nil, fmt.Errorf("build the code: %w", err)
	}
	defer os.RemoveAll(tmp)
	out := filepath.Join(tmp, "bootstrap")
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-tags=lambda.norpc", "-o", out, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0")
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return nil, &BuildError{Output: strings.TrimSpace(string(text))}
	case err != nil:
		return nil, fmt.Errorf("build the code with the go command: %w", err)
	}
	binary, err := os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("read the build: %w", err)
	}
	return pack([]file{{name: "bootstrap", mode: 0o755, text: binary}})
}
