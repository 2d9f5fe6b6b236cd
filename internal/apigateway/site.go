package apigateway

import (
	"net"
	"net/http"
	"strings"
)

const (
	// hostLabel is the second label of an API's host: <id>.execute-api.<region>.….
	hostLabel = ".execute-api."
	// pathPrefix is where APIs are where names below localhost do not resolve:
	// /_aws/execute-api/<id>/<stage>/….
	pathPrefix = "/_aws/execute-api/"
)

// Serves says whether a request came to an address of an API.
func (s *Service) Serves(r *http.Request) bool {
	return strings.Contains(r.Host, hostLabel) || strings.HasPrefix(r.URL.Path, pathPrefix)
}

// address is where a request came to.
type address struct {
	id     string
	region string // empty in a path, which does not name it
	path   string // percent-encoded, with the stage
}

func parse(r *http.Request) address {
	path := r.URL.EscapedPath()
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	if id, rest, ok := strings.Cut(r.Host, hostLabel); ok {
		region, _, _ := strings.Cut(rest, ".")
		return address{strings.ToLower(id), strings.ToLower(region), path}
	}
	id, path, _ := strings.Cut(strings.TrimPrefix(path, pathPrefix), "/")
	return address{id: id, path: "/" + path}
}

// domain is the API's host name, also for requests that came by the path.
func (a address) domain(r *http.Request, region string) string {
	if a.region == "" {
		return a.id + hostLabel + region + ".localhost"
	}
	if host, _, err := net.SplitHostPort(r.Host); err == nil {
		return host
	}
	return r.Host
}

// ServeHTTP answers a request to an API.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := parse(r)
	if e, ok := s.http.Find(a.id); ok && (a.region == "" || a.region == e.Region) {
		s.http.Serve(w, r, e, a.domain(r, e.Region), a.path)
		return
	}
	if e, ok := s.rest.Find(a.id); ok && (a.region == "" || a.region == e.Region) {
		s.rest.Serve(w, r, e, a.domain(r, e.Region), a.path)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", "ForbiddenException")
	w.WriteHeader(http.StatusForbidden)
	_, _ = w.Write([]byte(`{"message":"Forbidden"}`)) // the caller may have gone
}
