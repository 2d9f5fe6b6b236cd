package rpc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// ErrIdentity says that a process has no valid certificate and no token to get one.
var ErrIdentity = errors.New("rpc: there is no valid certificate; a token is needed to join")

// Identity is what a process shows to the others, its certificate, and whom it trusts.
type Identity struct {
	now func() time.Time
	// renew gives the certificate that is valid now; nil leaves that to others.
	renew func() (*shown, error)

	mu    sync.Mutex // guards shown
	shown *shown
}

// shown is a certificate and the authority it comes from. It is never changed.
type shown struct {
	cert tls.Certificate
	pool *x509.CertPool
}

// Caller is who a certificate is of.
type Caller struct {
	Kind Kind
	Name string
}

// String is the form that logs show.
func (c Caller) String() string { return string(c.Kind) + " " + c.Name }

func callerOf(leaf *x509.Certificate) Caller {
	for _, name := range leaf.DNSNames {
		if kind, ok := strings.CutSuffix(name, ".hearth"); ok && Kind(kind).valid() {
			return Caller{Kind(kind), leaf.Subject.CommonName}
		}
	}
	return Caller{}
}

// Name is what the process is called; empty as long as it has no certificate.
func (i *Identity) Name() string {
	s, err := i.current()
	if err != nil {
		return ""
	}
	return s.cert.Leaf.Subject.CommonName
}

func (i *Identity) current() (*shown, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.renew != nil && (i.shown == nil || i.shown.left(i.now()) <= leafRenew) {
		s, err := i.renew()
		if err != nil {
			return nil, err
		}
		i.shown = s
	}
	if i.shown == nil {
		return nil, ErrIdentity
	}
	return i.shown, nil
}

func (i *Identity) use(s *shown) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.shown = s
}

// left is how long the certificate is valid from now on.
func (s *shown) left(now time.Time) time.Duration { return s.cert.Leaf.NotAfter.Sub(now) }

// serve is the configuration of who is asked. With strangers, there may be no
// certificate; one that is shown must be valid all the same.
func (i *Identity) serve(strangers bool) *tls.Config {
	auth := tls.RequireAndVerifyClientCert
	if strangers {
		auth = tls.VerifyClientCertIfGiven
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			s, err := i.current()
			if err != nil {
				return nil, err
			}
			return &tls.Config{
				MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{s.cert}, NextProtos: []string{"http/1.1"},
				ClientAuth: auth, ClientCAs: s.pool, Time: i.now,
			}, nil
		},
	}
}

// Peer is another process that can be asked.
type Peer struct {
	identity *Identity
	kind     Kind
	name     string
	addr     string

	mu        sync.Mutex // guards what follows
	of        *shown     // the transport's
	transport *http.Transport
}

// Peer is the way to a process at an address, host:port. A process of another kind, or
// of another name unless name is empty, is told nothing.
func (i *Identity) Peer(kind Kind, name, addr string) *Peer {
	return &Peer{identity: i, kind: kind, name: name, addr: addr}
}

// Addr is where the peer listens.
func (p *Peer) Addr() string { return p.addr }

// Request makes a request to the peer. Path may carry a query.
func (p *Peer) Request(ctx context.Context, method, path string) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, method, "https://"+p.addr+path, nil)
}

// RoundTrip sends a request to the peer, whatever host its URL names. Requests share
// connections, one at a time each; none is sent twice once the peer can have seen it.
func (p *Peer) RoundTrip(r *http.Request) (*http.Response, error) {
	t, err := p.current()
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // as every RoundTripper does
		}
		return nil, err
	}
	if r.URL.Host != p.addr || r.URL.Scheme != "https" {
		host := r.Host
		if host == "" {
			host = r.URL.Host
		}
		r = r.WithContext(r.Context()) // a copy; requests belong to who made them
		r.Host = host
		r.URL = cloneURL(r.URL)
		r.URL.Scheme, r.URL.Host = "https", p.addr
	}
	return t.RoundTrip(r)
}

func cloneURL(u *url.URL) *url.URL {
	c := *u
	return &c
}

// current is the transport for the certificate that is valid now. Connections that were
// made with an older one end as they fall idle.
func (p *Peer) current() (*http.Transport, error) {
	s, err := p.identity.current()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == s {
		return p.transport, nil
	}
	if p.transport != nil {
		p.transport.CloseIdleConnections()
	}
	p.of, p.transport = s, &http.Transport{
		DialContext:         (&net.Dialer{Timeout: dialMax, KeepAlive: keepAlive}).DialContext,
		TLSClientConfig:     p.config(s),
		TLSHandshakeTimeout: handshakeMax,
		DisableCompression:  true,
		MaxIdleConnsPerHost: idleMax,
		IdleConnTimeout:     idleMost,
	}
	return p.transport, nil
}

func (p *Peer) config(s *shown) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}, Time: p.identity.now,
		Certificates: []tls.Certificate{s.cert}, RootCAs: s.pool, ServerName: p.kind.host(),
		VerifyConnection: func(c tls.ConnectionState) error {
			who := callerOf(c.PeerCertificates[0])
			if who.Kind != p.kind || p.name != "" && who.Name != p.name {
				return fmt.Errorf("%s is %s, not %s", p.addr, who, Caller{p.kind, p.name})
			}
			return nil
		},
	}
}

// Close ends the connections that wait for a request. Those under way end with their
// requests.
func (p *Peer) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.transport != nil {
		p.transport.CloseIdleConnections()
	}
}
