package sigv4

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// appendCanonical builds the canonical request (IAM user guide, "Create a signed
// AWS API request", step 1) in b.
func appendCanonical(b []byte, r *http.Request, c *Claim, payloadHash string, order queryOrder) ([]byte, error) {
	b = append(b, r.Method...)
	b = append(b, '\n')
	if c.once {
		b = appendPathOnce(b, r.URL.Path)
	} else {
		b = appendPath(b, r.URL.EscapedPath())
	}
	b = append(b, '\n')
	b, err := appendQuery(b, r.URL.RawQuery, c.Presigned, order)
	if err != nil {
		return b, err
	}
	b = append(b, '\n')
	if b, err = appendHeaders(b, r, c.signedHeaders); err != nil {
		return b, err
	}
	b = append(b, '\n')
	b = append(b, c.signedHeaders...)
	b = append(b, '\n')
	return append(b, payloadHash...), nil
}

const upperHex = "0123456789ABCDEF"

// unreserved are the bytes that URI-encoding leaves alone (RFC 3986).
var unreserved = func() (t [256]bool) {
	for c := range 256 {
		t[c] = 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' ||
			c == '-' || c == '.' || c == '_' || c == '~'
	}
	return t
}()

func appendEncoded(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; unreserved[c] {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return b
}

// appendPath encodes the path a second time, slashes excepted: every service but
// S3 signs the encoded path encoded once more.
func appendPath(b []byte, escaped string) []byte {
	if escaped == "" {
		return append(b, '/')
	}
	for i := range len(escaped) {
		if c := escaped[i]; unreserved[c] || c == '/' {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return b
}

// appendPathOnce is the path as S3 signs it: encoded once, slashes excepted.
func appendPathOnce(b []byte, path string) []byte {
	if path == "" {
		return append(b, '/')
	}
	for i := range len(path) {
		if c := path[i]; unreserved[c] || c == '/' {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return b
}

// queryOrder says what the parameters are sorted by. The documentation and most
// SDKs sort the encoded text; AWS's signers for Go sort before they encode, which
// differs for values like a1 and a:b. AWS accepts both, and so both are tried.
type queryOrder bool

const (
	byEncoded queryOrder = false
	byDecoded queryOrder = true
)

// parameter is one parameter of a query in its canonical encoding; by is what it is
// sorted by.
type parameter struct {
	name, value     string
	byName, byValue string
}

// appendQuery decodes the parameters, encodes them in the one canonical way and
// sorts them. The signature itself is not part of what a presigned request signs.
func appendQuery(b []byte, raw string, presigned bool, order queryOrder) ([]byte, error) {
	if raw == "" {
		return b, nil
	}
	parameters := make([]parameter, 0, 8)
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		var p parameter
		var err error
		name, value, _ := strings.Cut(part, "=")
		if p.name, p.byName, err = canonicalComponent(name, order); err != nil {
			return b, err
		}
		if presigned && p.name == "X-Amz-Signature" {
			continue
		}
		if p.value, p.byValue, err = canonicalComponent(value, order); err != nil {
			return b, err
		}
		parameters = append(parameters, p)
	}
	slices.SortFunc(parameters, func(x, y parameter) int {
		return cmp.Or(strings.Compare(x.byName, y.byName), strings.Compare(x.byValue, y.byValue))
	})
	for i, p := range parameters {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, p.name...)
		b = append(b, '=')
		b = append(b, p.value...)
	}
	return b, nil
}

// canonicalComponent decodes and encodes one name or value; one that is plain
// already, as most are, is returned as it is. by is the text to sort by.
func canonicalComponent(s string, order queryOrder) (canonical, by string, err error) {
	plain := true
	for i := range len(s) {
		if !unreserved[s[i]] {
			plain = false
			break
		}
	}
	if plain {
		return s, s, nil
	}
	decoded, err := url.QueryUnescape(s)
	if err != nil {
		return "", "", incomplete("The query string is not valid percent-encoding")
	}
	canonical = string(appendEncoded(nil, decoded))
	if order == byDecoded {
		return canonical, decoded, nil
	}
	return canonical, canonical, nil
}

// appendHeaders writes one line for each signed header. net/http takes Host out of
// the headers, and may take Content-Length, so both come from the request.
func appendHeaders(b []byte, r *http.Request, signed string) ([]byte, error) {
	hostSigned := false
	for name := range strings.SplitSeq(signed, ";") {
		b = append(b, name...)
		b = append(b, ':')
		switch name {
		case "host":
			hostSigned = true
			b = appendCollapsed(b, r.Host)
		case "content-length":
			b = strconv.AppendInt(b, r.ContentLength, 10)
		default:
			values := r.Header[http.CanonicalHeaderKey(name)]
			if len(values) == 0 {
				return b, incomplete("The signed header '%s' is not in the request", name)
			}
			for i, value := range values {
				if i > 0 {
					b = append(b, ',')
				}
				b = appendCollapsed(b, value)
			}
		}
		b = append(b, '\n')
	}
	if !hostSigned {
		return b, incomplete("'Host' must be a 'SignedHeader' in the AWS Authorization.")
	}
	return b, nil
}

// appendCollapsed trims a header's value and makes one space of many.
func appendCollapsed(b []byte, value string) []byte {
	value = strings.TrimSpace(value)
	for i := range len(value) {
		if value[i] == ' ' && value[i-1] == ' ' { // the first byte is not a space
			continue
		}
		b = append(b, value[i])
	}
	return b
}
