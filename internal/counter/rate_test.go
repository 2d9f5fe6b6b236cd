package counter

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// burst reserves until something stops it, at most n times.
func burst(c *Counter, name string, n int) (slots []Slot, err error) {
	for range n {
		slot, err := c.Reserve(id(name), lambda.Latest)
		if err != nil {
			return slots, err
		}
		slots = append(slots, slot)
	}
	return slots, nil
}

func release(c *Counter, slots []Slot) {
	for _, s := range slots {
		c.Release(s)
	}
}

func TestAFunctionGrowsAtItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{AccountConcurrency: 100, Growth: Growth{Burst: 10, Refill: 10 * time.Second, Warm: time.Minute}})
		slots, err := burst(c, "a", 100)
		if len(slots) != 10 || reason(t, err) != lambda.ReasonFunctionInvocationRateLimit {
			t.Fatalf("at once: %d and %v, want 10", len(slots), err)
		}
		if other, _ := burst(c, "b", 5); len(other) != 5 {
			t.Errorf("another function gets %d, want 5", len(other))
		}
		time.Sleep(3 * time.Second)
		more, _ := burst(c, "a", 100)
		if len(more) != 3 {
			t.Errorf("after 3 s: %d more, want 3", len(more))
		}
		release(c, append(slots, more...))
		if again, _ := burst(c, "a", 100); len(again) != 13 {
			t.Errorf("warm environments serve %d, want 13", len(again))
		} else {
			release(c, again)
		}
		time.Sleep(5 * time.Minute)
		if cold, _ := burst(c, "a", 100); len(cold) != 10 {
			t.Errorf("once they are gone: %d at once, want 10", len(cold))
		}
	})
}

func TestRequestsAreBoundByConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{AccountConcurrency: 3, RequestsPerConcurrency: 10})
		c.SetReserved(id("a"), new(1))
		c.SetProvisioned(id("p"), "1", 1)
		calls := func(name, version string) (n int, err error) {
			for {
				slot, err := c.Reserve(id(name), version)
				if err != nil {
					return n, err
				}
				c.Release(slot)
				n++
			}
		}
		for _, tt := range []struct{ name, version, want string }{
			{"a", lambda.Latest, lambda.ReasonReservedFunctionInvocationRateLimit},
			{"b", lambda.Latest, lambda.ReasonFunctionInvocationRateLimit},
			{"p", "1", lambda.ReasonFunctionInvocationRateLimit},
		} {
			if n, err := calls(tt.name, tt.version); n != 10 || reason(t, err) != tt.want {
				t.Errorf("%s: %d requests, then %v; want 10, then %s", tt.name, n, err, tt.want)
			}
		}
		time.Sleep(500 * time.Millisecond)
		if n, _ := calls("b", lambda.Latest); n != 5 {
			t.Errorf("half a second later: %d requests, want 5", n)
		}
	})
}

func TestFunctionsThatRestAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{AccountConcurrency: 10, Growth: AWSGrowth(time.Minute), RequestsPerConcurrency: 1000})
		for i := range 10000 {
			slot, err := c.Reserve(id(fmt.Sprint(i)), lambda.Latest)
			if err != nil {
				t.Fatal(err)
			}
			c.Release(slot)
			time.Sleep(time.Second)
		}
		if n := len(c.account(id("a")).functions); n > 2*300 {
			t.Errorf("%d functions are kept, want few more than ran within two minutes", n)
		}
	})
}

func BenchmarkReserveWithRates(b *testing.B) {
	c := New(Config{AccountConcurrency: 1000, Growth: AWSGrowth(time.Minute), RequestsPerConcurrency: 1 << 30})
	f := id("f")
	for b.Loop() {
		slot, err := c.Reserve(f, lambda.Latest)
		if err != nil {
			b.Fatal(err)
		}
		c.Release(slot)
	}
}
