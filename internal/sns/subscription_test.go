package sns

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
)

func TestAnEndpointIsCheckedAgainstItsProtocolAndTopic(t *testing.T) {
	f := open(t)
	standard := f.topicWith("t", nil)
	fifo := f.topicWith("t.fifo", map[string]string{"FifoTopic": "true"})
	for _, c := range []struct {
		topic              *string
		protocol, endpoint string
		text               string // empty when it is taken
	}{
		{standard, "sqs", queueARN, ""},
		{standard, "lambda", functionARN, ""},
		{standard, "lambda", functionARN + ":alias", ""},
		{standard, "http", "http://example.com/a", ""},
		{standard, "https", "https://u:p@example.com/a", ""},
		{fifo, "sqs", fifoARN, ""},
		{fifo, "sqs", queueARN, ""},
		{standard, "sqs", "q", "Invalid parameter: SQS endpoint ARN"},
		{standard, "sqs", functionARN, "Invalid parameter: SQS endpoint ARN"},
		{standard, "sqs", fifoARN, "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"},
		{standard, "lambda", queueARN, "Invalid parameter: Lambda endpoint ARN"},
		{standard, "http", "https://example.com", "Invalid parameter: Endpoint must match the specified protocol"},
		{standard, "https", "http://example.com", "Invalid parameter: Endpoint must match the specified protocol"},
		{standard, "http", "http://", "Invalid parameter: Endpoint Reason: the URL cannot be read"},
		{standard, "http", "http://e/" + strings.Repeat("x", endpointMax), "Invalid parameter: Endpoint"},
		{standard, "gopher", "x", "Invalid parameter: Amazon SNS does not support this protocol string: gopher"},
		{fifo, "lambda", functionARN, "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO topics deliver to SQS queues only"},
		{fifo, "http", "http://example.com", "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO topics deliver to SQS queues only"},
	} {
		out, err := f.client().Subscribe(t.Context(), &awssns.SubscribeInput{TopicArn: c.topic, Protocol: &c.protocol, Endpoint: &c.endpoint})
		switch {
		case c.text != "":
			refusedWith(t, err, "InvalidParameter", 400, c.text)
		case err != nil:
			t.Errorf("%s %s: %v", c.protocol, c.endpoint, err)
		case isHTTP(c.protocol) != (*out.SubscriptionArn == "pending confirmation"):
			t.Errorf("%s %s: got %s", c.protocol, c.endpoint, *out.SubscriptionArn)
		}
	}
	_, err := f.client().Subscribe(t.Context(), &awssns.SubscribeInput{TopicArn: str(topicPrefix + "none"), Protocol: str("sqs"), Endpoint: str(queueARN)})
	refusedWith(t, err, "NotFound", 404, "Topic does not exist")
}

