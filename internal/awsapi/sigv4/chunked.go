package sigv4

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const (
	// chunkLineMax bounds the line before a chunk and each trailing header; real
	// ones have about a hundred bytes.
	chunkLineMax = 4096
	// trailersMax bounds the trailing headers; real requests have one checksum and
	// one signature.
	trailersMax = 16
)

// ChunkedReader reads an aws-chunked body (S3 API reference, "Transferring Payload
// in Multiple Chunks"). Bytes are given out as they come; whether they were signed
// is known at io.EOF and not before.
type ChunkedReader struct {
	in      *bufio.Reader
	payload Payload
	// want is the length that the client announced for the decoded body, -1 if none.
	want, read int64
	left       int64 // of the chunk
	open       bool  // inside a chunk
	signature  string
	hash       hash.Hash
	trailer    http.Header
	err        error
}

// NewChunkedReader reads a body that p describes. length is the decoded length that
// the client announced; negative when it announced none. Errors are *lambda.Error
// (IncompleteBody, SignatureDoesNotMatch, InvalidRequest) or those of body.
func NewChunkedReader(body io.Reader, p Payload, length int64) *ChunkedReader {
	c := &ChunkedReader{in: bufio.NewReaderSize(body, chunkLineMax), payload: p, want: length, trailer: http.Header{}}
	if p.chain != nil {
		c.hash = sha256.New()
	}
	return c
}

// Trailer is what followed the last chunk; complete after io.EOF.
func (c *ChunkedReader) Trailer() http.Header { return c.trailer }

func incompleteBody(text string) error {
	return &lambda.Error{Code: "IncompleteBody", Message: text}
}

// Read implements io.Reader.
func (c *ChunkedReader) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if !c.open {
		if c.err = c.next(); c.err != nil {
			return 0, c.err
		}
	}
	n, err := c.in.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	c.read += int64(n)
	if c.hash != nil {
		c.hash.Write(p[:n])
	}
	switch {
	case c.want >= 0 && c.read > c.want:
		c.err = incompleteBody("The request body is longer than the x-amz-decoded-content-length header says")
	case c.left == 0:
		c.err = c.endChunk()
	case err != nil:
		c.err = brokenBody(err)
	}
	return n, c.err
}

// brokenBody makes an end in the middle the caller's fault.
func brokenBody(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return incompleteBody("The request body terminated unexpectedly")
	}
	return err
}

// next reads the line before a chunk; at the last chunk it reads to the end and
// returns io.EOF.
func (c *ChunkedReader) next() error {
	line, err := c.line()
	if err != nil {
		return err
	}
	size, extension, _ := strings.Cut(line, ";")
	c.left, err = strconv.ParseInt(strings.TrimSpace(size), 16, 64)
	if err != nil || c.left < 0 {
		return incompleteBody("The request body has a chunk without a valid size")
	}
	if c.payload.chain != nil {
		signature, ok := strings.CutPrefix(extension, "chunk-signature=")
		if !ok {
			return incompleteBody("The request body has a chunk without a signature")
		}
		c.signature = signature
		c.hash.Reset()
	}
	if c.left > 0 {
		c.open = true
		return nil
	}
	return c.finish()
}

// endChunk checks the signature of the chunk that was read.
func (c *ChunkedReader) endChunk() error {
	c.open = false
	if line, err := c.line(); err != nil {
		return err
	} else if line != "" {
		return incompleteBody("The request body has a chunk of another length than announced")
	}
	if c.payload.chain == nil {
		return nil
	}
	return c.payload.chain.chunk(c.hash.Sum(nil), c.signature)
}

// finish reads what follows the last chunk.
func (c *ChunkedReader) finish() error {
	if c.payload.chain != nil {
		if err := c.payload.chain.chunk(emptyHash[:], c.signature); err != nil {
			return err
		}
	}
	if err := c.readTrailer(); err != nil {
		return err
	}
	if c.want >= 0 && c.read != c.want {
		return incompleteBody("You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header")
	}
	return io.EOF
}

// readTrailer reads the trailing headers. An empty line ends them, unless their
// signature is still to come: one example of the documentation puts it after one.
func (c *ChunkedReader) readTrailer() error {
	var canonical bytes.Buffer
	for range trailersMax {
		line, err := c.line()
		if err != nil {
			// Nothing after the last chunk at all, as some clients without trailers do.
			if !c.payload.Trailer && errors.Is(err, errNoLine) {
				return nil
			}
			return err
		}
		if line == "" {
			if c.payload.Trailer && c.payload.chain != nil {
				continue
			}
			return nil
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !c.payload.Trailer {
			return incompleteBody("The request body goes on after its last chunk")
		}
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if name == "x-amz-trailer-signature" {
			if c.payload.chain == nil {
				continue
			}
			return c.payload.chain.trailer(canonical.Bytes(), value)
		}
		c.trailer.Add(name, value)
		canonical.WriteString(name + ":" + value + "\n")
	}
	return &lambda.Error{Code: "MalformedTrailerError", Message: "The request contained trailing data that was not well-formed or did not conform to our published schema."}
}

// errNoLine is the end of the body where a line should begin.
var errNoLine = incompleteBody("The request body terminated unexpectedly")

func (c *ChunkedReader) line() (string, error) {
	line, err := c.in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", incompleteBody("The request body has a chunk header that is too long")
	case errors.Is(err, io.EOF) && len(line) == 0:
		return "", errNoLine
	case err != nil:
		return "", brokenBody(err)
	}
	return strings.TrimSuffix(string(line[:len(line)-1]), "\r"), nil
}
