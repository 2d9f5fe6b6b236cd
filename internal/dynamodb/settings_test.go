package dynamodb

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
	"github.com/hearthfaas/hearth/internal/lambda"
)

const thingsARN = "arn:aws:dynamodb:us-east-1:000000000000:table/things"

func TestTagsAreKeptAndShownToIdentity(t *testing.T) {
	f := newFixture(t)
	f.table("things", "a")
	var tags []types.Tag
	for n := range 12 {
		tags = append(tags, types.Tag{Key: aws.String(fmt.Sprintf("k%02d", n)), Value: aws.String("v")})
	}
	if _, err := f.db.TagResource(t.Context(), &ddb.TagResourceInput{ResourceArn: aws.String(thingsARN), Tags: tags}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.db.UntagResource(t.Context(), &ddb.UntagResourceInput{ResourceArn: aws.String(thingsARN), TagKeys: []string{"k00"}}); err != nil {
		t.Fatal(err)
	}
	f.reopen()
	seen := 0
	var next *string
	for {
		out, err := f.db.ListTagsOfResource(t.Context(), &ddb.ListTagsOfResourceInput{ResourceArn: aws.String(thingsARN), NextToken: next})
		if err != nil {
			t.Fatal(err)
		}
		seen += len(out.Tags)
		if next = out.NextToken; next == nil {
			break
		}
	}
	if seen != 11 || len(f.TagsAt(thingsARN+"/index/x")) != 11 || f.TagsAt("arn:aws:s3:::x") != nil {
		t.Errorf("got %d tags", seen)
	}
	_, err := f.db.TagResource(t.Context(), &ddb.TagResourceInput{ResourceArn: aws.String(thingsARN + "x"), Tags: tags})
	says(t, err, "ResourceNotFoundException", "Requested resource not found: ResourcArn: "+thingsARN+"x not found")
	_, err = f.db.TagResource(t.Context(), &ddb.TagResourceInput{ResourceArn: aws.String(thingsARN), Tags: []types.Tag{}})
	says(t, err, validation, "Atleast one Tag needs to be provided as Input.")
}

func TestPoliciesAreKeptWithTheirRevision(t *testing.T) {
	f := newFixture(t)
	in := tableInput("things", "a")
	in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: "KEYS_ONLY"}
	made, err := f.db.CreateTable(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	const document = `{"Statement":[]}`
	for _, arn := range []string{thingsARN, *made.TableDescription.LatestStreamArn} {
		put := func(expected string) (string, error) {
			in := &ddb.PutResourcePolicyInput{ResourceArn: &arn, Policy: aws.String(document)}
			if expected != "" {
				in.ExpectedRevisionId = &expected
			}
			out, err := f.db.PutResourcePolicy(t.Context(), in)
			if err != nil {
				return "", err
			}
			return *out.RevisionId, nil
		}
		first, err := put(noPolicy)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := put(noPolicy); err == nil {
			t.Error("a second first policy")
		}
		second, err := put(first)
		if err != nil || second == first {
			t.Errorf("got %s, %v", second, err)
		}
		f.reopen()
		number, text, ok := f.PolicyAt(arn)
		if !ok || text() != document || number != 2 {
			t.Errorf("got %d, %t", number, ok)
		}
		got, err := f.db.GetResourcePolicy(t.Context(), &ddb.GetResourcePolicyInput{ResourceArn: &arn})
		if err != nil || *got.Policy != document || *got.RevisionId != second {
			t.Errorf("got %v, %v", got, err)
		}
		if _, err := f.db.DeleteResourcePolicy(t.Context(), &ddb.DeleteResourcePolicyInput{ResourceArn: &arn}); err != nil {
			t.Fatal(err)
		}
		if _, _, ok := f.PolicyAt(arn); ok {
			t.Error("the policy is still there")
		}
		_, err = f.db.GetResourcePolicy(t.Context(), &ddb.GetResourcePolicyInput{ResourceArn: &arn})
		says(t, err, "PolicyNotFoundException", "Resource-based policy not found for the provided ResourceArn: "+arn)
	}
}

func TestSettingsChange(t *testing.T) {
	f := newFixture(t)
	in := tableInput("things", "a")
	in.BillingMode = ""
	in.ProvisionedThroughput = &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(5), WriteCapacityUnits: aws.Int64(6)}
	if _, err := f.db.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	update := func(in ddb.UpdateTableInput) (*types.TableDescription, error) {
		in.TableName = aws.String("things")
		if _, err := f.db.UpdateTable(t.Context(), &in); err != nil {
			return nil, err
		}
		f.reopen()
		out, err := f.db.DescribeTable(t.Context(), &ddb.DescribeTableInput{TableName: in.TableName})
		if err != nil {
			t.Fatal(err)
		}
		return out.Table, nil
	}
	_, err := update(ddb.UpdateTableInput{ProvisionedThroughput: in.ProvisionedThroughput})
	says(t, err, validation, "The provisioned throughput for the table will not change. The requested value equals the current value. "+
		"Current ReadCapacityUnits provisioned for the table: 5. Requested ReadCapacityUnits: 5. "+
		"Current WriteCapacityUnits provisioned for the table: 6. Requested WriteCapacityUnits: 6. "+
		"Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.")
	d, err := update(ddb.UpdateTableInput{ProvisionedThroughput: &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(7), WriteCapacityUnits: aws.Int64(1)}})
	if err != nil || *d.ProvisionedThroughput.ReadCapacityUnits != 7 || d.ProvisionedThroughput.LastIncreaseDateTime == nil || d.ProvisionedThroughput.LastDecreaseDateTime == nil {
		t.Errorf("got %+v, %v", d, err)
	}
	d, err = update(ddb.UpdateTableInput{BillingMode: types.BillingModePayPerRequest, TableClass: types.TableClassStandardInfrequentAccess})
	if err != nil || d.BillingModeSummary.BillingMode != types.BillingModePayPerRequest || *d.ProvisionedThroughput.ReadCapacityUnits != 0 ||
		d.TableClassSummary.TableClass != types.TableClassStandardInfrequentAccess {
		t.Errorf("got %+v, %v", d, err)
	}
	_, err = update(ddb.UpdateTableInput{BillingMode: types.BillingModeProvisioned})
	says(t, err, validation, "One or more parameter values were invalid: ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
	_, err = update(ddb.UpdateTableInput{})
	says(t, err, validation, "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	_, err = update(ddb.UpdateTableInput{StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(false)}})
	says(t, err, validation, "Table has no stream to disable: TableName: things")
	backups, err := f.db.DescribeContinuousBackups(t.Context(), &ddb.DescribeContinuousBackupsInput{TableName: aws.String("things")})
	if err != nil || backups.ContinuousBackupsDescription.ContinuousBackupsStatus != types.ContinuousBackupsStatusDisabled {
		t.Errorf("got %+v, %v", backups, err)
	}
}

func TestOlderParametersStillWork(t *testing.T) {
	f := newFixture(t)
	f.table("things", "a")
	key := sdkItem{"a": str("x")}
	update := func(actions map[string]types.AttributeValueUpdate, expected map[string]types.ExpectedAttributeValue) (sdkItem, error) {
		out, err := f.updateItem(f.ctx(), &ddb.UpdateItemInput{
			TableName: aws.String("things"), Key: key, AttributeUpdates: actions, Expected: expected, ReturnValues: types.ReturnValueAllNew,
		})
		if err != nil {
			return nil, err
		}
		return out.Attributes, nil
	}
	got, err := update(map[string]types.AttributeValueUpdate{"n": {Action: "DELETE"}}, nil)
	if err != nil || got != nil || f.get("things", key) != nil {
		t.Errorf("taking away from nothing: got %v, %v", got, err)
	}
	for range 2 {
		if got, err = update(map[string]types.AttributeValueUpdate{
			"n": {Action: "ADD", Value: num("2")}, "l": {Action: "ADD", Value: list(str("e"))}, "s": {Value: str("t")},
		}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if number(got["n"]) != 4 || len(got["l"].(*types.AttributeValueMemberL).Value) != 2 {
		t.Errorf("got %v", got)
	}
	_, err = update(map[string]types.AttributeValueUpdate{"n": {Action: "DELETE"}}, map[string]types.ExpectedAttributeValue{"n": {Value: num("5")}})
	says(t, err, codeConditionFailed, "The conditional request failed")
	_, err = update(map[string]types.AttributeValueUpdate{"s": {Action: "ADD", Value: num("5")}}, nil)
	says(t, err, validation, "Type mismatch for attribute to update")
	got, err = update(map[string]types.AttributeValueUpdate{"n": {Action: "DELETE"}}, map[string]types.ExpectedAttributeValue{
		"n": {ComparisonOperator: "BETWEEN", AttributeValueList: []types.AttributeValue{num("1"), num("4")}}, "gone": {Exists: aws.Bool(false)},
	})
	if err != nil || got["n"] != nil {
		t.Errorf("got %v, %v", got, err)
	}
	_, err = f.updateItem(f.ctx(), &ddb.UpdateItemInput{
		TableName: aws.String("things"), Key: key, AttributeUpdates: map[string]types.AttributeValueUpdate{}, UpdateExpression: aws.String("REMOVE s"),
	})
	says(t, err, validation, "Can not use both expression and non-expression parameters in the same request: "+
		"Non-expression parameters: {AttributeUpdates} Expression parameters: {UpdateExpression}")
}

// TestEveryTableOfARequestIsAuthorized holds that nobody gets at a table by naming it
// beside others.
func TestEveryTableOfARequestIsAuthorized(t *testing.T) {
	f := newFixture(t)
	f.table("mine", "a")
	f.table("yours", "a")
	f.put("yours", sdkItem{"a": str("x")})
	refused := lambda.Errorf(lambda.CodeAccessDenied, "no")
	var asked []string
	f.auth.ask = func(action, resource string, keys func(string) ([]string, bool)) error {
		leading, _ := keys("dynamodb:leadingkeys")
		asked = append(asked, fmt.Sprint(action, " ", leading))
		if resource != "arn:aws:dynamodb:us-east-1:000000000000:table/mine" {
			return refused
		}
		return nil
	}
	item := sdkItem{"a": str("x")}
	calls := map[string]func() error{
		"batch get": func() error {
			_, err := f.batchGetItem(f.ctx(), &ddb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"mine": {Keys: []sdkItem{item}}, "yours": {Keys: []sdkItem{item}}}})
			return err
		},
		"batch write": func() error {
			write := []types.WriteRequest{{PutRequest: &types.PutRequest{Item: item}}}
			_, err := f.batchWriteItem(f.ctx(), &ddb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"mine": write, "yours": write}})
			return err
		},
		"transact get": func() error {
			_, err := f.transactGetItems(f.ctx(), &ddb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
				{Get: &types.Get{TableName: aws.String("mine"), Key: item}}, {Get: &types.Get{TableName: aws.String("yours"), Key: item}},
			}})
			return err
		},
		"transact write": func() error {
			_, err := f.transactWriteItems(f.ctx(), &ddb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
				{Put: &types.Put{TableName: aws.String("mine"), Item: item}},
				{ConditionCheck: &types.ConditionCheck{TableName: aws.String("yours"), Key: item, ConditionExpression: aws.String("attribute_exists(a)")}},
			}})
			return err
		},
		"a table that is not there": func() error {
			_, err := f.getItem(f.ctx(), &ddb.GetItemInput{TableName: aws.String("none"), Key: item})
			return err
		},
	}
	for what, call := range calls {
		if err := call(); !errors.Is(err, refused) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	f.auth.ask = nil
	if f.get("mine", item) != nil {
		t.Error("a request that was refused has written")
	}
	if len(asked) != 9 {
		t.Errorf("asked %q", asked)
	}
}

