package s3

import (
	"bytes"
	"crypto/md5" //nolint:gosec // ETags are MD5
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/hearthfaas/hearth/internal/awsapi/sigv4"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/s3/checksum"
)

const (
	// putMax is the largest body of one PUT (S3 user guide, "Uploading objects").
	putMax = 5 << 30
	// documentMax bounds documents: a thousand keys of the longest, escaped.
	documentMax = 8 << 20
	// copyBuffer is how much of a body is in memory at a time.
	copyBuffer = 128 << 10
)

var buffers = sync.Pool{New: func() any { b := make([]byte, copyBuffer); return &b }}

// body reads a request's body and checks, at its end, everything that the request
// said about it.
type body struct {
	in      io.Reader
	chunked *sigv4.ChunkedReader
	header  http.Header
	sha     hash.Hash // nil when the signature names no hash
	wantSHA string
	md5     hash.Hash
	wantMD5 []byte
	sums    map[checksum.Algorithm]hash.Hash
	// trailing is the algorithm whose checksum the trailer must have; empty for none.
	trailing checksum.Algorithm
	size     int64
}

// openBody prepares the body. want is a checksum to compute whatever the request
// says; empty for none.
func (c *call) openBody(limit int64, want checksum.Algorithm) (*body, error) {
	b := &body{header: c.r.Header, md5: md5.New(), sums: map[checksum.Algorithm]hash.Hash{}} //nolint:gosec // ETags are MD5
	length := c.r.ContentLength
	if c.payload.Chunked {
		decoded, err := strconv.ParseInt(c.r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
		if err != nil || decoded < 0 {
			return nil, fault("MissingContentLength")
		}
		length = decoded
	}
	if length > limit {
		return nil, fault("EntityTooLarge")
	}
	b.in = c.r.Body
	if length < 0 {
		if c.op.name == "PutObject" || c.op.name == "UploadPart" {
			return nil, fault("MissingContentLength")
		}
		b.in = io.LimitReader(c.r.Body, limit+1)
	}
	if c.payload.Chunked {
		b.chunked = sigv4.NewChunkedReader(b.in, c.payload, length)
		b.in = b.chunked
	}
	if c.payload.Hash != "" {
		b.sha, b.wantSHA = sha256.New(), c.payload.Hash
	}
	if text := c.r.Header.Get("Content-Md5"); text != "" {
		sum, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(sum) != md5.Size {
			return nil, fault("InvalidDigest")
		}
		b.wantMD5 = sum
	}
	claimed, err := claimedChecksum(c.r.Header)
	if err != nil {
		return nil, err
	}
	if claimed != "" && c.r.Header.Get(claimed.Header()) == "" {
		b.trailing = claimed
	}
	for _, a := range []checksum.Algorithm{claimed, want} {
		if a != "" && b.sums[a] == nil {
			b.sums[a] = a.New()
		}
	}
	if c.r.ContentLength == 0 && strings.EqualFold(c.r.Header.Get("Expect"), "100-continue") {
		// S3 says so also before an empty body. The server does not by itself, and then
		// botocore misreads the next answer on the connection.
		c.w.WriteHeader(http.StatusContinue)
	}
	return b, nil
}

// claimedChecksum is the algorithm of the checksum that the request carries in a
// header or announces for its trailer; empty if none.
func claimedChecksum(h http.Header) (checksum.Algorithm, error) {
	var claimed checksum.Algorithm
	for _, a := range checksum.All {
		text := h.Get(a.Header())
		switch {
		case text == "":
			continue
		case claimed != "":
			return "", faultf("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		case !a.Valid(text):
			return "", faultf("InvalidRequest", "Value for %s header is invalid.", a.Header())
		}
		claimed = a
	}
	name, trails := strings.CutPrefix(strings.ToLower(h.Get("X-Amz-Trailer")), "x-amz-checksum-")
	switch {
	case !trails:
		return claimed, nil
	case claimed != "":
		return "", faultf("InvalidRequest", "Expecting a single x-amz-checksum- header")
	}
	if a, ok := checksum.Parse(name); ok {
		return a, nil
	}
	return "", faultf("InvalidRequest", "The value specified in the x-amz-trailer header is not supported")
}

// Read implements io.Reader. The error at the end is io.EOF only when all checks held.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	if n > 0 {
		b.size += int64(n)
		b.md5.Write(p[:n])
		if b.sha != nil {
			b.sha.Write(p[:n])
		}
		for _, h := range b.sums {
			h.Write(p[:n])
		}
	}
	if err == nil {
		return n, nil
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return n, fault("IncompleteBody")
	}
	if errors.Is(err, io.EOF) {
		if failed := b.check(); failed != nil {
			return n, failed
		}
	}
	return n, err
}

