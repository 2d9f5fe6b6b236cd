package sigv4

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/aws-http-auth/credentials"
	"github.com/aws/smithy-go/aws-http-auth/sigv4"
	v4 "github.com/aws/smithy-go/aws-http-auth/v4"

	"github.com/hearthfaas/hearth/internal/lambda"
)

var now = time.Date(2026, 11, 7, 10, 11, 12, 0, time.UTC)

const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

// request is what a client signs in these tests, with AWS's own signer.
type request struct {
	method, target, body, token string
	header                      map[string]string
	presign                     bool
	hash                        string // X-Amz-Content-Sha256
}

// allHeaders signs every header, as some SDKs do.
type allHeaders struct{}

func (allHeaders) IsSigned(name string) bool { return name != "authorization" && name != "connection" }

// signed returns the request as a server reads it.
func (q request) signed(t testing.TB, at time.Time) *http.Request {
	t.Helper()
	u, err := url.Parse("http://127.0.0.1:4566" + q.target)
	if err != nil {
		t.Skip("not a target that a client could send")
	}
	r := &http.Request{Method: q.method, URL: u, Host: u.Host, Header: http.Header{}}
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	if q.hash != "" {
		r.Header.Set("X-Amz-Content-Sha256", q.hash)
	}
	sum := sha256.Sum256([]byte(q.body))
	payload := sum[:]
	if q.hash == unsignedPayload {
		payload = v4.UnsignedPayload()
	}
	in := &sigv4.SignRequestInput{
		Request: r, PayloadHash: payload, Service: "lambda", Region: "eu-west-1", Time: at,
		Credentials: credentials.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secret, SessionToken: q.token},
	}
	if q.presign {
		in.SignatureType = v4.SignatureTypeQueryString
	}
	if err := sigv4.New(func(o *v4.SignerOptions) { o.HeaderRules = allHeaders{} }).SignRequest(in); err != nil {
		t.Fatal(err)
	}
	return received(t, r, q.body)
}

// received sends a request through its text form.
func received(t testing.TB, r *http.Request, body string) *http.Request {
	t.Helper()
	var buf bytes.Buffer
	buf.WriteString(r.Method + " " + r.URL.RequestURI() + " HTTP/1.1\r\nHost: " + r.Host + "\r\n")
	for name, values := range r.Header {
		for _, value := range values {
			if name != "Host" {
				buf.WriteString(name + ": " + value + "\r\n")
			}
		}
	}
	buf.WriteString("\r\n" + body)
	got, err := http.ReadRequest(bufio.NewReader(&buf))
	if err != nil {
		t.Skip("not a request that a server would read")
	}
	return got
}

func check(v *Verifier, r *http.Request, secret, body string, at time.Time) error {
	c, err := Parse(r)
	if err != nil {
		return err
	}
	if err := c.CheckTime(at); err != nil {
		return err
	}
	return v.Verify(r, &c, secret, []byte(body))
}

var genuine = map[string]request{
	"a GET without a query": {method: "GET", target: "/2015-03-31/functions"},
	"a query out of order":  {method: "GET", target: "/2015-03-31/functions?b=2&a=1&a=0&c"},
	"a query with reserved characters": {
		method: "GET",
		target: "/2017-03-31/tags/x?tagKeys=a%2Fb&tagKeys=c%20d%2B&tagKeys=%C3%A9~",
	},
	"a query whose order depends on the encoding": {method: "GET", target: "/2017-03-31/tags/x?tagKeys=a1&tagKeys=a%3Ab"},
	"an escaped ARN in the path": {
		method: "POST", body: "{}",
		target: "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A000000000000%3Afunction%3Af/invocations?Qualifier=%24LATEST",
	},
	"a slash escaped in the path": {method: "GET", target: "/2018-10-31/layers/a%2Fb/versions/1"},
	"a body":                      {method: "POST", target: "/", body: `{"logGroupName":"g"}`, header: map[string]string{"X-Amz-Target": "Logs_20140328.CreateLogGroup"}},
	"a body and its hash":         {method: "POST", target: "/", body: "abc", hash: hashOf("abc")},
	"an unsigned body":            {method: "POST", target: "/", body: "abc", hash: unsignedPayload},
	"a session token":             {method: "POST", target: "/", token: "IQoJb3JpZ2luX2Vj+/=="},
	"a session token, presigned":  {method: "GET", target: "/?Action=GetCallerIdentity&X-Amz-Expires=60", token: "IQoJb3+/==", presign: true},
	"presigned":                   {method: "GET", target: "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=900", presign: true},
}

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func TestWhatAWSsSignerSignedIsAccepted(t *testing.T) {
	v := NewVerifier()
	for name, q := range genuine {
		t.Run(name, func(t *testing.T) {
			r := q.signed(t, now)
			if err := check(v, r, secret, q.body, now); err != nil {
				t.Error(err)
			}
			if err := check(v, r, secret, q.body, now); err != nil {
				t.Errorf("a second time: %v", err)
			}
			c, _ := Parse(r)
			if c.AccessKeyID != "AKIDEXAMPLE" || c.Region != "eu-west-1" || c.Service != "lambda" || c.SessionToken != q.token || c.Presigned != q.presign {
				t.Errorf("the claim is %+v", c)
			}
		})
	}
}

