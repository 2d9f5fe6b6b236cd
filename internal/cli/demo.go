package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/hearthfaas/hearth/internal/demo"
)

func (a *app) demoCommand() *cobra.Command {
	var isolation string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show what Hearth does: start one, run the examples cold and warm, stop it",
		Long: `Start a Hearth of its own on a free port with a data directory of its own, run the
examples on it, check what they show, stop it and leave nothing behind. As root,
functions run in sandboxes with limits.`,
		Args: cobra.NoArgs,
		RunE: runs(func(ctx context.Context, _ []string) error { return a.demo(ctx, isolation) }),
	}
	cmd.Flags().StringVar(&isolation, "isolation", "", "namespace or process (default: namespace where this user may)")
	return cmd
}

func (a *app) demo(ctx context.Context, isolation string) error {
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	cat, err := a.catalogue("")
	if err != nil {
		return err
	}
	cfg := demo.Config{Binary: binary, Runtimes: map[string]bool{}, Root: os.Geteuid() == 0, Isolation: isolation, Out: a.stdout}
	for _, info := range cat.List(ctx) {
		cfg.Runtimes[info.Name] = info.Available
	}
	if dir, err := filepath.Abs("examples/hello-go"); err == nil {
		if _, err := os.Stat(filepath.Join(dir, "main.go")); err == nil {
			cfg.GoSource = dir
		}
	}
	// A reader that has seen enough (`hearth demo | head`) must not end this program
	// before it has stopped what it started.
	signal.Ignore(syscall.SIGPIPE)
	err = demo.Run(ctx, cfg)
	if errors.Is(err, demo.ErrUnexpected) {
		fmt.Fprintln(a.stderr, "hearth: a line marked WRONG above is not as it should be")
		return failedError{}
	}
	return err
}
