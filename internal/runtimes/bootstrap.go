package runtimes

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// bootstrapFiles are the programs that run handlers, one directory for each
// language.
//
//go:embed node python python/hearth_runtime/__init__.py
var bootstrapFiles embed.FS

// mountPoints are empty directories in the bootstraps' directories on which an SDK
// is mounted; a read-only mount cannot make them later.
var mountPoints = []string{"node/node_modules", "python/sdk"}

// writeBootstraps puts the bootstraps under dir, into a directory named by their
// content, and returns its path. What is there already is left alone, so several
// processes and several versions of Hearth can share dir.
func writeBootstraps(dir string) (string, error) {
	target := filepath.Join(dir, "bootstrap", bootstrapHash())
	if isDir(target) {
		return target, nil
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return "", fmt.Errorf("make the bootstraps' directory: %w", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(target), ".new-")
	if err != nil {
		return "", fmt.Errorf("make the bootstraps' directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(tmp) }() // gone already when all went well
	if err := fillBootstraps(tmp); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, target); err != nil && !isDir(target) {
		return "", fmt.Errorf("put the bootstraps in place: %w", err)
	}
	return target, nil
}

func fillBootstraps(dir string) error {
	if err := os.CopyFS(dir, bootstrapFiles); err != nil {
		return fmt.Errorf("write the bootstraps: %w", err)
	}
	for _, point := range mountPoints {
		if err := os.MkdirAll(filepath.Join(dir, point), 0o755); err != nil {
			return fmt.Errorf("write the bootstraps: %w", err)
		}
	}
	return openToAll(dir)
}

// openToAll lets every user read a tree, whatever the umask was: the sandbox's user
// is another one than Hearth's.
func openToAll(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		mode := st.Mode().Perm() | 0o444
		if d.IsDir() || mode&0o111 != 0 {
			mode |= 0o111
		}
		if mode == st.Mode().Perm() {
			return nil
		}
		return os.Chmod(path, mode)
	})
}

// bootstrapHash names the embedded files' content.
func bootstrapHash() string {
	h := sha256.New()
	err := fs.WalkDir(bootstrapFiles, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := bootstrapFiles.ReadFile(path)
		fmt.Fprintf(h, "%s %d\n%s", path, len(data), data)
		return err
	})
	if err != nil {
		panic("runtimes: the embedded bootstraps cannot be read: " + err.Error())
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
