package sns

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// The attributes of topics and subscriptions that mean something here.
const (
	attrContentDedup     = "ContentBasedDeduplication"
	attrDeliveryPolicy   = "DeliveryPolicy"
	attrDisplayName      = "DisplayName"
	attrFIFO             = "FifoTopic"
	attrFilterPolicy     = "FilterPolicy"
	attrFilterScope      = "FilterPolicyScope"
	attrKMSKey           = "KmsMasterKeyId"
	attrMessageMax       = "MaximumMessageSize"
	attrPolicy           = "Policy"
	attrRaw              = "RawMessageDelivery"
	attrRedrive          = "RedrivePolicy"
	attrSignatureVersion = "SignatureVersion"
	attrThroughputScope  = "FifoThroughputScope"
	attrTracing          = "TracingConfig"
)

const (
	scopeTopic = "Topic"
	scopeGroup = "MessageGroup"
	// displayNameMax bounds DisplayName in characters, as AWS does.
	displayNameMax = 100
	// kmsKeyMax bounds KmsMasterKeyId; the longest form is an alias's ARN.
	kmsKeyMax = 2048
	// sizeMin, sizeDefault and sizeMax are what MaximumMessageSize may be, in bytes
	// (API reference, SetTopicAttributes).
	sizeMin     = 1 << 10
	sizeDefault = 256 << 10
	sizeMax     = 1 << 20
	// largeSubscriptionsMax is how many subscriptions a topic of larger messages than
	// sizeDefault may have, none of them over HTTP.
	largeSubscriptionsMax = 100
)

// feedback are the attributes that have deliveries logged (delivery status); they
// are kept and shown.
var feedback = regexp.MustCompile(`^(?:HTTP|Firehose|Lambda|Application|SQS)(?:(?:Success|Failure)FeedbackRoleArn|SuccessFeedbackSampleRate)$`)

// attribute is a topic's attribute, or what AWS takes where it was not set.
func (t *topic) attribute(name string) string {
	if v, ok := t.record.Attributes[name]; ok {
		return v
	}
	switch name {
	case attrFIFO:
		return strconv.FormatBool(t.record.FIFO)
	case attrContentDedup:
		return "false"
	case attrThroughputScope:
		return scopeTopic
	case attrSignatureVersion:
		return "1"
	case attrTracing:
		return "PassThrough"
	}
	return ""
}

// messageMax is how large a message of the topic may be.
func (t *topic) messageMax() int {
	if n, err := strconv.Atoi(t.record.Attributes[attrMessageMax]); err == nil {
		return n
	}
	return sizeDefault
}

// setTopicAttribute checks an attribute and keeps it; the empty value takes it away.
func (s *Service) setTopicAttribute(rec *topicRecord, subs []*subscription, name, value string) error {
	if err := s.checkTopicAttribute(rec, subs, name, value); err != nil {
		return err
	}
	if value == "" {
		delete(rec.Attributes, name)
	} else {
		rec.Attributes[name] = value
	}
	return nil
}

func (s *Service) checkTopicAttribute(rec *topicRecord, subs []*subscription, name, value string) error {
	switch {
	case name == attrContentDedup || name == attrThroughputScope:
		if !rec.FIFO {
			return invalid("%s", name)
		}
	case name == "ArchivePolicy":
		return lambda.Errorf(lambda.CodeNotImplemented, "Hearth keeps no archive of messages.")
	case feedback.MatchString(name):
		return checkFeedback(name, value)
	}
	if value == "" && name != attrContentDedup {
		switch name {
		case attrPolicy:
			return invalid("Policy is empty")
		case attrDeliveryPolicy, attrDisplayName, attrKMSKey, attrMessageMax, attrSignatureVersion, attrThroughputScope, attrTracing:
			return nil
		}
	}
	switch name {
	case attrContentDedup:
		return oneOf(name, value, "true", "false")
	case attrThroughputScope:
		return oneOf(name, value, scopeTopic, scopeGroup)
	case attrSignatureVersion:
		return oneOf(name, value, "1", "2")
	case attrTracing:
		return oneOf(name, value, "PassThrough", "Active")
	case attrPolicy:
		return s.checkPolicy(value)
	case attrDeliveryPolicy:
		_, err := parseTopicDelivery(value)
		return err
	case attrDisplayName:
		if utf8.RuneCountInString(value) > displayNameMax || strings.ContainsAny(value, "\r\n") {
			return invalid("DisplayName")
		}
		return nil
	case attrKMSKey:
		if len(value) > kmsKeyMax {
			return invalid("KmsMasterKeyId")
		}
		return nil
	case attrMessageMax:
		return checkSize(subs, value)
	}
	return invalid("AttributeName")
}

func oneOf(name, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return invalid("%s Reason: Invalid value [%s]. Must be %s.", name, value, strings.Join(allowed, " or "))
}

func checkFeedback(name, value string) error {
	if !strings.HasSuffix(name, "SampleRate") {
		if value != "" && !strings.HasPrefix(value, "arn:aws:iam::") {
			return invalid("%s", name)
		}
		return nil
	}
	if n, err := strconv.Atoi(value); value != "" && (err != nil || n < 0 || n > 100) {
		return invalid("%s", name)
	}
	return nil
}

// checkSize checks MaximumMessageSize for a topic with these subscriptions.
func checkSize(subs []*subscription, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < sizeMin || n > sizeMax {
		return invalid("%s Reason: Must be between %d and %d", attrMessageMax, sizeMin, sizeMax)
	}
	if n <= sizeDefault {
		return nil
	}
	if len(subs) > largeSubscriptionsMax {
		return invalid("%s Reason: a topic with more than %d subscriptions cannot have messages above 256 KiB", attrMessageMax, largeSubscriptionsMax)
	}
	for _, sub := range subs {
		if isHTTP(sub.record.Protocol) {
			return invalid("%s Reason: a topic with subscriptions of the protocol %s cannot have messages above 256 KiB", attrMessageMax, sub.record.Protocol)
		}
	}
	return nil
}

// asAttributes is a refusal of one attribute as the operations say it that take all
// attributes at once.
func asAttributes(err error) error {
	e, ok := errors.AsType[*lambda.Error](err)
	if !ok || e.Code != codeInvalidParameter {
		return err
	}
	rest, _ := strings.CutPrefix(e.Message, "Invalid parameter: ")
	if strings.HasPrefix(rest, "Attributes Reason: ") {
		return err
	}
	return invalid("Attributes Reason: %s", rest)
}
