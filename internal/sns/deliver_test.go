package sns

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store/sqlite"
)

func TestEachProtocolGetsItsOwnFormOfAMessage(t *testing.T) {
	f := open(t)
	arn := f.topicWith("t", nil)
	function := f.subscribeTo(arn, "lambda", functionARN, nil)
	wrapped := f.subscribeTo(arn, "sqs", queueARN+"-wrapped", nil)
	f.subscribeTo(arn, "sqs", queueARN+"-raw", map[string]string{"RawMessageDelivery": "true"})
	id := *must(f.client().Publish(t.Context(), &awssns.PublishInput{
		TopicArn: arn, Subject: str("a subject"), MessageStructure: str("json"), MessageGroupId: str("g"),
		Message: str(`{"default":"for all <&>","lambda":"for functions","gcm":"x","sms":{"a":1}}`),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"text":   {DataType: str("String"), StringValue: str("é")},
			"binary": {DataType: str("Binary"), BinaryValue: []byte{0xff}},
		},
	}))(t).MessageId
	got := map[string]Delivery{}
	for range 3 {
		d := f.next()
		got[d.Endpoint] = d
		if d.TopicARN != *arn || d.Group != "g" {
			t.Errorf("got %+v", d)
		}
	}
	event := string(got[functionARN].Body)
	want := fmt.Sprintf(`{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","EventSubscriptionArn":%q,"Sns":{"Type":"Notification","MessageId":%q,"TopicArn":%q,"Subject":"a subject","Message":"for functions","Timestamp":"`, *function, id, *arn)
	if !strings.HasPrefix(event, want) {
		t.Errorf("got  %s\nwant %s", event, want)
	}
	tail := fmt.Sprintf(`"UnsubscribeUrl":"%s/?Action=Unsubscribe&SubscriptionArn=%s","MessageAttributes":{"binary":{"Type":"Binary","Value":"/w=="},"text":{"Type":"String","Value":"é"}}}}]}`, f.url, *function)
	if !strings.HasSuffix(event, tail) {
		t.Errorf("got  %s\nwant %s", event, tail)
	}
	envelope := string(got[queueARN+"-wrapped"].Body)
	head := fmt.Sprintf("{\n  \"Type\" : \"Notification\",\n  \"MessageId\" : %q,\n  \"TopicArn\" : %q,\n  \"Subject\" : \"a subject\",\n  \"Message\" : \"for all <&>\",\n  \"Timestamp\" : \"", id, *arn)
	if !strings.HasPrefix(envelope, head) {
		t.Errorf("got  %s\nwant %s", envelope, head)
	}
	tail = fmt.Sprintf("\n  \"UnsubscribeURL\" : \"%s/?Action=Unsubscribe&SubscriptionArn=%s\",\n  \"MessageAttributes\" : {\n    \"binary\" : {\"Type\":\"Binary\",\"Value\":\"/w==\"},\n    \"text\" : {\"Type\":\"String\",\"Value\":\"é\"}\n  }\n}", f.url, *wrapped)
	if !strings.HasSuffix(envelope, tail) {
		t.Errorf("got  %s\nwant %s", envelope, tail)
	}
	raw := got[queueARN+"-raw"]
	if string(raw.Body) != "for all <&>" || string(raw.Attributes["text"].Value) != "é" || raw.Attributes["binary"].Type != "Binary" || got[functionARN].Attributes != nil {
		t.Errorf("got %+v", raw)
	}
}

func TestAMessageWithoutSubjectAndAttributesHasNone(t *testing.T) {
	f := open(t)
	arn := f.topicWith("t", nil)
	f.subscribeTo(arn, "lambda", functionARN, nil)
	f.subscribeTo(arn, "sqs", queueARN, nil)
	f.publishText(arn, "m")
	for range 2 {
		d := f.next()
		body := string(d.Body)
		switch {
		case !json.Valid(d.Body):
			t.Errorf("no JSON: %s", body)
		case d.Protocol == "lambda" && (!strings.Contains(body, `"Subject":null,`) || !strings.Contains(body, `"MessageAttributes":{}`)):
			t.Errorf("got %s", body)
		case d.Protocol == "sqs" && (strings.Contains(body, "Subject") || strings.Contains(body, "MessageAttributes")):
			t.Errorf("got %s", body)
		}
	}
}

