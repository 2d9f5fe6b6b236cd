package sqs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

type (
	attributeName = types.QueueAttributeName
	systemName    = types.MessageSystemAttributeName
	message       = types.Message
	attribute1    = types.MessageAttributeValue
	taskEntry     = types.ListMessageMoveTasksResultEntry
)

func TestAQueueHasAWSsDefaultsAndWhatItIsSetTo(t *testing.T) {
	f := newFixture(t)
	url := f.make("q", "DelaySeconds", "007", "VisibilityTimeout", "5")
	if want := f.server.URL + "/" + account + "/q"; *url != want {
		t.Errorf("got %s, want %s", *url, want)
	}
	want := map[string]string{
		"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesDelayed": "0", "ApproximateNumberOfMessagesNotVisible": "0",
		"CreatedTimestamp": fmt.Sprint(noon.Unix()), "LastModifiedTimestamp": fmt.Sprint(noon.Unix()),
		"QueueArn": "arn:aws:sqs:" + region + ":" + account + ":q", "DelaySeconds": "7", "VisibilityTimeout": "5",
		"MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true",
	}
	if got := f.attributes(url); !maps.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	f.pass(time.Hour)
	err := f.set(url, "DelaySeconds", "0", "MaximumMessageSize", "1024", "MessageRetentionPeriod", "60", "ReceiveMessageWaitTimeSeconds", "20",
		"KmsMasterKeyId", "alias/aws/sqs")
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(want, map[string]string{
		"DelaySeconds": "0", "MaximumMessageSize": "1024", "MessageRetentionPeriod": "60", "ReceiveMessageWaitTimeSeconds": "20",
		"LastModifiedTimestamp": fmt.Sprint(noon.Unix() + 3600),
		"KmsMasterKeyId":        "alias/aws/sqs", "KmsDataKeyReusePeriodSeconds": "300", "SqsManagedSseEnabled": "false",
	})
	f.reopen()
	if got := f.attributes(url); !maps.Equal(got, want) {
		t.Errorf("after a restart: got %v\nwant %v", got, want)
	}
	if err := f.set(url, "KmsMasterKeyId", "", "SqsManagedSseEnabled", "true"); err != nil {
		t.Fatal(err)
	}
	if got := f.attributes(url); got["KmsMasterKeyId"] != "" || got["SqsManagedSseEnabled"] != "true" {
		t.Errorf("got %v", got)
	}
	some, err := f.GetQueueAttributes(f.ctx(), &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []attributeName{"DelaySeconds", "Policy"}})
	if err != nil || !maps.Equal(some.Attributes, map[string]string{"DelaySeconds": "0"}) {
		t.Errorf("got %v, %v", some, err)
	}
	none, err := f.GetQueueAttributes(f.ctx(), &sqs.GetQueueAttributesInput{QueueUrl: url})
	if err != nil || len(none.Attributes) != 0 {
		t.Errorf("got %v, %v", none, err)
	}
}

func TestAFIFOQueueHasItsOwnAttributes(t *testing.T) {
	f := newFixture(t)
	url := f.make("q.fifo", "DeduplicationScope", "messageGroup", "FifoThroughputLimit", "perMessageGroupId")
	got := f.attributes(url)
	for name, want := range map[string]string{
		"FifoQueue": "true", "ContentBasedDeduplication": "false", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId",
	} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
	if err := f.set(url, "FifoQueue", "true", "ContentBasedDeduplication", "true"); err != nil {
		t.Error(err)
	}
	wantError(t, f.set(url, "FifoQueue", "false"), "InvalidAttributeValue", 400, "Modifying queue type is not supported")
	wantError(t, f.set(url, "DeduplicationScope", "queue"), "InvalidAttributeValue", 400, "FifoThroughputLimit")
}

