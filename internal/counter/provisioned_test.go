package counter

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func TestProvisionedConcurrency(t *testing.T) {
	type step struct {
		do      string // "reserve", "release", "set", "unset", "provision"
		name    string
		version string
		n       int
		want    string
	}
	const account, reserved = lambda.ReasonConcurrentInvocationLimit, lambda.ReasonReservedConcurrentInvocationLimit
	for _, tt := range []struct {
		name  string
		limit int
		steps []step
	}{
		{"it is taken out of what the others share", 3, []step{
			{do: "provision", name: "a", version: "1", n: 2},
			{do: "reserve", name: "b"},
			{do: "reserve", name: "b", want: account},
			{do: "reserve", name: "a", version: "1"},
			{do: "reserve", name: "a", version: "1"},
			{do: "reserve", name: "a", version: "1", want: account},
		}},
		{"its version spills over into the account's", 3, []step{
			{do: "provision", name: "a", version: "1", n: 1},
			{do: "reserve", name: "a", version: "1"},
			{do: "reserve", name: "a", version: "1"},
			{do: "reserve", name: "a", version: "1"},
			{do: "reserve", name: "a", version: "1", want: account},
			{do: "release", name: "a", version: "1"},
			{do: "reserve", name: "a", version: "1"},
		}},
		{"other versions do not use it", 2, []step{
			{do: "provision", name: "a", version: "1", n: 1},
			{do: "reserve", name: "a"},
			{do: "reserve", name: "a", want: account},
			{do: "reserve", name: "a", version: "1"},
		}},
		{"it is a part of its function's reserve", 10, []step{
			{do: "set", name: "a", n: 2},
			{do: "provision", name: "a", version: "1", n: 1},
			{do: "reserve", name: "a"},
			{do: "reserve", name: "a", want: reserved},
			{do: "reserve", name: "a", version: "1"},
			{do: "reserve", name: "a", version: "1", want: reserved},
		}},
		{"a reserve that is all provisioned throttles every other version", 10, []step{
			{do: "set", name: "a", n: 1},
			{do: "provision", name: "a", version: "1", n: 1},
			{do: "reserve", name: "a", want: reserved},
			{do: "reserve", name: "a", version: "1"},
		}},
		{"what runs counts as on demand once it is taken away", 2, []step{
			{do: "provision", name: "a", version: "1", n: 2},
			{do: "reserve", name: "a", version: "1"},
			{do: "reserve", name: "a", version: "1"},
			{do: "provision", name: "a", version: "1", n: 0},
			{do: "reserve", name: "b", want: account},
			{do: "release", name: "a", version: "1"},
			{do: "reserve", name: "b"},
			{do: "release", name: "a", version: "1"},
			{do: "reserve", name: "b"},
			{do: "reserve", name: "b", want: account},
		}},
		{"a new pool does not push the account over its limit", 2, []step{
			{do: "reserve", name: "b"},
			{do: "reserve", name: "b"},
			{do: "provision", name: "a", version: "1", n: 1},
			{do: "reserve", name: "a", version: "1", want: account},
			{do: "release", name: "b"},
			{do: "reserve", name: "a", version: "1"},
			{do: "reserve", name: "b", want: account},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := New(Config{AccountConcurrency: tt.limit})
			held := map[string][]Slot{}
			for i, s := range tt.steps {
				key := s.name + ":" + s.version
				switch s.do {
				case "reserve":
					slot, err := c.Reserve(id(s.name), s.version)
					if got := reason(t, err); got != s.want {
						t.Fatalf("step %d: reserve %s: got %q, want %q", i, key, got, s.want)
					} else if got == "" {
						held[key] = append(held[key], slot)
					}
				case "release":
					c.Release(held[key][0])
					held[key] = held[key][1:]
				case "set":
					c.SetReserved(id(s.name), &s.n)
				case "provision":
					c.SetProvisioned(id(s.name), s.version, s.n)
				}
			}
		})
	}
}

// The goal is that the sums that make Reserve quick agree with the slots that are
// out, whatever is done in whatever order by many at once, and that neither the
// account's limit nor, once all is set, a pool's is exceeded. The method: random
// operations from several goroutines, each checked against the sums under the
// account's own mutex, and everything given back at the end.
func TestTheSumsAgreeWithTheSlots(t *testing.T) {
	const limit, workers, rounds = 20, 4, 3000
	c := New(Config{AccountConcurrency: limit, Growth: AWSGrowth(1), RequestsPerConcurrency: 1 << 20})
	names, versions := []string{"a", "b", "c"}, []string{"$LATEST", "1", "2"}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(w)))
			var held []Slot
			for range rounds {
				name, version := names[rng.IntN(len(names))], versions[rng.IntN(len(versions))]
				switch k := rng.IntN(20); {
				case k < 9:
					if slot, err := c.Reserve(id(name), version); err == nil {
						held = append(held, slot)
					}
				case k < 17 && len(held) > 0:
					i := rng.IntN(len(held))
					c.Release(held[i])
					held[i] = held[len(held)-1]
					held = held[:len(held)-1]
				case k == 17:
					c.SetReserved(id(name), new(4+rng.IntN(3)))
				case k == 18:
					c.SetReserved(id(name), nil)
				case k == 19:
					c.SetProvisioned(id(name), versions[1+rng.IntN(2)], rng.IntN(3))
				}
				checkSums(t, c)
			}
			for _, slot := range held {
				c.Release(slot)
			}
		})
	}
	wg.Wait()
	checkSums(t, c)
	a := c.account(id("a"))
	if a.inFlight != 0 || a.unreserved != 0 {
		t.Errorf("with nothing in flight: %d in flight, %d unreserved", a.inFlight, a.unreserved)
	}
}

func checkSums(t *testing.T, c *Counter) {
	a := c.account(id("a"))
	a.mu.Lock()
	defer a.mu.Unlock()
	var inFlight, unreserved, reserved, provisioned int
	for _, f := range a.functions {
		size, covered := 0, 0
		for _, p := range f.pools {
			size += p.size
			covered += min(p.inFlight, p.size)
		}
		if f.onDemand != f.inFlight-covered || f.provisioned != size {
			t.Errorf("%s: %d in flight, %d covered, but %d on demand; pools of %d, but %d provisioned", f.name, f.inFlight, covered, f.onDemand, size, f.provisioned)
		}
		inFlight += f.inFlight
		if f.reserved < 0 {
			unreserved += f.onDemand
			provisioned += f.provisioned
		} else {
			reserved += f.reserved
		}
	}
	if inFlight != a.inFlight || unreserved != a.unreserved || reserved != a.reserved || provisioned != a.provisioned {
		t.Errorf("sums are %d %d %d %d, want %d %d %d %d", a.inFlight, a.unreserved, a.reserved, a.provisioned, inFlight, unreserved, reserved, provisioned)
	}
	if a.inFlight > a.limit {
		t.Errorf("%d in flight with a limit of %d", a.inFlight, a.limit)
	}
}
