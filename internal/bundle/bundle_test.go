package bundle

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestInspect(t *testing.T) {
	for _, tt := range []struct {
		name    string
		files   map[string]string
		family  Family
		handler string
		goMain  bool
	}{
		{"a folder with index.js is Node", map[string]string{"index.js": ""}, Node, "index.handler", false},
		{"an ES module is Node", map[string]string{"index.mjs": "", "package.json": "{}"}, Node, "index.handler", false},
		{"app.js is Node", map[string]string{"app.js": ""}, Node, "app.handler", false},
		{"the only script is the handler", map[string]string{"orders.js": "", "orders.test.js": ""}, Node, "orders.handler", false},
		{"lambda_function.py is Python", map[string]string{"lambda_function.py": "def lambda_handler(e, c): ..."}, Python, "lambda_function.lambda_handler", false},
		{"a Python file may name its handler handler", map[string]string{"app.py": "def handler(e, c): ..."}, Python, "app.handler", false},
		{"a bootstrap is a custom runtime", map[string]string{"bootstrap": "#!/bin/sh"}, Provided, "bootstrap", false},
		{"a Go main package is built", map[string]string{"main.go": "// Command x.\npackage main\n"}, Provided, "bootstrap", true},
		{"a Go library is nothing", map[string]string{"x.go": "package x\n"}, "", "", false},
		{"two scripts of no known name are nothing", map[string]string{"a.js": "", "b.js": ""}, "", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, tt.files)
			got, err := Inspect(dir)
			var unknown *UnknownError
			if wantUnknown := tt.family == ""; errors.As(err, &unknown) != wantUnknown {
				t.Fatalf("error %v, want unknown %v", err, wantUnknown)
			}
			if got.Family != tt.family || got.Handler != tt.handler || got.GoMain != tt.goMain {
				t.Errorf("got %q %q %v, want %q %q %v", got.Family, got.Handler, got.GoMain, tt.family, tt.handler, tt.goMain)
			}
		})
	}
}

func TestTheSameCodeGivesTheSameZip(t *testing.T) {
	files := map[string]string{"index.js": "exports.handler = 1", "lib/a.js": "a", "z.txt": "z"}
	var zips [][]byte
	for i := range 2 {
		dir := t.TempDir()
		write(t, dir, files)
		stamp := time.Date(2020+i, 1, 1, 0, 0, 0, 0, time.UTC)
		if err := os.Chtimes(filepath.Join(dir, "index.js"), stamp, stamp); err != nil {
			t.Fatal(err)
		}
		plan, err := Inspect(dir)
		if err != nil {
			t.Fatal(err)
		}
		text, err := plan.Zip(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		zips = append(zips, text)
	}
	if !bytes.Equal(zips[0], zips[1]) {
		t.Error("two folders with the same content and other times gave different zips")
	}
}

func TestZipContents(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"index.js": "x", ".git/config": "x", "notes.md": "x", "node_modules/a/index.js": "x",
		"docs/big.bin": "x", IgnoreFile: "# not deployed\n*.md\n/docs/\n",
	})
	if err := os.WriteFile(filepath.Join(dir, "run.sh"), []byte("#!/bin/sh"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("index.js", filepath.Join(dir, "link.js")); err != nil {
		t.Fatal(err)
	}
	plan, err := Inspect(filepath.Join(dir))
	if err != nil {
		t.Fatal(err)
	}
	text, err := plan.Zip(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]fs.FileMode{}
	for _, f := range r.File {
		got[f.Name] = f.Mode()
	}
	want := map[string]fs.FileMode{"index.js": 0o644, "link.js": 0o644, "run.sh": 0o755, "node_modules/a/index.js": 0o644}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the zip has %v, want %v", got, want)
	}
}

func TestALinkToItsParentEndsWithAnError(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"index.js": "x"})
	if err := os.Symlink(".", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	plan, err := Inspect(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Zip(t.Context()); err == nil {
		t.Error("packing a folder with a loop succeeded")
	}
}

func TestNewest(t *testing.T) {
	for _, tt := range []struct {
		name   string
		family Family
		have   []string
		want   string
	}{
		{"the highest Node", Node, []string{"nodejs18.x", "nodejs22.x", "nodejs20.x", "python3.13"}, "nodejs22.x"},
		{"3.13 is after 3.9", Python, []string{"python3.9", "python3.13", "python3.12"}, "python3.13"},
		{"al2023 is after al2", Provided, []string{"provided.al2", "provided.al2023"}, "provided.al2023"},
		{"none", Node, []string{"python3.9"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := Newest(tt.family, tt.have); got != tt.want || (err != nil) != (tt.want == "") {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestFunctionName(t *testing.T) {
	for in, want := range map[string]string{
		"hello": "hello", "my.app.zip": "my-app", "grüße": "gr--e", "...": "function",
		strings.Repeat("x", 80): strings.Repeat("x", 64),
	} {
		if got := functionName(in); got != want {
			t.Errorf("functionName(%q) = %q, want %q", in, got, want)
		}
	}
}
