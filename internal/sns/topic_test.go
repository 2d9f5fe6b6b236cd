package sns

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

func TestATopicsNameAndAttributesAreChecked(t *testing.T) {
	f := open(t)
	const fifoText = "Invalid parameter: Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long."
	for _, c := range []struct {
		name       string
		attributes map[string]string
		text       string // empty when it is made
	}{
		{"t-1_A", nil, ""},
		{strings.Repeat("n", 256), nil, ""},
		{strings.Repeat("n", 257), nil, "Invalid parameter: Topic Name"},
		{"a b", nil, "Invalid parameter: Topic Name"},
		{"a.b", nil, "Invalid parameter: Topic Name"},
		{"t.fifo", nil, "Invalid parameter: Topic Name"},
		{"t.fifo", map[string]string{"FifoTopic": "true"}, ""},
		{"t", map[string]string{"FifoTopic": "true"}, fifoText},
		{".fifo", map[string]string{"FifoTopic": "true"}, fifoText},
		{"t1", map[string]string{"FifoTopic": "yes"}, "Invalid parameter: Attributes Reason: FifoTopic: Invalid value [yes]…"},
		{"t1", map[string]string{"FifoTopic": "false"}, ""},
		{"t2", map[string]string{"ContentBasedDeduplication": "true"}, "Invalid parameter: Attributes Reason: ContentBasedDeduplication"},
		{"t2", map[string]string{"Nonsense": "true"}, "Invalid parameter: Attributes Reason: AttributeName"},
		{"t2", map[string]string{"SignatureVersion": "3"}, "Invalid parameter: Attributes Reason: SignatureVersion Reason: Invalid value [3]…"},
		{"t2", map[string]string{"TracingConfig": "On"}, "Invalid parameter: Attributes Reason: TracingConfig…"},
		{"t2", map[string]string{"MaximumMessageSize": "1023"}, "Invalid parameter: Attributes Reason: MaximumMessageSize…"},
		{"t2", map[string]string{"MaximumMessageSize": "1048577"}, "Invalid parameter: Attributes Reason: MaximumMessageSize…"},
		{"t2", map[string]string{"MaximumMessageSize": "1048576"}, ""},
		{"t3", map[string]string{"DisplayName": strings.Repeat("é", 101)}, "Invalid parameter: Attributes Reason: DisplayName"},
		{"t3", map[string]string{"SQSSuccessFeedbackSampleRate": "101"}, "Invalid parameter: Attributes Reason: SQSSuccessFeedbackSampleRate"},
		{"t3", map[string]string{"DeliveryPolicy": "{"}, "Invalid parameter: Attributes Reason: DeliveryPolicy: failed to parse JSON."},
		{"t3", map[string]string{"Policy": "{"}, "Invalid parameter: Attributes Reason: Policy failed to parse JSON"},
		{"t3", map[string]string{"Policy": `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}]}`}, "Invalid parameter: Attributes Reason: Policy statement action out of service scope!"},
	} {
		out, err := f.client().CreateTopic(t.Context(), &awssns.CreateTopicInput{Name: &c.name, Attributes: c.attributes})
		switch {
		case c.text != "":
			refusedWith(t, err, "InvalidParameter", 400, c.text)
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case *out.TopicArn != topicPrefix+c.name:
			t.Errorf("got %s", *out.TopicArn)
		}
	}
	_, err := f.client().CreateTopic(t.Context(), &awssns.CreateTopicInput{Name: str("t9"), DataProtectionPolicy: str("{}")})
	refusedWith(t, err, "NotImplementedException", 501, "Hearth has no data protection policies.")
}

