package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/hearthfaas/hearth/internal/apigateway/door"
	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
	"github.com/hearthfaas/hearth/internal/httpevent"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// Find finds an API by its ID, whoever owns it.
func (s *Service) Find(id string) (*shelf.Entry[Document], bool) { return s.apis.Find(id) }

// exchange is one request to an API and what is known of it.
type exchange struct {
	*Service
	w      http.ResponseWriter
	r      *http.Request
	e      *shelf.Entry[Document]
	api    door.API
	domain string
	id     string // in the form of API Gateway's
	invoke lambda.RequestID
	trace  string
	now    time.Time
	cors   *httpevent.Cors

	stage  types.Stage
	path   string // percent-encoded, without the stage
	route  *route
	params map[string]string
	body   []byte
	// who the route's authorizer found the caller to be
	who authorized
}

// failure is an answer that the API gives instead of its integration.
type failure struct {
	status  int
	message string
	header  map[string]string
}

func (f *failure) Error() string { return strconv.Itoa(f.status) + " " + f.message }

// The answers of HTTP APIs that need no function.
var (
	errNotFound     = &failure{status: http.StatusNotFound, message: "Not Found"}
	errForbidden    = &failure{status: http.StatusForbidden, message: "Forbidden"}
	errTooLarge     = &failure{status: http.StatusRequestEntityTooLarge, message: "Request Entity Too Large"}
	errThrottled    = &failure{status: http.StatusTooManyRequests, message: "Too Many Requests"}
	errInternal     = &failure{status: http.StatusInternalServerError, message: "Internal Server Error"}
	errUnavailable  = &failure{status: http.StatusServiceUnavailable, message: "Service Unavailable"}
	errBadRequest   = &failure{status: http.StatusBadRequest, message: "Bad Request"}
	errUnauthorized = &failure{status: http.StatusUnauthorized, message: "Unauthorized", header: map[string]string{"Www-Authenticate": "Bearer"}}
)

// Serve answers a request to an API. path is percent-encoded and begins with the
// stage, unless that is $default.
func (s *Service) Serve(w http.ResponseWriter, r *http.Request, e *shelf.Entry[Document], domain, path string) {
	x := &exchange{
		Service: s, w: w, r: r, e: e, domain: domain, id: httpevent.NewID(), invoke: lambda.NewRequestID(), now: s.cfg.Now(),
		api: door.API{Account: e.Account, Region: e.Region, ID: e.ID}, cors: corsOf(e.Doc.API.CorsConfiguration),
	}
	x.trace = httpevent.TraceID(r, x.now)
	w.Header().Set("Apigw-Requestid", x.id)
	if x.cors.Preflight(w.Header(), r) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	res, err := x.answer(path)
	if err != nil {
		x.fail(err)
		return
	}
	res.WriteHead(w.Header())
	x.cors.Apply(w.Header(), r)
	if r.Method == http.MethodHead {
		res.Body = nil
	}
	(&httpevent.Response{Status: res.Status, Body: res.Body}).Write(w)
}

func corsOf(c *types.Cors) *httpevent.Cors {
	if c == nil {
		return nil
	}
	return &httpevent.Cors{
		AllowCredentials: aws.ToBool(c.AllowCredentials), AllowHeaders: c.AllowHeaders, AllowMethods: c.AllowMethods,
		AllowOrigins: c.AllowOrigins, ExposeHeaders: c.ExposeHeaders, MaxAgeSec: c.MaxAge,
	}
}

// fail answers with an error; what is a fault of ours is logged here, once.
func (x *exchange) fail(err error) {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		x.cfg.Log.ErrorContext(x.r.Context(), "a request to an HTTP API failed",
			"request_id", x.invoke, "api_id", x.e.ID, "error", err)
		f = errInternal
	}
	for name, value := range f.header {
		x.w.Header().Set(name, value)
	}
	x.cors.Apply(x.w.Header(), x.r)
	(&httpevent.Response{
		Status: f.status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: []byte(`{"message":` + strconv.Quote(f.message) + `}`),
	}).Write(x.w)
}

