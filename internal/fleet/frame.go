package fleet

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// An invoke, and a session, go over the wire as frames: a byte that tells the kind, four of length,
// big-endian, and the bytes. A request is an event's head and its payload; an answer
// is a stream's head and its data, as they come, or nothing of these; then the result
// and its payload. A session is a registration and then states on the one way, a welcome
// and then an empty frame for each state that was heard on the other.
const (
	frameHead    byte = 'H'
	frameData    byte = 'D'
	frameResult  byte = 'R'
	framePayload byte = 'P'
	frameFailure byte = 'E' // a fault of the platform's, in place of a result
)

const (
	// frameMax bounds a frame: the largest payload, and room for the form that an event
	// has which holds it as text.
	frameMax = 16 << 20
	// dataMax is the most that one frame of a stream carries, so that the reader's memory
	// does not depend on how a runtime writes.
	dataMax    = 256 << 10
	frameStart = 5
)

var errFrame = errors.New("fleet: the frame is malformed")

func writeFrame(w io.Writer, kind byte, body []byte) error {
	var head [frameStart]byte
	head[0] = kind
	if len(body) > frameMax {
		return fmt.Errorf("%w: %d bytes are too many", errFrame, len(body))
	}
	binary.BigEndian.PutUint32(head[1:], uint32(len(body)))
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	_, err := w.Write(body)
	return err
}

func writeJSONFrame(w io.Writer, kind byte, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeFrame(w, kind, text)
}

// readFrame reads the next frame; io.EOF says that there is none.
func readFrame(r io.Reader) (kind byte, body []byte, err error) {
	var head [frameStart]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > frameMax {
		return 0, nil, fmt.Errorf("%w: %d bytes are too many", errFrame, n)
	}
	body = make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, nil, fmt.Errorf("%w: it breaks off", errFrame)
	}
	return head[0], body, nil
}

// readFrameOf reads a frame that must be of one kind.
func readFrameOf(r io.Reader, want byte) ([]byte, error) {
	kind, body, err := readFrame(r)
	if err != nil {
		return nil, err
	}
	if kind != want {
		return nil, fmt.Errorf("%w: a %q in the place of a %q", errFrame, kind, want)
	}
	return body, nil
}
