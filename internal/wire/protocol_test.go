package wire

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func sqsCodec(t testing.TB) *Codec {
	return codecOf(t, &Service{Name: "sqs", Operations: []Operation{
		operation[sqs.CreateQueueInput, sqs.CreateQueueOutput]("CreateQueue"),
		operation[sqs.DeleteMessageInput, sqs.DeleteMessageOutput]("DeleteMessage"),
		operation[sqs.GetQueueAttributesInput, sqs.GetQueueAttributesOutput]("GetQueueAttributes"),
		operation[sqs.ListQueuesInput, sqs.ListQueuesOutput]("ListQueues"),
		operation[sqs.ReceiveMessageInput, sqs.ReceiveMessageOutput]("ReceiveMessage"),
		operation[sqs.SendMessageBatchInput, sqs.SendMessageBatchOutput]("SendMessageBatch"),
		operation[sqs.SendMessageInput, sqs.SendMessageOutput]("SendMessage"),
	}})
}

func formRequest(path, form string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return r
}

func TestFlatFormsAreRead(t *testing.T) {
	codec := sqsCodec(t)
	for _, tt := range []struct {
		name, path, form string
		want             any
	}{
		{
			"a map of attributes", "/", "Action=CreateQueue&QueueName=q&Attribute.1.Name=VisibilityTimeout&Attribute.1.Value=40" +
				"&Attribute.2.Name=DelaySeconds&Attribute.2.Value=5&Tag.1.Key=a&Tag.1.Value=b",
			&sqs.CreateQueueInput{
				QueueName:  aws.String("q"),
				Attributes: map[string]string{"VisibilityTimeout": "40", "DelaySeconds": "5"},
				Tags:       map[string]string{"a": "b"},
			},
		},
		{
			"attributes of a message", "/", "Action=SendMessage&QueueUrl=u&MessageBody=b&MessageAttribute.1.Name=n" +
				"&MessageAttribute.1.Value.StringValue=v&MessageAttribute.1.Value.DataType=String",
			&sqs.SendMessageInput{
				QueueUrl: aws.String("u"), MessageBody: aws.String("b"),
				MessageAttributes: map[string]sqstypes.MessageAttributeValue{"n": {StringValue: aws.String("v"), DataType: aws.String("String")}},
			},
		},
		{
			"a batch, and the queue as the path", "/000000000000/q", "Action=SendMessageBatch" +
				"&SendMessageBatchRequestEntry.1.Id=one&SendMessageBatchRequestEntry.1.MessageBody=first" +
				"&SendMessageBatchRequestEntry.2.Id=two&SendMessageBatchRequestEntry.2.MessageBody=second",
			&sqs.SendMessageBatchInput{
				QueueUrl: aws.String("/000000000000/q"),
				Entries: []sqstypes.SendMessageBatchRequestEntry{
					{Id: aws.String("one"), MessageBody: aws.String("first")},
					{Id: aws.String("two"), MessageBody: aws.String("second")},
				},
			},
		},
		{
			"names of attributes", "/", "Action=ReceiveMessage&QueueUrl=u&AttributeName.1=All&MessageAttributeName.1=a&MessageAttributeName.2=b&MaxNumberOfMessages=10",
			&sqs.ReceiveMessageInput{
				QueueUrl:                    aws.String("u"),
				AttributeNames:              []sqstypes.QueueAttributeName{"All"},         //nolint:staticcheck // older clients send it
				MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"All"}, // they share a name in forms
				MessageAttributeNames:       []string{"a", "b"}, MaxNumberOfMessages: 10,
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := formRequest(tt.path, tt.form)
			call, err := codec.For(r).Match(r, []byte(tt.form))
			if err != nil {
				t.Fatal(err)
			}
			got, err := call.Decode()
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %s\nwant %s", printed(got), printed(tt.want))
			}
		})
	}
}

