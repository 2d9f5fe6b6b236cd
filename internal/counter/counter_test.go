package counter

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func id(name string) lambda.FunctionID {
	return lambda.FunctionID{Account: "000000000000", Region: "us-east-1", Name: name}
}

func reason(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[*lambda.Error](err)
	if !ok || e.Code != lambda.CodeTooManyRequests {
		t.Fatalf("got error %v, want a throttle", err)
	}
	return e.Reason
}

func TestReserve(t *testing.T) {
	type step struct {
		do   string // "reserve", "release", "set", "unset"
		name string
		n    int
		want string // the throttle's reason
	}
	const account, reserved = lambda.ReasonConcurrentInvocationLimit, lambda.ReasonReservedConcurrentInvocationLimit
	tests := []struct {
		name  string
		limit int
		steps []step
	}{
		{"functions without a reserve share the account's limit", 2, []step{
			{do: "reserve", name: "a"},
			{do: "reserve", name: "b"},
			{do: "reserve", name: "a", want: account},
			{do: "release", name: "b"},
			{do: "reserve", name: "a"},
		}},
		{"a reserve is taken out of what the others share", 3, []step{
			{do: "set", name: "a", n: 2},
			{do: "reserve", name: "b"},
			{do: "reserve", name: "b", want: account},
			{do: "reserve", name: "a"},
			{do: "reserve", name: "a"},
			{do: "reserve", name: "a", want: reserved},
		}},
		{"a reserve of zero stops the function", 3, []step{
			{do: "set", name: "a", n: 0},
			{do: "reserve", name: "a", want: reserved},
			{do: "unset", name: "a"},
			{do: "reserve", name: "a"},
		}},
		{"what is in flight counts in the pool that the function moves to", 3, []step{
			{do: "reserve", name: "a"},
			{do: "reserve", name: "a"},
			{do: "set", name: "a", n: 2},
			{do: "reserve", name: "a", want: reserved},
			{do: "reserve", name: "b"},
			{do: "reserve", name: "b", want: account},
			{do: "release", name: "a"},
			{do: "unset", name: "a"},
			{do: "reserve", name: "a"},
			{do: "reserve", name: "a", want: account},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := New(Config{AccountConcurrency: tt.limit})
			slots := map[string][]Slot{}
			for i, s := range tt.steps {
				switch s.do {
				case "reserve":
					slot, err := c.Reserve(id(s.name), lambda.Latest)
					if got := reason(t, err); got != s.want {
						t.Fatalf("step %d: reserve %s: got reason %q, want %q", i, s.name, got, s.want)
					}
					if err == nil {
						slots[s.name] = append(slots[s.name], slot)
					}
				case "release":
					held := slots[s.name]
					c.Release(held[len(held)-1])
					slots[s.name] = held[:len(held)-1]
				case "set":
					c.SetReserved(id(s.name), &s.n)
				case "unset":
					c.SetReserved(id(s.name), nil)
				}
			}
		})
	}
}

// Goal: no interleaving lets more run than a limit allows, and no slot leaks.
// Method: many goroutines reserve and release at random while reserves change;
// each counts what it holds, and the counts are compared with the limits.
func TestLimitsHoldUnderConcurrency(t *testing.T) {
	const limit, workers, rounds = 8, 16, 2000
	c := New(Config{AccountConcurrency: limit})
	var running atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 1))
			for range rounds {
				slot, err := c.Reserve(id(string(rune('a'+rng.IntN(3)))), lambda.Latest)
				if err != nil {
					continue
				}
				if n := running.Add(1); n > limit {
					t.Errorf("%d invocations run, the limit is %d", n, limit)
				}
				running.Add(-1)
				c.Release(slot)
			}
		})
	}
	wg.Go(func() {
		three := 3
		for range rounds {
			c.SetReserved(id("a"), &three)
			c.SetReserved(id("a"), nil)
		}
	})
	wg.Wait()
	for _, name := range []string{"a", "b", "c"} {
		if n := c.InFlight(id(name)); n != 0 {
			t.Errorf("%d slots of %s are still taken, want 0", n, name)
		}
	}
	if n := len(c.account(id("a")).functions); n != 0 {
		t.Errorf("%d functions are remembered though nothing runs, want 0", n)
	}
}

func BenchmarkReserveRelease(b *testing.B) {
	c := New(Config{AccountConcurrency: 1000})
	f := id("hello")
	b.ReportAllocs()
	for b.Loop() {
		slot, err := c.Reserve(f, lambda.Latest)
		if err != nil {
			b.Fatal(err)
		}
		c.Release(slot)
	}
}
