package code

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"testing"
	"time"
)

// entryOf is one entry of a zip that a test builds.
type entryOf struct {
	name   string
	body   string
	mode   fs.FileMode // 0 is 0644
	method uint16      // 0 stores
}

var packed = time.Date(2024, 5, 6, 7, 8, 10, 0, time.UTC)

func zipOf(t testing.TB, entries ...entryOf) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: e.method, Modified: packed}
		mode := e.mode
		if mode == 0 {
			mode = 0o644
		}
		h.SetMode(mode)
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(e.body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
