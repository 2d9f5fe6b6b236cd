package fleet

import (
	"net/http"
	"sync"
	"time"
)

// line is a session's request as the control process has it: what the worker tells, and
// what it is answered.
type line struct {
	w http.ResponseWriter
	r *http.Request
	c *http.ResponseController

	mu          sync.Mutex // guards what follows, and the deadline for reading
	interrupted bool
}

// read waits for the next frame, for silentMax at most.
func (l *line) read(want byte) ([]byte, error) {
	if err := l.wait(); err != nil {
		return nil, err
	}
	return readFrameOf(l.r.Body, want)
}

func (l *line) wait() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.interrupted {
		return errBrokenOff
	}
	return l.c.SetReadDeadline(time.Now().Add(silentMax))
}

// interrupt ends the read that waits, and lets none wait any more.
func (l *line) interrupt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.interrupted = true
	_ = l.c.SetReadDeadline(time.Unix(1, 0)) // a connection that is closed needs no end
}

func (l *line) write(kind byte, body []byte) error {
	if err := l.c.SetWriteDeadline(time.Now().Add(silentMax)); err != nil {
		return err
	}
	if err := writeFrame(l.w, kind, body); err != nil {
		return err
	}
	return l.c.Flush()
}

func (l *line) writeJSON(kind byte, v any) error {
	if err := l.c.SetWriteDeadline(time.Now().Add(silentMax)); err != nil {
		return err
	}
	if err := writeJSONFrame(l.w, kind, v); err != nil {
		return err
	}
	return l.c.Flush()
}
