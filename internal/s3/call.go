package s3

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/awsapi/sigv4"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/s3/index"
)

const (
	// keyMax is the longest key, in bytes of UTF-8 (S3 user guide, "Naming objects").
	keyMax = 1024
	// drainMax is how much of a refused body is still read, so that a client gets
	// to see the refusal rather than a broken connection.
	drainMax = 16 << 20
)

// call is one request on its way.
type call struct {
	s       *Service
	w       http.ResponseWriter
	r       *http.Request
	id      string
	bucket  string
	key     string
	query   url.Values
	caller  lambda.Caller
	payload sigv4.Payload
	// rec is the bucket; nil for operations that need none.
	rec *index.Bucket
	op  *operation
}

// ServeHTTP answers one request of S3's API.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{s: s, w: w, r: r, id: newRequestID()}
	h := w.Header()
	h.Set("Server", "AmazonS3")
	h.Set("X-Amz-Request-Id", c.id)
	h.Set("X-Amz-Id-2", hostID(c.id))
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p)
		}
		s.log.ErrorContext(r.Context(), "s3 operation panicked", "request_id", c.id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		c.fail(fault("InternalError"))
	}()
	if err := c.serve(); err != nil {
		c.fail(err)
	}
}

func (c *call) serve() error {
	if err := c.address(); err != nil {
		return err
	}
	if c.r.Method == http.MethodOptions {
		return c.preflight()
	}
	c.corsHeaders()
	if c.r.Method == http.MethodPost && c.bucket != "" && c.key == "" && !c.query.Has("delete") {
		return c.postForm()
	}
	if err := c.identify(); err != nil {
		return err
	}
	if err := c.route(); err != nil {
		return err
	}
	if c.query.Has("versionId") {
		if version := c.query.Get("versionId"); version == "" {
			return argument("versionId", version, "Version id cannot be the empty string")
		} else if !index.ValidVersion(version) {
			return argument("versionId", version, "Invalid version id specified")
		}
	}
	c.r = c.r.WithContext(lambda.WithCaller(c.r.Context(), c.caller))
	if c.bucket != "" && c.op.name != "CreateBucket" {
		rec, ok := c.s.index.Bucket(c.bucket)
		if !ok {
			return fault("NoSuchBucket")
		}
		c.rec = rec
	}
	if want := c.r.Header.Get("X-Amz-Expected-Bucket-Owner"); want != "" && c.rec != nil && want != c.rec.Account {
		return fault("AccessDenied")
	}
	if c.op.action != "" {
		if err := c.allow(c.action(), c.bucket, c.key); err != nil {
			return err
		}
	}
	return c.op.do(c)
}

// address finds the bucket and the key: the bucket is in the host, or the first
// part of the path.
func (c *call) address() error {
	path := c.r.URL.Path
	if bucket, ok := bucketOfHost(c.r.Host); ok {
		c.bucket, c.key = bucket, strings.TrimPrefix(path, "/")
	} else {
		c.bucket, c.key, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	}
	if len(c.key) > keyMax {
		return fault("KeyTooLongError")
	}
	if !validKey(c.key) {
		return fault("InvalidURI")
	}
	var err error
	if c.query, err = url.ParseQuery(c.r.URL.RawQuery); err != nil {
		return fault("InvalidURI")
	}
	return nil
}

// bucketOfHost is the bucket of a virtual-hosted address: <bucket>.s3.localhost,
// <bucket>.s3.<region>.localhost, AWS's own names, and <bucket>.localhost, which is
// what SDKs make of an endpoint http://localhost.
func bucketOfHost(host string) (string, bool) {
	if at := strings.LastIndexByte(host, ':'); at >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:at]
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, end := range []string{".localhost", ".amazonaws.com"} {
		rest, ok := strings.CutSuffix(host, end)
		if !ok {
			continue
		}
		if at := strings.LastIndex("."+rest+".", ".s3."); at >= 0 {
			return strings.TrimSuffix(rest[:at], "."), at > 0
		}
		return rest, end == ".localhost"
	}
	return "", false
}

// validKey refuses what the index cannot keep in order: text that is not UTF-8,
// and zero bytes, which no XML answer could show either.
func validKey(key string) bool {
	return strings.ToValidUTF8(key, "") == key && !strings.Contains(key, "\x00")
}

// Claims says whether a request without a signature is for S3: by its host, or
// because its path begins with a bucket that exists.
func (s *Service) Claims(r *http.Request) bool {
	host := r.Host
	if strings.HasPrefix(host, "s3.") || strings.Contains(host, ".s3.") {
		return true
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if bucket, ok := bucketOfHost(host); ok {
		name = bucket
	}
	_, ok := s.index.Bucket(name)
	return ok
}

func newRequestID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, as crypto/rand says
	return strings.ToUpper(hex.EncodeToString(b[:]))
}

// hostID is the second id of a request; here it says nothing that the first does not.
func hostID(id string) string {
	sum := sha256.Sum256([]byte(id))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// ownerID is the canonical user id of an account.
func ownerID(account string) string {
	sum := sha256.Sum256([]byte("hearth canonical user " + account))
	return hex.EncodeToString(sum[:])
}

func (c *call) ctx() context.Context { return c.r.Context() }

// now is the time of a change: S3 keeps whole seconds.
func (c *call) now() time.Time { return c.s.now().UTC().Truncate(time.Second) }

// drain reads on in a body that nobody wants, up to a limit.
func (c *call) drain() {
	if c.r.Body != nil && c.r.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, c.r.Body, drainMax) // how it ends changes nothing
	}
}

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// writeXML answers with a document.
func (c *call) writeXML(status int, v any) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := xml.NewEncoder(&b).Encode(v); err != nil {
		panic(fmt.Errorf("s3: an answer has no XML form: %w", err))
	}
	c.writeDocument(status, b.Bytes())
}

func (c *call) writeDocument(status int, doc []byte) {
	h := c.w.Header()
	h.Set("Content-Type", "application/xml")
	h.Set("Content-Length", strconv.Itoa(len(doc)))
	c.w.WriteHeader(status)
	_, _ = c.w.Write(doc) // the caller has gone; there is nobody to tell
}
