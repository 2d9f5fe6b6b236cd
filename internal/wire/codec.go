package wire

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"

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
	// batchBodyMax is what one BatchWriteItem may send (DynamoDB API reference).
	batchBodyMax = 16 << 20
	// queryBodyMax holds the largest policy document, percent-encoded, many times.
	queryBodyMax = 1 << 20
)

// Codec speaks one service's protocol. It is made once and safe for concurrent use.
type Codec struct {
	service *Service
	also    []*Codec // one for each further protocol of the service
	served  map[string]*served
	router  *router
	known   map[string]modelOperation // every operation that AWS has
	types   *compiler
	// byQueryCode names the exceptions whose code is another in awsQuery.
	byQueryCode map[string]string
	// queryCompatible says that clients are told that code too, whatever they speak.
	queryCompatible bool
}

// served is an operation that Hearth has. Its shapes are compiled when it is first
// asked for: all of them together cost a start more than the stores do, and a Hearth
// is asked for a few.
type served struct {
	op      *Operation
	model   modelOperation
	once    sync.Once
	in, out *shape // behind once
	err     error
}

// shapes makes in and out.
func (s *served) shapes(types *compiler) error {
	s.once.Do(func() {
		if s.in, s.err = types.top(s.op.NewInput()); s.err != nil {
			s.err = fmt.Errorf("input of %s: %w", s.op.Name, s.err)
			return
		}
		if s.out, s.err = types.top(s.op.NewOutput()); s.err != nil {
			s.err = fmt.Errorf("output of %s: %w", s.op.Name, s.err)
		}
	})
	return s.err
}

// NewCodec makes the codec of a service. It fails when an operation is not one of the
// service's model.
func NewCodec(s *Service) (*Codec, error) {
	s = complete(s)
	c := &Codec{service: s, served: map[string]*served{}, known: map[string]modelOperation{}}
	c.types = &compiler{memo: map[reflect.Type]*shape{}, rest: s.Protocol == RestJSON1, model: models[s.Model]}
	c.byQueryCode = map[string]string{}
	for name, e := range s.Errors {
		if _, taken := s.Errors[e.QueryCode]; !taken && e.QueryCode != "" {
			c.byQueryCode[e.QueryCode] = name
		}
	}
	c.queryCompatible = s.Protocol != AWSQuery && models[s.Model].defaults.Version != ""
	for _, p := range s.Also {
		other := *s
		other.Protocol, other.Also = p, nil
		codec, err := NewCodec(&other)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		c.also = append(c.also, codec)
	}
	for _, op := range models[s.Model].operations {
		c.known[op.name] = op
	}
	for i := range s.Operations {
		op := &s.Operations[i]
		model, ok := c.known[op.Name]
		if !ok {
			return nil, fmt.Errorf("wire: the model of %q has no operation %q", s.Model, op.Name)
		}
		c.served[op.Name] = &served{op: op, model: model}
	}
	if s.Protocol == RestJSON1 {
		c.router = newRouter(models[s.Model].operations)
	}
	return c, nil
}

// Check compiles every shape. It fails when a type has no form on the wire, which
// requests would otherwise be the first to find out.
func (c *Codec) Check() error {
	for _, s := range c.served {
		if err := s.shapes(c.types); err != nil {
			return err
		}
	}
	for _, other := range c.also {
		if err := other.Check(); err != nil {
			return fmt.Errorf("%s: %w", other.service.Protocol, err)
		}
	}
	return nil
}

// Service is the service that the codec speaks for.
func (c *Codec) Service() *Service { return c.service }

// For returns the codec that speaks the protocol of a request: this one, or that of one
// of the service's further protocols.
func (c *Codec) For(r *http.Request) *Codec {
	if len(c.also) == 0 || c.speaks(r) {
		return c
	}
	for _, other := range c.also {
		if other.speaks(r) {
			return other
		}
	}
	return c
}

// speaks says whether a request bears the marks of the codec's protocol.
func (c *Codec) speaks(r *http.Request) bool {
	switch c.service.Protocol {
	case AWSJSON10, AWSJSON11:
		return r.Header.Get("X-Amz-Target") != ""
	case AWSQuery:
		return SpeaksQuery(r)
	case RPCv2CBOR:
		return SpeaksCBOR(r)
	default:
		return true
	}
}