// answer takes the request through the API: stage, route, limits, authorizer,
// integration.
func (x *exchange) answer(path string) (httpevent.Response, error) {
	if aws.ToBool(x.e.Doc.API.DisableExecuteApiEndpoint) {
		return httpevent.Response{}, errNotFound
	}
	if err := x.selectRoute(path); err != nil {
		return httpevent.Response{}, err
	}
	if !x.throttle() {
		return httpevent.Response{}, errThrottled
	}
	var err error
	if x.body, err = door.ReadBody(x.r); errors.Is(err, door.ErrTooLarge) {
		return httpevent.Response{}, errTooLarge
	} else if err != nil {
		return httpevent.Response{}, errBadRequest // the client broke off
	}
	if err := x.authorize(); err != nil {
		return httpevent.Response{}, err
	}
	if x.route.integration == nil {
		return httpevent.Response{}, errInternal
	}
	return x.integrate()
}

// selectRoute finds the stage, its deployment and the route.
func (x *exchange) selectRoute(path string) error {
	name, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	st, ok := x.e.Doc.Stages[name]
	x.path = "/" + rest
	if !ok {
		st, ok = x.e.Doc.Stages[defaultStage]
		x.path = path
	}
	if !ok {
		return errNotFound
	}
	x.stage = st
	dep, ok := x.snapshots.Find(x.e.ID + "." + aws.ToString(st.DeploymentId))
	if !ok {
		return errNotFound
	}
	if x.route, x.params = shelf.Derive(dep, compile).find(x.r.Method, x.path); x.route == nil {
		return errNotFound
	}
	return nil
}

// throttle says whether the route's rate allows one more request.
func (x *exchange) throttle() bool {
	set, own := x.stage.RouteSettings[x.route.key]
	name := x.e.ID + "/" + aws.ToString(x.stage.StageName)
	if own && set.ThrottlingRateLimit != nil {
		name += "/" + x.route.key
	} else if x.stage.DefaultRouteSettings != nil {
		set = *x.stage.DefaultRouteSettings
		name += "/" + x.route.key // the default is each route's own
	}
	if set.ThrottlingRateLimit == nil && set.ThrottlingBurstLimit == nil {
		return true
	}
	rate, burst := float64(rateDefault), burstDefault
	if set.ThrottlingRateLimit != nil {
		rate = *set.ThrottlingRateLimit
	}
	if set.ThrottlingBurstLimit != nil {
		burst = int(*set.ThrottlingBurstLimit)
	}
	if rate == 0 && burst == 0 {
		return true // as Terraform writes what is not set
	}
	return x.cfg.Door.Buckets.Take(name, door.Limit{Rate: rate, Burst: burst}, x.now)
}

// request is what events are made of.
func (x *exchange) request() *httpevent.Request {
	path := unescape(x.path)
	q := &httpevent.Request{
		HTTP: x.r, Body: x.body, Path: path, RequestID: x.id, ExtendedID: x.id, TraceID: x.trace, Time: x.now,
		Account: x.e.Account, APIID: x.e.ID, Domain: x.domain, Stage: aws.ToString(x.stage.StageName),
		RouteKey: x.route.key, PathParameters: x.params, StageVariables: x.stage.StageVariables,
		Resource: x.route.path, ResourceID: x.route.key, Signed: x.route.AuthorizationType == types.AuthorizationTypeAwsIam,
	}
	if x.route.path == "" {
		q.Resource = defaultRoute
	}
	if q.Stage != defaultStage {
		q.StagePath = "/" + q.Stage + path
	}
	return q
}

// sourceARN is the ARN by which a function's policy knows the route.
func (x *exchange) sourceARN() string {
	if x.route.path == "" {
		return strings.TrimSuffix(x.api.ARN(aws.ToString(x.stage.StageName), defaultRoute, ""), "/")
	}
	return x.api.ARN(aws.ToString(x.stage.StageName), x.r.Method, x.route.path)
}

// integrate runs the route's integration.
func (x *exchange) integrate() (httpevent.Response, error) {
	i := x.route.integration
	x.mapRequest(i.RequestParameters)
	var res httpevent.Response
	var err error
	if i.IntegrationType == types.IntegrationTypeHttpProxy {
		res, err = x.forward(i)
	} else {
		res, err = x.run(i)
	}
	if err != nil {
		return res, err
	}
	return res, x.mapResponse(&res, i.ResponseParameters)
}