func TestATopicIsMadeOnce(t *testing.T) {
	f := open(t)
	c, ctx := f.client(), t.Context()
	in := &awssns.CreateTopicInput{
		Name: str("t"), Attributes: map[string]string{"DisplayName": "shown"}, Tags: []types.Tag{{Key: str("a"), Value: str("b")}},
	}
	first := must(c.CreateTopic(ctx, in))(t)
	again := must(c.CreateTopic(ctx, in))(t)
	if *first.TopicArn != *again.TopicArn {
		t.Errorf("got %s and %s", *first.TopicArn, *again.TopicArn)
	}
	must(c.CreateTopic(ctx, &awssns.CreateTopicInput{Name: str("t")}))(t)
	_, err := c.CreateTopic(ctx, &awssns.CreateTopicInput{Name: str("t"), Attributes: map[string]string{"DisplayName": "other"}})
	refusedWith(t, err, "InvalidParameter", 400, "Invalid parameter: Attributes Reason: Topic already exists with different attributes")
	_, err = c.CreateTopic(ctx, &awssns.CreateTopicInput{Name: str("t"), Tags: []types.Tag{{Key: str("a"), Value: str("c")}}})
	refusedWith(t, err, "InvalidParameter", 400, "Invalid parameter: Tags Reason: Topic already exists with different tags")
	for range 2 { // it is gone, then it is still gone
		must(c.DeleteTopic(ctx, &awssns.DeleteTopicInput{TopicArn: first.TopicArn}))(t)
	}
	_, err = c.GetTopicAttributes(ctx, &awssns.GetTopicAttributesInput{TopicArn: first.TopicArn})
	refusedWith(t, err, "NotFound", 404, "Topic does not exist")
	_, err = c.Publish(ctx, &awssns.PublishInput{TopicArn: first.TopicArn, Message: str("m")})
	refusedWith(t, err, "NotFound", 404, "Topic does not exist")
}

