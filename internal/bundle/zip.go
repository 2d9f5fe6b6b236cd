package bundle

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// IgnoreFile lists, one a line, what of a folder is not deployed: names or paths
// with * and ?, as path.Match reads them; # starts a comment.
const IgnoreFile = ".hearthignore"

// ignoredAlways is never part of a function.
var ignoredAlways = []string{".git", ".hg", ".svn", ".DS_Store", "__pycache__", ".venv", IgnoreFile}

// depthMax bounds how deep folders are followed, so that a link that leads back to
// its own parent ends with an error.
const depthMax = 64

// epoch is the time that every file in a package has: the earliest that a zip can
// say. Real times would make equal code two different packages.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

type file struct {
	name string // slash-separated, relative
	mode fs.FileMode
	text []byte
}

func packDir(dir string) ([]byte, error) {
	patterns, err := readIgnore(dir)
	if err != nil {
		return nil, err
	}
	var files []file
	var total int64
	err = Walk(dir, patterns, func(name string, info fs.FileInfo) error {
		if total += info.Size(); total > lambda.UnzippedMax {
			return fmt.Errorf("the folder has more than the %d MB that a function may have; leave things out with %s", lambda.UnzippedMax>>20, IgnoreFile)
		}
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return fmt.Errorf("read the code: %w", err)
		}
		mode := fs.FileMode(0o644)
		if info.Mode()&0o111 != 0 {
			mode = 0o755
		}
		files = append(files, file{name: name, mode: mode, text: text})
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("the folder %s is empty", dir)
	}
	return pack(files)
}

// Walk calls visit for every file of a folder that is deployed, in order of name.
// Links are followed, because a package has none.
func Walk(dir string, ignore []string, visit func(name string, info fs.FileInfo) error) error {
	var walk func(rel string, depth int) error
	walk = func(rel string, depth int) error {
		if depth > depthMax {
			return fmt.Errorf("read %s: folders are nested deeper than %d, a link may lead back to its parent", rel, depthMax)
		}
		entries, err := os.ReadDir(filepath.Join(dir, filepath.FromSlash(rel)))
		if err != nil {
			return fmt.Errorf("read the code: %w", err)
		}
		for _, e := range entries { // ReadDir sorts
			name := path.Join(rel, e.Name())
			if ignored(name, ignore) {
				continue
			}
			info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name)))
			switch {
			case errors.Is(err, fs.ErrNotExist):
				continue // a dangling link, or a file that has just gone
			case err != nil:
				return fmt.Errorf("read the code: %w", err)
			case info.IsDir():
				err = walk(name, depth+1)
			case info.Mode().IsRegular():
				err = visit(name, info)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return walk("", 0)
}

// Ignored is the list of what is not deployed of a folder, for Walk.
func Ignored(dir string) ([]string, error) { return readIgnore(dir) }

func readIgnore(dir string) ([]string, error) {
	patterns := slices.Clone(ignoredAlways)
	text, err := os.ReadFile(filepath.Join(dir, IgnoreFile))
	if errors.Is(err, fs.ErrNotExist) {
		return patterns, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", IgnoreFile, err)
	}
	for line := range strings.Lines(string(text)) {
		line = strings.Trim(strings.TrimSpace(line), "/")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if _, err := path.Match(line, ""); err != nil {
			return nil, fmt.Errorf("%s: %q is not a pattern", IgnoreFile, line)
		}
		patterns = append(patterns, line)
	}
	return patterns, nil
}

// ignored is pure: a pattern with a slash is matched against the whole path, one
// without against the last name.
func ignored(name string, patterns []string) bool {
	for _, p := range patterns {
		subject := path.Base(name)
		if strings.Contains(p, "/") {
			subject = name
		}
		if ok, err := path.Match(p, subject); err == nil && ok {
			return true
		}
	}
	return false
}

func pack(files []file) ([]byte, error) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: epoch}
		h.SetMode(f.mode)
		out, err := w.CreateHeader(h)
		if err == nil {
			_, err = out.Write(f.text)
		}
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", f.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack the code: %w", err)
	}
	return buf.Bytes(), nil
}

// listZip returns the names at the top of a zip and a way to read them.
func listZip(path string) (names []string, read func(string) ([]byte, error), err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read the zip: %w", err)
	}
	z, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		return nil, nil, fmt.Errorf("read the zip %s: %w", path, err)
	}
	for _, f := range z.File {
		if !strings.Contains(f.Name, "/") {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return names, func(name string) ([]byte, error) { return fs.ReadFile(z, name) }, nil
}
