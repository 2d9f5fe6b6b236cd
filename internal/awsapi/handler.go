package awsapi

import (
	"net/http"
	"strings"
)

// Handler is a service that speaks for itself, such as S3, whose protocol is not
// one of package wire's. It checks signatures and permissions on its own.
type Handler interface {
	http.Handler
	// Claims says whether a request that carries no signature is for the service.
	Claims(r *http.Request) bool
}

// Site is a handler with addresses of its own, such as those of function URLs.
// Whatever comes to them is its, signed or not, for any service.
type Site interface {
	http.Handler
	// Serves says whether a request came to one of the addresses.
	Serves(r *http.Request) bool
}

// handlerFor is the handler that answers a request: the one of the service in its
// credential scope, or one that claims it; nil when the edge answers. The edge's own
// requests are told from the others by one search in a header.
func (e *Edge) handlerFor(r *http.Request) http.Handler {
	for _, s := range e.cfg.Sites {
		if s.Serves(r) {
			return s
		}
	}
	auth := r.Header.Get("Authorization")
	for name, h := range e.cfg.Handlers {
		switch {
		case auth != "":
			if strings.Contains(auth, "/"+name+"/aws4_request") {
				return h
			}
		case strings.Contains(r.URL.RawQuery, "X-Amz-Credential="):
			if q := r.URL.RawQuery; strings.Contains(q, "%2F"+name+"%2Faws4_request") || strings.Contains(q, "/"+name+"/aws4_request") {
				return h
			}
		case r.Header.Get("X-Amz-Target") == "" && h.Claims(r):
			return h
		}
	}
	return nil
}
