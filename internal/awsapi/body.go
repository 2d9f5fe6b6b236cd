package awsapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const (
	// exactMax is the largest body that is allocated on the client's word; what is
	// announced as larger grows as it arrives.
	exactMax = 1 << 20
	// drainMax is how much of a refused body is still read, so that the client
	// gets to see the refusal rather than a broken connection.
	drainMax = 80 << 20
)

// errTooLarge says that a body is longer than its limit.
var errTooLarge = errors.New("request body over its limit")

// errHeldIncomplete says that a body broke off on its way into another process.
var errHeldIncomplete = errors.New("the frontend process got a part of it")

// readBody reads the whole body, once. A body over limit is errTooLarge; one that
// breaks off is the caller's fault too, a SerializationException.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		drain(r.Body)
		return nil, errTooLarge
	}
	if r.ContentLength >= 0 && r.ContentLength <= exactMax {
		if r.ContentLength == 0 {
			return nil, nil
		}
		body := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, body); err != nil {
			return nil, brokenOff(err)
		}
		return body, nil
	}
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(io.LimitReader(r.Body, limit+1)); err != nil {
		return nil, brokenOff(err)
	}
	if int64(buf.Len()) > limit {
		drain(r.Body)
		return nil, errTooLarge
	}
	return buf.Bytes(), nil
}

func brokenOff(err error) error {
	return fmt.Errorf("read the request body: %w",
		errors.Join(err, &lambda.Error{Code: lambda.CodeSerialization, Message: "The request body is incomplete"}))
}

func drain(body io.Reader) {
	_, _ = io.CopyN(io.Discard, body, drainMax) // how it ends changes nothing
}