func TestAttributesOfQueuesHaveBounds(t *testing.T) {
	f := newFixture(t)
	url := f.make("q")
	for name, bounds := range map[string][2]int{
		"DelaySeconds": {0, 900}, "MaximumMessageSize": {1024, 1048576}, "MessageRetentionPeriod": {60, 1209600},
		"ReceiveMessageWaitTimeSeconds": {0, 20}, "VisibilityTimeout": {0, 43200}, "KmsDataKeyReusePeriodSeconds": {60, 86400},
	} {
		for _, n := range bounds {
			if err := f.set(url, name, fmt.Sprint(n)); err != nil {
				t.Errorf("%s %d: %v", name, n, err)
			}
		}
		for _, s := range []string{fmt.Sprint(bounds[0] - 1), fmt.Sprint(bounds[1] + 1), "x", "1.5"} {
			wantError(t, f.set(url, name, s), "InvalidAttributeValue", 400, "Invalid value for the parameter "+name+".")
		}
	}
	for _, c := range []struct{ name, value, code string }{
		{"Unknown", "1", "InvalidAttributeName"},
		{"QueueArn", "1", "InvalidAttributeName"},
		{"ContentBasedDeduplication", "true", "InvalidAttributeName"},
		{"SqsManagedSseEnabled", "yes", "InvalidAttributeValue"},
		{"DelaySeconds", "", "InvalidAttributeValue"},
		{"Policy", "{}", "InvalidAttributeValue"},
		{"Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["SQS:*","sns:Publish"],"Resource":"*"}]}`, "InvalidAttributeValue"},
		{"Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}`, "InvalidAttributeValue"},
		{"Policy", "no JSON", "InvalidAttributeValue"},
		{"Policy", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*","Sid":"` + strings.Repeat("x", policyMax) + `"}}`, "InvalidAttributeValue"},
	} {
		wantError(t, f.set(url, c.name, c.value), c.code, 400, c.name)
	}
	wantError(t, f.set(url, "KmsMasterKeyId", "k", "SqsManagedSseEnabled", "true"), "InvalidAttributeValue", 400, "one type of server-side encryption")
	eight := `"sqs:A","sqs:B","sqs:C","sqs:D","sqs:E","sqs:F","sqs:G","sqs:H"`
	wantError(t, f.set(url, "Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":[`+eight+`],"Resource":"*"}]}`),
		"OverLimit", 403, "8 Actions were found, maximum allowed is 7.")
	if err := f.set(url, "Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","NotAction":"Sqs:SendMessage","Resource":"*"}]}`); err != nil {
		t.Error(err)
	}
	wantError(t, f.set(url), "MissingParameter", 400, "The request must contain the parameter Attribute.Name.")
	_, err := f.GetQueueAttributes(f.ctx(), &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []attributeName{"Nothing"}})
	wantError(t, err, "InvalidAttributeName", 400, "Unknown Attribute Nothing.")
}

func TestNamesOfQueues(t *testing.T) {
	f := newFixture(t)
	fifo := map[string]string{"FifoQueue": "true"}
	for _, c := range []struct {
		name       string
		attributes map[string]string
		code       string
	}{
		{strings.Repeat("n", 80), nil, ""},
		{"a_B-9", nil, ""},
		{strings.Repeat("n", 75) + ".fifo", fifo, ""},
		{strings.Repeat("n", 81), nil, "InvalidParameterValue"},
		{strings.Repeat("n", 76) + ".fifo", fifo, "InvalidParameterValue"},
		{"a.b", nil, "InvalidParameterValue"},
		{"a b", nil, "InvalidParameterValue"},
		{"", nil, "InvalidParameterValue"},
		{".fifo", fifo, "InvalidParameterValue"},
		{"q.fifo", nil, "InvalidParameterValue"},
		{"q", fifo, "InvalidParameterValue"},
		{"q", map[string]string{"FifoQueue": "false"}, "InvalidAttributeName"},
	} {
		_, err := f.CreateQueue(f.ctx(), &sqs.CreateQueueInput{QueueName: &c.name, Attributes: c.attributes})
		if c.code == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		wantError(t, err, c.code, 400, "")
	}
}

