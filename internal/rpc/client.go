package rpc

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// renewEvery is how often a process looks whether its certificate is due: often against
// leafRenew, so that many tries fit in.
const renewEvery = 10 * time.Minute

// Client is the side of a worker or frontend. What makes it somebody, a key and a
// certificate, lies in its directory, so that it needs a token only once.
type Client struct {
	dir      string
	kind     Kind
	addr     string // of the control process
	now      func() time.Time
	log      *slog.Logger
	identity *Identity
	control  *Peer
}

// NewClient opens the identity in a directory, if there is one, of a process that asks
// the control process at an address, host:port.
func NewClient(dir string, kind Kind, addr string, now func() time.Time, log *slog.Logger) (*Client, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the identity's directory: %w", err)
	}
	c := &Client{dir: dir, kind: kind, addr: addr, now: now, log: log, identity: &Identity{now: now}}
	c.control = c.identity.Peer(Control, "", addr)
	key, certs, err := loadIdentity(c.file())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c, nil
	case err != nil:
		return nil, fmt.Errorf("read the identity in %s: %w", dir, err)
	case len(certs) != 2:
		return nil, fmt.Errorf("read the identity in %s: %w", dir, errDamaged)
	case callerOf(certs[0]).Kind != kind:
		return nil, fmt.Errorf("the identity in %s is that of %s, not of a %s", dir, callerOf(certs[0]), kind)
	}
	c.identity.use(newShown(key, certs[0], certs[1]))
	return c, nil
}

func (c *Client) file() string { return filepath.Join(c.dir, "identity.pem") }

// Identity is what the process shows, also where it listens.
func (c *Client) Identity() *Identity { return c.identity }

// Control is the way to the control process.
func (c *Client) Control() *Peer { return c.control }

// left is how long the certificate is valid from now on.
func (c *Client) left() time.Duration {
	s, err := c.identity.current()
	if err != nil {
		return 0
	}
	return s.left(c.now())
}

// Join makes the process known: by the certificate that it has, or by a token. Name is
// what it wants to be called; with a certificate it keeps its name.
func (c *Client) Join(ctx context.Context, name, tokenText string) error {
	if c.left() > 0 {
		return nil
	}
	if tokenText == "" {
		return ErrIdentity
	}
	t, err := parseToken(tokenText)
	if err != nil {
		return err
	}
	key, csr, err := newRequest()
	if err != nil {
		return err
	}
	tr := &http.Transport{
		DialContext:     (&net.Dialer{Timeout: dialMax}).DialContext,
		TLSClientConfig: pinned(t.fingerprint, c.now), TLSHandshakeTimeout: handshakeMax,
	}
	defer tr.CloseIdleConnections()
	return c.ask(ctx, tr, joinPath, joinRequest{ID: t.id, Secret: t.secret, Kind: c.kind, Name: name, CSR: csr}, key)
}

// Run renews the certificate in time, until ctx ends.
func (c *Client) Run(ctx context.Context) error {
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := c.Renew(ctx); err != nil {
				c.log.WarnContext(ctx, "the certificate was not renewed; it will be tried again", "error", err, "valid_for", c.left().Round(time.Minute))
			}
		}
	}
}

// Renew asks for a new certificate when the present one is about to expire.
func (c *Client) Renew(ctx context.Context) error {
	if c.left() > leafRenew {
		return nil
	}
	key, csr, err := newRequest()
	if err != nil {
		return err
	}
	return c.ask(ctx, c.control, renewPath, joinRequest{CSR: csr}, key)
}

func newRequest() (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	return key, csr, err
}

// pinned trusts the one authority that a token names.
func pinned(want string, now func() time.Time) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection checks against the authority that the token names
		VerifyConnection: func(s tls.ConnectionState) error {
			for _, cert := range s.PeerCertificates {
				if fingerprint(cert) != want {
					continue
				}
				pool := x509.NewCertPool()
				pool.AddCert(cert)
				_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: pool, DNSName: Control.host(), CurrentTime: now()})
				return err
			}
			return errors.New("this is not the Hearth that the token is for")
		},
	}
}

// ask sends a request for a certificate, and takes what comes into use once it is on
// disk.
func (c *Client) ask(ctx context.Context, rt http.RoundTripper, path string, in joinRequest, key *ecdsa.PrivateKey) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeMax)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+c.addr+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("ask %s for a certificate: %w", c.addr, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, joinMax))
	if err != nil {
		return fmt.Errorf("ask %s for a certificate: %w", c.addr, err)
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return c.take(text, key)
	case http.StatusForbidden:
		return ErrToken
	default:
		return fmt.Errorf("ask %s for a certificate: %s", c.addr, strings.TrimSpace(string(text)))
	}
}

func (c *Client) take(text []byte, key *ecdsa.PrivateKey) error {
	var got joinAnswer
	if err := json.Unmarshal(text, &got); err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(got.Certificate)
	if err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	authority, err := x509.ParseCertificate(got.Authority)
	if err != nil {
		return fmt.Errorf("read the authority's certificate: %w", err)
	}
	if err := saveIdentity(c.file(), key, leaf.Raw, authority.Raw); err != nil {
		return fmt.Errorf("keep the certificate: %w", err)
	}
	c.identity.use(newShown(key, leaf, authority))
	return nil
}

// Close ends the connections to the control process that wait for a request.
func (c *Client) Close() { c.control.Close() }
