package cli

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/spf13/cobra"

	"github.com/hearthfaas/hearth/internal/bundle"
)

// deployFlags is what the user says about a function; zero values are left as
// they are on a function that exists.
type deployFlags struct {
	name    string
	runtime string
	handler string
	role    string
	memory  int32
	timeout int32
	env     []string
	watch   bool
}

// deployed is what `hearth deploy --output json` prints.
type deployed struct {
	Name      string `json:"name"`
	ARN       string `json:"arn"`
	Runtime   string `json:"runtime"`
	Handler   string `json:"handler"`
	Role      string `json:"role"`
	MemoryMB  int32  `json:"memory_mb"`
	TimeoutS  int32  `json:"timeout_s"`
	CodeBytes int64  `json:"code_bytes"`
	Change    string `json:"change"` // created, updated or unchanged
}

func (a *app) deployCommand() *cobra.Command {
	var f deployFlags
	cmd := &cobra.Command{
		Use:   "deploy DIR|FILE",
		Short: "Put code there as a function, new or changed",
		Long: `Put a folder, a source file, a Go main package or a zip there as a function. The
runtime and the handler are found out from the code, and a role that may write logs
is made, unless they are given. What a folder's .hearthignore names is left out.`,
		Args: needs("the folder or file to deploy", false),
		RunE: runs(func(ctx context.Context, args []string) error { return a.deploy(ctx, args[0], f) }),
	}
	fl := cmd.Flags()
	fl.StringVar(&f.name, "name", "", "the function's name (default: the folder's)")
	fl.StringVar(&f.runtime, "runtime", "", "such as nodejs22.x (default: the newest that this machine has for the code)")
	fl.StringVar(&f.handler, "handler", "", "such as index.handler")
	fl.StringVar(&f.role, "role", "", "name or ARN of the execution role (default: hearth-NAME, made when there is none)")
	fl.Int32Var(&f.memory, "memory", 0, "MB (default 128)")
	fl.Int32Var(&f.timeout, "timeout", 0, "seconds (default 3)")
	fl.StringArrayVar(&f.env, "env", nil, "KEY=VALUE, again for more; replaces the variables of a function that exists")
	fl.BoolVar(&f.watch, "watch", false, "stay, and deploy again whenever the code changes")
	return cmd
}

func (a *app) deploy(ctx context.Context, path string, f deployFlags) error {
	env, err := parseEnv(f.env)
	if err != nil {
		return err
	}
	plan, err := bundle.Inspect(path)
	var unknown *bundle.UnknownError
	if err != nil && (!errors.As(err, &unknown) || f.runtime == "" || f.handler == "") {
		return err
	}
	plan.Name = cmp.Or(f.name, plan.Name)
	plan.Handler = cmp.Or(f.handler, plan.Handler)
	c, err := a.clients(ctx)
	if err != nil {
		return err
	}
	d := &deployer{app: a, clients: c, plan: plan, flags: f, env: env}
	if err := d.deployOnce(ctx); err != nil {
		return err
	}
	if !f.watch {
		return nil
	}
	return d.watch(ctx)
}

// parseEnv reads KEY=VALUE arguments; nil means that none were given.
func parseEnv(args []string) (map[string]string, error) {
	if args == nil {
		return nil, nil
	}
	env := map[string]string{}
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok || key == "" {
			return nil, usagef("--env %q is not KEY=VALUE", arg)
		}
		env[key] = value
	}
	return env, nil
}

// deployer deploys one path as one function, once or again and again.
type deployer struct {
	app     *app
	clients clients
	plan    bundle.Plan
	flags   deployFlags
	env     map[string]string
}

// settleMax bounds how long a function may be Pending or InProgress. Unpacking the
// largest package takes a few seconds; more is a fault that should be seen.
const settleMax = time.Minute

func (d *deployer) deployOnce(ctx context.Context) error {
	start := time.Now()
	code, err := d.plan.Zip(ctx)
	if err != nil {
		return err
	}
	got, err := d.clients.lambda.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &d.plan.Name})
	var notFound *types.ResourceNotFoundException
	change := "updated"
	switch {
	case errors.As(err, &notFound):
		change = "created"
		err = d.create(ctx, code)
	case err == nil:
		change, err = d.update(ctx, got.Configuration, code)
	}
	if err != nil {
		return err
	}
	conf, err := d.settle(ctx)
	if err != nil {
		return err
	}
	return d.print(conf, change, time.Since(start))
}

