package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/hearthfaas/hearth/internal/awsapi/sigv4"
	"github.com/hearthfaas/hearth/internal/iam"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store/mem"
)

// proofs is how often a signature and a verdict are measured.
const proofs = 20_000

// The documents of the callers: one whose verdict may be kept, and one whose verdict
// depends on the request and is worked out each time.
const (
	plainPolicy       = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:*","Resource":"*"}]}`
	conditionalPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:Invoke*","Resource":"arn:aws:lambda:*:*:function:h*","Condition":{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}},{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}}]}`
)

// identity measures the CPU that who and may cost of a warm invoke: the access key,
// the signature over header and body, and the verdict of the policies, in this
// process, with no network between. The floor is what AWS's own signer needs to
// compute the one signature.
func (b *bench) identity(ctx context.Context) error {
	s, err := iam.Open(ctx, iam.Config{
		Store: mem.New(), KeyFile: filepath.Join(b.scratch, "identity-key"), Account: "000000000000", TestKeys: true,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	defer s.Close()
	body := []byte(`{"key":"value"}`)
	sum := sha256.Sum256(body)
	request := func(key aws.Credentials) (*http.Request, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost,
			"http://127.0.0.1:4566/2015-03-31/functions/hello/invocations", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/json")
		return req, v4.NewSigner().SignHTTP(ctx, key, req, hex.EncodeToString(sum[:]), "lambda", "us-east-1", time.Now())
	}
	floor, err := cpuEach(b.count(proofs), func() error {
		_, err := request(aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"})
		return err
	})
	if err != nil {
		return err
	}
	b.rep.add("floor: AWS's signer makes the request", "", micros("CPU", floor))
	verifier := sigv4.NewVerifier()
	for _, caller := range []struct{ name, document string }{
		{"root", ""}, {"user, plain policy", plainPolicy}, {"user, conditions on the request", conditionalPolicy},
	} {
		key := aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}
		if caller.document != "" {
			if key, err = benchUser(ctx, s, fmt.Sprintf("user%d", len(caller.name)), caller.document); err != nil {
				return err
			}
		}
		req, err := request(key)
		if err != nil {
			return err
		}
		prove := func() error {
			claim, err := sigv4.Parse(req)
			if err != nil {
				return err
			}
			if err := claim.CheckTime(time.Now()); err != nil {
				return err
			}
			who, err := s.Lookup(ctx, claim.AccessKeyID, claim.SessionToken)
			if err != nil {
				return err
			}
			if err := verifier.Verify(req, &claim, who.SecretAccessKey, body); err != nil {
				return err
			}
			who.Caller.Region, who.Caller.SourceIP = "us-east-1", "127.0.0.1"
			return s.Authorize(ctx, who.Caller, "lambda:InvokeFunction", "arn:aws:lambda:us-east-1:000000000000:function:hello")
		}
		each, err := cpuEach(b.count(proofs), prove)
		if err != nil {
			return fmt.Errorf("%s: %w", caller.name, err)
		}
		b.rep.add("signature and verdict, "+caller.name, "≤ 25 µs", micros("CPU", each), figure{"× floor", float64(each) / float64(floor), ""})
	}
	return nil
}

// benchUser makes a user with a policy and a key.
func benchUser(ctx context.Context, s *iam.Service, name, document string) (aws.Credentials, error) {
	ctx = lambda.WithCaller(ctx, lambda.Caller{Kind: lambda.PrincipalRoot, Account: "000000000000", ARN: "arn:aws:iam::000000000000:root"})
	var key aws.Credentials
	for _, op := range s.IAM().Operations {
		var in any
		switch op.Name {
		case "CreateUser":
			in = &awsiam.CreateUserInput{UserName: &name}
		case "PutUserPolicy":
			in = &awsiam.PutUserPolicyInput{UserName: &name, PolicyName: new("bench"), PolicyDocument: &document}
		case "CreateAccessKey":
			in = &awsiam.CreateAccessKeyInput{UserName: &name}
		default:
			continue
		}
		out, err := op.Call(ctx, in)
		if err != nil {
			return key, fmt.Errorf("%s: %w", op.Name, err)
		}
		if made, ok := out.(*awsiam.CreateAccessKeyOutput); ok {
			key = aws.Credentials{AccessKeyID: *made.AccessKey.AccessKeyId, SecretAccessKey: *made.AccessKey.SecretAccessKey}
		}
	}
	return key, nil
}

// cpuEach is the CPU time of this process that one of n calls takes, garbage
// collection included.
func cpuEach(n int, f func() error) (time.Duration, error) {
	for range n / 10 { // caches fill
		if err := f(); err != nil {
			return 0, err
		}
	}
	before, err := cpuTime()
	if err != nil {
		return 0, err
	}
	for range n {
		if err := f(); err != nil {
			return 0, err
		}
	}
	after, err := cpuTime()
	return (after - before) / time.Duration(n), err
}

func cpuTime() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("read the CPU time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
