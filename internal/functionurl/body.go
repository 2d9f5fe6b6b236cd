package functionurl

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// drainMax is how much of a refused body is still read, so that the client gets to
// see the refusal rather than a broken connection.
const drainMax = 4 * lambda.PayloadMax

var errTooLarge = lambda.Errorf(lambda.CodeRequestEntityTooLarge, "Exceeded maximum allowed payload size (%d bytes).", lambda.PayloadMax)

// readBody reads a request's body, which is never larger than an event may be.
func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(io.LimitReader(r.Body, lambda.PayloadMax+1)); err != nil {
		return nil, errors.Join(err, lambda.Errorf(lambda.CodeSerialization, "The request body is incomplete"))
	}
	if b.Len() > lambda.PayloadMax {
		_, _ = io.CopyN(io.Discard, r.Body, drainMax) // how it ends changes nothing
		return nil, errTooLarge
	}
	return b.Bytes(), nil
}

// marshal is json.Marshal without the escapes for HTML: what callers sent stays as
// short as it was.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
