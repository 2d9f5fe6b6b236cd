package runtimeapi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// The frame types of the private channel; the package comment describes them.
const (
	frameInvoke   = 'I'
	frameNext     = 'N'
	frameResponse = 'R'
	frameError    = 'E'
	frameInitFail = 'F'
	frameBegin    = 'B'
	frameChunk    = 'C'
	frameDone     = 'D'
	frameWaiting  = 'W'
	frameAssign   = 'A'
)

const (
	frameHead    = 5  // length and type
	requestIDLen = 36 // a UUID in text
)

// errFrame says that the peer does not follow the private channel's format.
var errFrame = errors.New("malformed frame on the private channel")

// appendInvoke appends the head of an invocation's frame, everything but the
// payload, to b.
func appendInvoke(b []byte, inv *lambda.Invocation) []byte {
	at := len(b)
	b = append(b, 0, 0, 0, 0, frameInvoke, 0, 0, 0, 0)
	meta := len(b)
	b = append(b, inv.RequestID...)
	b = append(b, '\n')
	b = strconv.AppendInt(b, inv.Deadline.UnixMilli(), 10)
	b = append(b, '\n')
	b = append(b, oneLine(inv.InvokedFunctionARN)...)
	b = append(b, '\n')
	b = append(b, oneLine(inv.TraceID)...)
	b = append(b, '\n')
	b = append(b, oneLine(inv.ClientContext)...)
	b = append(b, "\n\n"...) // no cognito identity
	b = append(b, oneLine(inv.TenantID)...)
	binary.BigEndian.PutUint32(b[at+frameHead:], uint32(len(b)-meta))
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4+len(inv.Payload)))
	return b
}

// oneLine puts spaces for line ends. JSON has them between tokens only, so client
// contexts keep their meaning.
func oneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, s)
}

// head is a frame's first five bytes, taken apart.
type head struct {
	kind byte
	body int64 // bytes that follow
}

// parseHead takes a frame's head apart. It refuses types that a runtime does not
// send and lengths that the type cannot have.
func parseHead(b []byte) (head, error) {
	h := head{kind: b[4], body: int64(binary.BigEndian.Uint32(b)) - 1}
	fits := false
	switch h.kind {
	case frameNext:
		fits = h.body == 0
	case frameResponse:
		fits = h.body >= requestIDLen
	case frameError:
		fits = h.body > requestIDLen
	case frameInitFail:
		fits = h.body > 0
	case frameBegin:
		fits = h.body >= requestIDLen && h.body <= requestIDLen+contentTypeMax
	case frameChunk, frameDone:
		fits = h.body >= requestIDLen
	}
	if !fits {
		return head{}, fmt.Errorf("%w: type %q with %d bytes", errFrame, h.kind, h.body)
	}
	return h, nil
}
