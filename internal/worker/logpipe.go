package worker

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// lineMax is the longest line kept whole; CloudWatch splits events at 256 KiB.
const lineMax = 256 << 10

// logPipe is an environment's log: the pipe that its processes have as stdout and
// stderr, and the stream that the lines go to. One pipe for both keeps their order.
//
// Two readers share the read end. Run waits for output at any time; drain takes
// what is there at the end of an invoke, so that whatever the function wrote before
// it answered stands before its END line. Both read without blocking, under the
// mutex.
type logPipe struct {
	stream LogStream
	writer LogWriter
	read   *os.File
	write  *os.File
	fd     int // of read; valid until close

	mu      sync.Mutex // guards what follows and reading from fd
	partial []byte     // the beginning of a line whose end has not come yet
	tail    *tail      // the invoke that asked for its log's end, or nil
	own     []LogLine  // the platform's lines on their way; empty in between
	closed  bool
}

// readSize is how much one read takes; a pipe holds 64 KiB.
const readSize = 64 << 10

// readBuffers are shared by all pipes, so that idle environments hold none.
var readBuffers = sync.Pool{New: func() any { b := make([]byte, readSize); return &b }}

// newLogPipe makes the pipe. The write end goes to the environment's processes.
func newLogPipe(stream LogStream, writer LogWriter) (*logPipe, error) {
	var fds [2]int
	syscall.ForkLock.RLock()
	err := syscall.Pipe(fds[:])
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, fmt.Errorf("make a log pipe: %w", err)
	}
	// The read end alone is non-blocking: it goes to the runtime's poller. The write
	// end belongs to the function, whose writes must block when the pipe is full.
	if err := syscall.SetNonblock(fds[0], true); err != nil {
		_, _ = syscall.Close(fds[0]), syscall.Close(fds[1])
		return nil, fmt.Errorf("make a log pipe: %w", err)
	}
	return &logPipe{
		stream: stream, writer: writer,
		read: os.NewFile(uintptr(fds[0]), "log"), write: os.NewFile(uintptr(fds[1]), "log"),
		fd: fds[0],
	}, nil
}

// assign says which stream the lines go to, when the pipe was made before that was
// known. It comes before run.
func (p *logPipe) assign(stream LogStream, writer LogWriter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stream, p.writer = stream, writer
}

// discard closes a pipe that was never assigned.
func (p *logPipe) discard() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	_, _ = p.read.Close(), p.write.Close() // both ends are ours
}

// run reads until the last writer is gone or the pipe is closed.
func (p *logPipe) run() {
	raw, err := p.read.SyscallConn()
	if err != nil {
		return // closed already
	}
	_ = raw.Read(func(uintptr) bool { // the error is that the pipe was closed
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.takeAvailable()
	})
}

// takeAvailable reads all that is there and reports whether the pipe has ended. The
// mutex is held.
func (p *logPipe) takeAvailable() (ended bool) {
	if p.closed {
		return true
	}
	pooled := readBuffers.Get().(*[]byte)
	defer readBuffers.Put(pooled)
	buf := *pooled
	for {
		n, err := syscall.Read(p.fd, buf)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return false
		case err != nil || n == 0:
			return true
		}
		p.take(buf[:n])
		if n < len(buf) {
			return false // a pipe gives all it has; ask again only after a full buffer
		}
	}
}

// take splits output into lines and passes them on.
func (p *logPipe) take(b []byte) {
	now := time.Now()
	var lines []LogLine
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			p.partial = append(p.partial, b...)
			if len(p.partial) >= lineMax {
				lines = append(lines, LogLine{now, string(p.partial)})
				p.partial = p.partial[:0]
			}
			break
		}
		line := string(append(p.partial, b[:i+1]...))
		p.partial = p.partial[:0]
		lines = append(lines, LogLine{now, line})
		b = b[i+1:]
	}
	p.pass(lines)
}

// pass hands lines to the stream and to the tail. The mutex is held.
func (p *logPipe) pass(lines []LogLine) {
	if len(lines) == 0 {
		return
	}
	if p.tail != nil {
		for _, l := range lines {
			p.tail.add(l.Message)
		}
	}
	p.writer.Append(lines)
}

// platform writes lines of the platform's own, each with its newline.
func (p *logPipe) platform(lines ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passOwn(lines...)
}

// passOwn is platform for who holds the mutex.
func (p *logPipe) passOwn(lines ...string) {
	now := time.Now()
	for _, l := range lines {
		if l != "" {
			p.own = append(p.own, LogLine{now, l})
		}
	}
	p.pass(p.own)
	clear(p.own)
	p.own = p.own[:0]
}

// begin writes the START line and, when asked, starts keeping the log's end.
func (p *logPipe) begin(start string, keepTail bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.takeAvailable() // what was written between two invokes stands before START
	}
	p.tail = nil
	if keepTail {
		p.tail = &tail{}
	}
	p.passOwn(start)
}

// drain takes what the function has written so far, an unfinished line included.
func (p *logPipe) drain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.takeAvailable()
	if len(p.partial) > 0 {
		p.pass([]LogLine{{time.Now(), string(p.partial) + "\n"}})
		p.partial = p.partial[:0]
	}
}

// finish writes the invoke's last lines and returns the log's end, if it was kept.
func (p *logPipe) finish(lines ...string) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passOwn(lines...)
	if p.tail == nil {
		return nil
	}
	kept := p.tail.bytes()
	p.tail = nil
	return kept
}

// close ends the pipe after taking what is left in it.
func (p *logPipe) close() {
	p.drain()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	_, _ = p.read.Close(), p.write.Close() // both ends are ours and hold no data any more
	if w, ok := p.writer.(io.Closer); ok {
		_ = w.Close() // the lines are the writer's by now
	}
}

// tail keeps the last lambda.LogTailMax bytes of what it is given.
type tail struct{ kept []byte }

func (t *tail) add(s string) {
	t.kept = append(t.kept, s...)
	if over := len(t.kept) - lambda.LogTailMax; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
}

func (t *tail) bytes() []byte { return t.kept }
