package s3

import (
	"io/fs"
	"path/filepath"
	"testing"
)

// files counts the files of objects.
func files(t *testing.T, b *bench) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(filepath.Join(b.dir, "objects"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
