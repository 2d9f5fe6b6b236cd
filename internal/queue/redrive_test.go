package queue

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

var dead = Name{"111111111111", "us-east-1", "test", "dead"}

// lost sends messages that end in the dead-letter queue.
func lost(t *testing.T, fifo bool, texts ...string) (*Engine, *clock) {
	t.Helper()
	e, c := engine(t, Settings{FIFO: fifo, MaxReceives: 1, DeadLetter: dead})
	if err := e.Create(t.Context(), dead, Settings{FIFO: fifo}); err != nil {
		t.Fatal(err)
	}
	for _, s := range texts {
		send(t, e, inGroup("g", s))
	}
	for range 2 {
		receive(t, e, q1, ReceiveMax, time.Second)
		c.advance(2 * time.Second)
	}
	wantCounts(t, e, dead, Counts{Visible: len(texts)})
	return e, c
}

func TestRedriveTakesDeadLettersBackAsNewMessages(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		e, c := lost(t, fifo, "a", "b", "c")
		before := receive(t, e, dead, ReceiveMax, time.Second)
		c.advance(2 * time.Second)
		for _, want := range []int{2, 1, 0} {
			if n, err := e.Redrive(t.Context(), dead, Name{}, 2); n != want || err != nil {
				t.Fatalf("fifo %v: moved %d, %v; want %d", fifo, n, err, want)
			}
		}
		wantCounts(t, e, dead, Counts{})
		wantCounts(t, e, q1, Counts{Visible: 3})
		got := receive(t, e, q1, ReceiveMax, time.Minute)
		if s := texts(got); len(s) != 3 || s[0] != "a" || s[2] != "c" {
			t.Fatalf("fifo %v: got %v", fifo, s)
		}
		m := got[0]
		if m.Receives != 1 || m.Origin != (Name{}) || !m.Sent.Equal(c.now()) || m.ID == before[0].ID || m.Sequence <= before[0].Sequence {
			t.Errorf("fifo %v: got %+v, not a new message", fifo, m)
		}
	}
}

func TestRedriveToAnotherQueueAndWithoutAnOrigin(t *testing.T) {
	e, c := lost(t, false, "a")
	if _, err := e.Send(t.Context(), dead, body("sent here")); err != nil {
		t.Fatal(err)
	}
	if n, err := e.Redrive(t.Context(), dead, Name{}, 10); n != 1 || !errors.Is(err, ErrNoOrigin) {
		t.Errorf("moved %d, %v", n, err)
	}
	other := q1
	other.Name = "other"
	if n, err := e.Redrive(t.Context(), dead, other, 10); n != 0 || !errors.Is(err, ErrNoQueue) {
		t.Errorf("to no queue: moved %d, %v", n, err)
	}
	if err := e.Create(t.Context(), other, Settings{}); err != nil {
		t.Fatal(err)
	}
	if n, err := e.Redrive(t.Context(), dead, other, 10); n != 1 || err != nil {
		t.Errorf("moved %d, %v", n, err)
	}
	if _, err := e.Send(t.Context(), dead, body("old")); err != nil {
		t.Fatal(err)
	}
	c.advance(RetentionDefault)
	if n, err := e.Redrive(t.Context(), dead, other, 10); n != 0 || err != nil {
		t.Errorf("too old: moved %d, %v", n, err)
	}
	wantCounts(t, e, dead, Counts{})
}

func TestNoMoreMessagesInFlightThanTheReceiverAllows(t *testing.T) {
	e, c := engine(t, Settings{})
	send(t, e, body("a"), body("b"), body("c"))
	hide := 30 * time.Second
	take := func() ([]Message, error) {
		return e.Receive(t.Context(), q1, Request{Max: 1, Visibility: &hide, HeldMax: 2})
	}
	first, err := take()
	if err != nil || len(first) != 1 {
		t.Fatal(first, err)
	}
	if m, err := take(); err != nil || len(m) != 1 {
		t.Fatal(m, err)
	}
	if m, err := take(); !errors.Is(err, ErrOverLimit) {
		t.Errorf("a third: %v, %v", m, err)
	}
	remove(t, e, q1, first...)
	if m, err := take(); err != nil || len(m) != 1 {
		t.Errorf("after a deletion: %v, %v", m, err)
	}
	c.advance(hide)
	if m, err := take(); err != nil || len(m) != 1 {
		t.Errorf("after the timeout: %v, %v", m, err)
	}
}

