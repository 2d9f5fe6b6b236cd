package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/hearthfaas/hearth/internal/harness"
)

// change begins functions that change the table "seen" through its API: by the key,
// an update expression and its values.
var change = strings.Replace(caller, "exports.handler =", "const call =", 1) + `
const change = async (id, update, values) => {
  const r = await call({ service: "dynamodb", type: "application/x-amz-json-1.0", target: "DynamoDB_20120810.UpdateItem",
    body: JSON.stringify({ TableName: "seen", Key: { id: { S: id } }, UpdateExpression: update, ExpressionAttributeValues: values }) });
  if (r.status !== 200) throw new Error(r.body);
};
const pause = (ms) => new Promise((r) => setTimeout(r, ms));
`

const useTables = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:*","sqs:SendMessage","logs:*"],"Resource":"*"}]}`

// killed is a Hearth that is killed and started again; whoever writes to it asks for
// the one of the moment.
type killed struct {
	dir     string
	current atomic.Pointer[hearth]
}

func startKilled(t *testing.T) *killed {
	t.Helper()
	needRoot(t)
	k := &killed{dir: dataDir(t)}
	k.current.Store(start(t, harness.Options{DataDir: k.dir}))
	t.Cleanup(func() {
		if err := k.current.Load().Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		if t.Failed() {
			t.Logf("the end of Hearth's log:\n%s", k.current.Load().Log())
		}
	})
	return k
}

func (k *killed) again(t *testing.T) {
	t.Helper()
	if err := k.current.Load().Kill(); err != nil {
		t.Fatal(err)
	}
	k.current.Store(start(t, harness.Options{DataDir: k.dir}))
}

// put puts an item until that is acknowledged. Twice is once: an item that is put as
// it was is no change.
func (k *killed) put(ctx context.Context, table, id string, n int) bool {
	for ctx.Err() == nil {
		_, err := dynamodb.NewFromConfig(k.current.Load().aws).PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: numbered(id, n)})
		if err == nil {
			return true
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return false
}

func numbered(id string, n int) map[string]ddbtypes.AttributeValue {
	return map[string]ddbtypes.AttributeValue{
		"id": &ddbtypes.AttributeValueMemberS{Value: id}, "n": &ddbtypes.AttributeValueMemberN{Value: strconv.Itoa(n)},
	}
}

