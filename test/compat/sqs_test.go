package compat

import (
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// TestBoto3SpeaksSQS runs testdata/sqs_check.py, which asserts for itself.
func TestBoto3SpeaksSQS(t *testing.T) {
	t.Parallel()
	python := findTool(t, "python3 with boto3", func(path string) bool { return exec.Command(path, "-c", "import boto3").Run() == nil },
		"/root/.pyenv/versions/*/bin/python3", "/usr/bin/python3", "/usr/local/bin/python3")
	h := up(t)
	script, err := filepath.Abs("testdata/sqs_check.py")
	if err != nil {
		t.Fatal(err)
	}
	out, code := command(t, t.TempDir(), environ(h), python, script)
	if code != 0 || !strings.Contains(out, "all checks passed") {
		t.Errorf("exit code %d", code)
	}
}

// TestTheAWSCommandLineSpeaksSQS takes dead letters back with the CLI, as AWS's guide
// shows it. Version 1 of the CLI replaces an endpoint from the environment by AWS's
// own for SQS alone, so it is told twice.
func TestTheAWSCommandLineSpeaksSQS(t *testing.T) {
	t.Parallel()
	cli := findTool(t, "aws", func(path string) bool { return exec.Command(path, "--version").Run() == nil }, "/root/.pyenv/versions/*/bin/aws")
	h := up(t)
	run := func(args ...string) string {
		t.Helper()
		out, code := command(t, t.TempDir(), environ(h, "AWS_PAGER="), cli, append(append([]string{"--endpoint-url", h.Endpoint, "sqs"}, args...), "--output", "text")...)
		if code != 0 {
			t.FailNow()
		}
		return strings.TrimSpace(out)
	}
	dead := run("create-queue", "--queue-name", "dead", "--query", "QueueUrl")
	arn := run("get-queue-attributes", "--queue-url", dead, "--attribute-names", "QueueArn", "--query", "Attributes.QueueArn")
	url := run("create-queue", "--queue-name", "q", "--query", "QueueUrl", "--attributes",
		`{"VisibilityTimeout":"0","RedrivePolicy":"{\"deadLetterTargetArn\":\"`+arn+`\",\"maxReceiveCount\":\"1\"}"}`)
	if got := run("list-dead-letter-source-queues", "--queue-url", dead, "--query", "queueUrls"); got != url {
		t.Errorf("got %q", got)
	}
	run("send-message", "--queue-url", url, "--message-body", "m", "--message-system-attributes",
		`{"AWSTraceHeader":{"DataType":"String","StringValue":"Root=1-2-3"}}`)
	run("receive-message", "--queue-url", url)
	run("receive-message", "--queue-url", url)
	if got := run("receive-message", "--queue-url", dead, "--visibility-timeout", "0", "--wait-time-seconds", "2", "--attribute-names", "All",
		"--query", "Messages[0].Attributes.[AWSTraceHeader,DeadLetterQueueSourceArn]"); got != "Root=1-2-3\t"+strings.TrimSuffix(arn, "dead")+"q" {
		t.Errorf("got %q", got)
	}
	run("start-message-move-task", "--source-arn", arn)
	if got := run("receive-message", "--queue-url", url, "--wait-time-seconds", "5", "--query", "Messages[0].Body"); got != "m" {
		t.Errorf("got %q", got)
	}
	if got := run("list-message-move-tasks", "--source-arn", arn, "--query", "Results[0].[Status,ApproximateNumberOfMessagesMoved]"); !strings.HasSuffix(got, "\t1") {
		t.Errorf("got %q", got)
	}
	run("delete-queue", "--queue-url", url)
	run("create-queue", "--queue-name", "q")
}

// TestAQueuesPolicyLetsInWhoHasNoPolicyOfHisOwn holds queue policies through the
// whole of the edge and identity.
func TestAQueuesPolicyLetsInWhoHasNoPolicyOfHisOwn(t *testing.T) {
	h := up(t)
	ctx, owner, people := t.Context(), sqs.NewFromConfig(h.AWS()), iam.NewFromConfig(h.AWS())
	if _, err := people.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("u")}); err != nil {
		t.Fatal(err)
	}
	key, err := people.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("u")})
	if err != nil {
		t.Fatal(err)
	}
	cfg := h.AWS()
	cfg.Credentials = credentials.NewStaticCredentialsProvider(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
	user := sqs.NewFromConfig(cfg)
	q, err := owner.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q"), Tags: map[string]string{"open": "no"}})
	if err != nil {
		t.Fatal(err)
	}
	send := func() error {
		_, err := user.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: q.QueueUrl, Entries: []types.SendMessageBatchRequestEntry{{Id: aws.String("a"), MessageBody: aws.String("m")}}})
		return err
	}
	denied := func(err error) bool {
		var api smithy.APIError
		return errors.As(err, &api) && api.ErrorCode() == "AccessDenied" && strings.Contains(api.ErrorMessage(), "sqs:SendMessage")
	}
	if err := send(); !denied(err) {
		t.Errorf("without a policy: %v", err)
	}
	policy, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Effect": "Allow", "Principal": map[string]any{"AWS": "arn:aws:iam::000000000000:user/u"}, "Action": "SQS:SendMessage", "Resource": "arn:aws:sqs:us-east-1:000000000000:q",
		"Condition": map[string]any{"StringEquals": map[string]any{"aws:ResourceTag/open": "yes"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := owner.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: q.QueueUrl, Attributes: map[string]string{"Policy": string(policy)}}); err != nil {
		t.Fatal(err)
	}
	if err := send(); !denied(err) {
		t.Errorf("with another tag: %v", err)
	}
	if _, err := owner.TagQueue(ctx, &sqs.TagQueueInput{QueueUrl: q.QueueUrl, Tags: map[string]string{"open": "yes"}}); err != nil {
		t.Fatal(err)
	}
	if err := send(); err != nil {
		t.Errorf("with the policy: %v", err)
	}
	if _, err := user.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: q.QueueUrl}); err == nil {
		t.Error("the policy allows sending only")
	}
	if _, err := owner.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: q.QueueUrl, Attributes: map[string]string{"Policy": ""}}); err != nil {
		t.Fatal(err)
	}
	if err := send(); !denied(err) {
		t.Errorf("after the policy was taken away: %v", err)
	}
}

