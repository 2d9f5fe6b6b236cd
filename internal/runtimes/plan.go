package runtimes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/sandbox"
)

// The standard places inside an environment.
const (
	taskDir    = "/var/task"
	runtimeDir = "/var/runtime"
	langDir    = "/var/lang"
	layersDir  = "/opt"
)

// Plan is how to start the runtime of one function version. Its paths are those
// seen from inside an environment; Environment.Path turns them into what a driver
// without a root of its own needs, for Path, Dir and every argument that begins
// with a slash.
type Plan struct {
	Mounts []sandbox.Mount
	Path   string
	Args   []string
	Dir    string
	// Env is the variables that belong to the runtime, with AWS's default values.
	// The customer's value wins for those that Overridable names.
	Env []string
	// Private says that the process speaks the private channel on descriptors 3 and 4;
	// otherwise it speaks the public Runtime API.
	Private bool
	// RuntimeVersion and RuntimeVersionARN are for the INIT_START log line.
	RuntimeVersion    string
	RuntimeVersionARN string
}

// Unavailable says that this host lacks a runtime and how to get it.
type Unavailable struct {
	Runtime string
	Remedy  string
}

// Error says both.
func (e *Unavailable) Error() string {
	return "the runtime " + e.Runtime + " is not on this machine: " + e.Remedy
}

// EntrypointError says that a function's package has nothing to start. It is the
// function's failure, not Hearth's.
type EntrypointError struct {
	Type    string // such as "Runtime.InvalidEntrypoint"
	Message string // what AWS prints after "RequestId: … Error: "
}

// Error prints type and message.
func (e *EntrypointError) Error() string { return e.Type + ": " + e.Message }

// overridable are the variables for which AWS documents that a function's own
// configuration wins over the runtime's default.
var overridable = map[string]bool{
	"LANG": true, "TZ": true, "PATH": true, "LD_LIBRARY_PATH": true, "LC_CTYPE": true,
	"NODE_PATH": true, "PYTHONPATH": true,
}

// Overridable reports whether a customer's value for a variable of Plan.Env wins.
func Overridable(variable string) bool { return overridable[variable] }

// Trees are the unpacked packages of a version, on the host.
type Trees struct {
	Code string
	// Layers is all of the version's layers in one tree; empty when it has none.
	Layers string
}

// Plan says how to run v. The error is an *Unavailable when the host lacks the
// runtime, an *EntrypointError when there is nothing to start in the packages, and
// Hearth's own otherwise.
func (c *Catalogue) Plan(ctx context.Context, v *lambda.Version, trees Trees) (Plan, error) {
	e, ok := lookup(v.Runtime)
	if !ok {
		return Plan{}, &Unavailable{Runtime: v.Runtime, Remedy: "Hearth does not know it; see hearth runtimes"}
	}
	var p Plan
	var err error
	switch e.language {
	case node:
		p, err = c.planNode(ctx, e, v, trees.Code)
	case python:
		p, err = c.planPython(ctx, e, v, trees.Code)
	default:
		p, err = planProvided(e, v, trees)
	}
	if err != nil {
		return Plan{}, err
	}
	if trees.Layers != "" {
		p.Mounts = append(p.Mounts, sandbox.Mount{Source: trees.Layers, Target: layersDir})
	}
	return p, nil
}

// planProvided runs the bootstrap of the package or of a layer over the public
// Runtime API.
func planProvided(e entry, v *lambda.Version, trees Trees) (Plan, error) {
	at := taskDir
	if !isFile(filepath.Join(trees.Code, "bootstrap")) {
		at = layersDir
		if trees.Layers == "" || !isFile(filepath.Join(trees.Layers, "bootstrap")) {
			return Plan{}, &EntrypointError{
				Type:    lambda.ErrorInvalidEntrypoint,
				Message: "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
			}
		}
	}
	p := Plan{
		Mounts: []sandbox.Mount{{Source: trees.Code, Target: taskDir}},
		Path:   at + "/bootstrap",
		Dir:    taskDir,
		Env: []string{
			"LANG=en_US.UTF-8",
			"TZ=:UTC",
			"PATH=/usr/local/bin:/usr/bin/:/bin:/opt/bin",
			"LD_LIBRARY_PATH=/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
		},
	}
	p.setVersion(v, strings.Replace(e.name, ".", ":", 1), "1", e.name)
	return p, nil
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && !st.IsDir()
}

// managedEnv is what the managed runtimes have in common.
func managedEnv(e entry) []string {
	return []string{
		"AWS_EXECUTION_ENV=AWS_Lambda_" + e.name,
		"LANG=en_US.UTF-8",
		"TZ=:UTC",
		"PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
	}
}

// setVersion fills in the runtime's version as AWS prints it, such as
// python:3.12.v38, and an ARN that changes with whatever the runtime consists of.
func (p *Plan) setVersion(v *lambda.Version, family, build string, parts ...string) {
	p.RuntimeVersion = family + ".v" + build
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	p.RuntimeVersionARN = "arn:aws:lambda:" + v.Function.Region + "::runtime:" + hex.EncodeToString(sum[:])
}

// afterDots is the part of a version behind its first n dots.
func afterDots(version string, n int) string {
	for range n {
		_, version, _ = strings.Cut(version, ".")
	}
	return version
}
