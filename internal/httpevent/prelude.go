package httpevent

import (
	"bytes"
	"encoding/json"
)

// PreludeMax bounds a prelude: the headers that a response may have and some.
const PreludeMax = 128 << 10

// preludeEnd is what stands between a prelude and the body. JSON has no zero bytes.
var preludeEnd = make([]byte, 8)

// CutPrelude splits the beginning of a stream into its prelude and what follows; false
// when the prelude has not ended yet.
func CutPrelude(stream []byte) (prelude, body []byte, ok bool) { return bytes.Cut(stream, preludeEnd) }

// ReadPrelude reads the status, headers and cookies of a stream. Without a status it
// is 200.
func ReadPrelude(prelude []byte, contentType string) (Response, error) {
	var p proxyResponse
	if err := json.Unmarshal(prelude, &p); err != nil {
		return Response{}, malformed(err.Error())
	}
	if p.StatusCode == nil {
		p.StatusCode = json.RawMessage("200")
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
	out.Cookies = p.Cookies
	if out.Header.Get("Content-Type") == "" {
		out.Header.Set("Content-Type", contentType)
	}
	return out, nil
}
