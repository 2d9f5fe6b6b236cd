package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var q1 = Name{"111111111111", "us-east-1", "test", "q1"}

// clock is a time that tests set.
type clock struct{ ms atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ms.Store(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMilli())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMilli(c.ms.Load()) }
func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

func open(t testing.TB, dir string, now func() time.Time) *Engine {
	t.Helper()
	e, err := Open(context.Background(), Config{Dir: dir, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return e
}

// engine opens an engine with one queue and a clock that the test sets.
func engine(t testing.TB, s Settings) (*Engine, *clock) {
	t.Helper()
	c := newClock()
	e := open(t, t.TempDir(), c.now)
	if err := e.Create(t.Context(), q1, s); err != nil {
		t.Fatal(err)
	}
	return e, c
}

func send(t testing.TB, e *Engine, m ...Outgoing) []Sent {
	t.Helper()
	sent, err := e.Send(t.Context(), q1, m...)
	if err != nil {
		t.Fatal(err)
	}
	return sent
}

func body(s string) Outgoing { return Outgoing{Body: []byte(s)} }

func inGroup(g, s string) Outgoing { return Outgoing{Body: []byte(s), Group: g} }

func receive(t testing.TB, e *Engine, name Name, n int, visibility time.Duration) []Message {
	t.Helper()
	got, err := e.Receive(t.Context(), name, Request{Max: n, Visibility: &visibility})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func texts(messages []Message) []string {
	var out []string
	for _, m := range messages {
		out = append(out, string(m.Body))
	}
	return out
}

func remove(t testing.TB, e *Engine, name Name, messages ...Message) {
	t.Helper()
	var receipts []string
	for _, m := range messages {
		receipts = append(receipts, m.Receipt)
	}
	errs, err := e.Remove(t.Context(), name, receipts...)
	if err = errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
}

func wantCounts(t testing.TB, e *Engine, name Name, want Counts) {
	t.Helper()
	if got, err := e.Counts(name); err != nil || got != want {
		t.Errorf("counts %+v, %v; want %+v", got, err, want)
	}
}

func TestAReceivedMessageIsHiddenUntilItsVisibilityTimeoutThenComesAgain(t *testing.T) {
	e, c := engine(t, Settings{})
	send(t, e, body("a"))
	wantCounts(t, e, q1, Counts{Visible: 1})
	first := receive(t, e, q1, 10, 30*time.Second)
	if len(first) != 1 || string(first[0].Body) != "a" || first[0].Receives != 1 {
		t.Fatalf("got %+v", first)
	}
	wantCounts(t, e, q1, Counts{InFlight: 1})
	c.advance(29 * time.Second)
	if got := receive(t, e, q1, 10, 0); len(got) != 0 {
		t.Fatalf("received again after 29s: %+v", got)
	}
	c.advance(time.Second)
	wantCounts(t, e, q1, Counts{Visible: 1})
	second := receive(t, e, q1, 10, 30*time.Second)
	if len(second) != 1 || second[0].ID != first[0].ID || second[0].Receives != 2 || !second[0].FirstReceived.Equal(first[0].FirstReceived) {
		t.Fatalf("got %+v", second)
	}
	errs, err := e.Remove(t.Context(), q1, first[0].Receipt, second[0].Receipt, second[0].Receipt, "nonsense")
	if err != nil || !errors.Is(errs[0], ErrStale) || errs[1] != nil || !errors.Is(errs[2], ErrStale) || !errors.Is(errs[3], ErrReceipt) {
		t.Errorf("delete by an old receipt, the newest, the same again, nonsense: %v, %v", errs, err)
	}
	wantCounts(t, e, q1, Counts{})
}

func TestAReceiptIsGoodUntilTheMessageIsReceivedAgain(t *testing.T) {
	e, c := engine(t, Settings{})
	send(t, e, body("a"))
	m := receive(t, e, q1, 1, time.Second)
	c.advance(time.Minute)
	remove(t, e, q1, m...)
}

func TestAForgedReceiptIsRefused(t *testing.T) {
	e, _ := engine(t, Settings{})
	send(t, e, body("a"))
	m := receive(t, e, q1, 1, time.Minute)[0]
	for i := range m.Receipt {
		forged := []byte(m.Receipt)
		forged[i] ^= 1
		errs, err := e.Remove(t.Context(), q1, string(forged))
		if err != nil || !errors.Is(errs[0], ErrReceipt) {
			t.Fatalf("character %d changed: %v, %v", i, errs, err)
		}
	}
}

func TestChangeVisibilityShortensAndLengthens(t *testing.T) {
	e, c := engine(t, Settings{})
	send(t, e, body("a"))
	m := receive(t, e, q1, 1, 30*time.Second)[0]
	change := func(d time.Duration) error {
		t.Helper()
		errs, err := e.ChangeVisibility(t.Context(), q1, Visibility{m.Receipt, d})
		if err != nil {
			t.Fatal(err)
		}
		return errs[0]
	}
	if err := change(time.Minute); err != nil {
		t.Fatal(err)
	}
	c.advance(59 * time.Second)
	if got := receive(t, e, q1, 1, 0); len(got) != 0 {
		t.Fatalf("received within the longer timeout: %v", texts(got))
	}
	if err := change(0); err != nil {
		t.Fatal(err)
	}
	wantCounts(t, e, q1, Counts{Visible: 1})
	if err := change(time.Minute); !errors.Is(err, ErrNotInFlight) {
		t.Errorf("change of a visible message: %v, want ErrNotInFlight", err)
	}
	if got := receive(t, e, q1, 1, time.Minute); len(got) != 1 {
		t.Fatalf("got %v", texts(got))
	}
	if err := change(time.Minute); !errors.Is(err, ErrStale) {
		t.Errorf("change by the receipt of an earlier receive: %v, want ErrStale", err)
	}
}

func TestADelayedMessageComesWhenItIsDue(t *testing.T) {
	e, c := engine(t, Settings{Delay: 10 * time.Second})
	none := time.Duration(0)
	send(t, e, body("late"), Outgoing{Body: []byte("at once"), Delay: &none})
	wantCounts(t, e, q1, Counts{Visible: 1, Delayed: 1})
	if got := texts(receive(t, e, q1, 10, time.Minute)); !slices.Equal(got, []string{"at once"}) {
		t.Fatalf("got %v", got)
	}
	c.advance(10 * time.Second)
	if got := texts(receive(t, e, q1, 10, time.Minute)); !slices.Equal(got, []string{"late"}) {
		t.Fatalf("got %v", got)
	}
}

func TestAReturnedMessageKeepsItsAgeAndTakesNewAttributes(t *testing.T) {
	e, c := engine(t, Settings{})
	send(t, e, Outgoing{Body: []byte("a"), Attributes: map[string]Attribute{"k": {"String", []byte("1")}}})
	m := receive(t, e, q1, 1, time.Hour)[0]
	if string(m.Attributes["k"].Value) != "1" {
		t.Fatalf("attributes %v", m.Attributes)
	}
	if err := e.Return(t.Context(), q1, m.Receipt, time.Minute, map[string]Attribute{"k": {"String", []byte("2")}}); err != nil {
		t.Fatal(err)
	}
	wantCounts(t, e, q1, Counts{Delayed: 1})
	if err := e.Release(t.Context(), q1); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, e, q1, 1, 0); len(got) != 0 {
		t.Fatalf("a release cut the delay of a returned message")
	}
	c.advance(time.Minute)
	again := receive(t, e, q1, 1, time.Hour)
	if len(again) != 1 || string(again[0].Attributes["k"].Value) != "2" || again[0].ID != m.ID || !again[0].Sent.Equal(m.Sent) {
		t.Fatalf("got %+v", again)
	}
	if err := e.Release(t.Context(), q1); err != nil {
		t.Fatal(err)
	}
	wantCounts(t, e, q1, Counts{Visible: 1})
}

func TestALargeBodyLiesInAFileUntilItsMessageIsGone(t *testing.T) {
	e, _ := engine(t, Settings{})
	large := bytes.Repeat([]byte("x"), InlineMax+1)
	send(t, e, Outgoing{Body: large})
	if n := files(t, e); n != 1 {
		t.Fatalf("%d files, want 1", n)
	}
	m := receive(t, e, q1, 1, time.Hour)
	if !bytes.Equal(m[0].Body, large) {
		t.Fatalf("got %d bytes", len(m[0].Body))
	}
	remove(t, e, q1, m...)
	if n := files(t, e); n != 0 {
		t.Errorf("%d files are left", n)
	}
	if _, err := e.Send(t.Context(), q1, Outgoing{Body: make([]byte, MessageMax+1)}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
}

func TestAMessageReceivedTooOftenGoesToTheDeadLetterQueue(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		t.Run(fmt.Sprintf("fifo %v", fifo), func(t *testing.T) {
			dead := Name{q1.Account, q1.Region, q1.Kind, "dead"}
			e, c := engine(t, Settings{FIFO: fifo, MaxReceives: 2, DeadLetter: dead})
			send(t, e, inGroup("g", "a"), inGroup("g", "b"))
			for range 3 {
				receive(t, e, q1, 1, time.Second)
				c.advance(time.Minute)
			}
			// The dead-letter queue does not exist yet: the message stays.
			if counts, _ := e.Counts(q1); counts.Visible != 2 {
				t.Fatalf("counts %+v", counts)
			}
			if err := e.Create(t.Context(), dead, Settings{FIFO: fifo}); err != nil {
				t.Fatal(err)
			}
			for range 6 {
				receive(t, e, q1, 1, time.Second)
				c.advance(time.Minute)
			}
			wantCounts(t, e, q1, Counts{})
			got := receive(t, e, dead, 10, time.Minute)
			if len(got) != 2 || got[0].Origin != q1 {
				t.Fatalf("dead letters %+v", got)
			}
		})
	}
}

func TestAGroupIsInOrderAndHeldByOneReceiver(t *testing.T) {
	e, c := engine(t, Settings{FIFO: true})
	send(t, e, inGroup("g", "a"), inGroup("g", "b"), inGroup("h", "x"), inGroup("g", "c"))
	first := receive(t, e, q1, 2, 30*time.Second)
	if got := texts(first); !slices.Equal(got, []string{"a", "b"}) {
		t.Fatalf("got %v", got)
	}
	if got := texts(receive(t, e, q1, 10, 30*time.Second)); !slices.Equal(got, []string{"x"}) {
		t.Fatalf("while g is held: got %v", got)
	}
	remove(t, e, q1, first[0])
	if got := receive(t, e, q1, 10, 0); len(got) != 0 {
		t.Fatalf("b is held still: got %v", texts(got))
	}
	c.advance(30 * time.Second)
	if got := texts(receive(t, e, q1, 10, 30*time.Second)); !slices.Equal(got, []string{"x", "b", "c"}) && !slices.Equal(got, []string{"b", "c", "x"}) {
		t.Fatalf("after the timeout: got %v", got)
	}
}

func TestADuplicateWithinTheWindowIsAcceptedAndNotStored(t *testing.T) {
	e, c := engine(t, Settings{FIFO: true})
	m := inGroup("g", "a")
	m.DedupID = "1"
	first := send(t, e, m)[0]
	c.advance(DedupWindow - time.Millisecond)
	second := send(t, e, m)[0]
	if !second.Duplicate || second.ID != first.ID || second.Sequence != first.Sequence {
		t.Errorf("within the window: %+v, want the duplicate of %+v", second, first)
	}
	remove(t, e, q1, receive(t, e, q1, 1, time.Minute)...)
	c.advance(time.Millisecond)
	if third := send(t, e, m)[0]; third.Duplicate {
		t.Errorf("after the window: %+v", third)
	}
	wantCounts(t, e, q1, Counts{Visible: 1})
}

func TestOldMessagesAreNotDeliveredAndTheJanitorRemovesThem(t *testing.T) {
	e, c := engine(t, Settings{Retention: time.Minute})
	send(t, e, body("old"), Outgoing{Body: make([]byte, InlineMax+1)})
	c.advance(30 * time.Second)
	send(t, e, body("young"))
	c.advance(30 * time.Second)
	if err := e.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantCounts(t, e, q1, Counts{Visible: 1})
	if n := files(t, e); n != 0 {
		t.Errorf("%d files are left", n)
	}
	c.advance(30 * time.Second)
	if got := receive(t, e, q1, 10, 0); len(got) != 0 {
		t.Errorf("received %v", texts(got))
	}
	wantCounts(t, e, q1, Counts{})
}

func TestAPurgeEmptiesTheQueueAndEndsItsReceipts(t *testing.T) {
	e, _ := engine(t, Settings{})
	send(t, e, body("a"), body("b"), Outgoing{Body: make([]byte, InlineMax+1)})
	held := receive(t, e, q1, 1, time.Minute)
	if err := e.Purge(t.Context(), q1); err != nil {
		t.Fatal(err)
	}
	wantCounts(t, e, q1, Counts{})
	if errs, err := e.Remove(t.Context(), q1, held[0].Receipt); err != nil || !errors.Is(errs[0], ErrStale) {
		t.Errorf("delete after the purge: %v, %v", errs, err)
	}
	send(t, e, body("c"))
	if err := e.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := files(t, e); n != 0 {
		t.Errorf("%d files are left", n)
	}
	if got := texts(receive(t, e, q1, 10, time.Minute)); !slices.Equal(got, []string{"c"}) {
		t.Errorf("got %v", got)
	}
}

func TestALongPollReturnsWhenAMessageIsSentOrDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open(t, t.TempDir(), time.Now)
		if err := e.Create(t.Context(), q1, Settings{}); err != nil {
			t.Fatal(err)
		}
		poll := func() ([]Message, time.Duration) {
			t.Helper()
			start := time.Now()
			got, err := e.Receive(t.Context(), q1, Request{Wait: 20 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			return got, time.Since(start)
		}
		if got, took := poll(); len(got) != 0 || took != 20*time.Second {
			t.Errorf("an empty queue: %v after %s", texts(got), took)
		}
		delay := 7 * time.Second
		send(t, e, Outgoing{Body: []byte("late"), Delay: &delay})
		if got, took := poll(); len(got) != 1 || took != delay {
			t.Errorf("a message due in 7s: %v after %s", texts(got), took)
		}
		if err := e.Purge(t.Context(), q1); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if got, took := poll(); len(got) != 1 || took != 3*time.Second {
				t.Errorf("a message sent after 3s: %v after %s", texts(got), took)
			}
		})
		time.Sleep(3 * time.Second)
		send(t, e, body("new"))
		wg.Wait()
	})
}