// The marks of rpcv2Cbor. The operation is the end of the path,
// /service/GraniteServiceVersion20100801/operation/ListMetrics.
const (
	protocolHeader = "Smithy-Protocol"
	rpcMark        = "rpc-v2-cbor"
)

func rpcOperation(r *http.Request) string {
	_, name, _ := strings.Cut(r.URL.Path, "/operation/")
	return name
}

// SpeaksCBOR says whether a request is one of rpcv2Cbor's, whatever the service.
func SpeaksCBOR(r *http.Request) bool { return r.Header.Get(protocolHeader) == rpcMark }

// SpeaksQuery says whether a request is one of awsQuery's, whatever the service.
func SpeaksQuery(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") ||
		strings.Contains(r.URL.RawQuery, "Action=")
}

// Claims says whether a request is one of the service's, by its target or path. Only
// services that clients sign for by the same name need asking.
func (c *Codec) Claims(r *http.Request) bool {
	switch c.service.Protocol {
	case RestJSON1:
		found := c.router.find(r.Method, r.URL.EscapedPath(), r.URL.Query())
		return found.route != nil || found.wrongMethod
	case AWSJSON10, AWSJSON11:
		return strings.HasPrefix(r.Header.Get("X-Amz-Target"), c.service.TargetPrefix+".")
	default:
		return true
	}
}

// Call is one request, matched to its operation.
type Call struct {
	Operation *Operation
	codec     *Codec
	served    *served
	from      bound
	body      []byte
	form      url.Values
	// What Decode has read the body as, for Sent: one of the two.
	formRoot *formNode
	parsed   any
}

// dynamodbBatchWrite is how requests name the operation with the largest bodies of JSON.
const dynamodbBatchWrite = "DynamoDB_20120810.BatchWriteItem"

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
		if c.service.Model == "sqs" || c.service.Model == "sns" {
			return jsonBodyMax // a batch of messages, percent-encoded
		}
		return queryBodyMax
	default:
		if r.Header.Get("X-Amz-Target") == dynamodbBatchWrite {
			return batchBodyMax
		}
		return jsonBodyMax
	}
}

// TooLarge is the error for a request whose body is longer than BodyMax.
func (c *Codec) TooLarge(r *http.Request) *lambda.Error {
	name := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), c.service.TargetPrefix+".")
	if c.service.Protocol == RPCv2CBOR {
		name = rpcOperation(r)
	}
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
	body, err := c.unzipped(r, body)
	if err != nil {
		return nil, err
	}
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
		for literal := range found.route.query {
			call.from.query.Del(literal)
		}
		name = found.route.op.name
	case AWSQuery:
		form, err := ParseForm(r, body)
		if err != nil {
			return nil, err
		}
		if m := models[c.service.Model].pathMember; m != "" && r.URL.Path != "/" && !form.Has(m) {
			form.Set(m, r.URL.Path)
		}
		call.form = form
		name = form.Get("Action")
	case RPCv2CBOR:
		name = rpcOperation(r)
	default:
		name = strings.TrimPrefix(r.Header.Get("X-Amz-Target"), c.service.TargetPrefix+".")
	}
	served, ok := c.served[name]
	if !ok {
		return nil, c.unserved(name)
	}
	if err := served.shapes(c.types); err != nil {
		return nil, err
	}
	call.served, call.Operation = served, served.op
	return call, nil
}

// unzipped undoes the compression that clients apply to the larger bodies of a few
// operations, PutMetricData among them. What comes out is bounded as what comes in.
func (c *Codec) unzipped(r *http.Request, body []byte) ([]byte, error) {
	if r.Header.Get("Content-Encoding") != "gzip" || c.service.Protocol == RestJSON1 {
		return body, nil
	}
	zip, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, malformed("the request body is not valid gzip")
	}
	limit := c.BodyMax(r)
	plain, err := io.ReadAll(io.LimitReader(zip, limit+1))
	if err != nil {
		return nil, malformed("the request body is not valid gzip")
	}
	if int64(len(plain)) > limit {
		return nil, c.TooLarge(r)
	}
	return plain, nil
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
	_, known := c.known[name]
	switch {
	case known:
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
