package sns

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

func TestAMessageIsChecked(t *testing.T) {
	f := open(t)
	standard := f.topicWith("t", nil)
	small := f.topicWith("small", map[string]string{"MaximumMessageSize": "1024"})
	large := f.topicWith("large", map[string]string{"MaximumMessageSize": "1048576"})
	fifo := f.topicWith("t.fifo", map[string]string{"FifoTopic": "true"})
	text := func(n int) *string { return aws.String(strings.Repeat("%", n)) } // three bytes each in a form
	attribute := func(name, kind string, value *string, binary []byte) map[string]types.MessageAttributeValue {
		return map[string]types.MessageAttributeValue{name: {DataType: &kind, StringValue: value, BinaryValue: binary}}
	}
	for _, c := range []struct {
		in   awssns.PublishInput
		code string // empty when it is taken
		text string
	}{
		{in: awssns.PublishInput{TopicArn: standard, Message: text(sizeDefault)}},
		{in: awssns.PublishInput{TargetArn: standard, Message: str("m"), MessageGroupId: str("g")}},
		{in: awssns.PublishInput{TopicArn: large, Message: text(sizeMax)}},
		{in: awssns.PublishInput{TopicArn: standard, Message: text(sizeDefault + 1)}, code: "InvalidParameter", text: "Invalid parameter: Message too long"},
		{in: awssns.PublishInput{TopicArn: standard, Message: text(sizeDefault - 8), MessageAttributes: attribute("a", "String", str("vv"), nil)}, code: "InvalidParameter", text: "Invalid parameter: Message too long"},
		{in: awssns.PublishInput{TopicArn: small, Message: text(1025)}, code: "InvalidParameter", text: "Invalid parameter: Message too long"},
		{in: awssns.PublishInput{TopicArn: large, Message: text(sizeMax + 1)}, code: "InvalidParameter", text: "Invalid parameter: Message too long"},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("")}, code: "InvalidParameter", text: "Invalid parameter: Empty message"},
		{in: awssns.PublishInput{Message: str("m")}, code: "InvalidParameter", text: "Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter"},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), Subject: str("")}, code: "InvalidParameter", text: "Invalid parameter: Subject"},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), Subject: str("a\nb")}, code: "InvalidParameter", text: "Invalid parameter: Subject"},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), Subject: text(101)}, code: "InvalidParameter", text: "Invalid parameter: Subject"},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), MessageStructure: str("xml")}, code: "InvalidParameter", text: "Invalid parameter: MessageStructure"},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), MessageStructure: str("json")}, code: "InvalidParameter", text: "Invalid parameter: Message Structure - JSON message body failed to parse"},
		{in: awssns.PublishInput{TopicArn: standard, Message: str(`{"sqs":"x","default":1}`), MessageStructure: str("json")}, code: "InvalidParameter", text: "Invalid parameter: Message Structure - No default entry in JSON message body"},
		{in: awssns.PublishInput{TopicArn: standard, Message: str(`{"default":"a","default":"b"}`), MessageStructure: str("json")}, code: "InvalidParameter", text: "Invalid parameter: Message Structure - Duplicate keys are not allowed"},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), MessageDeduplicationId: str("d")}, code: "InvalidParameter", text: "Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type"},
		{in: awssns.PublishInput{TopicArn: fifo, Message: str("m")}, code: "InvalidParameter", text: "Invalid parameter: The MessageGroupId parameter is required for FIFO topics"},
		{in: awssns.PublishInput{TopicArn: fifo, Message: str("m"), MessageGroupId: str("g")}, code: "InvalidParameter", text: "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"},
		{in: awssns.PublishInput{TopicArn: fifo, Message: str("m"), MessageGroupId: str("a b")}, code: "InvalidParameter", text: "Invalid parameter: MessageGroupId Reason: …"},
		{in: awssns.PublishInput{TopicArn: fifo, Message: str("m"), MessageGroupId: str("g"), MessageDeduplicationId: text(129)}, code: "InvalidParameter", text: "Invalid parameter: MessageDeduplicationId Reason: …"},

		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), MessageAttributes: attribute("a.b_c-D", "String.custom", str("v"), nil)}},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), MessageAttributes: attribute("a", "String.Array", str(`["x",1,null,true]`), nil)}},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), MessageAttributes: attribute("a", "Binary", nil, []byte{0})}},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), MessageAttributes: attribute("a", "Text", str("v"), nil)}, code: "ParameterValueInvalid", text: "The message attribute 'a' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), MessageAttributes: attribute("a", "String", str(""), nil)}, code: "ParameterValueInvalid", text: "The message attribute 'a' must contain non-empty message attribute value for message attribute type 'String'."},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), MessageAttributes: attribute("a", "String", nil, []byte("v"))}, code: "ParameterValueInvalid", text: "The message attribute 'a' with type 'String' must use field 'String'."},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), MessageAttributes: attribute("a", "Binary", str("v"), nil)}, code: "ParameterValueInvalid", text: "The message attribute 'a' with type 'Binary' must use field 'Binary'."},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), MessageAttributes: attribute("a", "Number", str("-1.5e+3"), nil)}},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), MessageAttributes: attribute("a", "Number", str("NaN"), nil)}, code: "ParameterValueInvalid", text: "Could not cast message attribute 'a' value to number."},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), MessageAttributes: attribute("a", "Number.x", str("x"), nil)}, code: "ParameterValueInvalid", text: "Could not cast message attribute 'a' value to number."},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), MessageAttributes: attribute("a", "String.Array", str(`[["x"]]`), nil)}, code: "ParameterValueInvalid", text: "The message attribute 'a' of type 'String.Array'…"},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), MessageAttributes: attribute(".a", "String", str("v"), nil)}, code: "ParameterValueInvalid", text: "Invalid message attribute name starting with character '.' was found."},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), MessageAttributes: attribute("a.", "String", str("v"), nil)}, code: "ParameterValueInvalid", text: "Invalid message attribute name ending with character '.' was found."},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), MessageAttributes: attribute("a..b", "String", str("v"), nil)}, code: "ParameterValueInvalid", text: "Message attribute name can not have successive '.' character."},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), MessageAttributes: attribute("a b", "String", str("v"), nil)}, code: "ParameterValueInvalid", text: "Invalid non-alphanumeric character '#x20' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots."},
		{in: awssns.PublishInput{TopicArn: standard, Message: str("m"), MessageAttributes: attribute(strings.Repeat("n", 257), "String", str("v"), nil)}, code: "ParameterValueInvalid", text: "Length of message attribute name must be less than 256 bytes."},
	} {
		out, err := f.client().Publish(t.Context(), &c.in)
		switch {
		case c.code != "":
			refusedWith(t, err, c.code, 400, c.text)
		case err != nil:
			t.Errorf("%+v: %v", c.in, err)
		case len(*out.MessageId) != 36 || out.SequenceNumber != nil:
			t.Errorf("got %+v", out)
		}
	}
}

