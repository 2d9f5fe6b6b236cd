package fleet

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/rpc"
)

// Handler answers what workers ask, under Prefix.
func (h *Hub) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+Prefix+"register", h.serveRegister)
	mux.HandleFunc("GET "+Prefix+"packages/{digest}", h.servePackage)
	mux.HandleFunc("POST "+Prefix+"credentials", h.serveCredentials)
	mux.HandleFunc("POST "+Prefix+"logs", h.serveLogs)
	return mux
}

// asking is the session of a request; the worker that asks must be the one whose
// session it is.
func (h *Hub) asking(w http.ResponseWriter, r *http.Request) *session {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sessions[r.Header.Get(sessionHeader)]
	if s == nil || s.name != rpc.CallerOf(r).Name {
		http.Error(w, "this is no session of yours", http.StatusForbidden)
		return nil
	}
	return s
}

// servePackage gives a worker the bytes of a package that an environment which it is
// making needs.
func (h *Hub) servePackage(w http.ResponseWriter, r *http.Request) {
	s := h.asking(w, r)
	if s == nil {
		return
	}
	digest := lambda.CodeDigest(r.PathValue("digest"))
	if !s.makes(func(v *lambda.Version) bool { return v.CodeDigest == digest || slices.Contains(v.Layers, digest) }) {
		http.Error(w, "no environment of yours needs this package now", http.StatusForbidden)
		return
	}
	f, err := h.cfg.Packages.Open(r.Context(), digest)
	if err != nil {
		h.cfg.Log.WarnContext(r.Context(), "a package could not be given to a worker", "worker_id", s.id, "error", err)
		http.Error(w, "the package is not there", http.StatusNotFound)
		return
	}
	defer f.Close()
	_, _ = io.Copy(w, f) // the worker verifies the digest
}

type credentialsRequest struct {
	RoleARN  string
	Function lambda.FunctionID
	For      time.Duration
}

// serveCredentials mints a role session for an environment that the worker is making,
// and for nobody else.
func (h *Hub) serveCredentials(w http.ResponseWriter, r *http.Request) {
	s := h.asking(w, r)
	if s == nil {
		return
	}
	var in credentialsRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&in); err != nil {
		http.Error(w, "the request is not readable", http.StatusBadRequest)
		return
	}
	if !s.makes(func(v *lambda.Version) bool { return v.RoleARN == in.RoleARN && v.Function == in.Function }) {
		http.Error(w, "no environment of yours has this role now", http.StatusForbidden)
		return
	}
	c, err := h.cfg.Roles.MintFunctionSession(r.Context(), in.RoleARN, in.Function, in.For)
	if err != nil {
		answerError(w, err)
		return
	}
	_ = json.NewEncoder(w).Encode(c) // the worker may have gone
}

// logRecord is what a worker sends of its environments' logs: a stream's beginning,
// lines of it, or its end.
type logRecord struct {
	Stream int
	Open   *LogStream          `json:",omitempty"`
	As     *lambda.Credentials `json:",omitempty"` // with Open; without the secret key
	Lines  []LogLine           `json:",omitempty"`
	Close  bool                `json:",omitempty"`
}

const (
	// logStreamsMax bounds the log streams of one worker, above what it can host.
	logStreamsMax = 10_000
	// logRecordMax bounds one record: the longest line as JSON, and others with it.
	logRecordMax = 4 << 20
)

// serveLogs takes log lines as long as the worker is there, in their order.
func (h *Hub) serveLogs(w http.ResponseWriter, r *http.Request) {
	s := h.asking(w, r)
	if s == nil {
		return
	}
	streams := map[int]LogWriter{}
	for {
		text, err := readFrameOf(r.Body, frameData)
		if err != nil || len(text) > logRecordMax {
			return
		}
		var rec logRecord
		if err := json.Unmarshal(text, &rec); err != nil {
			http.Error(w, "the record is not readable", http.StatusBadRequest)
			return
		}
		if rec.Open != nil && rec.As != nil && len(streams) < logStreamsMax {
			to, err := h.cfg.Logs.OpenLog(r.Context(), *rec.Open, *rec.As)
			if err != nil {
				h.cfg.Log.WarnContext(r.Context(), "a log stream was refused to a worker", "worker_id", s.id, "error", err)
				continue
			}
			streams[rec.Stream] = to
		}
		if to := streams[rec.Stream]; to != nil && len(rec.Lines) > 0 {
			to.Append(rec.Lines)
		}
		if rec.Close {
			closeLog(streams[rec.Stream])
			delete(streams, rec.Stream)
		}
	}
}

func closeLog(to LogWriter) {
	if c, ok := to.(io.Closer); ok {
		_ = c.Close() // it takes no more lines; what it took is its own
	}
}

// answerError tells the other side why something did not work: what the caller may
// know as it is, anything else as a text.
func answerError(w http.ResponseWriter, err error) {
	if refused, ok := errors.AsType[*lambda.Error](err); ok {
		w.Header().Set("Content-Type", lambda.ContentTypeJSON)
		w.WriteHeader(http.StatusUnprocessableEntity)
		_ = json.NewEncoder(w).Encode(refused) // the asker may have gone
		return
	}
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

// errorTextMax bounds what is read of an error's text.
const errorTextMax = 64 << 10

// answeredError reads what answerError wrote.
func answeredError(resp *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, errorTextMax))
	if err != nil {
		return err
	}
	switch resp.StatusCode {
	case http.StatusGone:
		return ErrLost
	case http.StatusUnprocessableEntity:
		refused := &lambda.Error{}
		if err := json.Unmarshal(text, refused); err == nil {
			return refused
		}
	}
	return errors.New(strings.TrimSpace(string(text)))
}
