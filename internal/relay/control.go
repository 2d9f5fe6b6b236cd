package relay

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Edge answers requests (awsapi meets it).
type Edge interface {
	// ServeCarried answers an invoke whose payload a frontend holds, or reports false,
	// having answered nothing, when the request is none.
	ServeCarried(w http.ResponseWriter, r *http.Request, carried *lambda.Carried) bool
}

// The paths on the control process's port for other processes. Frontends alone may ask
// there.
const (
	// Prefix is where Control answers.
	Prefix      = "/relay/"
	channelPath = "/relay/channel"
	// APIPrefix stands before the path of a request that is passed through whole.
	APIPrefix = "/relay-api"
)

// protocol is what a channel's connection changes to.
const protocol = "hearth-relay/1"

// zoneHeader names a frontend's zone.
const zoneHeader = "Hearth-Zone"

// remoteHeader names the client of a request that is passed through.
const remoteHeader = "Hearth-Client"

const (
	// channelsMax bounds the channels of all frontends: more than the invokes that a
	// control process of any size has under way.
	channelsMax = 16_384
	// pingMax is how long a channel may say nothing between invokes. Frontends close those
	// that they do not use after half of it.
	pingMax = 2 * idleMax
	// carrySlack is what a frontend may take beyond the function's deadline: ending a
	// runtime that ran into it, and passing the answer of 6 MB on.
	carrySlack = 40 * time.Second
	// fetchMax bounds how long a frontend may take to send what it holds in memory.
	fetchMax = 30 * time.Second
)

// Control is the control process's side.
type Control struct {
	edge Edge
	// name says which frontend sent a request.
	name func(*http.Request) string
	log  *slog.Logger

	mu       sync.Mutex // guards what follows
	channels int
	leaving  bool
	running  int           // invokes
	idle     chan struct{} // closed when leaving and none is running
}

// NewControl returns a Control. It is an http.Handler below Prefix for requests that were
// proven to be a frontend's; name says whose.
func NewControl(edge Edge, name func(*http.Request) string, log *slog.Logger) *Control {
	return &Control{edge: edge, name: name, log: log, idle: make(chan struct{})}
}

// Drain takes no more invokes and waits until those under way are answered.
func (c *Control) Drain(ctx context.Context) error {
	c.mu.Lock()
	if !c.leaving {
		c.leaving = true
		c.lookIdle()
	}
	c.mu.Unlock()
	select {
	case <-c.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lookIdle notices that nothing is running any more. The mutex is held.
func (c *Control) lookIdle() {
	if c.leaving && c.running == 0 {
		select {
		case <-c.idle:
		default:
			close(c.idle)
		}
	}
}

// count takes an invoke into the sum, unless the process is leaving, or out of it.
func (c *Control) count(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 0 && c.leaving {
		return false
	}
	c.running += n
	c.lookIdle()
	return true
}

func (c *Control) open() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leaving || c.channels >= channelsMax {
		return false
	}
	c.channels++
	return true
}

func (c *Control) closed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.channels--
}

// ServeHTTP takes a connection over as a channel, and returns when it is over.
func (c *Control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != channelPath || r.Header.Get("Upgrade") != protocol {
		http.Error(w, "there is nothing here", http.StatusNotFound)
		return
	}
	if !c.open() {
		http.Error(w, "no more channels are taken", http.StatusServiceUnavailable)
		return
	}
	defer c.closed()
	name := c.name(r)
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		c.log.ErrorContext(r.Context(), "a channel was not opened", "frontend", name, "error", err)
		http.Error(w, "this connection cannot become a channel", http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	if buffered.Reader.Buffered() > 0 {
		return
	}
	stop := context.AfterFunc(r.Context(), func() { _ = conn.Close() })
	defer stop()
	_ = conn.SetDeadline(time.Time{}) // the server's
	if _, err := io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+protocol+"\r\n\r\n"); err != nil {
		return
	}
	// The buffered reader would end the request's context with the first deadline that it
	// meets, and holds nothing: the other side waits for the change of protocol.
	ch := &serving{control: c, conn: conn, framed: framed{r: bufio.NewReader(conn), w: conn}, name: name, zone: r.Header.Get(zoneHeader), until: validUntil(r)}
	if err := ch.serve(r.Context()); err != nil && r.Context().Err() == nil {
		c.log.DebugContext(r.Context(), "a channel broke", "frontend", name, "error", err)
	}
}

