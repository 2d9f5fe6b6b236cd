package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hearthfaas/hearth/internal/node"
)

func (a *app) frontendCommand() *cobra.Command {
	var level string
	cfg := node.DefaultFrontend()
	cmd := &cobra.Command{
		Use:   "frontend --join HOST:PORT --zone ZONE",
		Short: "Answer clients for a Hearth on another machine",
		Long: `Answer clients for a Hearth on another machine, which runs with --cluster-listen. What
it decides stays there; events and answers of invokes go straight between the frontend
and the workers. The first time a frontend needs a token, which ` + "`hearth token create\n--kind frontend`" + ` prints there; later its certificate, kept in the data directory, lets it
join. SIGTERM turns its health and has it wait for running requests; a second one ends
it at once.`,
		Args: cobra.NoArgs,
		RunE: runs(func(ctx context.Context, _ []string) error {
			if err := a.frontendConfig(&cfg); err != nil {
				return err
			}
			log, err := a.logger(level)
			if err != nil {
				return err
			}
			f, err := node.NewFrontend(cfg, func(name, addr string) { a.printFrontend(cfg, name, addr) }, log)
			if err != nil {
				return err
			}
			if err := f.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				return workerProblem(err)
			}
			return nil
		}),
	}
	f := cmd.Flags()
	joinFlags(cmd, "frontend", &cfg.Join, &cfg.Token, &cfg.Name, &cfg.Zone)
	f.StringVar(&cfg.Listen, "listen", cfg.Listen, "the address for clients; port 0 takes a free one")
	f.StringVar(&cfg.DataDir, "data-dir", "", "where its identity lies (default $HEARTH_DATA_DIR, or as for hearth up, in frontend)")
	f.StringSliceVar(&cfg.TrustedProxies, "trusted-proxy", nil, "an address or network of load balancers whose X-Forwarded-For is believed")
	f.DurationVar(&cfg.Notice, "notice", cfg.Notice, "how long to go on answering, with the health turned, when told to stop")
	f.DurationVar(&cfg.DrainMax, "drain", cfg.DrainMax, "how long running requests may go on after that")
	f.StringVar(&level, "log-level", "info", "how much to log: debug, info, warn or error")
	return cmd
}

// frontendConfig fills in what flags left out.
func (a *app) frontendConfig(cfg *node.FrontendConfig) error {
	cfg.Token = cmp.Or(cfg.Token, a.getenv("HEARTH_TOKEN"))
	cfg.DataDir = cmp.Or(cfg.DataDir, a.getenv("HEARTH_DATA_DIR"), filepath.Join(a.defaultDataDir(), "frontend"))
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

func (a *app) printFrontend(cfg node.FrontendConfig, name, addr string) {
	endpoint := "http://" + addr
	if a.output == outputJSON {
		line, err := encodeJSON(map[string]any{
			"event": "ready", "frontend": name, "zone": cfg.Zone, "endpoint": endpoint, "data_dir": cfg.DataDir, "pid": os.Getpid(),
		})
		if err == nil {
			fmt.Fprintln(a.stdout, line)
		}
		return
	}
	fmt.Fprintf(a.stdout, "hearth frontend %s of zone %s is ready on %s, for %s\n", name, cfg.Zone, endpoint, cfg.Join)
}
