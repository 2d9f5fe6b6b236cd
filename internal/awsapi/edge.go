package awsapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/awsapi/sigv4"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
	"github.com/hearthfaas/hearth/internal/wire/constraint"
)

// Config is what the edge is made of. All but CodeHandler are required.
type Config struct {
	// Services are the services that it answers for, told apart by the service
	// name in a request's credential scope. A service without Errors gets the
	// table of this package.
	Services   []*wire.Service
	Identities Identities
	Authorizer Authorizer
	Invoker    Invoker
	// Region stands in where a request names none.
	Region string
	Now    func() time.Time
	Log    *slog.Logger
	// CodeHandler answers GET /_hearth/code/…, the presigned links to packages.
	// Nil answers 404.
	CodeHandler http.Handler
	// Metrics answers GET /_hearth/metrics to whoever asks. Nil answers 404.
	Metrics http.Handler
	// Own is Hearth's own API. May be nil.
	Own OwnAPI
	// Sites answer at addresses of their own, before anything else. May be nil.
	Sites []Site
	// Handlers are the services that speak for themselves, by the name in a
	// request's credential scope. May be nil.
	Handlers map[string]Handler
}

// Edge is the http.Handler of the one port that AWS clients use.
type Edge struct {
	cfg      Config
	verifier *sigv4.Verifier
	// services are those served, by the name that clients sign for. Some share one.
	services map[string][]*service
	// strangers answer requests of services that are not served, each in the
	// protocol that the request speaks.
	strangers map[wire.Protocol]*wire.Codec
}

// service is a codec with the constraints of the service's model.
type service struct {
	codec       *wire.Codec
	constraints *constraint.Model
}

// errorTables are the tables of services that bring none.
var errorTables = map[string]map[string]wire.ErrorShape{
	"lambda": LambdaErrors,
	"logs":   LogsErrors,
	"iam":    IAMErrors,
	"sts":    STSErrors,
}

// New makes an Edge. It fails when something required is missing or an operation
// has no form on the wire. It starts nothing.
func New(cfg Config) (*Edge, error) {
	var missing []string
	for name, absent := range map[string]bool{
		"Identities": cfg.Identities == nil, "Authorizer": cfg.Authorizer == nil, "Invoker": cfg.Invoker == nil,
		"Now": cfg.Now == nil, "Log": cfg.Log == nil, "Region": cfg.Region == "",
	} {
		if absent {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		return nil, fmt.Errorf("awsapi: the configuration lacks %s", strings.Join(missing, ", "))
	}
	e := &Edge{
		cfg:       cfg,
		verifier:  sigv4.NewVerifier(),
		services:  map[string][]*service{},
		strangers: map[wire.Protocol]*wire.Codec{},
	}
	for _, s := range cfg.Services {
		withErrors := *s
		if withErrors.Errors == nil {
			withErrors.Errors = errorTables[s.Name]
		}
		codec, err := wire.NewCodec(&withErrors)
		if err != nil {
			return nil, fmt.Errorf("service %s: %w", s.Name, err)
		}
		name, model := codec.Service().SigningName, codec.Service().Model
		if slices.ContainsFunc(e.services[name], func(s *service) bool { return s.codec.Service().Model == model }) {
			return nil, fmt.Errorf("awsapi: service %s is registered twice", model)
		}
		e.services[name] = append(e.services[name], &service{codec: codec, constraints: constraint.For(model)})
	}
	for _, p := range []wire.Protocol{wire.RestJSON1, wire.AWSJSON11, wire.AWSQuery, wire.RPCv2CBOR} {
		codec, err := wire.NewCodec(&wire.Service{Protocol: p, Errors: nil})
		if err != nil {
			return nil, err
		}
		e.strangers[p] = codec
	}
	if _, ok := e.services["lambda"]; !ok {
		codec, err := wire.NewCodec(&wire.Service{Name: "lambda", Protocol: wire.RestJSON1, Errors: LambdaErrors})
		if err != nil {
			return nil, err
		}
		e.services["lambda"] = []*service{{codec: codec, constraints: constraint.For("lambda")}}
	}
	return e, nil
}

// ServeHTTP answers one request. A panic in an operation ends that request with a
// 500 and nothing else.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := e.handlerFor(r); h != nil {
		h.ServeHTTP(w, r)
		return
	}
	if rest, own := strings.CutPrefix(r.URL.Path, ownPrefix); own {
		e.serveOwn(w, r, rest)
		return
	}
	id := lambda.NewRequestID()
	w.Header()[requestIDHeader] = []string{string(id)}
	x := &exchange{edge: e, w: w, r: r, id: id}
	defer x.recover()
	if name, ok := invokePath(r); ok {
		x.invoke(name)
		return
	}
	if name, ok := streamPath(r); ok {
		x.invokeStream(name)
		return
	}
	x.operation()
}

