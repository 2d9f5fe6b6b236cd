// Package bundle decides what a folder or file of code becomes when it is
// deployed: which runtime family and handler it is for, and the zip that is
// uploaded.
//
// It does not talk to Hearth and does not know which runtimes a host can run:
// whoever deploys picks the version within the family.
package bundle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Family is a language without its version.
type Family string

// The families that can be recognised.
const (
	Node     Family = "nodejs"
	Python   Family = "python"
	Provided Family = "provided"
)

// Plan is what was found out about a path.
type Plan struct {
	Path    string // absolute
	Name    string // a function name made from the path
	Family  Family // empty when nothing was recognised
	Handler string // empty when nothing was recognised
	// GoMain says that the code is a Go main package, which has to be built.
	GoMain bool
}

// UnknownError says that nothing in a folder looks like a handler.
type UnknownError struct{ Path string }

// Error names the folder.
func (e *UnknownError) Error() string { return "no handler found in " + e.Path }

// Remedy says what would be recognised.
func (e *UnknownError) Remedy() string {
	return "expected index.js, index.mjs, app.js, lambda_function.py, app.py, a Go main package or an executable named bootstrap; or name --runtime and --handler"
}

// Inspect looks at a folder, a source file or a zip. A folder in which nothing is
// recognised is an *UnknownError together with a plan that has a name only.
func Inspect(path string) (Plan, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return Plan{}, fmt.Errorf("find %s: %w", path, err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return Plan{}, fmt.Errorf("find the code: %w", err)
	}
	p := Plan{Path: abs, Name: functionName(filepath.Base(abs))}
	var names []string
	var read func(string) ([]byte, error)
	switch {
	case info.IsDir():
		entries, err := os.ReadDir(abs)
		if err != nil {
			return p, fmt.Errorf("read the code: %w", err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		read = func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(abs, name)) }
	case strings.EqualFold(filepath.Ext(abs), ".zip"):
		names, read, err = listZip(abs)
		if err != nil {
			return p, err
		}
	default:
		names = []string{filepath.Base(abs)}
		read = func(string) ([]byte, error) { return os.ReadFile(abs) }
	}
	recognise(&p, names, read, info.IsDir())
	if p.Family == "" {
		return p, &UnknownError{Path: path}
	}
	return p, nil
}

// recognise fills in family and handler from the names at the top of the code.
func recognise(p *Plan, names []string, read func(string) ([]byte, error), dir bool) {
	has := func(name string) bool { return slices.Contains(names, name) }
	switch {
	case has("bootstrap"):
		p.Family, p.Handler = Provided, "bootstrap"
		return
	case dir && slices.ContainsFunc(names, func(n string) bool { return goMain(n, read) }):
		p.Family, p.Handler, p.GoMain = Provided, "bootstrap", true
		return
	}
	sources := slices.DeleteFunc(slices.Clone(names), func(n string) bool {
		return !slices.Contains([]string{".js", ".mjs", ".cjs", ".py"}, filepath.Ext(n)) ||
			strings.Contains(n, ".test.") || strings.Contains(n, ".config.") || strings.HasPrefix(n, "test_")
	})
	pick := func() string {
		for _, want := range []string{
			"index.mjs", "index.js", "index.cjs", "lambda_function.py", "app.mjs", "app.js", "app.py", "handler.mjs", "handler.js", "handler.py", "main.py",
		} {
			if slices.Contains(sources, want) {
				return want
			}
		}
		if len(sources) == 1 { // the only source there is
			return sources[0]
		}
		return ""
	}
	file := pick()
	if file == "" {
		return
	}
	p.Family = Node
	export := "handler"
	if filepath.Ext(file) == ".py" {
		p.Family = Python
		// The name in AWS's Python blueprints, unless the file defines the other.
		export = "lambda_handler"
		if text, err := read(file); err == nil && !strings.Contains(string(text), "def lambda_handler(") && strings.Contains(string(text), "def handler(") {
			export = "handler"
		}
	}
	p.Handler = strings.TrimSuffix(file, filepath.Ext(file)) + "." + export
}

func goMain(name string, read func(string) ([]byte, error)) bool {
	if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
		return false
	}
	text, err := read(name)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "package "); ok {
			return strings.TrimSpace(name) == "main"
		}
	}
	return false
}

// Zip makes the package to upload: a zip file as it is, a Go main package built,
// anything else packed. The same content gives the same bytes, so that deploying
// what has not changed is no change.
func (p Plan) Zip(ctx context.Context) ([]byte, error) {
	info, err := os.Stat(p.Path)
	if err != nil {
		return nil, fmt.Errorf("find the code: %w", err)
	}
	switch {
	case p.GoMain:
		return buildGo(ctx, p.Path)
	case info.IsDir():
		return packDir(p.Path)
	case strings.EqualFold(filepath.Ext(p.Path), ".zip"):
		text, err := os.ReadFile(p.Path)
		if err != nil {
			return nil, fmt.Errorf("read the zip: %w", err)
		}
		return text, nil
	}
	text, err := os.ReadFile(p.Path)
	if err != nil {
		return nil, fmt.Errorf("read the code: %w", err)
	}
	mode := fs.FileMode(0o644)
	if info.Mode()&0o111 != 0 {
		mode = 0o755
	}
	return pack([]file{{name: filepath.Base(p.Path), mode: mode, text: text}})
}

// Version orders runtime names of one family: "nodejs22.x" is after "nodejs20.x".
func Version(family Family, runtime string) (major, minor int, ok bool) {
	rest, found := strings.CutPrefix(runtime, string(family))
	if !found {
		return 0, 0, false
	}
	rest = strings.TrimPrefix(strings.TrimSuffix(rest, ".x"), ".al")
	if _, err := fmt.Sscanf(rest, "%d.%d", &major, &minor); err == nil {
		return major, minor, true
	}
	if _, err := fmt.Sscanf(rest, "%d", &major); err == nil {
		return major, 0, true
	}
	return 0, 0, false
}

// Newest is the name in runtimes with the highest version of the family.
func Newest(family Family, runtimes []string) (string, error) {
	best, bestMajor, bestMinor := "", -1, -1
	for _, name := range runtimes {
		major, minor, ok := Version(family, name)
		if ok && (major > bestMajor || major == bestMajor && minor > bestMinor) {
			best, bestMajor, bestMinor = name, major, minor
		}
	}
	if best == "" {
		return "", errors.New("no runtime of family " + string(family))
	}
	return best, nil
}

// functionName makes a valid function name (Lambda API, FunctionName:
// [a-zA-Z0-9-_]+, at most 64) from a file name.
func functionName(base string) string {
	base = strings.TrimSuffix(base, filepath.Ext(base))
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}, base)
	name = strings.Trim(name[:min(len(name), 64)], "-")
	if name == "" {
		return "function"
	}
	return name
}
