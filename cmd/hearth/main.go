// Command hearth runs AWS Lambda on one's own machine and talks to it.
package main

import (
	"context"
	"os"

	"github.com/hearthfaas/hearth/internal/cli"
	"github.com/hearthfaas/hearth/internal/sandbox/namespace"
)

func main() {
	namespace.EndWith(os.Getenv(namespace.OwnerVariable))
	namespace.Main() // does not return when this process is one of a sandbox's
	os.Exit(cli.Run(context.Background(), os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}
