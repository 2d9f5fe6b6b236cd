package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/harness"
)

// Goal: an ordinary user's Hearth runs functions in sandboxes too, and a kill of it
// leaves nothing behind.
func TestRootAnOrdinaryUserHasSandboxes(t *testing.T) {
	needRoot(t)
	const user = 12345 // nobody's
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	data := dataDir(t)
	home := filepath.Dir(data)
	own := filepath.Join(home, "hearth") // where it was built, the user may have no way
	if err := os.WriteFile(own, text, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(home, user, user); err != nil {
		t.Fatal(err)
	}
	up := func() *hearth {
		h, err := harness.Start(t.Context(), harness.Options{Binary: own, DataDir: data, Isolation: "namespace", User: user})
		if err != nil {
			t.Fatal(err)
		}
		return client(h)
	}
	h := up()
	h.function(t, "who", `
		const fs = require("fs");
		exports.handler = async () => ({
			uid: process.getuid(), pids: fs.readdirSync("/proc").filter((n) => /^[0-9]+$/.test(n)).length,
			shadow: fs.existsSync("/etc/shadow"), home: fs.existsSync("/home/" + process.env.USER),
			network: Object.keys(require("os").networkInterfaces()),
		});`)
	const want = `{"uid":993,"pids":2,"shadow":false,"home":false,"network":["lo"]}`
	if got := h.answers(t, "who", "{}"); got != want {
		t.Errorf("inside: %s, want %s", got, want)
	}
	held := h.Footprint()
	if len(held.Processes) < 3 {
		t.Errorf("it has %d processes: the test looks in the wrong place", len(held.Processes))
	}
	if err := h.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "nothing is left of a killed Hearth", func() bool { return len(held.Left(data)) == 0 })

	h = up()
	if got := h.answers(t, "who", "{}"); got != want {
		t.Errorf("after a restart: %s", got)
	}
	held = h.Footprint()
	if err := h.Stop(); err != nil {
		t.Error(err)
	}
	if left := held.Left(data); len(left) > 0 {
		t.Errorf("left behind: %s", strings.Join(left, "; "))
	}
}
