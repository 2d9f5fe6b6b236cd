package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hearthfaas/hearth/internal/loadbalancer"
)

// lbDrain is how long running requests may go on when the balancer is told to stop:
// as long as the longest function.
const lbDrain = 15 * time.Minute

func (a *app) lbCommand() *cobra.Command {
	var listen, level string
	var frontends []string
	cfg := loadbalancer.Default()
	cmd := &cobra.Command{
		Use:   "lb --frontend ZONE=URL ...",
		Short: "Spread requests over several Hearths in zones",
		Long: `Spread requests over several Hearths, named as ZONE=URL. A frontend that fails its
health checks or breaks requests is left out, and so is a zone of which most are.
Requests pass as they came; one that no frontend has seen goes to another. SIGTERM
stops new connections and lets running requests end. GET ` + loadbalancer.Path + ` shows the
frontends.`,
		Args: cobra.NoArgs,
		RunE: runs(func(ctx context.Context, _ []string) error {
			var err error
			if cfg.Frontends, err = parseFrontends(frontends); err != nil {
				return err
			}
			if cfg.Log, err = a.logger(level); err != nil {
				return err
			}
			return a.balance(ctx, listen, cfg)
		}),
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:4565", "the address to listen on")
	cmd.Flags().StringArrayVar(&frontends, "frontend", nil, "a frontend as ZONE=URL; once for each")
	cmd.Flags().DurationVar(&cfg.CheckEvery, "check-every", cfg.CheckEvery, "the pause between two health checks of a frontend")
	cmd.Flags().StringVar(&level, "log-level", "info", "how much to log: debug, info, warn or error")
	_ = cmd.MarkFlagRequired("frontend")
	return cmd
}

func parseFrontends(texts []string) ([]loadbalancer.Frontend, error) {
	var all []loadbalancer.Frontend
	for _, text := range texts {
		zone, address, ok := strings.Cut(text, "=")
		u, err := url.Parse(address)
		if !ok || zone == "" || err != nil || u.Host == "" {
			return nil, usagef("frontend %q is not ZONE=URL, such as a=http://10.0.0.1:4566", text)
		}
		all = append(all, loadbalancer.Frontend{URL: u, Zone: zone})
	}
	return all, nil
}

// balance runs a load balancer until ctx ends and its last request is answered.
func (a *app) balance(ctx context.Context, listen string, cfg loadbalancer.Config) error {
	b, err := loadbalancer.New(cfg)
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return &remedied{err.Error(), "choose another address with --listen"}
	}
	server := &http.Server{
		Handler:           b,
		ReadHeaderTimeout: 30 * time.Second, // slow clients must not hold connections for ever
		IdleTimeout:       5 * time.Minute,  // as long as a frontend's
		ErrorLog:          slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}
	checks, stopChecks := context.WithCancel(context.WithoutCancel(ctx))
	checked := make(chan struct{})
	go func() { b.Run(checks); close(checked) }()
	defer func() { stopChecks(); <-checked }()
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	if err := a.printBalancer(l.Addr().String(), len(cfg.Frontends)); err != nil {
		cfg.Log.WarnContext(ctx, "the ready line could not be written", "error", err)
	}
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), lbDrain)
	defer cancel()
	err = server.Shutdown(drain)
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

func (a *app) printBalancer(addr string, frontends int) error {
	endpoint := "http://" + addr
	if a.output == outputJSON {
		return a.printJSON(map[string]any{"event": "ready", "endpoint": endpoint, "frontends": frontends, "pid": os.Getpid()})
	}
	_, err := fmt.Fprintf(a.stdout, "hearth lb is ready on %s, before %d frontends\n", endpoint, frontends)
	return err
}