func TestWhatARequestHadInItIsKnown(t *testing.T) {
	codec := sqsCodec(t)
	inForm := "Action=SendMessageBatch&QueueUrl=u&SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.2.Id=b&SendMessageBatchRequestEntry.2.DelaySeconds=0"
	inJSON := httptest.NewRequest(http.MethodPost, "/", nil)
	inJSON.Header.Set("X-Amz-Target", "AmazonSQS.SendMessageBatch")
	for body, r := range map[string]*http.Request{
		inForm: formRequest("/", inForm),
		`{"QueueUrl":"u","Entries":[{"Id":"a"},{"Id":"b","DelaySeconds":0}]}`: inJSON,
	} {
		call, err := codec.For(r).Match(r, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := call.Decode(); err != nil {
			t.Fatal(err)
		}
		ctx := WithSent(t.Context(), call)
		for want, sent := range map[bool]bool{
			true:  Sent(ctx, "Entries", 1, "DelaySeconds") && Sent(ctx, "QueueUrl"),
			false: Sent(ctx, "Entries", 0, "DelaySeconds") || Sent(ctx, "Entries", 2, "DelaySeconds") || Sent(t.Context(), "QueueUrl") || Sent(ctx, "Nothing", 3),
		} {
			if sent != want {
				t.Errorf("%s: sent is %v", body, sent)
			}
		}
	}
}

func TestFlatAnswersRepeatTheirElements(t *testing.T) {
	codec := sqsCodec(t)
	for _, tt := range []struct {
		operation string
		out       any
		want      string
	}{
		{"ListQueues", &sqs.ListQueuesOutput{QueueUrls: []string{"a", "b"}}, "<ListQueuesResult><QueueUrl>a</QueueUrl><QueueUrl>b</QueueUrl></ListQueuesResult>"},
		{
			"GetQueueAttributes", &sqs.GetQueueAttributesOutput{Attributes: map[string]string{"QueueArn": "x", "DelaySeconds": "0"}},
			"<GetQueueAttributesResult><Attribute><Name>DelaySeconds</Name><Value>0</Value></Attribute>" +
				"<Attribute><Name>QueueArn</Name><Value>x</Value></Attribute></GetQueueAttributesResult>",
		},
		{
			"ReceiveMessage", &sqs.ReceiveMessageOutput{Messages: []sqstypes.Message{{
				MessageId: aws.String("id"), Body: aws.String("<b>"), Attributes: map[string]string{"SentTimestamp": "1"},
				MessageAttributes: map[string]sqstypes.MessageAttributeValue{"n": {StringValue: aws.String("v"), DataType: aws.String("String")}},
			}}},
			"<ReceiveMessageResult><Message><Attribute><Name>SentTimestamp</Name><Value>1</Value></Attribute><Body>&lt;b&gt;</Body>" +
				"<MessageAttribute><Name>n</Name><Value><DataType>String</DataType><StringValue>v</StringValue></Value></MessageAttribute>" +
				"<MessageId>id</MessageId></Message></ReceiveMessageResult>",
		},
		{"DeleteMessage", &sqs.DeleteMessageOutput{}, ""},
	} {
		r := formRequest("/", "Action="+tt.operation)
		call, err := codec.For(r).Match(r, []byte("Action="+tt.operation))
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		if err := call.WriteResult(w, "id", tt.out); err != nil {
			t.Fatal(err)
		}
		want := "<" + tt.operation + `Response xmlns="http://queue.amazonaws.com/doc/2012-11-05/">` + tt.want +
			"<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></" + tt.operation + "Response>"
		if w.Body.String() != want {
			t.Errorf("got  %s\nwant %s", w.Body, want)
		}
	}
}

func TestAnErrorHasTheNameOfTheProtocolThatAsked(t *testing.T) {
	missing := lambda.Errorf("QueueDoesNotExist", "The specified queue does not exist.")
	codec := sqsCodec(t)
	inJSON := httptest.NewRequest(http.MethodPost, "/", nil)
	inJSON.Header.Set("X-Amz-Target", "AmazonSQS.ListQueues")

	w := httptest.NewRecorder()
	codec.For(inJSON).WriteError(w, "id", missing)
	if got, want := w.Body.String(), `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := w.Header().Get("x-amzn-query-error"); got != "AWS.SimpleQueueService.NonExistentQueue;Sender" {
		t.Errorf("query error: %q", got)
	}
	for _, code := range []string{"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"} {
		w = httptest.NewRecorder()
		codec.For(formRequest("/", "")).WriteError(w, "id", lambda.Errorf(code, "gone"))
		if !strings.Contains(w.Body.String(), "<Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>gone</Message>") || w.Code != 400 {
			t.Errorf("%s: got %d %s", code, w.Code, w.Body)
		}
	}
	w = httptest.NewRecorder()
	codec.For(inJSON).WriteError(w, "id", lambda.Errorf(lambda.CodeAccessDenied, "no"))
	if !strings.Contains(w.Body.String(), "com.amazon.coral.service#AccessDeniedException") || w.Code != 403 ||
		w.Header().Get("x-amzn-query-error") != "AccessDenied;Sender" {
		t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
	}

	topics := codecOf(t, &Service{Name: "sns", Operations: []Operation{operation[sns.ListTopicsInput, sns.ListTopicsOutput]("ListTopics")}})
	w = httptest.NewRecorder()
	topics.WriteError(w, "id", lambda.Errorf("NotFoundException", "Topic does not exist"))
	if !strings.Contains(w.Body.String(), "<Code>NotFound</Code>") || w.Code != 404 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	topics.WriteError(w, "id", lambda.Errorf(lambda.CodeAccessDenied, "no"))
	if !strings.Contains(w.Body.String(), "<Code>AuthorizationError</Code>") || w.Code != 403 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestAnErrorCarriesTheMembersOfItsException(t *testing.T) {
	codec := codecOf(t, &Service{Name: "dynamodb", Operations: []Operation{
		operation[dynamodb.ListTablesInput, dynamodb.ListTablesOutput]("ListTables"),
	}})
	w := httptest.NewRecorder()
	e := lambda.Errorf("TransactionCanceledException", "cancelled")
	e.Detail = &dynamodbtypes.TransactionCanceledException{CancellationReasons: []dynamodbtypes.CancellationReason{
		{Code: aws.String("ConditionalCheckFailed"), Item: map[string]dynamodbtypes.AttributeValue{"a": &dynamodbtypes.AttributeValueMemberN{Value: "1"}}},
		{Code: aws.String("None")},
	}}
	codec.WriteError(w, "id", e)
	const want = `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"cancelled",` +
		`"CancellationReasons":[{"Code":"ConditionalCheckFailed","Item":{"a":{"N":"1"}}},{"Code":"None"}]}`
	if w.Body.String() != want || w.Code != 400 {
		t.Errorf("got  %s\nwant %s", w.Body, want)
	}
	w = httptest.NewRecorder()
	codec.WriteError(w, "id", lambda.Errorf(lambda.CodeAccessDenied, "no"))
	if w.Code != 400 || !json.Valid(w.Body.Bytes()) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestServicesBehindOneNameAreToldApart(t *testing.T) {
	v1 := codecOf(t, &Service{Name: "apigateway"})
	v2 := codecOf(t, &Service{Name: "apigateway", Model: "apigatewayv2"})
	tables := codecOf(t, &Service{Name: "dynamodb"})
	streams := codecOf(t, &Service{Name: "dynamodb", Model: "dynamodbstreams"})
	if got := streams.Service().SigningName; got != "dynamodb" {
		t.Errorf("streams are signed for %q", got)
	}
	for _, tt := range []struct {
		method, path, target string
		want                 *Codec
	}{
		{"GET", "/restapis/x/resources", "", v1},
		{"GET", "/v2/apis/x/routes", "", v2},
		{"GET", "/v2/domainnames", "", v2},
		{"GET", "/domainnames", "", v1},
		{"GET", "/v2/vpclinks", "", v2},
		{"GET", "/tags/arn%3Aaws%3Aapigateway%3A%3A%3A%2Frestapis%2Fx", "", v1},
		{"POST", "/", "DynamoDB_20120810.GetItem", tables},
		{"POST", "/", "DynamoDBStreams_20120810.GetRecords", streams},
	} {
		r := httptest.NewRequest(tt.method, tt.path, nil)
		others := []*Codec{v1, v2}
		if tt.target != "" {
			r.Header.Set("X-Amz-Target", tt.target)
			others = []*Codec{tables, streams}
		}
		for _, c := range others {
			if got := c.Claims(r); got != (c == tt.want) {
				t.Errorf("%s %s %s: %s claims it: %v", tt.method, tt.path, tt.target, c.Service().Model, got)
			}
		}
	}
}

func cloudwatchCodec(t testing.TB) *Codec {
	return codecOf(t, &Service{Name: "cloudwatch", Operations: []Operation{
		operation[cloudwatch.PutMetricDataInput, cloudwatch.PutMetricDataOutput]("PutMetricData"),
		operation[cloudwatch.GetMetricDataInput, cloudwatch.GetMetricDataOutput]("GetMetricData"),
	}})
}

func TestOneRequestInThreeProtocolsIsTheSameInput(t *testing.T) {
	codec := cloudwatchCodec(t)
	inQuery := "Action=PutMetricData&Version=2010-08-01&Namespace=n&MetricData.member.1.MetricName=m&MetricData.member.1.Value=0.5" +
		"&MetricData.member.1.Timestamp=2026-01-02T03%3A04%3A05Z"
	inJSON := `{"Namespace":"n","MetricData":[{"MetricName":"m","Value":0.5,"Timestamp":1767323045}]}`
	inCBOR := "\xa2\x69Namespace\x61n\x6aMetricData\x81\xa3\x6aMetricName\x61m\x65Value\xf9\x38\x00\x69Timestamp\xc1\x1a\x69\x57\x35\xa5"
	requests := map[string]*http.Request{
		"query": formRequest("/", inQuery),
		"json":  httptest.NewRequest(http.MethodPost, "/", nil),
		"cbor":  httptest.NewRequest(http.MethodPost, "/service/GraniteServiceVersion20100801/operation/PutMetricData", nil),
	}
	requests["json"].Header.Set("X-Amz-Target", "GraniteServiceVersion20100801.PutMetricData")
	requests["cbor"].Header.Set("Smithy-Protocol", "rpc-v2-cbor")
	var want string
	for name, body := range map[string]string{"query": inQuery, "json": inJSON, "cbor": inCBOR} {
		for _, zipped := range []bool{false, true} {
			r, raw := requests[name].Clone(t.Context()), []byte(body)
			if zipped {
				raw = zip(t, raw)
				r.Header.Set("Content-Encoding", "gzip")
			}
			call, err := codec.For(r).Match(r, raw)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			in, err := call.Decode()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got := printed(in); want == "" {
				want = got
			} else if got != want {
				t.Errorf("%s: got %s, want %s", name, got, want)
			}
		}
	}
	if !strings.Contains(want, `"Value":0.5`) || !strings.Contains(want, "2026-01-02T03:04:05Z") {
		t.Errorf("got %s", want)
	}
}

func zip(t *testing.T, raw []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestABombOfZerosIsRefused(t *testing.T) {
	r := formRequest("/", "")
	r.Header.Set("Content-Encoding", "gzip")
	codec := cloudwatchCodec(t)
	if _, err := codec.For(r).Match(r, zip(t, make([]byte, 64<<20))); err == nil || !strings.Contains(err.Error(), "smaller than") {
		t.Errorf("got %v", err)
	}
}

func FuzzCBOR(f *testing.F) {
	f.Add([]byte("\xa2\x69Namespace\x61n\x6aMetricData\x81\xa1\x6aMetricName\x61m"))
	f.Add([]byte("\xbf\x69StartTime\xc1\xfb\x41\xda\x55\xcd\x59\x40\x00\x00\xff"))
	f.Add([]byte("\xa1\x69StartTime\xc1\x3b\xff\xff\xff\xff\xff\xff\xff\xff"))
	codec := cloudwatchCodec(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/service/GraniteServiceVersion20100801/operation/GetMetricData", nil)
		r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
		call, err := codec.Match(r, body)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := call.Decode(); err != nil {
			if _, ok := errors.AsType[*lambda.Error](err); !ok {
				t.Fatalf("a bad body is our fault: %v", err)
			}
		}
	})
}
