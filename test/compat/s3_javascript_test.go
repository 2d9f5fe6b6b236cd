package compat

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// nodeMajor is the oldest Node.js that AWS's SDK for JavaScript runs on.
const nodeMajor = 20

// TestS3WithTheSDKForJavaScript runs testdata/javascript/s3.cjs, which asserts for
// itself: the client, the transfer manager of lib-storage, presigned links and forms.
func TestS3WithTheSDKForJavaScript(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("installs packages: not with -short")
	}
	path := findTool(t, "Node.js "+strconv.Itoa(nodeMajor), func(path string) bool {
		out, err := exec.Command(path, "--version").Output()
		major, _, _ := strings.Cut(strings.TrimPrefix(string(out), "v"), ".")
		n, _ := strconv.Atoi(major)
		return err == nil && n >= nodeMajor
	}, "/usr/bin/node", "/usr/local/bin/node")
	script, err := filepath.Abs("testdata/javascript/s3.cjs")
	if err != nil {
		t.Fatal(err)
	}
	packages := filepath.Join(javaScriptPackages(t), "node_modules")
	h := up(t)
	env := environ(h, "NODE_PATH="+packages, "AWS_REGION=us-east-1")
	if out, code := command(t, t.TempDir(), env, path, script); code != 0 || !strings.Contains(out, "all checks passed") {
		t.Errorf("exit code %d", code)
	}
}

// javaScriptPackages is where the packages of testdata/javascript are: in the user's
// cache, under a name made of their list, so that they are fetched once.
func javaScriptPackages(t *testing.T) string {
	t.Helper()
	npm := findTool(t, "npm", func(path string) bool { return exec.Command(path, "--version").Run() == nil })
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skip("there is no directory to keep packages in: ", err)
	}
	lock, err := os.ReadFile("testdata/javascript/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile("testdata/javascript/package.json")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lock)
	dir := filepath.Join(cache, "hearth-test", "javascript-"+hex.EncodeToString(sum[:8]))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	tmp := dir + ".new" + strconv.Itoa(os.Getpid())
	defer os.RemoveAll(tmp)
	if err = os.MkdirAll(tmp, 0o755); err == nil {
		err = os.WriteFile(filepath.Join(tmp, "package.json"), list, 0o644)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(tmp, "package-lock.json"), lock, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
	cmd.Dir = tmp
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	if err := os.Rename(tmp, dir); err != nil {
		if _, there := os.Stat(dir); there != nil { // another process may have been faster
			t.Fatal(err)
		}
	}
	return dir
}
