package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/hearthfaas/hearth/internal/harness"
	"github.com/hearthfaas/hearth/internal/reportline"
)

// target is a request that is sent again and again, ready as bytes. Where it is
// signed, that happened before the timed part: the client's own cost of signing is
// left out, the server's of checking is in.
type target struct {
	addr    string
	request []byte
	status  int // of a good answer; 0 is 200
}

// ioMax bounds one request, so that a fault ends the benchmark instead of hanging.
const ioMax = 60 * time.Second

// signedInvoke is an Invoke call with a SigV4 signature as the AWS SDKs make it. A
// signature is good for five minutes, longer than a run lasts.
func signedInvoke(ctx context.Context, h *hearth, function, payload string) (target, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost,
		h.Endpoint+"/2015-03-31/functions/"+function+"/invocations", strings.NewReader(payload))
	if err != nil {
		return target{}, fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	keys, err := h.aws.Credentials.Retrieve(ctx)
	if err != nil {
		return target{}, fmt.Errorf("read the keys: %w", err)
	}
	sum := sha256.Sum256([]byte(payload))
	err = v4.NewSigner().SignHTTP(ctx, keys, req, hex.EncodeToString(sum[:]), "lambda", harness.Region, time.Now())
	if err != nil {
		return target{}, fmt.Errorf("sign the request: %w", err)
	}
	return plainTarget(req)
}

// plainPost is the same request to a server that wants no signature.
func plainPost(ctx context.Context, addr, payload string) (target, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/", strings.NewReader(payload))
	if err != nil {
		return target{}, fmt.Errorf("make the request: %w", err)
	}
	return plainTarget(req)
}

func plainTarget(req *http.Request) (target, error) {
	var buf bytes.Buffer
	if err := req.Write(&buf); err != nil {
		return target{}, fmt.Errorf("write the request: %w", err)
	}
	u, err := url.Parse(req.URL.String())
	if err != nil {
		return target{}, fmt.Errorf("read the address: %w", err)
	}
	return target{addr: u.Host, request: buf.Bytes()}, nil
}

// conn is one kept-alive connection. It reads as much of HTTP/1.1 as the servers
// here write, so that the client costs little beside what is measured.
type conn struct {
	net.Conn
	r *bufio.Reader
	t target

	status    int
	failed    bool   // X-Amz-Function-Error
	coldStart string // the header with the parts of a cold start
	body      []byte
}

func (t target) dial(ctx context.Context) (*conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", t.addr)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &conn{Conn: c, r: bufio.NewReaderSize(c, 16<<10), t: t}, nil
}

// do sends the request once and reads the answer into c.
func (c *conn) do() error {
	if err := c.SetDeadline(time.Now().Add(ioMax)); err != nil {
		return err
	}
	if _, err := c.Write(c.t.request); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if len(line) < 12 {
		return errors.New("the answer is no HTTP")
	}
	if c.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return fmt.Errorf("read the status: %w", err)
	}
	c.failed, c.coldStart = false, ""
	length := -1
	for {
		line, err = c.r.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("read the headers: %w", err)
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return fmt.Errorf("read the length: %w", err)
			}
		case bytes.EqualFold(name, []byte("X-Amz-Function-Error")):
			c.failed = true
		case bytes.EqualFold(name, []byte(reportline.ColdStartHeader)):
			c.coldStart = string(value)
		}
	}
	if length < 0 {
		return errors.New("the answer has no length")
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	if _, err := io.ReadFull(c.r, c.body); err != nil {
		return fmt.Errorf("read the body: %w", err)
	}
	if c.status != cmp.Or(c.t.status, http.StatusOK) || c.failed {
		return &badAnswer{c.status, string(c.body)}
	}
	return nil
}

// badAnswer is an answer that is not the function's result.
type badAnswer struct {
	status int
	body   string
}

func (e *badAnswer) Error() string { return fmt.Sprintf("status %d: %.300s", e.status, e.body) }

// inRow sends the request n times, one after the other, and returns the times.
func (c *conn) inRow(ctx context.Context, n int) ([]time.Duration, error) {
	times := make([]time.Duration, 0, n)
	for range n {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		start := time.Now()
		if err := c.do(); err != nil {
			return nil, err
		}
		times = append(times, time.Since(start))
	}
	return times, nil
}

// create makes a function for the benchmark.
func (h *hearth) create(ctx context.Context, f harness.Function) error {
	return harness.Create(ctx, h.aws, f)
}
