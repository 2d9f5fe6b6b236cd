package cli

import (
	"context"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/spf13/cobra"

	"github.com/hearthfaas/hearth/internal/admin"
)

func (a *app) iamCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "iam",
		Short: "Why somebody may do something, and what a function's role needs",
	}
	cmd.AddCommand(a.iamExplainCommand(), a.iamSuggestCommand())
	return cmd
}

func (a *app) iamExplainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain PRINCIPAL ACTION RESOURCE",
		Short: "Say whether a principal may do something, and which statement decides",
		Long: `Say whether a principal may do something, and which statement of which policy
decides. PRINCIPAL is an ARN, user/NAME, role/NAME or a service such as
s3.amazonaws.com; ACTION is one such as lambda:InvokeFunction; RESOURCE is an ARN or *.
Condition keys of a request have no value here. The exit code is 1 when the
principal may not.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 3 {
				return usagef("a principal, an action and a resource are needed, in this order")
			}
			return nil
		},
		RunE: runs(func(ctx context.Context, args []string) error {
			query := url.Values{"principal": {args[0]}, "action": {args[1]}, "resource": {args[2]}}
			var e admin.Explanation
			if err := a.own(ctx, "GET", "iam/explain?"+query.Encode(), nil, &e); err != nil {
				return err
			}
			if err := a.printExplanation(e); err != nil {
				return err
			}
			if !e.Allowed {
				return failedError{}
			}
			return nil
		}),
	}
}

func (a *app) printExplanation(e admin.Explanation) error {
	if a.output == outputJSON {
		return a.printJSON(e)
	}
	fmt.Fprintln(a.stdout, e.Text)
	if e.Conditional {
		fmt.Fprintln(a.stdout, "A condition was looked at: a request with other keys can come out otherwise.")
	}
	return nil
}

func (a *app) iamSuggestCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "suggest FUNCTION",
		Short: "Write the least policy for what a function has used so far",
		Long: `Write the least policy that covers what a function's role was used for since Hearth
started: what was allowed, and what was refused, as the function wants it. Standard
output has the policy and nothing else.`,
		Args:              needs("the name of the function", false),
		ValidArgsFunction: a.completeFunctions,
		RunE: runs(func(ctx context.Context, args []string) error {
			c, err := a.clients(ctx)
			if err != nil {
				return err
			}
			f, err := c.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &args[0]})
			if err != nil {
				return err
			}
			query := url.Values{"role": {aws.ToString(f.Role)}, "session": {aws.ToString(f.FunctionName)}}
			var s admin.Suggestion
			if err := a.own(ctx, "GET", "iam/suggest?"+query.Encode(), nil, &s); err != nil {
				return err
			}
			return a.printSuggestion(aws.ToString(f.FunctionName), s)
		}),
	}
}

func (a *app) printSuggestion(function string, s admin.Suggestion) error {
	if a.output == outputJSON {
		return a.printJSON(s)
	}
	if s.Policy == "" {
		fmt.Fprintf(a.stderr, "%s has used nothing since Hearth started; invoke it first\n", function)
		return failedError{}
	}
	for _, u := range s.Used {
		if !u.Allowed {
			fmt.Fprintf(a.stderr, "refused so far: %s on %s\n", u.Action, u.Resource)
		}
	}
	if s.More {
		fmt.Fprintln(a.stderr, "there was more than Hearth remembers; the policy may lack something")
	}
	_, err := fmt.Fprint(a.stdout, s.Policy)
	return err
}
