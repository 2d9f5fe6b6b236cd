package dynamodb

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const validation = "ValidationException"

func TestPagesEndAtAMegabyte(t *testing.T) {
	f := newFixture(t)
	f.table("big", "a", "b N")
	for n := range 12 {
		f.put("big", sdkItem{"a": str("x"), "b": num(fmt.Sprint(n)), "v": str(strings.Repeat("v", 200_000))})
	}
	in := &ddb.QueryInput{TableName: aws.String("big"), KeyConditionExpression: aws.String("a = :a"), ExpressionAttributeValues: sdkItem{":a": str("x")}}
	var counts []int32
	for pages := ddb.NewQueryPaginator(f.db, in); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		counts = append(counts, page.Count)
	}
	if fmt.Sprint(counts) != "[6 6 0]" {
		t.Errorf("got pages of %v items", counts)
	}
	// A filter does not make a page go through more.
	scan, err := f.db.Scan(t.Context(), &ddb.ScanInput{
		TableName: aws.String("big"), FilterExpression: aws.String("b > :b"), ExpressionAttributeValues: sdkItem{":b": num("100")}, ReturnConsumedCapacity: "TOTAL",
	})
	if err != nil || scan.Count != 0 || scan.ScannedCount != 6 || scan.LastEvaluatedKey == nil || aws.ToFloat64(scan.ConsumedCapacity.CapacityUnits) != 146.5 {
		t.Errorf("got %d of %d, %v, %v", scan.Count, scan.ScannedCount, scan.ConsumedCapacity, err)
	}
	got, err := f.db.BatchGetItem(t.Context(), &ddb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		"big": {Keys: []sdkItem{{"a": str("x"), "b": num("3")}, {"a": str("x"), "b": num("77")}}, ProjectionExpression: aws.String("b")},
	}})
	if err != nil || len(got.Responses["big"]) != 1 || len(got.Responses["big"][0]) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestBatchesLeaveWhatDoesNotFitIntoTheAnswer(t *testing.T) {
	f := newFixture(t)
	f.table("big", "a N")
	var keys []sdkItem
	for n := range 45 {
		key := sdkItem{"a": num(fmt.Sprint(n))}
		keys = append(keys, key)
		f.put("big", sdkItem{"a": key["a"], "v": str(strings.Repeat("v", 400_000))})
	}
	got, err := f.batchGetItem(f.ctx(), &ddb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"big": {Keys: keys}}})
	if err != nil || len(got.Responses["big"]) != 41 || len(got.UnprocessedKeys["big"].Keys) != 4 {
		t.Errorf("got %d items, %d keys left, %v", len(got.Responses["big"]), len(got.UnprocessedKeys["big"].Keys), err)
	}
}

func TestItemsAreAsLargeAsAWSsAndNoLarger(t *testing.T) {
	f := newFixture(t)
	f.table("things", "a")
	put := func(size int) error {
		_, err := f.db.PutItem(t.Context(), &ddb.PutItemInput{
			TableName: aws.String("things"), Item: sdkItem{"a": str("x"), "v": str(strings.Repeat("v", size-3))},
		})
		return err
	}
	if err := put(itemSizeMax); err != nil {
		t.Error(err)
	}
	says(t, put(itemSizeMax+1), validation, "Item size has exceeded the maximum allowed size")
	_, err := f.db.UpdateItem(t.Context(), &ddb.UpdateItemInput{
		TableName: aws.String("things"), Key: sdkItem{"a": str("x")}, UpdateExpression: aws.String("SET w = :w"), ExpressionAttributeValues: sdkItem{":w": str("")},
	})
	says(t, err, validation, "Item size to update has exceeded the maximum allowed size")
	for size, want := range map[int]string{2048: "", 2049: "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"} {
		_, err := f.db.PutItem(t.Context(), &ddb.PutItemInput{TableName: aws.String("things"), Item: sdkItem{"a": str(strings.Repeat("k", size))}})
		if want == "" && err != nil {
			t.Error(err)
		} else if want != "" {
			says(t, err, validation, want)
		}
	}
}