func TestFiltersChooseWhoGetsAMessage(t *testing.T) {
	f := open(t)
	arn := f.topicWith("t", nil)
	for name, attributes := range map[string]map[string]string{
		"all":    nil,
		"red":    {"FilterPolicy": `{"colour":["red"]}`},
		"large":  {"FilterPolicy": `{"size":[{"numeric":[">",10]}]}`},
		"body":   {"FilterPolicyScope": "MessageBody", "FilterPolicy": `{"a":{"b":["c"]}}`},
		"absent": {"FilterPolicy": `{"colour":[{"exists":false}]}`},
		"listed": {"FilterPolicy": `{"list":["two"]}`},
	} {
		f.subscribeTo(arn, "sqs", queueARN+"-"+name, attributes)
	}
	text := func(kind, value string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: &kind, StringValue: &value}
	}
	for _, c := range []struct {
		message    string
		attributes map[string]types.MessageAttributeValue
		want       string
	}{
		{"m", map[string]types.MessageAttributeValue{"colour": text("String", "red")}, "all red"},
		{"m", map[string]types.MessageAttributeValue{"colour": text("String", "blue"), "size": text("Number", "11")}, "all large"},
		{`{"a":{"b":"c"}}`, nil, "absent all body"},
		{`[1]`, nil, "absent all"},
		{"m", map[string]types.MessageAttributeValue{"list": text("String.Array", `["one","two"]`)}, "absent all listed"},
	} {
		must(f.client().Publish(t.Context(), &awssns.PublishInput{TopicArn: arn, Message: &c.message, MessageAttributes: c.attributes}))(t)
		var got []string
		for range strings.FieldsSeq(c.want) {
			d := f.next()
			got = append(got, strings.TrimPrefix(d.Endpoint, queueARN+"-"))
		}
		slices.Sort(got)
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %v, want %s", c.message, got, c.want)
		}
	}
	f.stop()
	if len(f.targets.got) != 0 {
		t.Errorf("%d deliveries too many", len(f.targets.got))
	}
	if n := f.Counts()[*arn]; n.Published != 5 || n.Delivered != 12 || n.FilteredOut != 18 {
		t.Errorf("got %+v", n)
	}
}

func TestADeliveryThatFailsIsTriedAgainAndThenGivenToTheDeadLetterQueue(t *testing.T) {
	f := open(t)
	arn := f.topicWith("t", nil)
	dead := "arn:aws:sqs:us-east-1:000000000000:dead"
	f.subscribeTo(arn, "sqs", queueARN, map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + dead + `"}`, "RawMessageDelivery": "true"})

	tries := 0
	f.targets.script(func(d Delivery) error {
		if tries++; tries <= 4 {
			return errors.New("busy")
		}
		return nil
	})
	f.publishText(arn, "later")
	if d := f.next(); d.Endpoint != queueARN || string(d.Body) != "later" || tries != 5 {
		t.Errorf("got %+v after %d attempts", d, tries)
	}

	f.targets.script(func(d Delivery) error {
		if d.Endpoint == queueARN {
			return &Refusal{"AccessDenied", "the queue's policy says no"}
		}
		return nil
	})
	id := f.publishText(arn, "refused")
	d := f.next()
	if d.Endpoint != dead || string(d.Body) != "refused" || string(d.Attributes["ErrorCode"].Value) != "AccessDenied" ||
		string(d.Attributes["ErrorMessage"].Value) != "the queue's policy says no" || string(d.Attributes["RequestID"].Value) != id {
		t.Errorf("got %+v", d)
	}
	f.stop()
	if n := f.Counts()[*arn]; n.Delivered != 1 || n.Failed != 1 || n.Redriven != 1 || n.FailedToRedrive != 0 {
		t.Errorf("got %+v", n)
	}
}

func TestADeadLetterQueueThatRefusesEndsTheMessage(t *testing.T) {
	f := open(t)
	arn := f.topicWith("t", nil)
	f.subscribeTo(arn, "sqs", queueARN, map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + queueARN + `-dead"}`})
	tried := make(chan string, 3)
	f.targets.script(func(d Delivery) error {
		tried <- d.Endpoint
		return &Refusal{"NotFound", "no such queue"}
	})
	f.publishText(arn, "m")
	if first, second := <-tried, <-tried; first != queueARN || second != queueARN+"-dead" {
		t.Errorf("tried %s, then %s", first, second)
	}
	f.stop()
	if n := f.Counts()[*arn]; n.Failed != 1 || n.FailedToRedrive != 1 {
		t.Errorf("got %+v", n)
	}
}

