package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"golang.org/x/sync/errgroup"

	"github.com/hearthfaas/hearth/internal/harness"
)

// populations are how many functions there are when something is measured.
var populations = []int{10, 1000, 10_000}

const (
	// creators are the clients that make functions at the same time.
	creators = 16
	// lookups is how often each operation is measured.
	lookups = 400
	// functionsMax bounds the suite: on a machine where it takes longer, it stops at
	// the population that it has reached.
	functionsMax = 2 * time.Minute
)

// functions measures what the number of functions costs: the operations on one of
// them, and the start of the process that has to load them all.
func (b *bench) functions(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, functionsMax)
	defer cancel()
	h, err := b.up(ctx, "functions")
	if err != nil {
		return err
	}
	defer func() {
		if h != nil {
			_ = h.Stop()
		}
	}()
	in, err := sharedFunction(ctx, h)
	if err != nil {
		return err
	}
	have := 0
	for _, want := range populations {
		want = b.count(want)
		began := time.Now()
		if err := createFunctions(ctx, h, in, have, want); err != nil {
			return fmt.Errorf("with %d functions: %w", have, err)
		}
		each := time.Since(began) / time.Duration(max(1, want-have))
		have = want
		pages, err := markers(ctx, h)
		if err != nil {
			return fmt.Errorf("list %d functions: %w", have, err)
		}
		figures := []figure{micros("create, 16 at a time", each)}
		for _, m := range []struct {
			name    string
			request func(i int) (*http.Request, error)
		}{
			{"list a page", func(i int) (*http.Request, error) {
				return h.signed(ctx, http.MethodGet, "/2015-03-31/functions?Marker="+url.QueryEscape(pages[i%len(pages)]), nil)
			}},
			{"GetFunction", func(i int) (*http.Request, error) {
				return h.signed(ctx, http.MethodGet, "/2015-03-31/functions/"+numbered(i), nil)
			}},
			{"Invoke, dry run", func(i int) (*http.Request, error) {
				return h.signed(ctx, http.MethodPost, "/2015-03-31/functions/"+numbered(i)+"/invocations", http.Header{"X-Amz-Invocation-Type": {"DryRun"}})
			}},
		} {
			times, err := timed(have, m.request)
			if err != nil {
				return fmt.Errorf("%s with %d functions: %w", m.name, have, err)
			}
			figures = append(figures, micros(m.name, quantile(times, 0.5)), micros(m.name+", p99", quantile(times, 0.99)))
		}
		rss, err := resident(h.PID())
		if err != nil {
			return err
		}
		// The process starts anew for the next population, and shows what loading costs.
		if err := h.Stop(); err != nil {
			return err
		}
		if h, err = b.up(ctx, "functions"); err != nil {
			return err
		}
		if err := wait(ctx, 2*time.Second); err != nil { // until it has given back what the start needed
			return err
		}
		again, err := resident(h.PID())
		if err != nil {
			return err
		}
		figures = append(figures, millis("start", h.ReadyAfter), megabytes("resident", float64(rss)), megabytes("after start", float64(again)))
		b.rep.add(fmt.Sprintf("%d functions", have), "", figures...)
	}
	return nil
}

// numbered is the name of one of the functions.
func numbered(i int) string { return fmt.Sprintf("function-%05d", i) }

// sharedFunction is the request that all functions are made with, but for the name.
func sharedFunction(ctx context.Context, h *hearth) (*lambda.CreateFunctionInput, error) {
	role, err := iam.NewFromConfig(h.aws).CreateRole(ctx, &iam.CreateRoleInput{
		RoleName:                 new("functions"),
		AssumeRolePolicyDocument: new(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
	})
	if err != nil {
		return nil, fmt.Errorf("make the role: %w", err)
	}
	zip, err := harness.ZipFiles(map[string]string{"bootstrap": "#!/bin/sh\n"})
	if err != nil {
		return nil, err
	}
	return &lambda.CreateFunctionInput{
		Runtime: types.RuntimeProvidedal2023, Handler: new("bootstrap"), Role: role.Role.Arn,
		Code: &types.FunctionCode{ZipFile: zip}, Environment: &types.Environment{Variables: map[string]string{"STAGE": "bench"}},
	}, nil
}

// createFunctions makes the functions from have up to want.
func createFunctions(ctx context.Context, h *hearth, shared *lambda.CreateFunctionInput, have, want int) error {
	c := lambda.NewFromConfig(h.aws)
	var next atomic.Int64
	next.Store(int64(have))
	g, making := errgroup.WithContext(ctx)
	for range creators {
		g.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= want {
					return nil
				}
				in := *shared
				in.FunctionName = new(numbered(i))
				if _, err := c.CreateFunction(making, &in); err != nil {
					return err
				}
			}
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	// The last one is Active once all before it are, or nearly so.
	return lambda.NewFunctionActiveV2Waiter(c, func(o *lambda.FunctionActiveV2WaiterOptions) { o.MinDelay = 10 * time.Millisecond }).
		Wait(ctx, &lambda.GetFunctionInput{FunctionName: new(numbered(want - 1))}, functionsMax)
}

// markers are where the pages of ListFunctions begin, the first left out unless it
// is the only one.
func markers(ctx context.Context, h *hearth) ([]string, error) {
	var all []string
	pages := lambda.NewListFunctionsPaginator(lambda.NewFromConfig(h.aws), &lambda.ListFunctionsInput{})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		if out.NextMarker != nil {
			all = append(all, *out.NextMarker)
		}
	}
	if len(all) == 0 {
		all = append(all, "")
	}
	return all, nil
}

// timed sends requests about random functions one after the other, signed before,
// and returns how long each took, sorted.
func timed(have int, request func(i int) (*http.Request, error)) ([]time.Duration, error) {
	requests := make([]*http.Request, lookups)
	for i := range requests {
		r, err := request(rand.IntN(have))
		if err != nil {
			return nil, err
		}
		requests[i] = r
	}
	times := make([]time.Duration, 0, lookups)
	for _, r := range requests {
		began := time.Now()
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return nil, err
		}
		_, err = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if err == nil && res.StatusCode >= http.StatusBadRequest {
			err = fmt.Errorf("%s %s: %s", r.Method, r.URL.Path, res.Status)
		}
		if err != nil {
			return nil, err
		}
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	return times, nil
}

// signed is a request without a body, with its signature.
func (h *hearth) signed(ctx context.Context, method, path string, header http.Header) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, h.Endpoint+path, nil)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	maps.Copy(r.Header, header)
	keys, err := h.aws.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	empty := sha256.Sum256(nil)
	if err := v4.NewSigner().SignHTTP(ctx, keys, r, hex.EncodeToString(empty[:]), "lambda", harness.Region, time.Now()); err != nil {
		return nil, fmt.Errorf("sign the request: %w", err)
	}
	return r, nil
}
