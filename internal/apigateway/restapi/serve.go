package restapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

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
	w        http.ResponseWriter
	r        *http.Request
	e        *shelf.Entry[Document]
	api      door.API
	domain   string
	id       lambda.RequestID
	extended string
	trace    string
	now      time.Time

	stage      types.Stage
	path       string // percent-encoded, without the stage
	deployment string
	tree       *tree // nil until the deployment is found
	resource   *node
	method     *types.Method
	params     map[string]string
	body       []byte
	who        authorized
}

// Serve answers a request to an API. path is percent-encoded and begins with the
// stage.
func (s *Service) Serve(w http.ResponseWriter, r *http.Request, e *shelf.Entry[Document], domain, path string) {
	x := &exchange{
		Service: s, w: w, r: r, e: e, domain: domain, id: lambda.NewRequestID(), extended: httpevent.NewID(), now: s.cfg.Now(),
		api: door.API{Account: e.Account, Region: e.Region, ID: e.ID},
	}
	x.trace = httpevent.TraceID(r, x.now)
	h := w.Header()
	h.Set("X-Amzn-Requestid", string(x.id))
	h.Set("X-Amz-Apigw-Id", x.extended)
	res, err := x.answer(path)
	if err != nil {
		x.fail(err)
		return
	}
	if res.Header.Get("Content-Type") == "" {
		res.Header.Set("Content-Type", "application/json")
	}
	h.Set("X-Amzn-Trace-Id", x.trace)
	if r.Method == http.MethodHead {
		res.Body = nil
	}
	res.Write(w)
}

// answer takes the request through the API: stage, method, limits, authorizer, key,
// validator, integration.
func (x *exchange) answer(path string) (httpevent.Response, error) {
	if err := x.selectMethod(path); err != nil {
		return httpevent.Response{}, err
	}
	var err error
	if x.body, err = door.ReadBody(x.r); errors.Is(err, door.ErrTooLarge) {
		return httpevent.Response{}, fault("REQUEST_TOO_LARGE", "RequestTooLargeException", "HTTP content length exceeded 10485760 bytes.")
	} else if err != nil {
		return httpevent.Response{}, fault("BAD_REQUEST_BODY", "BadRequestException", "Bad Request")
	}
	for _, step := range []func() error{x.authorize, x.checkKey, x.throttle, x.validate} {
		if err := step(); err != nil {
			return httpevent.Response{}, err
		}
	}
	return x.integrate()
}

