package wire_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

func nothing[In, Out any](name string) wire.Operation {
	return wire.Op(name, func(context.Context, *In) (*Out, error) { return new(Out), nil }, nil)
}

func TestInputsByTheNamesOfTheSDK(t *testing.T) {
	send := nothing[sqs.SendMessageInput, sqs.SendMessageOutput]("SendMessage")
	in, err := wire.DecodeNamed(&wire.Service{Name: "sqs"}, &send,
		[]byte(`{"QueueUrl":"u","MessageBody":"b","DelaySeconds":5,"MessageAttributes":{"a":{"DataType":"String","StringValue":"v"}},"Unknown":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if m := in.(*sqs.SendMessageInput); *m.QueueUrl != "u" || *m.MessageBody != "b" || m.DelaySeconds != 5 || *m.MessageAttributes["a"].StringValue != "v" {
		t.Errorf("SendMessage: %+v", m)
	}

	// Names on the wire begin small here; in the SDKs they do not.
	put := nothing[cwl.PutLogEventsInput, cwl.PutLogEventsOutput]("PutLogEvents")
	in, err = wire.DecodeNamed(&wire.Service{Name: "logs"}, &put, []byte(`{"LogGroupName":"g","logStreamName":"s","LogEvents":[{"Message":"m","Timestamp":5}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if m := in.(*cwl.PutLogEventsInput); *m.LogGroupName != "g" || *m.LogStreamName != "s" || len(m.LogEvents) != 1 || *m.LogEvents[0].Message != "m" || *m.LogEvents[0].Timestamp != 5 {
		t.Errorf("PutLogEvents: %+v", m)
	}

	// Members that travel in the path are named like the others.
	limit := nothing[awslambda.PutFunctionConcurrencyInput, awslambda.PutFunctionConcurrencyOutput]("PutFunctionConcurrency")
	in, err = wire.DecodeNamed(&wire.Service{Name: "lambda", Protocol: wire.RestJSON1}, &limit, []byte(`{"FunctionName":"f","ReservedConcurrentExecutions":3}`))
	if err != nil {
		t.Fatal(err)
	}
	if m := in.(*awslambda.PutFunctionConcurrencyInput); aws.ToString(m.FunctionName) != "f" || aws.ToInt32(m.ReservedConcurrentExecutions) != 3 {
		t.Errorf("PutFunctionConcurrency: %+v", m)
	}

	item := nothing[dynamodb.PutItemInput, dynamodb.PutItemOutput]("PutItem")
	in, err = wire.DecodeNamed(&wire.Service{Name: "dynamodb"}, &item, []byte(`{"TableName":"t","Item":{"k":{"S":"v"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := in.(*dynamodb.PutItemInput).Item["k"].(*dynamotypes.AttributeValueMemberS); !ok || v.Value != "v" {
		t.Errorf("PutItem: %+v", in)
	}

	for _, text := range []string{`[]`, `{"QueueUrl":5}`, `{`, `{"DelaySeconds":"x"}`} {
		_, err := wire.DecodeNamed(&wire.Service{Name: "sqs"}, &send, []byte(text))
		if e, ok := errors.AsType[*lambda.Error](err); !ok || e.Code != lambda.CodeSerialization {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func FuzzDecodeNamed(f *testing.F) {
	for _, seed := range []string{`{"QueueUrl":"u","MessageBody":"b"}`, `{"MessageAttributes":{"a":{"DataType":"Binary","BinaryValue":"AA=="}}}`, `{"messageBody":null}`} {
		f.Add([]byte(seed))
	}
	send := nothing[sqs.SendMessageInput, sqs.SendMessageOutput]("SendMessage")
	f.Fuzz(func(t *testing.T, text []byte) {
		_, err := wire.DecodeNamed(&wire.Service{Name: "sqs"}, &send, text)
		if _, ok := errors.AsType[*lambda.Error](err); err != nil && !ok {
			t.Fatalf("%q: %v is none of AWS's errors", text, err)
		}
	})
}
