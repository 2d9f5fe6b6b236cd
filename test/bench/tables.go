package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	ours "github.com/hearthfaas/hearth/internal/dynamodb"
	"github.com/hearthfaas/hearth/internal/dynamodb/disk"
	"github.com/hearthfaas/hearth/internal/harness"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
	"github.com/hearthfaas/hearth/internal/store/sqlite"
)

const (
	// tableSpan is how long each row is measured: some forty rows stay within 40 s.
	tableSpan = 800 * time.Millisecond
	// tableItems lie in the table, partitionItems under each partition key.
	tableItems     = 10_000
	partitionItems = 10
	itemBytes      = 1024
	batchItems     = 25 // as many as a BatchWriteItem takes
	benchTable     = "bench"
)

// tableClients are how many work at the same time.
var tableClients = []int{1, 16, 64}

// tables measures DynamoDB's operations in this process and through HTTP with AWS's
// client, beside what the store and the tables' own file do without them.
func (b *bench) tables(ctx context.Context) error {
	if err := b.storeFloor(ctx); err != nil {
		return err
	}
	if err := b.fileFloor(ctx); err != nil {
		return err
	}
	if err := b.tablesHere(ctx); err != nil {
		return err
	}
	return b.tablesHTTP(ctx)
}

// clients measures work with 1, 16 and 64 clients. n is different for each call.
func (b *bench) clients(ctx context.Context, name string, work func(ctx context.Context, n int64) error) error {
	var serial atomic.Int64
	for _, clients := range tableClients {
		span := b.span(tableSpan)
		until := time.Now().Add(span)
		all := make([]outcome, clients)
		var wg sync.WaitGroup
		for i := range clients {
			wg.Go(func() {
				o := &all[i]
				for start := time.Now(); start.Before(until) && o.first == nil; start = time.Now() {
					if o.first = work(ctx, serial.Add(1)); o.first == nil {
						o.times = append(o.times, time.Since(start))
					}
				}
			})
		}
		wg.Wait()
		sum := outcome{span: span}
		for _, o := range all {
			if o.first != nil {
				return fmt.Errorf("%s: %w", name, o.first)
			}
			sum.times = append(sum.times, o.times...)
		}
		slices.Sort(sum.times)
		b.addOutcome(fmt.Sprintf("%s, %d at a time", name, clients), "", sum)
	}
	return nil
}

