package door

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/hearthfaas/hearth/internal/httpevent"
)

// BodyMax bounds a request's body and a forwarded answer's (API Gateway quotas,
// "Payload size").
const BodyMax = 10 << 20

// drainMax is how much of a refused body is still read, so that the client gets to
// see the refusal.
const drainMax = 2 * BodyMax

// ErrTooLarge says that a body is longer than BodyMax.
var ErrTooLarge = errors.New("body over its limit")

// ReadBody reads a request's body.
func ReadBody(r *http.Request) ([]byte, error) {
	if r.ContentLength == 0 {
		return nil, nil
	}
	body, err := readAll(r.Body)
	if errors.Is(err, ErrTooLarge) {
		_, _ = io.CopyN(io.Discard, r.Body, drainMax) // how it ends changes nothing
	}
	return body, err
}

func readAll(from io.Reader) ([]byte, error) {
	var b bytes.Buffer
	if _, err := b.ReadFrom(io.LimitReader(from, BodyMax+1)); err != nil {
		return nil, fmt.Errorf("read a body: %w", err)
	}
	if b.Len() > BodyMax {
		return nil, ErrTooLarge
	}
	return b.Bytes(), nil
}

// idleMax is how long connections to integrations are kept.
const idleMax = 30 * time.Second

// NewClient makes the client of HTTP_PROXY integrations. Unless local, it reaches
// public addresses only, as on AWS; link-local ones, where clouds have their
// credentials, it never does.
func NewClient(local bool) *http.Client {
	d := net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		ip := at.Addr().Unmap()
		if ip.IsLinkLocalUnicast() || ip.IsMulticast() || !local && (ip.IsPrivate() || ip.IsLoopback() || ip.IsUnspecified()) {
			return fmt.Errorf("integrations may not reach %s", ip)
		}
		return nil
	}}
	return &http.Client{
		Transport:     &http.Transport{DialContext: d.DialContext, MaxIdleConnsPerHost: 16, IdleConnTimeout: idleMax, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Forward is a request for another server.
type Forward struct {
	Method  string
	URL     string
	Query   url.Values // beside the URL's own
	Header  http.Header
	Body    []byte
	Timeout time.Duration
}

// connection are the headers that are not passed on, either way.
var connection = []string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length"}

// Forward sends a request on and reads the whole answer.
func (d *Door) Forward(ctx context.Context, f Forward) (httpevent.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	to, err := url.Parse(f.URL)
	if err != nil {
		return httpevent.Response{}, fmt.Errorf("read the integration's URI: %w", err)
	}
	q := to.Query()
	for name, values := range f.Query {
		q[name] = append(q[name], values...)
	}
	to.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, f.Method, to.String(), bytes.NewReader(f.Body))
	if err != nil {
		return httpevent.Response{}, fmt.Errorf("make the integration's request: %w", err)
	}
	req.Header = f.Header
	strip(req.Header)
	res, err := d.Client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return httpevent.Response{}, ErrTimeout
		}
		return httpevent.Response{}, fmt.Errorf("ask the integration: %w", err)
	}
	defer res.Body.Close()
	body, err := readAll(res.Body)
	if err != nil {
		return httpevent.Response{}, err
	}
	strip(res.Header)
	return httpevent.Response{Status: res.StatusCode, Header: res.Header, Body: body}, nil
}

func strip(h http.Header) {
	for _, name := range connection {
		h.Del(name)
	}
}

// Expand puts path parameters into a URI: {name} and {name+}.
func Expand(uri string, params map[string]string) string {
	for name, value := range params {
		uri = strings.ReplaceAll(uri, "{"+name+"}", value)
		uri = strings.ReplaceAll(uri, "{"+name+"+}", value)
	}
	return uri
}
