package sns

import (
	"regexp"
	"strings"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// topicKey names a topic.
type topicKey struct{ account, region, name string }

// ARN is the topic's ARN.
func (k topicKey) ARN() string { return "arn:aws:sns:" + k.region + ":" + k.account + ":" + k.name }

// namePattern is what a topic's name looks like, without ".fifo" (API reference,
// CreateTopic).
var namePattern = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

const (
	nameMax    = 256
	fifoSuffix = ".fifo"
)

// validName checks a topic's name, of which FIFO topics alone have the suffix.
func validName(name string) bool {
	return len(name) <= nameMax && namePattern.MatchString(strings.TrimSuffix(name, fifoSuffix))
}

// parseTopic takes a topic's ARN apart.
func parseTopic(arn string) (topicKey, bool) {
	k, rest, ok := parseARN(arn)
	return k, ok && rest == ""
}

// topicOfSubscription cuts the topic's ARN out of a subscription's.
func topicOfSubscription(arn string) (string, bool) {
	k, id, ok := parseARN(arn)
	return k.ARN(), ok && id != "" && !strings.Contains(id, ":")
}

// parseARN takes arn:aws:sns:REGION:ACCOUNT:TOPIC[:rest] apart.
func parseARN(arn string) (k topicKey, rest string, ok bool) {
	tail, ok := strings.CutPrefix(arn, "arn:aws:sns:")
	if !ok {
		return topicKey{}, "", false
	}
	parts := strings.SplitN(tail, ":", 4)
	if len(parts) < 3 || parts[0] == "" || parts[1] == "" || !validName(parts[2]) {
		return topicKey{}, "", false
	}
	if len(parts) == 4 {
		if rest = parts[3]; rest == "" {
			return topicKey{}, "", false
		}
	}
	return topicKey{region: parts[0], account: parts[1], name: parts[2]}, rest, true
}

// arnElements is how many parts an ARN has at least.
const arnElements = 6

// checkTopicARN is the topic that a request's ARN names, or the error for an ARN
// that names none that this caller could reach here.
func checkTopicARN(c lambda.Caller, member, arn string) (topicKey, error) {
	if arn == "" {
		return topicKey{}, invalid("%s Reason: no value for required parameter", member)
	}
	if n := strings.Count(arn, ":") + 1; n < arnElements {
		return topicKey{}, invalid("%s Reason: An ARN must have at least 6 elements, not %d", member, n)
	}
	k, ok := parseTopic(arn)
	if !ok || c.Kind != lambda.PrincipalAnonymous && k.region != c.Region {
		return topicKey{}, invalid("%s", member)
	}
	return k, nil
}

// checkSubscriptionARN does the same for a subscription's.
func checkSubscriptionARN(c lambda.Caller, arn string) error {
	const member = "SubscriptionArn"
	if arn == "" {
		return invalid("%s Reason: no value for required parameter", member)
	}
	if n := strings.Count(arn, ":") + 1; n < arnElements {
		return invalid("%s Reason: An ARN must have at least 6 elements, not %d", member, n)
	}
	k, id, ok := parseARN(arn)
	switch {
	case !ok, c.Kind != lambda.PrincipalAnonymous && k.region != c.Region:
		return invalid("%s", member)
	case id == "":
		return invalid("SubscriptionId")
	}
	return nil
}

// resourceARN is what a subscription's endpoint or a dead-letter queue is: service,
// region, account and the rest of an ARN.
type resourceARN struct{ service, region, account, name string }

func parseResource(arn string) (resourceARN, bool) {
	p := strings.SplitN(arn, ":", 6)
	if len(p) != 6 || p[0] != "arn" || p[1] != "aws" || p[3] == "" || len(p[4]) != accountDigits || p[5] == "" {
		return resourceARN{}, false
	}
	return resourceARN{p[2], p[3], p[4], p[5]}, true
}

const accountDigits = 12