// validUntil is when the certificate ends that a connection began with.
func validUntil(r *http.Request) time.Time {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return time.Now() // nobody comes here without
	}
	return r.TLS.PeerCertificates[0].NotAfter
}

// serving is a channel on this side. It is used by one goroutine.
type serving struct {
	framed
	control *Control
	conn    net.Conn
	name    string
	zone    string
	until   time.Time // when the frontend's certificate ends

	round  int64 // of the invoke under way
	held   bool  // its last result's payload is with the frontend
	broken error // nothing more can be said
}

// serve answers invokes one after the other until the channel ends.
func (ch *serving) serve(ctx context.Context) error {
	known := false
	for {
		wait := time.Now().Add(pingMax)
		if ch.until.Before(wait) {
			wait = ch.until
		}
		_ = ch.conn.SetReadDeadline(wait)
		kind, b, err := ch.read()
		switch {
		case errors.Is(err, io.EOF):
			err = nil
			fallthrough
		case err != nil:
			if known {
				ch.control.log.WarnContext(ctx, "a frontend has gone", "frontend", ch.name, "zone", ch.zone)
			}
			return err
		}
		switch kind {
		case framePing:
			if !known {
				known = true
				ch.control.log.InfoContext(ctx, "a frontend is there", "frontend", ch.name, "zone", ch.zone)
			}
			err = ch.pong()
		case frameRan, frameFailed:
			// It belongs to a round that was given up.
		case frameHead:
			err = ch.invoke(ctx, b)
		default:
			err = fmt.Errorf("%w: a %q between invokes", errFrame, kind)
		}
		if err != nil {
			return err
		}
	}
}

var errLeaving = errors.New("relay: the control process is leaving")

func (ch *serving) pong() error {
	ch.control.mu.Lock()
	leaving := ch.control.leaving
	ch.control.mu.Unlock()
	if leaving {
		return errLeaving
	}
	return ch.send(framePing, nil, nil, false)
}

// invoke has the edge answer one request.
func (ch *serving) invoke(ctx context.Context, b []byte) error {
	if !ch.control.count(1) {
		return errLeaving // nothing has happened yet: the frontend says so to its client
	}
	defer ch.control.count(-1)
	h, err := decodeHead(b)
	if err != nil {
		return err
	}
	r, err := request(ctx, &h)
	if err != nil {
		return err
	}
	ch.round, ch.held = 0, false
	carried := &lambda.Carried{
		SHA256: h.SHA256, Size: h.Size, Fault: h.Fault, TooLarge: h.TooLarge, Incomplete: h.Incomplete, Carrier: ch,
	}
	w := &written{header: http.Header{}}
	if !ch.control.edge.ServeCarried(w, r, carried) {
		return ch.send(frameWhole, nil, nil, false)
	}
	if ch.broken != nil {
		return ch.broken
	}
	out := answer{Status: w.status(), Header: w.header, Held: ch.held && w.status() == http.StatusOK && len(w.body) == 0}
	return ch.send(frameAnswer, &out, w.body, !out.Held)
}

// request is the request as net/http would have read it here.
func request(ctx context.Context, h *head) (*http.Request, error) {
	u, err := url.ParseRequestURI(h.URI)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMessage, err)
	}
	r := &http.Request{
		Method: h.Method, URL: u, RequestURI: h.URI, Host: h.Host, RemoteAddr: h.Remote,
		Header: h.Header, ContentLength: h.ContentLength, Body: http.NoBody,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	return r.WithContext(ctx), nil
}

// written is an answer as the edge writes it.
type written struct {
	header http.Header
	code   int
	body   []byte
}

// Header meets http.ResponseWriter.
func (w *written) Header() http.Header { return w.header }

