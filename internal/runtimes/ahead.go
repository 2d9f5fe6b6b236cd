package runtimes

import (
	"strings"

	"github.com/hearthfaas/hearth/internal/sandbox"
)

// Split takes apart what a plan shows of its function and what every function of the
// runtime has: an environment can be made of the second before the first is known.
func (p Plan) Split() (shared Plan, own []sandbox.Mount) {
	shared = p
	shared.Mounts = nil
	for _, m := range p.Mounts {
		if m.Target == taskDir || m.Target == layersDir {
			own = append(own, m)
		} else {
			shared.Mounts = append(shared.Mounts, m)
		}
	}
	return shared, own
}

// bootPrefixes and bootNames are the variables that interpreters and the libraries
// under them read when they start, and never again.
var (
	bootPrefixes = []string{"NODE_", "PYTHON", "LD_", "LC_", "MALLOC_", "GLIBC_", "UV_", "V8_", "OPENSSL_", "SSL_"}
	bootNames    = map[string]bool{
		"LANG": true, "LANGUAGE": true, "TZ": true, "PATH": true, "HOME": true, "TMPDIR": true,
		"AWS_LAMBDA_EXEC_WRAPPER": true,
	}
)

// ReadAtBoot reports whether a variable counts when a runtime's process starts, so
// that a process which runs already cannot be given it.
func ReadAtBoot(variable string) bool {
	if bootNames[variable] {
		return true
	}
	for _, p := range bootPrefixes {
		if strings.HasPrefix(variable, p) {
			return true
		}
	}
	return false
}
