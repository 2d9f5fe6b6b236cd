package queue

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func newID() string { return lambda.NewUUID() }

// held is one message of the model.
type held struct {
	body     string
	group    string
	due      int64
	leased   bool
	receives int
	receipt  string
}

// Goal: the engine does what a queue does that is a list in memory. Method: a few
// thousand random operations on both, with time passing and the engine reopened now
// and then; whatever the engine hands out, keeps back or counts must fit the list.
func TestTheEngineDoesWhatAListWould(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("fifo %v, seed %d", fifo, seed), func(t *testing.T) { runModel(t, fifo, seed) })
		}
	}
}

func runModel(t *testing.T, fifo bool, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	dir, c := t.TempDir(), newClock()
	e := open(t, dir, c.now)
	if err := e.Create(t.Context(), q1, Settings{FIFO: fifo}); err != nil {
		t.Fatal(err)
	}
	var list []*held
	seconds := func(n int) time.Duration { return time.Duration(rnd.IntN(n)) * time.Second }
	now := func() int64 { return c.now().UnixMilli() }
	pick := func() *held {
		var with []*held
		for _, h := range list {
			if h.receipt != "" {
				with = append(with, h)
			}
		}
		if len(with) == 0 {
			return nil
		}
		return with[rnd.IntN(len(with))]
	}
	for step := range 600 {
		switch rnd.IntN(10) {
		case 0, 1, 2:
			delay := time.Duration(0)
			if !fifo && rnd.IntN(3) == 0 {
				delay = seconds(20)
			}
			h := &held{body: fmt.Sprint(step), group: fmt.Sprint(rnd.IntN(4)), due: now() + delay.Milliseconds()}
			send(t, e, Outgoing{Body: []byte(h.body), Group: h.group, Delay: &delay})
			list = append(list, h)
		case 3, 4, 5:
			hide := seconds(30) + time.Second
			limit := 1 + rnd.IntN(ReceiveMax)
			got := receive(t, e, q1, limit, hide)
			want := available(list, fifo, now())
			if len(got) != min(limit, len(want)) && !fifo || fifo && (len(got) == 0) != (len(want) == 0) {
				t.Fatalf("step %d: received %d with a limit of %d, and %d are due", step, len(got), limit, len(want))
			}
			for _, m := range got {
				i := slices.IndexFunc(want, func(h *held) bool { return h.body == string(m.Body) })
				if i < 0 {
					t.Fatalf("step %d: received %s, which is not due", step, m.Body)
				}
				h := want[i]
				if fifo && slices.ContainsFunc(want[:i], func(o *held) bool { return o.group == h.group }) {
					t.Fatalf("step %d: received %s before an earlier one of its group", step, m.Body)
				}
				want = slices.Delete(want, i, i+1)
				h.receives++
				if m.Receives != h.receives {
					t.Fatalf("step %d: %d receives, want %d", step, m.Receives, h.receives)
				}
				h.due, h.leased, h.receipt = now()+hide.Milliseconds(), true, m.Receipt
			}
		case 6:
			if h := pick(); h != nil {
				errs, err := e.Remove(t.Context(), q1, h.receipt)
				lost := fifo && (!h.leased || h.due <= now()) // its receipt was good for the timeout only
				if err != nil || errors.Is(errs[0], ErrStale) != lost || !lost && errs[0] != nil {
					t.Fatalf("step %d: remove %s: %v, %v", step, h.body, errs, err)
				}
				if lost {
					break
				}
				list = slices.DeleteFunc(list, func(o *held) bool { return o == h })
			}
		case 7:
			if h := pick(); h != nil {
				d := seconds(10)
				errs, err := e.ChangeVisibility(t.Context(), q1, Visibility{h.receipt, d})
				if err != nil || (errs[0] == nil) != (h.leased && h.due > now()) {
					t.Fatalf("step %d: change %s: %v, %v", step, h.body, errs, err)
				}
				if errs[0] == nil {
					h.due, h.leased = now()+d.Milliseconds(), d > 0
				}
			}
		case 8:
			c.advance(seconds(15))
		case 9:
			if rnd.IntN(10) == 0 {
				if err := e.Close(); err != nil {
					t.Fatal(err)
				}
				e = open(t, dir, c.now)
			}
		}
		var want Counts
		for _, h := range list {
			switch {
			case h.due/1000 <= now()/1000: // counts are to the second
				want.Visible++
			case h.leased:
				want.InFlight++
			default:
				want.Delayed++
			}
		}
		if got, err := e.Counts(q1); err != nil || got != want {
			t.Fatalf("step %d: counts %+v, %v; want %+v", step, got, err, want)
		}
	}
}

// available are the messages that may be received now.
func available(list []*held, fifo bool, now int64) []*held {
	var out []*held
	blocked := map[string]bool{}
	if fifo {
		for _, h := range list {
			if h.leased && h.due > now {
				blocked[h.group] = true
			}
		}
	}
	for _, h := range list {
		if fifo && blocked[h.group] {
			continue
		}
		if h.due <= now {
			out = append(out, h)
		} else if fifo {
			blocked[h.group] = true // what follows waits for it
		}
	}
	return out
}
