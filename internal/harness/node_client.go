package harness

import (
	"fmt"
	"io/fs"
	"os"
	"path"
)

// NodeClientDir is where a machine has AWS's own Runtime API client for Node, built: what
// `npm install aws-lambda-ric` leaves in node_modules/aws-lambda-ric (bin, dist and
// package.json). Building it takes cmake, autoconf, automake, libtool, a C++ compiler and
// some minutes.
const NodeClientDir = "/opt/aws-lambda-ric"

// nodeClientBootstrap starts the client as AWS's image for custom Node runtimes does.
const nodeClientBootstrap = `#!/bin/sh
cd "$LAMBDA_TASK_ROOT" && exec /usr/bin/env node aws-lambda-ric/bin/index.mjs "$_HANDLER"
`

// NodeClient is a package that runs index.js with AWS's client on the runtime
// provided.al2023. The error is fs.ErrNotExist where the machine lacks the client.
func NodeClient(source string) (map[string]string, error) {
	files := map[string]string{"bootstrap": nodeClientBootstrap, "index.js": source}
	client := os.DirFS(NodeClientDir)
	for _, name := range []string{"package.json", "bin/index.mjs", "dist/index.mjs", "dist/rapid-client.node"} {
		content, err := fs.ReadFile(client, name)
		if err != nil {
			return nil, fmt.Errorf("AWS's client for Node: %w", err)
		}
		files[path.Join("aws-lambda-ric", name)] = string(content)
	}
	return files, nil
}