func TestATopicShowsItsAttributes(t *testing.T) {
	f := open(t)
	arn := f.topicWith("t", nil)
	got := must(f.client().GetTopicAttributes(t.Context(), &awssns.GetTopicAttributesInput{TopicArn: arn}))(t).Attributes
	want := map[string]string{
		"TopicArn": *arn, "Owner": account, "DisplayName": "", "SubscriptionsPending": "0", "SubscriptionsConfirmed": "0", "SubscriptionsDeleted": "0",
		"EffectiveDeliveryPolicy": `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`,
		"Policy":                  `{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":"` + *arn + `","Condition":{"StringEquals":{"AWS:SourceOwner":"000000000000"}}}]}`,
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	fifo := f.topicWith("t.fifo", map[string]string{"FifoTopic": "true", "ContentBasedDeduplication": "true"})
	got = must(f.client().GetTopicAttributes(t.Context(), &awssns.GetTopicAttributesInput{TopicArn: fifo}))(t).Attributes
	for name, value := range map[string]string{"FifoTopic": "true", "ContentBasedDeduplication": "true", "FifoThroughputScope": "Topic"} {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
}

func TestTopicAttributesChange(t *testing.T) {
	f := open(t)
	arn := f.topicWith("t", nil)
	set := func(name, value string) error {
		_, err := f.client().SetTopicAttributes(t.Context(), &awssns.SetTopicAttributesInput{TopicArn: arn, AttributeName: &name, AttributeValue: &value})
		return err
	}
	for name, value := range map[string]string{
		"DisplayName": "d", "KmsMasterKeyId": "alias/aws/sns", "SignatureVersion": "2", "TracingConfig": "Active",
		"LambdaFailureFeedbackRoleArn": "arn:aws:iam::000000000000:role/r", "HTTPSuccessFeedbackSampleRate": "50", "MaximumMessageSize": "2048",
		"DeliveryPolicy": `{"http":{"defaultHealthyRetryPolicy":{"numRetries":1}}}`,
		"Policy":         `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"*"}]}`,
	} {
		if err := set(name, value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got := must(f.client().GetTopicAttributes(t.Context(), &awssns.GetTopicAttributesInput{TopicArn: arn}))(t).Attributes[name]
		if got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	refusedWith(t, set("FifoTopic", "true"), "InvalidParameter", 400, "Invalid parameter: AttributeName")
	refusedWith(t, set("Owner", "x"), "InvalidParameter", 400, "Invalid parameter: AttributeName")
	refusedWith(t, set("FifoThroughputScope", "Topic"), "InvalidParameter", 400, "Invalid parameter: FifoThroughputScope")
	refusedWith(t, set("Policy", ""), "InvalidParameter", 400, "Invalid parameter: Policy is empty")
	refusedWith(t, set("Policy", `"`+strings.Repeat("x", policyMax)+`"`), "InvalidParameter", 400, "Invalid parameter: Policy is too large")
	refusedWith(t, set("ArchivePolicy", "{}"), "NotImplementedException", 501, "Hearth keeps no archive of messages.")
	f.subscribeTo(arn, "http", "http://127.0.0.1:1/", nil)
	refusedWith(t, set("MaximumMessageSize", "300000"), "InvalidParameter", 400, "Invalid parameter: MaximumMessageSize Reason: a topic with subscriptions of the protocol http…")
}

func TestAnARNThatNamesNoTopicIsRefused(t *testing.T) {
	f := open(t)
	for arn, text := range map[string]string{
		"nonsense":                             "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1",
		"a:b":                                  "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 2",
		"arn:aws:sqs:us-east-1:000000000000:t": "Invalid parameter: TopicArn",
		"arn:aws:sns:eu-west-1:000000000000:t": "Invalid parameter: TopicArn",
		topicPrefix + "a:b:c":                  "Invalid parameter: TopicArn",
	} {
		_, err := f.client().GetTopicAttributes(t.Context(), &awssns.GetTopicAttributesInput{TopicArn: &arn})
		refusedWith(t, err, "InvalidParameter", 400, text)
	}
}

func TestTopicsAreListedInPages(t *testing.T) {
	f := open(t)
	var want []string
	for i := range 2*pageMax + 1 {
		want = append(want, *f.topicWith(fmt.Sprintf("t%03d", i), nil))
	}
	must(f.as(stranger).CreateTopic(t.Context(), &awssns.CreateTopicInput{Name: str("other")}))(t)
	var got []string
	pages := awssns.NewListTopicsPaginator(f.client(), &awssns.ListTopicsInput{})
	count := 0
	for pages.HasMorePages() {
		page := must(pages.NextPage(t.Context()))(t)
		count++
		for _, topic := range page.Topics {
			got = append(got, *topic.TopicArn)
		}
	}
	if !slices.Equal(got, want) || count != 3 {
		t.Errorf("got %d topics on %d pages, want %d on 3", len(got), count, len(want))
	}
	_, err := f.client().ListTopics(t.Context(), &awssns.ListTopicsInput{NextToken: str("x")})
	refusedWith(t, err, "InvalidParameter", 400, "Invalid parameter: NextToken Reason: Invalid token")
}

func TestTagsAreAddedAndTakenAway(t *testing.T) {
	f := open(t)
	c, ctx, arn := f.client(), t.Context(), f.topicWith("t", nil)
	must(c.TagResource(ctx, &awssns.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: str("b"), Value: str("2")}, {Key: str("a"), Value: str("1")}}}))(t)
	must(c.UntagResource(ctx, &awssns.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"b", "none"}}))(t)
	got := must(c.ListTagsForResource(ctx, &awssns.ListTagsForResourceInput{ResourceArn: arn}))(t).Tags
	if len(got) != 1 || *got[0].Key != "a" || *got[0].Value != "1" {
		t.Errorf("got %v", got)
	}
	if tags := f.TagsAt(*arn); tags["a"] != "1" {
		t.Errorf("identity sees %v", tags)
	}
	var many []types.Tag
	for i := range tagsMax + 1 {
		many = append(many, types.Tag{Key: aws.String(fmt.Sprint("k", i)), Value: str("")})
	}
	for _, x := range []struct {
		tags []types.Tag
		code string
		text string
	}{
		{many, "TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded"},
		{[]types.Tag{{Key: str("x"), Value: str("1")}, {Key: str("x"), Value: str("2")}}, "InvalidParameter", "Invalid parameter: Duplicated keys are not allowed."},
		{[]types.Tag{{Key: str("aws:x"), Value: str("1")}}, "InvalidParameter", "Invalid parameter: Tag keys cannot start with aws:"},
		{[]types.Tag{{Key: aws.String(strings.Repeat("k", 129)), Value: str("1")}}, "ValidationError", "1 validation error detected…"},
	} {
		_, err := c.TagResource(ctx, &awssns.TagResourceInput{ResourceArn: arn, Tags: x.tags})
		refusedWith(t, err, x.code, 400, x.text)
	}
	_, err := c.ListTagsForResource(ctx, &awssns.ListTagsForResourceInput{ResourceArn: str(topicPrefix + "none")})
	refusedWith(t, err, "ResourceNotFound", 404, "Resource does not exist")
	_, err = c.TagResource(ctx, &awssns.TagResourceInput{ResourceArn: str(topicPrefix + "none"), Tags: many[:1]})
	refusedWith(t, err, "ResourceNotFound", 404, "Resource does not exist")
}