func TestEveryMessageWakesOnePoller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open(t, t.TempDir(), time.Now)
		if err := e.Create(t.Context(), q1, Settings{}); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var got atomic.Int32
		for range 20 {
			wg.Go(func() {
				hide := time.Hour
				m, err := e.Receive(t.Context(), q1, Request{Max: 1, Visibility: &hide, Wait: time.Minute})
				if err != nil {
					t.Error(err)
				}
				got.Add(int32(len(m)))
			})
		}
		synctest.Wait()
		for range 20 {
			send(t, e, body("m"))
		}
		start := time.Now()
		wg.Wait()
		if got.Load() != 20 || time.Since(start) != 0 {
			t.Errorf("20 pollers got %d of 20 messages after %s, want all at once", got.Load(), time.Since(start))
		}
	})
}

func TestCloseEndsLongPolls(t *testing.T) {
	e, _ := engine(t, Settings{})
	done := make(chan error, 1)
	go func() {
		_, err := e.Receive(context.Background(), q1, Request{Wait: time.Hour})
		done <- err
	}()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}

func TestQueuesAndMessagesAreThereAfterReopening(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	e := open(t, dir, c.now)
	s := Settings{Delay: time.Second, Meta: []byte("m")}
	if err := e.Create(t.Context(), q1, s); err != nil {
		t.Fatal(err)
	}
	if err := e.Create(t.Context(), q1, Settings{}); !errors.Is(err, ErrExists) {
		t.Errorf("create with other settings: %v, want ErrExists", err)
	}
	none, long := time.Duration(0), time.Minute
	send(t, e, Outgoing{Body: []byte("a"), Delay: &none}, Outgoing{Body: []byte("b"), Delay: &none}, Outgoing{Body: []byte("c"), Delay: &long})
	held := receive(t, e, q1, 1, 30*time.Second)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = open(t, dir, c.now)
	wantCounts(t, e, q1, Counts{Visible: 1, InFlight: 1, Delayed: 1})
	if got, err := e.Settings(q1); err != nil || got.Delay != s.Delay || string(got.Meta) != "m" {
		t.Errorf("settings %+v, %v", got, err)
	}
	remove(t, e, q1, held...) // receipts outlive the process
	if got := texts(receive(t, e, q1, 10, time.Minute)); !slices.Equal(got, []string{"b"}) {
		t.Errorf("got %v", got)
	}
	if err := e.Delete(t.Context(), q1); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Send(t.Context(), q1, body("x")); !errors.Is(err, ErrNoQueue) {
		t.Errorf("send to a deleted queue: %v", err)
	}
	if names := e.List("", "", "test"); len(names) != 0 {
		t.Errorf("list %v", names)
	}
}

func files(t testing.TB, e *Engine) int {
	t.Helper()
	entries, err := readDir(e.bodies.dir)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}
