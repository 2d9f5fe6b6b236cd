package logs

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire/wiretest"
)

// client is AWS's own client, whose requests reach the service through the codec
// of its protocol.
func (f *fixture) client() *cwl.Client {
	f.t.Helper()
	url := wiretest.Serve(f.t, wiretest.New(f.t, lambda.CallerFrom(f.ctx()), f.API()))
	return cwl.New(cwl.Options{BaseEndpoint: &url, Region: region, RetryMaxAttempts: 1, Credentials: wiretest.Keys})
}

func TestAWSsClientReadsAndWritesLogs(t *testing.T) {
	f := newFixture(t)
	c, ctx := f.client(), t.Context()
	group, stream := aws.String("/app"), aws.String("one")
	if _, err := c.CreateLogGroup(ctx, &cwl.CreateLogGroupInput{LogGroupName: group, Tags: map[string]string{"a": "b"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateLogStream(ctx, &cwl.CreateLogStreamInput{LogGroupName: group, LogStreamName: stream}); err != nil {
		t.Fatal(err)
	}
	put, err := c.PutLogEvents(ctx, &cwl.PutLogEventsInput{LogGroupName: group, LogStreamName: stream, LogEvents: []types.InputLogEvent{
		{Timestamp: aws.Int64(noon.AddDate(0, -1, 0).UnixMilli()), Message: aws.String("old")},
		{Timestamp: aws.Int64(noon.UnixMilli()), Message: aws.String(`{"level":"INFO","text":"<a & b>"}`)},
	}})
	if err != nil || put.RejectedLogEventsInfo == nil || aws.ToInt32(put.RejectedLogEventsInfo.ExpiredLogEventEndIndex) != 1 {
		t.Fatalf("got %+v, %v", put, err)
	}
	got := 0
	pages := cwl.NewFilterLogEventsPaginator(c, &cwl.FilterLogEventsInput{LogGroupName: group, FilterPattern: aws.String(`{ $.level = "INFO" }`)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			if *e.Message != `{"level":"INFO","text":"<a & b>"}` {
				t.Errorf("got %s", *e.Message)
			}
			got++
		}
	}
	if got != 1 {
		t.Errorf("got %d events, want 1", got)
	}
	events, err := c.GetLogEvents(ctx, &cwl.GetLogEventsInput{LogGroupName: group, LogStreamName: stream})
	if err != nil || len(events.Events) != 1 || events.NextForwardToken == nil {
		t.Errorf("got %+v, %v", events, err)
	}
	streams, err := c.DescribeLogStreams(ctx, &cwl.DescribeLogStreamsInput{LogGroupName: group, OrderBy: types.OrderByLastEventTime, Descending: aws.Bool(true)})
	if err != nil || len(streams.LogStreams) != 1 || aws.ToInt64(streams.LogStreams[0].LastEventTimestamp) != noon.UnixMilli() {
		t.Errorf("got %+v, %v", streams, err)
	}
	tags, err := c.ListTagsForResource(ctx, &cwl.ListTagsForResourceInput{ResourceArn: aws.String(key("/app").ARN())})
	if err != nil || tags.Tags["a"] != "b" {
		t.Errorf("got %+v, %v", tags, err)
	}
	_, err = c.DeleteLogStream(ctx, &cwl.DeleteLogStreamInput{LogGroupName: group, LogStreamName: aws.String("none")})
	if missing, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok || missing.ErrorMessage() != "The specified log stream does not exist." {
		t.Errorf("got %v", err)
	}
}
