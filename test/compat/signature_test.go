package compat

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// door is a request that a service answers with 200 when it is signed well, in one
// protocol of each kind that the edge tells apart.
type door struct {
	name, service      string
	method, path, body string
	header             map[string]string
	// The codes of a wrong signature, a wrong time, an unknown key, an expired link and
	// a refusal, as the service spells them.
	mismatch, skewed, unknown, refused string
}

var doors = []door{
	{
		"lambda", "lambda", "GET", "/2015-03-31/functions?MaxItems=5&FunctionVersion=ALL", "", nil,
		"InvalidSignatureException", "InvalidSignatureException", "UnrecognizedClientException", "AccessDeniedException",
	},
	{
		"an invoke", "lambda", "POST", "/2015-03-31/functions/f/invocations?Qualifier=%24LATEST", `{"a":1}`,
		map[string]string{"X-Amz-Invocation-Type": "DryRun"},
		"InvalidSignatureException", "InvalidSignatureException", "UnrecognizedClientException", "AccessDeniedException",
	},
	{
		"logs", "logs", "POST", "/", `{"limit":5}`,
		map[string]string{"X-Amz-Target": "Logs_20140328.DescribeLogGroups", "Content-Type": "application/x-amz-json-1.1"},
		"InvalidSignatureException", "InvalidSignatureException", "UnrecognizedClientException", "AccessDeniedException",
	},
	{
		"iam", "iam", "POST", "/", "Action=ListRoles&Version=2010-05-08",
		map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		"SignatureDoesNotMatch", "SignatureDoesNotMatch", "InvalidClientTokenId", "AccessDenied",
	},
	{
		"s3", "s3", "GET", "/bucket?list-type=2&max-keys=5", "", nil,
		"SignatureDoesNotMatch", "RequestTimeTooSkewed", "InvalidAccessKeyId", "AccessDenied",
	},
}

// signed is a request of a door under a signature. Nothing of it is checked by the
// client that sends it.
func (d door) signed(t *testing.T, a *api, key aws.Credentials, at time.Time, edit func(*http.Request)) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), d.method, a.endpoint+d.path, strings.NewReader(d.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range d.header {
		req.Header.Set(name, value)
	}
	sum := sha256.Sum256([]byte(d.body))
	if d.service == "s3" {
		req.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	}
	if edit != nil {
		edit(req)
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = d.service == "s3" })
	if err := signer.SignHTTP(t.Context(), key, req, hex.EncodeToString(sum[:]), d.service, apiRegion, at); err != nil {
		t.Fatal(err)
	}
	return req
}

// sent is the status and the code of an answer.
func (a *api) sent(req *http.Request) (int, string) {
	a.t.Helper()
	if _, err := a.wire.Do(req); err != nil {
		a.t.Fatal(err)
	}
	got := a.wire.answer()
	if got.status < 300 {
		return got.status, ""
	}
	code := got.header.Get("X-Amzn-Errortype")
	for _, tag := range [][2]string{{"<Code>", "</Code>"}, {`"__type":"`, `"`}} {
		if _, rest, ok := strings.Cut(got.body, tag[0]); ok {
			code, _, _ = strings.Cut(rest, tag[1])
		}
	}
	return got.status, code
}

var testKey = aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}

// rebody gives a request that is signed already another body.
func rebody(req *http.Request, body string) {
	req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
}

