package wire

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// How large a request may be. Requests that carry a package have lambda.CreateBodyMax.
const (
	// restBodyMax is far above what the configuration of a function can need; AWS
	// allows 6 MiB on these paths.
	restBodyMax = 6 << 20
	// jsonBodyMax holds a PutLogEvents batch of 1 MiB whose every byte JSON has
	// escaped as six.
	jsonBodyMax = 8 << 20
	// queryBodyMax holds the largest policy document, percent-encoded, many times.
	queryBodyMax = 1 << 20
)

// Codec speaks one service's protocol. It is made once and safe for concurrent use.
type Codec struct {
	service *Service
	served  map[string]*served
	router  *router
	known   map[string]bool // every operation that AWS has
}

// served is an operation that Hearth has, with its shapes.
type served struct {
	op      *Operation
	model   modelOperation
	in, out *shape
}

// NewCodec compiles the shapes of a service's operations. It fails when an
// operation is not one of the service's model or a type has no form on the wire.
func NewCodec(s *Service) (*Codec, error) {
	c := &Codec{service: s, served: map[string]*served{}, known: map[string]bool{}}
	types := &compiler{memo: map[reflect.Type]*shape{}}
	for i := range s.Operations {
		op := &s.Operations[i]
		model, err := findModel(s.Name, op.Name)
		if err != nil {
			return nil, err
		}
		in, err := types.top(op.NewInput())
		if err != nil {
			return nil, fmt.Errorf("input of %s: %w", op.Name, err)
		}
		out, err := types.top(op.NewOutput())
		if err != nil {
			return nil, fmt.Errorf("output of %s: %w", op.Name, err)
		}
		c.served[op.Name] = &served{op: op, model: model, in: in, out: out}
	}
	for _, op := range models[s.Name] {
		c.known[op.name] = true
	}
	if s.Protocol == RestJSON1 {
		c.router = newRouter(models[s.Name])
	}
	return c, nil
}

// Service is the service that the codec speaks for.
func (c *Codec) Service() *Service { return c.service }

// Call is one request, matched to its operation.
type Call struct {
	Operation *Operation
	codec     *Codec
	served    *served
	from      bound
	body      []byte
	form      url.Values
}

// BodyMax is how many bytes of body a request may have, known before any is read.
func (c *Codec) BodyMax(r *http.Request) int64 {
	switch c.service.Protocol {
	case RestJSON1:
		if found := c.router.find(r.Method, r.URL.EscapedPath(), r.URL.Query()); found.route != nil {
			switch found.route.op.name {
			case "CreateFunction", "UpdateFunctionCode", "PublishLayerVersion":
				return lambda.CreateBodyMax
			}
		}
		return restBodyMax
	case AWSQuery:
		return queryBodyMax
	default:
		return jsonBodyMax
	}
}

// TooLarge is the error for a request whose body is longer than BodyMax.
func (c *Codec) TooLarge(r *http.Request) *lambda.Error {
	name := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), c.service.TargetPrefix+".")
	if c.router != nil {
		if found := c.router.find(r.Method, r.URL.EscapedPath(), r.URL.Query()); found.route != nil {
			name = found.route.op.name
		}
	}
	if name == "" {
		return lambda.Errorf(lambda.CodeRequestEntityTooLarge, "Request must be smaller than %d bytes", c.BodyMax(r))
	}
	return lambda.Errorf(lambda.CodeRequestEntityTooLarge,
		"Request must be smaller than %d bytes for the %s operation", c.BodyMax(r), name)
}

// Match finds the operation that a request is for. Errors are *lambda.Error:
// UnknownOperationException when AWS has no such operation, and
// NotImplementedException when Hearth has not.
func (c *Codec) Match(r *http.Request, body []byte) (*Call, error) {
	call := &Call{codec: c, body: body}
	var name string
	switch c.service.Protocol {
	case RestJSON1:
		call.from = bound{query: r.URL.Query(), header: r.Header}
		found := c.router.find(r.Method, r.URL.EscapedPath(), call.from.query)
		if found.route == nil {
			return nil, unrouted(r, found)
		}
		labels, err := found.labelValues()
		if err != nil {
			return nil, err
		}
		call.from.labels = labels
		name = found.route.op.name
	case AWSQuery:
		form, err := ParseForm(r, body)
		if err != nil {
			return nil, err
		}
		call.form = form
		name = form.Get("Action")
	default:
		name = strings.TrimPrefix(r.Header.Get("X-Amz-Target"), c.service.TargetPrefix+".")
	}
	served, ok := c.served[name]
	if !ok {
		return nil, c.unserved(name)
	}
	call.served, call.Operation = served, served.op
	return call, nil
}

func unrouted(r *http.Request, found routeResult) error {
	if found.wrongMethod {
		e := lambda.Errorf(lambda.CodeUnknownOperation, "The method %s is not allowed on %s", r.Method, r.URL.Path)
		e.Status = http.StatusMethodNotAllowed
		return e
	}
	return lambda.Errorf(lambda.CodeUnknownOperation, "No operation is at %s %s", r.Method, r.URL.Path)
}

func (c *Codec) unserved(name string) error {
	switch {
	case c.known[name]:
		return lambda.Errorf(lambda.CodeNotImplemented, "Hearth does not support %s:%s yet.", c.service.Name, name)
	case c.service.Protocol == AWSQuery:
		return lambda.Errorf(lambda.CodeUnknownOperation, "Could not find operation %s for version %s", name, c.service.Version)
	default:
		return lambda.Errorf(lambda.CodeUnknownOperation, "The operation %q is unknown to %s", name, c.service.Name)
	}
}

// ParseForm reads the parameters of an awsQuery request, from the URL and, when
// there is one, the form in the body. The body's come first.
func ParseForm(r *http.Request, body []byte) (url.Values, error) {
	form := url.Values{}
	if len(body) > 0 {
		var err error
		if form, err = url.ParseQuery(string(body)); err != nil {
			return nil, malformed("the request body is not a valid form")
		}
	}
	for name, values := range r.URL.Query() {
		form[name] = append(form[name], values...)
	}
	return form, nil
}
