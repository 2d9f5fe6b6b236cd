package dynamodb

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/hearthfaas/hearth/internal/dynamodb/disk"
)

func (f *fixture) createIndex(table string) {
	f.t.Helper()
	_, err := f.updateTable(f.ctx(), &ddb.UpdateTableInput{
		TableName: &table, AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("g"), AttributeType: "S"}},
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{
			IndexName: aws.String("by-g"), KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("g"), KeyType: "HASH"}},
			Projection: &types.Projection{ProjectionType: "KEYS_ONLY"},
		}}},
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) inIndex(table, g string) (int32, error) {
	out, err := f.query(f.ctx(), &ddb.QueryInput{
		TableName: &table, IndexName: aws.String("by-g"), KeyConditionExpression: aws.String("g = :g"), ExpressionAttributeValues: sdkItem{":g": str(g)},
	})
	if err != nil {
		return 0, err
	}
	return out.Count, nil
}

// TestIndexesAreBuiltBehindChanges makes an index over items that are there, changes
// some between any two steps, and stops halfway.
func TestIndexesAreBuiltBehindChanges(t *testing.T) {
	f := newFixture(t)
	f.table("things", "a N")
	const items = 3*stepMax + 7
	for n := range items {
		f.put("things", sdkItem{"a": num(strconv.Itoa(n)), "g": str("old")})
	}
	f.put("things", sdkItem{"a": num("-1"), "g": num("5")}) // does not fit the index
	f.createIndex("things")
	_, err := f.inIndex("things", "old")
	says(t, err, validation, "Cannot read from backfilling global secondary index: by-g")
	d, err := f.db.DescribeTable(t.Context(), &ddb.DescribeTableInput{TableName: aws.String("things")})
	if err != nil || d.Table.TableStatus != "UPDATING" || d.Table.GlobalSecondaryIndexes[0].IndexStatus != "CREATING" {
		t.Errorf("got %v, %v", d.Table.TableStatus, err)
	}
	for n := range 10 {
		f.put("things", sdkItem{"a": num(strconv.Itoa(n)), "g": str("new")})
	}
	for n := 10; n < 20; n++ {
		if _, err := f.db.DeleteItem(t.Context(), &ddb.DeleteItemInput{TableName: aws.String("things"), Key: sdkItem{"a": num(strconv.Itoa(n))}}); err != nil {
			t.Fatal(err)
		}
	}
	f.reopen()
	f.tend()
	for g, want := range map[string]int32{"old": items - 20, "new": 10} {
		if got, err := f.inIndex("things", g); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", g, got, err, want)
		}
	}
	d, err = f.db.DescribeTable(t.Context(), &ddb.DescribeTableInput{TableName: aws.String("things")})
	if err != nil || d.Table.TableStatus != "ACTIVE" || *d.Table.GlobalSecondaryIndexes[0].ItemCount != items-10 || *d.Table.ItemCount != items-9 {
		t.Errorf("got %v items, %v in the index, %v", *d.Table.ItemCount, *d.Table.GlobalSecondaryIndexes[0].ItemCount, err)
	}
	// An item that does not fit may be changed where the index does not look.
	_, err = f.db.UpdateItem(t.Context(), &ddb.UpdateItemInput{
		TableName: aws.String("things"), Key: sdkItem{"a": num("-1")}, UpdateExpression: aws.String("SET x = :x"), ExpressionAttributeValues: sdkItem{":x": num("1")},
	})
	if err != nil {
		t.Error(err)
	}
}