// Goal: at every door, what was signed is what is carried out, by who signed it, when
// it was signed. Method: each request is changed after it was signed.
func TestSignaturesAtEveryDoor(t *testing.T) {
	a := serve(t)
	a.function("f")
	if _, err := s3.NewFromConfig(a.config(apiRegion), pathStyle).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: new("bucket")}); err != nil {
		t.Fatal(err)
	}
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			cases := []struct {
				name   string
				at     time.Duration // after now
				key    aws.Credentials
				before func(*http.Request)
				after  func(*http.Request)
				want   string // the code; empty when it is answered
			}{
				{name: "as it was signed", want: ""},
				{name: "the same query in another order", after: reorder, want: ""},
				{name: "a header more that is not signed", after: func(r *http.Request) { r.Header.Set("X-Else", "1") }, want: ""},
				{name: "sent again within five minutes of its time", at: -4 * time.Minute, want: ""},
				{name: "sent again later, by somebody who listened", at: -20 * time.Minute, want: d.skewed},
				{name: "from a clock that is ahead", at: 20 * time.Minute, want: d.skewed},
				{name: "another value in the query", after: func(r *http.Request) { r.URL.RawQuery += "&x=1" }, want: d.mismatch},
				{name: "another path", after: func(r *http.Request) { r.URL.Path += "x" }, want: d.mismatch},
				{name: "another method", after: func(r *http.Request) { r.Method = "PUT" }, want: d.mismatch},
				{
					name:   "another value of a signed header",
					before: func(r *http.Request) { r.Header.Set("X-Amz-Meta-A", "1") },
					after:  func(r *http.Request) { r.Header.Set("X-Amz-Meta-A", "2") },
					want:   d.mismatch,
				},
				{
					name: "another date under the same signature", at: -4 * time.Minute,
					after: func(r *http.Request) { r.Header.Set("X-Amz-Date", time.Now().UTC().Format("20060102T150405Z")) },
					want:  d.mismatch,
				},
				{name: "a wrong secret", key: aws.Credentials{AccessKeyID: "test", SecretAccessKey: "other"}, want: d.mismatch},
				{name: "a key that nobody has", key: aws.Credentials{AccessKeyID: "AKIAABSENT", SecretAccessKey: "test"}, want: d.unknown},
			}
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					if c.key.AccessKeyID == "" {
						c.key = testKey
					}
					req := d.signed(t, a, c.key, time.Now().Add(c.at), c.before)
					if c.after != nil {
						c.after(req)
					}
					if status, code := a.sent(req); code != c.want || (c.want == "") != (status < 300) {
						t.Errorf("got %d %q, want %q\n%s", status, code, c.want, a.wire.answer().body)
					}
				})
			}
			if d.body != "" {
				t.Run("another body", func(t *testing.T) {
					req := d.signed(t, a, testKey, time.Now(), nil)
					rebody(req, d.body+" ")
					if _, code := a.sent(req); code != d.mismatch {
						t.Errorf("got %q, want %q", code, d.mismatch)
					}
				})
			}
		})
	}
}

func pathStyle(o *s3.Options) { o.UsePathStyle = true }

// reorder turns the query around.
func reorder(r *http.Request) {
	pairs := strings.Split(r.URL.RawQuery, "&")
	for i, j := 0, len(pairs)-1; i < j; i, j = i+1, j-1 {
		pairs[i], pairs[j] = pairs[j], pairs[i]
	}
	r.URL.RawQuery = strings.Join(pairs, "&")
}

func TestPresignedLinksAreGoodForTheirTimeAndRequestOnly(t *testing.T) {
	a := serve(t)
	c := s3.NewFromConfig(a.config(apiRegion), pathStyle)
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: new("bucket")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: new("bucket"), Key: new("k"), Body: strings.NewReader("text")}); err != nil {
		t.Fatal(err)
	}
	link := func(service, path string, at time.Time, expires string) *url.URL {
		t.Helper()
		u := a.endpoint + path
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u+sep+"X-Amz-Expires="+expires, nil)
		if err != nil {
			t.Fatal(err)
		}
		hash := "UNSIGNED-PAYLOAD"
		if service != "s3" {
			hash = hex.EncodeToString(sha256.New().Sum(nil))
		}
		signed, _, err := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" }).
			PresignHTTP(t.Context(), testKey, req, hash, service, apiRegion, at)
		if err != nil {
			t.Fatal(err)
		}
		out, err := url.Parse(signed)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, tc := range []struct {
		name, service, path string
		age                 time.Duration
		expires             string
		edit                func(*url.URL)
		want                string
	}{
		{"an object", "s3", "/bucket/k", time.Minute, "300", nil, ""},
		{"an object, after its time", "s3", "/bucket/k", 10 * time.Minute, "300", nil, "AccessDenied"},
		{"another object", "s3", "/bucket/k", 0, "300", func(u *url.URL) { u.Path = "/bucket/other" }, "SignatureDoesNotMatch"},
		{"an object for longer than was signed", "s3", "/bucket/k", 10 * time.Minute, "300", func(u *url.URL) {
			u.RawQuery = strings.Replace(u.RawQuery, "X-Amz-Expires=300", "X-Amz-Expires=3000", 1)
		}, "SignatureDoesNotMatch"},
		{"an object for more than a week", "s3", "/bucket/k", 0, "604801", nil, "AuthorizationQueryParametersError"},
		{"an operation", "sts", "/?Action=GetCallerIdentity&Version=2011-06-15", time.Minute, "900", nil, ""},
		{"an operation, after its time", "sts", "/?Action=GetCallerIdentity&Version=2011-06-15", 20 * time.Minute, "900", nil, "SignatureDoesNotMatch"},
		{"another operation", "sts", "/?Action=GetCallerIdentity&Version=2011-06-15", 0, "900", func(u *url.URL) {
			u.RawQuery = strings.Replace(u.RawQuery, "GetCallerIdentity", "GetSessionToken", 1)
		}, "SignatureDoesNotMatch"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u := link(tc.service, tc.path, time.Now().Add(-tc.age), tc.expires)
			if tc.edit != nil {
				tc.edit(u)
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if status, code := a.sent(req); code != tc.want {
				t.Errorf("got %d %q, want %q\n%s", status, code, tc.want, a.wire.answer().body)
			}
		})
	}
}

