// Package door has what HTTP APIs and REST APIs share in answering requests: running
// functions as integrations and as authorizers, remembering what authorizers said,
// forwarding to other servers, checking tokens, and limits on rates.
//
// It decides none of the answers: what an error looks like and which integration a
// request reaches are httpapi's and restapi's.
package door

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Peers are the parts of the node that a door needs. All are required.
type Peers struct {
	Invoker    Invoker
	Authorizer Authorizer
	Signatures Signatures
	Policies   Policies
	Keys       Keys
	// Client forwards requests of HTTP_PROXY integrations.
	Client *http.Client
	Now    func() time.Time
	Log    *slog.Logger
}

// Invoker runs functions (node adapts the frontend). Functions that failed are
// results; refusals are *lambda.Error.
type Invoker interface {
	Invoke(ctx context.Context, c lambda.Caller, functionARN, traceID string, payload []byte) (lambda.Result, error)
	// As is a role as a caller, for integrations that name one: when it trusts API
	// Gateway on behalf of an API.
	As(ctx context.Context, api API, source, roleARN string) (lambda.Caller, error)
}

// Authorizer says whether a caller may (iam meets it through node).
type Authorizer interface {
	// AuthorizeWith is asked with the policy of the resource, empty if it has none.
	AuthorizeWith(ctx context.Context, c lambda.Caller, action, resource, resourcePolicy string) error
}

// Signatures proves who signed a request (the edge's Authenticator meets it).
type Signatures interface {
	Caller(r *http.Request, service, region string, body []byte, id lambda.RequestID) (lambda.Caller, error)
}

// Policies evaluates the documents that authorizers return.
type Policies interface {
	// Allows says whether a document allows an action; the error says that it is none.
	Allows(document, action, resource string, keys map[string][]string) (allowed, denied bool, err error)
}

// Keys checks the signatures of tokens with the keys of their issuers.
type Keys interface {
	// Verify returns the payload of a token whose signature is the issuer's.
	Verify(ctx context.Context, issuer, token string) ([]byte, error)
}

// Door runs what APIs reach.
type Door struct {
	Peers
	running sync.WaitGroup // invokes that outlive their request

	Verdicts *Verdicts
	Buckets  *Buckets
}

// New makes a Door. It starts nothing.
func New(p Peers) *Door {
	return &Door{Peers: p, Verdicts: newVerdicts(), Buckets: newBuckets()}
}

// Wait returns when every invoke that outlived its request has ended.
func (d *Door) Wait() { d.running.Wait() }

// ErrTimeout says that an integration took longer than it may.
var ErrTimeout = errors.New("integration timed out")

// Call is an invoke on behalf of an API.
type Call struct {
	API     API
	Source  string // the ARN that the function's policy is asked about
	Role    string // credentials of the integration, empty for the service itself
	ID      lambda.RequestID
	TraceID string
	Timeout time.Duration
}

// API is where an API is.
type API struct{ Account, Region, ID string }

// ARN is the ARN by which policies know requests to an API: of a stage, method and
// path.
func (a API) ARN(stage, method, path string) string {
	return "arn:aws:execute-api:" + a.Region + ":" + a.Account + ":" + a.ID + "/" + stage + "/" + method + "/" + strings.TrimPrefix(path, "/")
}

// service is the principal of API Gateway.
const service = "apigateway.amazonaws.com"

// caller is who invokes: the service on behalf of the API, or the integration's role.
func (d *Door) caller(ctx context.Context, c *Call) (lambda.Caller, error) {
	if c.Role != "" {
		who, err := d.Invoker.As(ctx, c.API, c.Source, c.Role)
		who.Region, who.RequestID = c.API.Region, c.ID
		return who, err
	}
	return lambda.Caller{
		Kind: lambda.PrincipalService, ARN: service, Account: c.API.Account, Region: c.API.Region,
		RequestID: c.ID, SourceARN: c.Source, SourceAccount: c.API.Account,
	}, nil
}

// Invoke runs a function and waits for it as long as the call may take. The function
// goes on when it takes longer.
func (d *Door) Invoke(ctx context.Context, c Call, functionARN string, payload []byte) (lambda.Result, error) {
	who, err := d.caller(ctx, &c)
	if err != nil {
		return lambda.Result{}, err
	}
	type outcome struct {
		result lambda.Result
		err    error
	}
	done := make(chan outcome, 1)
	ctx = lambda.WithCaller(ctx, who)
	d.running.Go(func() {
		o := outcome{err: errors.New("the invoke panicked")}
		defer func() {
			if p := recover(); p != nil { // as on the request's own goroutine, it ends the request only
				d.Log.ErrorContext(ctx, "an invoke panicked", "request_id", c.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			}
			done <- o
		}()
		o.result, o.err = d.Invoker.Invoke(context.WithoutCancel(ctx), who, functionARN, c.TraceID, payload)
	})
	timer := time.NewTimer(c.Timeout)
	defer timer.Stop()
	select {
	case o := <-done:
		return o.result, o.err
	case <-timer.C:
		return lambda.Result{}, ErrTimeout
	}
}

// FunctionARN is the function that an integration or authorizer URI names: a function's
// ARN, or the path of the Invoke API with one in it.
func FunctionARN(uri string) (string, bool) {
	if _, rest, ok := strings.Cut(uri, ":lambda:path/"); ok {
		_, rest, _ = strings.Cut(rest, "/functions/")
		arn, _, ok := strings.Cut(rest, "/invocations")
		if !ok {
			arn, _, ok = strings.Cut(rest, "/response-streaming-invocations")
		}
		return arn, ok && strings.HasPrefix(arn, "arn:")
	}
	return uri, strings.HasPrefix(uri, "arn:") && strings.Contains(uri, ":lambda:") && strings.Contains(uri, ":function:")
}

// Variables puts stage variables into a text: ${stageVariables.name}.
func Variables(text string, vars map[string]string) string {
	const open = "${stageVariables."
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, open)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, after, _ := strings.Cut(rest, "}")
		b.WriteString(vars[name])
		text = after
	}
}
