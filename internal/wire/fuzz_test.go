package wire_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
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
		{Name: "sqs", Operations: operationsOf[sqs.Client]()},
		{Name: "sns", Operations: operationsOf[sns.Client]()},
		{Name: "events", Operations: operationsOf[eventbridge.Client]()},
		{Name: "scheduler", Operations: operationsOf[scheduler.Client]()},
		{Name: "dynamodb", Operations: operationsOf[dynamodb.Client]()},
		{Name: "dynamodb", Model: "dynamodbstreams", Operations: operationsOf[dynamodbstreams.Client]()},
		{Name: "apigateway", Operations: operationsOf[apigateway.Client]()},
		{Name: "apigateway", Model: "apigatewayv2", Operations: operationsOf[apigatewayv2.Client]()},
		{Name: "cloudwatch", Operations: operationsOf[cloudwatch.Client]()},
	} {
		codec, err := wire.NewCodec(s)
		if err != nil {
			t.Fatal(err)
		}
		codecs[codec.Service().Model] = codec
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
		{"sqs", "POST", "/1/q", "Action=SendMessageBatch&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.BinaryListValue.1=eg&SendMessageBatchRequestEntry.x=1"},
		{"sqs", "SendMessage", "/", `{"MessageAttributes":{"a":{"BinaryListValues":["eg=="]}},"DelaySeconds":1e99}`},
		{"sns", "POST", "/", "Action=Publish&MessageAttributes.entry.1.Name=a&MessageAttributes.entry.1.Value.BinaryValue=%"},
		{"events", "PutTargets", "/", `{"Targets":[{"Id":"1","InputTransformer":{"InputPathsMap":{"a":null}}}]}`},
		{"scheduler", "PUT", "/schedules/n", `{"StartDate":1e300,"Target":{"EcsParameters":{"PlacementConstraints":[{}]}}}`},
		{"dynamodb", "PutItem", "/", `{"Item":{"a":{"M":{"b":{"L":[{"N":"1"},{}]}}},"c":{"S":"x","N":"1"}}}`},
		{"dynamodbstreams", "GetShardIterator", "/", `{"ShardIteratorType":1}`},
		{"apigateway", "POST", "/restapis?mode=import&a=b&a=c", "\x00"},
		{"apigatewayv2", "POST", "/v2/apis", `{"corsConfiguration":{"maxAge":1.5},"tags":[]}`},
		{"cloudwatch", "CBOR", "/service/GraniteServiceVersion20100801/operation/GetMetricData", "\xbf\x69StartTime\xc1\xfb\x7f\xf8\x00\x00\x00\x00\x00\x00\xff"},
		{"cloudwatch", "PutMetricData", "/", `{"MetricData":[{"Values":["NaN",1e400]}]}`},
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
		switch prefix := codec.Service().TargetPrefix; {
		case method == "CBOR":
			r.Method = http.MethodPost
			r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
		case prefix != "" && method != http.MethodPost: // the operation is in a header
			r.Method = http.MethodPost
			r.Header.Set("X-Amz-Target", prefix+"."+method)
		case prefix != "":
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		codec.Claims(r)
		codec = codec.For(r)
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
