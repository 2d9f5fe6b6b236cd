package httpevent

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// Request is an HTTP request on its way to a function, with what its front door knows
// of it. Members that a format does not have are ignored by it.
type Request struct {
	HTTP *http.Request
	Body []byte
	// Path is the decoded path that the function sees, without a stage.
	Path string
	// StagePath is the path with the stage, where there is one.
	StagePath string
	RequestID string
	TraceID   string
	Time      time.Time
	Account   string
	APIID     string
	Domain    string
	Stage     string
	// RouteKey is format 2.0's.
	RouteKey string
	// Resource, ResourceID, DeploymentID and ExtendedID are format 1.0's.
	Resource     string
	ResourceID   string
	DeploymentID string
	ExtendedID   string

	PathParameters map[string]string
	StageVariables map[string]string
	// Signed keeps the credentials of a signature that was checked from the function.
	Signed bool
	// Binary says that the body goes out as base64 in format 1.0; format 2.0 decides by
	// the content type.
	Binary bool
}

// SourceIP is the peer's address without the port.
func (r *Request) SourceIP() string {
	host, _, err := net.SplitHostPort(r.HTTP.RemoteAddr)
	if err != nil {
		return r.HTTP.RemoteAddr
	}
	return host
}

// DomainPrefix is the first label of the domain.
func (r *Request) DomainPrefix() string {
	prefix, _, _ := strings.Cut(r.Domain, ".")
	return prefix
}

// hopByHop are the headers of one connection (RFC 9110, 7.6.1); functions never see
// them.
var hopByHop = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Connection": true, "Te": true,
	"Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// headers are the request's headers as functions see them, by net/http's spelling:
// without those of the connection, with those that the front door adds.
func (r *Request) headers() map[string][]string {
	out := make(map[string][]string, len(r.HTTP.Header)+5)
	for name, values := range r.HTTP.Header {
		if !hopByHop[name] && (!r.Signed || name != "Authorization") {
			out[name] = values
		}
	}
	proto, port := "http", "80"
	if r.HTTP.TLS != nil {
		proto, port = "https", "443"
	}
	if _, p, err := net.SplitHostPort(r.HTTP.Host); err == nil {
		port = p
	}
	forwarded := r.SourceIP()
	if before := r.HTTP.Header.Values("X-Forwarded-For"); len(before) > 0 {
		forwarded = strings.Join(before, ", ") + ", " + forwarded
	}
	out["Host"] = []string{r.HTTP.Host}
	out["X-Forwarded-For"] = []string{forwarded}
	out["X-Forwarded-Port"] = []string{port}
	out["X-Forwarded-Proto"] = []string{proto}
	out["X-Amzn-Trace-Id"] = []string{r.TraceID}
	return out
}

// query are the parameters of a query in AWS's reading: what does not decode is taken
// as it is, and a semicolon separates nothing.
func query(raw string) url.Values {
	out := url.Values{}
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name = unescape(name)
		out[name] = append(out[name], unescape(value))
	}
	return out
}

func unescape(s string) string {
	if text, err := url.QueryUnescape(s); err == nil {
		return text
	}
	return s
}

// isText says whether format 2.0 passes a body of this content type as it is (API
// Gateway developer guide, "Working with AWS Lambda proxy integrations for HTTP
// APIs").
func isText(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		media, _, _ = strings.Cut(contentType, ";")
		media = strings.ToLower(strings.TrimSpace(media))
	}
	switch media {
	case "", "application/json", "application/javascript", "application/xml":
		return true
	}
	return strings.HasPrefix(media, "text/")
}

// text is a body as an event's string, and whether that is base64. Bytes that no
// string can hold are base64 whatever their type.
func text(body []byte, asBase64 bool) (*string, bool) {
	if len(body) == 0 {
		return nil, false
	}
	if asBase64 || !utf8.Valid(body) {
		s := base64.StdEncoding.EncodeToString(body)
		return &s, true
	}
	s := string(body)
	return &s, false
}

// requestTime is how events print times.
func requestTime(t time.Time) string { return t.UTC().Format("02/Jan/2006:15:04:05 -0700") }

// NewID draws an id in the form of API Gateway's: 16 characters of base64.
func NewID() string {
	var b [11]byte
	rand.Read(b[:]) // it never fails (Go 1.24 and later)
	return base64.URLEncoding.EncodeToString(b[:])
}

// TraceID is the trace that a request brought, or a new one (X-Ray developer guide,
// "Tracing header").
func TraceID(r *http.Request, now time.Time) string {
	if id := r.Header.Get("X-Amzn-Trace-Id"); id != "" {
		return id
	}
	var b [12]byte
	rand.Read(b[:])                                              // it never fails (Go 1.24 and later)
	at := binary.BigEndian.AppendUint32(nil, uint32(now.Unix())) // X-Ray's times have 32 bits
	return "Root=1-" + hex.EncodeToString(at) + "-" + hex.EncodeToString(b[:])
}
