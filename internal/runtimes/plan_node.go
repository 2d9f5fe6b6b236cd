package runtimes

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/sandbox"
)

// planNode runs Hearth's bootstrap for Node.js.
func (c *Catalogue) planNode(ctx context.Context, e entry, v *lambda.Version, codeDir string) (Plan, error) {
	it, err := c.interpreter(ctx, e)
	if err != nil {
		return Plan{}, err
	}
	boot, err := c.bootstraps()
	if err != nil {
		return Plan{}, err
	}
	p := Plan{
		Mounts: []sandbox.Mount{
			{Source: codeDir, Target: taskDir},
			{Source: filepath.Join(boot, "node"), Target: runtimeDir},
		},
		Path: langDir + "/bin/node",
		// AWS's own share of the memory: what is left belongs to buffers and code.
		Args: []string{
			fmt.Sprintf("--max-old-space-size=%d", v.MemoryMB*9/10),
			fmt.Sprintf("--max-semi-space-size=%d", max(1, v.MemoryMB*5/100)),
			runtimeDir + "/bootstrap.cjs",
		},
		Dir: taskDir,
		Env: append(managedEnv(e), fmt.Sprintf(
			"NODE_PATH=/opt/nodejs/node%s/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task",
			e.version)),
		Private: true,
	}
	if prefix, own := it.prefix(); own {
		p.Mounts = append(p.Mounts, sandbox.Mount{Source: prefix, Target: langDir})
	} else {
		p.Mounts = append(p.Mounts, sandbox.Mount{Source: it.path, Target: langDir + "/bin/node"})
	}
	if sdk := c.sdkDir(node); isDir(sdk) {
		// ES modules do not look at NODE_PATH, but at node_modules in every directory
		// above them; the second place is for them.
		p.Mounts = append(p.Mounts,
			sandbox.Mount{Source: sdk, Target: runtimeDir + "/node_modules"},
			sandbox.Mount{Source: sdk, Target: "/var/node_modules"})
	}
	minor, _, _ := strings.Cut(afterDots(it.version, 1), ".")
	p.setVersion(v, "nodejs:"+e.version, minor, it.version, filepath.Base(boot))
	return p, nil
}
