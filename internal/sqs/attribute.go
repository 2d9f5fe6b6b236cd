package sqs

import (
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// The bounds of queues' attributes (API reference, SetQueueAttributes).
const (
	delayMax      = 900     // seconds
	retentionMin  = 60      // seconds
	retentionMax  = 1209600 // seconds, 14 days
	visibilityMax = 43200   // seconds, 12 hours
	waitMax       = 20      // seconds
	sizeMin       = 1024    // bytes
	sizeMax       = 1 << 20 // bytes
	keyReuseMin   = 60      // seconds
	keyReuseMax   = 86400   // seconds
	keyIDMax      = 2048    // characters, as of an alias's ARN
)

const (
	scopeGroup    = "messageGroup"
	scopeQueue    = "queue"
	limitPerGroup = "perMessageGroupId"
	limitPerQueue = "perQueue"
)

// attribute is an attribute that a queue can be set to.
type attribute struct {
	standard string // its default; empty when the attribute is not there unless set
	fifo     bool   // FIFO queues alone have it
	// normal is the value in the form in which it is read back, and whether it is
	// valid. Values that depend on other things than themselves are checked apart.
	normal func(string) (string, bool)
}

// settable are the attributes that a queue can be set to.
var settable = map[types.QueueAttributeName]attribute{
	types.QueueAttributeNameDelaySeconds:                  {standard: "0", normal: number(0, delayMax)},
	types.QueueAttributeNameMaximumMessageSize:            {standard: strconv.Itoa(sizeMax), normal: number(sizeMin, sizeMax)},
	types.QueueAttributeNameMessageRetentionPeriod:        {standard: "345600", normal: number(retentionMin, retentionMax)},
	types.QueueAttributeNameReceiveMessageWaitTimeSeconds: {standard: "0", normal: number(0, waitMax)},
	types.QueueAttributeNameVisibilityTimeout:             {standard: "30", normal: number(0, visibilityMax)},
	types.QueueAttributeNameKmsMasterKeyId:                {normal: func(s string) (string, bool) { return s, len(s) <= keyIDMax }},
	types.QueueAttributeNameKmsDataKeyReusePeriodSeconds:  {normal: number(keyReuseMin, keyReuseMax)},
	types.QueueAttributeNameSqsManagedSseEnabled:          {standard: "true", normal: oneOf("true", "false")},
	types.QueueAttributeNamePolicy:                        {normal: anything},
	types.QueueAttributeNameRedrivePolicy:                 {normal: anything},
	types.QueueAttributeNameRedriveAllowPolicy:            {normal: anything},
	types.QueueAttributeNameFifoQueue:                     {fifo: true, normal: oneOf("true")},
	types.QueueAttributeNameContentBasedDeduplication:     {fifo: true, standard: "false", normal: oneOf("true", "false")},
	types.QueueAttributeNameDeduplicationScope:            {fifo: true, standard: scopeQueue, normal: oneOf(scopeQueue, scopeGroup)},
	types.QueueAttributeNameFifoThroughputLimit:           {fifo: true, standard: limitPerQueue, normal: oneOf(limitPerQueue, limitPerGroup)},
}

// readable are the attributes that every queue has besides those that it is set to.
var readable = []types.QueueAttributeName{
	types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	types.QueueAttributeNameApproximateNumberOfMessagesNotVisible, types.QueueAttributeNameCreatedTimestamp,
	types.QueueAttributeNameLastModifiedTimestamp, types.QueueAttributeNameQueueArn,
}

func number(least, most int) func(string) (string, bool) {
	return func(s string) (string, bool) {
		n, err := strconv.Atoi(s)
		return strconv.Itoa(n), err == nil && n >= least && n <= most
	}
}

func oneOf(values ...string) func(string) (string, bool) {
	return func(s string) (string, bool) { return s, slices.Contains(values, s) }
}

func anything(s string) (string, bool) { return s, true }

// apply sets attributes in a record; an empty value takes those away that a queue need
// not have. It checks what can be said of one value alone and of the record as a whole.
func apply(rec *record, fifo bool, attributes map[string]string) error {
	for _, name := range sortedKeys(attributes) {
		value := attributes[name]
		a, ok := settable[types.QueueAttributeName(name)]
		if !ok || a.fifo && !fifo {
			return unknownAttribute(name)
		}
		if value == "" && a.standard == "" && !a.fifo {
			delete(rec.Attributes, name)
			continue
		}
		normal, ok := a.normal(value)
		if !ok {
			return badAttribute(name)
		}
		rec.Attributes[name] = normal
	}
	return settleEncryption(rec, attributes)
}

// settleEncryption lets a queue have one kind of encryption: a key of KMS's ends that
// of SQS's own.
func settleEncryption(rec *record, set map[string]string) error {
	const key, own, reuse = string(types.QueueAttributeNameKmsMasterKeyId),
		string(types.QueueAttributeNameSqsManagedSseEnabled), string(types.QueueAttributeNameKmsDataKeyReusePeriodSeconds)
	switch {
	case set[key] != "" && set[own] == "true":
		return lambda.Errorf(codeInvalidAttribute,
			"You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
	case set[own] == "true":
		delete(rec.Attributes, key)
		delete(rec.Attributes, reuse)
	case rec.Attributes[key] != "":
		rec.Attributes[own] = "false"
		if rec.Attributes[reuse] == "" {
			rec.Attributes[reuse] = "300" // its default
		}
	}
	return nil
}

// checkThroughput refuses high throughput without deduplication in groups.
func checkThroughput(e *entry) error {
	if e.get(types.QueueAttributeNameFifoThroughputLimit) == limitPerGroup && e.get(types.QueueAttributeNameDeduplicationScope) != scopeGroup {
		return lambda.Errorf(codeInvalidAttribute,
			"Invalid value for the parameter FifoThroughputLimit. Reason: The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.")
	}
	return nil
}
