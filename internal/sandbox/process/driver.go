// Package process is the sandbox driver for hosts where nothing else works: an
// execution environment is a directory and some ordinary child processes in
// process groups of their own. It decides how those are started, mapped onto the
// host's paths, ended and cleaned up.
//
// It isolates nothing. The processes run as Hearth's user, see the host's files,
// processes and network, and are bounded by resource limits of single processes
// only. Capabilities says so, in sentences that `hearth doctor` prints. Isolation
// is package namespace's job.
package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/hearthfaas/hearth/internal/sandbox"
)

// Config is what the driver needs to know of the host.
type Config struct {
	// StateDir is where the driver keeps one directory for each environment. It is
	// an absolute path, made when it does not exist, and belongs to one process at
	// a time.
	StateDir string
}

// Default is the configuration with everything but StateDir filled in.
func Default() Config { return Config{} }

// Validate reports everything that is wrong with the configuration at once.
func (c Config) Validate() error {
	if !filepath.IsAbs(c.StateDir) {
		return fmt.Errorf("state dir: %q is not an absolute path", c.StateDir)
	}
	return nil
}

// Driver makes environments out of plain child processes.
type Driver struct {
	cfg Config
	log *slog.Logger
}

var _ sandbox.Driver = (*Driver)(nil)

// New makes a driver. It starts nothing and touches nothing but StateDir.
func New(cfg Config, log *slog.Logger) (*Driver, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("process driver: %w", err)
	}
	if err := os.MkdirAll(cfg.StateDir, 0o700); err != nil {
		return nil, fmt.Errorf("process driver: make the state directory: %w", err)
	}
	keepDescriptors()
	return &Driver{cfg: cfg, log: log}, nil
}

// Name is "process".
func (d *Driver) Name() string { return "process" }

// Capabilities says that next to nothing is held to.
func (d *Driver) Capabilities() sandbox.Capabilities {
	const remedy = "; use --isolation namespace on Linux"
	return sandbox.Capabilities{
		Isolation: "none: functions are ordinary processes of Hearth's user and see its files, processes and network",
		Missing: []string{
			"private network: functions share the host's network" + remedy,
			"private filesystem: functions see the host's files" + remedy,
			"memory limit: plain processes have none" + remedy,
			"CPU limit: plain processes have none" + remedy,
			"process limit: plain processes have none of their own" + remedy,
			"/tmp size: it is a directory on the host's disk" + remedy,
			"freezing between invokes: background work goes on" + remedy,
		},
	}
}

// Create makes the environment's directory.
func (d *Driver) Create(ctx context.Context, spec sandbox.Spec) (sandbox.Environment, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if spec.ID == "" || string(spec.ID) != filepath.Base(string(spec.ID)) {
		return nil, fmt.Errorf("create environment: %q is not a usable id", spec.ID)
	}
	for _, m := range spec.Mounts {
		if _, err := os.Stat(m.Source); err != nil {
			return nil, fmt.Errorf("create environment %s: mount at %s: %w", spec.ID, m.Target, err)
		}
	}
	dir := filepath.Join(d.cfg.StateDir, string(spec.ID))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create environment %s: %w", spec.ID, err)
	}
	tmp := filepath.Join(dir, "tmp")
	if err := errors.Join(os.Mkdir(tmp, 0o700), os.Chmod(tmp, 0o1777)); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("create environment %s: %w", spec.ID, err)
	}
	return newEnvironment(d, spec, dir, tmp), nil
}