func TestTheExampleOfTheDocumentationIsAccepted(t *testing.T) {
	r := received(t, &http.Request{
		Method: "GET", Host: "iam.amazonaws.com",
		URL: &url.URL{Path: "/", RawQuery: "Action=ListUsers&Version=2010-05-08"},
		Header: http.Header{
			"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"},
			"X-Amz-Date":   {"20150830T123600Z"},
			"Authorization": {"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, " +
				"SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"},
		},
	}, "")
	at := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	if err := check(NewVerifier(), r, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "", at); err != nil {
		t.Error(err)
	}
}

func TestAQuerySortedAfterEncodingIsAcceptedToo(t *testing.T) {
	// botocore sorts what it has encoded; AWS's signer for Go sorts first. The
	// signature is that of the documented algorithm over the encoded order.
	r := request{method: "GET", target: "/2017-03-31/tags/x?tagKeys=a1&tagKeys=a%3Ab"}.signed(t, now)
	c, err := Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	canonical := "GET\n/2017-03-31/tags/x\ntagKeys=a%3Ab&tagKeys=a1\n" +
		"host:127.0.0.1:4566\nx-amz-date:20261107T101112Z\n\nhost;x-amz-date\n" + hashOf("")
	text := "AWS4-HMAC-SHA256\n20261107T101112Z\n20261107/eu-west-1/lambda/aws4_request\n" + hashOf(canonical)
	mac := hmac.New(sha256.New, deriveKey(scope{"20261107", "eu-west-1", "lambda", secret}))
	mac.Write([]byte(text))
	c.signedHeaders, c.signature = "host;x-amz-date", hex.EncodeToString(mac.Sum(nil))
	if err := NewVerifier().Verify(r, &c, secret, nil); err != nil {
		t.Error(err)
	}
}

func TestAnyChangeAfterSigningIsRefused(t *testing.T) {
	q := request{
		method: "POST", target: "/2015-03-31/functions/f/invocations?Qualifier=a", body: "{}",
		header: map[string]string{"X-Amz-Invocation-Type": "Event"}, token: "token",
	}
	cases := []struct {
		name   string
		change func(r *http.Request, body, secret *string)
	}{
		{"the method", func(r *http.Request, _, _ *string) { r.Method = "PUT" }},
		{"the path", func(r *http.Request, _, _ *string) { r.URL.Path = "/2015-03-31/functions/g/invocations" }},
		{"the query", func(r *http.Request, _, _ *string) { r.URL.RawQuery = "Qualifier=b" }},
		{"another parameter", func(r *http.Request, _, _ *string) { r.URL.RawQuery += "&X=1" }},
		{"the host", func(r *http.Request, _, _ *string) { r.Host = "other:4566" }},
		{"a signed header", func(r *http.Request, _, _ *string) { r.Header.Set("X-Amz-Invocation-Type", "RequestResponse") }},
		{"a signed header that is gone", func(r *http.Request, _, _ *string) { r.Header.Del("X-Amz-Invocation-Type") }},
		{"a target that was not signed", func(r *http.Request, _, _ *string) { r.Header.Set("X-Amz-Target", "Logs_20140328.DeleteLogGroup") }},
		{"the token", func(r *http.Request, _, _ *string) { r.Header.Set("X-Amz-Security-Token", "other") }},
		{"the date", func(r *http.Request, _, _ *string) {
			r.Header.Set("X-Amz-Date", now.Add(time.Second).Format(timeFormat))
		}},
		{"the body", func(_ *http.Request, body, _ *string) { *body = "[]" }},
		{"the secret", func(_ *http.Request, _, secret *string) { *secret = "other" }},
		{"a hash that the body does not have", func(r *http.Request, _, _ *string) { r.Header.Set("X-Amz-Content-Sha256", hashOf("x")) }},
		{"a hash that says unsigned", func(r *http.Request, _, _ *string) { r.Header.Set("X-Amz-Content-Sha256", unsignedPayload) }},
		{"one digit of the signature", func(r *http.Request, _, _ *string) {
			auth := r.Header.Get("Authorization")
			last := auth[len(auth)-1] ^ 1
			r.Header.Set("Authorization", auth[:len(auth)-1]+string(last))
		}},
		{"the host left out of the signature", func(r *http.Request, _, _ *string) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "=host;", "=", 1))
		}},
		{"the region", func(r *http.Request, _, _ *string) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "eu-west-1", "us-east-1", 1))
		}},
	}
	v := NewVerifier()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, body, key := q.signed(t, now), q.body, secret
			c.change(r, &body, &key)
			var e *lambda.Error
			if err := check(v, r, key, body, now); !errors.As(err, &e) {
				t.Errorf("got %v, want a refusal", err)
			}
		})
	}
}