func TestCreatingAQueueAgainFindsItUnlessItIsToBeAnother(t *testing.T) {
	f := newFixture(t)
	url := f.make("q", "DelaySeconds", "7")
	f.send(url, "kept")
	for _, a := range [][]string{nil, {"DelaySeconds", "7"}, {"DelaySeconds", "07", "VisibilityTimeout", "30"}} {
		if again := f.make("q", a...); *again != *url {
			t.Errorf("got %s", *again)
		}
	}
	_, err := f.CreateQueue(f.ctx(), &sqs.CreateQueueInput{QueueName: aws.String("q"), Attributes: map[string]string{"VisibilityTimeout": "31"}})
	wantError(t, err, "QueueAlreadyExists", 400, "a different value for attribute VisibilityTimeout")

	if _, err := f.DeleteQueue(f.ctx(), &sqs.DeleteQueueInput{QueueUrl: url}); err != nil {
		t.Fatal(err)
	}
	_, err = f.GetQueueUrl(f.ctx(), &sqs.GetQueueUrlInput{QueueName: aws.String("q")})
	wantError(t, err, "AWS.SimpleQueueService.NonExistentQueue", 400, "The specified queue does not exist.")
	f.make("q")
	f.pass(time.Minute)
	if m := f.receive(url); len(m) != 0 {
		t.Errorf("the new queue has %q", bodies(m))
	}
}

func TestQueuesAreListedByNamePageByPage(t *testing.T) {
	f := newFixture(t)
	var want []string
	for _, n := range []string{"a1", "a2", "a3", "b1"} {
		want = append(want, *f.make(n))
	}
	if _, err := f.as(other).CreateQueue(f.ctx(), &sqs.CreateQueueInput{QueueName: aws.String("theirs")}); err != nil {
		t.Fatal(err)
	}
	all, err := f.ListQueues(f.ctx(), &sqs.ListQueuesInput{})
	if err != nil || !slices.Equal(all.QueueUrls, want) || all.NextToken != nil {
		t.Errorf("got %+v, %v", all, err)
	}
	var got []string
	pages := sqs.NewListQueuesPaginator(f.Client, &sqs.ListQueuesInput{QueueNamePrefix: aws.String("a"), MaxResults: aws.Int32(2)})
	for n := 0; pages.HasMorePages(); n++ {
		page, err := pages.NextPage(f.ctx())
		if err != nil || n > 1 {
			t.Fatal(n, err)
		}
		got = append(got, page.QueueUrls...)
	}
	if !slices.Equal(got, want[:3]) {
		t.Errorf("got %v", got)
	}
	for _, n := range []int32{0, 1001} {
		_, err := f.ListQueues(f.ctx(), &sqs.ListQueuesInput{MaxResults: &n})
		wantError(t, err, "InvalidParameterValue", 400, "MaxResults")
	}
	_, err = f.ListQueues(f.ctx(), &sqs.ListQueuesInput{MaxResults: aws.Int32(1), NextToken: aws.String("*")})
	wantError(t, err, "InvalidParameterValue", 400, "NextToken")
	_, err = f.ListQueues(f.ctx(), &sqs.ListQueuesInput{NextToken: aws.String("YQ")})
	wantError(t, err, "InvalidParameterValue", 400, "MaxResults must be set")
}