func TestPermissionsGoIntoThePolicy(t *testing.T) {
	f := open(t)
	c, ctx, arn := f.client(), t.Context(), f.topicWith("t", nil)
	in := &awssns.AddPermissionInput{TopicArn: arn, Label: str("l"), AWSAccountId: []string{stranger}, ActionName: []string{"Publish", "Subscribe"}}
	must(c.AddPermission(ctx, in))(t)
	_, document, _ := f.Policy(*arn)
	if !strings.HasSuffix(document(), `,{"Sid":"l","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":["SNS:Publish","SNS:Subscribe"],"Resource":"`+*arn+`"}]}`) {
		t.Errorf("got %s", document())
	}
	_, err := c.AddPermission(ctx, in)
	refusedWith(t, err, "InvalidParameter", 400, "Invalid parameter: Statement already exists")
	_, err = c.AddPermission(ctx, &awssns.AddPermissionInput{TopicArn: arn, Label: str("m"), AWSAccountId: []string{"x"}, ActionName: []string{"Publish"}})
	refusedWith(t, err, "InvalidParameter", 400, "Invalid parameter: Policy Error: PrincipalNotFound")
	_, err = c.AddPermission(ctx, &awssns.AddPermissionInput{TopicArn: arn, Label: str("m"), AWSAccountId: []string{stranger}, ActionName: []string{"CreateTopic"}})
	refusedWith(t, err, "InvalidParameter", 400, "Invalid parameter: Policy statement action out of service scope!")
	must(c.RemovePermission(ctx, &awssns.RemovePermissionInput{TopicArn: arn, Label: str("l")}))(t)
	_, err = c.RemovePermission(ctx, &awssns.RemovePermissionInput{TopicArn: arn, Label: str("l")})
	refusedWith(t, err, "NotFound", 404, "Statement does not exist")
	if _, document, _ := f.Policy(*arn); strings.Contains(document(), stranger) {
		t.Errorf("got %s", document())
	}
}

func TestWhatIsLeftOutSaysSo(t *testing.T) {
	f := open(t)
	c, ctx := f.client(), t.Context()
	_, err := c.ListPlatformApplications(ctx, &awssns.ListPlatformApplicationsInput{})
	refusedWith(t, err, "NotImplementedException", 501, "…")
	_, err = c.Publish(ctx, &awssns.PublishInput{PhoneNumber: str("+15555550100"), Message: str("m")})
	refusedWith(t, err, "NotImplementedException", 501, "Hearth does not send SMS messages.")
	_, err = c.Publish(ctx, &awssns.PublishInput{TargetArn: str("arn:aws:sns:us-east-1:000000000000:endpoint/GCM/a/b"), Message: str("m")})
	refusedWith(t, err, "NotImplementedException", 501, "Hearth has no platform endpoints.")
	arn := f.topicWith("t", nil)
	for _, protocol := range []string{"email", "email-json", "sms", "application", "firehose"} {
		_, err := c.Subscribe(ctx, &awssns.SubscribeInput{TopicArn: arn, Protocol: &protocol, Endpoint: str("x")})
		refusedWith(t, err, "NotImplementedException", 501, "Hearth does not deliver by the protocol "+protocol+".")
	}
}
