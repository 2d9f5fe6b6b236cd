package cli

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/hearthfaas/hearth/internal/bundle"
	"github.com/hearthfaas/hearth/internal/runtimes"
)

// runtimesDir is where a data directory keeps installed runtimes and SDKs.
func runtimesDir(dataDir string) string { return filepath.Join(dataDir, "runtimes") }

func (a *app) catalogue(dataDir string) (*runtimes.Catalogue, error) {
	dir, err := filepath.Abs(cmp.Or(dataDir, a.getenv("HEARTH_DATA_DIR"), a.defaultDataDir()))
	if err != nil {
		return nil, fmt.Errorf("find the data directory: %w", err)
	}
	return runtimes.New(runtimes.Config{
		Dir: runtimesDir(dir), Path: a.getenv("PATH"), Home: a.getenv("HOME"), Log: slog.New(slog.DiscardHandler),
	})
}

// newestRuntime is the newest runtime of a family that this machine can run.
func (a *app) newestRuntime(ctx context.Context, family bundle.Family) (string, error) {
	cat, err := a.catalogue("")
	if err != nil {
		return "", err
	}
	var have, all []string
	remedies := map[string]string{}
	for _, info := range cat.List(ctx) {
		all = append(all, info.Name)
		remedies[info.Name] = info.Remedy
		if info.Available {
			have = append(have, info.Name)
		}
	}
	name, err := bundle.Newest(family, have)
	if err == nil {
		return name, nil
	}
	p := &remedied{"this machine has no " + string(family), "name a runtime with --runtime"}
	if newest, err := bundle.Newest(family, all); err == nil {
		p.todo = cmp.Or(remedies[newest], p.todo)
	}
	return "", p
}

func (a *app) runtimesCommand() *cobra.Command {
	var dataDir string
	cmd := &cobra.Command{
		Use:   "runtimes",
		Short: "List the runtimes that this machine can run, or install one",
		Args:  cobra.NoArgs,
		RunE: runs(func(ctx context.Context, _ []string) error {
			cat, err := a.catalogue(dataDir)
			if err != nil {
				return err
			}
			return a.printRuntimes(cat.List(ctx))
		}),
	}
	cmd.PersistentFlags().StringVar(&dataDir, "data-dir", "", "the data directory that Hearth runs with (default $HEARTH_DATA_DIR, or as `hearth up`)")
	cmd.AddCommand(&cobra.Command{
		Use:   "install NAME...",
		Short: "Install runtimes and AWS SDKs into the data directory, with npm or pip",
		Args:  needs("the name of the runtime", true),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			cat, err := a.catalogue(dataDir)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return cat.Installable(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: runs(func(ctx context.Context, args []string) error {
			cat, err := a.catalogue(dataDir)
			if err != nil {
				return err
			}
			for _, name := range args {
				if err := cat.Install(ctx, name, a.stderr); err != nil {
					return fmt.Errorf("install %s: %w", name, err)
				}
			}
			return nil
		}),
	})
	return cmd
}

func (a *app) printRuntimes(list []runtimes.Info) error {
	type entry struct {
		Name        string `json:"name"`
		Available   bool   `json:"available"`
		Version     string `json:"version,omitempty"`
		Interpreter string `json:"interpreter,omitempty"`
		SDK         bool   `json:"sdk"`
		Remedy      string `json:"remedy,omitempty"`
	}
	if a.output == outputJSON {
		all := make([]entry, 0, len(list))
		for _, r := range list {
			all = append(all, entry{r.Name, r.Available, r.Version, r.Interpreter, r.SDK, r.Remedy})
		}
		return a.printJSON(all)
	}
	rows := [][]string{{"RUNTIME", "HERE", "VERSION", "AWS SDK", "INTERPRETER, OR WHAT TO DO"}}
	sdkMissing := false
	for _, r := range list {
		row := []string{r.Name, yesNo(r.Available), r.Version, yesNo(r.SDK), r.Remedy}
		switch {
		case r.Available && r.Interpreter == "": // the function brings its own
			row[2], row[3], row[4] = "-", "-", "the function's own bootstrap"
		case r.Available:
			row[4] = r.Interpreter
			sdkMissing = sdkMissing || !r.SDK
		}
		rows = append(rows, row)
	}
	if err := printTable(a.stdout, rows); err != nil {
		return err
	}
	if !sdkMissing {
		return nil
	}
	_, err := fmt.Fprintln(a.stdout, "\nFunctions that use the AWS SDK without packing it need `hearth runtimes install nodejs-sdk` or `python-sdk`.")
	return err
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