// WriteHeader meets http.ResponseWriter.
func (w *written) WriteHeader(status int) {
	if w.code == 0 {
		w.code = status
	}
}

// Write meets http.ResponseWriter.
func (w *written) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body = append(w.body, p...)
	return len(p), nil
}

func (w *written) status() int {
	w.WriteHeader(http.StatusOK)
	return w.code
}

// errGone says that the frontend has gone; whether the function has seen the event is
// not known.
var errGone = errors.New("relay: the frontend has gone")

// Carry meets lambda.Carrier.
func (ch *serving) Carry(ctx context.Context, to lambda.Address, inv *lambda.Invocation) (lambda.Result, error) {
	ch.round++
	m := run{Round: ch.round, To: to, Left: time.Until(inv.Deadline), Invocation: *inv}
	var got lambda.Result
	err := ch.ask(ctx, time.Until(inv.Deadline)+carrySlack, frameRun, &m, func(kind byte, b []byte) (done bool, err error) {
		switch kind {
		case frameRan:
			told, err := decodeRan(b)
			if err != nil || told.Round != ch.round {
				return false, err // of a round that was given up
			}
			got, inv.Start = told.Result, time.Now().Add(-told.Took)
			return true, nil
		case frameFailed:
			told, err := decodeFailed(b)
			if err != nil || told.Round != ch.round {
				return false, err
			}
			if told.NotDelivered {
				return true, fmt.Errorf("frontend %s: %s: %w", ch.name, told.Why, lambda.ErrNotDelivered)
			}
			return true, fmt.Errorf("frontend %s: %s", ch.name, told.Why)
		}
		return false, fmt.Errorf("%w: a %q in place of a result", errFrame, kind)
	})
	ch.held = err == nil
	return got, err
}

// Fetch meets lambda.Carrier.
func (ch *serving) Fetch(ctx context.Context) (payload []byte, err error) {
	ch.held = false
	err = ch.ask(ctx, fetchMax, frameFetch, nil, func(kind byte, b []byte) (bool, error) {
		switch kind {
		case frameData:
			payload = b
			return true, nil
		case frameRan, frameFailed:
			return false, nil // of a round that was given up
		}
		return false, fmt.Errorf("%w: a %q in place of a payload", errFrame, kind)
	})
	return payload, err
}

// ask sends a message and reads what comes until take is done, ctx ends or the time is
// over. A frontend that breaks the order of frames is as good as gone.
func (ch *serving) ask(ctx context.Context, atMost time.Duration, kind byte, m message, take func(byte, []byte) (bool, error)) error {
	if ch.broken != nil {
		return fmt.Errorf("%w: %w", lambda.ErrNotDelivered, ch.broken)
	}
	gone := func(err error) error {
		if cause := context.Cause(ctx); cause != nil && errors.Is(err, cause) {
			return fmt.Errorf("frontend %s is not waited for: %w", ch.name, cause)
		}
		ch.broken = err
		return fmt.Errorf("frontend %s: %w: %w", ch.name, errGone, err)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", lambda.ErrNotDelivered, err)
	}
	_ = ch.conn.SetReadDeadline(time.Now().Add(atMost))
	if err := ch.send(kind, m, nil, false); err != nil {
		return gone(err)
	}
	for {
		if err := ch.await(ctx); err != nil {
			return gone(err)
		}
		kind, b, err := ch.read()
		if err != nil {
			return gone(err)
		}
		if done, err := take(kind, b); done {
			return err
		} else if err != nil {
			return gone(err)
		}
	}
}

// await waits until there is something to read or ctx ends. What has begun to come is
// read to its end afterwards, so that the channel stays in step; what comes later
// belongs to a round that was given up.
func (ch *serving) await(ctx context.Context) error {
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = ch.conn.SetReadDeadline(time.Unix(1, 0)) // it ends the waiting, nothing else
		close(over)
	})
	_, err := ch.r.Peek(1)
	if !stop() {
		<-over
		return context.Cause(ctx)
	}
	return err
}