func TestTransactionsHaveLimits(t *testing.T) {
	f := newFixture(t)
	f.table("things", "a")
	put := func(key, value string) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{TableName: aws.String("things"), Item: sdkItem{"a": str(key), "v": str(value)}}}
	}
	write := func(parts ...types.TransactWriteItem) error {
		_, err := f.db.TransactWriteItems(t.Context(), &ddb.TransactWriteItemsInput{TransactItems: parts})
		return err
	}
	var many []types.TransactWriteItem
	for n := range 100 {
		many = append(many, put(fmt.Sprint(n), "v"))
	}
	if err := write(many...); err != nil {
		t.Error(err)
	}
	if err := write(append(many, put("more", "v"))...); err == nil {
		t.Error("101 parts")
	}
	says(t, write(put("x", "1"), put("x", "2")), validation, "Transaction request cannot include multiple operations on one item")
	says(t, write(types.TransactWriteItem{}), validation, "TransactItems can only contain one of Check, Put, Update or Delete")
	var large []types.TransactWriteItem
	for n := range 11 {
		large = append(large, put(fmt.Sprint(n), strings.Repeat("v", 390_000)))
	}
	if err := write(large...); err == nil {
		t.Error("more than 4 MB")
	}
	says(t, write(put("", "v"), put("ok", "v")), "TransactionCanceledException",
		"Transaction cancelled, please refer cancellation reasons for specific reasons [ValidationError, None]")
	if f.get("things", sdkItem{"a": str("ok")}) != nil {
		t.Error("a part of a cancelled transaction was carried out")
	}
}

func TestTablesHaveLimits(t *testing.T) {
	f := newFixture(t)
	index := func(n int) types.GlobalSecondaryIndex {
		return types.GlobalSecondaryIndex{
			IndexName: aws.String(fmt.Sprintf("index-%d", n)), Projection: &types.Projection{ProjectionType: "ALL"},
			KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("a"), KeyType: "HASH"}},
		}
	}
	in := tableInput("many", "a")
	for n := range 21 {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, index(n))
	}
	_, err := f.db.CreateTable(t.Context(), in)
	says(t, err, validation, "One or more parameter values were invalid: GlobalSecondaryIndex count exceeds the per-table limit of 20")
	in.GlobalSecondaryIndexes = in.GlobalSecondaryIndexes[:20]
	if _, err := f.db.CreateTable(t.Context(), in); err != nil {
		t.Error(err)
	}
	_, err = f.db.CreateTable(t.Context(), in)
	says(t, err, "ResourceInUseException", "Table already exists: many")
	_, err = f.db.DeleteTable(t.Context(), &ddb.DeleteTableInput{TableName: aws.String("none")})
	says(t, err, "ResourceNotFoundException", "Requested resource not found: Table: none not found")
	_, err = f.db.GetItem(t.Context(), &ddb.GetItemInput{TableName: aws.String("none"), Key: sdkItem{"a": str("x")}})
	says(t, err, "ResourceNotFoundException", "Requested resource not found")
}

func TestProtectedTablesStay(t *testing.T) {
	f := newFixture(t)
	in := tableInput("kept", "a")
	in.DeletionProtectionEnabled = aws.Bool(true)
	if _, err := f.db.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	_, err := f.db.DeleteTable(t.Context(), &ddb.DeleteTableInput{TableName: aws.String("kept")})
	says(t, err, validation, "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	if _, err := f.db.UpdateTable(t.Context(), &ddb.UpdateTableInput{TableName: aws.String("kept"), DeletionProtectionEnabled: aws.Bool(false)}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.db.DeleteTable(t.Context(), &ddb.DeleteTableInput{TableName: aws.String("kept")}); err != nil {
		t.Fatal(err)
	}
}

func TestTablesAreNamedByARNToo(t *testing.T) {
	f := newFixture(t)
	f.table("things", "a")
	arn := "arn:aws:dynamodb:us-east-1:000000000000:table/things"
	f.put(arn, sdkItem{"a": str("x")})
	if f.get("things", sdkItem{"a": str("x")}) == nil {
		t.Error("no item")
	}
	_, err := f.db.GetItem(t.Context(), &ddb.GetItemInput{TableName: aws.String(strings.Replace(arn, "000000000000", "111122223333", 1)), Key: sdkItem{"a": str("x")}})
	says(t, err, "ResourceNotFoundException", "Requested resource not found")
}
