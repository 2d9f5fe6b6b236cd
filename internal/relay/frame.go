package relay

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// The kinds of frames: a byte for the kind, four for the length, big-endian, and the
// message.
const (
	frameHead   byte = 'H'
	frameRun    byte = 'G'
	frameRan    byte = 'R'
	frameFailed byte = 'E'
	frameFetch  byte = 'F'
	frameAnswer byte = 'A'
	frameWhole  byte = 'W'
	frameData   byte = 'D' // a payload as it is
	framePing   byte = 'p' // both ways, on a channel that carries nothing else
)

const (
	// frameMax bounds a frame: the largest payload, or a head of the size that net/http
	// reads at most, with room for the lengths of its parts.
	frameMax  = lambda.PayloadMax + 2<<20
	frameSize = 5
	// grain is how much memory a frame gets on the other side's word; more comes with its
	// bytes.
	grain = 1 << 20
)

var errFrame = errors.New("relay: the frame is malformed")

// framed is one side of a channel as frames. One goroutine writes and one reads.
type framed struct {
	r *bufio.Reader
	w io.Writer
	// scratch is the last small frame's memory.
	scratch []byte
}

// scratchMax is what a channel keeps of its writing buffer between frames; a channel
// that has carried a megabyte once need not hold it for ever.
const scratchMax = 64 << 10

// message is what a frame is filled with.
type message interface{ encode(e *encoder) }

// send writes one message in one piece, followed by a payload when data says so.
func (f *framed) send(kind byte, m message, payload []byte, data bool) error {
	e := encoder{f.scratch[:0]}
	e.b = append(e.b, kind, 0, 0, 0, 0)
	if m != nil {
		m.encode(&e)
	}
	if err := seal(e.b); err != nil {
		return err
	}
	if data {
		if len(payload) > frameMax {
			return fmt.Errorf("%w: %d bytes are too many", errFrame, len(payload))
		}
		e.b = append(e.b, frameData)
		e.b = binary.BigEndian.AppendUint32(e.b, uint32(len(payload)))
		if len(payload) <= scratchMax {
			e.b = append(e.b, payload...)
			payload = nil
		}
	}
	if cap(e.b) <= 2*scratchMax {
		f.scratch = e.b[:0]
	}
	if _, err := f.w.Write(e.b); err != nil {
		return err
	}
	if !data || len(payload) == 0 {
		return nil
	}
	_, err := f.w.Write(payload)
	return err
}

// seal writes the length of the one frame in b.
func seal(b []byte) error {
	n := len(b) - frameSize
	if n > frameMax {
		return fmt.Errorf("%w: %d bytes are too many", errFrame, n)
	}
	binary.BigEndian.PutUint32(b[1:], uint32(n))
	return nil
}

// sendData writes a payload alone.
func (f *framed) sendData(payload []byte) error {
	var start [frameSize]byte
	start[0] = frameData
	if len(payload) > frameMax {
		return fmt.Errorf("%w: %d bytes are too many", errFrame, len(payload))
	}
	binary.BigEndian.PutUint32(start[1:], uint32(len(payload)))
	if len(payload) <= scratchMax {
		_, err := f.w.Write(append(start[:], payload...))
		return err
	}
	if _, err := f.w.Write(start[:]); err != nil {
		return err
	}
	_, err := f.w.Write(payload)
	return err
}

// read returns the next frame, whose memory is the caller's. io.EOF says that the
// channel ended between two.
func (f *framed) read() (kind byte, b []byte, err error) {
	var start [frameSize]byte
	if _, err := io.ReadFull(f.r, start[:]); err != nil {
		return 0, nil, err
	}
	n := int(binary.BigEndian.Uint32(start[1:]))
	if n > frameMax {
		return 0, nil, fmt.Errorf("%w: %d bytes are too many", errFrame, n)
	}
	for len(b) < n {
		part := min(n-len(b), max(grain, len(b)))
		from := len(b)
		b = append(b, make([]byte, part)...)
		if _, err := io.ReadFull(f.r, b[from:]); err != nil {
			return 0, nil, fmt.Errorf("%w: it breaks off: %w", errFrame, err)
		}
	}
	return start[0], b, nil
}