func TestAFIFOTopicKeepsItsOrderAndDropsDuplicates(t *testing.T) {
	f := open(t)
	arn := f.topicWith("t.fifo", map[string]string{"FifoTopic": "true", "ContentBasedDeduplication": "true"})
	f.subscribeTo(arn, "sqs", fifoARN, nil)
	var mu sync.Mutex
	failures := map[string]int{}
	f.targets.script(func(d Delivery) error { // the first attempt of every third message fails
		mu.Lock()
		defer mu.Unlock()
		m := read(t, d.Body)
		if failures[m.MessageID]++; failures[m.MessageID] == 1 && len(failures)%3 == 0 {
			return errors.New("busy")
		}
		return nil
	})
	publish := func(group, text string, dedup *string) *awssns.PublishOutput {
		return must(f.client().Publish(t.Context(), &awssns.PublishInput{TopicArn: arn, Message: &text, MessageGroupId: &group, MessageDeduplicationId: dedup}))(t)
	}
	const groups, each = 3, 12
	last := ""
	first := map[string]*awssns.PublishOutput{}
	for i := range each {
		for g := range groups {
			text := fmt.Sprintf("%d of %d", i, g)
			out := publish(fmt.Sprint("g", g), text, nil)
			if *out.SequenceNumber <= last || len(*out.SequenceNumber) != 20 {
				t.Errorf("the number %s comes after %s", *out.SequenceNumber, last)
			}
			last, first[text] = *out.SequenceNumber, out
			if again := publish(fmt.Sprint("g", g), text, nil); *again.MessageId != *out.MessageId || *again.SequenceNumber != *out.SequenceNumber {
				t.Errorf("a duplicate got %s, want %s", *again.MessageId, *out.MessageId)
			}
		}
	}
	got := map[string][]string{}
	for range groups * each {
		d := f.next()
		m := read(t, d.Body)
		got[d.Group] = append(got[d.Group], m.Message)
		if m.SequenceNumber != *first[m.Message].SequenceNumber || d.DedupID == "" {
			t.Errorf("got %+v", m)
		}
	}
	for g := range groups {
		var want []string
		for i := range each {
			want = append(want, fmt.Sprintf("%d of %d", i, g))
		}
		if name := fmt.Sprint("g", g); !slices.Equal(got[name], want) {
			t.Errorf("group %s: got %v", name, got[name])
		}
	}
	// With the scope of a group the same id in another group is another message.
	must(f.client().SetTopicAttributes(t.Context(), &awssns.SetTopicAttributesInput{TopicArn: arn, AttributeName: str("FifoThroughputScope"), AttributeValue: str("MessageGroup")}))(t)
	if a, b := publish("x", "m", str("id")), publish("y", "m", str("id")); *a.MessageId == *b.MessageId {
		t.Error("messages of two groups were taken for one")
	}
	f.stop()
}

func TestABrokenEndpointDelaysNobodyElse(t *testing.T) {
	f := open(t)
	arn := f.topicWith("t", nil)
	for i := range 5 {
		f.subscribeTo(arn, "sqs", fmt.Sprint(queueARN, "-sick", i), nil)
	}
	f.subscribeTo(arn, "sqs", queueARN, nil)
	release := make(chan struct{})
	f.targets.script(func(d Delivery) error {
		if strings.Contains(d.Endpoint, "sick") {
			<-release
			return errors.New("gone")
		}
		return nil
	})
	const n = 300
	for range n {
		f.publishText(arn, "m")
	}
	for range n {
		if d := f.next(); d.Endpoint != queueARN {
			t.Fatalf("got %s", d.Endpoint)
		}
	}
	close(release)
	f.stop()
}

