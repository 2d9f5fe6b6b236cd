package awsapi

import (
	"net/http"
	"strings"
)

// ownPrefix is where Hearth's own pages are; nothing below it is ever AWS's.
const ownPrefix = "/_hearth/"

// serveOwn answers what lies under ownPrefix. Health and metrics need no signature, so
// that load balancers and scrapers can ask: they name nothing of anybody; links to packages carry their own; the rest
// is signed like the requests to AWS's services.
func (e *Edge) serveOwn(w http.ResponseWriter, r *http.Request, rest string) {
	switch {
	case rest == "health" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"status":"ok"}`)) // the asker may have gone
	case strings.HasPrefix(rest, "code/") && e.cfg.CodeHandler != nil &&
		(r.Method == http.MethodGet || r.Method == http.MethodHead):
		e.cfg.CodeHandler.ServeHTTP(w, r)
	case rest == "metrics" && e.cfg.Metrics != nil && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		e.cfg.Metrics.ServeHTTP(w, r)
	case e.cfg.Own != nil && e.cfg.Own.Serves(rest):
		e.serveSigned(w, r, rest)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"message":"Hearth has nothing at this path"}`))
	}
}
