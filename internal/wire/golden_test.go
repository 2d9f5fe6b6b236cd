package wire

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/encoding/cbor"
)

// The SDK ships, for every operation, the request its client sends and an answer
// it reads. These tests hold the codec to those files with the SDK's own client as
// the other party: what the codec decodes, the client must encode to the same
// request, and what the client decodes, the codec must encode to the same answer.

// sdkService is one SDK client and the Service that has all of its operations.
type sdkService struct {
	module  string
	service *Service
	client  func(http.RoundTripper) any
}

func sdkServices() []sdkService {
	cfg := func(rt http.RoundTripper) aws.Config {
		return aws.Config{
			Region:           "us-east-1",
			BaseEndpoint:     aws.String("http://golden.test"),
			Credentials:      credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
			HTTPClient:       &http.Client{Transport: rt},
			RetryMaxAttempts: 1,
		}
	}
	return []sdkService{
		{
			"lambda", &Service{Name: "lambda", Protocol: RestJSON1},
			func(rt http.RoundTripper) any { return lambda.NewFromConfig(cfg(rt)) },
		},
		{
			"cloudwatchlogs", &Service{Name: "logs", Protocol: AWSJSON11, TargetPrefix: "Logs_20140328"},
			func(rt http.RoundTripper) any { return cloudwatchlogs.NewFromConfig(cfg(rt)) },
		},
		{
			"iam", &Service{Name: "iam", Protocol: AWSQuery, Version: "2010-05-08", Namespace: "https://iam.amazonaws.com/doc/2010-05-08/"},
			func(rt http.RoundTripper) any { return iam.NewFromConfig(cfg(rt)) },
		},
		{
			"sts", &Service{Name: "sts", Protocol: AWSQuery, Version: "2011-06-15", Namespace: "https://sts.amazonaws.com/doc/2011-06-15/"},
			func(rt http.RoundTripper) any { return sts.NewFromConfig(cfg(rt)) },
		},
		{"sqs", &Service{Name: "sqs"}, func(rt http.RoundTripper) any { return sqs.NewFromConfig(cfg(rt)) }},
		{"sns", &Service{Name: "sns"}, func(rt http.RoundTripper) any { return sns.NewFromConfig(cfg(rt)) }},
		{"eventbridge", &Service{Name: "events"}, func(rt http.RoundTripper) any { return eventbridge.NewFromConfig(cfg(rt)) }},
		{"dynamodb", &Service{Name: "dynamodb"}, func(rt http.RoundTripper) any { return dynamodb.NewFromConfig(cfg(rt)) }},
		{
			"dynamodbstreams", &Service{Name: "dynamodb", Model: "dynamodbstreams"},
			func(rt http.RoundTripper) any { return dynamodbstreams.NewFromConfig(cfg(rt)) },
		},
		{"cloudwatch", &Service{Name: "cloudwatch"}, func(rt http.RoundTripper) any { return cloudwatch.NewFromConfig(cfg(rt)) }},
		{"scheduler", &Service{Name: "scheduler"}, func(rt http.RoundTripper) any { return scheduler.NewFromConfig(cfg(rt)) }},
		{"apigateway", &Service{Name: "apigateway"}, func(rt http.RoundTripper) any { return apigateway.NewFromConfig(cfg(rt)) }},
		{
			"apigatewayv2", &Service{Name: "apigateway", Model: "apigatewayv2"},
			func(rt http.RoundTripper) any { return apigatewayv2.NewFromConfig(cfg(rt)) },
		},
	}
}

