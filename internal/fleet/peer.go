package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// What environments on a worker need of the control process.

// Open meets Packages: a package's bytes as they come. The reader verifies them.
func (a *Agent) Open(ctx context.Context, digest lambda.CodeDigest) (io.ReadSeekCloser, error) {
	resp, err := a.send(ctx, http.MethodGet, "packages/"+string(digest), nil)
	if err != nil {
		return nil, fmt.Errorf("fetch package %s: %w", digest, err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, fmt.Errorf("fetch package %s: %w", digest, answeredError(resp))
	}
	return onceReader{resp.Body}, nil
}

// onceReader is read from its beginning to its end.
type onceReader struct{ io.ReadCloser }

// Seek has nothing to seek in.
func (onceReader) Seek(int64, int) (int64, error) { return 0, errors.ErrUnsupported }

// MintFunctionSession meets Roles.
func (a *Agent) MintFunctionSession(ctx context.Context, roleARN string, f lambda.FunctionID, d time.Duration) (c lambda.Credentials, err error) {
	text, err := json.Marshal(credentialsRequest{roleARN, f, d})
	if err != nil {
		return c, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerSlack)
	defer cancel()
	resp, err := a.send(ctx, http.MethodPost, "credentials", bytes.NewReader(text))
	if err != nil {
		return c, fmt.Errorf("ask for credentials of %s: %w", roleARN, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return c, fmt.Errorf("ask for credentials of %s: %w", roleARN, answeredError(resp))
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, errorTextMax)).Decode(&c); err != nil {
		return c, fmt.Errorf("read credentials of %s: %w", roleARN, err)
	}
	return c, nil
}

// OpenLog meets Logs. Lines wait for the control process; the oldest are lost when there
// are too many.
func (a *Agent) OpenLog(_ context.Context, stream LogStream, as lambda.Credentials) (LogWriter, error) {
	return a.logs.open(stream, as), nil
}

// API passes AWS API calls of code in the environments on to the control process, as
// they are: their signatures cover host, path and query.
func (a *Agent) API() http.Handler {
	return &httputil.ReverseProxy{
		Transport: a.cfg.Client.Control(),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "https", a.cfg.Client.Control().Addr()
			r.Out.URL.RawPath = APIPrefix + r.In.URL.EscapedPath()
			r.Out.URL.Path = APIPrefix + r.In.URL.Path
			r.Out.URL.RawQuery = r.In.URL.RawQuery
			r.Out.Host = r.In.Host
			for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
				if v := r.In.Header.Values(name); v != nil {
					r.Out.Header[name] = v
				}
			}
		},
		FlushInterval: -1, // answers may be streams
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			a.cfg.Log.WarnContext(r.Context(), "an AWS API call did not reach the control process", "error", err)
			http.Error(w, "the control process cannot be reached", http.StatusServiceUnavailable)
		},
	}
}