func (x *exchange) timeout(i *types.Integration) time.Duration {
	return time.Duration(aws.ToInt32(i.TimeoutInMillis)) * time.Millisecond
}

// run invokes the function of an integration.
func (x *exchange) run(i *types.Integration) (httpevent.Response, error) {
	arn, ok := door.FunctionARN(door.Variables(aws.ToString(i.IntegrationUri), x.stage.StageVariables))
	if !ok {
		return httpevent.Response{}, errInternal
	}
	v1 := aws.ToString(i.PayloadFormatVersion) == "1.0"
	var event any
	if v1 {
		event = x.request().V1(x.who.identity(), x.who.v1()).HTTPAPI()
	} else {
		event = x.request().V2(x.who.v2())
	}
	payload, err := marshal(event)
	if err != nil {
		return httpevent.Response{}, fmt.Errorf("encode the event: %w", err)
	}
	result, err := x.cfg.Door.Invoke(x.r.Context(), door.Call{
		API: x.api, Source: x.sourceARN(), Role: aws.ToString(i.CredentialsArn), ID: x.invoke, TraceID: x.trace, Timeout: x.timeout(i),
	}, arn, payload)
	if err != nil {
		return httpevent.Response{}, x.invokeFailure(err)
	}
	if result.FunctionError != "" {
		return httpevent.Response{}, errInternal
	}
	var res httpevent.Response
	if v1 {
		res, err = httpevent.ReadV1(result.Payload, true)
	} else {
		res, err = httpevent.ReadV2(result.Payload, textType)
	}
	if err != nil {
		return res, errInternal
	}
	if res.Header.Get("Content-Type") == "" {
		res.Header.Set("Content-Type", textType)
	}
	return res, nil
}

// textType is the content type of an answer whose function named none.
const textType = "text/plain; charset=utf-8"

// invokeFailure is what the client sees of a function that was not run.
func (x *exchange) invokeFailure(err error) error {
	if errors.Is(err, door.ErrTimeout) {
		return errUnavailable
	}
	known, ok := errors.AsType[*lambda.Error](err)
	if !ok {
		return err
	}
	switch known.Code {
	case lambda.CodeTooManyRequests:
		return errUnavailable
	case lambda.CodeRequestEntityTooLarge:
		return errTooLarge
	}
	x.cfg.Log.WarnContext(x.r.Context(), "an HTTP API cannot invoke its function",
		"request_id", x.invoke, "api_id", x.e.ID, "error", err)
	return errInternal
}

// forward sends the request on to another server.
func (x *exchange) forward(i *types.Integration) (httpevent.Response, error) {
	method := aws.ToString(i.IntegrationMethod)
	if method == "ANY" {
		method = x.r.Method
	}
	h := x.r.Header.Clone()
	if x.route.AuthorizationType == types.AuthorizationTypeAwsIam {
		h.Del("Authorization")
	}
	peer := x.request().SourceIP()
	h.Add("Forwarded", "for="+peer+";host="+x.r.Host+";proto=http")
	uri := door.Expand(door.Variables(aws.ToString(i.IntegrationUri), x.stage.StageVariables), x.params)
	if target, ok := i.RequestParameters["overwrite:path"]; ok && target != "" {
		uri = withPath(uri, x.path)
	}
	res, err := x.cfg.Door.Forward(x.r.Context(), door.Forward{
		Method: method, URL: uri, Query: x.r.URL.Query(), Header: h, Body: x.body, Timeout: x.timeout(i),
	})
	switch {
	case errors.Is(err, door.ErrTimeout):
		return res, errUnavailable
	case err != nil:
		x.cfg.Log.WarnContext(x.r.Context(), "an integration of an HTTP API does not answer", "request_id", x.invoke, "api_id", x.e.ID, "error", err)
		return res, errUnavailable
	}
	return res, nil
}

// marshal is json.Marshal without the escapes for HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// withCaller is the request's context with who calls.
func (x *exchange) withCaller(c lambda.Caller) context.Context {
	return lambda.WithCaller(x.r.Context(), c)
}
