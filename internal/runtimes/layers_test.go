package runtimes

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/sandbox"
)

func TestPlanShowsLayersBelowOpt(t *testing.T) {
	home := t.TempDir()
	fakeInterpreter(t, filepath.Join(home, ".nvm/versions/node/v18.9.0/bin/node"))
	c := open(t, home)
	code := t.TempDir()
	fakeInterpreter(t, filepath.Join(code, "bootstrap"))
	for _, runtime := range []string{"nodejs18.x", "provided.al2"} {
		p, err := c.Plan(t.Context(), &lambda.Version{Runtime: runtime, MemoryMB: 128}, Trees{Code: code, Layers: "/layers"})
		if err != nil {
			t.Fatal(err)
		}
		if last := p.Mounts[len(p.Mounts)-1]; last != (sandbox.Mount{Source: "/layers", Target: "/opt"}) {
			t.Errorf("%s: got %+v, want the layers below /opt", runtime, last)
		}
		p, err = c.Plan(t.Context(), &lambda.Version{Runtime: runtime, MemoryMB: 128}, Trees{Code: code})
		if err != nil || slices.ContainsFunc(p.Mounts, func(m sandbox.Mount) bool { return m.Target == "/opt" }) {
			t.Errorf("%s without layers: got %+v, %v", runtime, p.Mounts, err)
		}
	}
}

func TestABootstrapIsLookedForInThePackageAndThenInTheLayers(t *testing.T) {
	c := open(t, "")
	empty, with := t.TempDir(), t.TempDir()
	fakeInterpreter(t, filepath.Join(with, "bootstrap"))
	for _, tc := range []struct {
		name  string
		trees Trees
		want  string
	}{
		{"in the package", Trees{Code: with}, "/var/task/bootstrap"},
		{"in a layer", Trees{Code: empty, Layers: with}, "/opt/bootstrap"},
		{"in both", Trees{Code: with, Layers: with}, "/var/task/bootstrap"},
		{"in neither", Trees{Code: empty, Layers: empty}, ""},
	} {
		p, err := c.Plan(t.Context(), &lambda.Version{Runtime: "provided.al2023"}, tc.trees)
		if p.Path != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%s: got %q, %v; want %q", tc.name, p.Path, err, tc.want)
		}
	}
}