// allOperations registers every method of the SDK's client as an operation.
func allOperations(t *testing.T, s sdkService) *Codec {
	t.Helper()
	client := reflect.TypeOf(s.client(nil))
	s.service.Operations = nil
	for m := range client.Methods() {
		if m.Type.NumIn() != 4 || !strings.HasSuffix(m.Type.In(2).String(), m.Name+"Input") {
			continue
		}
		in, out := m.Type.In(2).Elem(), m.Type.Out(0).Elem()
		s.service.Operations = append(s.service.Operations, Operation{
			Name:      m.Name,
			NewInput:  func() any { return reflect.New(in).Interface() },
			NewOutput: func() any { return reflect.New(out).Interface() },
		})
	}
	codec, err := NewCodec(s.service)
	if err == nil {
		err = codec.Check()
	}
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

// invoke calls an operation of an SDK client by name.
func invoke(client any, operation string, in any) (any, error) {
	results := reflect.ValueOf(client).MethodByName(operation).Call(
		[]reflect.Value{reflect.ValueOf(context.Background()), reflect.ValueOf(in)})
	err, _ := reflect.TypeAssert[error](results[1])
	return results[0].Interface(), err
}

func moduleDir(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/"+module).Output()
	if err != nil {
		t.Fatalf("find module %s: %v", module, err)
	}
	return strings.TrimSpace(string(out))
}

// snapshot is a parsed golden file: a first line, headers, and the body.
type snapshot struct {
	first  string
	header http.Header
	body   []byte
}

func readSnapshot(t *testing.T, file string) snapshot {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := snapshot{header: http.Header{}}
	var rest string
	s.first, rest, _ = strings.Cut(string(raw), "\n")
	rest = strings.TrimPrefix(rest, "\n")
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		if line == "" {
			break
		}
		if name, value, ok := strings.Cut(line, ": "); ok {
			s.header.Add(name, value)
		}
	}
	s.body = []byte(rest)
	return s
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var errCaught = errors.New("caught")

// skippedRequests names the golden requests that cannot go through a client
// again, with the reason.
var skippedRequests = map[string]string{
	"PutEvents": "its client refuses the identifier of an endpoint in the golden request",
}

func TestEveryGoldenRequestIsDecodedAndEncodedTheSameByTheSDK(t *testing.T) {
	for _, s := range sdkServices() {
		t.Run(s.module, func(t *testing.T) {
			codec := allOperations(t, s)
			files, err := filepath.Glob(filepath.Join(moduleDir(t, s.module), "request_snapshot", "*.request.snap"))
			if err != nil || len(files) == 0 && !unpublished(codec) {
				t.Fatalf("no golden requests: %v", err)
			}
			for _, file := range files {
				name := strings.TrimSuffix(filepath.Base(file), ".request.snap")
				t.Run(name, func(t *testing.T) {
					if reason, ok := skippedRequests[name]; ok {
						t.Skip(reason)
					}
					checkGoldenRequest(t, s, codec, name, readSnapshot(t, file))
				})
			}
			t.Logf("%d golden requests", len(files))
		})
	}
}

// unpublished says that the module of a service ships neither schemas nor golden files.
func unpublished(c *Codec) bool {
	m := models[c.service.Model]
	return m.bindings != nil && c.service.Protocol == RestJSON1
}

func TestEveryRequestOfAModuleWithoutSchemasIsReadAsTheSDKWroteIt(t *testing.T) {
	for _, s := range sdkServices() {
		codec := allOperations(t, s)
		if !unpublished(codec) {
			continue
		}
		t.Run(s.module, func(t *testing.T) {
			for name, served := range codec.served {
				t.Run(name, func(t *testing.T) { checkRoundTrip(t, s, codec, served) })
			}
		})
	}
}

// checkRoundTrip sends a full input with the SDK's client, compares what the codec
// reads with it, answers with a full output and compares what the client reads.
func checkRoundTrip(t *testing.T, s sdkService, codec *Codec, served *served) {
	in, out := served.op.NewInput(), served.op.NewOutput()
	fill(reflect.ValueOf(in).Elem(), 0)
	fill(reflect.ValueOf(out).Elem(), 0)
	if export, ok := in.(*apigateway.GetExportInput); ok {
		export.Accepts = aws.String("application/json") // its client says so whatever it is asked for
	}
	var got any
	client := s.client(roundTrip(func(r *http.Request) (*http.Response, error) {
		var body []byte
		if r.Body != nil {
			body, _ = io.ReadAll(r.Body)
		}
		call, err := codec.Match(r, body)
		if err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
			return nil, errCaught
		}
		if got, err = call.Decode(); err != nil {
			t.Errorf("decode: %v", err)
			return nil, errCaught
		}
		w := httptest.NewRecorder()
		if err := call.WriteResult(w, "id", out); err != nil {
			t.Errorf("answer: %v", err)
			return nil, errCaught
		}
		return w.Result(), nil
	}))
	read, err := invoke(client, served.op.Name, in)
	if err != nil {
		t.Fatalf("the client: %v", err)
	}
	if !reflect.DeepEqual(got, in) {
		t.Errorf("request:\n got %s\nwant %s", printed(got), printed(in))
	}
	clearMetadata(read)
	if !reflect.DeepEqual(read, out) {
		t.Errorf("answer:\n got %s\nwant %s", printed(read), printed(out))
	}
}

