package compat

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"
)

// TestBoto3UsesTables runs testdata/dynamodb_check.py, which asserts for itself.
func TestBoto3UsesTables(t *testing.T) {
	t.Parallel()
	python := findTool(t, "python3 with boto3", func(path string) bool { return exec.Command(path, "-c", "import boto3").Run() == nil },
		"/root/.pyenv/versions/*/bin/python3", "/usr/bin/python3", "/usr/local/bin/python3")
	h := up(t)
	script, err := filepath.Abs("testdata/dynamodb_check.py")
	if err != nil {
		t.Fatal(err)
	}
	out, code := command(t, t.TempDir(), environ(h), python, script)
	if code != 0 || !strings.Contains(out, "all checks passed") {
		t.Errorf("exit code %d", code)
	}
}

// TestTheAWSCommandLineUsesTables follows the getting-started guide of DynamoDB.
func TestTheAWSCommandLineUsesTables(t *testing.T) {
	t.Parallel()
	aws := findTool(t, "aws", func(path string) bool { return exec.Command(path, "--version").Run() == nil }, "/root/.pyenv/versions/*/bin/aws")
	h := up(t)
	run := func(args ...string) string {
		t.Helper()
		out, code := command(t, t.TempDir(), environ(h, "AWS_PAGER="), aws, append(append([]string{"dynamodb"}, args...), "--output", "text")...)
		if code != 0 {
			t.FailNow()
		}
		return strings.TrimSpace(out)
	}
	run("create-table", "--table-name", "Music", "--attribute-definitions", "AttributeName=Artist,AttributeType=S", "AttributeName=SongTitle,AttributeType=S",
		"--key-schema", "AttributeName=Artist,KeyType=HASH", "AttributeName=SongTitle,KeyType=RANGE",
		"--provisioned-throughput", "ReadCapacityUnits=5,WriteCapacityUnits=5", "--table-class", "STANDARD")
	run("wait", "table-exists", "--table-name", "Music")
	run("put-item", "--table-name", "Music", "--item",
		`{"Artist":{"S":"No One You Know"},"SongTitle":{"S":"Call Me Today"},"AlbumTitle":{"S":"Somewhat Famous"},"Awards":{"N":"1"}}`)
	run("update-item", "--table-name", "Music", "--key", `{"Artist":{"S":"No One You Know"},"SongTitle":{"S":"Call Me Today"}}`,
		"--update-expression", "SET AlbumTitle = :newval", "--expression-attribute-values", `{":newval":{"S":"Updated Album Title"}}`)
	got := run("query", "--table-name", "Music", "--key-condition-expression", "Artist = :name",
		"--expression-attribute-values", `{":name":{"S":"No One You Know"}}`, "--query", "Items[0].AlbumTitle.S")
	if got != "Updated Album Title" {
		t.Errorf("got %q", got)
	}
	if got := run("list-tables", "--query", "TableNames"); got != "Music" {
		t.Errorf("got %q", got)
	}
	run("delete-table", "--table-name", "Music")
	run("wait", "table-not-exists", "--table-name", "Music")
}

// TestTerraformManagesTables applies tables with everything that a table can have,
// plans again, changes and destroys.
func TestTerraformManagesTables(t *testing.T) {
	h, _, tf := workspaceOf(t, "testdata/terraform_dynamodb/main.tf")
	changed := []string{"-var=team=red", "-var=second=true", "-var=ttl=false"}
	tf(0, "init", "-input=false", "-no-color")
	tf(0, "apply", "-auto-approve", "-input=false", "-no-color")
	tf(planEmpty, "plan", "-detailed-exitcode", "-input=false", "-no-color")
	tf(planChanges, append([]string{"plan", "-detailed-exitcode", "-input=false", "-no-color"}, changed...)...)
	tf(0, append([]string{"apply", "-auto-approve", "-input=false", "-no-color"}, changed...)...)
	tf(planEmpty, append([]string{"plan", "-detailed-exitcode", "-input=false", "-no-color"}, changed...)...)

	c := dynamodb.NewFromConfig(h.AWS())
	d, err := c.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("games")})
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Table.GlobalSecondaryIndexes) != 2 || d.Table.LatestStreamArn == nil || aws.ToInt64(d.Table.ItemCount) != 1 {
		t.Errorf("got %+v", d.Table)
	}
	tf(0, append([]string{"destroy", "-auto-approve", "-input=false", "-no-color"}, changed...)...)
	left, err := c.ListTables(t.Context(), &dynamodb.ListTablesInput{})
	if err != nil || len(left.TableNames) != 0 {
		t.Errorf("after destroy there are %v, %v", left, err)
	}
}

