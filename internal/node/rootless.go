package node

import (
	"os"

	"github.com/hearthfaas/hearth/internal/sandbox/namespace"
)

// dataDirVariable names the data directory when neither flag nor file does.
const dataDirVariable = "HEARTH_DATA_DIR"

// NeedsOwnRoot says whether a node of this configuration must be run by AsOwnRoot:
// its sandboxes need powers that this user has only in a user namespace.
func NeedsOwnRoot(cfg Config) bool { return cfg.Isolation == "namespace" && namespace.Unprivileged() }

// AsOwnRoot runs this program again as root of a user namespace of its own, with the
// same data directory, and returns its exit code when it has ended.
func AsOwnRoot(cfg Config) (exit int, err error) {
	// There it looks like root, which has another place for its data.
	if err := os.Setenv(dataDirVariable, cfg.DataDir); err != nil {
		return 0, err
	}
	return namespace.AsOwnRoot()
}