func printed(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func checkGoldenRequest(t *testing.T, s sdkService, codec *Codec, name string, want snapshot) {
	method, target, _ := strings.Cut(want.first, " ")
	r := httptest.NewRequest(method, target, bytes.NewReader(want.body))
	r.Header = want.header
	call, err := codec.Match(r, want.body)
	if err != nil {
		t.Fatalf("match: %v", err)
	}
	if call.Operation.Name != name {
		t.Fatalf("matched %s", call.Operation.Name)
	}
	in, err := call.Decode()
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	var got *http.Request
	var body []byte
	client := s.client(roundTrip(func(r *http.Request) (*http.Response, error) {
		got = r
		if r.Body != nil {
			body, _ = io.ReadAll(r.Body)
		}
		if r.Header.Get("Content-Encoding") == "gzip" {
			zip, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				return nil, err
			}
			body, _ = io.ReadAll(zip)
		}
		return nil, errCaught
	}))
	if _, err := invoke(client, name, in); got == nil {
		t.Fatalf("the client did not send: %v", err)
	}
	if got.Method != method {
		t.Errorf("method: got %s, want %s", got.Method, method)
	}
	wantURL, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	if got.URL.EscapedPath() != wantURL.EscapedPath() {
		t.Errorf("path: got %s, want %s", got.URL.EscapedPath(), wantURL.EscapedPath())
	}
	if !reflect.DeepEqual(got.URL.Query(), wantURL.Query()) {
		t.Errorf("query: got %v, want %v", got.URL.Query(), wantURL.Query())
	}
	for h := range want.header {
		if got.Header.Get(h) != want.header.Get(h) && h != "Content-Type" {
			t.Errorf("header %s: got %q, want %q", h, got.Header.Get(h), want.header.Get(h))
		}
	}
	if codec.service.Protocol == AWSQuery {
		gotForm, _ := url.ParseQuery(string(body))
		wantForm, _ := url.ParseQuery(string(want.body))
		if !reflect.DeepEqual(gotForm, wantForm) {
			t.Errorf("form:\n got %v\nwant %v", gotForm, wantForm)
		}
		return
	}
	if codec.service.Protocol == RPCv2CBOR {
		compareCBOR(t, body, want.body)
		return
	}
	compareBodies(t, body, want.body)
}

func compareCBOR(t *testing.T, got, want []byte) {
	t.Helper()
	g, err := cbor.Decode(got)
	if err != nil {
		t.Fatalf("body is not CBOR: %v", err)
	}
	w, err := cbor.Decode(want)
	if err != nil {
		t.Fatal(err)
	}
	if g, w := fmt.Sprint(plainCBOR(g)), fmt.Sprint(plainCBOR(w)); g != w {
		t.Errorf("body:\n got %s\nwant %s", g, w)
	}
}

// plainCBOR makes equal what means the same: times and numbers, whatever their width.
func plainCBOR(v cbor.Value) any {
	switch v := v.(type) {
	case *cbor.Tag:
		return plainCBOR(v.Value)
	case cbor.Uint:
		return float64(v)
	case cbor.Float32:
		return float64(v)
	case cbor.Float64:
		return float64(v)
	case cbor.List:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plainCBOR(v[i])
		}
		return list
	case cbor.Map:
		object := map[string]any{}
		for name, member := range v {
			object[name] = plainCBOR(member)
		}
		return object
	default:
		return v
	}
}

// compareBodies compares JSON by value and anything else by bytes.
func compareBodies(t *testing.T, got, want []byte) {
	t.Helper()
	var g, w any
	if json.Unmarshal(want, &w) != nil {
		if !bytes.Equal(got, want) {
			t.Errorf("body: got %q, want %q", got, want)
		}
		return
	}
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatalf("body is not JSON: %v\n%s", err, got)
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("body:\n got %s\nwant %s", got, want)
	}
}

// skippedResponses names the golden answers that a codec cannot give, with the reason.
var skippedResponses = map[string]string{
	"PutEvents":                "its client refuses the identifier of an endpoint in the golden request",
	"InvokeWithResponseStream": "an event stream is not an answer of the codec's",
	"StartLiveTail":            "an event stream is not an answer of the codec's",
	"GetLogObject":             "an event stream is not an answer of the codec's",
	"InvokeAsync":              "the golden answer repeats the status in the body, which AWS does not",
}

func TestEveryGoldenAnswerReadByTheSDKIsEncodedTheSame(t *testing.T) {
	for _, s := range sdkServices() {
		if codec := allOperations(t, s); codec.service.Protocol == AWSQuery || unpublished(codec) {
			continue // the modules of IAM, STS, SNS, Scheduler and API Gateway ship no answers
		}
		t.Run(s.module, func(t *testing.T) {
			codec := allOperations(t, s)
			files, err := filepath.Glob(filepath.Join(moduleDir(t, s.module), "response_snapshot", "*.response.snap"))
			if err != nil || len(files) == 0 {
				t.Fatalf("no golden answers: %v", err)
			}
			for _, file := range files {
				name := strings.TrimSuffix(filepath.Base(file), ".response.snap")
				t.Run(name, func(t *testing.T) {
					if reason, ok := skippedResponses[name]; ok {
						t.Skip(reason)
					}
					checkGoldenAnswer(t, s, codec, name, readSnapshot(t, file))
				})
			}
			t.Logf("%d golden answers", len(files))
		})
	}
}

