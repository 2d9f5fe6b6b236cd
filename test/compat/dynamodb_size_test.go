package compat

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TestTablesTakeTheLargestRequests sends what DynamoDB's quotas allow: items of 400 KB,
// 25 of them at once, also where each of their bytes takes more room on the wire. What
// does not fit one answer comes in the next.
func TestTablesTakeTheLargestRequests(t *testing.T) {
	t.Parallel()
	h := up(t)
	ctx, c := t.Context(), dynamodb.NewFromConfig(h.AWS())
	table := "large"
	if _, err := c.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: &table, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: new("a"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: new("a"), KeyType: types.KeyTypeHash}},
	}); err != nil {
		t.Fatal(err)
	}
	const itemMax, perBatch, batches = 400 << 10, 25, 2
	item := func(n, size int) map[string]types.AttributeValue {
		key := fmt.Sprintf("%03d", n)
		return map[string]types.AttributeValue{
			"a": &types.AttributeValueMemberS{Value: key},
			"b": &types.AttributeValueMemberB{Value: bytes.Repeat([]byte{0xff}, size-len("a"+key+"b"))},
		}
	}
	var keys []map[string]types.AttributeValue
	for n := range batches {
		var puts []types.WriteRequest
		for i := range perBatch {
			one := item(n*perBatch+i, itemMax)
			puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: one}})
			keys = append(keys, map[string]types.AttributeValue{"a": one["a"]})
		}
		out, err := c.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: puts}})
		if err != nil || len(out.UnprocessedItems) != 0 {
			t.Fatalf("batch %d: %v, %d tables are left", n, err, len(out.UnprocessedItems))
		}
	}
	if _, err := c.PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: item(0, itemMax+1)}); codeOf(err) != "ValidationException" || !strings.Contains(err.Error(), "Item size has exceeded the maximum allowed size") {
		t.Errorf("an item of a byte too much: %v", err)
	}
	got, asked := 0, 0
	for left := map[string]types.KeysAndAttributes{table: {Keys: keys}}; len(left) > 0; asked++ {
		out, err := c.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: left})
		if err != nil || len(out.Responses[table]) == 0 {
			t.Fatalf("%d items, %v", len(out.Responses[table]), err)
		}
		got, left = got+len(out.Responses[table]), out.UnprocessedKeys
	}
	if got != batches*perBatch || asked != 2 { // 16 MB hold 40 of them and a little
		t.Errorf("%d items in %d answers", got, asked)
	}
	got, pages := 0, dynamodb.NewScanPaginator(c, &dynamodb.ScanInput{TableName: &table})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got += len(page.Items); len(page.Items) > 3 {
			t.Errorf("a page of %d items has over 1 MB", len(page.Items))
		}
	}
	if got != batches*perBatch {
		t.Errorf("%d items on all pages", got)
	}
}
