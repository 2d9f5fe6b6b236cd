package code

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// treeOf is a tree as text: files by their content, links by "-> target",
// directories by "/".
func treeOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path)
		if err != nil || name == "." {
			return err
		}
		switch {
		case d.IsDir():
			got[name] = "/"
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			got[name] = "-> " + target
			return err
		default:
			body, err := os.ReadFile(path)
			got[name] = string(body)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestLayersLieOverOneAnotherInTheirOrder(t *testing.T) {
	file := func(name, body string) entryOf { return entryOf{name: name, body: body} }
	link := func(name, target string) entryOf {
		return entryOf{name: name, body: target, mode: fs.ModeSymlink | 0o777}
	}
	for _, tc := range []struct {
		name   string
		layers [][]entryOf
		want   map[string]string
	}{
		{"one layer is itself", [][]entryOf{{file("a", "1")}}, map[string]string{"a": "1"}},
		{
			"directories are merged and the later file counts",
			[][]entryOf{{file("d/a", "1"), file("d/b", "1")}, {file("d/b", "2"), file("e/c", "2")}},
			map[string]string{"d": "/", "d/a": "1", "d/b": "2", "e": "/", "e/c": "2"},
		},
		{
			"the order decides",
			[][]entryOf{{file("d/b", "2")}, {file("d/b", "1")}, {file("x", "3")}},
			map[string]string{"d": "/", "d/b": "1", "x": "3"},
		},
		{
			"a file takes the place of a directory",
			[][]entryOf{{file("d/a", "1")}, {file("d", "2")}},
			map[string]string{"d": "2"},
		},
		{
			"a directory takes the place of a file",
			[][]entryOf{{file("d", "1")}, {file("d/a", "2")}},
			map[string]string{"d": "/", "d/a": "2"},
		},
		{
			"a directory takes the place of a link and does not fill what that points to",
			[][]entryOf{{file("real/a", "1"), link("d", "real")}, {file("d/b", "2")}},
			map[string]string{"real": "/", "real/a": "1", "d": "/", "d/b": "2"},
		},
		{
			"a link takes the place of a file",
			[][]entryOf{{file("a", "1"), file("b", "1")}, {link("b", "a")}},
			map[string]string{"a": "1", "b": "-> a"},
		},
		{
			"a file takes the place of a link and not of its target",
			[][]entryOf{{file("a", "1"), link("b", "a")}, {file("b", "2")}},
			map[string]string{"a": "1", "b": "2"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, _ := openPackages(t, nil)
			var digests []lambda.CodeDigest
			for _, entries := range tc.layers {
				digests = append(digests, mustPut(t, p, entries...))
			}
			c := mustCache(t, t.TempDir(), 1<<20, p)
			e, err := c.AcquireLayers(t.Context(), digests)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Release()
			if got := treeOf(t, e.Dir); !maps.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			for i, d := range digests { // the layers' own trees stay as they were
				alone := mustAcquire(t, c, d)
				if got := treeOf(t, alone.Dir); got["b"] == "2" && len(tc.layers) > 1 && i == 0 {
					t.Errorf("merging changed layer %d: %v", i, got)
				}
				alone.Release()
			}
		})
	}
}

func TestMergedLayersAreMadeOnceAndKeptAcrossProcesses(t *testing.T) {
	p, _ := openPackages(t, nil)
	layers := []lambda.CodeDigest{
		mustPut(t, p, entryOf{name: "bin/tool", body: "one", mode: 0o755}),
		mustPut(t, p, entryOf{name: "bin/other", body: "two"}),
	}
	source := &counting{Source: p}
	dir := t.TempDir()
	c := mustCache(t, dir, 1<<20, source)
	entries := make([]*Entry, 8)
	var wg sync.WaitGroup
	for i := range entries {
		wg.Go(func() {
			e, err := c.AcquireLayers(t.Context(), layers)
			if err != nil {
				t.Error(err)
				return
			}
			entries[i] = e
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	for _, e := range entries {
		if e.Dir != entries[0].Dir {
			t.Errorf("merged twice: %s and %s", entries[0].Dir, e.Dir)
		}
		e.Release()
	}
	if n := source.opens.Load(); n != 2 {
		t.Errorf("layers were fetched %d times, want 2", n)
	}
	if info, err := os.Stat(filepath.Join(entries[0].Dir, "bin/tool")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("bin/tool: %v, %v", info, err)
	}

	again := mustCache(t, dir, 1<<20, source)
	e, err := again.AcquireLayers(t.Context(), layers)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Release()
	if e.Unpack != 0 || source.opens.Load() != 2 {
		t.Errorf("the merged tree was made again after a restart")
	}
}

func TestMergedLayersLeaveWhenTheCacheIsFull(t *testing.T) {
	p, _ := openPackages(t, nil)
	layers := []lambda.CodeDigest{
		mustPut(t, p, entryOf{name: "a", body: "0123456789"}),
		mustPut(t, p, entryOf{name: "b", body: "0123456789"}),
	}
	c := mustCache(t, t.TempDir(), 25, p)
	e, err := c.AcquireLayers(t.Context(), layers)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := treeOf(t, e.Dir), map[string]string{"a": "0123456789", "b": "0123456789"}; !maps.Equal(got, want) {
		t.Errorf("a tree in use holds %v, want %v", got, want)
	}
	e.Release()
	mustAcquire(t, c, mustPut(t, p, entryOf{name: "c", body: "0123456789012345678"})).Release()
	if _, err := os.Stat(e.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the merged tree is still there: %v", err)
	}
	if c.bytes > 25 {
		t.Errorf("the cache holds %d bytes, want at most 25", c.bytes)
	}
}

func TestAMissingLayerIsNotFound(t *testing.T) {
	p, _ := openPackages(t, nil)
	c := mustCache(t, t.TempDir(), 1<<20, p)
	there := mustPut(t, p, entryOf{name: "a", body: "1"})
	_, err := c.AcquireLayers(t.Context(), []lambda.CodeDigest{there, mergedDigest([]lambda.CodeDigest{there})})
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if left, err := os.ReadDir(c.tmp); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", slices.Collect(maps.Keys(treeOf(t, c.tmp))), err)
	}
}
