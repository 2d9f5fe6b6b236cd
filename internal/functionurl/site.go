package functionurl

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/httpevent"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// Functions finds what a URL reaches (the control plane meets it).
type Functions interface {
	URL(id string) (Target, bool)
}

// Target is what a function URL reaches and on what terms.
type Target struct {
	Function  lambda.FunctionID
	Qualifier string // the alias, empty for the function itself
	// IAM says that callers need a signature and a permission (AuthType AWS_IAM).
	IAM bool
	// Streaming passes the answer on as it is written (InvokeMode RESPONSE_STREAM).
	Streaming bool
	Cors      *httpevent.Cors // nil when there are no rules
}

// Signatures proves who signed a request (the edge's Authenticator meets it).
type Signatures interface {
	Caller(r *http.Request, service, region string, body []byte, id lambda.RequestID) (lambda.Caller, error)
}

// Authorizer says whether a caller may (iam meets it).
type Authorizer interface {
	Authorize(ctx context.Context, c lambda.Caller, action, resource string) error
}

// Invoker runs functions (node adapts the frontend). Functions that failed are
// results; refusals are *lambda.Error.
type Invoker interface {
	Invoke(ctx context.Context, c Call) (lambda.Result, error)
	// InvokeStream passes the answer to sink as it comes.
	InvokeStream(ctx context.Context, c Call, sink lambda.Sink) (lambda.Result, error)
}

// Call is one invoke through a URL.
type Call struct {
	Caller      lambda.Caller
	FunctionARN string // with the alias, if there is one
	TraceID     string
	Payload     []byte
}

// Config is what a Site asks of its peers. All members are required.
type Config struct {
	Functions  Functions
	Signatures Signatures
	Authorizer Authorizer
	Invoker    Invoker
	// Answered hears of every request to a URL that exists. May be nil.
	Answered func(t Target, status int, took time.Duration)
	Now      func() time.Time
	Log      *slog.Logger
}

// Site serves every function URL of a node.
type Site struct{ cfg Config }

// New makes a Site. It starts nothing.
func New(cfg Config) *Site { return &Site{cfg} }

// pathPrefix is where URLs are where names below localhost do not resolve:
// /_aws/lambda-url/<id>/….
const pathPrefix = "/_aws/lambda-url/"

// hostLabel is the second label of a URL's host: <id>.lambda-url.<region>.….
const hostLabel = ".lambda-url."

// Serves says whether a request came to an address of a function URL.
func (s *Site) Serves(r *http.Request) bool {
	return strings.Contains(r.Host, hostLabel) || strings.HasPrefix(r.URL.Path, pathPrefix)
}

// address is where a request came to.
type address struct {
	id     string
	region string // empty in a path, which does not name it
	path   string // decoded, as the function sees it
}

// parse takes the address of a request that Serves apart.
func parse(r *http.Request) address {
	if id, rest, ok := strings.Cut(r.Host, hostLabel); ok {
		region, _, _ := strings.Cut(rest, ".")
		return address{id: strings.ToLower(id), region: strings.ToLower(region), path: rooted(r.URL.Path)}
	}
	id, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, pathPrefix), "/")
	return address{id: id, path: "/" + path}
}

func rooted(path string) string {
	if !strings.HasPrefix(path, "/") {
		return "/" + path // OPTIONS * and the like
	}
	return path
}

// exchange is one request and what is known of it.
type exchange struct {
	*Site
	w      http.ResponseWriter
	r      *http.Request
	id     lambda.RequestID
	at     address
	target Target
	caller lambda.Caller
	body   []byte
	trace  string
}

// ServeHTTP answers one call of a function URL.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{Site: s, w: w, r: r, id: lambda.NewRequestID(), at: parse(r)}
	w.Header().Set("X-Amzn-Requestid", string(x.id))
	target, ok := s.cfg.Functions.URL(x.at.id)
	if !ok || x.at.region != "" && x.at.region != target.Function.Region {
		refuse(w, http.StatusForbidden, lambda.CodeAccessDenied, `{"Message":null}`)
		return
	}
	x.target = target
	if s.cfg.Answered != nil {
		answer := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		began := s.cfg.Now()
		defer func() { s.cfg.Answered(target, answer.status, s.cfg.Now().Sub(began)) }()
		x.w, w = answer, answer
	}
	if target.Cors.Preflight(w.Header(), r) {
		w.WriteHeader(http.StatusOK)
		return
	}
	if err := x.receive(); err != nil {
		x.fail(err)
		return
	}
	x.invoke()
}

