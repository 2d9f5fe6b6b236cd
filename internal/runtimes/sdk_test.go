package runtimes_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

func TestFunctionsFindTheInstalledSDK(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"sdk/nodejs/node_modules/@aws-sdk/client-s3/package.json": `{"name":"@aws-sdk/client-s3","main":"index.js"}`,
		"sdk/nodejs/node_modules/@aws-sdk/client-s3/index.js":     `exports.S3Client = 's3';`,
		"sdk/python/boto3/__init__.py":                            `name = 's3'`,
	})
	for _, c := range []struct {
		name    string
		program program
	}{
		{"node by require", nodeProgram(`const { S3Client } = require('@aws-sdk/client-s3'); exports.handler = async () => S3Client;`)},
		{"node by import", program{runtime: nodeRuntime, handler: "index.handler", files: map[string]string{
			"index.mjs": `import { S3Client } from '@aws-sdk/client-s3'; export const handler = async () => S3Client;`,
		}}},
		{"node 24 by import", program{runtime: "nodejs24.x", handler: "index.handler", files: map[string]string{
			"index.mjs": `import { S3Client } from '@aws-sdk/client-s3'; export const handler = async () => S3Client;`,
		}}},
		{"python", pythonProgram("import boto3\ndef handler(e, c): return boto3.name")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.program.dir = dir
			if out := start(t, c.program).call(`{}`); string(out.Payload) != `"s3"` {
				t.Errorf("got %s", out.Payload)
			}
		})
	}
	t.Run("a client that the SDK does not have", func(t *testing.T) {
		t.Parallel()
		p := nodeProgram(`require('@aws-sdk/client-braket');`)
		p.dir = dir
		failure := start(t, p).ready()
		if failure == nil || !strings.Contains(string(failure.Payload), "pack it with the function") {
			t.Errorf("got %+v", failure)
		}
	})
	t.Run("and installing it again does nothing", func(t *testing.T) {
		for _, name := range []string{"nodejs-sdk", "python-sdk"} {
			var progress bytes.Buffer
			if err := catalogue(t, dir).Install(t.Context(), name, &progress); err != nil {
				t.Error(err)
			}
			if !strings.Contains(progress.String(), "is installed") {
				t.Errorf("%s: %s", name, progress.String())
			}
		}
		left, err := filepath.Glob(filepath.Join(dir, "sdk", ".new-*"))
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
}
