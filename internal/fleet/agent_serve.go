package fleet

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// routes are what the control process asks beside invokes.
func (a *Agent) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+workerPrefix+"session", a.serveSession)
	mux.HandleFunc("POST "+workerPrefix+"environments", a.serveOpen)
	mux.HandleFunc("DELETE "+workerPrefix+"environments/{id}", a.serveClose)
	return mux
}

// serveSession tells for which session things may run here.
func (a *Agent) serveSession(w http.ResponseWriter, _ *http.Request) {
	a.mu.Lock()
	running := a.running
	a.mu.Unlock()
	_, _ = w.Write([]byte(running)) // the asker may have gone
}

// versionMax bounds a version on the wire: its variables have 4 KB.
const versionMax = 256 << 10

// mine says whether a request is of the present session of a worker that takes more.
// The mutex is held.
func (a *Agent) mine(r *http.Request) bool {
	return a.session != "" && r.Header.Get(sessionHeader) == a.session
}

func (a *Agent) serveOpen(w http.ResponseWriter, r *http.Request) {
	v := &lambda.Version{}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, versionMax)).Decode(v); err != nil {
		http.Error(w, "the version is not readable", http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	a.pending++
	takes := a.mine(r) && !a.draining.Load()
	a.mu.Unlock()
	defer a.settled()
	if !takes {
		http.Error(w, "this worker is leaving", http.StatusGone)
		return
	}
	e, err := a.host.Open(r.Context(), v)
	if err != nil {
		answerError(w, err)
		return
	}
	answer := opened{ID: e.ID(), Initialised: e.Initialised()}
	e.Idle()
	a.mu.Lock()
	takes = a.mine(r) && !a.draining.Load() && r.Context().Err() == nil
	if takes {
		a.environments[e.ID()] = &hosting{env: e, version: v, born: time.Now()}
	}
	a.mu.Unlock()
	if !takes {
		if err := a.end(r.Context(), e); err != nil {
			a.cfg.Log.ErrorContext(r.Context(), "an environment did not end cleanly", "sandbox_id", e.ID(), "error", err)
		}
		http.Error(w, "this worker is leaving", http.StatusGone)
		return
	}
	_ = json.NewEncoder(w).Encode(answer) // who has not heard it ends the session
}

// settled says that an environment is open or closed.
func (a *Agent) settled() {
	a.mu.Lock()
	a.pending--
	a.mu.Unlock()
	a.lookEmpty()
}

func (a *Agent) serveClose(w http.ResponseWriter, r *http.Request) {
	id := lambda.SandboxID(r.PathValue("id"))
	a.mu.Lock()
	h := a.environments[id]
	if !a.mine(r) {
		h = nil // another session decides
	}
	if h != nil {
		delete(a.environments, id)
		a.pending++ // it is not gone before it is
	}
	a.mu.Unlock()
	if h == nil {
		http.Error(w, "there is no such environment", http.StatusGone)
		return
	}
	defer a.settled()
	if err := a.end(r.Context(), h.env); err != nil {
		answerError(w, err)
	}
}

// take gives an environment to one invoke.
func (a *Agent) take(r *http.Request, id lambda.SandboxID) (*hosting, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.environments[id]
	if h == nil || h.busy || !a.mine(r) {
		return nil, false
	}
	h.busy = true
	return h, true
}

func (a *Agent) giveBack(h *hosting) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h.busy = false
}

func (a *Agent) serveInvoke(w http.ResponseWriter, r *http.Request) {
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(invokeSlack)) // what fails then is the reading
	inv, streams, err := readEvent(r.Body)
	_ = c.SetReadDeadline(time.Time{})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h, ok := a.take(r, lambda.SandboxID(r.URL.Path[len(invokePrefix):]))
	if !ok {
		http.Error(w, "there is no such environment", http.StatusGone)
		return
	}
	if streams {
		inv.Sink = &wireSink{w: w, flush: c}
	}
	result, err := h.env.Invoke(context.WithoutCancel(r.Context()), inv)
	a.giveBack(h) // whoever reads the answer may send the next event at once
	if err != nil {
		a.cfg.Log.ErrorContext(r.Context(), "an invoke failed", "sandbox_id", h.env.ID(), "request_id", inv.RequestID, "error", err)
		_ = writeFrame(w, frameFailure, []byte(err.Error())) // the asker may have gone
		return
	}
	_ = writeRan(w, inv, result) // the asker may have gone
}
