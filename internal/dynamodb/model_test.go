package dynamodb

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"pgregory.net/rapid"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// modelItem is an item of the model: its key and one attribute by which it is indexed.
type modelItem struct {
	hash  string
	sort  int
	value int // 0 for none
	group string
}

type modelKey struct {
	hash string
	sort int
}

// model is what the table should hold, and what its stream should tell.
type model struct {
	f      *fixture
	items  map[modelKey]modelItem
	events int
}

func (i modelItem) sdk() sdkItem {
	out := sdkItem{"a": str(i.hash), "b": num(strconv.Itoa(i.sort))}
	if i.value != 0 {
		out["v"] = num(strconv.Itoa(i.value))
	}
	if i.group != "" {
		out["g"] = str(i.group)
	}
	return out
}

func number(v types.AttributeValue) int {
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	i, err := strconv.Atoi(n.Value)
	if err != nil {
		panic(err)
	}
	return i
}

func fromSDK(i sdkItem) modelItem {
	out := modelItem{hash: i["a"].(*types.AttributeValueMemberS).Value, sort: number(i["b"]), value: number(i["v"])}
	if g, ok := i["g"].(*types.AttributeValueMemberS); ok {
		out.group = g.Value
	}
	return out
}

var genKey = rapid.Custom(func(t *rapid.T) modelKey {
	return modelKey{rapid.SampledFrom([]string{"p", "q", "r"}).Draw(t, "hash"), rapid.IntRange(-4, 4).Draw(t, "sort")}
})

func (m *model) change(k modelKey, to *modelItem) {
	old, had := m.items[k]
	switch {
	case to == nil && had, to != nil && (!had || old != *to):
		m.events++
	}
	if to == nil {
		delete(m.items, k)
	} else {
		m.items[k] = *to
	}
}

func conditionFailed(err error) bool {
	e, ok := errors.AsType[*lambda.Error](err)
	return ok && (e.Code == codeConditionFailed || e.Code == "TransactionCanceledException")
}