func (b *body) check() error {
	if b.sha != nil && hex.EncodeToString(b.sha.Sum(nil)) != b.wantSHA {
		return fault("XAmzContentSHA256Mismatch")
	}
	if b.wantMD5 != nil && !bytes.Equal(b.md5.Sum(nil), b.wantMD5) {
		return fault("BadDigest")
	}
	for a, h := range b.sums {
		text := b.header.Get(a.Header())
		if a == b.trailing && b.chunked != nil {
			switch text = b.chunked.Trailer().Get(a.Header()); {
			case text == "":
				return fault("MalformedTrailerError")
			case !a.Valid(text):
				return faultf("InvalidRequest", "Value for %s trailing header is invalid.", a.Header())
			}
		}
		if text != "" && text != checksum.Encode(h) {
			return faultf("BadDigest", "The %s you specified did not match the calculated checksum.", a)
		}
	}
	return nil
}

func (b *body) etag() string { return hex.EncodeToString(b.md5.Sum(nil)) }

// sum is the checksum of an algorithm that was asked for.
func (b *body) sum(a checksum.Algorithm) string {
	if h := b.sums[a]; h != nil {
		return checksum.Encode(h)
	}
	return ""
}

// keep writes the whole body into a blob, a buffer at a time.
func (c *call) keep(b *body) (id string, err error) {
	w, err := c.s.blobs.Create()
	if err != nil {
		return "", err
	}
	buf, _ := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	// Hide the file's ReadFrom: it would bring a buffer of its own.
	if _, err := io.CopyBuffer(struct{ io.Writer }{w}, b, *buf); err != nil {
		w.Abort()
		if c.ctx().Err() != nil {
			return "", &lambda.Error{
				Code: "RequestTimeout", Status: http.StatusBadRequest,
				Message: "Your socket connection to the server was not read from or written to within the timeout period.",
			}
		}
		return "", err
	}
	return w.Commit()
}

// document reads a body that is a document.
func (c *call) document() ([]byte, error) {
	b, err := c.openBody(documentMax, "")
	if err != nil {
		return nil, err
	}
	return readDocument(b)
}

// documentPlain is document for requests whose checksum headers are about
// something else.
func (c *call) documentPlain() ([]byte, error) {
	b, err := c.openBody(documentMax, "")
	if err != nil {
		return nil, err
	}
	clear(b.sums)
	return readDocument(b)
}

func readDocument(b *body) ([]byte, error) {
	text, err := io.ReadAll(b)
	if err != nil {
		return nil, err
	}
	if len(text) > documentMax {
		return nil, fault("EntityTooLarge")
	}
	return text, nil
}

// readXML reads a document into v.
func (c *call) readXML(v any) error {
	text, err := c.document()
	if err != nil {
		return err
	}
	return parseXML(text, v)
}

func parseXML(text []byte, v any) error {
	if err := xml.Unmarshal(text, v); err != nil {
		return fault("MalformedXML")
	}
	return nil
}

// newPlainBody reads what comes from no request, for its size and checksums.
func newPlainBody(in io.Reader, a checksum.Algorithm) *body {
	return &body{in: in, header: http.Header{}, md5: md5.New(), //nolint:gosec // ETags are MD5
		sums: map[checksum.Algorithm]hash.Hash{a: a.New()}}
}
