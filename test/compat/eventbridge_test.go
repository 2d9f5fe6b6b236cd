package compat

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	eb "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

const eventsPrefix = "arn:aws:events:us-east-1:000000000000:"

// rules is a Hearth with buses, and the queues that rules fill.
type rules struct {
	*eb.Client
	t   *testing.T
	api *api
	sqs *sqs.Client
}

func serveEvents(t *testing.T) *rules {
	a := serve(t)
	return &rules{eb.NewFromConfig(a.config(apiRegion)), t, a, sqs.NewFromConfig(a.config(apiRegion))}
}

// letsEvents is a policy that lets rules send to a queue or topic.
func letsEvents(action, arn string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["events.amazonaws.com","sns.amazonaws.com"]},`+
		`"Action":%q,"Resource":%q}]}`, action, arn)
}

// queue makes a queue; one that is open takes messages from rules.
func (e *rules) queue(name string, open bool) (arn string) {
	e.t.Helper()
	arn = "arn:aws:sqs:us-east-1:000000000000:" + name
	attributes := map[string]string{}
	if open {
		attributes["Policy"] = letsEvents("sqs:SendMessage", arn)
	}
	if strings.HasSuffix(name, ".fifo") {
		attributes["FifoQueue"], attributes["ContentBasedDeduplication"] = "true", "true"
	}
	if _, err := e.sqs.CreateQueue(e.t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes}); err != nil {
		e.t.Fatal(err)
	}
	return arn
}

// take waits for a queue's next message.
func (e *rules) take(name string) sqstypes.Message {
	e.t.Helper()
	url := e.api.endpoint + "/000000000000/" + name
	out, err := e.sqs.ReceiveMessage(e.t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, WaitTimeSeconds: 20, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"All"},
	})
	if err != nil || len(out.Messages) != 1 {
		e.t.Fatalf("nothing came to %s: %+v, %v", name, out, err)
	}
	if _, err := e.sqs.DeleteMessage(e.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: out.Messages[0].ReceiptHandle}); err != nil {
		e.t.Fatal(err)
	}
	return out.Messages[0]
}

func (e *rules) rule(bus, name, pattern string, targets ...ebtypes.Target) {
	e.t.Helper()
	if _, err := e.PutRule(e.t.Context(), &eb.PutRuleInput{Name: &name, EventBusName: &bus, EventPattern: &pattern}); err != nil {
		e.t.Fatal(err)
	}
	if _, err := e.PutTargets(e.t.Context(), &eb.PutTargetsInput{Rule: &name, EventBusName: &bus, Targets: targets}); err != nil {
		e.t.Fatal(err)
	}
}

func (e *rules) put(bus, source, detail string) string {
	e.t.Helper()
	out, err := e.PutEvents(e.t.Context(), &eb.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{
		{EventBusName: &bus, Source: &source, DetailType: new("Order Placed"), Detail: &detail, Resources: []string{"arn:aws:x"}},
	}})
	if err != nil || out.FailedEntryCount != 0 {
		e.t.Fatalf("put an event: %+v, %v", out, err)
	}
	return *out.Entries[0].EventId
}

func TestARuleReachesQueuesTopicsLogsAndBuses(t *testing.T) {
	e := serveEvents(t)
	topics, groups, roles := sns.NewFromConfig(e.api.config(apiRegion)), cloudwatchlogs.NewFromConfig(e.api.config(apiRegion)), iam.NewFromConfig(e.api.config(apiRegion))
	topic, err := topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: new("t")})
	if err != nil {
		t.Fatal(err)
	}
	viaTopic := e.queue("via-topic", true)
	for _, do := range []func() error{
		func() error {
			_, err := topics.SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{TopicArn: topic.TopicArn, AttributeName: new("Policy"), AttributeValue: new(letsEvents("sns:Publish", *topic.TopicArn))})
			return err
		},
		func() error {
			_, err := topics.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: new("sqs"), Endpoint: &viaTopic, Attributes: map[string]string{"RawMessageDelivery": "true"}})
			return err
		},
		func() error {
			_, err := groups.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: new("/events")})
			return err
		},
		func() error {
			_, err := e.CreateEventBus(t.Context(), &eb.CreateEventBusInput{Name: new("archive")})
			return err
		},
		func() error {
			_, err := roles.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: new("forward"), AssumeRolePolicyDocument: new(strings.Replace(trust, "lambda.", "events.", 1))})
			return err
		},
		func() error {
			_, err := roles.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: new("forward"), PolicyName: new("p"), PolicyDocument: new(
				`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"events:PutEvents","Resource":"` + eventsPrefix + `event-bus/archive"}]}`)})
			return err
		},
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	pattern := `{"source":["shop"],"detail":{"total":[{"numeric":[">",100]}]}}`
	e.rule("default", "to-all", pattern,
		ebtypes.Target{Id: new("queue"), Arn: new(e.queue("plain", true))},
		ebtypes.Target{Id: new("fifo"), Arn: new(e.queue("ordered.fifo", true)), SqsParameters: &ebtypes.SqsParameters{MessageGroupId: new("g")}, InputPath: new("$.detail")},
		ebtypes.Target{Id: new("topic"), Arn: topic.TopicArn, InputTransformer: &ebtypes.InputTransformer{
			InputPathsMap: map[string]string{"total": "$.detail.total"}, InputTemplate: new(`"the total is <total>"`),
		}},
		ebtypes.Target{Id: new("logs"), Arn: new("arn:aws:logs:us-east-1:000000000000:log-group:/events")},
		ebtypes.Target{Id: new("bus"), Arn: new(eventsPrefix + "event-bus/archive"), RoleArn: new("arn:aws:iam::000000000000:role/forward")},
	)
	e.rule("archive", "arrived", `{"account":["000000000000"]}`, ebtypes.Target{Id: new("q"), Arn: new(e.queue("forwarded", true))})
	e.put("default", "shop", `{"total":100}`)
	id := e.put("default", "shop", `{"total":250.50}`)

	for _, name := range []string{"plain", "forwarded"} {
		var got map[string]any
		if err := json.Unmarshal([]byte(*e.take(name).Body), &got); err != nil || got["id"] != id || got["detail-type"] != "Order Placed" || got["account"] != "000000000000" {
			t.Errorf("%s got %v, %v", name, got, err)
		}
	}
	if m := e.take("ordered.fifo"); *m.Body != `{"total":250.50}` || m.Attributes["MessageGroupId"] != "g" {
		t.Errorf("got %s of %v", *m.Body, m.Attributes)
	}
	if m := e.take("via-topic"); *m.Body != `"the total is 250.50"` {
		t.Errorf("got %s", *m.Body)
	}
	for range 200 {
		out, err := groups.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: new("/events")})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Events) == 1 && strings.Contains(*out.Events[0].Message, id) {
			return
		}
	}
	t.Error("the log group has nothing")
}

// Who lets nobody in gets nothing, and whoever set the rule up hears of it in the
// dead-letter queue.
func TestARuleIsHeldToThePoliciesOfItsTargets(t *testing.T) {
	e := serveEvents(t)
	dead := &ebtypes.DeadLetterConfig{Arn: new(e.queue("dead", true))}
	e.rule("default", "r", `{"source":["shop"]}`,
		ebtypes.Target{Id: new("closed"), Arn: new(e.queue("closed", false)), DeadLetterConfig: dead},
	)
	id := e.put("default", "shop", `{}`)
	m := e.take("dead")
	want := map[string]string{
		"RULE_ARN": eventsPrefix + "rule/r", "TARGET_ARN": "arn:aws:sqs:us-east-1:000000000000:closed", "ERROR_CODE": "NO_PERMISSIONS", "RETRY_ATTEMPTS": "0",
	}
	for name, value := range want {
		if got := m.MessageAttributes[name].StringValue; got == nil || *got != value {
			t.Errorf("%s is %v, want %s", name, got, value)
		}
	}
	if !strings.Contains(*m.Body, id) {
		t.Errorf("got %s", *m.Body)
	}
}

func TestABusesPolicyLetsInWhoHasNoPermissionOfTheirOwn(t *testing.T) {
	e := serveEvents(t)
	users := iam.NewFromConfig(e.api.config(apiRegion))
	if _, err := users.CreateUser(t.Context(), &iam.CreateUserInput{UserName: new("u")}); err != nil {
		t.Fatal(err)
	}
	key, err := users.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: new("u")})
	if err != nil {
		t.Fatal(err)
	}
	cfg := e.api.config(apiRegion)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
	put := func(bus string, sources ...string) string {
		in := &eb.PutEventsInput{}
		for _, source := range sources {
			in.Entries = append(in.Entries, ebtypes.PutEventsRequestEntry{EventBusName: &bus, Source: &source, DetailType: new("T"), Detail: new("{}")})
		}
		_, err := eb.NewFromConfig(cfg).PutEvents(t.Context(), in)
		if refused, ok := errors.AsType[smithy.APIError](err); ok {
			return refused.ErrorCode()
		}
		return fmt.Sprint(err)
	}
	if _, err := e.CreateEventBus(t.Context(), &eb.CreateEventBusInput{Name: new("orders")}); err != nil {
		t.Fatal(err)
	}
	for _, bus := range []string{"default", "orders"} {
		if got := put(bus, "shop"); got != "AccessDeniedException" {
			t.Errorf("without permission: %s", got)
		}
	}
	_, err = e.PutPermission(t.Context(), &eb.PutPermissionInput{EventBusName: new("orders"), Policy: new(
		`{"Version":"2012-10-17","Statement":[{"Sid":"u","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:user/u"},"Action":"events:PutEvents","Resource":"` + eventsPrefix + `event-bus/orders"}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	if got := put("orders", "shop"); got != "<nil>" {
		t.Errorf("with the bus's permission: %s", got)
	}
	if got := put("default", "shop"); got != "AccessDeniedException" {
		t.Errorf("on another bus: %s", got)
	}
	_, err = users.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: new("u"), PolicyName: new("p"), PolicyDocument: new(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"events:PutEvents","Resource":"*","Condition":{"StringEquals":{"events:source":"shop"}}}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	if got := put("default", "shop", "shop"); got != "<nil>" {
		t.Errorf("from a source that is allowed: %s", got)
	}
	for _, sources := range [][]string{{"bank"}, {"shop", "bank"}} {
		if got := put("default", sources...); got != "AccessDeniedException" {
			t.Errorf("from %v: %s", sources, got)
		}
	}
	_, err = e.PutPermission(t.Context(), &eb.PutPermissionInput{EventBusName: new("orders"), Policy: new(`{"Statement":[{"Effect":"Maybe"}]}`)})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "ValidationException" {
		t.Errorf("a policy that is none: %v", err)
	}
}

