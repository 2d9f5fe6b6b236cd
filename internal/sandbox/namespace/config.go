package namespace

import (
	"errors"
	"fmt"
	"path/filepath"
)

// Config is what the driver needs to know.
type Config struct {
	// StateDir is where the driver keeps its images and files. It is an absolute
	// path, made when it does not exist, and belongs to one process at a time.
	StateDir string
	// InitPath is the program to run as process 1; empty takes the embedded one.
	InitPath string
	// Hostname is what the processes see.
	Hostname string
	// ReadyNetworks is how many network namespaces Run keeps in store; making one
	// costs most of a millisecond.
	ReadyNetworks int
	// ReadyTmpMB and ReadyTmps say of which size and how many /tmp images Run keeps
	// in store; making one costs about four milliseconds.
	ReadyTmpMB, ReadyTmps int
}

// Default is the configuration with everything but StateDir filled in.
func Default() Config {
	return Config{
		Hostname:      "169-254-100-1", // Lambda names its hosts after link-local addresses
		ReadyNetworks: 16,              // a burst of cold starts, until Run has caught up
		ReadyTmpMB:    512,             // Lambda's default size
		ReadyTmps:     16,
	}
}

// Validate reports everything that is wrong with the configuration at once.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !filepath.IsAbs(c.StateDir) {
		bad("state dir: %q is not an absolute path", c.StateDir)
	}
	if c.InitPath != "" && !filepath.IsAbs(c.InitPath) {
		bad("init path: %q is not an absolute path", c.InitPath)
	}
	if len(c.Hostname) > 64 {
		bad("hostname: %q is longer than 64 bytes", c.Hostname)
	}
	if c.ReadyNetworks < 0 || c.ReadyTmps < 0 || c.ReadyTmpMB < 0 {
		bad("ready parts: a number is negative")
	}
	return errors.Join(errs...)
}
