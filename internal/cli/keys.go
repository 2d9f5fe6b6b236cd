package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hearthfaas/hearth/internal/node"
)

func (a *app) keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "The key that a data directory's secrets are sealed with",
	}
	var f nodeFlags
	rotate := &cobra.Command{
		Use:   "rotate",
		Short: "Replace the key, while no Hearth runs on the data directory",
		Long: `Replace the key that the secrets of a data directory are sealed with, while no
Hearth runs on it. Access keys stay valid; temporary credentials become void. When
it is interrupted, the next start or rotation brings it to an end.`,
		Args: cobra.NoArgs,
		RunE: runs(func(ctx context.Context, _ []string) error {
			cfg, err := a.nodeConfig(&f)
			if err != nil {
				return err
			}
			log, err := a.logger("warn")
			if err != nil {
				return err
			}
			n, err := node.RotateKey(ctx, cfg, log)
			if err != nil {
				return err
			}
			if a.output == outputJSON {
				return a.printJSON(map[string]int{"secrets": n})
			}
			_, err = fmt.Fprintf(a.stdout, "a new key seals the %d secrets in %s\n", n, cfg.DataDir)
			return err
		}),
	}
	f.register(rotate)
	cmd.AddCommand(rotate)
	return cmd
}
