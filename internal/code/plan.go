package code

import (
	"archive/zip"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// The longest names that Linux file systems take (NAME_MAX), a bound on whole paths
// that leaves room in PATH_MAX (4096) for where the tree is shown, and one on nesting
// that keeps the checks of a hostile package cheap; real trees stay below 40.
const (
	componentMax = 255
	pathMax      = 3072
	depthMax     = 128
)

type kind int

const (
	kindFile kind = iota
	kindDir
	kindLink
)

// item is one entry of a package as it will lie on disk.
type item struct {
	name   string // clean, relative, with slashes
	kind   kind
	exec   bool
	target string // of a link
	file   *zip.File
}

// plan decides where each entry goes, or refuses the package: names that leave the
// tree, two entries of one name, an entry below a file or a link, kinds other than
// file, directory and link, links that point outside. It reads nothing but the
// directory and the targets of links.
func plan(zr *zip.Reader) ([]item, error) {
	if len(zr.File) > entriesMax {
		return nil, errNotAZip
	}
	var declared uint64
	items := make([]item, 0, len(zr.File))
	kinds := make(map[string]kind, len(zr.File))
	for _, f := range zr.File {
		it, ok := entry(f)
		if !ok {
			return nil, errNotAZip
		}
		if it.name == "." {
			continue // the root itself
		}
		if before, dup := kinds[it.name]; dup && (before != kindDir || it.kind != kindDir) {
			return nil, errNotAZip
		}
		kinds[it.name] = it.kind
		// Headers may lie in both directions, so this only spares the work of
		// unpacking what says itself that it is too large.
		if declared += min(f.UncompressedSize64, lambda.UnzippedMax+1); it.kind == kindFile && declared > lambda.UnzippedMax {
			return nil, errUnzippedLimit
		}
		items = append(items, it)
	}
	for _, it := range items {
		for dir := path.Dir(it.name); dir != "."; dir = path.Dir(dir) {
			if k, listed := kinds[dir]; listed && k != kindDir {
				return nil, errNotAZip
			}
		}
	}
	return items, nil
}

func entry(f *zip.File) (item, bool) {
	const encrypted = 0x1 // general purpose bit 0 (APPNOTE 4.4.4)
	name, ok := cleanName(f.Name)
	if !ok || f.Flags&encrypted != 0 {
		return item{}, false
	}
	mode := f.Mode()
	it := item{name: name, file: f, exec: mode&0o111 != 0}
	switch {
	case mode.IsDir() || strings.HasSuffix(f.Name, "/"):
		it.kind = kindDir
	case mode&fs.ModeSymlink != 0:
		it.kind = kindLink
		it.target, ok = linkTarget(f, name)
		if !ok {
			return item{}, false
		}
	case mode.IsRegular():
		it.kind = kindFile
	default:
		return item{}, false // devices, pipes and sockets
	}
	return it, name != "." || it.kind == kindDir
}

// cleanName turns an entry's name into a path below the root, or refuses it.
func cleanName(name string) (string, bool) {
	if name == "" || len(name) > pathMax || strings.HasPrefix(name, "/") || strings.ContainsRune(name, 0) {
		return "", false
	}
	if strings.Count(name, "/") > depthMax {
		return "", false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." || len(part) > componentMax {
			return "", false
		}
	}
	return path.Clean(name), true
}

// linkTarget reads where a link points and refuses targets outside the tree. Steps
// upwards may stand only at the start: after another link's name they would leave
// from wherever that link leads, which no reading of the text can tell.
func linkTarget(f *zip.File, name string) (string, bool) {
	r, err := f.Open()
	if err != nil {
		return "", false
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, pathMax+1))
	target := string(raw)
	if err != nil || target == "" || len(target) > pathMax ||
		strings.HasPrefix(target, "/") || strings.ContainsRune(target, 0) {
		return "", false
	}
	descending := false
	for part := range strings.SplitSeq(target, "/") {
		switch {
		case part == ".." && descending, len(part) > componentMax:
			return "", false
		case part != ".." && part != "." && part != "":
			descending = true
		}
	}
	at := path.Join(path.Dir(name), target)
	if at == ".." || strings.HasPrefix(at, "../") {
		return "", false
	}
	return target, true
}
