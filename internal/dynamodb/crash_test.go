package dynamodb

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// childDir names the environment variable that makes the crash test its own child.
const childDir = "HEARTH_DYNAMODBTEST_DIR"

// The crash test moves money between accounts and keeps a ledger.
const (
	accounts = 20
	balance  = 100 // of each account in the beginning
)

// Goal: after kill -9 every transaction that was acknowledged is there whole, none is
// there in part, indexes and stream agree with the table. Method: a child moves money
// between accounts in transactions that also write a line of the ledger, from several
// goroutines, and prints the lines that were acknowledged; it is killed in the middle,
// three times over the same file.
func TestNoTransactionIsLostOrHalvedWhenTheProcessIsKilled(t *testing.T) {
	if dir := os.Getenv(childDir); dir != "" {
		transferUntilKilled(t, dir)
		return
	}
	f := newFixture(t)
	in := modelTable()
	if _, err := f.createTable(f.ctx(), in); err != nil {
		t.Fatal(err)
	}
	for n := range accounts {
		f.put("model", sdkItem{"a": str("account"), "b": num(strconv.Itoa(n)), "v": num(strconv.Itoa(balance))})
	}
	acknowledged := map[string]bool{}
	for round := range 3 {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		for _, id := range killedChild(t, f.dir, 150*(round+1)) {
			acknowledged[id] = true
		}
		f.open()
		lines, byIndex := f.ledger(t, ""), f.ledger(t, "by-group")
		for id := range acknowledged {
			if _, ok := lines[id]; !ok {
				t.Errorf("round %d: %s was acknowledged and is lost", round, id)
			}
		}
		if len(lines) != len(byIndex) {
			t.Errorf("round %d: %d lines in the table, %d in the index", round, len(lines), len(byIndex))
		}
		// Each line has moved one unit, so the balances follow from the lines.
		want := map[int]int{}
		for n := range accounts {
			want[n] = balance
		}
		for _, line := range lines {
			want[line.from]--
			want[line.to]++
		}
		for n, want := range want {
			got := number(f.get("model", sdkItem{"a": str("account"), "b": num(strconv.Itoa(n))})["v"])
			if got != want {
				t.Errorf("round %d: account %d has %d, want %d", round, n, got, want)
			}
		}
		f.checkStream(t, len(lines))
	}
	t.Logf("%d transactions acknowledged", len(acknowledged))
}

type transfer struct{ from, to int }

// ledger reads all lines, from the table or from an index.
func (f *fixture) ledger(t *testing.T, index string) map[string]transfer {
	t.Helper()
	in := &ddb.QueryInput{TableName: aws.String("model"), KeyConditionExpression: aws.String("a = :a"), ExpressionAttributeValues: sdkItem{":a": str("ledger")}}
	if index != "" {
		in.IndexName, in.KeyConditionExpression = &index, aws.String("g = :a")
	}
	out := map[string]transfer{}
	for {
		page, err := f.query(f.ctx(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Items {
			v := number(i["v"])
			out[i["b"].(*types.AttributeValueMemberN).Value] = transfer{v / 100, v % 100}
		}
		if in.ExclusiveStartKey = page.LastEvaluatedKey; page.LastEvaluatedKey == nil {
			return out
		}
	}
}

// checkStream holds that the stream has each line once.
func (f *fixture) checkStream(t *testing.T, lines int) {
	t.Helper()
	arn := f.streams[f.find(Key{account, region, "model"}).Stream].arn()
	inserted := 0
	for _, r := range f.allRecords(t, arn) {
		if r.EventName == streamtypes.OperationTypeInsert && r.Dynamodb.Keys["a"].(*streamtypes.AttributeValueMemberS).Value == "ledger" {
			inserted++
		}
	}
	if inserted != lines {
		t.Errorf("the stream has %d lines, the table %d", inserted, lines)
	}
}

func transferUntilKilled(t *testing.T, dir string) {
	f := &fixture{t: t, dir: dir, auth: &allowAll{}}
	s, err := Open(context.Background(), Config{Dir: dir, Authorizer: f.auth, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	f.Service = s
	var out sync.Mutex
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for n := 0; ; n++ {
				from, to := (worker*7+n)%accounts, (worker*3+n*5+1)%accounts
				if from == to {
					continue
				}
				id := strconv.FormatInt(time.Now().UnixNano()*10+int64(worker), 10)
				step := func(n, by int) types.TransactWriteItem {
					return types.TransactWriteItem{Update: &types.Update{
						TableName: aws.String("model"), Key: sdkItem{"a": str("account"), "b": num(strconv.Itoa(n))},
						UpdateExpression: aws.String("ADD v :by"), ExpressionAttributeValues: sdkItem{":by": num(strconv.Itoa(by))},
					}}
				}
				_, err := s.transactWriteItems(f.ctx(), &ddb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
					step(from, -1), step(to, 1),
					{Put: &types.Put{TableName: aws.String("model"), Item: sdkItem{
						"a": str("ledger"), "b": num(id), "g": str("ledger"), "v": num(strconv.Itoa(from*100 + to)),
					}}},
				}})
				if err != nil {
					t.Error(err)
					return
				}
				out.Lock()
				fmt.Println("moved", id)
				out.Unlock()
			}
		})
	}
	wg.Wait()
}

// killedChild runs a child until it has printed n lines, kills it and returns what it
// said in every line that it printed whole.
func killedChild(t *testing.T, dir string, n int) []string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestNoTransactionIsLostOrHalvedWhenTheProcessIsKilled$", "-test.count=1")
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var ids []string
	lines := bufio.NewReader(out)
	killed := false
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		if id, ok := strings.CutPrefix(strings.TrimSpace(line), "moved "); ok {
			ids = append(ids, id)
		}
		if len(ids) == n && !killed {
			killed = true
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	if !killed {
		t.Fatalf("the child ended after %d lines", len(ids))
	}
	return ids
}