// Goal: a session that was revoked is of no more use, at once. Method: the three ways
// in which people revoke one.
func TestARevokedSessionIsRefused(t *testing.T) {
	const trustAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`
	const all = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	for _, way := range []struct {
		name   string
		revoke func(t *testing.T, c *iam.Client)
		code   string
	}{
		{"by a policy on the time of issue, as the console does it", func(t *testing.T, c *iam.Client) {
			t.Helper()
			later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
			doc := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"` + later + `"}}}]}`
			if _, err := c.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: new("worker"), PolicyName: new("AWSRevokeOlderSessions"), PolicyDocument: &doc}); err != nil {
				t.Fatal(err)
			}
		}, "AccessDeniedException"},
		{"by taking the permission away", func(t *testing.T, c *iam.Client) {
			t.Helper()
			if _, err := c.DeleteRolePolicy(t.Context(), &iam.DeleteRolePolicyInput{RoleName: new("worker"), PolicyName: new("all")}); err != nil {
				t.Fatal(err)
			}
		}, "AccessDeniedException"},
		{"by deleting the role", func(t *testing.T, c *iam.Client) {
			t.Helper()
			if _, err := c.DeleteRolePolicy(t.Context(), &iam.DeleteRolePolicyInput{RoleName: new("worker"), PolicyName: new("all")}); err != nil {
				t.Fatal(err)
			}
			if _, err := c.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: new("worker")}); err != nil {
				t.Fatal(err)
			}
		}, "AccessDeniedException"},
	} {
		t.Run(way.name, func(t *testing.T) {
			a := serve(t)
			admin := iam.NewFromConfig(a.config(apiRegion))
			r, err := admin.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: new("worker"), AssumeRolePolicyDocument: new(trustAll)})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := admin.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: new("worker"), PolicyName: new("all"), PolicyDocument: new(all)}); err != nil {
				t.Fatal(err)
			}
			user := a.user(t, admin, "ann", all)
			out, err := sts.NewFromConfig(user).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: r.Role.Arn, RoleSessionName: new("session")})
			if err != nil {
				t.Fatal(err)
			}
			key := aws.Credentials{AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken}
			d := doors[0]
			if status, code := a.sent(d.signed(t, a, key, time.Now(), nil)); status != 200 {
				t.Fatalf("before: %d %s", status, code)
			}
			way.revoke(t, admin)
			if status, code := a.sent(d.signed(t, a, key, time.Now(), nil)); code != way.code {
				t.Errorf("after: %d %q, want %q", status, code, way.code)
			}
		})
	}
	t.Run("a user's key that was deactivated", func(t *testing.T) {
		a := serve(t)
		admin := iam.NewFromConfig(a.config(apiRegion))
		user := a.user(t, admin, "ann", all)
		key, err := user.Credentials.Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := admin.UpdateAccessKey(t.Context(), &iam.UpdateAccessKeyInput{UserName: new("ann"), AccessKeyId: &key.AccessKeyID, Status: "Inactive"}); err != nil {
			t.Fatal(err)
		}
		if status, code := a.sent(doors[0].signed(t, a, key, time.Now(), nil)); code != "UnrecognizedClientException" {
			t.Errorf("got %d %q", status, code)
		}
	})
}

// user makes a user with a policy and returns a configuration with its key.
func (a *api) user(t *testing.T, admin *iam.Client, name, document string) aws.Config {
	t.Helper()
	if _, err := admin.CreateUser(t.Context(), &iam.CreateUserInput{UserName: &name}); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: &name, PolicyName: new("p"), PolicyDocument: &document}); err != nil {
		t.Fatal(err)
	}
	key, err := admin.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: &name})
	if err != nil {
		t.Fatal(err)
	}
	cfg := a.config(apiRegion)
	cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: *key.AccessKey.AccessKeyId, SecretAccessKey: *key.AccessKey.SecretAccessKey}, nil
	})
	return cfg
}

