// Package compat checks that what people have already works with Hearth unchanged:
// the aws CLI, boto3, the AWS SDK for Go and Terraform, each given AWS_ENDPOINT_URL
// and the keys test/test and nothing else. A tool that the machine lacks is skipped
// with a sentence.
package compat

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hearthfaas/hearth/internal/harness"
)

// node is the runtime of the functions here.
const node = "nodejs20.x"

var (
	scratch string // other users may look into it, as functions run as one
	binary  = sync.OnceValues(func() (string, error) {
		return harness.Build(context.Background(), scratch, os.Getenv(harness.BinaryVariable))
	})
)

// parallelMax is how many of the tests that say t.Parallel run at the same time, on two
// processors: those of tools, which mostly wait. Terraform's provider looks for up to 45
// seconds whether a queue that it made or deleted stays so. Each that runs takes some
// 500 MB.
const parallelMax = "8"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", parallelMax); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var err error
	if scratch, err = os.MkdirTemp("", "hearth-compat-"); err == nil {
		err = os.Chmod(scratch, 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(scratch)
	os.Exit(code)
}

// up starts a Hearth for one test: with sandboxes as root, without them otherwise,
// which makes no difference to a client. config are lines of the configuration file.
func up(t *testing.T, config ...string) *harness.Hearth {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and starts the binary: not with -short")
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	// Functions run as another user, who has no way into t.TempDir.
	dir, err := os.MkdirTemp(scratch, "data-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	isolation := "process"
	if os.Geteuid() == 0 {
		isolation = "namespace"
	}
	h, err := harness.Start(t.Context(), harness.Options{
		Binary: path, DataDir: filepath.Join(dir, "data"), Isolation: isolation, Config: strings.Join(config, "\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		if t.Failed() {
			t.Logf("the end of Hearth's log:\n%s", h.Log())
		}
	})
	return h
}

// environ is what a user's environment has to make tools find Hearth, over what
// programs need to run at all. Settings for the real AWS are left out.
func environ(h *harness.Hearth, more ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "TF_") })
	return append(append(env,
		"AWS_ENDPOINT_URL="+h.Endpoint,
		"AWS_ACCESS_KEY_ID=test",
		"AWS_SECRET_ACCESS_KEY=test",
		"AWS_DEFAULT_REGION=us-east-1",
		"AWS_EC2_METADATA_DISABLED=true", // there is none here, and asking for it takes seconds
		"NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1",
	), more...)
}

// command runs a program in dir and returns its standard output and exit code.
func command(t *testing.T, dir string, env []string, name string, args ...string) (stdout string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", name, err)
	}
	if code = cmd.ProcessState.ExitCode(); code != 0 {
		t.Logf("%s %s: exit code %d\n%s%s", filepath.Base(name), strings.Join(args, " "), code, out.String(), errs.String())
	}
	return out.String(), code
}

// writeZip puts a package with one source file into a file.
func writeZip(t *testing.T, path, name, source string) {
	t.Helper()
	zip, err := harness.ZipFiles(map[string]string{name: source})
	if err == nil {
		err = os.WriteFile(path, zip, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// findTool is a program's path, from PATH or one of the places given, resolved so
// that no version manager's shim is in between; or a skip.
func findTool(t *testing.T, name string, works func(path string) bool, places ...string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		places = append(places, path)
	}
	for _, pattern := range places {
		found, err := filepath.Glob(pattern)
		if err != nil {
			continue
		}
		for _, path := range found {
			if works(path) {
				return path
			}
		}
	}
	t.Skipf("%s is not installed on this machine", name)
	return ""
}