// seen is the item of the table "seen" with an id, nil when there is none.
func (k *killed) seen(t *testing.T, id string) map[string]ddbtypes.AttributeValue {
	t.Helper()
	got, err := dynamodb.NewFromConfig(k.current.Load().aws).GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: new("seen"), Key: map[string]ddbtypes.AttributeValue{"id": &ddbtypes.AttributeValueMemberS{Value: id}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return got.Item
}

func asNumber(t *testing.T, v ddbtypes.AttributeValue) int {
	t.Helper()
	n, ok := v.(*ddbtypes.AttributeValueMemberN)
	if !ok {
		return 0
	}
	i, err := strconv.Atoi(n.Value)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// Goal: a stream's records reach the function in the order of their keys, none is
// lost, and one that comes twice comes with all that followed it, however often Hearth
// is killed. Method: eight keys count up while Hearth is killed three times; with four
// batches at a time the function appends what it sees to a list by key.
func TestRootAStreamKeepsEachKeysOrderUnderRepeatedKills(t *testing.T) {
	k := startKilled(t)
	h := k.current.Load()
	_, stream := h.table(t, "counts")
	h.table(t, "seen")
	h.function(t, "append", change+`
exports.handler = async (event) => {
  const environment = process.env.AWS_LAMBDA_LOG_STREAM_NAME;
  await pause(30);
  for (const r of event.Records) {
    await change(r.dynamodb.Keys.id.S, "SET numbers = list_append(if_not_exists(numbers, :none), :n) ADD environments :e",
      { ":none": { L: [] }, ":n": { L: [r.dynamodb.NewImage.n] }, ":e": { SS: [environment] } });
  }
};`, withRole(h.role(t, "append", useTables)))
	h.mapped(t, &lambda.CreateEventSourceMappingInput{
		FunctionName: new("append"), EventSourceArn: &stream, StartingPosition: types.EventSourcePositionTrimHorizon,
		ParallelizationFactor: new(int32(4)), BatchSize: new(int32(10)),
	})
	const keys, kills, every = 8, 3, 2500 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	counts := make([]int, keys)
	var writers sync.WaitGroup
	for i := range keys {
		writers.Go(func() {
			for n := 1; ctx.Err() == nil && k.put(t.Context(), "counts", fmt.Sprint("key-", i), n); n++ {
				counts[i] = n
				select {
				case <-time.After(25 * time.Millisecond):
				case <-ctx.Done():
				}
			}
		})
	}
	for range kills {
		time.Sleep(every)
		k.again(t)
	}
	cancel()
	writers.Wait()
	numbers := func(i int) (out []int) {
		l, _ := k.seen(t, fmt.Sprint("key-", i))["numbers"].(*ddbtypes.AttributeValueMemberL)
		if l != nil {
			for _, v := range l.Value {
				out = append(out, asNumber(t, v))
			}
		}
		return out
	}
	environments, total, again := map[string]bool{}, 0, 0
	for i := range keys {
		id := fmt.Sprint("key-", i)
		eventually(t, 30*time.Second, fmt.Sprintf("%s is seen up to %d", id, counts[i]), func() bool {
			got := numbers(i)
			return len(got) > 0 && got[len(got)-1] == counts[i]
		})
		got := numbers(i)
		most := 0
		for at, n := range got {
			if n > most+1 {
				t.Errorf("%s: %d comes after %d: %v", id, n, most, got)
			}
			if at > 0 && n != got[at-1]+1 {
				if n > got[at-1] {
					t.Errorf("%s: %d comes after %d: %v", id, n, got[at-1], got)
				}
				again++ // a run that begins once more
			}
			most = max(most, n)
		}
		if most != counts[i] {
			t.Errorf("%s: seen up to %d, want %d", id, most, counts[i])
		}
		total += len(got)
		if set, ok := k.seen(t, id)["environments"].(*ddbtypes.AttributeValueMemberSS); ok {
			for _, e := range set.Value {
				environments[e] = true
			}
		}
	}
	if again > keys*kills {
		t.Errorf("%d runs came again after %d kills", again, kills)
	}
	if len(environments) <= kills+1 {
		t.Errorf("%d environments in the lives of %d: batches did not run beside each other", len(environments), kills+1)
	}
	t.Logf("%d numbers of %d keys, %d processed, %d runs again, %d environments", sum(counts), keys, total, again, len(environments))
}

func sum(numbers []int) (total int) {
	for _, n := range numbers {
		total += n
	}
	return total
}

// Of a thousand records one is bad: halving finds it, the others are processed once,
// and the destination is told of that one.
func TestRootBisectingIsolatesTheOneBadRecordOfAThousand(t *testing.T) {
	k := startKilled(t)
	h := k.current.Load()
	const records, bad, perBatch = 1000, 613, 25
	db, stream := h.table(t, "thousand")
	h.table(t, "seen")
	queue, url, failed := h.queue(t, "failed", nil)
	h.function(t, "once", change+`
exports.handler = async (event) => {
  if (event.Records.some((r) => r.dynamodb.NewImage.n.N === "`+fmt.Sprint(bad)+`")) throw new Error("bad record");
  const n = event.Records.reduce((sum, r) => sum + Number(r.dynamodb.NewImage.n.N), 0);
  await change("all", "ADD handled :r, amount :n", { ":r": { N: String(event.Records.length) }, ":n": { N: String(n) } });
};`, withRole(h.role(t, "once", useTables)))
	for n := 0; n < records; n += perBatch {
		var puts []ddbtypes.WriteRequest
		for i := n; i < n+perBatch; i++ {
			puts = append(puts, ddbtypes.WriteRequest{PutRequest: &ddbtypes.PutRequest{Item: numbered(fmt.Sprint("item-", i), i)}})
		}
		if _, err := db.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]ddbtypes.WriteRequest{"thousand": puts}}); err != nil {
			t.Fatal(err)
		}
	}
	h.mapped(t, &lambda.CreateEventSourceMappingInput{
		FunctionName: new("once"), EventSourceArn: &stream, StartingPosition: types.EventSourcePositionTrimHorizon,
		BatchSize: new(int32(records)), BisectBatchOnFunctionError: new(true), MaximumRetryAttempts: new(int32(0)),
		DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: &failed}},
	})
	eventually(t, 20*time.Second, "all but one are processed", func() bool { return asNumber(t, k.seen(t, "all")["handled"]) >= records-1 })
	if got, want := asNumber(t, k.seen(t, "all")["amount"]), records*(records-1)/2-bad; got != want {
		t.Errorf("the numbers of what was processed add up to %d, want %d", got, want)
	}
	told := h.mail(t, url, 1)
	var failure struct {
		RequestContext     struct{ Condition string }
		DDBStreamBatchInfo struct {
			ShardID             string `json:"shardId"`
			StartSequenceNumber string
			EndSequenceNumber   string
			BatchSize           int
			StreamArn           string
		}
	}
	if err := json.Unmarshal([]byte(*told[0].Body), &failure); err != nil {
		t.Fatal(err)
	}
	info := failure.DDBStreamBatchInfo
	if failure.RequestContext.Condition != "RetryAttemptsExhausted" || info.BatchSize != 1 || info.StartSequenceNumber != info.EndSequenceNumber || info.StreamArn != stream {
		t.Fatalf("told %s", *told[0].Body)
	}
	// The position leads to the record.
	source := dynamodbstreams.NewFromConfig(h.aws)
	at, err := source.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{
		StreamArn: &stream, ShardId: &info.ShardID, ShardIteratorType: streamtypes.ShardIteratorTypeAtSequenceNumber, SequenceNumber: &info.StartSequenceNumber,
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := source.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: at.ShardIterator, Limit: new(int32(1))})
	if err != nil || len(got.Records) != 1 {
		t.Fatalf("got %v, %v", got, err)
	}
	n, _ := got.Records[0].Dynamodb.NewImage["n"].(*streamtypes.AttributeValueMemberN)
	if n == nil || n.Value != fmt.Sprint(bad) {
		t.Errorf("the destination was told of %v, want record %d", got.Records[0].Dynamodb.NewImage, bad)
	}
	if _, err := queue.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: told[0].ReceiptHandle}); err != nil {
		t.Fatal(err)
	}
	if len(told) > 1 || !empty(t, queue, url) {
		t.Error("the destination was told more than once")
	}
}

