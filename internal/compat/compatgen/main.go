// Command compatgen writes docs/compat.md to the path that it is given.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/hearthfaas/hearth/internal/compat"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "compatgen:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	if len(args) != 1 {
		return errors.New("usage: compatgen FILE")
	}
	dir, err := os.MkdirTemp("", "compatgen")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	page, err := compat.Page(ctx, dir)
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], page, 0o644)
}
