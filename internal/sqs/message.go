package sqs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
)

const (
	// attributesMax is the most attributes of a message (developer guide, "Message
	// metadata"), and attributeTextMax the most bytes of their names and types.
	attributesMax    = 10
	attributeTextMax = 256
)

// traceMax bounds what is kept of a request's own trace header, which AWS's tracing
// makes some 100 bytes long; a longer one is none of its.
const traceMax = 512

// What SQS itself notes of a message lies among its attributes, under names that a
// sender cannot use.
const (
	ownPrefix = "AWS."
	ownSender = ownPrefix + "SenderId"
	ownTrace  = ownPrefix + "AWSTraceHeader"
	ownDedup  = ownPrefix + "MessageDeduplicationId"
	ownGroup  = ownPrefix + "MessageGroupId"
)

// attributeValue is one attribute as the engine keeps it.
type attributeValue = queue.Attribute

var (
	attributeNamePattern = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
	// tokenPattern is what group and deduplication ids look like (API reference,
	// SendMessage).
	tokenPattern  = regexp.MustCompile("^[A-Za-z0-9!\"#$%&'()*+,./:;<=>?@\\[\\\\\\]^_`{|}~-]{1,128}$")
	numberPattern = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)
)

func isBinary(dataType string) bool { return baseType(dataType) == "Binary" }

// baseType is the type without the label that a sender may put behind it.
func baseType(dataType string) string {
	base, _, _ := strings.Cut(dataType, ".")
	return base
}

// draft is a message that is valid for its queue.
type draft struct {
	queue.Outgoing

	md5, md5Attributes, md5System *string
	size                          int
}

// draft checks a message, here an entry of a batch, and makes what the engine keeps of
// it. delay is nil when the message brings none.
func (e *entry) draft(c lambda.Caller, in *types.SendMessageBatchRequestEntry, delay *int32) (draft, error) {
	if in.MessageBody == nil || *in.MessageBody == "" {
		return draft{}, missing("MessageBody")
	}
	body := *in.MessageBody
	if !validText(body) {
		return draft{}, lambda.Errorf(codeContents,
			"Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.")
	}
	attributes, size, err := readAttributes(in.MessageAttributes)
	if err != nil {
		return draft{}, err
	}
	d := draft{size: len(body) + size, md5: aws.String(md5Of([]byte(body))), md5Attributes: md5OfAttributes(attributes)}
	if d.size > e.sizeMax {
		return draft{}, invalidValue("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", e.sizeMax)
	}
	system, err := readSystemAttributes(in.MessageSystemAttributes)
	if err != nil {
		return draft{}, err
	}
	d.md5System = md5OfAttributes(system)
	d.Body, d.Attributes = []byte(body), attributes
	if trace, ok := system[traceHeader]; ok {
		d.note(ownTrace, string(trace.Value))
	} else if c.TraceID != "" && len(c.TraceID) <= traceMax && validText(c.TraceID) {
		d.note(ownTrace, c.TraceID)
	}
	d.note(ownSender, senderOf(c))
	if err := e.setDelay(&d, delay); err != nil {
		return draft{}, err
	}
	return d, e.setGroup(&d, in)
}

// senderOf is the id of who sent a message: a user's, a role's with the session, or of
// the root user the account.
func senderOf(c lambda.Caller) string {
	if c.UserID != "" {
		return c.UserID
	}
	return c.ARN
}

func (d *draft) note(name, value string) {
	if d.Attributes == nil {
		d.Attributes = map[string]queue.Attribute{}
	}
	d.Attributes[name] = queue.Attribute{Value: []byte(value)}
}

