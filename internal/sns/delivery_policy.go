package sns

import (
	"bytes"
	"encoding/json"
	"mime"
	"slices"
	"time"
)

// The bounds of a delivery policy (SNS developer guide, "HTTP/HTTPS delivery
// policy").
const (
	retriesMax      = 100
	delayTargetMax  = 3600 // seconds
	retryTimeMax    = time.Hour
	defaultDelay    = 20 // seconds
	defaultRetries  = 3
	defaultMIMEType = "text/plain; charset=UTF-8"
	// receiveRateMax bounds maxReceivesPerSecond; faster is no limit.
	receiveRateMax = 100_000
)

// healthyPolicy is a retry policy as JSON, in AWS's order.
type healthyPolicy struct {
	MinDelayTarget     int    `json:"minDelayTarget"`
	MaxDelayTarget     int    `json:"maxDelayTarget"`
	NumRetries         int    `json:"numRetries"`
	NumMaxDelayRetries int    `json:"numMaxDelayRetries"`
	NumNoDelayRetries  int    `json:"numNoDelayRetries"`
	NumMinDelayRetries int    `json:"numMinDelayRetries"`
	BackoffFunction    string `json:"backoffFunction"`
}

type throttlePolicy struct {
	MaxReceivesPerSecond int `json:"maxReceivesPerSecond"`
}

type requestPolicy struct {
	HeaderContentType string `json:"headerContentType"`
}

// topicDelivery is a topic's delivery policy.
type topicDelivery struct {
	Healthy  *healthyPolicy  `json:"defaultHealthyRetryPolicy,omitempty"`
	Fixed    bool            `json:"disableSubscriptionOverrides"`
	Throttle *throttlePolicy `json:"defaultThrottlePolicy,omitempty"`
	Request  *requestPolicy  `json:"defaultRequestPolicy,omitempty"`
}

// subscriptionDelivery is a subscription's.
type subscriptionDelivery struct {
	Healthy    *healthyPolicy  `json:"healthyRetryPolicy"`
	Sickly     *healthyPolicy  `json:"sicklyRetryPolicy"`
	Throttle   *throttlePolicy `json:"throttlePolicy"`
	Request    *requestPolicy  `json:"requestPolicy"`
	Guaranteed bool            `json:"guaranteed"`
}

// UnmarshalJSON takes the values of AWS's own policy where the text has none.
func (h *healthyPolicy) UnmarshalJSON(b []byte) error {
	type plain healthyPolicy
	p := plain(standardHealthy())
	if err := strict(b, &p); err != nil {
		return err
	}
	*h = healthyPolicy(p)
	return nil
}

func standardHealthy() healthyPolicy {
	return healthyPolicy{
		MinDelayTarget: defaultDelay, MaxDelayTarget: defaultDelay, NumRetries: defaultRetries, BackoffFunction: curveLinear,
	}
}

// strict decodes JSON and refuses members that are not known.
func strict(b []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(to)
}

// parseTopicDelivery reads a topic's DeliveryPolicy; the empty text is AWS's own.
func parseTopicDelivery(text string) (topicDelivery, error) {
	if text == "" {
		return topicDelivery{}, nil
	}
	var whole struct {
		HTTP *topicDelivery `json:"http"`
	}
	if !json.Valid([]byte(text)) {
		return topicDelivery{}, invalid("DeliveryPolicy: failed to parse JSON.")
	}
	if err := strict([]byte(text), &whole); err != nil {
		return topicDelivery{}, invalid("DeliveryPolicy: %s", err.Error())
	}
	if whole.HTTP == nil {
		return topicDelivery{}, nil
	}
	return *whole.HTTP, checkDelivery("http.default", whole.HTTP.Healthy, whole.HTTP.Throttle, whole.HTTP.Request)
}

// parseSubscriptionDelivery reads a subscription's DeliveryPolicy.
func parseSubscriptionDelivery(text string) (subscriptionDelivery, error) {
	var d subscriptionDelivery
	if text == "" {
		return d, nil
	}
	if !json.Valid([]byte(text)) {
		return d, invalid("DeliveryPolicy: failed to parse JSON.")
	}
	if err := strict([]byte(text), &d); err != nil {
		return d, invalid("DeliveryPolicy: %s", err.Error())
	}
	return d, checkDelivery("", d.Healthy, d.Throttle, d.Request)
}

func checkDelivery(prefix string, h *healthyPolicy, t *throttlePolicy, r *requestPolicy) error {
	if h != nil {
		if problem := h.problem(); problem != "" {
			return invalid("DeliveryPolicy: %s%s", prefix, problem)
		}
	}
	if t != nil && (t.MaxReceivesPerSecond < 1 || t.MaxReceivesPerSecond > receiveRateMax) {
		return invalid("DeliveryPolicy: %sthrottlePolicy.maxReceivesPerSecond must be greater than or equal to 1", prefix)
	}
	if r != nil {
		if kind, _, err := mime.ParseMediaType(r.HeaderContentType); err != nil || !slices.Contains(contentTypes, kind) {
			return invalid("DeliveryPolicy: %srequestPolicy.headerContentType is not a supported content type", prefix)
		}
	}
	return nil
}

