package sns

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// refusal fails when an error of a check is a fault instead of the caller's.
func onlyRefuses(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*lambda.Error](err); err != nil && !ok {
		t.Errorf("got the error %v", err)
	}
}

func FuzzDeliveryPolicies(f *testing.F) {
	f.Add(`{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":60,"numRetries":50,"numNoDelayRetries":3,"numMinDelayRetries":2,"numMaxDelayRetries":35,"backoffFunction":"exponential"},"defaultThrottlePolicy":{"maxReceivesPerSecond":10},"defaultRequestPolicy":{"headerContentType":"application/json"}}}`)
	f.Add(`{"healthyRetryPolicy":{"numRetries":100,"backoffFunction":"geometric","minDelayTarget":1},"sicklyRetryPolicy":null,"guaranteed":false}`)
	f.Add(`{"http":null}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, text string) {
		td, err := parseTopicDelivery(text)
		onlyRefuses(t, err)
		if err == nil && !json.Valid([]byte(td.effective())) {
			t.Errorf("got %s", td.effective())
		}
		sd, err := parseSubscriptionDelivery(text)
		onlyRefuses(t, err)
		if err != nil {
			return
		}
		s := &subscription{topic: &topic{}, delivery: sd, record: subscriptionRecord{Protocol: "http"}}
		p := s.retryPolicy()
		if p.total() > retryTimeMax || p.retries() > retriesMax {
			t.Errorf("%d retries over %s", p.retries(), p.total())
		}
		for n := 1; n <= p.retries(); n++ {
			if d, ok := p.delay(n); !ok || d < 0 || d > p.max {
				t.Errorf("retry %d waits %s, %v", n, d, ok)
			}
		}
	})
}

func FuzzRedrivePolicyAndFilter(f *testing.F) {
	f.Add(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:q"}`, "MessageBody")
	f.Add(`{"a":["b",{"numeric":[">",1]}]}`, "")
	f.Fuzz(func(t *testing.T, text, scope string) {
		arn, err := parseRedrive(text)
		onlyRefuses(t, err)
		if r, ok := parseResource(arn); arn != "" && (!ok || r.service != "sqs") {
			t.Errorf("got %q", arn)
		}
		filter, err := compileFilter(scope, text)
		onlyRefuses(t, err)
		if err == nil {
			filter.matches(&subject{attributes: map[string]Attribute{"a": {Type: "String.Array", Value: []byte(text)}}}, text)
		}
	})
}

func FuzzMessage(f *testing.F) {
	f.Add(`{"default":"m","sqs":"q","lambda":1}`, "a subject", "String", "name")
	f.Add("text", "", "String.Array", "a.b")
	f.Fuzz(func(t *testing.T, text, subjectText, kind, name string) {
		texts, err := protocolTexts(text)
		onlyRefuses(t, err)
		if _, ok := texts["default"]; err == nil && !ok {
			t.Error("a message without a text for all others was taken")
		}
		onlyRefuses(t, checkAttributeName(name))
		m := &message{kind: typeNotification, text: text, attributes: map[string]Attribute{name: {Type: kind, Value: []byte(text)}}}
		if validSubject(subjectText) {
			m.subject = &subjectText
		}
		if !json.Valid(m.envelope()) {
			t.Errorf("no JSON: %s", m.envelope())
		}
		if !json.Valid(m.event()) {
			t.Errorf("no JSON: %s", m.event())
		}
	})
}

func FuzzPolicyStatements(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Id":"i","Statement":[{"Sid":"s","Effect":"Allow","Principal":"*","Action":["sns:Publish"],"Resource":"*"}]}`)
	f.Add(`{"Statement":{"Action":"*"}}`)
	f.Add(`{"Statement":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		s := &Service{cfg: Config{CheckPolicy: func(string) error { return nil }}}
		onlyRefuses(t, s.checkPolicy(text))
		if statements, _, err := readStatements(text); err == nil {
			for _, raw := range statements {
				sidOf(raw)
			}
		}
	})
}

func FuzzNamesAndTokens(f *testing.F) {
	f.Add("arn:aws:sns:us-east-1:000000000000:t:id", "YWZ0ZXIgeA==")
	f.Add("arn:aws:sns:us-east-1:000000000000:t.fifo", "")
	f.Fuzz(func(t *testing.T, arn, token string) {
		if k, ok := parseTopic(arn); ok && k.ARN() != arn {
			t.Errorf("%q became %q", arn, k.ARN())
		}
		if topicARN, ok := topicOfSubscription(arn); ok && arn[:len(topicARN)+1] != topicARN+":" {
			t.Errorf("%q is of %q", arn, topicARN)
		}
		c := lambda.Caller{Region: "us-east-1"}
		_, err := checkTopicARN(c, "TopicArn", arn)
		onlyRefuses(t, err)
		onlyRefuses(t, checkSubscriptionARN(c, arn))
		_, _, err = pageOf([]string{"a", arn}, &token)
		onlyRefuses(t, err)
	})
}