func (e *entry) setDelay(d *draft, seconds *int32) error {
	switch {
	case seconds == nil:
		return nil
	case *seconds < 0 || *seconds > delayMax:
		return badParameter(*seconds, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
	case e.fifo && *seconds > 0:
		return badParameter(*seconds, "DelaySeconds", "The request include parameter that is not valid for this queue type.")
	case e.fifo:
		return nil // the queue's own delay holds
	}
	delay := time.Duration(*seconds) * time.Second
	d.Delay = &delay
	return nil
}

func (e *entry) setGroup(d *draft, in *types.SendMessageBatchRequestEntry) error {
	for _, t := range []struct {
		name  string
		value *string
	}{{"MessageGroupId", in.MessageGroupId}, {"MessageDeduplicationId", in.MessageDeduplicationId}} {
		if t.value != nil && !tokenPattern.MatchString(*t.value) {
			return badParameter(*t.value, t.name, t.name+" can only include alphanumeric and punctuation characters. 1 to 128 in length.")
		}
	}
	if !e.fifo {
		if in.MessageDeduplicationId != nil {
			return badParameter(*in.MessageDeduplicationId, "MessageDeduplicationId", "The request includes a parameter that is not valid for this queue type.")
		}
		if in.MessageGroupId != nil {
			d.note(ownGroup, *in.MessageGroupId)
		}
		return nil
	}
	if in.MessageGroupId == nil {
		return missing("MessageGroupId")
	}
	d.Group = *in.MessageGroupId
	switch {
	case in.MessageDeduplicationId != nil:
		d.DedupID = *in.MessageDeduplicationId
	case e.get(types.QueueAttributeNameContentBasedDeduplication) == "true":
		sum := sha256.Sum256(d.Body)
		d.DedupID = hex.EncodeToString(sum[:])
	default:
		return invalidValue("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	}
	d.note(ownDedup, d.DedupID)
	return nil
}

// validText says whether a body consists of characters that XML could carry.
func validText(s string) bool {
	for i, r := range s {
		switch {
		case r == '\t', r == '\n', r == '\r', r >= 0x20 && r <= 0xd7ff, r >= 0xe000 && r <= 0xfffd && r != utf8.RuneError, r >= 0x10000:
		case r == utf8.RuneError:
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// readAttributes checks a message's attributes and counts their bytes.
func readAttributes(in map[string]types.MessageAttributeValue) (out map[string]attributeValue, size int, err error) {
	if len(in) > attributesMax {
		return nil, 0, invalidValue("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(in), attributesMax)
	}
	if len(in) == 0 {
		return nil, 0, nil
	}
	out = make(map[string]attributeValue, len(in)+2)
	for _, name := range sortedKeys(in) {
		if err := checkAttributeName(name); err != nil {
			return nil, 0, err
		}
		v := in[name]
		a, err := readAttribute(name, &v)
		if err != nil {
			return nil, 0, err
		}
		out[name] = a
		size += len(name) + len(a.Type) + len(a.Value)
	}
	return out, size, nil
}

func checkAttributeName(name string) error {
	lower := strings.ToLower(name)
	switch {
	case name == "" || len(name) > attributeTextMax:
		return invalidValue("Message (user) attribute names must be between 1 and 256 bytes long.")
	case !attributeNamePattern.MatchString(name):
		return invalidValue("Message (user) attributes name can only contain upper and lower score characters, digits, periods, hyphens and underscores.")
	case strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") ||
		strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, ".."):
		return invalidValue("You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use. Additionally, they cannot start or end with '.'.")
	}
	return nil
}

func readAttribute(name string, v *types.MessageAttributeValue) (attributeValue, error) {
	dataType := aws.ToString(v.DataType)
	a := attributeValue{Type: dataType}
	if len(v.StringListValues) > 0 || len(v.BinaryListValues) > 0 {
		return a, lambda.Errorf(codeUnsupported, "Message attribute list values in SendMessage operation are not supported.")
	}
	switch base := baseType(dataType); base {
	case "":
		return a, invalidValue("The message attribute '%s' must contain non-empty message attribute type.", name)
	case "String", "Number":
		if v.BinaryValue != nil {
			return a, invalidValue("The message attribute '%s' with type '%s' must use field 'String'.", name, base)
		}
		a.Value = []byte(aws.ToString(v.StringValue))
	case "Binary":
		if v.StringValue != nil {
			return a, invalidValue("The message attribute '%s' with type 'Binary' must use field 'Binary'.", name)
		}
		a.Value = v.BinaryValue
	default:
		return a, invalidValue("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
	}
	switch {
	case len(dataType) > attributeTextMax:
		return a, invalidValue("The message attribute '%s' must have a message attribute type of at most 256 bytes.", name)
	case len(a.Value) == 0:
		return a, invalidValue("The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, dataType)
	case baseType(dataType) == "Number" && !numberPattern.Match(a.Value):
		return a, invalidValue("Could not cast message attribute '%s' value to number.", name)
	case !isBinary(dataType) && !validText(string(a.Value)):
		return a, lambda.Errorf(codeContents, "Invalid characters found in the message attribute '%s'.", name)
	}
	return a, nil
}

const traceHeader = string(types.MessageSystemAttributeNameForSendsAWSTraceHeader)

// readSystemAttributes checks what a sender may say for SQS itself: the trace header.
func readSystemAttributes(in map[string]types.MessageSystemAttributeValue) (map[string]attributeValue, error) {
	out := map[string]attributeValue{}
	for _, name := range sortedKeys(in) {
		v := in[name]
		if name != traceHeader {
			return nil, badParameter(name, "MessageSystemAttributeName", "Message system attribute name is invalid.")
		}
		if aws.ToString(v.DataType) != "String" || aws.ToString(v.StringValue) == "" {
			return nil, invalidValue("The message system attribute '%s' must contain a non-empty value of type 'String'.", name)
		}
		out[name] = attributeValue{Type: "String", Value: []byte(*v.StringValue)}
	}
	return out, nil
}

// sequenceBase makes a sequence number 20 digits long, as AWS's are; the engine's own
// have 16.
const sequenceBase = "1"

// sequence prints a message's place in a FIFO queue.
func sequence(n int64) string { return sequenceBase + fmt.Sprintf("%019d", n) }

func milliseconds(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
