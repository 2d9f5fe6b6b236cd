package namespace

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

//go:generate go build -trimpath -ldflags "-s -w" -o bin/hearth-init ./init

// binaries holds hearth-init when it was generated before this package was built,
// as `make build` does. Without it (go install, go test) the driver runs the whole
// program as process 1, which works as well and starts more slowly; see Main.
//
//go:embed all:bin
var binaries embed.FS

// initName is how the whole program knows that it is process 1 of an environment.
const initName = "hearth-init"

// initBinary returns the path of a program for process 1.
func initBinary(cfg Config) (string, error) {
	if cfg.InitPath != "" {
		return cfg.InitPath, nil
	}
	content, err := binaries.ReadFile("bin/hearth-init")
	if errors.Is(err, fs.ErrNotExist) {
		return os.Executable()
	}
	if err != nil {
		return "", fmt.Errorf("read the embedded init: %w", err)
	}
	path := filepath.Join(cfg.StateDir, initName)
	if there, err := os.ReadFile(path); err == nil && bytes.Equal(there, content) {
		return path, nil
	}
	part := path + ".part"
	if err := errors.Join(os.WriteFile(part, content, 0o755), os.Chmod(part, 0o755), os.Rename(part, path)); err != nil {
		return "", fmt.Errorf("unpack the embedded init: %w", err)
	}
	return path, nil
}
