package dynamodb

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestItemsArePutReadChangedAndDeleted(t *testing.T) {
	f := newFixture(t)
	f.table("things", "a", "b N")
	key := sdkItem{"a": str("x"), "b": num("1.50")}
	item := sdkItem{
		"a": str("x"), "b": num("1.50"), "n": num("00012e2"), "l": list(str("p"), num("-0")), "yes": &types.AttributeValueMemberBOOL{Value: true},
		"nil": &types.AttributeValueMemberNULL{Value: true}, "bin": &types.AttributeValueMemberB{Value: []byte{0, 255}},
		"ss": &types.AttributeValueMemberSS{Value: []string{"b", "a"}}, "m": &types.AttributeValueMemberM{Value: sdkItem{"k": str("")}},
	}
	f.put("things", item)
	got := f.get("things", key)
	if n := got["n"].(*types.AttributeValueMemberN).Value; n != "1200" {
		t.Errorf("got %s", n)
	}
	if n := got["b"].(*types.AttributeValueMemberN).Value; n != "1.5" {
		t.Errorf("got %s", n)
	}
	if len(got) != len(item) {
		t.Errorf("got %v", got)
	}
	up, err := f.db.UpdateItem(t.Context(), &ddb.UpdateItemInput{
		TableName: aws.String("things"), Key: key, ReturnValues: types.ReturnValueUpdatedNew, ReturnConsumedCapacity: "TOTAL",
		UpdateExpression:          aws.String("SET #n = #n + :one, m.x = :v, l[5] = :v REMOVE yes ADD ss :s"),
		ConditionExpression:       aws.String("attribute_exists(a) AND size(ss) = :two"),
		ExpressionAttributeNames:  map[string]string{"#n": "n"},
		ExpressionAttributeValues: sdkItem{":one": num("1"), ":two": num("2"), ":v": str("v"), ":s": &types.AttributeValueMemberSS{Value: []string{"c"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if up.Attributes["n"].(*types.AttributeValueMemberN).Value != "1201" || len(up.Attributes["ss"].(*types.AttributeValueMemberSS).Value) != 3 {
		t.Errorf("got %v", up.Attributes)
	}
	if aws.ToFloat64(up.ConsumedCapacity.CapacityUnits) != 1 {
		t.Errorf("got %v", up.ConsumedCapacity)
	}
	_, err = f.db.PutItem(t.Context(), &ddb.PutItemInput{
		TableName: aws.String("things"), Item: key, ConditionExpression: aws.String("attribute_not_exists(a)"),
		ReturnValuesOnConditionCheckFailure: "ALL_OLD",
	})
	says(t, err, "ConditionalCheckFailedException", "The conditional request failed")
	del, err := f.db.DeleteItem(t.Context(), &ddb.DeleteItemInput{TableName: aws.String("things"), Key: key, ReturnValues: "ALL_OLD"})
	if err != nil || len(del.Attributes) != len(item)-1 {
		t.Errorf("got %v, %v", del, err)
	}
	if got := f.get("things", key); got != nil {
		t.Errorf("got %v", got)
	}
}

func TestQueriesAndScansPage(t *testing.T) {
	f := newFixture(t)
	f.table("things", "a", "b N")
	for _, a := range []string{"x", "y"} {
		for _, n := range []string{"-10", "-2", "0", "0.5", "3", "20"} {
			f.put("things", sdkItem{"a": str(a), "b": num(n)})
		}
	}
	var got []string
	pages := ddb.NewQueryPaginator(f.db, &ddb.QueryInput{
		TableName: aws.String("things"), KeyConditionExpression: aws.String("a = :a AND b BETWEEN :low AND :high"), Limit: aws.Int32(2),
		ExpressionAttributeValues: sdkItem{":a": str("x"), ":low": num("-2"), ":high": num("3")}, ScanIndexForward: aws.Bool(false),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Items {
			got = append(got, i["b"].(*types.AttributeValueMemberN).Value)
		}
	}
	if len(got) != 4 || got[0] != "3" || got[1] != "0.5" || got[3] != "-2" {
		t.Errorf("got %v", got)
	}
	seen := 0
	for segment := range int32(3) {
		scan := ddb.NewScanPaginator(f.db, &ddb.ScanInput{TableName: aws.String("things"), Limit: aws.Int32(1), Segment: &segment, TotalSegments: aws.Int32(3)})
		for scan.HasMorePages() {
			page, err := scan.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			seen += int(page.Count)
		}
	}
	if seen != 12 {
		t.Errorf("got %d items, want 12", seen)
	}
}
