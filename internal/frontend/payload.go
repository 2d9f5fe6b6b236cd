package frontend

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Fault says what keeps a payload that is not empty from being JSON, and nothing of one
// that is. A frontend in a process of its own asks it there.
func Fault(payload []byte) string {
	if json.Valid(payload) {
		return ""
	}
	return parseFault(payload)
}

// parseFault says what is wrong with an event that is no JSON, in the words of the
// parser that AWS uses as far as ours tells the same cases apart.
func parseFault(payload []byte) string {
	var v any
	err := json.Unmarshal(payload, &v)
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return "Invalid JSON"
	}
	line, column := position(payload, int(syntax.Offset))
	where := fmt.Sprintf("[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: %d, column: %d]", line, column)
	if strings.HasPrefix(syntax.Error(), "unexpected end") {
		return "Unexpected end-of-input: expected close marker\n at " + where
	}
	if token := wordAt(payload, int(syntax.Offset)-1); token != "" {
		return fmt.Sprintf("Unrecognized token '%s': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')\n at %s", token, where)
	}
	at := min(max(int(syntax.Offset)-1, 0), len(payload)-1)
	return fmt.Sprintf("Unexpected character ('%c' (code %d)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')\n at %s",
		rune(payload[at]), payload[at], where)
}

// position is the line and column, from 1, of the offset's byte.
func position(b []byte, offset int) (line, column int) {
	before := b[:min(offset, len(b))]
	line = bytes.Count(before, []byte("\n")) + 1
	return line, len(before) - bytes.LastIndexByte(before, '\n')
}

// tokenMax bounds how much of a wrong word is quoted back.
const tokenMax = 64

// wordAt is the word of letters and digits around an offset.
func wordAt(b []byte, at int) string {
	letter := func(c byte) bool {
		return c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	}
	if at < 0 || at >= len(b) || !letter(b[at]) {
		return ""
	}
	from, to := at, at
	for from > 0 && letter(b[from-1]) {
		from--
	}
	for to < len(b) && letter(b[to]) {
		to++
	}
	return string(b[from:min(to, from+tokenMax)])
}

// compact puts JSON on one line.
func compact(raw []byte) (string, error) {
	var out bytes.Buffer
	if err := json.Compact(&out, raw); err != nil {
		return "", fmt.Errorf("compact JSON: %w", err)
	}
	return out.String(), nil
}

// newTraceID draws an X-Ray trace header for a request that brought none; it is
// not sampled (X-Ray developer guide, "Tracing header").
func newTraceID() string {
	var b [20]byte
	rand.Read(b[:]) // it never fails (Go 1.24 and later)
	var out [74]byte
	now := uint32(time.Now().Unix())
	s := append(out[:0], "Root=1-"...)
	s = hex.AppendEncode(s, []byte{byte(now >> 24), byte(now >> 16), byte(now >> 8), byte(now)})
	s = append(s, '-')
	s = hex.AppendEncode(s, b[:12])
	s = append(s, ";Parent="...)
	s = hex.AppendEncode(s, b[12:])
	return string(append(s, ";Sampled=0"...))
}
