package dynamodb

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
	"github.com/hearthfaas/hearth/internal/dynamodb/disk"
)

// The benchmarks stand beside their floor: what the file alone takes for the same
// bytes. "1" is one client, "64" as many at the same time.

func benchTable(b *testing.B) *fixture {
	b.Helper()
	f := newFixture(b)
	if _, err := f.createTable(f.ctx(), tableInput("bench", "a", "b N")); err != nil {
		b.Fatal(err)
	}
	return f
}

// benchItem has 1 KB.
func benchItem(n int64) sdkItem {
	return sdkItem{"a": str(fmt.Sprintf("key-%d", n%1000)), "b": num(fmt.Sprint(n)), "v": str(strings.Repeat("v", 1000))}
}

// measure runs each for one client and for 64.
func measure(b *testing.B, each func(n int64) error) {
	b.Helper()
	var n atomic.Int64
	b.Run("1", func(b *testing.B) {
		for b.Loop() {
			if err := each(n.Add(1)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("64", func(b *testing.B) {
		b.SetParallelism(32) // times the two processors
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := each(n.Add(1)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

func BenchmarkFloorOfPut(b *testing.B) {
	f := benchTable(b)
	t := f.find(Key{account, region, "bench"})
	ctx := f.ctx()
	measure(b, func(n int64) error {
		item, err := attr.ItemFromSDK(benchItem(n))
		if err != nil {
			return err
		}
		return f.disk.Write(ctx, disk.Write{Do: func(tx *disk.Tx) error {
			tx.Put(t.ID, t.diskKey(item), attr.EncodeItem(item))
			return nil
		}})
	})
}

func BenchmarkPut(b *testing.B) {
	f := benchTable(b)
	ctx := f.ctx()
	measure(b, func(n int64) error {
		_, err := f.putItem(ctx, &ddb.PutItemInput{TableName: aws.String("bench"), Item: benchItem(n)})
		return err
	})
}

func BenchmarkPutWithIndexesAndStream(b *testing.B) {
	f := newFixture(b)
	if _, err := f.createTable(f.ctx(), modelTable()); err != nil {
		b.Fatal(err)
	}
	ctx := f.ctx()
	measure(b, func(n int64) error {
		_, err := f.putItem(ctx, &ddb.PutItemInput{TableName: aws.String("model"), Item: sdkItem{
			"a": str(fmt.Sprintf("key-%d", n%1000)), "b": num(fmt.Sprint(n)), "v": num(fmt.Sprint(n)), "g": str("g"), "text": str(strings.Repeat("v", 1000)),
		}})
		return err
	})
}

func BenchmarkUpdate(b *testing.B) {
	f := benchTable(b)
	ctx := f.ctx()
	measure(b, func(n int64) error {
		_, err := f.updateItem(ctx, &ddb.UpdateItemInput{
			TableName: aws.String("bench"), Key: sdkItem{"a": str("counter"), "b": num(fmt.Sprint(n % 100))}, UpdateExpression: aws.String("SET c = if_not_exists(c, :z) + :one"),
			ExpressionAttributeValues: sdkItem{":z": num("0"), ":one": num("1")}, ReturnValues: types.ReturnValueUpdatedNew,
		})
		return err
	})
}

func fill(b *testing.B, f *fixture, items int64) {
	b.Helper()
	ctx := f.ctx()
	for n := int64(0); n < items; n += 25 {
		var writes []types.WriteRequest
		for i := range int64(25) {
			writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: benchItem(n + i)}})
		}
		if _, err := f.batchWriteItem(ctx, &ddb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"bench": writes}}); err != nil {
			b.Fatal(err)
		}
	}
}

// benchItems are ten in each partition.
const benchItems = 10_000

func BenchmarkFloorOfGet(b *testing.B) {
	f := benchTable(b)
	fill(b, f, benchItems)
	t := f.find(Key{account, region, "bench"})
	ctx := f.ctx()
	measure(b, func(n int64) error {
		item, err := attr.ItemFromSDK(sdkItem{"a": benchItem(n)["a"], "b": num(fmt.Sprint(n % benchItems))})
		if err != nil {
			return err
		}
		v, err := f.disk.Get(ctx, t.ID, t.diskKey(item))
		if v == nil && err == nil {
			return fmt.Errorf("no item %d", n)
		}
		return err
	})
}

func BenchmarkGet(b *testing.B) {
	f := benchTable(b)
	fill(b, f, benchItems)
	ctx := f.ctx()
	measure(b, func(n int64) error {
		out, err := f.getItem(ctx, &ddb.GetItemInput{TableName: aws.String("bench"), Key: sdkItem{"a": benchItem(n)["a"], "b": num(fmt.Sprint(n % benchItems))}})
		if err == nil && out.Item == nil {
			return fmt.Errorf("no item %d", n)
		}
		return err
	})
}

func BenchmarkQueryOfTen(b *testing.B) {
	f := benchTable(b)
	fill(b, f, benchItems)
	ctx := f.ctx()
	measure(b, func(n int64) error {
		out, err := f.query(ctx, &ddb.QueryInput{
			TableName: aws.String("bench"), KeyConditionExpression: aws.String("a = :a AND b >= :b"),
			ExpressionAttributeValues: sdkItem{":a": benchItem(n)["a"], ":b": num("0")},
		})
		if err == nil && out.Count != 10 {
			return fmt.Errorf("%d items", out.Count)
		}
		return err
	})
}

func BenchmarkTransactTwo(b *testing.B) {
	f := benchTable(b)
	ctx := f.ctx()
	step := func(n int64, by string) types.TransactWriteItem {
		return types.TransactWriteItem{Update: &types.Update{
			TableName: aws.String("bench"), Key: sdkItem{"a": str("account"), "b": num(fmt.Sprint(n % 100))},
			UpdateExpression: aws.String("ADD v :by"), ExpressionAttributeValues: sdkItem{":by": num(by)},
		}}
	}
	measure(b, func(n int64) error {
		_, err := f.transactWriteItems(ctx, &ddb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{step(n, "-1"), step(n+1, "1")}})
		return err
	})
}
