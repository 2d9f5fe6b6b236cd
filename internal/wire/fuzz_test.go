package wire_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
	"github.com/hearthfaas/hearth/internal/wire/constraint"
)

// operationsOf are all operations that a client of the SDK has, but those whose
// bodies are no shapes.
func operationsOf[Client any]() []wire.Operation {
	var all []wire.Operation
	for m := range reflect.TypeFor[*Client]().Methods() {
		if m.Type.NumIn() < 3 || m.Type.NumOut() != 2 || strings.HasPrefix(m.Name, "Invoke") || m.Name == "StartLiveTail" || m.Name == "GetLogObject" {
			continue
		}
		in, out := m.Type.In(2).Elem(), m.Type.Out(0).Elem()
		all = append(all, wire.Operation{
			Name:      m.Name,
			NewInput:  func() any { return reflect.New(in).Interface() },
			NewOutput: func() any { return reflect.New(out).Interface() },
		})
	}
	return all
}

// protocols are the codecs of whole services.
func protocols(t testing.TB) map[string]*wire.Codec {
	t.Helper()
	codecs := map[string]*wire.Codec{}
	for _, s := range []*wire.Service{
		{Name: "lambda", Protocol: wire.RestJSON1, Operations: operationsOf[awslambda.Client]()},
		{Name: "logs", Protocol: wire.AWSJSON11, TargetPrefix: "Logs_20140328", Operations: operationsOf[cloudwatchlogs.Client]()},
		{Name: "iam", Protocol: wire.AWSQuery, Version: "2010-05-08", Operations: operationsOf[iam.Client]()},
		{Name: "sts", Protocol: wire.AWSQuery, Version: "2011-06-15", Operations: operationsOf[sts.Client]()},
	} {
		codec, err := wire.NewCodec(s)
		if err != nil {
			t.Fatal(err)
		}
		codecs[s.Name] = codec
	}
	return codecs
}

// FuzzRequest holds that no request makes matching, decoding or checking panic, and
// that what refuses a request is written for the caller. It covers every operation
// of the services' clients.
func FuzzRequest(f *testing.F) {
	for _, seed := range [][4]string{
		{"lambda", "POST", "/2015-03-31/functions", `{"FunctionName":"f","Role":"r","Code":{"ZipFile":"eg=="},"Environment":{"Variables":{"K":"v"}},"Timeout":1e2,"Layers":["a",null]}`},
		{"lambda", "POST", "/2015-03-31/event-source-mappings/", `{"StartingPositionTimestamp":1.5,"SelfManagedEventSource":{"Endpoints":{"KAFKA_BOOTSTRAP_SERVERS":["a:1"]}},"FilterCriteria":{"Filters":[{}]}}`},
		{"lambda", "GET", "/2018-10-31/layers?find=LayerVersion&Arn=%25&MaxItems=-1", ``},
		{"lambda", "DELETE", "/2017-03-31/tags/arn%3Aaws%3Alambda%3A%2F?tagKeys=a&tagKeys=%00", ``},
		{"lambda", "PUT", "/2015-03-31/functions/f%2fg/aliases/%ff", `{"RoutingConfig":{"AdditionalVersionWeights":{"1":"NaN"}}}`},
		{"lambda", "POST", "/2025-12-01/durable-executions/a/checkpoint", `{"Updates":[{"StepOptions":{"NextAttemptDelaySeconds":9223372036854775808}}]}`},
		{"lambda", "GET", "/2025-12-01/functions/f/durable-executions?StartedAfter=x&Statuses=A&Statuses=B&ReverseOrder=maybe", ``},
		{"logs", "PutLogEvents", "/", `{"logEvents":[{"message":"m","timestamp":1}],"entity":{"attributes":{"a":null}}}`},
		{"logs", "PutTransformer", "/", `{"transformerConfig":[{"parseJSON":{}},{"unknown":[]}]}`},
		{"iam", "POST", "/", "Action=CreateRole&RoleName=r&Tags.member.1.Key=k&Tags.member.999999999999.Value=v&MaxSessionDuration=1e9"},
		{"iam", "POST", "/", "Action=SimulateCustomPolicy&ContextEntries.member.1.ContextKeyValues.member.1.member.1=a&ActionNames.member.0=x"},
		{"sts", "GET", "/?Action=AssumeRole&PolicyArns.member.x=1", "DurationSeconds=9&Tags=1&Tags.member.1=2"},
		{"sts", "POST", "/", "Action=AssumeRole&Action=GetCallerIdentity&%zz"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	codecs := protocols(f)
	f.Fuzz(func(t *testing.T, service, method, target, body string) {
		codec := codecs[service]
		u, err := url.ParseRequestURI(target)
		if codec == nil || err != nil {
			return
		}
		r := &http.Request{Method: method, URL: u, Header: http.Header{}}
		if service == "logs" { // whose operation is in a header
			r.Method = http.MethodPost
			r.Header.Set("X-Amz-Target", "Logs_20140328."+method)
		}
		codec.BodyMax(r)
		refused := func(err error) {
			e, ok := errors.AsType[*lambda.Error](err)
			if !ok {
				t.Fatalf("an error that is not for the caller: %v", err)
			}
			codec.WriteError(httptest.NewRecorder(), "id", e)
		}
		call, err := codec.Match(r, []byte(body))
		if err != nil {
			refused(err)
			return
		}
		in, err := call.Decode()
		if err == nil {
			err = constraint.For(service).Check(in)
		}
		if err != nil {
			refused(err)
		}
	})
}
