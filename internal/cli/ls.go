package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/spf13/cobra"
)

// completionMax bounds how long a shell waits for the names of functions.
const completionMax = time.Second

func (a *app) lsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "List the functions",
		Args:  cobra.NoArgs,
		RunE: runs(func(ctx context.Context, _ []string) error {
			c, err := a.clients(ctx)
			if err != nil {
				return err
			}
			all, err := c.functions(ctx)
			if err != nil {
				return err
			}
			return a.printFunctions(all)
		}),
	}
}

func (c clients) functions(ctx context.Context) ([]types.FunctionConfiguration, error) {
	var all []types.FunctionConfiguration
	pages := lambda.NewListFunctionsPaginator(c.lambda, &lambda.ListFunctionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Functions...)
	}
	return all, nil
}

func (a *app) printFunctions(all []types.FunctionConfiguration) error {
	if a.output == outputJSON {
		list := make([]deployed, 0, len(all))
		for _, f := range all {
			list = append(list, deployed{
				Name: aws.ToString(f.FunctionName), ARN: aws.ToString(f.FunctionArn), Runtime: string(f.Runtime),
				Handler: aws.ToString(f.Handler), Role: aws.ToString(f.Role), MemoryMB: aws.ToInt32(f.MemorySize),
				TimeoutS: aws.ToInt32(f.Timeout), CodeBytes: f.CodeSize,
			})
		}
		return a.printJSON(list)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintf(a.stderr, "no functions in %s; `hearth deploy DIR` makes one\n", a.regionName())
		return err
	}
	rows := [][]string{{"NAME", "RUNTIME", "HANDLER", "MEMORY", "TIMEOUT", "CODE", "CHANGED"}}
	for _, f := range all {
		rows = append(rows, []string{
			aws.ToString(f.FunctionName), string(f.Runtime), aws.ToString(f.Handler),
			fmt.Sprintf("%d MB", aws.ToInt32(f.MemorySize)), fmt.Sprintf("%d s", aws.ToInt32(f.Timeout)),
			formatBytes(f.CodeSize), formatChanged(aws.ToString(f.LastModified)),
		})
	}
	return printTable(a.stdout, rows)
}

// formatChanged shortens AWS's LastModified to what people read, in local time.
func formatChanged(s string) string {
	t, err := time.Parse("2006-01-02T15:04:05.000-0700", s)
	if err != nil {
		return s
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// completeFunctions offers the names of functions to the shell.
func (a *app) completeFunctions(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 && cmd.Name() != "rm" {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionMax)
	defer cancel()
	c, err := a.clients(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	all, err := c.functions(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, f := range all {
		names = append(names, aws.ToString(f.FunctionName))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