// storeFloor is one record of 1 KB in the node's own store, which commits in groups.
func (b *bench) storeFloor(ctx context.Context) error {
	dir, err := os.MkdirTemp(b.scratch, "store-")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	s, err := sqlite.Open(ctx, filepath.Join(dir, "meta.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	value := make([]byte, itemBytes)
	return b.clients(ctx, "floor: the store's group commit", func(ctx context.Context, n int64) error {
		_, err := s.Apply(ctx, store.Change{Kind: "k", Key: fmt.Sprintf("%09d", n%tableItems), Value: value})
		return err
	})
}

// fileFloor is the same bytes in the tables' file, which knows nothing of items.
func (b *bench) fileFloor(ctx context.Context) error {
	dir, err := os.MkdirTemp(b.scratch, "file-")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	s, err := disk.Open(ctx, filepath.Join(dir, "tables.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	const space = disk.Space(100)
	value := make([]byte, itemBytes)
	key := func(n int64) []byte { return fmt.Appendf(nil, "%09d", n%tableItems) }
	put := func(from, to int64) disk.Write {
		return disk.Write{Do: func(tx *disk.Tx) error {
			for n := from; n < to; n++ {
				tx.Put(space, key(n), value)
			}
			return nil
		}}
	}
	if err := s.Write(ctx, put(0, tableItems)); err != nil {
		return err
	}
	err = b.clients(ctx, "floor: the tables' file, put", func(ctx context.Context, n int64) error { return s.Write(ctx, put(n, n+1)) })
	if err != nil {
		return err
	}
	return b.clients(ctx, "floor: the tables' file, get", func(ctx context.Context, n int64) error {
		v, err := s.Get(ctx, space, key(n))
		if err == nil && len(v) != itemBytes {
			return fmt.Errorf("read %d bytes", len(v))
		}
		return err
	})
}

// everyone may do everything.
type everyone struct{}

func (everyone) Authorize(context.Context, lambda.Caller, string, string, func(string) ([]string, bool)) error {
	return nil
}

// tablesHere measures the operations without edge, protocol and permission.
func (b *bench) tablesHere(ctx context.Context) error {
	dir, err := os.MkdirTemp(b.scratch, "tables-")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	s, err := ours.Open(ctx, ours.Config{Dir: dir, Authorizer: everyone{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	operations := map[string]func(context.Context, any) (any, error){}
	for _, op := range s.Operations() {
		operations[op.Name] = op.Call
	}
	ctx = lambda.WithCaller(ctx, lambda.Caller{
		Kind: lambda.PrincipalRoot, Account: "000000000000", Region: harness.Region, ARN: "arn:aws:iam::000000000000:root",
	})
	return b.tableRows(ctx, "in process: ", func(ctx context.Context, in any) (out any, err error) {
		switch in.(type) {
		case *dynamodb.CreateTableInput:
			return operations["CreateTable"](ctx, in)
		case *dynamodb.GetItemInput:
			return operations["GetItem"](ctx, in)
		case *dynamodb.PutItemInput:
			return operations["PutItem"](ctx, in)
		case *dynamodb.QueryInput:
			return operations["Query"](ctx, in)
		case *dynamodb.TransactWriteItemsInput:
			return operations["TransactWriteItems"](ctx, in)
		case *dynamodb.BatchWriteItemInput:
			return operations["BatchWriteItem"](ctx, in)
		default:
			panic(fmt.Sprintf("bench: no operation takes a %T", in))
		}
	})
}

// tablesHTTP measures them as a program sees them. AWS's client runs on the same
// processors.
func (b *bench) tablesHTTP(ctx context.Context) error {
	h, err := b.up(ctx, "tables")
	if err != nil {
		return err
	}
	defer func() { _ = h.Stop() }()
	c := dynamodb.NewFromConfig(h.aws)
	return b.tableRows(ctx, "HTTP, AWS's client: ", func(ctx context.Context, in any) (out any, err error) {
		switch in := in.(type) {
		case *dynamodb.CreateTableInput:
			return c.CreateTable(ctx, in)
		case *dynamodb.GetItemInput:
			return c.GetItem(ctx, in)
		case *dynamodb.PutItemInput:
			return c.PutItem(ctx, in)
		case *dynamodb.QueryInput:
			return c.Query(ctx, in)
		case *dynamodb.TransactWriteItemsInput:
			return c.TransactWriteItems(ctx, in)
		case *dynamodb.BatchWriteItemInput:
			return c.BatchWriteItem(ctx, in)
		default:
			panic(fmt.Sprintf("bench: no operation takes a %T", in))
		}
	})
}

// tableKey is the key of one of the items.
func tableKey(n int64) map[string]types.AttributeValue {
	n %= tableItems
	return map[string]types.AttributeValue{
		"a": &types.AttributeValueMemberS{Value: fmt.Sprintf("key-%d", n/partitionItems)},
		"b": &types.AttributeValueMemberN{Value: fmt.Sprint(n % partitionItems)},
	}
}

// tableRows fills a table and measures each operation on it. do carries out the one
// that the input belongs to.
func (b *bench) tableRows(ctx context.Context, where string, do func(ctx context.Context, in any) (any, error)) error {
	name, v := benchTable, &types.AttributeValueMemberS{Value: strings.Repeat("v", itemBytes)}
	var serial atomic.Int64
	item := func(n int64) map[string]types.AttributeValue {
		out := tableKey(n)
		// An item that is put as it was is not written at all.
		out["v"], out["n"] = v, &types.AttributeValueMemberN{Value: fmt.Sprint(serial.Add(1))}
		return out
	}
	batch := func(n int64) *dynamodb.BatchWriteItemInput {
		writes := make([]types.WriteRequest, batchItems)
		for i := range writes {
			writes[i] = types.WriteRequest{PutRequest: &types.PutRequest{Item: item(n*batchItems + int64(i))}}
		}
		return &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{name: writes}}
	}
	_, err := do(ctx, &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		KeySchema: []types.KeySchemaElement{{AttributeName: new("a"), KeyType: types.KeyTypeHash}, {AttributeName: new("b"), KeyType: types.KeyTypeRange}},
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: new("a"), AttributeType: types.ScalarAttributeTypeS}, {AttributeName: new("b"), AttributeType: types.ScalarAttributeTypeN},
		},
	})
	if err != nil {
		return err
	}
	for n := range int64(tableItems / batchItems) {
		if _, err := do(ctx, batch(n)); err != nil {
			return err
		}
	}
	add := func(n int64, by string) types.TransactWriteItem {
		return types.TransactWriteItem{Update: &types.Update{
			TableName: &name, Key: tableKey(n), UpdateExpression: new("ADD balance :by"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":by": &types.AttributeValueMemberN{Value: by}},
		}}
	}
	for _, row := range []struct {
		name  string
		input func(n int64) any
		good  func(out any) bool
	}{
		{"GetItem of 1 KB", func(n int64) any { return &dynamodb.GetItemInput{TableName: &name, Key: tableKey(n)} }, func(out any) bool {
			got, ok := out.(*dynamodb.GetItemOutput)
			return ok && len(got.Item) >= 3
		}},
		{"Query of ten", func(n int64) any {
			return &dynamodb.QueryInput{
				TableName: &name, KeyConditionExpression: new("a = :a AND b >= :b"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":a": tableKey(n)["a"], ":b": &types.AttributeValueMemberN{Value: "0"}},
			}
		}, func(out any) bool {
			got, ok := out.(*dynamodb.QueryOutput)
			return ok && got.Count == partitionItems
		}},
		{"PutItem of 1 KB", func(n int64) any { return &dynamodb.PutItemInput{TableName: &name, Item: item(n)} }, nil},
		{"TransactWriteItems, two updates", func(n int64) any {
			return &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{add(n, "-1"), add(n+1, "1")}}
		}, nil},
		{"BatchWriteItem, 25 of 1 KB", func(n int64) any { return batch(n) }, nil},
	} {
		err := b.clients(ctx, where+row.name, func(ctx context.Context, n int64) error {
			out, err := do(ctx, row.input(n))
			if err == nil && row.good != nil && !row.good(out) {
				return fmt.Errorf("the answer is not complete: %.300v", out)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
