package fleet

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/rpc"
)

// Config is what the Hub stands on.
type Config struct {
	// Identity is the control process's.
	Identity *rpc.Identity
	Packages Packages
	Roles    Roles
	Logs     Logs
	// Left is told that a worker is lost, or takes no more invokes, once or more often.
	Left func(workerID string)
	// Joined is told that a worker is there.
	Joined func()
	// Wanted says whether environments of a version may serve invokes now.
	Wanted func(v *lambda.Version) bool
	// Adopt takes an idle environment that a worker kept, or says that it may go.
	Adopt func(workerID string, e *Environment, v *lambda.Version, age time.Duration) bool
	Log   *slog.Logger
}

// Hub is the control process's side of the fleet.
type Hub struct {
	cfg Config
	// leaving says that this process ends and the workers keep their environments for
	// the next.
	leaving atomic.Bool

	arrive  sync.Once
	arrived chan struct{}

	mu       sync.Mutex // guards what follows
	sessions map[string]*session
	joining  int
}

// NewHub returns a hub without workers.
func NewHub(cfg Config) *Hub {
	return &Hub{cfg: cfg, sessions: map[string]*session{}, arrived: make(chan struct{})}
}

// Arrived is closed when the first worker is there. Workers of an earlier control
// process come within rejoinMost.
func (h *Hub) Arrived() <-chan struct{} { return h.arrived }

// Worker is what placement asks of a worker.
type Worker struct {
	ID, Name string
	Hello
	Draining bool
	// Silent is how long nothing was heard of it.
	Silent       time.Duration
	FreeMB       int
	CommittedMB  int
	Environments int
	Starting     int // of these
	// Of is how many of the environments are of the version that was asked for.
	Of int
	// CodeThere says that it had an environment of this code before.
	CodeThere bool
}

// Workers are the workers of now, for an environment of a version, or for nil.
func (h *Hub) Workers(v *lambda.Version) []Worker {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]Worker, 0, len(h.sessions))
	for _, s := range h.sessions {
		all = append(all, s.worker(v))
	}
	return all
}

// Runs says whether some worker can run a runtime.
func (h *Hub) Runs(runtime string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.sessions {
		if slices.Contains(s.hello.Runtimes, runtime) {
			return true
		}
	}
	return false
}

// Leave says that this process is about to end: environments that are closed from now
// on stay with their workers, which offer them to the next.
func (h *Hub) Leave() { h.leaving.Store(true) }

// Abort ends all sessions, and with them what runs on the workers.
func (h *Hub) Abort() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.sessions {
		s.end(errors.New("the control process is leaving"))
	}
}

// Open makes an environment on a worker. ErrLost says that the worker is not there any
// more; a *lambda.Error, that it cannot run the version.
func (h *Hub) Open(ctx context.Context, workerID string, v *lambda.Version) (*Environment, error) {
	h.mu.Lock()
	s := h.sessions[workerID]
	h.mu.Unlock()
	if s == nil {
		return nil, fmt.Errorf("worker %s: %w", workerID, ErrLost)
	}
	return s.open(ctx, v)
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}

// registrationMax bounds what a worker begins its session with.
const registrationMax = frameMax

// serveRegister is the life of one session, from a worker's introduction to its end.
func (h *Hub) serveRegister(w http.ResponseWriter, r *http.Request) {
	name := rpc.CallerOf(r).Name
	log := h.cfg.Log.With("worker", name)
	c := http.NewResponseController(w)
	if err := c.EnableFullDuplex(); err != nil {
		http.Error(w, "a session needs both ways at once", http.StatusHTTPVersionNotSupported)
		return
	}
	if !h.begin() {
		http.Error(w, fmt.Sprintf("there are %d workers; that is the most", workersMax), http.StatusServiceUnavailable)
		return
	}
	defer h.done()
	line := &line{w: w, r: r, c: c}
	in, err := readRegistration(line)
	if err != nil {
		log.WarnContext(r.Context(), "a worker did not introduce itself", "error", err)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.replace(name)
	life, end := context.WithCancelCause(r.Context())
	s := &session{
		hub: h, name: name, id: name + "-" + randomHex(4), hello: in.Hello,
		peer: h.cfg.Identity.Peer(rpc.Worker, name, in.Addr),
		life: life, end: end, forgotten: make(chan struct{}), dead: make(chan struct{}), heard: time.Now(), of: map[lambda.EnvironmentKey]int{},
		opening: map[*lambda.Version]struct{}{}, code: map[lambda.CodeDigest]struct{}{},
		status: status{Draining: true}, // until it has told
	}
	defer s.peer.Close()
	if _, err := s.runs(life); err != nil {
		log.WarnContext(life, "a worker was refused: it is not reached at the address that it told", "addr", in.Addr, "error", err)
		http.Error(w, fmt.Sprintf("the worker is not reached at %s: %v", in.Addr, err), http.StatusBadRequest)
		return
	}
	err = h.follow(s, in, line, log)
	s.end(err)
	h.over(r.Context(), s, err, log)
}

// begin counts workers that are there or about to be.
func (h *Hub) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.joining >= workersMax {
		return false
	}
	h.joining++
	return true
}