func (m *model) put(t *rapid.T) {
	k := genKey.Draw(t, "key")
	i := modelItem{k.hash, k.sort, rapid.IntRange(0, 3).Draw(t, "value"), rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "group")}
	in := &ddb.PutItemInput{TableName: aws.String("model"), Item: i.sdk(), ReturnValues: "ALL_OLD"}
	_, had := m.items[k]
	onlyNew := rapid.Bool().Draw(t, "only new")
	if onlyNew {
		in.ConditionExpression = aws.String("attribute_not_exists(a)")
	}
	out, err := m.f.putItem(m.f.ctx(), in)
	if onlyNew && had {
		if !conditionFailed(err) {
			t.Fatalf("a put over an item: got %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if had != (out.Attributes != nil) || had && fromSDK(out.Attributes) != m.items[k] {
		t.Fatalf("old item: got %v, want %v", out.Attributes, m.items[k])
	}
	m.change(k, &i)
}

func (m *model) update(t *rapid.T) {
	k := genKey.Draw(t, "key")
	by := rapid.SampledFrom([]int{-1, 1, 5}).Draw(t, "by")
	in := &ddb.UpdateItemInput{
		TableName: aws.String("model"), Key: modelItem{hash: k.hash, sort: k.sort}.sdk(), UpdateExpression: aws.String("ADD v :n"),
		ExpressionAttributeValues: sdkItem{":n": num(strconv.Itoa(by))}, ReturnValues: "UPDATED_NEW",
	}
	i, had := m.items[k]
	if !had {
		i = modelItem{hash: k.hash, sort: k.sort}
	}
	i.value += by
	switch rapid.IntRange(0, 2).Draw(t, "group") {
	case 0:
		in.UpdateExpression = aws.String("ADD v :n REMOVE g")
		i.group = ""
	case 1:
		in.UpdateExpression = aws.String("ADD v :n SET g = :g")
		in.ExpressionAttributeValues[":g"] = str("x")
		i.group = "x"
	}
	out, err := m.f.updateItem(m.f.ctx(), in)
	if err != nil {
		t.Fatal(err)
	}
	if got := number(out.Attributes["v"]); got != i.value {
		t.Fatalf("got %d, want %d", got, i.value)
	}
	// The model has no difference between none and zero, and so must the table have none.
	if i.value == 0 {
		in := &ddb.UpdateItemInput{TableName: aws.String("model"), Key: modelItem{hash: k.hash, sort: k.sort}.sdk(), UpdateExpression: aws.String("REMOVE v")}
		if _, err := m.f.updateItem(m.f.ctx(), in); err != nil {
			t.Fatal(err)
		}
		m.events++
		// The first of the two was a change for the stream even where the model sees none.
		if old, had := m.items[k]; had && old == i {
			m.events++
		}
	}
	m.change(k, &i)
}

func (m *model) remove(t *rapid.T) {
	k := genKey.Draw(t, "key")
	out, err := m.f.deleteItem(m.f.ctx(), &ddb.DeleteItemInput{
		TableName: aws.String("model"), Key: modelItem{hash: k.hash, sort: k.sort}.sdk(), ReturnValues: "ALL_OLD",
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, had := m.items[k]; had != (out.Attributes != nil) {
		t.Fatalf("deleted %v", out.Attributes)
	}
	m.change(k, nil)
}

// transact moves an item, if it is there, to where there is none.
func (m *model) transact(t *rapid.T) {
	from, to := genKey.Draw(t, "from"), genKey.Draw(t, "to")
	if from == to {
		t.Skip("one item only")
	}
	i, had := m.items[from]
	_, occupied := m.items[to]
	moved := modelItem{to.hash, to.sort, i.value, i.group}
	_, err := m.f.transactWriteItems(m.f.ctx(), &ddb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Delete: &types.Delete{
			TableName: aws.String("model"), Key: modelItem{hash: from.hash, sort: from.sort}.sdk(),
			ConditionExpression: aws.String("attribute_exists(a)"),
		}},
		{Put: &types.Put{TableName: aws.String("model"), Item: moved.sdk(), ConditionExpression: aws.String("attribute_not_exists(a)")}},
	}})
	if !had || occupied {
		if !conditionFailed(err) {
			t.Fatalf("got %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	m.change(from, nil)
	m.change(to, &moved)
}

func (m *model) get(t *rapid.T) {
	k := genKey.Draw(t, "key")
	out, err := m.f.getItem(m.f.ctx(), &ddb.GetItemInput{TableName: aws.String("model"), Key: modelItem{hash: k.hash, sort: k.sort}.sdk()})
	if err != nil {
		t.Fatal(err)
	}
	want, had := m.items[k]
	if had != (out.Item != nil) || had && fromSDK(out.Item) != want {
		t.Fatalf("got %v, want %v", out.Item, want)
	}
}

// query asks the table or an index for a range, in pages of a random size.
func (m *model) query(t *rapid.T) {
	low := rapid.IntRange(-4, 4).Draw(t, "low")
	high := rapid.IntRange(low, 4).Draw(t, "high")
	in := &ddb.QueryInput{
		TableName: aws.String("model"), ScanIndexForward: aws.Bool(rapid.Bool().Draw(t, "forward")),
		ExpressionAttributeValues: sdkItem{":low": num(strconv.Itoa(low)), ":high": num(strconv.Itoa(high))},
	}
	var wants func(modelItem) bool
	by := func(i modelItem) int { return i.sort }
	switch rapid.IntRange(0, 2).Draw(t, "index") {
	case 0:
		hash := rapid.SampledFrom([]string{"p", "q", "r"}).Draw(t, "hash")
		in.KeyConditionExpression = aws.String("a = :a AND b BETWEEN :low AND :high")
		in.ExpressionAttributeValues[":a"] = str(hash)
		wants = func(i modelItem) bool { return i.hash == hash && low <= i.sort && i.sort <= high }
	case 1:
		group := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "group")
		in.IndexName, in.KeyConditionExpression = aws.String("by-group"), aws.String("g = :g AND b BETWEEN :low AND :high")
		in.ExpressionAttributeValues[":g"] = str(group)
		wants = func(i modelItem) bool { return i.group == group && low <= i.sort && i.sort <= high }
	default:
		hash := rapid.SampledFrom([]string{"p", "q", "r"}).Draw(t, "hash")
		in.IndexName, in.KeyConditionExpression = aws.String("by-value"), aws.String("a = :a AND v BETWEEN :low AND :high")
		in.Select = types.SelectAllAttributes
		in.ExpressionAttributeValues[":a"] = str(hash)
		wants = func(i modelItem) bool { return i.hash == hash && i.value != 0 && low <= i.value && i.value <= high }
		by = func(i modelItem) int { return i.value }
	}
	in.Limit = aws.Int32(int32(rapid.IntRange(1, 30).Draw(t, "limit")))
	var got []modelItem
	for {
		page, err := m.f.query(m.f.ctx(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Items {
			got = append(got, fromSDK(i))
		}
		if in.ExclusiveStartKey = page.LastEvaluatedKey; page.LastEvaluatedKey == nil {
			break
		}
	}
	ordered := slices.IsSortedFunc(got, func(x, y modelItem) int {
		if *in.ScanIndexForward {
			return cmp.Compare(by(x), by(y))
		}
		return cmp.Compare(by(y), by(x))
	})
	if !ordered {
		t.Fatalf("not in order: %v", got)
	}
	m.same(t, got, wants)
}

func (m *model) scan(t *rapid.T) {
	var got []modelItem
	segments := int32(rapid.IntRange(1, 5).Draw(t, "segments"))
	for segment := range segments {
		in := &ddb.ScanInput{
			TableName: aws.String("model"), Segment: &segment, TotalSegments: &segments, Limit: aws.Int32(int32(rapid.IntRange(1, 9).Draw(t, "limit"))),
		}
		for {
			page, err := m.f.scan(m.f.ctx(), in)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range page.Items {
				got = append(got, fromSDK(i))
			}
			if in.ExclusiveStartKey = page.LastEvaluatedKey; page.LastEvaluatedKey == nil {
				break
			}
		}
	}
	m.same(t, got, func(modelItem) bool { return true })
}

func (m *model) same(t *rapid.T, got []modelItem, wants func(modelItem) bool) {
	var want []modelItem
	for _, i := range m.items {
		if wants(i) {
			want = append(want, i)
		}
	}
	order := func(x, y modelItem) int {
		return cmp.Or(cmp.Compare(x.hash, y.hash), cmp.Compare(x.sort, y.sort))
	}
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if !slices.Equal(got, want) {
		t.Fatalf("got  %v\nwant %v", got, want)
	}
}

// check holds the counts and the stream against the model.
func (m *model) check(t *rapid.T) {
	d, err := m.f.describeTable(m.f.ctx(), &ddb.DescribeTableInput{TableName: aws.String("model")})
	if err != nil {
		t.Fatal(err)
	}
	grouped, valued := 0, 0
	for _, i := range m.items {
		if i.group != "" {
			grouped++
		}
		if i.value != 0 {
			valued++
		}
	}
	got := []int64{*d.Table.ItemCount, *d.Table.GlobalSecondaryIndexes[0].ItemCount, *d.Table.LocalSecondaryIndexes[0].ItemCount}
	want := []int64{int64(len(m.items)), int64(grouped), int64(valued)}
	if !slices.Equal(got, want) {
		t.Fatalf("counts: got %v, want %v", got, want)
	}
}

// replay makes the items anew from the stream alone.
func (m *model) replay(t *rapid.T) {
	d, err := m.f.describeTable(m.f.ctx(), &ddb.DescribeTableInput{TableName: aws.String("model")})
	if err != nil {
		t.Fatal(err)
	}
	records := m.f.allRecords(t, *d.Table.LatestStreamArn)
	if len(records) != m.events {
		t.Fatalf("the stream has %d records, want %d", len(records), m.events)
	}
	items := map[string]string{}
	for _, r := range records {
		key := fmt.Sprint(streamText(r.Dynamodb.Keys))
		if was, old := items[key], streamText(r.Dynamodb.OldImage); was != old {
			t.Fatalf("%s of %s: old image %s, before it was %s", r.EventName, key, old, was)
		}
		items[key] = streamText(r.Dynamodb.NewImage)
		if r.EventName == streamtypes.OperationTypeRemove {
			delete(items, key)
		}
	}
	if len(items) != len(m.items) {
		t.Fatalf("the stream leaves %d items, want %d", len(items), len(m.items))
	}
}

func streamText(item map[string]streamtypes.AttributeValue) string {
	out := ""
	for _, name := range slices.Sorted(maps.Keys(item)) {
		switch v := item[name].(type) {
		case *streamtypes.AttributeValueMemberS:
			out += name + "=" + v.Value + ";"
		case *streamtypes.AttributeValueMemberN:
			out += name + "=#" + v.Value + ";"
		}
	}
	return out
}

// fataler is what testing.T and rapid.T have in common.
type fataler interface {
	Fatal(args ...any)
}

// allRecords reads a stream shard by shard, parents first, to the end of what there is.
func (f *fixture) allRecords(t fataler, arn string) []streamtypes.Record {
	d, err := f.describeStream(f.ctx(), &streams.DescribeStreamInput{StreamArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	var out []streamtypes.Record
	for _, shard := range d.StreamDescription.Shards {
		i, err := f.getShardIterator(f.ctx(), &streams.GetShardIteratorInput{
			StreamArn: &arn, ShardId: shard.ShardId, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon,
		})
		if err != nil {
			t.Fatal(err)
		}
		for next := i.ShardIterator; next != nil; {
			page, err := f.getRecords(f.ctx(), &streams.GetRecordsInput{ShardIterator: next, Limit: aws.Int32(7)})
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, page.Records...)
			if next = page.NextShardIterator; len(page.Records) == 0 {
				break
			}
		}
	}
	return out
}

// modelTable has an index of each kind and a stream.
func modelTable() *ddb.CreateTableInput {
	in := tableInput("model", "a", "b N")
	in.AttributeDefinitions = append(in.AttributeDefinitions,
		types.AttributeDefinition{AttributeName: aws.String("g"), AttributeType: "S"}, types.AttributeDefinition{AttributeName: aws.String("v"), AttributeType: "N"})
	key := func(hash, sort string) []types.KeySchemaElement {
		return []types.KeySchemaElement{{AttributeName: &hash, KeyType: "HASH"}, {AttributeName: &sort, KeyType: "RANGE"}}
	}
	in.GlobalSecondaryIndexes = []types.GlobalSecondaryIndex{{
		IndexName: aws.String("by-group"), KeySchema: key("g", "b"), Projection: &types.Projection{ProjectionType: "INCLUDE", NonKeyAttributes: []string{"v"}},
	}}
	in.LocalSecondaryIndexes = []types.LocalSecondaryIndex{{
		IndexName: aws.String("by-value"), KeySchema: key("a", "v"), Projection: &types.Projection{ProjectionType: "KEYS_ONLY"},
	}}
	in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: "NEW_AND_OLD_IMAGES"}
	return in
}

// TestTablesBehaveAsAMap lets random operations loose on a table and on a map, which
// must agree all the time: also the indexes, the counts, and after the files were
// closed and opened again. In the end the stream must lead to the same items.
func TestTablesBehaveAsAMap(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFixture(t)
		if _, err := f.createTable(f.ctx(), modelTable()); err != nil {
			rt.Fatal(err)
		}
		m := &model{f: f, items: map[modelKey]modelItem{}}
		rt.Repeat(map[string]func(*rapid.T){
			"":         m.check,
			"put":      m.put,
			"put more": m.put,
			"update":   m.update,
			"delete":   m.remove,
			"transact": m.transact,
			"get":      m.get,
			"query":    m.query,
			"scan":     m.scan,
			"reopen":   func(*rapid.T) { f.reopen() },
		})
		m.replay(rt)
	})
}
