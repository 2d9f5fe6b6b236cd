package dynamodb

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/hearthfaas/hearth/internal/eventsource/streams"
	"github.com/hearthfaas/hearth/internal/lambda"
)

const arn = "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2016-12-01T00:00:00.000"

func TestARecordReadsAsAWSWritesIt(t *testing.T) {
	r := &types.Record{
		EventID: new("c4ca4238a0b923820dcc509a6f75849b"), EventName: "MODIFY", EventVersion: new("1.1"), EventSource: new("aws:dynamodb"), AwsRegion: new("us-east-1"),
		Dynamodb: &types.StreamRecord{
			ApproximateCreationDateTime: new(time.Unix(1480642020, 5e8)),
			Keys:                        map[string]types.AttributeValue{"k": &types.AttributeValueMemberS{Value: "<v>"}},
			NewImage: map[string]types.AttributeValue{
				"b": &types.AttributeValueMemberB{Value: []byte{1, 2}}, "bs": &types.AttributeValueMemberBS{Value: [][]byte{{3}}},
				"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberN{Value: "1.50"}, &types.AttributeValueMemberNULL{Value: true}}},
				"m": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"x": &types.AttributeValueMemberBOOL{Value: false}}},
				"s": &types.AttributeValueMemberSS{Value: []string{"a"}}, "n": &types.AttributeValueMemberNS{Value: []string{"1"}},
			},
			SequenceNumber: new("111"), SizeBytes: new(int64(54)), StreamViewType: "NEW_AND_OLD_IMAGES",
		},
		UserIdentity: &types.Identity{Type: new("Service"), PrincipalId: new("dynamodb.amazonaws.com")},
	}
	s := New(&api{page: &dynamodbstreams.GetRecordsOutput{Records: []types.Record{*r}}})
	page, err := s.Records(t.Context(), lambda.Caller{}, "i", 10)
	if err != nil || len(page.Records) != 1 || page.Records[0].Key != `{"k":{"S":"<v>"}}` && page.Records[0].Key != `{"k":{"S":"\u003cv\u003e"}}` {
		t.Fatalf("got %+v, %v", page, err)
	}
	got, err := s.Record(page.Records[0], arn, "role")
	const want = `{"eventID":"c4ca4238a0b923820dcc509a6f75849b","eventName":"MODIFY","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"us-east-1",` +
		`"dynamodb":{"ApproximateCreationDateTime":1480642020,"Keys":{"k":{"S":"<v>"}},"NewImage":{"b":{"B":"AQI="},"bs":{"BS":["Aw=="]},"l":{"L":[{"N":"1.50"},{"NULL":true}]},` +
		`"m":{"M":{"x":{"BOOL":false}}},"n":{"NS":["1"]},"s":{"SS":["a"]}},"SequenceNumber":"111","SizeBytes":54,"StreamViewType":"NEW_AND_OLD_IMAGES"},` +
		`"userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"},"eventSourceARN":"` + arn + `"}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s\nwant %s\n%v", got, want, err)
	}
}

func TestRefusalsAreToldApart(t *testing.T) {
	for code, want := range map[string]error{
		lambda.CodeAccessDenied: streams.ErrDenied, lambda.CodeResourceNotFound: streams.ErrNoStream,
		"ExpiredIteratorException": streams.ErrExpired, "TrimmedDataAccessException": streams.ErrTrimmed,
	} {
		s := New(&api{err: lambda.Errorf(code, "no")})
		if _, err := s.Records(t.Context(), lambda.Caller{}, "i", 10); !errors.Is(err, want) {
			t.Errorf("%s: got %v", code, err)
		}
		if _, err := s.Shards(t.Context(), lambda.Caller{}, arn); !errors.Is(err, want) {
			t.Errorf("%s: got %v", code, err)
		}
	}
}

// api answers always the same.
type api struct {
	page *dynamodbstreams.GetRecordsOutput
	err  error
}

func (a *api) DescribeStream(context.Context, lambda.Caller, *dynamodbstreams.DescribeStreamInput) (*dynamodbstreams.DescribeStreamOutput, error) {
	return &dynamodbstreams.DescribeStreamOutput{StreamDescription: &types.StreamDescription{}}, a.err
}

func (a *api) GetShardIterator(context.Context, lambda.Caller, *dynamodbstreams.GetShardIteratorInput) (*dynamodbstreams.GetShardIteratorOutput, error) {
	return &dynamodbstreams.GetShardIteratorOutput{ShardIterator: new("i")}, a.err
}

func (a *api) GetRecords(context.Context, lambda.Caller, *dynamodbstreams.GetRecordsInput) (*dynamodbstreams.GetRecordsOutput, error) {
	return a.page, a.err
}
