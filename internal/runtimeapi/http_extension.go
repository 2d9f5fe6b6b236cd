package runtimeapi

import (
	"net/http"
	"strings"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const (
	headerExtensionName = "Lambda-Extension-Name"
	headerExtensionID   = "Lambda-Extension-Identifier"
)

// serveRegister registers an extension that runs inside the runtime's process.
func (s *Session) serveRegister(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(r)
	if err != nil {
		refuse(w, http.StatusForbidden, "InvalidRequestFormat", err.Error())
		return
	}
	id := lambda.NewUUID()
	g := s.current()
	g.mu.Lock()
	refused := g.extensions.register(r.Header.Get(headerExtensionName), body, id)
	g.mu.Unlock()
	if refused != nil {
		refuse(w, http.StatusForbidden, refused.errorType, refused.message)
		return
	}
	type answer struct {
		FunctionName    string `json:"functionName"`
		FunctionVersion string `json:"functionVersion"`
		Handler         string `json:"handler"`
		AccountID       string `json:"accountId,omitempty"`
	}
	a := answer{s.cfg.FunctionName, s.cfg.FunctionVersion, s.cfg.Handler, ""}
	if strings.Contains(r.Header.Get("Lambda-Extension-Accept-Feature"), "accountId") {
		a.AccountID = s.cfg.AccountID
	}
	w.Header()[headerExtensionID] = []string{id}
	writeJSON(w, http.StatusOK, compactJSON(a))
}

// extension finds the extension that a call names, or refuses the call and
// returns nil.
func (g *guest) extension(w http.ResponseWriter, r *http.Request) *extension {
	id := r.Header.Get(headerExtensionID)
	g.mu.Lock()
	e := g.extensions.byID[id]
	g.mu.Unlock()
	switch {
	case e != nil:
		return e
	case id == "":
		refuse(w, http.StatusForbidden, "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header")
	case len(id) != requestIDLen:
		refuse(w, http.StatusForbidden, "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier")
	default:
		refuse(w, http.StatusForbidden, "Extension.UnknownExtensionIdentifier", "Unknown extension "+id)
	}
	return nil
}

// serveExtensionNext answers with the extension's next event once there is one.
func (s *Session) serveExtensionNext(w http.ResponseWriter, r *http.Request) {
	g := s.current()
	e := g.extension(w, r)
	if e == nil {
		return
	}
	g.mu.Lock()
	e.asked = true
	g.wake()
	g.mu.Unlock()
	if err := g.await(r.Context(), func() bool { return e.event != nil }); err != nil {
		panic(http.ErrAbortHandler) // the process is gone or going; there is nothing to answer
	}
	event := e.event
	e.event, e.asked = nil, false
	g.mu.Unlock()
	w.Header()["Lambda-Extension-Event-Identifier"] = []string{lambda.NewUUID()}
	writeJSON(w, http.StatusOK, event)
}

// serveExtensionError takes note that an extension gives up. The process that it
// is part of is expected to exit, which its owner sees.
func (s *Session) serveExtensionError(w http.ResponseWriter, r *http.Request) {
	g := s.current()
	e := g.extension(w, r)
	if e == nil {
		return
	}
	errorType := r.Header.Get("Lambda-Extension-Function-Error-Type")
	if errorType == "" {
		refuse(w, http.StatusForbidden, "Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found")
		return
	}
	if s.cfg.Log != nil {
		s.cfg.Log.InfoContext(r.Context(), "an extension reported an error",
			"function_name", s.cfg.FunctionName, "extension", e.name, "error_type", errorType)
	}
	accept(w)
}
