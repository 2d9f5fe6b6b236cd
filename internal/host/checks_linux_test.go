package host

import (
	"errors"
	"strings"
	"testing"

	"github.com/hearthfaas/hearth/internal/sandbox/cgroup"
)

func TestGroupsAreJudgedByTheirControllers(t *testing.T) {
	for _, c := range []struct {
		name   string
		layout cgroup.Layout
		ok     bool
		detail string
	}{
		{"version 2 with everything", cgroup.Layout{V2: "/c", V2Controllers: []string{"cpu", "memory", "pids"}}, true, "v2: memory, cpu, pids"},
		{"version 1 without pids", cgroup.Layout{V1: map[string]string{"memory": "/m", "cpu": "/c"}}, false, "v1: memory, cpu; without pids"},
		{"nothing", cgroup.Layout{}, false, "none: ; without memory, cpu, pids"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := judgeGroups(c.layout)
			if got.OK != c.ok || got.Detail != c.detail || got.OK != (got.Remedy == "") {
				t.Errorf("got %+v, want OK %t, %q", got, c.ok, c.detail)
			}
		})
	}
}

func TestUserNamespacesAreJudgedBySettings(t *testing.T) {
	for _, c := range []struct {
		name               string
		built              bool
		most, unprivileged string
		root               bool
		tried              error
		ok                 bool
	}{
		{"on", true, "96365", "", true, nil, true},
		{"not built", false, "", "", true, nil, false},
		{"switched off", true, "0", "", true, nil, false},
		{"root only, as root", true, "10", "0", true, nil, true},
		{"root only, as a user", true, "10", "0", false, nil, false},
		{"refused", true, "10", "1", false, errors.New("permission denied"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := judgeUserNamespaces(c.built, c.most, c.unprivileged, c.root, c.tried)
			if got.OK != c.ok || got.OK != (got.Remedy == "") {
				t.Errorf("got %+v, want OK %t", got, c.ok)
			}
		})
	}
}

func TestEveryCheckOfThisHostSaysSomething(t *testing.T) {
	r := Inspect(t.Context())
	if !strings.HasPrefix(r.System, "linux/") || len(r.Checks) != len(checks()) {
		t.Fatalf("got %+v", r)
	}
	for _, c := range r.Checks {
		if c.Name == "" || c.Detail == "" || c.OK != (c.Remedy == "") {
			t.Errorf("check %+v: want a name, a detail, and a remedy exactly when it is not OK", c)
		}
	}
}
