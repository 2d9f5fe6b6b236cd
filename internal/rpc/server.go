package rpc

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Server answers other processes of the same Hearth.
type Server struct {
	identity  *Identity
	log       *slog.Logger
	mounts    []mount
	strangers bool

	mu          sync.Mutex // guards what follows
	ended       bool
	connections int
	running     sync.WaitGroup
}

type mount struct {
	prefix string
	kinds  []Kind
	to     http.Handler
}

// NewServer returns a server that shows an identity. Mount comes before Run.
func NewServer(identity *Identity, log *slog.Logger) *Server {
	return &Server{identity: identity, log: log}
}

// Mount lets processes of some kinds ask a handler for the paths that begin with a
// prefix, such as "/fleet/". The handler sees the paths as they are, the prefix
// included; it learns by CallerOf who asks.
func (s *Server) Mount(prefix string, h http.Handler, kinds ...Kind) {
	s.mounts = append(s.mounts, mount{prefix, kinds, h})
}

// MountAPI is Mount for a handler that sees paths without the prefix, which ends before
// their slash, and otherwise as they came.
func (s *Server) MountAPI(prefix string, h http.Handler, kinds ...Kind) {
	stripped := http.StripPrefix(prefix, h)
	s.Mount(prefix+"/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RequestURI = strings.TrimPrefix(r.RequestURI, prefix)
		stripped.ServeHTTP(w, r)
	}), kinds...)
}

// CallerOf is who sent a request; its zero value is a stranger.
func CallerOf(r *http.Request) Caller {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return Caller{}
	}
	return callerOf(r.TLS.VerifiedChains[0][0])
}

// Run serves until ctx ends and every handler has returned; their contexts end with it.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	server := &http.Server{
		Handler: http.HandlerFunc(s.serve), Protocols: &protocols, TLSConfig: s.identity.serve(s.strangers),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: handshakeMax, IdleTimeout: idleKeep, ConnState: s.count,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	done := make(chan error, 1)
	go func() { done <- server.ServeTLS(l, "", "") }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		err = server.Close()
		if served := <-done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
	}
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.running.Wait()
	return err
}

// count turns away connections beyond connectionsMax.
func (s *Server) count(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		if s.connections++; s.connections > connectionsMax {
			c.Close()
		}
	case http.StateClosed, http.StateHijacked:
		s.connections--
	case http.StateActive, http.StateIdle:
	}
}

func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.running.Add(1)
	}
	return !s.ended
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !s.begin() {
		w.Header().Set("Connection", "close")
		http.Error(w, "the process is leaving", http.StatusServiceUnavailable)
		return
	}
	defer s.running.Done()
	who := CallerOf(r)
	// A connection may outlive the certificate that it began with.
	if who.Kind != "" && s.identity.now().After(r.TLS.VerifiedChains[0][0].NotAfter) {
		w.Header().Set("Connection", "close")
		http.Error(w, "the certificate has expired", http.StatusUnauthorized)
		return
	}
	var longest mount
	for _, m := range s.mounts {
		if strings.HasPrefix(r.URL.Path, m.prefix) && len(m.prefix) > len(longest.prefix) {
			longest = m
		}
	}
	switch {
	case longest.to == nil && who.Kind != "":
		http.Error(w, "there is nothing here", http.StatusNotFound)
	case longest.to == nil || !slices.Contains(longest.kinds, who.Kind):
		s.log.WarnContext(r.Context(), "a process was refused: its certificate is not of a kind that may ask this", "remote", r.RemoteAddr, "caller", who.String(), "path", r.URL.Path)
		http.Error(w, "a certificate of this Hearth, and of another kind, is needed", http.StatusForbidden)
	default:
		longest.to.ServeHTTP(w, r)
	}
}

// joinMax bounds the body of a request for a certificate, and its answer.
const joinMax = 16 << 10

// nameForm is what processes and zones may be called; names appear in logs and
// certificates.
var nameForm = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$`)

// ValidName says whether a process, or a zone, may be called so.
func ValidName(name string) bool { return nameForm.MatchString(name) }

const (
	joinPath  = "/join"
	renewPath = "/renew"
)

type joinRequest struct {
	ID     string `json:"id"`
	Secret string `json:"secret"`
	Kind   Kind   `json:"kind"`
	Name   string `json:"name"`
	CSR    []byte `json:"csr"`
}

type joinAnswer struct {
	Certificate []byte `json:"certificate"`
	Authority   []byte `json:"authority"`
}

// Mount lets strangers with a token join at a server, and the others renew their
// certificates.
func (a *Authority) Mount(s *Server) {
	s.strangers = true
	j := joiner{a, s.log}
	s.Mount(joinPath, http.HandlerFunc(j.join), "", Worker, Frontend)
	s.Mount(renewPath, http.HandlerFunc(j.renew), Worker, Frontend)
}

type joiner struct {
	authority *Authority
	log       *slog.Logger
}

func (j joiner) join(w http.ResponseWriter, r *http.Request) {
	in, ok := readJoin(w, r)
	if !ok {
		return
	}
	if !ValidName(in.Name) {
		http.Error(w, "the name is not of letters, digits, dots and dashes", http.StatusBadRequest)
		return
	}
	if _, err := x509.ParseCertificateRequest(in.CSR); err != nil {
		http.Error(w, "there is no certificate request", http.StatusBadRequest) // the token is not used up for that
		return
	}
	switch err := j.authority.redeem(in.ID, in.Secret, in.Kind); {
	case errors.Is(err, ErrToken):
		j.log.WarnContext(r.Context(), "a process was refused: its token is wrong, used, expired or for another kind", "remote", r.RemoteAddr)
		http.Error(w, ErrToken.Error(), http.StatusForbidden)
	case err != nil:
		j.fail(w, r, err)
	default:
		j.answer(w, r, Caller{in.Kind, in.Name}, in.CSR)
	}
}

func (j joiner) renew(w http.ResponseWriter, r *http.Request) {
	if in, ok := readJoin(w, r); ok {
		j.answer(w, r, CallerOf(r), in.CSR)
	}
}

func readJoin(w http.ResponseWriter, r *http.Request) (in joinRequest, ok bool) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(handshakeMax)) // what fails then is the reading
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, joinMax))
	if err != nil || json.Unmarshal(body, &in) != nil {
		http.Error(w, "the request is not readable", http.StatusBadRequest)
		return in, false
	}
	return in, true
}

func (j joiner) answer(w http.ResponseWriter, r *http.Request, who Caller, csr []byte) {
	der, err := j.authority.sign(who, csr)
	if err != nil {
		http.Error(w, "there is no valid certificate request", http.StatusBadRequest)
		return
	}
	text, err := json.Marshal(joinAnswer{der, j.authority.cert.Raw})
	if err != nil {
		j.fail(w, r, err)
		return
	}
	_, _ = w.Write(text) // the asker may have gone
}

func (j joiner) fail(w http.ResponseWriter, r *http.Request, err error) {
	j.log.ErrorContext(r.Context(), "a process could not join", "error", err)
	http.Error(w, "internal error", http.StatusInternalServerError)
}
