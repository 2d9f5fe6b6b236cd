// Package cli is the command line: `hearth up` runs a node, every other
// subcommand is an ordinary AWS client of a running one.
//
// It decides flags, words and exit codes. What a node does is decided in node and
// below it; what a folder becomes when it is deployed, in bundle.
//
// # Exit codes
//
//	0  it worked
//	1  the function failed, or the request was refused
//	2  the command line or the configuration is wrong
//	3  no Hearth answers at the endpoint
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit codes, which scripts rely on.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 3
)

// app is one run of the command line: what it was given, and the global flags.
type app struct {
	getenv func(string) string
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer

	endpoint string
	region   string
	profile  string
	output   string
}

// Run runs one command line and returns the exit code. It touches nothing of the
// process but what it is passed and, while a command runs, SIGINT and SIGTERM: the
// first ends the command in good order, the second at once.
func Run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{getenv: getenv, stdin: stdin, stdout: stdout, stderr: stderr}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	unhook := context.AfterFunc(ctx, stop) // gives the second signal its default effect
	defer unhook()

	root := a.command()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	return a.finish(cmd, err)
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "hearth",
		Short: "AWS Lambda on your own machine",
		Long: `AWS Lambda on your own machine: one process, real sandboxes, the AWS API.

  hearth up                    run it
  hearth deploy ./my-function  put a folder of code there
  hearth invoke my-function    call it

Exit codes: 0 it worked, 1 the function or the request failed, 2 wrong usage,
3 no Hearth answers at the endpoint.`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	pf := root.PersistentFlags()
	pf.StringVar(&a.endpoint, "endpoint", "", "where Hearth listens (default $HEARTH_ENDPOINT, $AWS_ENDPOINT_URL, "+defaultEndpoint+")")
	pf.StringVar(&a.region, "region", "", "AWS region (default $AWS_REGION, $AWS_DEFAULT_REGION, "+defaultRegion+")")
	pf.StringVar(&a.profile, "profile", "", "take the keys from this profile of the AWS configuration")
	pf.StringVarP(&a.output, "output", "o", outputHuman, "what to print: human or json")
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{outputHuman, outputJSON}, cobra.ShellCompDirectiveNoFileComp))
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if a.output != outputHuman && a.output != outputJSON && a.output != outputYAML {
			return usagef("--output %q is neither human nor json", a.output)
		}
		return nil
	}
	root.AddCommand(
		a.upCommand(), a.workerCommand(), a.frontendCommand(), a.tokenCommand(), a.lbCommand(), a.deployCommand(), a.invokeCommand(), a.logsCommand(), a.lsCommand(), a.rmCommand(),
		a.runtimesCommand(), a.demoCommand(), a.doctorCommand(), a.configCommand(), a.versionCommand(),
		a.iamCommand(), a.accountCommand(), a.keysCommand(),
	)
	return root
}

// runs turns what a subcommand does into what cobra calls. Errors that come from
// here are about the world; all other errors of cobra's are about the usage.
func runs(f func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := f(cmd.Context(), args); err != nil {
			return &ranError{err}
		}
		return nil
	}
}

// ranError marks an error of a subcommand that was called correctly.
type ranError struct{ err error }

func (e *ranError) Error() string { return e.err.Error() }
func (e *ranError) Unwrap() error { return e.err }

// usageError is a wrong command line or configuration.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// failedError ends a command with exit code 1 when what there is to say has been
// printed already.
type failedError struct{}

func (failedError) Error() string { return "the function failed" }

// needs is the rule that a subcommand has one argument, or at least one, and what
// that is.
func needs(what string, many bool) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return usagef("%s is missing", what)
		case len(args) > 1 && !many:
			return usagef("%q is too much: there is one argument, %s", args[1], what)
		}
		return nil
	}
}

// finish prints what went wrong and chooses the exit code.
func (a *app) finish(cmd *cobra.Command, err error) int {
	var ran *ranError
	var usage *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &failedError{}):
		return exitFailed
	case errors.As(err, &usage), !errors.As(err, &ran):
		a.printProblem(problem{Message: err.Error(), Hint: "`" + cmd.CommandPath() + " --help` shows how it is used"})
		return exitUsage
	}
	p := explain(ran.err, a.target())
	a.printProblem(p)
	return p.exit
}