// Goal: what was acknowledged survives a stop at any moment. Method: publish while
// deliveries fail, stop the service and its queues again and again, then let all
// through.
func TestAStopLosesNothing(t *testing.T) {
	dir := t.TempDir()
	f := open(t, func(c *Config) {
		store, err := sqlite.Open(t.Context(), filepath.Join(dir, "meta.db"), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
		c.Store = store
	})
	arn := f.topicWith("t", map[string]string{"SignatureVersion": "2"})
	f.subscribeTo(arn, "sqs", queueARN+"-a", nil)
	f.subscribeTo(arn, "sqs", queueARN+"-b", map[string]string{"RawMessageDelivery": "true"})
	single := f.topicWith("single", nil) // whose messages go into the subscription's queue at once
	f.subscribeTo(single, "sqs", queueARN+"-c", map[string]string{"RawMessageDelivery": "true"})
	f.targets.script(func(Delivery) error { return errors.New("busy") })
	const rounds, each = 5, 20
	for r := range rounds {
		for i := range each {
			f.publishText(arn, fmt.Sprintf("%d-%d", r, i))
			f.publishText(single, fmt.Sprintf("%d-%d", r, i))
		}
		f.end()
		f.start()
	}
	f.targets.script(nil)
	got := map[string]bool{}
	for len(got) < 3*rounds*each {
		d := f.next()
		text := string(d.Body)
		if strings.HasSuffix(d.Endpoint, "-a") {
			text = read(t, d.Body).Message
		}
		got[d.Endpoint+" "+text] = true
	}
	attributes := must(f.client().GetTopicAttributes(t.Context(), &awssns.GetTopicAttributesInput{TopicArn: arn}))(t).Attributes
	if attributes["SubscriptionsConfirmed"] != "2" || attributes["SignatureVersion"] != "2" {
		t.Errorf("got %v", attributes)
	}
}

func TestADeletedTopicsMessagesGoWithIt(t *testing.T) {
	f := open(t)
	arn := f.topicWith("t", nil)
	f.subscribeTo(arn, "sqs", queueARN, nil)
	f.subscribeTo(arn, "sqs", queueARN+"2", nil)
	f.targets.script(func(d Delivery) error {
		if read(t, d.Body).Message == "old" {
			return errors.New("busy")
		}
		return nil
	})
	for range 10 {
		f.publishText(arn, "old")
	}
	must(f.client().DeleteTopic(t.Context(), &awssns.DeleteTopicInput{TopicArn: arn}))(t)
	f.topicWith("t", nil)
	f.subscribeTo(arn, "sqs", queueARN, nil)
	f.subscribeTo(arn, "sqs", queueARN+"2", nil)
	f.publishText(arn, "new")
	for range 2 {
		if got := read(t, f.next().Body); got.Message != "new" {
			t.Errorf("got %+v", got)
		}
	}
	f.end()
	f.start()
	for kind, want := range map[string]int{topicKind: 1, subscriptionKind: 2} {
		if n := len(f.cfg.Queue.List("", "", kind)); n != want {
			t.Errorf("%d queues of kind %s are left, want %d", n, kind, want)
		}
	}
}

func TestAFaultOfATargetIsNoRefusal(t *testing.T) {
	for _, c := range []struct {
		err       error
		permanent bool
		code      string
	}{
		{&Refusal{"AccessDenied", "no"}, true, "AccessDenied"},
		{fmt.Errorf("wrapped: %w", &Refusal{"404", "no"}), true, "404"},
		{lambda.Errorf(lambda.CodeService, "x"), false, "500"},
		{errors.New("x"), false, "500"},
	} {
		if code, _ := describe(c.err); permanent(c.err) != c.permanent || code != c.code {
			t.Errorf("%v: got %v and %s", c.err, permanent(c.err), code)
		}
	}
}

// BenchmarkPublish is a message from its Publish to its delivery: many at a time, the
// text alone and as a signed envelope, and one by one.
func BenchmarkPublish(b *testing.B) {
	for name, c := range map[string]struct {
		raw    string
		atOnce int // 0 is one after the other
	}{"raw": {"true", 16}, "signed": {"false", 16}, "alone": {"true", 0}} {
		b.Run(name, func(b *testing.B) {
			f := open(b)
			arn := f.topicWith("t", nil)
			f.subscribeTo(arn, "sqs", queueARN, map[string]string{"RawMessageDelivery": c.raw})
			ctx := lambda.WithCaller(b.Context(), lambda.Caller{Kind: lambda.PrincipalRoot, Account: account, Region: region})
			n := 0
			publish := func(text string) {
				if _, err := f.publish(ctx, &awssns.PublishInput{TopicArn: arn, Message: &text}); err != nil {
					b.Error(err)
				}
			}
			publish("first") // the key is made
			<-f.targets.got
			b.ResetTimer()
			if c.atOnce == 0 {
				for ; b.Loop(); n++ {
					publish("m")
					<-f.targets.got
				}
				return
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				for range b.N {
					<-f.targets.got
				}
			}()
			b.SetParallelism(c.atOnce)
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					publish("m")
				}
			})
			<-done
		})
	}
}