func TestALongPollWaitsForRoomAmongTheMessagesInFlight(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		e, err := Open(context.Background(), Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		if err := e.Create(t.Context(), q1, Settings{}); err != nil {
			t.Fatal(err)
		}
		send(t, e, body("a"), body("b"))
		hide := 5 * time.Second
		for _, c := range []struct {
			wait time.Duration
			want error
			took time.Duration
		}{{0, nil, 0}, {0, ErrOverLimit, 0}, {2 * time.Second, ErrOverLimit, 2 * time.Second}, {20 * time.Second, nil, 3 * time.Second}} {
			start := time.Now()
			_, err := e.Receive(t.Context(), q1, Request{Visibility: &hide, HeldMax: 1, Wait: c.wait})
			if took := time.Since(start); !errors.Is(err, c.want) || took < c.took || took > c.took+time.Second {
				t.Errorf("wait %s: got %v after %s", c.wait, err, took)
			}
		}
	})
}

func TestMessagesAreHandedOutAgainToWhoHasThem(t *testing.T) {
	e, c := engine(t, Settings{FIFO: true, Visibility: 10 * time.Second})
	send(t, e, inGroup("g", "a"), inGroup("g", "b"))
	got := receive(t, e, q1, 2, 10*time.Second)
	receipts := []string{got[0].Receipt, got[1].Receipt}
	c.advance(9 * time.Second)
	again, ok, err := e.Again(t.Context(), q1, nil, receipts...)
	if err != nil || !ok || len(again) != 2 || again[0].Receipt != receipts[0] || again[0].Receives != 1 || string(again[1].Body) != "b" {
		t.Fatalf("got %+v, %v, %v", again, ok, err)
	}
	c.advance(9 * time.Second)
	if m := receive(t, e, q1, 2, 0); len(m) != 0 {
		t.Errorf("the timeout did not begin anew: %v", texts(m))
	}
	remove(t, e, q1, again[0])
	if _, ok, err := e.Again(t.Context(), q1, nil, receipts...); ok || err != nil {
		t.Errorf("after a deletion: %v, %v", ok, err)
	}
	c.advance(time.Second)
	if _, ok, err := e.Again(t.Context(), q1, nil, receipts[1]); ok || err != nil {
		t.Errorf("after the timeout: %v, %v", ok, err)
	}
}

func TestReceiptsOfAnotherQueueAreNone(t *testing.T) {
	e, _ := engine(t, Settings{})
	if err := e.Create(t.Context(), dead, Settings{}); err != nil {
		t.Fatal(err)
	}
	send(t, e, body("a"))
	got := receive(t, e, q1, 1, time.Minute)
	if errs, err := e.Remove(t.Context(), dead, got[0].Receipt); err != nil || !errors.Is(errs[0], ErrReceipt) {
		t.Errorf("got %v, %v", errs, err)
	}
	remove(t, e, q1, got...)
	if errs, err := e.Remove(t.Context(), q1, got[0].Receipt); err != nil || !errors.Is(errs[0], ErrGone) || !errors.Is(errs[0], ErrStale) {
		t.Errorf("again: %v, %v", errs, err)
	}
}

func TestTheJanitorFindsWhatIsTooOldWhereverItLies(t *testing.T) {
	e, c := engine(t, Settings{Retention: time.Hour, MaxReceives: 1, DeadLetter: dead})
	long := q1
	long.Name = "long"
	for name, s := range map[Name]Settings{dead: {Retention: 10 * time.Minute}, long: {Retention: 24 * time.Hour}} {
		if err := e.Create(t.Context(), name, s); err != nil {
			t.Fatal(err)
		}
	}
	sweep := func() {
		t.Helper()
		if err := e.sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for range sweepRows + 10 {
		if _, err := e.Send(t.Context(), long, body("kept")); err != nil {
			t.Fatal(err)
		}
	}
	send(t, e, body("a"), body("b"))
	c.advance(20 * time.Minute) // the janitor passes all of them, as too old for the shortest time
	sweep()
	wantCounts(t, e, q1, Counts{Visible: 2})
	for range 2 { // to where they are too old already
		receive(t, e, q1, ReceiveMax, time.Second)
		c.advance(2 * time.Second)
	}
	wantCounts(t, e, dead, Counts{Visible: 2})
	sweep()
	wantCounts(t, e, dead, Counts{})
	wantCounts(t, e, long, Counts{Visible: sweepRows + 10})

	send(t, e, body("c"))
	c.advance(time.Hour)
	sweep()
	wantCounts(t, e, q1, Counts{})
	if err := e.Configure(t.Context(), long, func(s *Settings) { s.Retention = time.Hour }); err != nil {
		t.Fatal(err)
	}
	sweep()
	wantCounts(t, e, long, Counts{})
	if e.swept[time.Hour] == 0 && e.swept[10*time.Minute] == 0 {
		t.Error("the janitor begins anew each time")
	}
}
