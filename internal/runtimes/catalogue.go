package runtimes

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Config says where the catalogue looks and keeps things.
type Config struct {
	// Dir is Hearth's own directory for runtimes, SDKs and bootstraps; absolute.
	// It is made when something is first written to it.
	Dir string
	// Path is a list of directories to look for interpreters in, in the form of the
	// variable PATH.
	Path string
	// Home is the directory in which version managers (nvm, pyenv and the like)
	// keep interpreters; empty means to leave them out.
	Home string
	Log  *slog.Logger
}

// Catalogue is the list of runtimes on this host.
type Catalogue struct {
	cfg      Config
	versions *versionCache

	bootstraps func() (string, error) // writes the bootstraps once, answers where

	// mu guards found.
	mu    sync.Mutex
	found map[string]*interpreter // by runtime name; what was found stays found

	compiling sync.Map // interpreter path → func(), compiles the Python bootstrap once
}

// Info describes one runtime to a user.
type Info struct {
	Name      string
	Available bool
	// Interpreter is its path on the host; empty for provided.* and when there is none.
	Interpreter string
	// Version is the interpreter's own, such as "20.20.2".
	Version string
	// SDK says that the AWS SDK that the managed runtime carries is installed.
	SDK bool
	// Remedy says what to do when something is missing; otherwise empty.
	Remedy string
}

// New makes the catalogue. It reads nothing yet: interpreters are looked for when
// they are asked for, so that starting Hearth does not pay for them.
func New(cfg Config) (*Catalogue, error) {
	if !filepath.IsAbs(cfg.Dir) {
		return nil, errors.New("runtimes: Config.Dir must be an absolute path")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &Catalogue{
		cfg:      cfg,
		versions: &versionCache{file: filepath.Join(cfg.Dir, "interpreters.json")},
		found:    make(map[string]*interpreter),
	}
	c.bootstraps = sync.OnceValues(func() (string, error) { return writeBootstraps(cfg.Dir) })
	return c, nil
}

// Known reports whether name is a runtime of the catalogue, on this host or not.
func (c *Catalogue) Known(name string) bool {
	_, ok := lookup(name)
	return ok
}

// Names lists the runtimes of the catalogue in a fixed order, newest first in each
// language.
func (c *Catalogue) Names() []string {
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.name)
	}
	return names
}

// List says for each runtime whether this host has it, and what to do otherwise.
// It may run interpreters to ask for their version, which is remembered.
func (c *Catalogue) List(ctx context.Context) []Info {
	infos := make([]Info, 0, len(entries))
	for _, e := range entries {
		infos = append(infos, c.info(ctx, e))
	}
	return infos
}

func (c *Catalogue) info(ctx context.Context, e entry) Info {
	info := Info{Name: e.name, Available: true}
	if e.language == provided {
		return info
	}
	if it, err := c.interpreter(ctx, e); err != nil {
		info.Available = false
		info.Remedy = e.remedy()
	} else {
		info.Interpreter, info.Version = it.path, it.version
	}
	if info.SDK = isDir(c.sdkDir(e.language)); !info.SDK && info.Available {
		info.Remedy = "hearth runtimes install " + sdkName(e.language) +
			"   (only for functions that use the AWS SDK without packing it)"
	}
	return info
}

// interpreter finds the entry's interpreter, or returns an *Unavailable.
func (c *Catalogue) interpreter(ctx context.Context, e entry) (*interpreter, error) {
	c.mu.Lock()
	it := c.found[e.name]
	c.mu.Unlock()
	if it != nil && it.unchanged() {
		return it, nil
	}
	i := slices.IndexFunc(c.candidates(e), func(cand candidate) bool {
		it = c.probe(ctx, e, cand)
		return it != nil
	})
	if i < 0 {
		return nil, &Unavailable{Runtime: e.name, Remedy: e.remedy()}
	}
	c.mu.Lock()
	c.found[e.name] = it
	c.mu.Unlock()
	return it, nil
}

// sdkDir is where the language's AWS SDK is installed: the directory that stands
// on the language's module path.
func (c *Catalogue) sdkDir(l language) string {
	if l == node {
		return filepath.Join(c.cfg.Dir, "sdk", "nodejs", "node_modules")
	}
	return filepath.Join(c.cfg.Dir, "sdk", "python")
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}
