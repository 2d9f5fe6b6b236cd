package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hearthfaas/hearth/internal/admin"
)

func (a *app) accountCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "account",
		Short: "The accounts of this Hearth, isolated from each other",
	}
	cmd.AddCommand(a.accountCreateCommand(), a.accountListCommand())
	return cmd
}

func (a *app) accountCreateCommand() *cobra.Command {
	var id string
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make an account and show its root user's access key, once",
		Args:  needs("the account's name", false),
		RunE: runs(func(ctx context.Context, args []string) error {
			var made admin.NewAccount
			if err := a.own(ctx, "POST", "accounts", map[string]string{"name": args[0], "id": id}, &made); err != nil {
				return err
			}
			if a.output == outputJSON {
				return a.printJSON(made)
			}
			fmt.Fprintf(a.stderr, "account %s (%s); this key of its root user is shown only now:\n", made.ID, made.Name)
			_, err := fmt.Fprintf(a.stdout, "AWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n", made.AccessKeyID, made.SecretAccessKey)
			return err
		}),
	}
	cmd.Flags().StringVar(&id, "id", "", "the account's id, 12 digits (default: drawn)")
	return cmd
}

func (a *app) accountListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "List the accounts",
		Args:  cobra.NoArgs,
		RunE: runs(func(ctx context.Context, _ []string) error {
			var got struct{ Accounts []admin.Account }
			if err := a.own(ctx, "GET", "accounts", nil, &got); err != nil {
				return err
			}
			if a.output == outputJSON {
				return a.printJSON(got.Accounts)
			}
			rows := [][]string{{"ID", "NAME", "CREATED"}}
			for _, acc := range got.Accounts {
				name := acc.Name
				if acc.First && name == "" {
					name = "(the first)"
				}
				rows = append(rows, []string{acc.ID, name, acc.Created.Local().Format("2006-01-02 15:04:05")})
			}
			return printTable(a.stdout, rows)
		}),
	}
}
