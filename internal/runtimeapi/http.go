package runtimeapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// routes are the calls that the code inside can make.
func (s *Session) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", s.serveNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", s.serveResponse)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", s.serveError)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", s.serveInitError)
	mux.HandleFunc("GET /2018-06-01/runtime/restore/next", s.serveNoRestore)
	mux.HandleFunc("POST /2018-06-01/runtime/restore/error", s.serveNoRestore)
	mux.HandleFunc("GET /2018-06-01/ping", servePing)
	mux.HandleFunc("POST /2020-01-01/extension/register", s.serveRegister)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", s.serveExtensionNext)
	mux.HandleFunc("POST /2020-01-01/extension/init/error", s.serveExtensionError)
	mux.HandleFunc("POST /2020-01-01/extension/exit/error", s.serveExtensionError)
	mux.HandleFunc("PUT /2022-07-01/telemetry", serveNoTelemetry("Telemetry"))
	mux.HandleFunc("PUT /2020-08-15/logs", serveNoTelemetry("Logs"))
	return mux
}

func servePing(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, "", []byte("pong")) }

// serveNoRestore refuses the SnapStart calls: no environment here is restored.
func (s *Session) serveNoRestore(w http.ResponseWriter, _ *http.Request) {
	refuse(w, http.StatusForbidden, "InvalidStateTransition",
		"State transition from "+s.current().stateName()+" to Restoring failed for runtime. Error: State transition is not allowed")
}

// serveNoTelemetry is what AWS's own local emulator answers where no telemetry is
// delivered; extensions go on without it.
func serveNoTelemetry(api string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		type body struct {
			ErrorType    string `json:"errorType"`
			ErrorMessage string `json:"errorMessage"`
		}
		writeJSON(w, http.StatusAccepted, compactJSON(body{api + ".NotSupported", api + " API is not supported"}))
	}
}

// accept is the answer to a post that was taken.
func accept(w http.ResponseWriter) {
	writeJSON(w, http.StatusAccepted, []byte("{\"status\":\"OK\"}\n"))
}

// refuse answers with an error of the Runtime API.
func refuse(w http.ResponseWriter, status int, errorType, message string) {
	writeJSON(w, status, errorBody(message, errorType))
}

// refuseTransition answers with the 403 of a call that does not fit the state.
func refuseTransition(w http.ResponseWriter, err error) {
	refuse(w, http.StatusForbidden, "InvalidStateTransition", err.Error())
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	write(w, status, "application/json", body)
}

func write(w http.ResponseWriter, status int, contentType string, body []byte) {
	if contentType != "" {
		w.Header()["Content-Type"] = []string{contentType}
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the peer is a sandbox; when it is gone its owner knows
}

var (
	errBodyTooLarge  = errors.New("the body is over the response limit")
	errBodyTruncated = errors.New("the body is shorter than declared")
)

// drainMax bounds how much of a response over the limit is read and thrown away,
// so that the client sees the 413 instead of a broken connection.
const drainMax = 64 << 20

// readBody reads a posted body of at most lambda.ResponseMax bytes into one buffer.
func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength >= 0 && r.ContentLength <= lambda.ResponseMax {
		body := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, body); err != nil {
			return nil, fmt.Errorf("%w: %w", errBodyTruncated, err)
		}
		// Nothing follows the declared bytes; this lets trailers and reuse settle.
		_, _ = io.Copy(io.Discard, r.Body)
		return body, nil
	}
	var body []byte
	if r.ContentLength < 0 {
		var err error
		if body, err = io.ReadAll(io.LimitReader(r.Body, lambda.ResponseMax+1)); err != nil {
			return nil, fmt.Errorf("%w: %w", errBodyTruncated, err)
		}
		if len(body) <= lambda.ResponseMax {
			return body, nil
		}
	}
	_, _ = io.CopyN(io.Discard, r.Body, drainMax)
	return nil, errBodyTooLarge
}