// requestHeaders are in the golden answers but belong to requests.
var requestHeaders = map[string]bool{"Content-Type": true, "X-Amz-Target": true, "X-Amzn-Query-Mode": true, "Accept": true}

func checkGoldenAnswer(t *testing.T, s sdkService, codec *Codec, name string, want snapshot) {
	status, err := strconv.Atoi(want.first)
	if err != nil {
		t.Fatal(err)
	}
	client := s.client(roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: want.header, Request: r,
			ContentLength: int64(len(want.body)), Body: io.NopCloser(bytes.NewReader(want.body)),
		}, nil
	}))
	out, err := invoke(client, name, minimalInput(t, s.module, codec, name))
	if err != nil {
		t.Fatalf("the client refuses the golden answer: %v", err)
	}
	call := &Call{Operation: codec.served[name].op, codec: codec, served: codec.served[name]}
	w := httptest.NewRecorder()
	if err := call.WriteResult(w, "id", out); err != nil {
		t.Fatal(err)
	}
	for h := range want.header {
		if !requestHeaders[h] && w.Header().Get(h) != want.header.Get(h) {
			t.Errorf("header %s: got %q, want %q", h, w.Header().Get(h), want.header.Get(h))
		}
	}
	switch {
	case name == "DeleteFunction":
		if w.Code != 200 { // the golden answer says 200 in the member that names the status
			t.Errorf("status: got %d, want 200", w.Code)
		}
	case w.Code == http.StatusNoContent:
		if w.Body.Len() != 0 || w.Header().Get("Content-Type") != "" {
			t.Errorf("a 204 has a body %q or a content type %q", w.Body, w.Header().Get("Content-Type"))
		}
	case codec.service.Protocol == RPCv2CBOR:
		if len(want.body) > 0 {
			compareCBOR(t, w.Body.Bytes(), want.body)
		}
	case len(want.body) == 0:
		compareBodies(t, w.Body.Bytes(), []byte("{}"))
	default:
		compareBodies(t, w.Body.Bytes(), want.body)
	}
}

// minimalInput fills what the client insists on, so that it sends at all: the
// golden request of the same operation, decoded.
func minimalInput(t *testing.T, module string, codec *Codec, name string) any {
	t.Helper()
	s := readSnapshot(t, filepath.Join(moduleDir(t, module), "request_snapshot", name+".request.snap"))
	method, target, _ := strings.Cut(s.first, " ")
	r := httptest.NewRequest(method, target, bytes.NewReader(s.body))
	r.Header = s.header
	call, err := codec.Match(r, s.body)
	if err != nil {
		t.Fatal(err)
	}
	in, err := call.Decode()
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestEveryQueryAnswerIsReadBackByTheSDK(t *testing.T) {
	for _, s := range sdkServices() {
		codec := allOperations(t, s)
		if codec.service.Protocol != AWSQuery {
			continue
		}
		t.Run(s.module, func(t *testing.T) {
			for name, served := range codec.served {
				t.Run(name, func(t *testing.T) {
					want := served.op.NewOutput()
					fill(reflect.ValueOf(want).Elem(), 0)
					w := httptest.NewRecorder()
					call := &Call{Operation: served.op, codec: codec, served: served}
					if err := call.WriteResult(w, "id", want); err != nil {
						t.Fatal(err)
					}
					client := s.client(roundTrip(func(*http.Request) (*http.Response, error) { return w.Result(), nil }))
					in := served.op.NewInput()
					fill(reflect.ValueOf(in).Elem(), 0)
					got, err := invoke(client, name, in)
					if err != nil {
						t.Fatalf("the client refuses the answer: %v", err)
					}
					clearMetadata(got)
					if !reflect.DeepEqual(got, want) {
						t.Errorf("got  %+v\nwant %+v\nbody %s", got, want, w.Body)
					}
				})
			}
		})
	}
}

func clearMetadata(out any) {
	f := reflect.ValueOf(out).Elem().FieldByName("ResultMetadata")
	f.Set(reflect.Zero(f.Type()))
}

// fill sets every member to something that is not its zero value.
func fill(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Pointer:
		if depth > 6 {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth)
	case reflect.String:
		v.SetString("<text & more>")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32, reflect.Int64:
		v.SetInt(7)
	case reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte("blob"))
			return
		}
		if depth > 6 {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), depth+1)
		fill(v.Index(1), depth+1)
	case reflect.Map:
		elem := reflect.New(v.Type().Elem()).Elem()
		fill(elem, depth+1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key").Convert(v.Type().Key()), elem)
	case reflect.Struct:
		if t := reflect.TypeOf(goldenTime); v.Type() == t {
			v.Set(reflect.ValueOf(goldenTime))
			return
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.IsExported() && f.Name != "ResultMetadata" {
				fill(v.Field(i), depth+1)
			}
		}
	}
}
