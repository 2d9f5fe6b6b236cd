package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/hearthfaas/hearth/internal/host"
	"github.com/hearthfaas/hearth/internal/node"
	"github.com/hearthfaas/hearth/internal/runtimes"
)

// healthMax bounds how long doctor waits for whoever holds the port.
const healthMax = 2 * time.Second

// findings is what doctor found out.
type findings struct {
	CanRun   bool         `json:"can_run"` // whether `hearth up` would work
	System   string       `json:"system"`
	Checks   []host.Check `json:"checks"`
	Runtimes []string     `json:"runtimes"`
}

func (a *app) doctorCommand() *cobra.Command {
	var f nodeFlags
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine can do for Hearth, and what to do about the rest",
		Long: `Say what this machine can do for Hearth, and what to do about what is missing. It
changes nothing. The exit code is 1 when ` + "`hearth up`" + `, with the same flags, could
not work.`,
		Args: cobra.NoArgs,
		RunE: runs(func(ctx context.Context, _ []string) error {
			cfg, err := a.nodeConfig(&f)
			if err != nil {
				return err
			}
			found, err := a.examine(ctx, cfg)
			if err != nil {
				return err
			}
			if err := a.printFindings(cfg, found); err != nil {
				return err
			}
			if !found.CanRun {
				return failedError{}
			}
			return nil
		}),
	}
	f.register(cmd)
	return cmd
}

// examine looks at the machine, the port, the data directory and the runtimes.
func (a *app) examine(ctx context.Context, cfg node.Config) (findings, error) {
	report := host.Inspect(ctx)
	found := findings{System: report.System, Checks: report.Checks}
	if cfg.Isolation == "process" {
		// Plain processes need nothing of the kernel.
		for i := range found.Checks {
			found.Checks[i].Optional = true
		}
	}
	found.Checks = append(found.Checks, checkPort(ctx, cfg.Listen), checkDataDir(cfg.DataDir))
	cat, err := a.catalogue(cfg.DataDir)
	if err != nil {
		return found, err
	}
	list := cat.List(ctx)
	for _, r := range list {
		if r.Available {
			found.Runtimes = append(found.Runtimes, r.Name)
		}
	}
	found.Checks = append(found.Checks, checkRuntimes(list))
	found.CanRun = host.Report{Checks: found.Checks}.OK()
	return found, nil
}

// checkPort tries to listen where `hearth up` would.
func checkPort(ctx context.Context, listen string) host.Check {
	c := host.Check{Name: "port", Detail: listen + " is free"}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", listen)
	if err == nil {
		c.OK = true
		if err := l.Close(); err != nil {
			c.Detail += ", but closing it failed: " + err.Error()
		}
		return c
	}
	if hearthAnswers(ctx, listen) {
		c.OK, c.Detail = true, "a Hearth runs on "+listen+" already"
		return c
	}
	c.Detail, c.Remedy = err.Error(), "choose another address with --listen"
	return c
}

// hearthAnswers asks whoever holds the port whether it is a Hearth.
func hearthAnswers(ctx context.Context, addr string) bool {
	ctx, cancel := context.WithTimeout(ctx, healthMax)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/_hearth/health", nil)
	if err != nil {
		return false
	}
	client := &http.Client{Timeout: healthMax}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// checkDataDir says whether the data directory is writable, or could be made: it
// asks the first directory on the way up that exists.
func checkDataDir(dir string) host.Check {
	c := host.Check{Name: "data directory", Detail: dir}
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist) && at != filepath.Dir(at):
			continue
		case err != nil:
			c.Detail = err.Error()
		case !info.IsDir():
			c.Detail = at + " is not a directory"
		case unix.Access(at, unix.W_OK|unix.X_OK) != nil:
			c.Detail = "this user may not write to " + at
		default:
			c.OK = true
			if at != dir {
				c.Detail += " (made at the first start)"
			}
			return c
		}
		c.Remedy = "choose another directory with --data-dir"
		return c
	}
}

// checkRuntimes says which languages there are. A machine without any still runs
// functions that bring their own runtime.
func checkRuntimes(list []runtimes.Info) host.Check {
	c := host.Check{Name: "runtimes", Optional: true}
	var have []string
	for _, r := range list {
		if r.Available && r.Interpreter != "" {
			have = append(have, r.Name)
		}
	}
	if c.OK = len(have) > 0; !c.OK {
		c.Detail = "no Node and no Python: only functions on provided.* can run"
		c.Remedy = "hearth runtimes install nodejs22.x"
		return c
	}
	c.Detail = strings.Join(have, ", ") + ", provided.*"
	return c
}

func (a *app) printFindings(cfg node.Config, found findings) error {
	if a.output == outputJSON {
		return a.printJSON(found)
	}
	var rows [][]string
	for _, c := range found.Checks {
		mark := "ok"
		switch {
		case c.OK:
		case c.Optional:
			mark = "-"
		default:
			mark = "MISSING"
		}
		rows = append(rows, []string{mark, c.Name, c.Detail})
		if c.Remedy != "" {
			rows = append(rows, []string{"", "", "→ " + c.Remedy})
		}
	}
	if err := printTable(a.stdout, rows); err != nil {
		return err
	}
	verdict := fmt.Sprintf("`hearth up` works here, with %s isolation.", cfg.Isolation)
	if !found.CanRun {
		verdict = fmt.Sprintf("`hearth up` cannot work here with %s isolation: see what is MISSING.", cfg.Isolation)
		if cfg.Isolation == "namespace" {
			verdict += "\n`--isolation process` runs functions as plain processes, without isolation or limits."
		}
	}
	_, err := fmt.Fprintf(a.stdout, "\n%s\n", verdict)
	return err
}
