package fleet

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// logWaitMax bounds the lines that wait to be sent, in bytes: some seconds of what a
// busy machine writes. Functions are never held up by their logs; when the control
// process does not keep up, lines are lost and the stream says how many.
const logWaitMax = 32 << 20

// logBatchMax is the most lines' bytes in one record.
const logBatchMax = 256 << 10

// logSender passes log lines on in the order in which they were written.
type logSender struct {
	wake chan struct{}

	mu      sync.Mutex // guards what follows
	next    int
	streams map[int]*logStream
	waiting []logRecord
	bytes   int
	sending bool
}

func newLogSender() *logSender {
	return &logSender{wake: make(chan struct{}, 1), streams: map[int]*logStream{}}
}

// logStream is a stream of the sender's.
type logStream struct {
	sender *logSender
	number int
	begin  logRecord
	lost   int // lines, since the last one that was kept
}

func (l *logSender) open(stream LogStream, as lambda.Credentials) *logStream {
	as.SecretAccessKey = "" // who holds the token is who it says
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	s := &logStream{sender: l, number: l.next, begin: logRecord{Stream: l.next, Open: &stream, As: &as}}
	l.streams[s.number] = s
	l.put(s.begin, 0)
	return s
}

// Append takes lines.
func (s *logStream) Append(lines []LogLine) {
	l := s.sender
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range lines {
		size := len(line.Message)
		if l.bytes+size > logWaitMax {
			s.lost++
			continue
		}
		if s.lost > 0 {
			l.put(logRecord{Stream: s.number, Lines: []LogLine{{line.Time, fmt.Sprintf("%d lines were lost: they came faster than they could be sent\n", s.lost)}}}, 0)
			s.lost = 0
		}
		line.Message = strings.ToValidUTF8(line.Message, "\uFFFD")
		if n := len(l.waiting); n > 0 && l.waiting[n-1].Stream == s.number && l.waiting[n-1].Lines != nil && len(l.waiting[n-1].Lines) < 100 &&
			size < logBatchMax/100 {
			l.waiting[n-1].Lines = append(l.waiting[n-1].Lines, line)
			l.bytes += size
			continue
		}
		l.put(logRecord{Stream: s.number, Lines: []LogLine{line}}, size)
	}
	l.kick()
}

// Close says that no more lines come.
func (s *logStream) Close() error {
	l := s.sender
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.streams, s.number)
	l.put(logRecord{Stream: s.number, Close: true}, 0)
	return nil
}

// put appends a record; the mutex is held.
func (l *logSender) put(r logRecord, bytes int) {
	l.waiting = append(l.waiting, r)
	l.bytes += bytes
	l.kick()
}

func (l *logSender) kick() {
	select {
	case l.wake <- struct{}{}:
	default: // it is awake
	}
}

// take returns what waits.
func (l *logSender) take() []logRecord {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.waiting
	l.waiting, l.bytes = nil, 0
	l.sending = len(out) > 0
	return out
}

// sender asks the control process something.
type sender func(ctx context.Context, method, path string, body io.Reader) (*http.Response, error)

// run sends what waits and what comes, until ctx ends or the connection does. Streams
// that are open are made known first.
func (l *logSender) run(ctx context.Context, send sender) error {
	r, w := io.Pipe()
	stop := context.AfterFunc(ctx, func() { _ = w.CloseWithError(context.Cause(ctx)) })
	defer stop()
	var asked sync.WaitGroup
	defer asked.Wait()
	defer func() { _ = w.Close() }() // it always closes
	asked.Go(func() {
		resp, err := send(ctx, http.MethodPost, "logs", r)
		if err == nil {
			err = answeredError(resp)
			resp.Body.Close()
		}
		_ = r.CloseWithError(fmt.Errorf("send log lines: %w", err)) // it always closes
	})
	l.announce()
	for {
		records := l.take()
		for i, rec := range records {
			if err := writeJSONFrame(w, frameData, rec); err != nil {
				l.putBack(records[i:])
				return err
			}
		}
		if !l.sent() {
			continue
		}
		select {
		case <-l.wake:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// announce puts the beginnings of the open streams before all that waits.
func (l *logSender) announce() {
	l.mu.Lock()
	defer l.mu.Unlock()
	var again []logRecord
	for _, s := range l.streams {
		again = append(again, s.begin)
	}
	l.waiting = append(again, l.waiting...)
}

// putBack keeps what was not sent for the next connection.
func (l *logSender) putBack(records []logRecord) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(records, l.waiting...)
	for _, r := range records {
		for _, line := range r.Lines {
			l.bytes += len(line.Message)
		}
	}
	l.sending = false
}

// sent notes that everything taken was sent, and reports whether nothing has come since.
func (l *logSender) sent() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sending = len(l.waiting) > 0
	return !l.sending
}

// flush waits until nothing waits to be sent.
func (l *logSender) flush(ctx context.Context, most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		l.mu.Lock()
		done := len(l.waiting) == 0 && !l.sending
		l.mu.Unlock()
		if done {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