// TestTerraformManagesQueues goes through a configuration with every resource of SQS.
func TestTerraformManagesQueues(t *testing.T) {
	h, _, tf := workspaceOf(t, "testdata/terraform_sqs/main.tf")
	tf(0, "init", "-input=false", "-no-color")
	tf(0, "apply", "-auto-approve", "-input=false", "-no-color")
	tf(planEmpty, "plan", "-detailed-exitcode", "-input=false", "-no-color")
	if got, want := tf(0, "output", "-raw", "url"), h.Endpoint+"/000000000000/work"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	tf(planChanges, "plan", "-detailed-exitcode", "-input=false", "-no-color", "-var=seconds=50")
	tf(0, "apply", "-auto-approve", "-input=false", "-no-color", "-var=seconds=50")
	tf(planEmpty, "plan", "-detailed-exitcode", "-input=false", "-no-color", "-var=seconds=50")
	c := sqs.NewFromConfig(h.AWS())
	got, err := c.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(h.Endpoint + "/000000000000/work"), AttributeNames: []types.QueueAttributeName{"VisibilityTimeout"},
	})
	if err != nil || got.Attributes["VisibilityTimeout"] != "50" {
		t.Errorf("got %v, %v", got, err)
	}
	tf(0, "destroy", "-auto-approve", "-input=false", "-no-color", "-var=seconds=50")
	left, err := c.ListQueues(t.Context(), &sqs.ListQueuesInput{})
	if err != nil || len(left.QueueUrls) > 0 {
		t.Errorf("after destroy there are %v, %v", left, err)
	}
}

// TestALongPollDoesNotHoldUpTheEnd stops Hearth while a client waits for messages.
func TestALongPollDoesNotHoldUpTheEnd(t *testing.T) {
	h := up(t)
	c := sqs.NewFromConfig(h.AWS())
	q, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q")})
	if err != nil {
		t.Fatal(err)
	}
	polled := make(chan error, 1)
	go func() {
		_, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: q.QueueUrl, WaitTimeSeconds: 20})
		polled <- err
	}()
	time.Sleep(500 * time.Millisecond) // the poll has begun, or the test shows nothing
	began := time.Now()
	if err := h.Stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the end took %s", took)
	}
	if err := <-polled; err != nil {
		t.Errorf("the poll: %v", err)
	}
}
