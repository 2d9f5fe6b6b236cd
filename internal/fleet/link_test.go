package fleet

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"
)

// link is a network that can fall silent.
type link struct {
	mu     sync.Mutex
	silent bool
	quiet  *sync.Cond
}

func newLink(t testing.TB) *link {
	l := &link{}
	l.quiet = sync.NewCond(&l.mu)
	t.Cleanup(func() { l.set(false) })
	return l
}

func (l *link) set(silent bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.silent = silent
	l.quiet.Broadcast()
}

// to is an address that leads to another over the link.
func (l *link) to(t testing.TB, addr string) string {
	t.Helper()
	in, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	go func() {
		for {
			from, err := in.Accept()
			if err != nil {
				return
			}
			to, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", addr)
			if err != nil {
				from.Close()
				continue
			}
			go l.copy(to, from)
			go l.copy(from, to)
		}
	}()
	return in.Addr().String()
}

func (l *link) copy(to, from net.Conn) {
	defer to.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		l.mu.Lock()
		for l.silent {
			l.quiet.Wait()
		}
		l.mu.Unlock()
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// Goal: when the network falls silent, a worker has ended what it ran before the control
// process gives its place to another; afterwards it is there again, as warm as it was.
// Method: a network that holds back what is sent. This waits for the real times.
func TestAWorkerGivesUpBeforeItsControlProcessDoes(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as the silence may")
	}
	s := control(t)
	s.link = newLink(t)
	w := s.worker("w")
	at := s.one()
	e, idle := s.open(at, version("f")), s.open(at, version("f"))
	type end struct {
		err  error
		left int // environments on the worker at that moment
	}
	failed := make(chan end, 1)
	go func() {
		_, err := e.Invoke(context.Background(), event1(`"hang"`))
		failed <- end{err, w.host.count()}
	}()
	<-w.host.env(e.ID()).running
	began := time.Now()
	s.link.set(true)
	got := <-failed
	if got.err == nil || got.left != 1 {
		t.Errorf("it failed with %v, when %d environments were left, want the idle one", got.err, got.left)
	}
	t.Logf("it was known %s after the network fell silent", time.Since(began).Round(time.Millisecond))
	s.link.set(false)
	<-s.joined
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.adopted[idle.ID()] == nil {
		t.Error("the idle environment is not there any more")
	}
}
