package relay

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	// idleMax is how long a channel waits for its next invoke.
	idleMax = time.Minute
	// idleChannels bounds those that wait: about the invokes that one frontend has under
	// way.
	idleChannels = 1024
	// channelLife is how old a channel may become: it was opened with a certificate that
	// is good for hours, and the control process takes none beyond that.
	channelLife = time.Hour
	// dialMax bounds the making of a channel; the control process answers from memory.
	dialMax = 5 * time.Second
)

// channel is one on the frontend's side. A goroutine of its own reads, so that a run is
// broken off when the control process no longer waits for it.
type channel struct {
	framed
	conn   io.ReadWriteCloser
	pool   *pool
	frames chan frame
	done   chan struct{} // closed when nobody takes frames any more
	born   time.Time
	since  time.Time // when it was last used

	mu        sync.Mutex // guards interrupt
	interrupt context.CancelCauseFunc
}

// frame is one that was read, or the error that ends the channel.
type frame struct {
	kind byte
	b    []byte
	err  error
}

// framesAhead is how many frames may wait for whoever uses the channel: an answer and
// its payload.
const framesAhead = 2

// errAnswered interrupts a run that nobody waits for any more.
var errAnswered = errors.New("relay: the control process no longer waits for this run")

// listen reads until the channel ends.
func (c *channel) listen() {
	defer close(c.frames)
	for {
		kind, b, err := c.read()
		c.mu.Lock()
		if c.interrupt != nil {
			c.interrupt(errAnswered)
		}
		c.mu.Unlock()
		select {
		case c.frames <- frame{kind, b, err}:
		case <-c.done:
			return
		}
		if err != nil {
			return
		}
	}
}

// interruptible is a context that ends when the control process says something.
func (c *channel) interruptible(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	c.mu.Lock()
	c.interrupt = cancel
	c.mu.Unlock()
	if len(c.frames) > 0 {
		cancel(errAnswered) // it was said before
	}
	return ctx, func() {
		c.mu.Lock()
		c.interrupt = nil
		c.mu.Unlock()
		cancel(nil)
	}
}

// next waits for the next frame.
func (c *channel) next() (frame, error) {
	select {
	case f, ok := <-c.frames:
		if !ok {
			return f, io.ErrClosedPipe
		}
		return f, f.err
	case <-c.done:
		return frame{}, io.ErrClosedPipe
	}
}

// pool keeps a frontend's channels.
type pool struct {
	control http.RoundTripper
	zone    string

	mu      sync.Mutex // guards what follows
	idle    []*channel // the last is the most recently used
	all     map[*channel]struct{}
	ended   bool
	readers sync.WaitGroup
}

func newPool(control http.RoundTripper, zone string) *pool {
	return &pool{control: control, zone: zone, all: map[*channel]struct{}{}}
}

// get returns a channel, which may have been idle.
func (p *pool) get(ctx context.Context) (c *channel, fresh bool, err error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, false, nil
	}
	p.mu.Unlock()
	c, err = p.dial(ctx)
	return c, true, err
}

// put gives back a channel on which nothing is under way.
func (p *pool) put(c *channel) {
	c.since = time.Now()
	p.mu.Lock()
	keep := !p.ended && len(p.idle) < idleChannels && c.since.Sub(c.born) < channelLife
	if keep {
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if !keep {
		c.close()
	}
}

// dial makes a channel.
func (p *pool) dial(ctx context.Context) (*channel, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dialMax)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://control"+channelPath, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", protocol)
	req.Header.Set(zoneHeader, p.zone)
	resp, err := p.control.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if resp.StatusCode != http.StatusSwitchingProtocols || !ok {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("relay: the control process answered %s", resp.Status)
	}
	c := &channel{
		framed: framed{r: bufio.NewReader(conn), w: conn}, conn: conn, pool: p, born: time.Now(),
		frames: make(chan frame, framesAhead), done: make(chan struct{}),
	}
	p.mu.Lock()
	if p.ended {
		p.mu.Unlock()
		_ = conn.Close()
		return nil, errEnded
	}
	p.all[c] = struct{}{}
	p.readers.Go(c.listen)
	p.mu.Unlock()
	return c, nil
}

var errEnded = errors.New("relay: the frontend has ended")

// close ends a channel.
func (c *channel) close() {
	c.pool.mu.Lock()
	_, open := c.pool.all[c]
	delete(c.pool.all, c)
	c.pool.mu.Unlock()
	if open {
		c.cut()
	}
}

// cut ends a channel that is in no pool any more.
func (c *channel) cut() {
	close(c.done)
	_ = c.conn.Close() // that is all it is for
}

// prune closes the channels that were last used before a time.
func (p *pool) prune(before time.Time) {
	p.mu.Lock()
	n := 0
	for n < len(p.idle) && p.idle[n].since.Before(before) {
		n++
	}
	old := p.idle[:n:n]
	p.idle = append([]*channel(nil), p.idle[n:]...)
	p.mu.Unlock()
	for _, c := range old {
		c.close()
	}
}

// breakAll closes every channel, used or not: the control process says nothing any more.
func (p *pool) breakAll() {
	p.mu.Lock()
	p.idle = nil
	all := p.all
	p.all = map[*channel]struct{}{}
	p.mu.Unlock()
	for c := range all {
		c.cut()
	}
}

// end closes what is left and waits for the readers.
func (p *pool) end() {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.breakAll()
	p.readers.Wait()
}
