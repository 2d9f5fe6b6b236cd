package sns

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	// httpTimeout is how long an endpoint may take to answer (SNS developer guide,
	// "Fanout to HTTP/S endpoints": 15 seconds).
	httpTimeout = 15 * time.Second
	// connectTimeout leaves time for the answer of one that connects slowly.
	connectTimeout = 10 * time.Second
	// answerMax is how much of an endpoint's answer is read, so that its connection can
	// be used again; nothing in it matters.
	answerMax = 64 << 10
	// idleConnectionsMax bounds the connections that wait for the next message.
	idleConnectionsMax     = 256
	idleConnectionsPerHost = 16
	idleConnectionTime     = time.Minute

	userAgent = "Amazon Simple Notification Service Agent"
)

func newHTTPClient() *http.Client {
	dialer := &net.Dialer{Timeout: connectTimeout}
	return &http.Client{
		Timeout: httpTimeout,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: connectTimeout, MaxIdleConns: idleConnectionsMax,
			MaxIdleConnsPerHost: idleConnectionsPerHost, IdleConnTimeout: idleConnectionTime, ForceAttemptHTTP2: true,
		},
		// A redirect is not followed: who gets the messages was confirmed.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// post sends a message to an HTTP endpoint. What the endpoint itself refuses is a
// *Refusal.
func (s *Service) post(ctx context.Context, sub *subscription, m *message) error {
	raw := m.kind == typeNotification && sub.raw()
	body := []byte(m.text)
	if !raw {
		body = m.envelope()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, sub.record.Endpoint, bytes.NewReader(body))
	if err != nil {
		return &Refusal{strconv.Itoa(http.StatusBadRequest), err.Error()}
	}
	h := req.Header
	h.Set("Content-Type", sub.deliveryPolicy().Request.HeaderContentType)
	h.Set("User-Agent", userAgent)
	h["x-amz-sns-message-type"] = []string{m.kind}
	h["x-amz-sns-message-id"] = []string{m.id}
	h["x-amz-sns-topic-arn"] = []string{m.topicARN}
	if m.kind != typeSubscriptionConfirmation {
		h["x-amz-sns-subscription-arn"] = []string{m.subscriptionARN}
	}
	if raw {
		h["x-amz-sns-rawdelivery"] = []string{"true"}
	}
	res, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("post to the endpoint: %w", err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, answerMax)) // the status has been given
	return judge(res.StatusCode)
}

// judge says what an answer's status means: 2xx is a delivery; 429, 5xx and what no
// final answer has may be over later; all else stays (SNS developer guide, "Amazon
// SNS message delivery retries").
func judge(status int) error {
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusTooManyRequests, status >= 500, status < 200:
		return fmt.Errorf("the endpoint answered %d", status)
	default:
		return &Refusal{strconv.Itoa(status), "the endpoint answered " + http.StatusText(status)}
	}
}
