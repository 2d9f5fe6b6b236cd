package runtimes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// sdkModules are the top-level modules of the AWS SDK for Python and of what it
// needs, as they lie in a site-packages directory.
var sdkModules = []string{"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3"}

// installPythonSDK installs boto3: with pip when it reaches a registry, otherwise
// as a copy of one that an interpreter of this host has.
func (c *Catalogue) installPythonSDK(ctx context.Context, progress io.Writer) error {
	if isDir(c.sdkDir(python)) {
		say(progress, "the AWS SDK for Python is installed")
		return nil
	}
	interpreters := c.pythons(ctx)
	if len(interpreters) == 0 {
		return errors.New("install python-sdk: no Python of the catalogue is on this machine")
	}
	return c.place(filepath.Join("sdk", "python"), func(tmp string) error {
		// The oldest interpreter's choice runs on the newer ones too.
		oldest := slices.MinFunc(interpreters, func(a, b *interpreter) int { return compareVersions(a.version, b.version) })
		say(progress, "installing boto3 with pip of %s", oldest.path)
		pipErr := pipInstall(ctx, oldest, tmp)
		if pipErr == nil {
			return nil
		}
		from := c.sdkSource()
		if from == "" {
			return fmt.Errorf("pip: %w; and no Python of this machine has boto3 to copy", pipErr)
		}
		say(progress, "pip reaches no registry; copying boto3 from %s (Pythons older than that one's may not run it)", from)
		return copyModules(from, tmp)
	}, progress)
}

// pythons are the interpreters of the catalogue that this host has.
func (c *Catalogue) pythons(ctx context.Context) []*interpreter {
	var found []*interpreter
	for _, e := range entries {
		if e.language != python {
			continue
		}
		if it, err := c.interpreter(ctx, e); err == nil {
			found = append(found, it)
		}
	}
	return found
}

func pipInstall(ctx context.Context, it *interpreter, target string) error {
	cmd := exec.CommandContext(ctx, it.path, "-m", "pip", "install", "--quiet", "--no-input", "--retries", "0",
		"--timeout", "10", "--disable-pip-version-check", "--no-compile", "--target", target, "boto3")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, lastLines(string(out), 1))
	}
	return nil
}

// sdkSource is the first site-packages directory of the host that has the whole SDK,
// of whichever Python: it has no compiled parts.
func (c *Catalogue) sdkSource() string {
	dirs := []string{"/usr/lib/python3/dist-packages"}
	for _, e := range entries {
		if e.language != python {
			continue
		}
		for _, cand := range c.candidates(e) {
			prefix := filepath.Dir(filepath.Dir(cand.path))
			dirs = append(dirs, filepath.Join(prefix, "lib", "python"+e.version, "site-packages"))
		}
	}
	for _, dir := range dirs {
		whole := !slices.ContainsFunc(sdkModules, func(module string) bool {
			_, err := os.Stat(filepath.Join(dir, module))
			return err != nil
		})
		if whole {
			return dir
		}
	}
	return ""
}

// copyModules copies the SDK's modules, without what an interpreter compiled.
func copyModules(from, to string) error {
	for _, module := range sdkModules {
		source := filepath.Join(from, module)
		st, err := os.Stat(source)
		if err != nil {
			return err
		}
		if st.IsDir() {
			err = os.CopyFS(filepath.Join(to, module), os.DirFS(source))
		} else {
			var data []byte
			if data, err = os.ReadFile(source); err == nil {
				err = os.WriteFile(filepath.Join(to, module), data, 0o644)
			}
		}
		if err != nil {
			return err
		}
	}
	return filepath.WalkDir(to, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.IsDir() || d.Name() != "__pycache__" {
			return err
		}
		if err := os.RemoveAll(path); err != nil {
			return err
		}
		return filepath.SkipDir
	})
}