func (h *Hub) done() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.joining--
}

// readRegistration reads who a worker is.
func readRegistration(l *line) (in registration, err error) {
	text, err := l.read(frameHead)
	if err != nil {
		return in, fmt.Errorf("read the registration: %w", err)
	}
	if len(text) > registrationMax || json.Unmarshal(text, &in) != nil {
		return in, errors.New("the registration is not readable")
	}
	if !rpc.ValidName(in.Zone) {
		return in, fmt.Errorf("%q is no name of a zone", in.Zone)
	}
	if _, _, err := net.SplitHostPort(in.Addr); err != nil {
		return in, fmt.Errorf("%q is no address of a worker", in.Addr)
	}
	if len(in.Environments) > offersMax {
		return in, fmt.Errorf("%d environments are too many", len(in.Environments))
	}
	return in, nil
}

// replace ends an earlier session of a worker that begins anew.
func (h *Hub) replace(name string) {
	h.mu.Lock()
	var old []*session
	for _, s := range h.sessions {
		if s.name == name {
			old = append(old, s)
		}
	}
	h.mu.Unlock()
	for _, s := range old {
		s.end(errors.New("it began another session"))
		<-s.dead
	}
}

// follow takes what the worker tells until it tells no more. It is part of the fleet
// from its first state on; until then it only gets what it asks for.
func (h *Hub) follow(s *session, in registration, l *line, log *slog.Logger) error {
	h.mu.Lock()
	h.sessions[s.id] = s
	h.mu.Unlock()
	hello := welcome{Session: s.id, Keep: h.wanted(in.Environments)}
	if err := l.writeJSON(frameResult, hello); err != nil {
		return err
	}
	// What ends the session ends the reading, too.
	defer context.AfterFunc(s.life, l.interrupt)()
	joined := false
	for {
		text, err := l.read(frameData)
		if err == nil {
			err = s.life.Err()
		}
		if err == nil {
			err = s.told(text)
		}
		if err == nil {
			err = l.write(frameData, nil)
		}
		if err != nil {
			return errors.Join(err, context.Cause(s.life))
		}
		if joined {
			continue
		}
		joined = true
		adopted := h.adopt(s, in.Environments, hello.Keep)
		log.InfoContext(s.life, "worker joined", "worker_id", s.id, "zone", s.hello.Zone, "addr", s.hello.Addr, "isolation", s.hello.Isolation, "adopted", adopted)
		h.arrive.Do(func() { close(h.arrived) })
		h.cfg.Joined()
	}
}

// wanted are the offered environments that the worker is to keep.
func (h *Hub) wanted(offers []offer) (keep []lambda.SandboxID) {
	for _, o := range offers {
		if o.Version != nil && h.cfg.Wanted(o.Version) {
			keep = append(keep, o.ID)
		}
	}
	return keep
}

// adopt takes the environments that the worker kept.
func (h *Hub) adopt(s *session, offers []offer, keep []lambda.SandboxID) (adopted int) {
	kept := map[lambda.SandboxID]bool{}
	for _, id := range keep {
		kept[id] = true
	}
	for _, o := range offers {
		if !kept[o.ID] {
			continue
		}
		e := &Environment{session: s, version: o.Version, id: o.ID, initialised: o.Initialised}
		s.count(o.Version, 1)
		s.hasCode(o.Version.CodeDigest)
		if h.cfg.Adopt(s.id, e, o.Version, o.Age) {
			adopted++
			continue
		}
		ctx, cancel := context.WithTimeout(s.life, answerSlack)
		if err := e.Close(ctx); err != nil {
			h.cfg.Log.WarnContext(ctx, "an environment that is not wanted did not end", "worker_id", s.id, "sandbox_id", e.id, "error", err)
		}
		cancel()
	}
	return adopted
}

// over forgets a worker whose session has ended.
func (h *Hub) over(ctx context.Context, s *session, why error, log *slog.Logger) {
	h.mu.Lock()
	delete(h.sessions, s.id)
	h.mu.Unlock()
	drained := s.drained()
	h.cfg.Left(s.id)
	close(s.forgotten)
	if !drained && !h.leaving.Load() {
		s.awaitDeath(context.WithoutCancel(ctx))
	}
	close(s.dead)
	if drained {
		log.InfoContext(ctx, "worker left", "worker_id", s.id)
		return
	}
	log.WarnContext(ctx, "worker lost", "worker_id", s.id, "error", why)
}