func TestASignatureIsGoodForItsTimeOnly(t *testing.T) {
	header := request{method: "GET", target: "/"}
	presigned := request{method: "GET", target: "/?X-Amz-Expires=3600", presign: true}
	cases := []struct {
		name  string
		q     request
		after time.Duration
		want  string
	}{
		{"a header after five minutes", header, SkewMax, ""},
		{
			"a header after more", header, SkewMax + time.Second,
			"Signature expired: 20261107T101112Z is now earlier than 20261107T101113Z (20261107T101613Z - 5 min.)",
		},
		{"a header from a clock five minutes ahead", header, -SkewMax, ""},
		{
			"a header from a clock more ahead", header, -SkewMax - time.Second,
			"Signature not yet current: 20261107T101112Z is still later than 20261107T101111Z (20261107T100611Z + 5 min.)",
		},
		{"presigned for an hour, after an hour", presigned, time.Hour, ""},
		{
			"presigned for an hour, after more", presigned, time.Hour + time.Second,
			"Signature expired: 20261107T111112Z is now earlier than 20261107T111113Z",
		},
		{
			"presigned in the future", presigned, -SkewMax - time.Second,
			"Signature not yet current: 20261107T101112Z is still later than 20261107T101111Z (20261107T100611Z + 5 min.)",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := check(NewVerifier(), c.q.signed(t, now), secret, "", now.Add(c.after))
			got := ""
			if e := (*lambda.Error)(nil); errors.As(err, &e) {
				got = e.Message
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestBrokenClaimsAreToldWhatIsWrong(t *testing.T) {
	const good = "AWS4-HMAC-SHA256 Credential=AK/20261107/r/s/aws4_request, SignedHeaders=host, Signature=0"
	cases := []struct{ name, auth, date, want string }{
		{"another algorithm", "Basic dTpw", "20261107T101112Z", "Unsupported AWS 'algorithm': 'Basic'"},
		{
			"parts that are missing", "AWS4-HMAC-SHA256 Credential=AK/20261107/r/s/aws4_request", "20261107T101112Z",
			"Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter.",
		},
		{"no date", good, "", "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."},
		{"a date of another form", good, "2026-11-07", "Date must be in ISO-8601 'basic format'."},
		{"a date of another day", good, "20261108T101112Z", "Date in Credential scope does not match"},
		{"a scope that is short", strings.Replace(good, "/r/s", "", 1), "20261107T101112Z", "Credential must have exactly 5"},
		{"a scope that ends otherwise", strings.Replace(good, "aws4_request", "aws5", 1), "20261107T101112Z", "Credential should be scoped with a valid terminator"},
		{"endless headers", strings.Replace(good, "=host", "="+strings.Repeat("a;", 200), 1), "20261107T101112Z", "SignedHeaders has more than"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(&http.Request{URL: &url.URL{}, Header: http.Header{"Authorization": {c.auth}, "X-Amz-Date": {c.date}}})
			var e *lambda.Error
			if !errors.As(err, &e) || e.Code != lambda.CodeIncompleteSignature || !strings.HasPrefix(e.Message, c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	_, err := Parse(&http.Request{URL: &url.URL{}, Header: http.Header{}})
	var e *lambda.Error
	if !errors.As(err, &e) || e.Code != lambda.CodeMissingAuthentication {
		t.Errorf("no signature: got %v", err)
	}
	for _, expires := range []string{"-1", "604801", "x"} {
		_, err := Parse(&http.Request{URL: &url.URL{RawQuery: "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK/20261107/r/s/aws4_request" +
			"&X-Amz-Date=20261107T101112Z&X-Amz-SignedHeaders=host&X-Amz-Signature=0&X-Amz-Expires=" + expires}, Header: http.Header{}})
		if !errors.As(err, &e) || e.Code != lambda.CodeIncompleteSignature {
			t.Errorf("expires %s: got %v", expires, err)
		}
	}
}

func TestTheKeyCacheStaysBounded(t *testing.T) {
	var k keyCache
	for i := range keysMax + 10 {
		k.sign(new([32]byte), scope{date: "20261107", region: "r", service: "s", secret: strings.Repeat("x", i)}, nil)
	}
	if n := len(k.keys); n > keysMax {
		t.Errorf("got %d keys, want at most %d", n, keysMax)
	}
}

// FuzzAWSsSigner holds the canonical form to that of AWS's signer on any path,
// query and header value that survives the way to a server.
func FuzzAWSsSigner(f *testing.F) {
	f.Add("/2015-03-31/functions/a%3Ab/invocations", "Qualifier=%24LATEST&a=", "text  with   spaces")
	f.Add("/", "a=1&a=0&b", "")
	f.Add("/a%2Fb/c%20d", "x=%C3%A9&y=~&z=a%2Bb", "\u00e9")
	v := NewVerifier()
	f.Fuzz(func(t *testing.T, path, query, value string) {
		if !strings.HasPrefix(path, "/") || strings.ContainsAny(path+query+value, "\r\n#\x00 ?+;") {
			t.Skip() // where a URL has two readings
		}
		q := request{method: "GET", target: path + "?" + query, header: map[string]string{"X-Custom": value}}
		r := q.signed(t, now)
		if _, err := url.ParseQuery(r.URL.RawQuery); err != nil || r.URL.EscapedPath() != path {
			t.Skip()
		}
		if err := check(v, r, secret, "", now); err != nil {
			t.Errorf("%s?%s: %v", path, query, err)
		}
	})
}

// FuzzParse holds that nothing a client writes into a request ends in a panic or in
// being accepted.
func FuzzParse(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AK/20261107/r/s/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "20261107T101112Z", "a=b")
	f.Add("AWS4-HMAC-SHA256 Credential=////, SignedHeaders=;;, Signature=", "20261107T101112Z", "%")
	f.Add("", "", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK%2F20261107%2Fr%2Fs%2Faws4_request&X-Amz-Date=20261107T101112Z&X-Amz-SignedHeaders=host&X-Amz-Signature=0")
	v := NewVerifier()
	f.Fuzz(func(t *testing.T, auth, date, query string) {
		r := &http.Request{
			Method: "GET", Host: "h", URL: &url.URL{Path: "/", RawQuery: query},
			Header: http.Header{"Authorization": {auth}, "X-Amz-Date": {date}},
		}
		if check(v, r, secret, "", now) == nil {
			t.Errorf("accepted %q %q %q", auth, date, query)
		}
	})
}

func BenchmarkVerifySmallInvoke(b *testing.B) {
	body := `{"key":"value"}`
	q := request{
		method: "POST", target: "/2015-03-31/functions/hello/invocations", body: body, token: "token",
		header: map[string]string{"Content-Type": "application/octet-stream", "Amz-Sdk-Invocation-Id": "id", "User-Agent": "sdk"},
	}
	r := q.signed(b, now)
	v := NewVerifier()
	payload := []byte(body)
	b.ReportAllocs()
	for b.Loop() {
		c, err := Parse(r)
		if err != nil {
			b.Fatal(err)
		}
		if err := c.CheckTime(now); err != nil {
			b.Fatal(err)
		}
		if err := v.Verify(r, &c, secret, payload); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSigningAgainWithAWSsSigner is what the same check would cost if the
// request were signed a second time and the signatures compared.
func BenchmarkSigningAgainWithAWSsSigner(b *testing.B) {
	q := request{method: "POST", target: "/2015-03-31/functions/hello/invocations", body: "{}", token: "token"}
	r := q.signed(b, now)
	sum := sha256.Sum256([]byte(q.body))
	signer := sigv4.New()
	b.ReportAllocs()
	for b.Loop() {
		if err := signer.SignRequest(&sigv4.SignRequestInput{
			Request: r, PayloadHash: sum[:], Service: "lambda", Region: "eu-west-1", Time: now,
			Credentials: credentials.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secret, SessionToken: q.token},
		}); err != nil {
			b.Fatal(err)
		}
	}
}