func (f *fixture) keys(space disk.Space) int {
	f.t.Helper()
	n := 0
	err := f.disk.Range(f.t.Context(), space, nil, nil, false, func(_, _ []byte) (bool, error) {
		n++
		return true, nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

func TestDeletedTablesLeaveNothingBehind(t *testing.T) {
	f := newFixture(t)
	if _, err := f.createTable(f.ctx(), modelTable()); err != nil {
		t.Fatal(err)
	}
	rec := f.find(Key{account, region, "model"})
	for n := range stepMax + 50 {
		f.put("model", sdkItem{"a": str("x"), "b": num(strconv.Itoa(n)), "v": num("1"), "g": str("g")})
	}
	if _, err := f.db.DeleteTable(t.Context(), &ddb.DeleteTableInput{TableName: aws.String("model")}); err != nil {
		t.Fatal(err)
	}
	f.table("model", "a")
	if f.get("model", sdkItem{"a": str("x")}) != nil {
		t.Error("a new table has items of the old")
	}
	f.reopen()
	f.tend()
	for _, space := range []disk.Space{rec.ID, rec.Indexes[0].Space, rec.Indexes[1].Space, spaceTrash} {
		if n := f.keys(space); n != 0 {
			t.Errorf("space %d has %d keys", space, n)
		}
	}
	if st := f.disk.Stats(rec.ID); st != (disk.Stats{}) {
		t.Errorf("got %v", st)
	}
}

func TestItemsExpire(t *testing.T) {
	f := newFixture(t)
	in := tableInput("things", "a N")
	in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: "OLD_IMAGE"}
	if _, err := f.db.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	put := func(n int, expires time.Time) {
		f.put("things", sdkItem{"a": num(strconv.Itoa(n)), "t": num(fmt.Sprintf("%d.5", expires.Unix()))})
	}
	put(0, f.clock.Add(time.Hour)) // before time to live is enabled
	_, err := f.db.UpdateTimeToLive(t.Context(), &ddb.UpdateTimeToLiveInput{
		TableName: aws.String("things"), TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("t"), Enabled: aws.Bool(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.tend()
	put(1, f.clock.Add(time.Hour))
	put(2, f.clock.Add(2*time.Hour))
	put(3, f.clock.AddDate(-6, 0, 0)) // too old to be meant
	put(4, f.clock.Add(time.Hour))
	put(4, f.clock.Add(3*time.Hour)) // changed its mind
	f.put("things", sdkItem{"a": num("5"), "t": str("tomorrow")})
	left := func() (out string) {
		for n := range 6 {
			if f.get("things", sdkItem{"a": num(strconv.Itoa(n))}) != nil {
				out += strconv.Itoa(n)
			}
		}
		return out
	}
	f.clock = f.clock.Add(time.Hour + time.Second)
	f.tend()
	if got := left(); got != "2345" {
		t.Errorf("after an hour: got %s", got)
	}
	f.clock = f.clock.Add(2 * time.Hour)
	f.tend()
	if got := left(); got != "35" {
		t.Errorf("after three hours: got %s", got)
	}
	d, err := f.db.DescribeTable(t.Context(), &ddb.DescribeTableInput{TableName: aws.String("things")})
	if err != nil {
		t.Fatal(err)
	}
	expired := 0
	for _, r := range f.allRecords(t, *d.Table.LatestStreamArn) {
		if r.UserIdentity != nil {
			expired++
			if r.EventName != "REMOVE" || *r.UserIdentity.PrincipalId != "dynamodb.amazonaws.com" || *r.UserIdentity.Type != "Service" || r.Dynamodb.OldImage == nil {
				t.Errorf("got %+v", r)
			}
		}
	}
	if expired != 4 {
		t.Errorf("got %d records of expiry, want 4", expired)
	}
	for attribute, want := range map[string]string{
		"t": "TimeToLive is already enabled", "u": "TimeToLive is active on a different AttributeName: current AttributeName is t",
	} {
		_, err = f.db.UpdateTimeToLive(t.Context(), &ddb.UpdateTimeToLiveInput{
			TableName: aws.String("things"), TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &attribute, Enabled: aws.Bool(true)},
		})
		says(t, err, validation, want)
	}
}

// TestStreamsRollOver follows a stream over two days: shards are closed and followed
// by children, records can be read for a day, and the order holds throughout.
func TestStreamsRollOver(t *testing.T) {
	f := newFixture(t)
	in := tableInput("things", "a N")
	in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: "NEW_IMAGE"}
	made, err := f.db.CreateTable(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	arn := made.TableDescription.LatestStreamArn
	for hour := range 48 {
		f.put("things", sdkItem{"a": num(strconv.Itoa(hour))})
		f.clock = f.clock.Add(time.Hour)
		f.tend()
		if hour%7 == 0 {
			f.reopen()
		}
	}
	d, err := f.str.DescribeStream(t.Context(), &streams.DescribeStreamInput{StreamArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	shards := d.StreamDescription.Shards
	if len(shards) < 6 || len(shards) > 8 {
		t.Errorf("got %d shards", len(shards))
	}
	for n := 1; n < len(shards); n++ {
		if aws.ToString(shards[n].ParentShardId) != *shards[n-1].ShardId {
			t.Errorf("shard %d is not the child of the one before", n)
		}
		if shards[n-1].SequenceNumberRange.EndingSequenceNumber == nil || *shards[n-1].SequenceNumberRange.EndingSequenceNumber > *shards[n].SequenceNumberRange.StartingSequenceNumber {
			t.Errorf("shard %d begins before its parent ends", n)
		}
	}
	records := f.allRecords(t, *arn)
	if len(records) != 24 {
		t.Errorf("got %d records, want those of 24 hours", len(records))
	}
	last := ""
	for _, r := range records {
		if *r.Dynamodb.SequenceNumber <= last {
			t.Errorf("%s follows %s", *r.Dynamodb.SequenceNumber, last)
		}
		last = *r.Dynamodb.SequenceNumber
		if len(*r.EventID) != 32 || r.Dynamodb.NewImage == nil || r.Dynamodb.OldImage != nil {
			t.Errorf("got %+v", r)
		}
	}
}

func TestIteratorsBeginWhereTheyWereAsked(t *testing.T) {
	f := newFixture(t)
	in := tableInput("things", "a N")
	in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: "KEYS_ONLY"}
	made, err := f.db.CreateTable(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	arn := made.TableDescription.LatestStreamArn
	for n := range 5 {
		f.put("things", sdkItem{"a": num(strconv.Itoa(n))})
		f.clock = f.clock.Add(time.Minute)
	}
	f.put("things", sdkItem{"a": num("4")}) // changes nothing, so it has no record
	all := f.allRecords(t, *arn)
	if len(all) != 5 || all[0].Dynamodb.NewImage != nil || all[0].Dynamodb.OldImage != nil {
		t.Fatalf("got %d records", len(all))
	}
	d, err := f.str.DescribeStream(t.Context(), &streams.DescribeStreamInput{StreamArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	shard := d.StreamDescription.Shards[0].ShardId
	read := func(kind streamtypes.ShardIteratorType, sequence *string, at *time.Time) (int, *string) {
		t.Helper()
		i, err := f.str.GetShardIterator(t.Context(), &streams.GetShardIteratorInput{
			StreamArn: arn, ShardId: shard, ShardIteratorType: kind, SequenceNumber: sequence, Timestamp: at,
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := f.str.GetRecords(t.Context(), &streams.GetRecordsInput{ShardIterator: i.ShardIterator})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Records), out.NextShardIterator
	}
	third := all[2].Dynamodb.SequenceNumber
	for _, c := range []struct {
		kind     streamtypes.ShardIteratorType
		sequence *string
		at       *time.Time
		want     int
	}{
		{"TRIM_HORIZON", nil, nil, 5},
		{"LATEST", nil, nil, 0},
		{"AT_SEQUENCE_NUMBER", third, nil, 3},
		{"AFTER_SEQUENCE_NUMBER", third, nil, 2},
		{"AT_TIMESTAMP", nil, aws.Time(f.clock.Add(-150 * time.Second)), 2},
	} {
		if got, _ := read(c.kind, c.sequence, c.at); got != c.want {
			t.Errorf("%s: got %d records, want %d", c.kind, got, c.want)
		}
	}
	_, latest := read("LATEST", nil, nil)
	f.put("things", sdkItem{"a": num("9")})
	out, err := f.str.GetRecords(t.Context(), &streams.GetRecordsInput{ShardIterator: latest})
	if err != nil || len(out.Records) != 1 {
		t.Errorf("got %v, %v", out, err)
	}
	f.clock = f.clock.Add(16 * time.Minute)
	_, err = f.str.GetRecords(t.Context(), &streams.GetRecordsInput{ShardIterator: latest})
	if err == nil {
		t.Error("an iterator of 16 minutes is still good")
	}

	// A stream that was disabled ends, and can be read for a day.
	_, err = f.db.UpdateTable(t.Context(), &ddb.UpdateTableInput{TableName: aws.String("things"), StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(false)}})
	if err != nil {
		t.Fatal(err)
	}
	f.put("things", sdkItem{"a": num("10")})
	n, next := read("TRIM_HORIZON", nil, nil)
	if n != 6 || next != nil {
		t.Errorf("got %d records, next %v", n, next)
	}
	f.clock = f.clock.Add(25 * time.Hour)
	f.tend()
	_, err = f.str.DescribeStream(t.Context(), &streams.DescribeStreamInput{StreamArn: arn})
	says(t, err, "ResourceNotFoundException", "Requested resource not found: Stream: "+*arn+" not found")
	table, err := f.db.DescribeTable(t.Context(), &ddb.DescribeTableInput{TableName: aws.String("things")})
	if err != nil || table.Table.LatestStreamArn != nil {
		t.Errorf("got %v, %v", table.Table.LatestStreamArn, err)
	}
}

func TestTokensMakeTransactionsHappenOnce(t *testing.T) {
	f := newFixture(t)
	f.table("things", "a")
	add := func(token, by string) error {
		_, err := f.db.TransactWriteItems(t.Context(), &ddb.TransactWriteItemsInput{
			ClientRequestToken: &token, TransactItems: []types.TransactWriteItem{{Update: &types.Update{
				TableName: aws.String("things"), Key: sdkItem{"a": str("x")}, UpdateExpression: aws.String("ADD n :n"), ExpressionAttributeValues: sdkItem{":n": num(by)},
			}}},
		})
		return err
	}
	value := func() int { return number(f.get("things", sdkItem{"a": str("x")})["n"]) }
	for range 3 {
		if err := add("one", "1"); err != nil {
			t.Fatal(err)
		}
		f.reopen()
	}
	if got := value(); got != 1 {
		t.Errorf("got %d", got)
	}
	if err := add("one", "2"); err == nil {
		t.Error("the same token with another request")
	}
	f.clock = f.clock.Add(tokenLife + time.Second)
	if err := add("one", "2"); err != nil {
		t.Fatal(err)
	}
	if got := value(); got != 3 {
		t.Errorf("got %d", got)
	}
	f.clock = f.clock.Add(tokenLife + time.Second)
	f.tend()
	if n := f.keys(spaceTokens) + f.keys(spaceAges); n != 0 {
		t.Errorf("%d keys of tokens are left", n)
	}
}
