package httpevent

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Response is what a function answers to an HTTP request.
type Response struct {
	Status  int
	Header  http.Header
	Cookies []string
	Body    []byte
	// Base64 says that Body is base64 that was left as it is (ReadV1 without decode).
	Base64 bool
}

// ErrMalformed says that what a function returned is no HTTP response.
var ErrMalformed = errors.New("malformed proxy response")

func malformed(why string) error { return fmt.Errorf("%w: %s", ErrMalformed, why) }

// The statuses that a response may have; lower ones are no final answers.
const (
	statusMin = 200
	statusMax = 599
)

// proxyResponse is a response as functions write it.
type proxyResponse struct {
	StatusCode        json.RawMessage            `json:"statusCode"`
	Headers           map[string]json.RawMessage `json:"headers"`
	MultiValueHeaders map[string][]scalar        `json:"multiValueHeaders"`
	Cookies           []string                   `json:"cookies"`
	Body              json.RawMessage            `json:"body"`
	IsBase64Encoded   bool                       `json:"isBase64Encoded"`
}

// scalar is a string, a number or a boolean as text.
type scalar string

// UnmarshalJSON meets json.Unmarshaler.
func (s *scalar) UnmarshalJSON(raw []byte) error {
	text, ok := scalarText(raw)
	if !ok {
		return malformed("a header's value is no text")
	}
	*s = scalar(text)
	return nil
}

// scalarText is the text of a JSON string, number, boolean or null.
func scalarText(raw json.RawMessage) (string, bool) {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0, bytes.Equal(raw, []byte("null")):
		return "", true
	case raw[0] == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err == nil
	case raw[0] == '{', raw[0] == '[':
		return "", false
	}
	return string(raw), true
}

// ReadV2 reads what a function returned in payload format 2.0: an object with a
// statusCode is a response, any other JSON is the body of a 200. contentType is that of
// a response which has none.
func ReadV2(payload []byte, contentType string) (Response, error) {
	if !json.Valid(payload) {
		return Response{}, malformed("no JSON")
	}
	payload = bytes.TrimSpace(payload)
	if payload[0] == '{' {
		var p proxyResponse
		var probe struct {
			StatusCode json.RawMessage `json:"statusCode"`
		}
		_ = json.Unmarshal(payload, &probe) // it is valid; what does not fit is no status
		if probe.StatusCode == nil {
			return inferred(payload), nil
		}
		if err := json.Unmarshal(payload, &p); err != nil {
			return Response{}, malformed(err.Error())
		}
		return p.v2(contentType)
	}
	return inferred(payload), nil
}

// inferred is the response for a value that is none.
func inferred(payload []byte) Response {
	body := payload
	if payload[0] == '"' {
		var s string
		if json.Unmarshal(payload, &s) == nil {
			body = []byte(s)
		}
	}
	return Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
}

func (p *proxyResponse) v2(contentType string) (Response, error) {
	out, err := p.head()
	if err != nil {
		return Response{}, err
	}
	out.Cookies = p.Cookies
	if out.Header.Get("Content-Type") == "" {
		out.Header.Set("Content-Type", contentType)
	}
	body := bytes.TrimSpace(p.Body)
	switch {
	case len(body) == 0 || bytes.Equal(body, []byte("null")):
	case body[0] == '"':
		text, ok := scalarText(body)
		if !ok {
			return Response{}, malformed("the body is no string")
		}
		out.Body = []byte(text)
	default:
		out.Body = body // what is no string goes out as JSON
	}
	if p.IsBase64Encoded {
		err = out.decode()
	}
	return out, err
}

// ReadV1 reads a response of payload format 1.0: statusCode is required and the body
// is a string. Without decode a body of base64 stays as it is.
func ReadV1(payload []byte, decode bool) (Response, error) {
	var p proxyResponse
	if err := json.Unmarshal(payload, &p); err != nil {
		return Response{}, malformed(err.Error())
	}
	out, err := p.head()
	if err != nil {
		return Response{}, err
	}
	for _, name := range sortedKeys(p.MultiValueHeaders) {
		out.Header.Del(name)
		for _, v := range p.MultiValueHeaders[name] {
			out.Header.Add(name, string(v))
		}
	}
	if body := bytes.TrimSpace(p.Body); len(body) > 0 && !bytes.Equal(body, []byte("null")) {
		text, ok := scalarText(body)
		if !ok || body[0] != '"' {
			return Response{}, malformed("the body is no string")
		}
		out.Body = []byte(text)
	}
	if p.IsBase64Encoded {
		if out.Base64 = !decode; decode {
			err = out.decode()
		}
	}
	return out, err
}

// head reads the status and the single-valued headers.
func (p *proxyResponse) head() (Response, error) {
	code, ok := scalarText(p.StatusCode)
	status, err := strconv.Atoi(strings.TrimSuffix(code, ".0"))
	if !ok || err != nil || status < statusMin || status > statusMax {
		return Response{}, malformed("statusCode is no status")
	}
	out := Response{Status: status, Header: http.Header{}}
	for _, name := range sortedKeys(p.Headers) {
		value, ok := scalarText(p.Headers[name])
		if !ok {
			return Response{}, malformed("a header's value is no text")
		}
		out.Header.Set(name, value)
	}
	return out, nil
}

func (r *Response) decode() error {
	raw, err := base64.StdEncoding.DecodeString(string(r.Body))
	if err != nil {
		return malformed("the body is no base64")
	}
	r.Body = raw
	return nil
}
