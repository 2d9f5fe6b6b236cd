package fleet

import (
	"net/http"
	"time"
)

// line is a session's request as the control process has it: what the worker tells, and
// what it is answered.
type line struct {
	w http.ResponseWriter
	r *http.Request
	c *http.ResponseController
}

// read waits for the next frame, for silentMax at most.
func (l *line) read(want byte) ([]byte, error) {
	if err := l.c.SetReadDeadline(time.Now().Add(silentMax)); err != nil {
		return nil, err
	}
	return readFrameOf(l.r.Body, want)
}

// interrupt ends a read that waits.
func (l *line) interrupt() {
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