// contentTypes are the media types that an endpoint may ask for (SNS developer
// guide, "Creating an HTTP/S delivery policy").
var contentTypes = []string{
	"application/atom+xml", "application/json", "application/octet-stream", "application/soap+xml",
	"application/x-www-form-urlencoded", "application/xhtml+xml", "application/xml", "text/css", "text/csv",
	"text/html", "text/plain", "text/xml",
}

func (h *healthyPolicy) problem() string {
	switch {
	case h.MinDelayTarget < 1 || h.MinDelayTarget > delayTargetMax:
		return "healthyRetryPolicy.minDelayTarget must be between 1 and 3600"
	case h.MaxDelayTarget < 1 || h.MaxDelayTarget > delayTargetMax:
		return "healthyRetryPolicy.maxDelayTarget must be between 1 and 3600"
	case h.MinDelayTarget > h.MaxDelayTarget:
		return "healthyRetryPolicy.minDelayTarget must be less than or equal to maxDelayTarget"
	case h.NumRetries < 0 || h.NumRetries > retriesMax:
		return "healthyRetryPolicy.numRetries must be between 0 and 100"
	case h.NumNoDelayRetries < 0 || h.NumMinDelayRetries < 0 || h.NumMaxDelayRetries < 0:
		return "healthyRetryPolicy counts must be greater than or equal to 0"
	case h.NumNoDelayRetries+h.NumMinDelayRetries+h.NumMaxDelayRetries > h.NumRetries:
		return "healthyRetryPolicy.numRetries must be greater than or equal to total of numMinDelayRetries, numNoDelayRetries and numMaxDelayRetries"
	case !slices.Contains([]string{curveArithmetic, curveExponential, curveGeometric, curveLinear}, h.BackoffFunction):
		return "healthyRetryPolicy.backoffFunction must be one of arithmetic, exponential, geometric and linear"
	case h.policy().total() > retryTimeMax:
		return "healthyRetryPolicy takes more than 3600 seconds"
	}
	return ""
}

func (h *healthyPolicy) policy() retryPolicy {
	return retryPolicy{
		noDelay: h.NumNoDelayRetries, minDelay: h.NumMinDelayRetries, maxDelay: h.NumMaxDelayRetries,
		backoff: h.NumRetries - h.NumNoDelayRetries - h.NumMinDelayRetries - h.NumMaxDelayRetries,
		min:     time.Duration(h.MinDelayTarget) * time.Second, max: time.Duration(h.MaxDelayTarget) * time.Second,
		curve: h.BackoffFunction,
	}
}

// effective is the topic's policy with AWS's own where it says nothing.
func (d topicDelivery) effective() string {
	if d.Healthy == nil {
		h := standardHealthy()
		d.Healthy = &h
	}
	if d.Request == nil {
		d.Request = &requestPolicy{defaultMIMEType}
	}
	return encodeJSON(map[string]topicDelivery{"http": d})
}

// delivery is what holds for one subscription: its own policy, unless the topic's
// forbids that, then the topic's, then AWS's.
func (s *subscription) deliveryPolicy() subscriptionDelivery {
	d, t := s.delivery, s.topic.policy
	if t.Fixed {
		d = subscriptionDelivery{}
	}
	if d.Healthy == nil {
		d.Healthy = t.Healthy
	}
	if d.Throttle == nil {
		d.Throttle = t.Throttle
	}
	if d.Request == nil {
		d.Request = t.Request
	}
	if d.Healthy == nil {
		h := standardHealthy()
		d.Healthy = &h
	}
	if d.Request == nil {
		d.Request = &requestPolicy{defaultMIMEType}
	}
	return d
}

// retryPolicy is how deliveries to the subscription are tried again.
func (s *subscription) retryPolicy() retryPolicy {
	if !isHTTP(s.record.Protocol) {
		return managedRetries
	}
	return s.deliveryPolicy().Healthy.policy()
}

// redrivePolicy is where messages go that could not be delivered.
type redrivePolicy struct {
	DeadLetterTargetARN string `json:"deadLetterTargetArn"`
}

// parseRedrive reads a RedrivePolicy: the ARN of a queue, empty for none.
func parseRedrive(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	var p redrivePolicy
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return "", invalid("RedrivePolicy: failed to parse JSON.")
	}
	if p.DeadLetterTargetARN == "" {
		return "", nil
	}
	if arn, ok := parseResource(p.DeadLetterTargetARN); !ok || arn.service != "sqs" {
		return "", invalid("RedrivePolicy: deadLetterTargetArn is an invalid arn")
	}
	return p.DeadLetterTargetARN, nil
}