// requestIDHeader is x-amzn-RequestId as net/http spells it; AWS clients compare
// header names without case.
const requestIDHeader = "X-Amzn-Requestid"

// exchange is one request on its way through the edge.
type exchange struct {
	edge *Edge
	w    http.ResponseWriter
	r    *http.Request
	id   lambda.RequestID
	// codec speaks the protocol of the service; set once that is known.
	codec *wire.Codec
	// done says that the answer has begun.
	done bool
	// carried is set when the payload is in another process.
	carried *lambda.Carried
}

// recover turns a panic into a 500. http.ErrAbortHandler is net/http's own way to
// drop a connection and passes through.
func (x *exchange) recover() {
	p := recover()
	if p == nil {
		return
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	x.edge.cfg.Log.ErrorContext(x.r.Context(), "operation panicked",
		"request_id", x.id, "path", x.r.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	if !x.done {
		x.answerError(internalFault)
	}
}

// internalFault is all that a caller learns of a fault of Hearth's.
var internalFault = &lambda.Error{
	Code:    lambda.CodeService,
	Message: "An internal error occurred. The log of Hearth has the details under the request id.",
}

// fail answers with err: a *lambda.Error as it is, anything else as a fault of
// ours, logged here once with its whole chain.
func (x *exchange) fail(ctx context.Context, err error) {
	var e *lambda.Error
	if !errors.As(err, &e) {
		x.edge.cfg.Log.ErrorContext(ctx, "request failed",
			"request_id", x.id, "method", x.r.Method, "path", x.r.URL.Path, "error", err)
		e = internalFault
	}
	x.answerError(e)
}

func (x *exchange) answerError(e *lambda.Error) {
	codec := x.codec
	if codec == nil {
		codec = x.edge.guessCodec(x.r)
	}
	x.done = true
	if e.Authorization != "" {
		x.w.Header().Set(authorizationMessageHeader, e.Authorization)
	}
	codec.WriteError(x.w, string(x.id), e)
}

// authorizationMessageHeader carries what sts:DecodeAuthorizationMessage opens. AWS
// has no such header: the few services of its own that encode refusals put them into
// the text, which tools compare.
const authorizationMessageHeader = "X-Hearth-Authorization-Message"

// guessCodec picks the protocol for an answer to a request of which no service is
// known, because it carries no credential scope or one of a stranger.
func (e *Edge) guessCodec(r *http.Request) *wire.Codec {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		for _, sharing := range e.services {
			for _, s := range sharing {
				if prefix := s.codec.Service().TargetPrefix; prefix != "" && strings.HasPrefix(target, prefix+".") {
					return s.codec.For(r)
				}
			}
		}
		return e.strangers[wire.AWSJSON11]
	}
	if wire.SpeaksCBOR(r) {
		return e.strangers[wire.RPCv2CBOR]
	}
	if wire.SpeaksQuery(r) {
		return e.strangers[wire.AWSQuery]
	}
	return e.services["lambda"][0].codec
}

// serviceOf finds the service of a request by the name that it was signed for and, when
// several share that name, by what the request asks for.
func (e *Edge) serviceOf(signedFor string, r *http.Request) (*service, bool) {
	sharing := e.services[signedFor]
	for _, s := range sharing {
		if len(sharing) == 1 || s.codec.Claims(r) {
			return s.speaking(r), true
		}
	}
	if len(sharing) == 0 {
		return nil, false
	}
	return sharing[0].speaking(r), true
}

// speaking is the service with the codec of the request's protocol.
func (s *service) speaking(r *http.Request) *service {
	codec := s.codec.For(r)
	if codec == s.codec {
		return s
	}
	return &service{codec: codec, constraints: s.constraints}
}
