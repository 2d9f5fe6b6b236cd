//go:build linux

package worker

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hearthfaas/hearth/internal/code"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// put stores a package with one file.
func (b *bench) put(t *testing.T, name, body string) lambda.CodeDigest {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	f, err := w.Create(name)
	if err == nil {
		_, err = f.Write([]byte(body))
	}
	if err == nil {
		err = w.Close()
	}
	var pkg code.Package
	if err == nil {
		pkg, err = b.packages.Put(t.Context(), buf.Bytes())
	}
	if err != nil {
		t.Fatal(err)
	}
	return pkg.Digest
}

func TestABootstrapInALayerRunsBesideTheOtherLayers(t *testing.T) {
	b := setUp(t)
	program := b.version.CodeDigest
	b.version.CodeDigest = b.put(t, "data", "x")
	b.version.Layers = []lambda.CodeDigest{program, b.put(t, "bin/tool", "second")}
	e := b.open(t)
	r, one := invoke(t, e, `{}`)
	if one.Invokes != 1 || r.ColdStart == nil || r.ColdStart.Unpack <= 0 {
		t.Errorf("got %+v, cold start %+v", one, r.ColdStart)
	}
	opt := e.sandbox.Path("/opt")
	for name, want := range map[string]string{"bin/tool": "second", "bootstrap": ""} {
		got, err := os.ReadFile(filepath.Join(opt, name))
		if err != nil || want != "" && string(got) != want {
			t.Errorf("/opt/%s: got %q, %v", name, got, err)
		}
	}
	if !slices.Contains(e.environ(), "HEARTH_LAYERS_DIR="+opt) {
		t.Errorf("where the layers are is not told: %q", e.environ())
	}
	if !strings.Contains(strings.Join(e.environ(), "\n"), opt+"/bin") {
		t.Errorf("%s/bin is not on PATH: %q", opt, e.environ())
	}
}

func TestALayerThatIsGoneKeepsNoEnvironment(t *testing.T) {
	b := setUp(t)
	b.version.Layers = []lambda.CodeDigest{lambda.CodeDigest(strings.Repeat("0", 64))}
	if _, err := b.worker.Open(t.Context(), &b.version); err == nil || !strings.Contains(err.Error(), "fetch layers") {
		t.Errorf("got %v, want it to tell of the layers", err)
	}
	if load := b.worker.Load(); load.Environments != 0 || load.CommittedMB != 0 {
		t.Errorf("the worker still carries %+v", load)
	}
}
