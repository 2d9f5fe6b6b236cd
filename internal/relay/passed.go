package relay

import (
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
)

// Passed answers requests that frontends pass through whole, as if their clients had
// come here themselves. It is to be mounted below APIPrefix, which next does not see,
// for frontends alone: the client's address is believed.
func Passed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if client := r.Header.Get(remoteHeader); client != "" {
			r.RemoteAddr = client
		}
		r.Header.Del(remoteHeader)
		r.TLS = nil // the connection between the processes is not the client's
		next.ServeHTTP(w, r)
	})
}

// forwardedHeaders are those that a reverse proxy would take for its own. They are the
// client's, and may be under its signature.
var forwardedHeaders = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}

// passThrough is the frontend's way for whole requests.
func (f *Frontend) passThrough() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Transport: f.cfg.Control,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL = prefixed(r.In.URL)
			r.Out.Host = r.In.Host
			for _, name := range forwardedHeaders {
				if v := r.In.Header.Values(name); v != nil {
					r.Out.Header[name] = slices.Clone(v)
				}
			}
			r.Out.Header[remoteHeader] = []string{r.In.RemoteAddr}
		},
		FlushInterval: -1, // streams pass as they come
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() != nil {
				return // the client is gone
			}
			f.cfg.Log.WarnContext(r.Context(), "a request did not pass to the control process", "method", r.Method, "path", r.URL.Path, "error", err)
			refuse(w, http.StatusServiceUnavailable, errAway)
		},
		ErrorLog: slog.NewLogLogger(f.cfg.Log.Handler(), slog.LevelDebug),
	}
}

// prefixed is a client's URL on the control process's port for other processes, its path
// and query byte for byte: they are under the signature.
func prefixed(in *url.URL) *url.URL {
	u := &url.URL{
		Scheme: "https", Host: "control", Path: APIPrefix + in.Path,
		RawQuery: in.RawQuery, ForceQuery: in.ForceQuery,
	}
	if in.RawPath != "" {
		u.RawPath = APIPrefix + in.RawPath
	}
	return u
}
