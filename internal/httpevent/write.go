package httpevent

import (
	"net/http"
	"strconv"
	"strings"
)

// remapped are the headers that belong to the front door: a function's go out under
// the name that AWS gives them (API Gateway developer guide, "Known issues").
var remapped = map[string]bool{
	"Connection": true, "Content-Length": true, "Date": true, "Keep-Alive": true, "Proxy-Connection": true,
	"Server": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// WriteHead puts the headers and cookies of a response among h. Names and values that
// HTTP does not have are left out.
func (r *Response) WriteHead(h http.Header) {
	for name, values := range r.Header {
		if !isToken(name) {
			continue
		}
		name = http.CanonicalHeaderKey(name)
		if remapped[name] {
			name = "X-Amzn-Remapped-" + name
		}
		h[name] = nil
		for _, v := range values {
			h[name] = append(h[name], clean.Replace(v))
		}
	}
	for _, c := range r.Cookies {
		h.Add("Set-Cookie", clean.Replace(c))
	}
}

// Write answers with the whole response.
func (r *Response) Write(w http.ResponseWriter) {
	r.WriteHead(w.Header())
	if r.Status != http.StatusNoContent && r.Status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(r.Body)))
	}
	w.WriteHeader(r.Status)
	_, _ = w.Write(r.Body) // the caller has gone; there is nobody to tell
}

// clean takes line ends out of headers: nobody writes a second one inside the first.
var clean = strings.NewReplacer("\r", "", "\n", " ", "\x00", "")

// isToken says that a header's name is one (RFC 9110, 5.6.2).
func isToken(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	}) < 0
}
