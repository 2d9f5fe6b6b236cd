package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/spf13/cobra"
)

func (a *app) rmCommand() *cobra.Command {
	var logs bool
	cmd := &cobra.Command{
		Use:   "rm NAME...",
		Short: "Delete functions",
		Long: `Delete functions, and the roles that ` + "`hearth deploy`" + ` made for them. Logs stay, as
they do on AWS, unless --logs is given.`,
		Args:              needs("the name of the function", true),
		ValidArgsFunction: a.completeFunctions,
		RunE: runs(func(ctx context.Context, args []string) error {
			c, err := a.clients(ctx)
			if err != nil {
				return err
			}
			for _, name := range args {
				if err := a.rm(ctx, c, name, logs); err != nil {
					return err
				}
			}
			return nil
		}),
	}
	cmd.Flags().BoolVar(&logs, "logs", false, "delete the logs too")
	return cmd
}

func (a *app) rm(ctx context.Context, c clients, name string, logs bool) error {
	var group string
	if logs {
		var err error
		if group, err = c.logGroup(ctx, name); err != nil {
			return err
		}
	}
	if _, err := c.lambda.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &name}); err != nil {
		return err
	}
	role, err := c.removeRole(ctx, name)
	if err != nil {
		return err
	}
	if logs {
		_, err := c.logs.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &group})
		var none *logstypes.ResourceNotFoundException
		if err != nil && !errors.As(err, &none) {
			return fmt.Errorf("delete the logs of %s: %w", name, err)
		}
	}
	if a.output == outputJSON {
		return a.printJSON(map[string]any{"name": name, "deleted": true, "role_deleted": role, "logs_deleted": logs})
	}
	what := name + " is deleted"
	if role {
		what += ", and its role " + roleName(name)
	}
	_, err = fmt.Fprintln(a.stdout, what)
	return err
}