func TestASubscriptionsAttributesAreChecked(t *testing.T) {
	f := open(t)
	arn := f.topicWith("t", nil)
	fifo := f.topicWith("t.fifo", map[string]string{"FifoTopic": "true"})
	for i, c := range []struct {
		topic       *string
		protocol    string
		name, value string
		text        string
	}{
		{arn, "sqs", "RawMessageDelivery", "true", ""},
		{arn, "sqs", "RawMessageDelivery", "yes", "Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid value [yes]. Must be true or false."},
		{arn, "lambda", "RawMessageDelivery", "true", "Invalid parameter: Attributes Reason: RawMessageDelivery: Delivery protocol [lambda] does not support raw message delivery."},
		{arn, "sqs", "FilterPolicy", `{"a":["b"]}`, ""},
		{arn, "sqs", "FilterPolicy", `{"a":`, "Invalid parameter: Attributes Reason: FilterPolicy: …"},
		{arn, "sqs", "FilterPolicy", `{"a":["b"],"b":["c"],"c":["c"],"d":["c"],"e":["c"],"f":["c"]}`, "Invalid parameter: Attributes Reason: FilterPolicy: Filter policy can not have more than 5 keys…"},
		{arn, "sqs", "FilterPolicyScope", "Body", "Invalid parameter: Attributes Reason: FilterPolicyScope: Invalid value [Body]. Please use either MessageBody or MessageAttributes"},
		{arn, "sqs", "RedrivePolicy", `{"deadLetterTargetArn":"` + queueARN + `"}`, ""},
		{arn, "sqs", "RedrivePolicy", `{"deadLetterTargetArn":"x"}`, "Invalid parameter: Attributes Reason: RedrivePolicy: deadLetterTargetArn is an invalid arn"},
		{arn, "sqs", "RedrivePolicy", `{`, "Invalid parameter: Attributes Reason: RedrivePolicy: failed to parse JSON."},
		{fifo, "sqs", "RedrivePolicy", `{"deadLetterTargetArn":"` + queueARN + `"}`, "Invalid parameter: Attributes Reason: RedrivePolicy: must use a FIFO queue as DLQ for a FIFO topic"},
		{arn, "sqs", "DeliveryPolicy", `{}`, "Invalid parameter: Attributes Reason: Delivery protocol [sqs] does not support specifying a delivery policy."},
		{arn, "http", "DeliveryPolicy", `{"healthyRetryPolicy":{"numRetries":5}}`, ""},
		{arn, "http", "DeliveryPolicy", `{"healthyRetryPolicy":{"numRetries":101}}`, "Invalid parameter: Attributes Reason: DeliveryPolicy: healthyRetryPolicy.numRetries must be between 0 and 100"},
		{arn, "http", "DeliveryPolicy", `{"healthyRetryPolicy":{"numRetries":2,"maxDelayTarget":3600}}`, "Invalid parameter: Attributes Reason: DeliveryPolicy: healthyRetryPolicy takes more than 3600 seconds"},
		{arn, "http", "DeliveryPolicy", `{"nonsense":1}`, "Invalid parameter: Attributes Reason: DeliveryPolicy: …"},
		{arn, "http", "DeliveryPolicy", `{"requestPolicy":{"headerContentType":"image/png"}}`, "Invalid parameter: Attributes Reason: DeliveryPolicy: requestPolicy.headerContentType is not a supported content type"},
		{arn, "http", "DeliveryPolicy", `{"throttlePolicy":{"maxReceivesPerSecond":0}}`, "Invalid parameter: Attributes Reason: DeliveryPolicy: throttlePolicy…"},
		{arn, "sqs", "Nonsense", "x", "Invalid parameter: Attributes Reason: AttributeName"},
	} {
		endpoint := map[string]string{
			"sqs": fmt.Sprint(queueARN, i), "lambda": fmt.Sprint(functionARN, i), "http": fmt.Sprint("http://127.0.0.1:1/", i),
		}[c.protocol]
		if c.topic == fifo {
			endpoint += ".fifo"
		}
		in := &awssns.SubscribeInput{
			TopicArn: c.topic, Protocol: &c.protocol, Endpoint: &endpoint, Attributes: map[string]string{c.name: c.value}, ReturnSubscriptionArn: true,
		}
		out, err := f.client().Subscribe(t.Context(), in)
		if c.text != "" {
			refusedWith(t, err, "InvalidParameter", 400, c.text)
			continue
		}
		if err != nil {
			t.Errorf("%s %s: %v", c.name, c.value, err)
			continue
		}
		got := must(f.client().GetSubscriptionAttributes(t.Context(), &awssns.GetSubscriptionAttributesInput{SubscriptionArn: out.SubscriptionArn}))(t).Attributes
		if got[c.name] != c.value {
			t.Errorf("%s is %q, want %q", c.name, got[c.name], c.value)
		}
	}
}