func TestBucketsTellTheBus(t *testing.T) {
	e := serveEvents(t)
	objects := s3.NewFromConfig(e.api.config(apiRegion), func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: new("pictures")}); err != nil {
		t.Fatal(err)
	}
	_, err := objects.PutBucketNotificationConfiguration(t.Context(), &s3.PutBucketNotificationConfigurationInput{
		Bucket: new("pictures"), NotificationConfiguration: &s3types.NotificationConfiguration{EventBridgeConfiguration: &s3types.EventBridgeConfiguration{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	e.rule("default", "uploads", `{"source":["aws.s3"],"detail-type":["Object Created"],"detail":{"bucket":{"name":["pictures"]},"object":{"key":[{"prefix":"in/"}]}}}`,
		ebtypes.Target{Id: new("q"), Arn: new(e.queue("uploads", true)), InputPath: new("$.detail.object.key")})
	for _, key := range []string{"out/1", "in/2"} {
		if _, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: new("pictures"), Key: &key, Body: strings.NewReader("x")}); err != nil {
			t.Fatal(err)
		}
	}
	if m := e.take("uploads"); *m.Body != `"in/2"` {
		t.Errorf("got %s", *m.Body)
	}
}

// TestTerraformManagesEventBuses applies, finds nothing left to change, changes, and
// destroys.
func TestTerraformManagesEventBuses(t *testing.T) {
	h, _, tf := workspaceOf(t, "testdata/terraform_events/main.tf")
	tf(0, "init", "-input=false", "-no-color")
	for _, team := range []string{"blue", "red"} {
		tf(0, "apply", "-auto-approve", "-input=false", "-no-color", "-var=team="+team)
		tf(planEmpty, "plan", "-detailed-exitcode", "-input=false", "-no-color", "-var=team="+team)
	}
	tf(0, "destroy", "-auto-approve", "-input=false", "-no-color", "-var=team=red")
	c := eb.NewFromConfig(h.AWS())
	buses, err := c.ListEventBuses(t.Context(), &eb.ListEventBusesInput{})
	if err != nil || len(buses.EventBuses) != 1 {
		t.Errorf("after destroy there are %+v, %v", buses, err)
	}
	rules, err := c.ListRules(t.Context(), &eb.ListRulesInput{})
	if err != nil || len(rules.Rules) != 0 {
		t.Errorf("after destroy there are %+v, %v", rules, err)
	}
	archives, err := c.ListArchives(t.Context(), &eb.ListArchivesInput{})
	if err != nil || len(archives.Archives) != 0 {
		t.Errorf("after destroy there are %+v, %v", archives, err)
	}
}

// TestTheCommandLineUsesEventBuses goes from a rule to a message in a queue with the
// aws CLI alone.
func TestTheCommandLineUsesEventBuses(t *testing.T) {
	t.Parallel()
	aws := findTool(t, "aws", func(path string) bool { return exec.Command(path, "--version").Run() == nil }, "/root/.pyenv/versions/*/bin/aws")
	h := up(t)
	dir := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		out, code := command(t, dir, environ(h, "AWS_PAGER="), aws, append(args, "--endpoint-url", h.Endpoint, "--output", "text")...)
		if code != 0 {
			t.FailNow()
		}
		return strings.TrimSpace(out)
	}
	const queueARN = "arn:aws:sqs:us-east-1:000000000000:cli"
	url := run("sqs", "create-queue", "--queue-name", "cli", "--query", "QueueUrl")
	attributes, err := json.Marshal(map[string]string{"Policy": letsEvents("sqs:SendMessage", queueARN)})
	if err != nil {
		t.Fatal(err)
	}
	run("sqs", "set-queue-attributes", "--queue-url", url, "--attributes", string(attributes))
	run("events", "create-event-bus", "--name", "orders")
	if got := run("events", "put-rule", "--name", "r", "--event-bus-name", "orders", "--event-pattern", `{"source":["shop"]}`, "--query", "RuleArn"); got != eventsPrefix+"rule/orders/r" {
		t.Errorf("got %s", got)
	}
	if got := run("events", "put-targets", "--rule", "r", "--event-bus-name", "orders", "--targets", "Id=q,Arn="+queueARN+",InputPath=$.detail", "--query", "FailedEntryCount"); got != "0" {
		t.Errorf("got %s", got)
	}
	entry := `[{"EventBusName":"orders","Source":"shop","DetailType":"T","Detail":"{\"n\":1}"}]`
	if got := run("events", "put-events", "--entries", entry, "--query", "FailedEntryCount"); got != "0" {
		t.Errorf("got %s", got)
	}
	if got := run("sqs", "receive-message", "--queue-url", url, "--wait-time-seconds", "20", "--query", "Messages[].Body"); got != `{"n":1}` {
		t.Errorf("got %q", got)
	}
	if got := run("events", "list-targets-by-rule", "--rule", "r", "--event-bus-name", "orders", "--query", "Targets[].[Id,Arn]"); got != "q\t"+queueARN {
		t.Errorf("got %q", got)
	}
	event := `{"id":"1","account":"1","source":"shop","time":"2020-01-01T00:00:00Z","region":"r","resources":[],"detail-type":"T","detail":{}}`
	if got := run("events", "test-event-pattern", "--event-pattern", `{"source":[{"suffix":"op"}]}`, "--event", event, "--query", "Result"); got != "True" {
		t.Errorf("got %q", got)
	}
	out, code := command(t, dir, environ(h), aws, "--endpoint-url", h.Endpoint, "events", "put-rule", "--name", "bad", "--event-pattern", `{"source":"shop"}`)
	if code == 0 {
		t.Errorf("a bad pattern is taken: %s", out)
	}
	run("events", "remove-targets", "--rule", "r", "--event-bus-name", "orders", "--ids", "q")
	run("events", "delete-rule", "--name", "r", "--event-bus-name", "orders")
	run("events", "delete-event-bus", "--name", "orders")
	if got := run("events", "list-event-buses", "--query", "EventBuses[].Name"); got != "default" {
		t.Errorf("got %q", got)
	}
}

// TestBoto3UsesEventBuses runs testdata/eventbridge_check.py, which asserts for itself.
func TestBoto3UsesEventBuses(t *testing.T) {
	t.Parallel()
	python := findTool(t, "python3 with boto3", func(path string) bool { return exec.Command(path, "-c", "import boto3").Run() == nil },
		"/root/.pyenv/versions/*/bin/python3", "/usr/bin/python3", "/usr/local/bin/python3")
	h := up(t)
	script, err := filepath.Abs("testdata/eventbridge_check.py")
	if err != nil {
		t.Fatal(err)
	}
	out, code := command(t, t.TempDir(), environ(h), python, script)
	if code != 0 || !strings.Contains(out, "all checks passed") {
		t.Errorf("exit code %d", code)
	}
}
