package runtimes

import (
	"bytes"
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// probeTimeout bounds asking an interpreter for its version; it takes a few
// milliseconds unless the disk is cold.
const probeTimeout = 10 * time.Second

// interpreter is an interpreter of the host.
type interpreter struct {
	path    string // of the executable itself, links resolved
	version string // such as "20.20.2"
	modTime time.Time
	size    int64
}

// unchanged reports that the file is still the one that was looked at.
func (it *interpreter) unchanged() bool {
	st, err := os.Stat(it.path)
	return err == nil && st.ModTime().Equal(it.modTime) && st.Size() == it.size
}

// prefix is the installation that the interpreter belongs to, when it is one of
// its own; the system's /usr and /usr/local are not.
func (it *interpreter) prefix() (string, bool) {
	p := filepath.Dir(filepath.Dir(it.path))
	return p, p != "/usr" && p != "/usr/local" && p != "/" && filepath.Base(filepath.Dir(it.path)) == "bin"
}

// candidate is a file that may be the interpreter looked for.
type candidate struct {
	path string
	// version is what the file's place says, such as 3.11.7 of pyenv's
	// versions/3.11.7/bin; empty when the interpreter must be asked.
	version string
}

// candidates lists files that may serve the entry, best first: Hearth's own
// installation, the system's, those of PATH, those of version managers.
func (c *Catalogue) candidates(e entry) []candidate {
	file := "node"
	if e.language == python {
		file = "python" + e.version
	}
	cs := []candidate{{path: filepath.Join(c.cfg.Dir, e.name, "bin", file)}}
	for _, dir := range append([]string{"/usr/bin", "/usr/local/bin"}, filepath.SplitList(c.cfg.Path)...) {
		if filepath.IsAbs(dir) {
			cs = append(cs, candidate{path: filepath.Join(dir, file)})
		}
	}
	if c.cfg.Home == "" {
		return cs
	}
	for _, pattern := range managed[e.language] {
		cs = append(cs, versioned(filepath.Join(c.cfg.Home, pattern), e.version, file)...)
	}
	return cs
}

// managed are the places under the home directory where version managers keep
// interpreters. The star stands for the version, with a prefix or without.
var managed = map[language][]string{
	node: {
		".nvm/versions/node/v*/bin",
		".local/share/fnm/node-versions/v*/installation/bin",
		".volta/tools/image/node/*/bin",
		".asdf/installs/nodejs/*/bin",
		".local/share/mise/installs/node/*/bin",
	},
	python: {
		".pyenv/versions/*/bin",
		".local/share/uv/python/cpython-*/bin",
		".asdf/installs/python/*/bin",
		".local/share/mise/installs/python/*/bin",
	},
}

// versioned lists the candidates of a pattern with one star in it whose version
// begins with want, the newest first.
func versioned(pattern, want, file string) []candidate {
	before, after, _ := strings.Cut(pattern, "*")
	dirs, err := filepath.Glob(before + want + ".*" + after)
	if err != nil {
		return nil // only a malformed pattern fails, and a home directory may hold brackets
	}
	cs := make([]candidate, 0, len(dirs))
	for _, dir := range dirs {
		version := strings.TrimSuffix(strings.TrimPrefix(dir, before), after)
		version, _, _ = strings.Cut(version, "-") // uv: 3.12.4-linux-x86_64-gnu
		cs = append(cs, candidate{path: filepath.Join(dir, file), version: version})
	}
	slices.SortStableFunc(cs, func(a, b candidate) int { return compareVersions(b.version, a.version) })
	return cs
}

// compareVersions orders dotted numbers.
func compareVersions(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		x, _ := strconv.Atoi(as[i])
		y, _ := strconv.Atoi(bs[i])
		if x != y {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(len(as), len(bs))
}

// probe looks at a candidate. It returns nil when the file is not an interpreter
// of the entry's version, or a script that stands in for one, as shims are.
func (c *Catalogue) probe(ctx context.Context, e entry, cand candidate) *interpreter {
	path, err := filepath.EvalSymlinks(cand.path)
	if err != nil || !isExecutableBinary(path) || !strings.HasPrefix(filepath.Base(path), languageFile[e.language]) {
		return nil
	}
	st, err := os.Stat(path)
	if err != nil {
		return nil
	}
	it := &interpreter{path: path, version: cand.version, modTime: st.ModTime(), size: st.Size()}
	if it.version == "" {
		if it.version, err = c.versions.of(ctx, it); err != nil {
			c.cfg.Log.WarnContext(ctx, "an interpreter does not tell its version", "path", path, "error", err)
			return nil
		}
	}
	if !strings.HasPrefix(it.version, e.version+".") {
		return nil
	}
	return it
}

// languageFile is how an interpreter's real file name begins; version managers'
// stand-ins have names of their own.
var languageFile = map[language]string{node: "node", python: "python"}

// isExecutableBinary tells a program from a script.
func isExecutableBinary(path string) bool {
	st, err := os.Stat(path)
	if err != nil || !st.Mode().IsRegular() || st.Mode().Perm()&0o111 == 0 {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // only read
	var magic [2]byte
	n, _ := f.Read(magic[:])
	return n == 2 && !bytes.Equal(magic[:], []byte("#!"))
}

// askVersion runs an interpreter for its version, with a clean environment.
func askVersion(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--version")
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	out, err := cmd.Output()
	if err != nil {
		return "", err
	}
	// "v20.20.2" and "Python 3.11.7"
	fields := strings.Fields(string(out))
	if len(fields) == 0 {
		return "", nil
	}
	return strings.TrimPrefix(fields[len(fields)-1], "v"), nil
}