func TestABatchIsCheckedAsAWholeAndOneByOne(t *testing.T) {
	f := open(t)
	arn := f.topicWith("t", nil)
	entry := func(id, text string) types.PublishBatchRequestEntry {
		return types.PublishBatchRequestEntry{Id: &id, Message: &text}
	}
	var eleven []types.PublishBatchRequestEntry
	for i := range 11 {
		eleven = append(eleven, entry(fmt.Sprint(i), "m"))
	}
	half := strings.Repeat("x", sizeDefault/2+1)
	for _, c := range []struct {
		entries    []types.PublishBatchRequestEntry
		code, text string
	}{
		{[]types.PublishBatchRequestEntry{}, "EmptyBatchRequest", "The batch request doesn't contain any entries."},
		{eleven, "TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible."},
		{[]types.PublishBatchRequestEntry{entry("a", "m"), entry("a", "m")}, "BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id."},
		{[]types.PublishBatchRequestEntry{entry("a b", "m")}, "InvalidBatchEntryId", "The Id of a batch entry in a batch request doesn't abide by the specification."},
		{[]types.PublishBatchRequestEntry{entry(strings.Repeat("i", 81), "m")}, "InvalidBatchEntryId", "…"},
		{[]types.PublishBatchRequestEntry{entry("a", half), entry("b", half)}, "BatchRequestTooLong", "The length of all the messages put together is more than the limit."},
	} {
		_, err := f.client().PublishBatch(t.Context(), &awssns.PublishBatchInput{TopicArn: arn, PublishBatchRequestEntries: c.entries})
		refusedWith(t, err, c.code, 400, c.text)
	}
	f.subscribeTo(arn, "sqs", queueARN, nil)
	out := must(f.client().PublishBatch(t.Context(), &awssns.PublishBatchInput{TopicArn: arn, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{
		entry("one", "1"), entry("two", ""), entry("three", "3"),
	}}))(t)
	if len(out.Successful) != 2 || *out.Successful[0].Id != "one" || *out.Successful[1].Id != "three" ||
		len(out.Failed) != 1 || *out.Failed[0].Id != "two" || *out.Failed[0].Code != "InvalidParameter" ||
		!out.Failed[0].SenderFault || *out.Failed[0].Message != "Invalid parameter: Empty message" {
		t.Errorf("got %+v", out)
	}
	got := map[string]string{}
	for range 2 {
		s := read(t, f.next().Body)
		got[s.Message] = s.MessageID
	}
	if got["1"] != *out.Successful[0].MessageId || got["3"] != *out.Successful[1].MessageId {
		t.Errorf("got %v", got)
	}
}
