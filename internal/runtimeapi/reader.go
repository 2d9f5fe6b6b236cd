package runtimeapi

import (
	"fmt"
	"io"
	"sync"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// readSize is one read of the private channel. Most answers and the "next" behind
// them fit, so that an invocation costs a single read; a larger buffer would only
// be copied out of.
const readSize = 16 << 10

// readBuffers are shared by all channels: an idle environment holds none.
var readBuffers = sync.Pool{New: func() any { return new([readSize]byte) }}

// reader reads frames. Bytes that were read but not used stay in buf[r:w].
type reader struct {
	src  io.Reader
	buf  *[readSize]byte
	r, w int
}

// buffered is how many bytes are at hand without reading.
func (rd *reader) buffered() int { return rd.w - rd.r }

// release gives an empty buffer back until the next read.
func (rd *reader) release() {
	if rd.buf != nil && rd.r == rd.w {
		readBuffers.Put(rd.buf)
		rd.buf, rd.r, rd.w = nil, 0, 0
	}
}

// need reads until n bytes are at hand, n being at most readSize.
func (rd *reader) need(n int) error {
	if rd.buf == nil {
		rd.buf = readBuffers.Get().(*[readSize]byte)
	}
	for rd.buffered() < n {
		if rd.r > 0 && rd.r+n > readSize {
			rd.w = copy(rd.buf[:], rd.buf[rd.r:rd.w])
			rd.r = 0
		}
		m, err := rd.src.Read(rd.buf[rd.w:])
		rd.w += m
		if m == 0 && err != nil {
			return err
		}
	}
	return nil
}

// take returns the next n bytes, n being at most readSize; they are valid until
// the next read.
func (rd *reader) take(n int) ([]byte, error) {
	if err := rd.need(n); err != nil {
		return nil, err
	}
	b := rd.buf[rd.r : rd.r+n]
	rd.r += n
	return b, nil
}

// head reads a frame's head.
func (rd *reader) head() (head, error) {
	b, err := rd.take(frameHead)
	if err != nil {
		return head{}, err
	}
	return parseHead(b)
}

// payload reads n bytes into a buffer of their own. Where it has to read past what
// is at hand it leaves room for the "next" frame behind the payload, which saves a
// system call.
func (rd *reader) payload(n int64) ([]byte, error) {
	size := int(n)
	if rd.buffered() >= size {
		p := append(make([]byte, 0, size), rd.buf[rd.r:rd.r+size]...)
		rd.r += size
		return p, nil
	}
	p := make([]byte, size+frameHead)
	have := copy(p, rd.buf[rd.r:rd.w])
	rd.r, rd.w = 0, 0
	for have < size {
		m, err := rd.src.Read(p[have:])
		have += m
		if m == 0 && err != nil {
			return nil, err
		}
	}
	rd.w = copy(rd.buf[:], p[size:have])
	return p[:size:size], nil
}

// discard skips n bytes.
func (rd *reader) discard(n int64) error {
	if at := min(n, int64(rd.buffered())); at > 0 {
		rd.r += int(at)
		n -= at
	}
	_, err := io.CopyN(io.Discard, rd.src, n)
	return err
}

// typed reads a byte of length, an error type of that length, and the payload that
// fills the rest of a frame with body bytes left. A payload over the response
// limit is skipped and reported as such.
func (rd *reader) typed(body int64) (errorType string, payload []byte, fits bool, err error) {
	b, err := rd.take(1)
	if err != nil {
		return "", nil, false, err
	}
	n := int(b[0])
	if int64(n)+1 > body {
		return "", nil, false, fmt.Errorf("%w: an error type of %d bytes in %d", errFrame, n, body)
	}
	if b, err = rd.take(n); err != nil {
		return "", nil, false, err
	}
	errorType = string(b)
	rest := body - 1 - int64(n)
	if rest > lambda.ResponseMax {
		return errorType, nil, false, rd.discard(rest)
	}
	payload, err = rd.payload(rest)
	return errorType, payload, true, err
}
