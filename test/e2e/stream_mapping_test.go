package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/hearthfaas/hearth/internal/harness"
)

// table makes a table with a stream; the stream's ARN is returned.
func (h *hearth) table(t *testing.T, name string) (*dynamodb.Client, string) {
	t.Helper()
	c := dynamodb.NewFromConfig(h.aws)
	made, err := c.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: ddbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []ddbtypes.AttributeDefinition{{AttributeName: new("id"), AttributeType: "S"}},
		KeySchema:            []ddbtypes.KeySchemaElement{{AttributeName: new("id"), KeyType: "HASH"}},
		StreamSpecification:  &ddbtypes.StreamSpecification{StreamEnabled: new(true), StreamViewType: ddbtypes.StreamViewTypeNewAndOldImages},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := dynamodb.NewTableExistsWaiter(c).Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &name}, time.Minute); err != nil {
		t.Fatal(err)
	}
	return c, *made.TableDescription.LatestStreamArn
}

const readStreams = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:DescribeStream","dynamodb:GetRecords","dynamodb:GetShardIterator","dynamodb:ListStreams"],"Resource":"*"},
	{"Effect":"Allow","Action":["logs:*","sqs:SendMessage"],"Resource":"*"}]}`

// Every change of a table reaches the function in the order of each item, also over
// a restart; what the function cannot process is told to the queue that the mapping
// names, and holds nothing else up.
func TestRootATablesStreamFeedsAFunction(t *testing.T) {
	needRoot(t)
	dir := dataDir(t)
	h := start(t, harness.Options{DataDir: dir})
	db, stream := h.table(t, "orders")
	queue, url, failed := h.queue(t, "failed", nil)
	h.function(t, "changes", `exports.handler = async (e) => {
		if (e.Records.some((r) => r.dynamodb.NewImage && r.dynamodb.NewImage.n.N === "13")) throw new Error("no");
		for (const r of e.Records) console.log("saw " + r.eventName + " " + r.dynamodb.Keys.id.S + " " + (r.dynamodb.NewImage ? r.dynamodb.NewImage.n.N : "-"));
	}`, withRole(h.role(t, "changes", writeLogs)))
	in := &lambda.CreateEventSourceMappingInput{
		FunctionName: new("changes"), EventSourceArn: &stream, StartingPosition: types.EventSourcePositionTrimHorizon,
		BisectBatchOnFunctionError: new(true), MaximumRetryAttempts: new(int32(0)), ParallelizationFactor: new(int32(2)),
		DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: &failed}},
	}
	_, err := h.lambda.CreateEventSourceMapping(t.Context(), in)
	if err == nil || !strings.Contains(err.Error(), "Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream") {
		t.Fatalf("without permissions: got %v", err)
	}
	h.grant(t, "changes", readStreams)
	put := func(id string, n int) {
		t.Helper()
		_, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: new("orders"), Item: map[string]ddbtypes.AttributeValue{
			"id": &ddbtypes.AttributeValueMemberS{Value: id}, "n": &ddbtypes.AttributeValueMemberN{Value: fmt.Sprint(n)},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	for n := range 10 {
		put("a", n)
		put("b", n)
	}
	uuid := h.mapped(t, in)
	eventually(t, 30*time.Second, "the function saw what was there before", func() bool { return len(h.logged(t, "changes", "saw")) == 20 })
	put("a", 13)
	put("a", 14)
	eventually(t, 30*time.Second, "the failed batch is told", func() bool { return !empty(t, queue, url) })
	got, err := queue.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url})
	if err != nil || len(got.Messages) != 1 {
		t.Fatalf("got %v, %v", got, err)
	}
	var told struct {
		RequestContext     struct{ Condition string }
		DDBStreamBatchInfo struct {
			BatchSize int
			StreamArn string
		}
	}
	if err := json.Unmarshal([]byte(*got.Messages[0].Body), &told); err != nil || told.RequestContext.Condition != "RetryAttemptsExhausted" ||
		told.DDBStreamBatchInfo.BatchSize != 1 || told.DDBStreamBatchInfo.StreamArn != stream {
		t.Errorf("told %s", *got.Messages[0].Body)
	}
	if err := h.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	h = start(t, harness.Options{DataDir: dir})
	defer func() {
		if err := h.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	}()
	db = dynamodb.NewFromConfig(h.aws)
	if _, err := db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: new("orders"), Key: map[string]ddbtypes.AttributeValue{"id": &ddbtypes.AttributeValueMemberS{Value: "b"}}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "the deletion is seen after the restart", func() bool {
		return slices.Contains(h.logged(t, "changes", "saw"), "REMOVE b -")
	})
	var want, order []string
	for n := range 10 {
		name := "MODIFY"
		if n == 0 {
			name = "INSERT"
		}
		want = append(want, fmt.Sprintf("%s a %d", name, n))
	}
	want = append(want, "MODIFY a 14")
	for _, line := range h.logged(t, "changes", "saw") {
		if strings.Contains(line, " a ") {
			order = append(order, line)
		}
	}
	if !slices.Equal(order, want) {
		t.Errorf("item a: got %q, want %q", order, want)
	}
	if m := h.mapping(t, uuid); aws.ToString(m.LastProcessingResult) != "OK" || aws.ToString(m.State) != "Enabled" {
		t.Errorf("the mapping is %s, %s", aws.ToString(m.State), aws.ToString(m.LastProcessingResult))
	}
}