// receive reads the body, establishes the caller and asks whether they may.
func (x *exchange) receive() error {
	x.trace = httpevent.TraceID(x.r, x.cfg.Now())
	body, err := readBody(x.r)
	if err != nil {
		return err
	}
	x.body = body
	if x.caller, err = x.establish(); err != nil {
		return err
	}
	return x.cfg.Authorizer.Authorize(x.r.Context(), x.caller, "lambda:InvokeFunctionUrl", x.arn())
}

func (x *exchange) arn() string { return x.target.Function.QualifiedARN(x.target.Qualifier) }

// establish finds out who calls: whoever signed, or nobody in particular.
func (x *exchange) establish() (lambda.Caller, error) {
	region := x.target.Function.Region
	if x.target.IAM {
		c, err := x.cfg.Signatures.Caller(x.r, "lambda", region, x.body, x.id)
		c.FunctionURLAuth = "AWS_IAM"
		return c, err
	}
	c := lambda.Caller{
		Kind: lambda.PrincipalAnonymous, ARN: "anonymous", Region: region, RequestID: x.id,
		SourceIP: x.r.RemoteAddr, UserAgent: x.r.UserAgent(), BaseURL: "http://" + x.r.Host, FunctionURLAuth: "NONE",
	}
	if host, _, err := net.SplitHostPort(x.r.RemoteAddr); err == nil {
		c.SourceIP = host
	}
	if x.r.TLS != nil {
		c.BaseURL = "https://" + x.r.Host
	}
	return c, nil
}

// call is the invoke that the request becomes.
func (x *exchange) call() (Call, error) {
	payload, err := marshal(x.event())
	if err != nil {
		return Call{}, fmt.Errorf("encode the event: %w", err)
	}
	if len(payload) > lambda.PayloadMax {
		return Call{}, errTooLarge
	}
	return Call{Caller: x.caller, FunctionARN: x.arn(), TraceID: x.trace, Payload: payload}, nil
}

// event is what the function sees: payload format 2.0.
func (x *exchange) event() *httpevent.V2 {
	req := httpevent.Request{
		HTTP: x.r, Body: x.body, Path: x.at.path, RequestID: string(x.id), TraceID: x.trace, Time: x.cfg.Now(),
		Account: "anonymous", APIID: x.at.id, Domain: x.domain(), Stage: "$default", RouteKey: "$default", Signed: x.target.IAM,
	}
	var who *httpevent.V2Authorizer
	if x.target.IAM {
		req.Account = x.caller.Account
		who = &httpevent.V2Authorizer{IAM: &httpevent.V2IAM{
			AccessKey: x.caller.AccessKeyID, AccountID: x.caller.Account, CallerID: x.caller.UserID,
			UserARN: x.caller.ARN, UserID: x.caller.UserID,
		}}
	}
	return req.V2(who)
}

// domain is the URL's host name, also for requests that came by the path.
func (x *exchange) domain() string {
	if x.at.region == "" {
		return x.at.id + hostLabel + x.target.Function.Region + ".localhost"
	}
	if host, _, err := net.SplitHostPort(x.r.Host); err == nil {
		return host
	}
	return x.r.Host
}

// fail answers with an error. What is a fault of ours is logged here, once.
func (x *exchange) fail(err error) {
	known, ok := errors.AsType[*lambda.Error](err)
	if !ok {
		x.cfg.Log.ErrorContext(x.r.Context(), "a function URL failed",
			"request_id", x.id, "function_arn", x.target.Function.ARN(), "error", err)
		known = lambda.Errorf(lambda.CodeService, "")
	}
	x.target.Cors.Apply(x.w.Header(), x.r)
	status, body := refusal(known)
	refuse(x.w, status, known.Code, body)
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader meets http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