func TestASubscriptionIsMadeOnceAndShown(t *testing.T) {
	f := open(t)
	c, ctx, arn := f.client(), t.Context(), f.topicWith("t", nil)
	sub := f.subscribeTo(arn, "sqs", queueARN, map[string]string{"FilterPolicy": `{"a":["b"]}`})
	if again := f.subscribeTo(arn, "sqs", queueARN, map[string]string{"FilterPolicyScope": "MessageAttributes"}); *again != *sub {
		t.Errorf("got %s and %s", *sub, *again)
	}
	_, err := c.Subscribe(ctx, &awssns.SubscribeInput{TopicArn: arn, Protocol: str("sqs"), Endpoint: str(queueARN), Attributes: map[string]string{"RawMessageDelivery": "true"}})
	refusedWith(t, err, "InvalidParameter", 400, "Invalid parameter: Attributes Reason: Subscription already exists with different attributes")
	got := must(c.GetSubscriptionAttributes(ctx, &awssns.GetSubscriptionAttributesInput{SubscriptionArn: sub}))(t).Attributes
	want := map[string]string{
		"SubscriptionArn": *sub, "TopicArn": *arn, "Protocol": "sqs", "Endpoint": queueARN, "Owner": account,
		"SubscriptionPrincipal": "arn:aws:iam::000000000000:root", "RawMessageDelivery": "false", "PendingConfirmation": "false",
		"ConfirmationWasAuthenticated": "true", "FilterPolicy": `{"a":["b"]}`, "FilterPolicyScope": "MessageAttributes",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	set := func(name, value string) error {
		_, err := c.SetSubscriptionAttributes(ctx, &awssns.SetSubscriptionAttributesInput{SubscriptionArn: sub, AttributeName: &name, AttributeValue: &value})
		return err
	}
	if err := set("FilterPolicyScope", "MessageBody"); err != nil {
		t.Error(err)
	}
	if err := set("FilterPolicy", "{}"); err != nil {
		t.Error(err)
	}
	refusedWith(t, set("FilterPolicy", "[]"), "InvalidParameter", 400, "Invalid parameter: FilterPolicy: …")
	refusedWith(t, set("Endpoint", "x"), "InvalidParameter", 400, "Invalid parameter: AttributeName")
	list := must(c.ListSubscriptionsByTopic(ctx, &awssns.ListSubscriptionsByTopicInput{TopicArn: arn}))(t).Subscriptions
	if len(list) != 1 || *list[0].SubscriptionArn != *sub || *list[0].Owner != account || *list[0].Protocol != "sqs" || *list[0].Endpoint != queueARN {
		t.Errorf("got %+v", list)
	}
	must(c.Unsubscribe(ctx, &awssns.UnsubscribeInput{SubscriptionArn: sub}))(t)
	must(c.Unsubscribe(ctx, &awssns.UnsubscribeInput{SubscriptionArn: sub}))(t)
	_, err = c.GetSubscriptionAttributes(ctx, &awssns.GetSubscriptionAttributesInput{SubscriptionArn: sub})
	refusedWith(t, err, "NotFound", 404, "Subscription does not exist")
	attributes := must(c.GetTopicAttributes(ctx, &awssns.GetTopicAttributesInput{TopicArn: arn}))(t).Attributes
	if attributes["SubscriptionsDeleted"] != "1" || attributes["SubscriptionsConfirmed"] != "0" {
		t.Errorf("got %v", attributes)
	}
	_, err = c.ListSubscriptionsByTopic(ctx, &awssns.ListSubscriptionsByTopicInput{TopicArn: str(topicPrefix + "none")})
	refusedWith(t, err, "NotFound", 404, "Topic does not exist")
}

func TestAnARNThatNamesNoSubscriptionIsRefused(t *testing.T) {
	f := open(t)
	for arn, text := range map[string]string{
		"pending confirmation":                   "Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not 1",
		topicPrefix + "t":                        "Invalid parameter: SubscriptionId",
		"arn:aws:sns:eu-west-1:000000000000:t:x": "Invalid parameter: SubscriptionArn",
		"arn:aws:sqs:us-east-1:000000000000:t:x": "Invalid parameter: SubscriptionArn",
	} {
		_, err := f.client().Unsubscribe(t.Context(), &awssns.UnsubscribeInput{SubscriptionArn: &arn})
		refusedWith(t, err, "InvalidParameter", 400, text)
		_, err = f.client().GetSubscriptionAttributes(t.Context(), &awssns.GetSubscriptionAttributesInput{SubscriptionArn: &arn})
		refusedWith(t, err, "InvalidParameter", 400, text)
	}
}

func TestSubscriptionsAreListedInPages(t *testing.T) {
	f := open(t)
	one, two := f.topicWith("one", nil), f.topicWith("two", nil)
	for i := range pageMax {
		f.subscribeTo(one, "sqs", fmt.Sprint(queueARN, i), nil)
	}
	f.subscribeTo(two, "sqs", queueARN, nil)
	count := func(next func() (int, *string)) (pages, all int) {
		for {
			n, token := next()
			pages, all = pages+1, all+n
			if token == nil {
				return pages, all
			}
		}
	}
	var token *string
	pages, all := count(func() (int, *string) {
		out := must(f.client().ListSubscriptions(t.Context(), &awssns.ListSubscriptionsInput{NextToken: token}))(t)
		token = out.NextToken
		return len(out.Subscriptions), token
	})
	if pages != 2 || all != pageMax+1 {
		t.Errorf("got %d pages of %d, want 2 of %d", pages, all, pageMax+1)
	}
	token = nil
	pages, all = count(func() (int, *string) {
		out := must(f.client().ListSubscriptionsByTopic(t.Context(), &awssns.ListSubscriptionsByTopicInput{TopicArn: one, NextToken: token}))(t)
		token = out.NextToken
		return len(out.Subscriptions), token
	})
	if pages != 1 || all != pageMax {
		t.Errorf("got %d pages of %d, want 1 of %d", pages, all, pageMax)
	}
}

func TestOnlyOwnersSeeAndChangeASubscription(t *testing.T) {
	f := open(t)
	arn := f.topicWith("t", nil)
	sub := f.subscribeTo(arn, "sqs", queueARN, nil)
	other, ctx := f.as(stranger), t.Context()
	_, err := other.GetSubscriptionAttributes(ctx, &awssns.GetSubscriptionAttributesInput{SubscriptionArn: sub})
	refusedWith(t, err, "AuthorizationError", 403, "…")
	_, err = other.Unsubscribe(ctx, &awssns.UnsubscribeInput{SubscriptionArn: sub})
	refusedWith(t, err, "AuthorizationError", 403, "…")
	// A subscription that the stranger made is theirs and the topic's owner's.
	theirs := must(other.Subscribe(ctx, &awssns.SubscribeInput{TopicArn: arn, Protocol: str("sqs"), Endpoint: str("arn:aws:sqs:us-east-1:" + stranger + ":q")}))(t).SubscriptionArn
	list := must(other.ListSubscriptions(ctx, &awssns.ListSubscriptionsInput{}))(t).Subscriptions
	if len(list) != 1 || *list[0].SubscriptionArn != *theirs {
		t.Errorf("got %+v", list)
	}
	must(f.client().Unsubscribe(ctx, &awssns.UnsubscribeInput{SubscriptionArn: theirs}))(t)
}

func TestAQueueOfAnotherAccountIsAskedAndConfirms(t *testing.T) {
	f := open(t)
	arn := f.topicWith("t", nil)
	theirs := "arn:aws:sqs:us-east-1:" + stranger + ":q"
	out := must(f.client().Subscribe(t.Context(), &awssns.SubscribeInput{TopicArn: arn, Protocol: str("sqs"), Endpoint: &theirs}))(t)
	if *out.SubscriptionArn != "pending confirmation" {
		t.Errorf("got %s", *out.SubscriptionArn)
	}
	asked := read(t, f.next().Body)
	if asked.Type != "SubscriptionConfirmation" || asked.Token == "" || asked.TopicArn != *arn {
		t.Fatalf("got %+v", asked)
	}
	_, err := f.as(stranger).ConfirmSubscription(t.Context(), &awssns.ConfirmSubscriptionInput{TopicArn: arn, Token: str("x")})
	refusedWith(t, err, "InvalidParameter", 400, "Invalid parameter: Token")
	confirmed := must(f.as(stranger).ConfirmSubscription(t.Context(), &awssns.ConfirmSubscriptionInput{TopicArn: arn, Token: &asked.Token}))(t)
	attributes := must(f.client().GetSubscriptionAttributes(t.Context(), &awssns.GetSubscriptionAttributesInput{SubscriptionArn: confirmed.SubscriptionArn}))(t).Attributes
	if attributes["PendingConfirmation"] != "false" || attributes["ConfirmationWasAuthenticated"] != "true" {
		t.Errorf("got %v", attributes)
	}
	f.publishText(arn, "hello")
	if got := read(t, f.next().Body); got.Message != "hello" {
		t.Errorf("got %+v", got)
	}
}

func TestWhatNobodyConfirmsInTimeGoes(t *testing.T) {
	f := open(t)
	arn := f.topicWith("t", nil)
	must(f.client().Subscribe(t.Context(), &awssns.SubscribeInput{TopicArn: arn, Protocol: str("sqs"), Endpoint: str("arn:aws:sqs:us-east-1:" + stranger + ":q")}))(t)
	token := read(t, f.next().Body).Token
	list := must(f.client().ListSubscriptionsByTopic(t.Context(), &awssns.ListSubscriptionsByTopicInput{TopicArn: arn}))(t).Subscriptions
	if len(list) != 1 || *list[0].SubscriptionArn != "PendingConfirmation" {
		t.Errorf("got %+v", list)
	}
	f.pass(tokenLife - time.Minute)
	f.sweep(t.Context())
	f.pass(2 * time.Minute)
	_, err := f.client().ConfirmSubscription(t.Context(), &awssns.ConfirmSubscriptionInput{TopicArn: arn, Token: &token})
	refusedWith(t, err, "InvalidParameter", 400, "Invalid parameter: Token")
	f.sweep(t.Context())
	list = must(f.client().ListSubscriptionsByTopic(t.Context(), &awssns.ListSubscriptionsByTopicInput{TopicArn: arn}))(t).Subscriptions
	if len(list) != 0 {
		t.Errorf("got %+v", list)
	}
}

func TestLimitsOfSubscriptions(t *testing.T) {
	f := open(t)
	fifo := f.topicWith("t.fifo", map[string]string{"FifoTopic": "true"})
	for i := range fifoSubscriptionsMax {
		f.subscribeTo(fifo, "sqs", fmt.Sprint("arn:aws:sqs:us-east-1:000000000000:q", i, ".fifo"), nil)
	}
	_, err := f.client().Subscribe(t.Context(), &awssns.SubscribeInput{TopicArn: fifo, Protocol: str("sqs"), Endpoint: str(fifoARN)})
	refusedWith(t, err, "SubscriptionLimitExceeded", 403, "Subscription limit exceeded: a topic like this has at most 100 subscriptions")
	standard := f.topicWith("t", nil)
	filter := map[string]string{"FilterPolicy": `{"a":["b"]}`}
	for i := range filtersMax {
		f.subscribeTo(standard, "sqs", fmt.Sprint(queueARN, i), filter)
	}
	_, err = f.client().Subscribe(t.Context(), &awssns.SubscribeInput{TopicArn: standard, Protocol: str("sqs"), Endpoint: str(queueARN), Attributes: filter})
	refusedWith(t, err, "FilterPolicyLimitExceeded", 403, "Filter policy limit exceeded: a topic has at most 200")
	plain := f.subscribeTo(standard, "sqs", queueARN, nil)
	_, err = f.client().SetSubscriptionAttributes(t.Context(), &awssns.SetSubscriptionAttributesInput{SubscriptionArn: plain, AttributeName: str("FilterPolicy"), AttributeValue: str(`{"a":["b"]}`)})
	refusedWith(t, err, "FilterPolicyLimitExceeded", 403, "…")
}