// Goal: each way to sign a payload is understood, and a payload that is not the one
// that was signed is not stored.
func TestPayloadModes(t *testing.T) {
	a := serve(t)
	c := s3.NewFromConfig(a.config(apiRegion), pathStyle)
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: new("bucket")}); err != nil {
		t.Fatal(err)
	}
	const text = "the quick brown fox jumps over the lazy dog"
	sum := sha256.Sum256([]byte(text))
	put := func(t *testing.T, key, hash string, header map[string]string, body func(seed string, at time.Time) string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, a.endpoint+"/bucket/"+key, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Amz-Content-Sha256", hash)
		for name, value := range header {
			req.Header.Set(name, value)
		}
		at := time.Now().UTC()
		sample := body(strings.Repeat("0", 64), at)
		req.ContentLength = int64(len(sample))
		req.Body = io.NopCloser(strings.NewReader(sample))
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
		if err := signer.SignHTTP(t.Context(), testKey, req, hash, "s3", apiRegion, at); err != nil {
			t.Fatal(err)
		}
		_, seed, _ := strings.Cut(req.Header.Get("Authorization"), "Signature=")
		rebody(req, body(seed, at))
		_, code := a.sent(req)
		return code
	}
	plain := func(string, time.Time) string { return text }
	signedChunks := func(forge bool) func(string, time.Time) string {
		return func(seed string, at time.Time) string { return chunks(seed, at, text, forge) }
	}
	decoded := fmt.Sprint(len(text))
	chunked := map[string]string{"Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": decoded}
	trailer := map[string]string{"Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": decoded, "X-Amz-Trailer": "x-amz-checksum-crc32"}
	unsignedTrailer := func(crc string) func(string, time.Time) string {
		return func(string, time.Time) string {
			return fmt.Sprintf("%x\r\n%s\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n", len(text), text, crc)
		}
	}
	for _, tc := range []struct {
		name, hash string
		header     map[string]string
		body       func(string, time.Time) string
		want       string
	}{
		{"a signed payload", hex.EncodeToString(sum[:]), nil, plain, ""},
		{"another payload than was signed", hex.EncodeToString(sum[:]), nil, func(string, time.Time) string { return text + "!" }, "XAmzContentSHA256Mismatch"},
		{"an unsigned payload", "UNSIGNED-PAYLOAD", nil, plain, ""},
		{"signed chunks", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", chunked, signedChunks(false), ""},
		{"a chunk that was changed", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", chunked, signedChunks(true), "SignatureDoesNotMatch"},
		{"unsigned chunks with a checksum behind", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", trailer, unsignedTrailer("zgxRFA=="), ""},
		{"unsigned chunks with a checksum that is wrong", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", trailer, unsignedTrailer("AAAAAA=="), "BadDigest"},
		{"a mode that does not exist", "STREAMING-ELSE", chunked, plain, "InvalidArgument"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			key := strings.ReplaceAll(tc.name, " ", "-")
			code := put(t, key, tc.hash, tc.header, tc.body)
			if code != tc.want {
				t.Errorf("got %q, want %q\n%s", code, tc.want, a.wire.answer().body)
			}
			out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: new("bucket"), Key: &key})
			if tc.want != "" {
				if err == nil {
					t.Error("it was stored all the same")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(out.Body); err != nil || string(got) != text {
				t.Errorf("stored %q, %v", got, err)
			}
		})
	}
}

// chunks signs a text in two chunks (S3 API reference, "Signature Calculations for the
// Authorization Header: Transferring Payload in Multiple Chunks").
func chunks(seed string, at time.Time, text string, forge bool) string {
	mac := func(key []byte, s string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(s))
		return h.Sum(nil)
	}
	scope := at.Format("20060102") + "/" + apiRegion + "/s3/aws4_request"
	key := []byte("AWS4test")
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	empty := hex.EncodeToString(sha256.New().Sum(nil))
	var out bytes.Buffer
	for _, part := range []string{text[:20], text[20:], ""} {
		sum := sha256.Sum256([]byte(part))
		seed = hex.EncodeToString(mac(key, strings.Join([]string{
			"AWS4-HMAC-SHA256-PAYLOAD", at.Format("20060102T150405Z"), scope, seed, empty, hex.EncodeToString(sum[:]),
		}, "\n")))
		if forge && part != "" {
			part = strings.ToUpper(part)
		}
		fmt.Fprintf(&out, "%x;chunk-signature=%s\r\n%s\r\n", len(part), seed, part)
	}
	return out.String()
}
