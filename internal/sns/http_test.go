package sns

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
)

// endpoint is a web server that takes messages.
type endpoint struct {
	url string
	got chan arrival

	mu     sync.Mutex // guards status
	status func(arrival) int
}

// arrival is a request as it came.
type arrival struct {
	header http.Header
	host   string
	body   string
}

func newEndpoint(t testing.TB) *endpoint {
	t.Helper()
	e := &endpoint{got: make(chan arrival, 1000)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		a := arrival{r.Header, r.Host, string(body)}
		e.mu.Lock()
		status := e.status
		e.mu.Unlock()
		e.got <- a
		if status != nil {
			w.WriteHeader(status(a))
		}
	}))
	t.Cleanup(server.Close)
	e.url = server.URL
	return e
}

func (e *endpoint) answer(status func(arrival) int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status = status
}

func (e *endpoint) next(t testing.TB) arrival {
	t.Helper()
	select {
	case a := <-e.got:
		return a
	case <-time.After(patience):
		t.Fatal("nothing came to the endpoint")
		return arrival{}
	}
}

func fetch(t testing.TB, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// verify does what AWS's guide tells endpoints to do with a signature.
func verify(t testing.TB, m sent) {
	t.Helper()
	status, text := fetch(t, m.SigningCertURL)
	block, _ := pem.Decode([]byte(text))
	if status != http.StatusOK || block == nil {
		t.Fatalf("the certificate: %d, %s", status, text)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	parts := []string{"Message", m.Message, "MessageId", m.MessageID}
	if m.Subject != nil {
		parts = append(parts, "Subject", *m.Subject)
	}
	if m.Type != "Notification" {
		parts = append(parts, "SubscribeURL", m.SubscribeURL)
	}
	parts = append(parts, "Timestamp", m.Timestamp)
	if m.Type != "Notification" {
		parts = append(parts, "Token", m.Token)
	}
	parts = append(parts, "TopicArn", m.TopicArn, "Type", m.Type)
	signed := []byte(strings.Join(parts, "\n") + "\n")
	signature, err := base64.StdEncoding.DecodeString(m.Signature)
	if err != nil {
		t.Fatal(err)
	}
	key, ok := certificate.PublicKey.(*rsa.PublicKey)
	if !ok {
		t.Fatalf("the certificate has a %T", certificate.PublicKey)
	}
	switch m.SignatureVersion {
	case "1":
		sum := sha1.Sum(signed)
		err = rsa.VerifyPKCS1v15(key, crypto.SHA1, sum[:], signature)
	case "2":
		sum := sha256.Sum256(signed)
		err = rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
	default:
		err = fmt.Errorf("signature version %q", m.SignatureVersion)
	}
	if err != nil {
		t.Errorf("%s: %v", m.Type, err)
	}
}

func TestAnHTTPEndpointConfirmsGetsSignedMessagesAndLeaves(t *testing.T) {
	for _, version := range []string{"1", "2"} {
		f, e := open(t), newEndpoint(t)
		arn := f.topicWith("t", map[string]string{"SignatureVersion": version})
		must(f.client().Subscribe(t.Context(), &awssns.SubscribeInput{TopicArn: arn, Protocol: str("http"), Endpoint: &e.url}))(t)

		asked := e.next(t)
		m := read(t, []byte(asked.body))
		verify(t, m)
		for name, want := range map[string]string{
			"X-Amz-Sns-Message-Type": "SubscriptionConfirmation", "X-Amz-Sns-Message-Id": m.MessageID, "X-Amz-Sns-Topic-Arn": *arn,
			"Content-Type": "text/plain; charset=UTF-8", "User-Agent": "Amazon Simple Notification Service Agent",
		} {
			if got := asked.header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if m.Type != "SubscriptionConfirmation" || m.Message != "You have chosen to subscribe to the topic "+*arn+".\nTo confirm the subscription, visit the SubscribeURL included in this message." {
			t.Errorf("got %+v", m)
		}
		if f.publishText(arn, "before"); len(e.got) != 0 {
			t.Error("an endpoint got a message before it confirmed")
		}
		status, body := fetch(t, m.SubscribeURL)
		if status != http.StatusOK || !strings.Contains(body, "<SubscriptionArn>"+*arn+":") {
			t.Fatalf("confirm: %d, %s", status, body)
		}
		must(f.client().Publish(t.Context(), &awssns.PublishInput{TopicArn: arn, Message: str("hello \u2028<"), Subject: str("s")}))(t)
		came := e.next(t)
		m = read(t, []byte(came.body))
		verify(t, m)
		sub := came.header.Get("X-Amz-Sns-Subscription-Arn")
		if m.Message != "hello \u2028<" || *m.Subject != "s" || !strings.HasPrefix(sub, *arn+":") || !strings.HasSuffix(m.UnsubscribeURL, sub) {
			t.Errorf("got %+v of %s", m, sub)
		}

		if status, body := fetch(t, m.UnsubscribeURL); status != http.StatusOK {
			t.Fatalf("unsubscribe: %d, %s", status, body)
		}
		m = read(t, []byte(e.next(t).body))
		verify(t, m)
		_, err := f.client().GetSubscriptionAttributes(t.Context(), &awssns.GetSubscriptionAttributesInput{SubscriptionArn: &sub})
		refusedWith(t, err, "NotFound", 404, "Subscription does not exist")
		if f.publishText(arn, "after"); m.Type != "UnsubscribeConfirmation" {
			t.Errorf("got %+v", m)
		}
		if status, _ := fetch(t, m.SubscribeURL); status != http.StatusOK { // it changed its mind
			t.Errorf("got %d", status)
		}
		f.publishText(arn, "again")
		if m := read(t, []byte(e.next(t).body)); m.Message != "again" {
			t.Errorf("got %+v", m)
		}
		f.end()
		f.start() // for the cleanup
	}
}

func TestAnEndpointThatAskedForItLeavesOnlyWithASignature(t *testing.T) {
	f, e := open(t), newEndpoint(t)
	arn := f.topicWith("t", nil)
	f.subscribeTo(arn, "http", e.url, nil)
	m := read(t, []byte(e.next(t).body))
	if status, body := fetch(t, m.SubscribeURL+"&AuthenticateOnUnsubscribe=true"); status != http.StatusForbidden || !strings.Contains(body, "<Code>AuthorizationError</Code>") {
		t.Errorf("got %d, %s", status, body)
	}
	sub := must(f.client().ConfirmSubscription(t.Context(), &awssns.ConfirmSubscriptionInput{TopicArn: arn, Token: &m.Token, AuthenticateOnUnsubscribe: str("true")}))(t).SubscriptionArn
	if status, _ := fetch(t, f.url+"/?Action=Unsubscribe&SubscriptionArn="+*sub); status != http.StatusForbidden {
		t.Errorf("got %d", status)
	}
	must(f.client().Unsubscribe(t.Context(), &awssns.UnsubscribeInput{SubscriptionArn: sub}))(t)
	if status, _ := fetch(t, f.url+certificatePath+"nonsense.pem"); status != http.StatusNotFound {
		t.Errorf("got %d", status)
	}
}

// confirmed subscribes an endpoint and confirms.
func (f *fixture) confirmed(e *endpoint, arn *string, attributes map[string]string) *string {
	f.t.Helper()
	sub := f.subscribeTo(arn, "http", e.url, attributes)
	m := read(f.t, []byte(e.next(f.t).body))
	must(f.client().ConfirmSubscription(f.t.Context(), &awssns.ConfirmSubscriptionInput{TopicArn: arn, Token: &m.Token}))(f.t)
	return sub
}

func TestRawMessagesAndContentTypesOverHTTP(t *testing.T) {
	f, e := open(t), newEndpoint(t)
	arn := f.topicWith("t", nil)
	f.confirmed(e, arn, map[string]string{
		"RawMessageDelivery": "true", "DeliveryPolicy": `{"requestPolicy":{"headerContentType":"application/json"},"throttlePolicy":{"maxReceivesPerSecond":5}}`,
	})
	f.publishText(arn, `{"a":1}`)
	a := e.next(t)
	if a.body != `{"a":1}` || a.header.Get("X-Amz-Sns-Rawdelivery") != "true" || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %+v", a)
	}
}

func TestWhatAnEndpointAnswersDecidesAboutTheNextAttempt(t *testing.T) {
	f, e := open(t), newEndpoint(t)
	arn := f.topicWith("t", nil)
	dead := "arn:aws:sqs:us-east-1:000000000000:dead"
	f.confirmed(e, arn, map[string]string{"RawMessageDelivery": "true", "RedrivePolicy": `{"deadLetterTargetArn":"` + dead + `"}`})
	for _, c := range []struct {
		status   int
		attempts int // all but the last fail, unless there is a dead letter
		dead     bool
	}{
		{http.StatusNoContent, 1, false},
		{http.StatusInternalServerError, 4, true}, // AWS's own policy: 3 retries
		{http.StatusTooManyRequests, 4, true},
		{http.StatusNotFound, 1, true},
		{http.StatusFound, 1, true},
	} {
		e.answer(func(arrival) int { return c.status })
		text := fmt.Sprint(c.status)
		f.publishText(arn, text)
		for range c.attempts {
			if a := e.next(t); a.body != text {
				t.Errorf("got %s, want %s", a.body, text)
			}
		}
		if !c.dead {
			continue
		}
		d := f.next()
		code := text
		if c.attempts > 1 {
			code = "500"
		}
		if d.Endpoint != dead || string(d.Body) != text || string(d.Attributes["ErrorCode"].Value) != code {
			t.Errorf("got %+v", d)
		}
	}
	f.stop()
	if len(e.got) != 0 {
		t.Errorf("%d attempts too many", len(e.got))
	}
}

func TestAPasswordInAURLIsUsedAndHidden(t *testing.T) {
	f, e := open(t), newEndpoint(t)
	arn := f.topicWith("t", nil)
	address := strings.Replace(e.url, "http://", "http://me:secret@", 1)
	sub := f.subscribeTo(arn, "http", address, nil)
	if got := e.next(t).header.Get("Authorization"); got != "Basic "+base64.StdEncoding.EncodeToString([]byte("me:secret")) {
		t.Errorf("got %q", got)
	}
	attributes := must(f.client().GetSubscriptionAttributes(t.Context(), &awssns.GetSubscriptionAttributesInput{SubscriptionArn: sub}))(t).Attributes
	if want := strings.Replace(e.url, "http://", "http://me:****@", 1); attributes["Endpoint"] != want {
		t.Errorf("got %s, want %s", attributes["Endpoint"], want)
	}
	if want := `{"healthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"sicklyRetryPolicy":null,"throttlePolicy":null,"requestPolicy":{"headerContentType":"text/plain; charset=UTF-8"},"guaranteed":false}`; attributes["EffectiveDeliveryPolicy"] != want {
		t.Errorf("got  %s\nwant %s", attributes["EffectiveDeliveryPolicy"], want)
	}
}