// FuzzReadBack holds that iterators, ARNs and records from outside or from a damaged
// file are refused without harm.
func FuzzReadBack(f *testing.F) {
	f.Add([]byte(iterator{stream: thingsARN + "/stream/x", shard: "shardId-1", after: 7, issued: time.UnixMilli(1)}.String()))
	f.Add([]byte(thingsARN))
	f.Add(encodeRecord(eventModify, time.UnixMilli(5), attr.Item{"a": attr.Str("k")}, nil, attr.Item{"a": attr.Str("k"), "n": attr.FromInt(4)}))
	f.Add([]byte("arn:aws:dynamodb::|1|AAAAAAAAAAAAAAAAAAAAAA=="))
	f.Fuzz(func(t *testing.T, b []byte) {
		if i, ok := parseIterator(string(b)); ok {
			if again, ok := parseIterator(i.String()); !ok || again != i {
				t.Fatalf("%q became %q", b, i)
			}
		}
		if k, rest, ok := parseARN(string(b)); ok && rest == "" && !bytes.HasPrefix(b, []byte(k.ARN())) {
			t.Fatalf("%q became %s", b, k.ARN())
		}
		if r, err := decodeRecord(b); err == nil {
			if _, err := decodeRecord(encodeRecord(r.event, r.at, r.keys, r.old, r.item)); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = parseSequence(string(b))
	})
}
