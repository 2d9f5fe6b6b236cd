package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hearthfaas/hearth/internal/node"
	"github.com/hearthfaas/hearth/internal/rpc"
)

// tokenLife is how long a token may be used, unless said otherwise: long enough to carry
// it to another machine.
const tokenLife = time.Hour

// joinFlags are the flags of a process that joins a Hearth.
func joinFlags(cmd *cobra.Command, kind string, join, token, name, zone *string) {
	f := cmd.Flags()
	f.StringVar(join, "join", "", "where the Hearth to join lets others join, host:port")
	f.StringVar(token, "token", "", "a token made by hearth token create --kind "+kind+", needed once (default $HEARTH_TOKEN)")
	f.StringVar(name, "name", "", "what to be called (default: the host's name and a random part)")
	f.StringVar(zone, "zone", "", "what fails together with this "+kind+", such as a rack or a machine")
	_ = cmd.MarkFlagRequired("join") // they are there
	_ = cmd.MarkFlagRequired("zone")
}

func (a *app) workerCommand() *cobra.Command {
	var level string
	cfg := node.DefaultWorker()
	cmd := &cobra.Command{
		Use:   "worker --join HOST:PORT --zone ZONE",
		Short: "Host functions for a Hearth on another machine",
		Long: `Host functions for a Hearth on another machine, which runs with --cluster-listen. The
first time a worker needs a token, which ` + "`hearth token create`" + ` prints there; later its
certificate, kept in the data directory, lets it join. SIGTERM has it take no more and
wait for what runs; a second one ends it at once.`,
		Args: cobra.NoArgs,
		RunE: runs(func(ctx context.Context, _ []string) error {
			if err := a.workerConfig(&cfg); err != nil {
				return err
			}
			alike := node.Config{DataDir: cfg.DataDir, Isolation: cfg.Isolation}
			if node.NeedsOwnRoot(alike) {
				return a.upAsOwnRoot(alike)
			}
			log, err := a.logger(level)
			if err != nil {
				return err
			}
			w, err := node.NewWorker(cfg, func(name, addr string) { a.printJoined(cfg, name, addr) }, log)
			if err != nil {
				return err
			}
			if err := w.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				return workerProblem(err)
			}
			return nil
		}),
	}
	f := cmd.Flags()
	joinFlags(cmd, "worker", &cfg.Join, &cfg.Token, &cfg.Name, &cfg.Zone)
	f.StringVar(&cfg.Listen, "listen", cfg.Listen, "the address on which the other processes ask this one; port 0 takes a free one")
	f.StringVar(&cfg.Advertise, "advertise", "", "how the others reach that address, when it is another for them")
	f.StringVar(&cfg.DataDir, "data-dir", "", "where its identity, code and sandboxes lie (default $HEARTH_DATA_DIR, or as for hearth up, in worker)")
	f.StringVar(&cfg.Isolation, "isolation", cfg.Isolation, "what separates functions: namespace or process")
	f.IntVar(&cfg.MemoryMB, "memory", 0, "the most MB that functions here are configured with together; 0 takes what is free")
	f.DurationVar(&cfg.KeepFor, "keep-for", cfg.KeepFor, "how long functions stay warm while the Hearth that was joined is gone")
	f.DurationVar(&cfg.DrainMax, "drain", cfg.DrainMax, "how long running invokes may go on when told to stop")
	f.StringVar(&level, "log-level", "info", "how much to log: debug, info, warn or error")
	return cmd
}

// workerConfig fills in what flags left out.
func (a *app) workerConfig(cfg *node.WorkerConfig) error {
	cfg.Path, cfg.Home = cmp.Or(a.getenv("PATH"), cfg.Path), a.getenv("HOME")
	cfg.Token = cmp.Or(cfg.Token, a.getenv("HEARTH_TOKEN"))
	cfg.DataDir = cmp.Or(cfg.DataDir, a.getenv("HEARTH_DATA_DIR"), filepath.Join(a.defaultDataDir(), "worker"))
	dir, err := filepath.Abs(cfg.DataDir)
	if err != nil {
		return usagef("data directory %s: %v", cfg.DataDir, err)
	}
	cfg.DataDir = dir
	if cfg.Name == "" {
		cfg.Name = a.processName()
	}
	if err := cfg.Validate(); err != nil {
		return usagef("%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return nil
}

// processName is the host's name and a random part, so that several processes may be on
// one host.
func (a *app) processName() string {
	var b [3]byte
	_, _ = rand.Read(b[:]) // it never fails
	host, err := os.Hostname()
	if host, _, _ = strings.Cut(host, "."); err != nil || !rpc.ValidName(host) || len(host) > 50 {
		host = "host"
	}
	return host + "-" + hex.EncodeToString(b[:])
}

func (a *app) printJoined(cfg node.WorkerConfig, name, addr string) {
	if a.output == outputJSON {
		line, err := encodeJSON(map[string]any{
			"event": "ready", "worker": name, "zone": cfg.Zone, "addr": addr, "isolation": cfg.Isolation, "data_dir": cfg.DataDir, "pid": os.Getpid(),
		})
		if err == nil {
			fmt.Fprintln(a.stdout, line)
		}
		return
	}
	fmt.Fprintf(a.stdout, "hearth worker %s of zone %s has joined %s, and is asked on %s\n", name, cfg.Zone, cfg.Join, addr)
}

func workerProblem(err error) error {
	switch {
	case errors.Is(err, rpc.ErrIdentity), errors.Is(err, rpc.ErrToken):
		return &remedied{err.Error(), "run `hearth token create` where the Hearth to join runs, and give its token with --token"}
	case errors.Is(err, os.ErrPermission):
		return &remedied{err.Error(), "`hearth doctor` shows what this user may do here"}
	}
	return err
}

func (a *app) tokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Let other processes join this Hearth",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(a.tokenCreateCommand())
	return cmd
}

func (a *app) tokenCreateCommand() *cobra.Command {
	var f nodeFlags
	var kind string
	var life time.Duration
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Print a token with which one worker or frontend may join, once",
		Long: `Print a token with which one worker or frontend may join this Hearth, once. It is made
in the data directory, so this runs on the machine and as the user of ` + "`hearth up`" + `, while
that runs or before.`,
		Args: cobra.NoArgs,
		RunE: runs(func(context.Context, []string) error {
			cfg, err := a.nodeConfig(&f)
			if err != nil {
				return err
			}
			text, expires, err := node.NewToken(cfg.DataDir, rpc.Kind(kind), life)
			if err != nil {
				return fmt.Errorf("make a token: %w", err)
			}
			if a.output == outputJSON {
				return a.printJSON(map[string]any{"token": text, "kind": kind, "expires": expires.UTC().Format(time.RFC3339)})
			}
			_, err = fmt.Fprintln(a.stdout, text)
			return err
		}),
	}
	f.register(cmd)
	cmd.Flags().StringVar(&kind, "kind", string(rpc.Worker), "what may join: worker or frontend")
	cmd.Flags().DurationVar(&life, "ttl", tokenLife, "how long the token may be used")
	_ = cmd.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions([]string{string(rpc.Worker), string(rpc.Frontend)}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}