// selectMethod finds the stage, its deployment, the resource and its method.
func (x *exchange) selectMethod(path string) error {
	name, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	st, ok := x.e.Doc.Stages[name]
	if !ok || x.e.Doc.API.DisableExecuteApiEndpoint {
		return &failure{kind: "ACCESS_DENIED", code: "ForbiddenException", message: "Forbidden"}
	}
	x.stage, x.path, x.deployment = st, "/"+rest, aws.ToString(st.DeploymentId)
	dep, ok := x.snapshots.Find(x.e.ID + "." + x.deployment)
	if !ok {
		return &failure{kind: "ACCESS_DENIED", code: "ForbiddenException", message: "Forbidden"}
	}
	x.tree = shelf.Derive(dep, compile)
	x.resource, x.method, x.params = x.tree.find(x.r.Method, x.path)
	if x.method == nil {
		return fault("MISSING_AUTHENTICATION_TOKEN", "MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	return nil
}

// arn is the ARN by which policies know this request.
func (x *exchange) arn() string {
	return x.api.ARN(*x.stage.StageName, x.r.Method, strings.TrimSuffix(x.path, "/"))
}

// sourceARN is the ARN by which a function's policy knows the method.
func (x *exchange) sourceARN() string {
	return x.api.ARN(*x.stage.StageName, x.r.Method, aws.ToString(x.resource.Path))
}

// methodKey names the method in settings: path/METHOD.
func (x *exchange) methodKey() string {
	return strings.TrimPrefix(aws.ToString(x.resource.Path), "/") + "/" + aws.ToString(x.method.HttpMethod)
}

// throttle says whether the method's rate allows one more request.
func (x *exchange) throttle() error {
	set, ok := x.stage.MethodSettings[x.methodKey()]
	if !ok {
		set, ok = x.stage.MethodSettings["*/*"]
	}
	if !ok || set.ThrottlingRateLimit < 0 || set.ThrottlingBurstLimit < 0 {
		return nil
	}
	name := x.e.ID + "/" + *x.stage.StageName + "/" + x.methodKey()
	if !x.cfg.Door.Buckets.Take(name, door.Limit{Rate: set.ThrottlingRateLimit, Burst: int(set.ThrottlingBurstLimit)}, x.now) {
		return fault("THROTTLED", "TooManyRequestsException", "Too Many Requests")
	}
	return nil
}

// validate looks for the parameters that the method's validator asks for. Bodies are
// not compared with their models.
func (x *exchange) validate() error {
	v, ok := x.tree.Validators[aws.ToString(x.method.RequestValidatorId)]
	if !ok || !v.ValidateRequestParameters {
		return nil
	}
	query := x.r.URL.Query()
	var missing []string
	for name, required := range x.method.RequestParameters {
		place, param, _ := strings.Cut(strings.TrimPrefix(name, "method.request."), ".")
		there := place == "path"
		switch place {
		case "querystring":
			there = query.Has(param)
		case "header":
			there = x.r.Header.Get(param) != ""
		}
		if required && !there {
			missing = append(missing, param)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return fault("BAD_REQUEST_PARAMETERS", "BadRequestException", "Missing required request parameters: ["+strings.Join(missing, ", ")+"]")
	}
	return nil
}

// isBinary says whether bodies of a content type are binary for the API.
func (x *exchange) isBinary(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		media = contentType
	}
	for _, b := range x.tree.API.BinaryMediaTypes {
		kind, sub, _ := strings.Cut(b, "/")
		if b == "*/*" || strings.EqualFold(b, media) || sub == "*" && strings.HasPrefix(media, kind+"/") {
			return true
		}
	}
	return false
}

// request is what events are made of.
func (x *exchange) request() *httpevent.Request {
	path := unescape(x.path)
	return &httpevent.Request{
		HTTP: x.r, Body: x.body, Path: path, StagePath: "/" + *x.stage.StageName + path,
		RequestID: string(x.id), ExtendedID: x.extended, TraceID: x.trace, Time: x.now,
		Account: x.e.Account, APIID: x.e.ID, Domain: x.domain, Stage: *x.stage.StageName,
		Resource: aws.ToString(x.resource.Path), ResourceID: aws.ToString(x.resource.Id), DeploymentID: x.deployment,
		PathParameters: x.params, StageVariables: x.stage.Variables,
		Binary: x.isBinary(x.r.Header.Get("Content-Type")), Signed: aws.ToString(x.method.AuthorizationType) == "AWS_IAM",
	}
}

// integrate runs the method's integration.
func (x *exchange) integrate() (httpevent.Response, error) {
	i := x.method.MethodIntegration
	if i == nil {
		return httpevent.Response{}, fault("API_CONFIGURATION_ERROR", "InternalServerErrorException", "Internal server error")
	}
	switch i.Type {
	case types.IntegrationTypeMock:
		return x.mock(i)
	case types.IntegrationTypeHttpProxy, types.IntegrationTypeHttp:
		return x.forward(i)
	default: // others are refused when they are made
		return x.run(i)
	}
}

// proxyFailed is the answer for a function that failed or answered no response.
func proxyFailed() error {
	return &failure{status: http.StatusBadGateway, kind: "DEFAULT_5XX", code: "InternalServerErrorException", message: "Internal server error"}
}

// run invokes the function of a proxy integration.
func (x *exchange) run(i *types.Integration) (httpevent.Response, error) {
	arn, ok := door.FunctionARN(door.Variables(aws.ToString(i.Uri), x.stage.Variables))
	if !ok {
		return httpevent.Response{}, fault("API_CONFIGURATION_ERROR", "InternalServerErrorException", "Internal server error")
	}
	payload, err := marshal(x.request().V1(x.who.identity(), x.who.context()))
	if err != nil {
		return httpevent.Response{}, fmt.Errorf("encode the event: %w", err)
	}
	role := aws.ToString(i.Credentials)
	result, err := x.cfg.Door.Invoke(x.r.Context(), door.Call{
		API: x.api, Source: x.sourceARN(), Role: role, ID: x.id, TraceID: x.trace, Timeout: time.Duration(i.TimeoutInMillis) * time.Millisecond,
	}, arn, payload)
	if err != nil {
		return httpevent.Response{}, x.invokeFailure(err)
	}
	if result.FunctionError != "" {
		return httpevent.Response{}, proxyFailed()
	}
	accept, _, _ := strings.Cut(x.r.Header.Get("Accept"), ",")
	if accept == "" {
		accept = "*/*"
	}
	res, err := httpevent.ReadV1(result.Payload, x.isBinary(accept))
	if err != nil {
		return res, proxyFailed()
	}
	return res, nil
}

// invokeFailure is what the client sees of a function that was not run.
func (x *exchange) invokeFailure(err error) error {
	if errors.Is(err, door.ErrTimeout) {
		return fault("INTEGRATION_TIMEOUT", "InternalServerErrorException", "Endpoint request timed out")
	}
	known, ok := errors.AsType[*lambda.Error](err)
	if !ok {
		return err
	}
	if known.Code == lambda.CodeRequestEntityTooLarge {
		return fault("REQUEST_TOO_LARGE", "RequestTooLargeException", "HTTP content length exceeded 10485760 bytes.")
	}
	x.cfg.Log.WarnContext(x.r.Context(), "a REST API cannot invoke its function", "request_id", x.id, "api_id", x.e.ID, "error", err)
	return &failure{status: http.StatusInternalServerError, kind: "DEFAULT_5XX", code: "InternalServerErrorException", message: "Internal server error"}
}

// forward sends the request on to another server.
func (x *exchange) forward(i *types.Integration) (httpevent.Response, error) {
	method := aws.ToString(i.HttpMethod)
	if method == anyMethod {
		method = x.r.Method
	}
	params := map[string]string{}
	h, query := x.r.Header.Clone(), x.r.URL.Query()
	if x.request().Signed {
		h.Del("Authorization")
	}
	for target, source := range i.RequestParameters {
		place, name, _ := strings.Cut(strings.TrimPrefix(target, "integration.request."), ".")
		value := x.parameter(source)
		switch place {
		case "path":
			params[name] = value
		case "header":
			h.Set(name, value)
		case "querystring":
			query.Set(name, value)
		}
	}
	body := x.body
	if i.Type == types.IntegrationTypeHttp {
		if template, ok := i.RequestTemplates["application/json"]; ok {
			body = []byte(x.render(template, string(x.body)))
		}
	}
	res, err := x.cfg.Door.Forward(x.r.Context(), door.Forward{
		Method: method, URL: door.Expand(door.Variables(aws.ToString(i.Uri), x.stage.Variables), params),
		Query: query, Header: h, Body: body, Timeout: time.Duration(i.TimeoutInMillis) * time.Millisecond,
	})
	switch {
	case errors.Is(err, door.ErrTimeout):
		return res, fault("INTEGRATION_TIMEOUT", "InternalServerErrorException", "Endpoint request timed out")
	case err != nil:
		x.cfg.Log.WarnContext(x.r.Context(), "an integration of a REST API does not answer", "request_id", x.id, "api_id", x.e.ID, "error", err)
		return res, fault("INTEGRATION_FAILURE", "InternalServerErrorException", "Internal server error")
	}
	if i.Type == types.IntegrationTypeHttp {
		return x.mapped(i, fmt.Sprint(res.Status), &res)
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
