// Package harness runs the real hearth binary for the end-to-end tests, the
// compatibility tests, the benchmark and the demo: it builds it, starts it, puts
// functions there, and looks for what it left behind on the host.
//
// It decides nothing about Hearth and knows nothing of its inside: it sees what a
// user sees, and /proc.
package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// BinaryVariable names a binary that is built already, such as bin/hearth.
const BinaryVariable = "HEARTH_BINARY"

// Build returns the binary given, which is what the caller found in BinaryVariable,
// or builds one into dir when that is empty.
func Build(ctx context.Context, dir, given string) (string, error) {
	if given != "" {
		abs, err := filepath.Abs(given)
		if err != nil {
			return "", fmt.Errorf("find %s: %w", given, err)
		}
		if _, err := os.Stat(abs); err != nil {
			return "", fmt.Errorf("%s: %w", BinaryVariable, err)
		}
		return abs, nil
	}
	root, err := Root(ctx)
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "hearth")
	if _, err := os.Stat(filepath.Join(root, "Makefile")); err == nil {
		// make builds what the binary embeds, too.
		if err := run(ctx, root, "make", "-s", "build", "BIN="+binary); err != nil {
			return "", fmt.Errorf("build hearth: %w", err)
		}
		if _, err := os.Stat(binary); err == nil {
			return binary, nil
		}
		return filepath.Join(root, "bin", "hearth"), nil
	}
	if err := run(ctx, root, "go", "build", "-buildvcs=false", "-trimpath", "-o", binary, "./cmd/hearth"); err != nil {
		return "", fmt.Errorf("build hearth: %w", err)
	}
	return binary, nil
}

// Root is the directory of the source tree.
func Root(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the source tree: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// run runs a command and returns its output within the error when it fails.
func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if _, ran := errors.AsType[*exec.ExitError](err); ran {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return err
}
