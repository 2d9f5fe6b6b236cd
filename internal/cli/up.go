package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/hearthfaas/hearth/internal/host"
	"github.com/hearthfaas/hearth/internal/node"
)

func (a *app) upCommand() *cobra.Command {
	var f nodeFlags
	var level string
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run Hearth until it is told to stop",
		Long: `Run Hearth until it is told to stop. One line on standard output says that it is
ready and where; its own log goes to standard error. SIGINT and SIGTERM stop it in
good order, a second one at once.`,
		Args: cobra.NoArgs,
		RunE: runs(func(ctx context.Context, _ []string) error {
			cfg, err := a.nodeConfig(&f)
			if err != nil {
				return err
			}
			if node.NeedsOwnRoot(cfg) {
				return a.upAsOwnRoot(cfg)
			}
			log, err := a.logger(level)
			if err != nil {
				return err
			}
			return a.up(ctx, cfg, log)
		}),
	}
	f.register(cmd)
	cmd.Flags().StringVar(&level, "log-level", "info", "how much to log: debug, info, warn or error")
	_ = cmd.RegisterFlagCompletionFunc("log-level", cobra.FixedCompletions([]string{"debug", "info", "warn", "error"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// upAsOwnRoot runs this command line again where this user is root.
func (a *app) upAsOwnRoot(cfg node.Config) error {
	exit, err := node.AsOwnRoot(cfg)
	switch {
	case err != nil:
		return &remedied{err.Error(), "`hearth doctor` shows what this user may do here; --isolation process runs functions without sandboxes"}
	case exit != exitOK:
		return failedError{} // it has said why
	}
	return nil
}

// startGCPercent keeps the collector from running while a small Hearth starts: it makes
// some 12 MB, half of which stay.
const startGCPercent = 400

// up runs a node until ctx ends, and says once when it is ready.
func (a *app) up(ctx context.Context, cfg node.Config, log *slog.Logger) error {
	usual := debug.SetGCPercent(startGCPercent)
	n, err := node.New(cfg, log)
	if err != nil {
		return fmt.Errorf("start hearth: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	select {
	case err = <-done:
	case <-n.Ready():
		if err := a.printReady(cfg, n.Addr()); err != nil {
			log.WarnContext(ctx, "the ready line could not be written", "error", err)
		}
		// A start needs several times what a running Hearth does.
		debug.SetGCPercent(usual)
		debug.FreeOSMemory()
		if a.getenv("GOGC") == "" {
			defer a.tuneCollector(ctx)()
		}
		if err := host.ReleaseProgram(); err != nil {
			log.WarnContext(ctx, "the program's unused pages stay in memory", "error", err)
		}
		err = <-done
	}
	switch {
	case err == nil, errors.Is(err, context.Canceled) && ctx.Err() != nil:
		err = nil // it was told to stop, and did
	case errors.Is(err, syscall.EADDRINUSE):
		err = &remedied{err.Error(), "another program, perhaps another Hearth, listens there; choose another address with --listen"}
	case errors.Is(err, os.ErrPermission):
		err = &remedied{err.Error(), "`hearth doctor` shows what this user may do here"}
	}
	return err
}

// tuneCollector tunes Go's collector until the function that it returns is called.
func (*app) tuneCollector(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		host.TuneCollector(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

func (a *app) printReady(cfg node.Config, addr string) error {
	endpoint := "http://" + addr
	if a.output == outputJSON {
		line, err := encodeJSON(map[string]any{
			"event": "ready", "endpoint": endpoint, "isolation": cfg.Isolation, "data_dir": cfg.DataDir, "pid": os.Getpid(),
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(a.stdout, line)
		return err
	}
	_, err := fmt.Fprintf(a.stdout, "hearth is ready on %s (%s isolation, data in %s)\n", endpoint, cfg.Isolation, cfg.DataDir)
	return err
}

// logger is the node's own log: text for people, JSON for scripts.
func (a *app) logger(level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, usagef("--log-level %q is none of debug, info, warn, error", level)
	}
	opts := &slog.HandlerOptions{Level: l}
	if a.output == outputJSON {
		return slog.New(slog.NewJSONHandler(a.stderr, opts)), nil
	}
	return slog.New(slog.NewTextHandler(a.stderr, opts)), nil
}
