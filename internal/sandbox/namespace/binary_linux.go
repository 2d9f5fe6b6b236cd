package namespace

import (
	"bytes"
	"debug/elf"
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
		return wholeProgram()
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

// wholeProgram is this program itself, when it can run in an empty root.
func wholeProgram() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	file, err := elf.Open(path)
	if err != nil {
		return "", fmt.Errorf("look at this program: %w", err)
	}
	defer file.Close()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			return "", errors.New("this program was built without its init and needs shared libraries: build it with `make build`, or with CGO_ENABLED=0")
		}
	}
	return path, nil
}
