package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/harness"
)

// boto3 puts the AWS SDK for Python where `hearth runtimes install python-sdk` does,
// from a Python of this machine that has it.
func boto3(t *testing.T, dataDir string) {
	t.Helper()
	candidates, _ := filepath.Glob("/root/.pyenv/versions/*/bin/python3")
	for _, python := range append(candidates, "python3") {
		out, err := exec.CommandContext(t.Context(), python, "-c", "import boto3, os; print(os.path.dirname(os.path.dirname(boto3.__file__)))").Output()
		if err != nil {
			continue
		}
		from, to := strings.TrimSpace(string(out)), filepath.Join(dataDir, "runtimes", "sdk", "python")
		if err := os.MkdirAll(to, 0o755); err != nil {
			t.Fatal(err)
		}
		copies := []string{"-r", "-t", to}
		for _, name := range []string{"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py"} {
			copies = append(copies, filepath.Join(from, name))
		}
		if out, err := exec.CommandContext(t.Context(), "cp", copies...).CombinedOutput(); err != nil {
			t.Fatalf("copy boto3: %v: %s", err, out)
		}
		return
	}
	t.Skip("no Python of this machine has boto3")
}

// The example from a queue to a table runs as its README says, and each permission
// of its role is needed.
func TestRootTheExampleFromAQueueToATableNeedsEachOfItsPermissions(t *testing.T) {
	needRoot(t)
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("the example's script uses the aws CLI")
	}
	python(t)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := dataDir(t)
	if err := os.Mkdir(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	boto3(t, dir)
	h := start(t, harness.Options{DataDir: dir})
	defer func() {
		if t.Failed() {
			t.Logf("the function's log:\n%s", strings.Join(h.logged(t, "sqs-to-dynamodb", ""), "\n"))
		}
		if err := h.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		if t.Failed() {
			t.Logf("the end of Hearth's log:\n%s", h.Log())
		}
	}()
	example := filepath.Join("..", "..", "examples", "sqs-to-dynamodb")
	run := exec.CommandContext(t.Context(), filepath.Join(example, "run.sh"))
	run.Env = append(os.Environ(), "HEARTH="+path, "AWS_ENDPOINT_URL="+h.Endpoint)
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("run.sh: %v\n%s", err, out)
	}

	queue, db := sqs.NewFromConfig(h.aws), dynamodb.NewFromConfig(h.aws)
	url, err := queue.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: new("orders")})
	if err == nil {
		_, err = queue.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: url.QueueUrl, Attributes: map[string]string{
			"VisibilityTimeout": "10", // orders come again sooner than in the example
			"RedrivePolicy":     "",
		}})
	}
	if err != nil {
		t.Fatal(err)
	}
	order := func(id string) {
		t.Helper()
		_, err := queue.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: url.QueueUrl, MessageBody: new(`{"id":"` + id + `","item":"lamp","amount":1}`)})
		if err != nil {
			t.Fatal(err)
		}
	}
	stored := func(id string) bool {
		t.Helper()
		got, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: new("orders"), Key: map[string]ddbtypes.AttributeValue{"id": &ddbtypes.AttributeValueMemberS{Value: id}}})
		if err != nil {
			t.Fatal(err)
		}
		return len(got.Item) > 0
	}
	full := readPolicy(t, filepath.Join(example, "policy.json"), "")

	h.grantAs(t, "orders", "orders", readPolicy(t, filepath.Join(example, "policy.json"), "StoreOrders"))
	order("without-put")
	eventually(t, 45*time.Second, "the function is refused", func() bool {
		return slices.ContainsFunc(h.logged(t, "sqs-to-dynamodb", "stored:"), func(s string) bool {
			return strings.Contains(s, "AccessDeniedException") && strings.Contains(s, "is not authorized to perform: dynamodb:PutItem")
		})
	})
	if stored("without-put") {
		t.Error("an order was stored without a permission")
	}
	h.grantAs(t, "orders", "orders", full)
	eventually(t, time.Minute, "the order comes again and is stored", func() bool { return stored("without-put") })

	h.grantAs(t, "orders", "orders", readPolicy(t, filepath.Join(example, "policy.json"), "PollTheQueue"))
	mappings, err := h.lambda.ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{FunctionName: new("sqs-to-dynamodb")})
	if err != nil || len(mappings.EventSourceMappings) != 1 {
		t.Fatalf("got %v, %v", mappings, err)
	}
	uuid := *mappings.EventSourceMappings[0].UUID
	eventually(t, 45*time.Second, "the mapping says what is missing", func() bool {
		return strings.Contains(aws.ToString(h.mapping(t, uuid).LastProcessingResult), "does not have permissions to call ReceiveMessage on SQS")
	})
	order("without-poll")
	got, err := queue.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: url.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{"ApproximateNumberOfMessages"}})
	if err != nil || got.Attributes["ApproximateNumberOfMessages"] != "1" || stored("without-poll") {
		t.Errorf("the order left the queue: %v, %v", got, err)
	}
	h.grantAs(t, "orders", "orders", full)
	eventually(t, time.Minute, "the order is fetched and stored", func() bool { return stored("without-poll") })
}

// readPolicy is a policy without the statement that has a Sid.
func readPolicy(t *testing.T, path, without string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var policy struct {
		Version   string
		Statement []map[string]any
	}
	if err := json.Unmarshal(text, &policy); err != nil {
		t.Fatal(err)
	}
	policy.Statement = slices.DeleteFunc(policy.Statement, func(s map[string]any) bool { return s["Sid"] == without })
	if text, err = json.Marshal(policy); err != nil {
		t.Fatal(err)
	}
	return string(text)
}