// Goal: a tumbling window's sum counts each record once, also when Hearth is killed in
// the middle of windows. Method: items with numbers are put over some windows of two
// seconds, Hearth is killed twice; the function carries the sum in the window's state
// and writes it down, by the window's start, when the window ends.
func TestRootATumblingWindowsSumIsRightAcrossKills(t *testing.T) {
	k := startKilled(t)
	h := k.current.Load()
	_, stream := h.table(t, "numbers")
	h.table(t, "seen")
	h.function(t, "sum", change+`
exports.handler = async (event) => {
  let sum = event.state.sum ?? 0;
  for (const r of event.Records) sum += Number(r.dynamodb.NewImage.n.N);
  if (event.isFinalInvokeForWindow) await change(event.window.start, "SET amount = :n", { ":n": { N: String(sum) } });
  return { state: { sum } };
};`, withRole(h.role(t, "sum", useTables)))
	h.mapped(t, &lambda.CreateEventSourceMappingInput{
		FunctionName: new("sum"), EventSourceArn: &stream, StartingPosition: types.EventSourcePositionTrimHorizon,
		TumblingWindowInSeconds: new(int32(2)), BatchSize: new(int32(20)),
	})
	want, n := 0, 0
	put := func(span time.Duration) {
		for until := time.Now().Add(span); time.Now().Before(until); {
			n++
			if !k.put(t.Context(), "numbers", fmt.Sprint("item-", n), n) {
				t.Fatal("an item was not put")
			}
			want += n
			time.Sleep(10 * time.Millisecond)
		}
	}
	put(3 * time.Second)
	k.again(t)
	put(1500 * time.Millisecond)
	k.again(t)
	put(time.Second)
	total := func() (total, windows int) {
		got, err := dynamodb.NewFromConfig(k.current.Load().aws).Scan(t.Context(), &dynamodb.ScanInput{TableName: new("seen")})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range got.Items {
			total += asNumber(t, item["amount"])
		}
		return total, len(got.Items)
	}
	eventually(t, 15*time.Second, "the last window has ended", func() bool { got, _ := total(); return got >= want })
	got, windows := total()
	if got != want || windows < 3 {
		t.Errorf("%d windows add up to %d, want %d", windows, got, want)
	}
	t.Logf("%d items in %d windows add up to %d", n, windows, got)
}
