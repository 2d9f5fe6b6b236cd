//go:build linux

package cgroup

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

const hybrid = `30 1 0:26 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/memory\040bank rw,relatime - cgroup cgroup rw,memory
33 30 0:29 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
34 30 0:30 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate
nonsense
`

func TestParseLayout(t *testing.T) {
	for _, c := range []struct {
		name, mountinfo string
		want            Layout
		version         string
	}{
		{"both versions", hybrid, Layout{V1: map[string]string{
			"cpu": "/sys/fs/cgroup/cpu,cpuacct", "cpuacct": "/sys/fs/cgroup/cpu,cpuacct", "memory": "/sys/fs/cgroup/memory bank",
		}, V2: "/sys/fs/cgroup/unified"}, "hybrid"},
		{"version 2", "29 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", Layout{V1: map[string]string{}, V2: "/sys/fs/cgroup"}, "v2"},
		{"nothing", "", Layout{V1: map[string]string{}}, "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ParseLayout([]byte(c.mountinfo))
			if !reflect.DeepEqual(got, c.want) || got.Version() != c.version {
				t.Errorf("got %+v (%s), want %+v (%s)", got, got.Version(), c.want, c.version)
			}
		})
	}
}

func TestVersion1WinsWhereAControllerIsMountedThere(t *testing.T) {
	l := Layout{V1: map[string]string{"memory": "/v1/memory"}, V2: "/v2", V2Controllers: []string{"memory", "pids", "cpu"}}
	for _, c := range []struct {
		controller, root string
		version          int
	}{
		{"memory", "/v1/memory", 1}, {"pids", "/v2", 2}, {"cpuacct", "/v2", 2}, {"hugetlb", "", 0},
	} {
		if root, version := l.home(c.controller); root != c.root || version != c.version {
			t.Errorf("%s: %q, %d, want %q, %d", c.controller, root, version, c.root, c.version)
		}
	}
}

// A directory stands in for a version 2 hierarchy: what is written where is the
// same, although no kernel acts on it.
func TestVersion2FilesAreWritten(t *testing.T) {
	root := t.TempDir()
	for _, file := range []string{
		"cgroup.subtree_control", "hearth/cgroup.subtree_control", "hearth/x/cgroup.subtree_control",
	} {
		put(t, root, file, "")
	}
	p := Open(Layout{V2: root, V2Controllers: []string{"memory", "cpu", "pids"}}, "hearth/x")
	for _, c := range controllers {
		if err := p.Missing(c); err != nil {
			t.Errorf("%s is missing: %v", c, err)
		}
	}
	g, err := p.Create("one")
	if err != nil {
		t.Fatal(err)
	}
	if want := (Door{Directory: filepath.Join(root, "hearth/x/one")}); !reflect.DeepEqual(g.Door(), want) {
		t.Errorf("door %+v, want %+v", g.Door(), want)
	}
	for _, file := range []string{"memory.max", "memory.swap.max", "cpu.max", "pids.max"} {
		put(t, root, "hearth/x/one/"+file, "")
	}
	if err := g.Limit(Limits{MemoryBytes: 128 << 20, CPUMillis: 72, Processes: 1040}); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"memory.max": "134217728", "memory.swap.max": "0", "cpu.max": "1440 20000", "pids.max": "1040",
	} {
		if got, err := os.ReadFile(filepath.Join(root, "hearth/x/one", file)); string(got) != want || err != nil {
			t.Errorf("%s has %q, %v, want %q", file, got, err, want)
		}
	}
	for file, content := range map[string]string{
		"memory.current": "5000\n", "memory.peak": "9000\n", "memory.stat": "anon 1\ninactive_file 1000\nactive_file 500\n",
		"memory.events": "low 0\noom 2\noom_kill 3\n", "cpu.stat": "usage_usec 12\nuser_usec 1\n", "pids.current": "4\n",
	} {
		put(t, root, "hearth/x/one/"+file, content)
	}
	u, err := g.Usage()
	want := Usage{MemoryBytes: 3500, MemoryPeakBytes: 9000, CacheBytes: 1500, CPUNanos: 12000, Processes: 4}
	if err != nil || u != want {
		t.Errorf("usage %+v, %v, want %+v", u, err, want)
	}
	if n, err := g.OOMKills(); n != 3 || err != nil {
		t.Errorf("%d out-of-memory kills, %v, want 3", n, err)
	}
	if ids, err := p.Leftovers(); err != nil || !reflect.DeepEqual(ids, []string{"one"}) {
		t.Errorf("leftovers %q, %v, want one", ids, err)
	}
}

func TestAGroupIsMadeAlthoughItsParentWasRemoved(t *testing.T) {
	root := t.TempDir()
	p := Open(Layout{V1: map[string]string{"memory": root}}, "hearth/x")
	if err := os.RemoveAll(filepath.Join(root, "hearth")); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Create("one"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "hearth/x/one")); err != nil {
		t.Error(err)
	}
}

func TestQuotaIsNeverBelowTheKernels(t *testing.T) {
	p := &Parent{layout: Layout{V2: "/v2", V2Controllers: []string{"cpu"}}, missing: map[string]error{}}
	got := p.settings(Limits{CPUMillis: 1})
	if len(got) != 1 || got[0].value != "1000 20000" {
		t.Errorf("settings %+v, want 1000 of 20000", got)
	}
}

func put(t *testing.T, root, file, content string) {
	t.Helper()
	path := filepath.Join(root, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