func TestTagsOfQueues(t *testing.T) {
	f := newFixture(t)
	out, err := f.CreateQueue(f.ctx(), &sqs.CreateQueueInput{QueueName: aws.String("q"), Tags: map[string]string{"a": "1", "b": ""}})
	if err != nil {
		t.Fatal(err)
	}
	url := out.QueueUrl
	if _, err := f.TagQueue(f.ctx(), &sqs.TagQueueInput{QueueUrl: url, Tags: map[string]string{"a": "2", "c": "3"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.UntagQueue(f.ctx(), &sqs.UntagQueueInput{QueueUrl: url, TagKeys: []string{"b", "none"}}); err != nil {
		t.Fatal(err)
	}
	f.deny("sqs:TagQueue " + arn("q2"))
	_, err = f.CreateQueue(f.ctx(), &sqs.CreateQueueInput{QueueName: aws.String("q2"), Tags: map[string]string{"a": "1"}})
	wantError(t, err, "AccessDenied", 403, "sqs:TagQueue")
	f.reopen()
	want := map[string]string{"a": "2", "c": "3"}
	tags, err := f.ListQueueTags(f.ctx(), &sqs.ListQueueTagsInput{QueueUrl: url})
	if err != nil || !maps.Equal(tags.Tags, want) {
		t.Errorf("got %v, %v", tags, err)
	}
	if got := f.TagsAt("arn:aws:sqs:" + region + ":" + account + ":q"); !maps.Equal(got, want) {
		t.Errorf("identity sees %v", got)
	}
	many := map[string]string{}
	for i := range tagsMax + 1 {
		many[fmt.Sprint("k", i)] = ""
	}
	for _, bad := range []map[string]string{
		{"aws:x": ""}, {strings.Repeat("k", 129): ""}, {"k": strings.Repeat("v", 257)}, many,
	} {
		_, err := f.TagQueue(f.ctx(), &sqs.TagQueueInput{QueueUrl: url, Tags: bad})
		wantError(t, err, "InvalidParameterValue", 400, "")
	}
	delete(many, "k0") // as many as may be, but there are two already
	_, err = f.TagQueue(f.ctx(), &sqs.TagQueueInput{QueueUrl: url, Tags: many})
	wantError(t, err, "InvalidParameterValue", 400, "Too many tags")
}

func TestAPurgeEmptiesAQueueOnceAMinute(t *testing.T) {
	f := newFixture(t)
	url := f.make("q")
	f.send(url, "a", "b")
	held := f.receive(url, func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = 1 })
	purge := func() error {
		_, err := f.PurgeQueue(f.ctx(), &sqs.PurgeQueueInput{QueueUrl: url})
		return err
	}
	if err := purge(); err != nil {
		t.Fatal(err)
	}
	if got := f.attributes(url); got["ApproximateNumberOfMessages"] != "0" || got["ApproximateNumberOfMessagesNotVisible"] != "0" {
		t.Errorf("got %v", got)
	}
	if _, err := f.DeleteMessage(f.ctx(), &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: held[0].ReceiptHandle}); err != nil {
		t.Errorf("deleting what was purged: %v", err)
	}
	f.pass(59 * time.Second)
	wantError(t, purge(), "AWS.SimpleQueueService.PurgeQueueInProgress", 403, "Only one PurgeQueue operation on q is allowed every 60 seconds.")
	f.pass(time.Second)
	if err := purge(); err != nil {
		t.Error(err)
	}
}

func TestOnlyTheOwnerManagesAQueue(t *testing.T) {
	f := newFixture(t)
	url := f.make("q")
	c := f.as(other)
	if _, err := c.SendMessage(f.ctx(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("from another account")}); err != nil {
		t.Errorf("identity allowed it: %v", err)
	}
	found, err := c.GetQueueUrl(f.ctx(), &sqs.GetQueueUrlInput{QueueName: aws.String("q"), QueueOwnerAWSAccountId: aws.String(account)})
	if err != nil || *found.QueueUrl != *url {
		t.Errorf("got %v, %v", found, err)
	}
	_, err = c.DeleteQueue(f.ctx(), &sqs.DeleteQueueInput{QueueUrl: url})
	wantError(t, err, "AccessDenied", 403, "")
	_, err = c.ListQueueTags(f.ctx(), &sqs.ListQueueTagsInput{QueueUrl: url})
	wantError(t, err, "AccessDenied", 403, "")
}

func TestQueueURLsOfAllForms(t *testing.T) {
	f := newFixture(t)
	f.make("q")
	for _, u := range []string{
		f.server.URL + "/" + account + "/q", "http://localhost:4566/" + account + "/q",
		"http://sqs." + region + ".localhost.localstack.cloud:4566/" + account + "/q",
		"https://sqs." + region + ".amazonaws.com/" + account + "/q/", "http://localhost:4566/queue/" + region + "/" + account + "/q",
		"/" + account + "/q", account + "/q", "q",
	} {
		if _, err := f.SendMessage(f.ctx(), &sqs.SendMessageInput{QueueUrl: &u, MessageBody: aws.String("m")}); err != nil {
			t.Errorf("%s: %v", u, err)
		}
	}
	for u, code := range map[string]string{
		"http://localhost:4566/q": "InvalidAddress", "http://localhost": "InvalidAddress", "http://localhost/12/q": "InvalidAddress",
		account + "/none": "AWS.SimpleQueueService.NonExistentQueue", other + "/q": "AWS.SimpleQueueService.NonExistentQueue",
	} {
		status := 400
		if code == "InvalidAddress" {
			status = 404
		}
		_, err := f.SendMessage(f.ctx(), &sqs.SendMessageInput{QueueUrl: &u, MessageBody: aws.String("m")})
		wantError(t, err, code, status, "")
	}
}
