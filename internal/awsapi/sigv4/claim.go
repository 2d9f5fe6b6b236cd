// Package sigv4 checks AWS Signature Version 4 on requests that came in: in the
// Authorization header or, presigned, in the query.
//
// It decides whether a request was signed with a given secret, for when and for
// what. Whose secret that is belongs to iam, and what the signer may do too. All
// of it is pure: the time is an argument.
//
// The canonical form is built here rather than by signing again with AWS's signer
// for Go: that one changes the request it signs, derives the key every time and
// knows one of the two orders in which clients sort a query. It is the other party
// of the tests instead.
package sigv4

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	timeFormat = "20060102T150405Z"
	// SkewMax is how far the signer's clock may be from ours (IAM user guide,
	// "Signature Version 4": five minutes).
	SkewMax = 5 * time.Minute
	// ExpiresMax is the longest a presigned request may be valid: seven days.
	ExpiresMax = 7 * 24 * time.Hour
	// signedHeadersMax bounds the work of one request; SDKs sign about ten.
	signedHeadersMax = 100
)

// Claim is what a request says about its signature. Nothing in it is proven until
// Verify has returned nil.
type Claim struct {
	AccessKeyID  string
	SessionToken string
	Region       string
	Service      string
	Presigned    bool

	date          string // YYYYMMDD of the scope
	stamp         string // X-Amz-Date as sent
	time          time.Time
	expires       time.Duration // presigned only
	signedHeaders string
	signature     string
	once          bool // the path is encoded once, as S3 signs it
}

// Parse reads the claim of a request. Errors are *lambda.Error:
// MissingAuthenticationTokenException when it carries no signature at all and
// IncompleteSignatureException when it carries a broken one.
func Parse(r *http.Request) (Claim, error) {
	if auth := r.Header.Get("Authorization"); auth != "" {
		return parseHeader(r, auth)
	}
	if strings.Contains(r.URL.RawQuery, "X-Amz-Algorithm=") {
		return parseQuery(r.URL.Query())
	}
	return Claim{}, &lambda.Error{Code: lambda.CodeMissingAuthentication, Message: "Missing Authentication Token"}
}

func incomplete(format string, args ...any) error {
	return lambda.Errorf(lambda.CodeIncompleteSignature, format, args...)
}

func parseHeader(r *http.Request, auth string) (Claim, error) {
	rest, ok := strings.CutPrefix(auth, algorithm)
	if !ok || rest == "" || rest[0] != ' ' {
		return Claim{}, incomplete("Unsupported AWS 'algorithm': '%s'", firstWord(auth))
	}
	var c Claim
	var credential string
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			credential = value
		case "SignedHeaders":
			c.signedHeaders = value
		case "Signature":
			c.signature = value
		}
	}
	c.stamp = r.Header.Get("X-Amz-Date")
	if missing := missingOf("Authorization header", credential, c.signature, c.signedHeaders, c.stamp); missing != "" {
		return Claim{}, incomplete("%s", missing)
	}
	c.SessionToken = r.Header.Get("X-Amz-Security-Token")
	return c, c.finish(credential)
}

func parseQuery(q url.Values) (Claim, error) {
	if got := q.Get("X-Amz-Algorithm"); got != algorithm {
		return Claim{}, incomplete("Unsupported AWS 'algorithm': '%s'", got)
	}
	c := Claim{
		Presigned:     true,
		SessionToken:  q.Get("X-Amz-Security-Token"),
		stamp:         q.Get("X-Amz-Date"),
		signedHeaders: q.Get("X-Amz-SignedHeaders"),
		signature:     q.Get("X-Amz-Signature"),
	}
	credential := q.Get("X-Amz-Credential")
	if missing := missingOf("AWS query-string parameters", credential, c.signature, c.signedHeaders, c.stamp); missing != "" {
		return Claim{}, incomplete("%s", missing)
	}
	// Query services (STS) sign without X-Amz-Expires; theirs lasts as long as a
	// header signature would.
	c.expires = SkewMax
	if text := q.Get("X-Amz-Expires"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < 0 || time.Duration(seconds) > ExpiresMax/time.Second {
			return Claim{}, incomplete("X-Amz-Expires must be between 0 and %d seconds", ExpiresMax/time.Second)
		}
		c.expires = time.Duration(seconds) * time.Second
	}
	return c, c.finish(credential)
}

// missingOf is AWS's text for parts that are not there, or empty.
func missingOf(where, credential, signature, signedHeaders, stamp string) string {
	var b strings.Builder
	for _, part := range [...]struct{ name, value string }{
		{"Credential", credential}, {"Signature", signature}, {"SignedHeaders", signedHeaders},
	} {
		if part.value == "" {
			b.WriteString(where + " requires '" + part.name + "' parameter. ")
		}
	}
	if stamp == "" {
		b.WriteString(where + " requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	return strings.TrimSpace(b.String())
}

// finish takes the credential scope apart and reads the time.
func (c *Claim) finish(credential string) error {
	var parts [5]string
	rest := credential
	for i := len(parts) - 1; i > 0; i-- {
		at := strings.LastIndexByte(rest, '/')
		if at < 0 {
			return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", credential)
		}
		rest, parts[i] = rest[:at], rest[at+1:]
	}
	c.AccessKeyID, c.date, c.Region, c.Service = rest, parts[1], parts[2], parts[3]
	if parts[4] != terminator {
		return incomplete("Credential should be scoped with a valid terminator: '%s', not '%s'.", terminator, parts[4])
	}
	if c.AccessKeyID == "" || c.Region == "" || c.Service == "" {
		return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", credential)
	}
	t, err := time.Parse(timeFormat, c.stamp)
	if err != nil {
		return incomplete("Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", c.stamp)
	}
	if c.date != c.stamp[:8] {
		return incomplete("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			c.date, c.stamp[:8], c.stamp)
	}
	c.time = t
	if strings.Count(c.signedHeaders, ";") >= signedHeadersMax {
		return incomplete("SignedHeaders has more than %d entries", signedHeadersMax)
	}
	return nil
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}