// TestPoliciesReachIntoTables holds the example of the developer guide for
// fine-grained access: a user sees only the items that lead with the user's own name,
// and of those only some attributes.
func TestPoliciesReachIntoTables(t *testing.T) {
	h := up(t)
	ctx := t.Context()
	root := dynamodb.NewFromConfig(h.AWS())
	_, err := root.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String("scores"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("player"), AttributeType: "S"}, {AttributeName: aws.String("game"), AttributeType: "S"}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("player"), KeyType: "HASH"}, {AttributeName: aws.String("game"), KeyType: "RANGE"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	users := iam.NewFromConfig(h.AWS())
	if _, err := users.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ada")}); err != nil {
		t.Fatal(err)
	}
	_, err = users.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("ada"), PolicyName: aws.String("own"), PolicyDocument: aws.String(`{
		"Version": "2012-10-17", "Statement": [{
			"Effect": "Allow",
			"Action": ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"],
			"Resource": "arn:aws:dynamodb:us-east-1:000000000000:table/scores",
			"Condition": {
				"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:username}"], "dynamodb:Attributes": ["player", "game", "top"]},
				"StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}
			}
		}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	key, err := users.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("ada")})
	if err != nil {
		t.Fatal(err)
	}
	cfg := h.AWS()
	cfg.Credentials = credentials.NewStaticCredentialsProvider(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
	ada := dynamodb.NewFromConfig(cfg)
	item := func(player string, more ...string) map[string]types.AttributeValue {
		out := map[string]types.AttributeValue{"player": &types.AttributeValueMemberS{Value: player}, "game": &types.AttributeValueMemberS{Value: "chess"}}
		for _, name := range more {
			out[name] = &types.AttributeValueMemberN{Value: "1"}
		}
		return out
	}
	put := func(of map[string]types.AttributeValue) error {
		_, err := ada.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("scores"), Item: of})
		return err
	}
	transact := func(of map[string]types.AttributeValue) error {
		_, err := ada.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{TableName: aws.String("scores"), Item: of}},
		}})
		return err
	}
	batch := func(of ...map[string]types.AttributeValue) error {
		var writes []types.WriteRequest
		for _, i := range of {
			writes = append(writes, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: i}})
		}
		_, err := ada.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"scores": writes}})
		return err
	}
	query := func(player, projection string) error {
		in := &dynamodb.QueryInput{
			TableName: aws.String("scores"), KeyConditionExpression: aws.String("player = :p"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberS{Value: player}},
		}
		if projection != "" {
			in.ProjectionExpression = &projection
		}
		_, err := ada.Query(ctx, in)
		return err
	}
	scan := func() error {
		_, err := ada.Scan(ctx, &dynamodb.ScanInput{TableName: aws.String("scores")})
		return err
	}
	for what, c := range map[string]struct {
		err  error
		want bool
	}{
		"put one's own":                {put(item("ada", "top")), true},
		"put another's":                {put(item("bob", "top")), false},
		"put another attribute":        {put(item("ada", "secret")), false},
		"put one's own together":       {transact(item("ada", "top")), true},
		"put another's together":       {transact(item("bob", "top")), false},
		"query one's own":              {query("ada", "player, top"), true},
		"query all attributes":         {query("ada", ""), false},
		"query another attribute":      {query("ada", "secret"), false},
		"query another's":              {query("bob", "player, top"), false},
		"scan":                         {scan(), false},
		"delete one's own":             {batch(item("ada")), true},
		"delete one's own and another": {batch(item("ada"), item("bob")), false},
	} {
		var refusal smithy.APIError
		denied := errors.As(c.err, &refusal) && refusal.ErrorCode() == "AccessDeniedException"
		if c.want && c.err != nil || !c.want && !denied {
			t.Errorf("%s: got %v", what, c.err)
		}
	}
}
