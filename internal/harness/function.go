package harness

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/bundle"
)

// activeMax bounds how long a new function may be Pending.
const activeMax = 30 * time.Second

// Function is what a test wants to exist.
type Function struct {
	Name    string
	Runtime string
	Handler string            // "" is index.handler
	Files   map[string]string // the code, or
	Dir     string            // a folder of it, packed as `hearth deploy` does, or
	Zip     []byte            // a ready package
	Memory  int32             // MB; 0 is the default, 128
	Timeout int32             // seconds; 0 is the default, 3
	Env     map[string]string
	Role    string // an ARN; "" is a role that may write logs
}

// Create makes the function and waits until it is Active.
func Create(ctx context.Context, cfg aws.Config, f Function) error {
	code, err := f.Package(ctx)
	if err != nil {
		return err
	}
	if f.Role == "" {
		if f.Role, err = LogsRole(ctx, cfg); err != nil {
			return err
		}
	}
	in := &lambda.CreateFunctionInput{
		FunctionName: &f.Name, Runtime: types.Runtime(f.Runtime), Handler: aws.String(orElse(f.Handler, "index.handler")),
		Role: &f.Role, Code: &types.FunctionCode{ZipFile: code},
	}
	if f.Memory != 0 {
		in.MemorySize = &f.Memory
	}
	if f.Timeout != 0 {
		in.Timeout = &f.Timeout
	}
	if f.Env != nil {
		in.Environment = &types.Environment{Variables: f.Env}
	}
	c := lambda.NewFromConfig(cfg)
	if _, err := c.CreateFunction(ctx, in); err != nil {
		return fmt.Errorf("create %s: %w", f.Name, err)
	}
	return WaitActive(ctx, c, f.Name)
}

// Package is the function's zip.
func (f Function) Package(ctx context.Context) ([]byte, error) {
	switch {
	case f.Zip != nil:
		return f.Zip, nil
	case f.Dir != "":
		plan, err := bundle.Inspect(f.Dir)
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", f.Dir, err)
		}
		return plan.Zip(ctx)
	}
	return ZipFiles(f.Files)
}

// ZipFiles packs files; one named bootstrap, or with a name that ends in .sh, is
// executable. Names are taken as they are, even evil ones.
func ZipFiles(files map[string]string) ([]byte, error) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		h.SetMode(0o644)
		if path.Base(name) == "bootstrap" || path.Ext(name) == ".sh" {
			h.SetMode(0o755)
		}
		out, err := w.CreateHeader(h)
		if err == nil {
			_, err = out.Write([]byte(files[name]))
		}
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return buf.Bytes(), nil
}

// WaitActive waits until a function can be invoked with its last change.
func WaitActive(ctx context.Context, c *lambda.Client, name string) error {
	ctx, cancel := context.WithTimeout(ctx, activeMax)
	defer cancel()
	for {
		conf, err := c.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
		switch {
		case err != nil:
			return fmt.Errorf("wait for %s: %w", name, err)
		case conf.State == types.StateFailed:
			return fmt.Errorf("%s is Failed: %s", name, aws.ToString(conf.StateReason))
		case conf.State != types.StatePending && conf.LastUpdateStatus != types.LastUpdateStatusInProgress:
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", name, ctx.Err())
		}
	}
}

// LogsRole makes, once, a role that Lambda may assume and that may write logs.
func LogsRole(ctx context.Context, cfg aws.Config) (string, error) {
	c := iam.NewFromConfig(cfg)
	name := aws.String("harness")
	made, err := c.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: name,
		AssumeRolePolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
	})
	if _, exists := errors.AsType[*iamtypes.EntityAlreadyExistsException](err); exists {
		got, err := c.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
		if err != nil {
			return "", fmt.Errorf("read the role: %w", err)
		}
		return aws.ToString(got.Role.Arn), nil
	}
	if err != nil {
		return "", fmt.Errorf("make the role: %w", err)
	}
	_, err = c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{
		RoleName: name, PolicyArn: aws.String("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"),
	})
	if err != nil {
		return "", fmt.Errorf("let the role write logs: %w", err)
	}
	return aws.ToString(made.Role.Arn), nil
}

// Answer is what an invoke returned.
type Answer struct {
	Payload string
	Error   string // FunctionError
	Tail    string // decoded
	Elapsed time.Duration
	Version string
}

// Invoke calls a function and waits for its result, with the tail of its log.
func Invoke(ctx context.Context, c *lambda.Client, name, payload string, options ...func(*lambda.Options)) (Answer, error) {
	start := time.Now()
	out, err := c.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, Payload: []byte(payload), LogType: types.LogTypeTail}, options...)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Payload: string(out.Payload), Error: aws.ToString(out.FunctionError), Elapsed: time.Since(start), Version: aws.ToString(out.ExecutedVersion)}
	tail, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
	if err != nil {
		return a, fmt.Errorf("read the log tail: %w", err)
	}
	a.Tail = string(tail)
	return a, nil
}
