package lambda

import (
	"crypto/rand"
	"encoding/hex"
	"time"
)

// RequestID is the UUID v4 that names one request: the x-amzn-RequestId of the
// answer and, for an invoke, the runtime's Lambda-Runtime-Aws-Request-Id.
type RequestID string

// SandboxID names one execution environment for its whole life.
type SandboxID string

// NewRequestID draws a random UUID v4.
func NewRequestID() RequestID { return RequestID(NewUUID()) }

// NewSandboxID draws a random id of 32 lower-case hex digits; it is also the last
// part of the environment's log stream name.
func NewSandboxID() SandboxID {
	var b [16]byte
	fill(b[:])
	return SandboxID(hex.EncodeToString(b[:]))
}

// NewUUID draws a random UUID v4 in its canonical text form.
func NewUUID() string {
	var b [16]byte
	fill(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var out [36]byte
	hex.Encode(out[0:8], b[0:4])
	out[8] = '-'
	hex.Encode(out[9:13], b[4:6])
	out[13] = '-'
	hex.Encode(out[14:18], b[6:8])
	out[18] = '-'
	hex.Encode(out[19:23], b[8:10])
	out[23] = '-'
	hex.Encode(out[24:36], b[10:16])
	return string(out[:])
}

// fill cannot fail: crypto/rand.Read aborts the process when the system has no
// randomness (Go 1.24 and later).
func fill(b []byte) { rand.Read(b) }

// FormatLastModified prints t as Lambda's LastModified does:
// YYYY-MM-DDTHH:MM:SS.mmm+0000, in UTC.
func FormatLastModified(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.000-0700")
}