func (d *deployer) create(ctx context.Context, code []byte) error {
	runtime := d.flags.runtime
	if runtime == "" {
		var err error
		if runtime, err = d.app.newestRuntime(ctx, d.plan.Family); err != nil {
			return err
		}
	}
	role, err := d.roleARN(ctx)
	if err != nil {
		return err
	}
	in := &lambda.CreateFunctionInput{
		FunctionName: &d.plan.Name, Runtime: types.Runtime(runtime), Handler: &d.plan.Handler, Role: &role,
		Code: &types.FunctionCode{ZipFile: code},
	}
	if d.flags.memory != 0 {
		in.MemorySize = &d.flags.memory
	}
	if d.flags.timeout != 0 {
		in.Timeout = &d.flags.timeout
	}
	if d.env != nil {
		in.Environment = &types.Environment{Variables: d.env}
	}
	_, err = d.clients.lambda.CreateFunction(ctx, in)
	return err
}

// update changes what differs and nothing else, so that warm environments stay
// when there is nothing to do.
func (d *deployer) update(ctx context.Context, now *types.FunctionConfiguration, code []byte) (change string, err error) {
	change = "unchanged"
	in, differs := configChange(now, d.flags, d.env)
	if d.flags.role != "" {
		role, err := d.roleARN(ctx)
		if err != nil {
			return "", err
		}
		if role != aws.ToString(now.Role) {
			in.Role, differs = &role, true
		}
	}
	if differs {
		change = "updated"
		if _, err := d.clients.lambda.UpdateFunctionConfiguration(ctx, in); err != nil {
			return "", err
		}
		if _, err := d.settle(ctx); err != nil {
			return "", err
		}
	}
	if sum := sha256.Sum256(code); base64.StdEncoding.EncodeToString(sum[:]) != aws.ToString(now.CodeSha256) {
		change = "updated"
		_, err = d.clients.lambda.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &d.plan.Name, ZipFile: code})
	}
	return change, err
}

// configChange is pure: the update that brings now to what the flags say, and
// whether there is anything to change.
func configChange(now *types.FunctionConfiguration, f deployFlags, env map[string]string) (*lambda.UpdateFunctionConfigurationInput, bool) {
	in := &lambda.UpdateFunctionConfigurationInput{FunctionName: now.FunctionName}
	differs := false
	if f.runtime != "" && f.runtime != string(now.Runtime) {
		in.Runtime, differs = types.Runtime(f.runtime), true
	}
	if f.handler != "" && f.handler != aws.ToString(now.Handler) {
		in.Handler, differs = &f.handler, true
	}
	if f.memory != 0 && f.memory != aws.ToInt32(now.MemorySize) {
		in.MemorySize, differs = &f.memory, true
	}
	if f.timeout != 0 && f.timeout != aws.ToInt32(now.Timeout) {
		in.Timeout, differs = &f.timeout, true
	}
	var have map[string]string
	if now.Environment != nil {
		have = now.Environment.Variables
	}
	if env != nil && !maps.Equal(env, have) {
		in.Environment, differs = &types.Environment{Variables: env}, true
	}
	return in, differs
}

// settle waits until the function can be invoked with its last change.
func (d *deployer) settle(ctx context.Context) (*lambda.GetFunctionConfigurationOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, settleMax)
	defer cancel()
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 500*time.Millisecond) {
		conf, err := d.clients.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &d.plan.Name})
		if err != nil {
			return nil, err
		}
		switch {
		case conf.State == types.StateFailed:
			return nil, fmt.Errorf("the function could not be made: %s", aws.ToString(conf.StateReason))
		case conf.LastUpdateStatus == types.LastUpdateStatusFailed:
			return nil, fmt.Errorf("the function could not be changed: %s", aws.ToString(conf.LastUpdateStatusReason))
		case conf.State != types.StatePending && conf.LastUpdateStatus != types.LastUpdateStatusInProgress:
			return conf, nil
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the function to become active: %w", ctx.Err())
		}
	}
}

func (d *deployer) print(conf *lambda.GetFunctionConfigurationOutput, change string, took time.Duration) error {
	out := deployed{
		Name: d.plan.Name, ARN: aws.ToString(conf.FunctionArn), Runtime: string(conf.Runtime),
		Handler: aws.ToString(conf.Handler), Role: aws.ToString(conf.Role), MemoryMB: aws.ToInt32(conf.MemorySize),
		TimeoutS: aws.ToInt32(conf.Timeout), CodeBytes: conf.CodeSize, Change: change,
	}
	if d.app.output == outputJSON {
		return d.app.printJSON(out)
	}
	_, err := fmt.Fprintf(d.app.stdout, "%s is %s: %s, %s, %d MB, %d s, %s of code (%d ms)\n",
		out.Name, change, out.Runtime, out.Handler, out.MemoryMB, out.TimeoutS, formatBytes(out.CodeBytes), took.Milliseconds())
	if err == nil && change == "created" {
		_, err = fmt.Fprintf(d.app.stdout, "\n  hearth invoke %[1]s --tail    call it\n  hearth logs %[1]s -f          follow its logs\n", out.Name)
	}
	return err
}
