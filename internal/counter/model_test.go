package counter

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// The model: three functions in an account of modelLimit, with reserves that change.
const (
	modelLimit     = 5
	modelFunctions = 3
)

type modelState struct {
	inFlight [modelFunctions]int
	reserved [modelFunctions]int // -1: none
}

type modelOp struct {
	do string // "reserve", "release", "set"
	f  int
	n  int // of set; -1 takes the reserve away
}

// refuses is the specification of each refusal.
func (s modelState) refuses(f int) string {
	total, shared, sum := 0, 0, 0
	for i := range modelFunctions {
		total += s.inFlight[i]
		if s.reserved[i] < 0 {
			shared += s.inFlight[i]
		} else {
			sum += s.reserved[i]
		}
	}
	switch r := s.reserved[f]; {
	case r >= 0 && s.inFlight[f] >= r:
		return lambda.ReasonReservedConcurrentInvocationLimit
	case r < 0 && shared >= modelLimit-sum, total >= modelLimit:
		return lambda.ReasonConcurrentInvocationLimit
	}
	return ""
}

var counterModel = porcupine.Model{
	Init: func() any { return modelState{reserved: [modelFunctions]int{-1, -1, -1}} },
	Step: func(state, input, output any) (bool, any) {
		s, op := state.(modelState), input.(modelOp)
		switch op.do {
		case "reserve":
			want := s.refuses(op.f)
			if want == "" {
				s.inFlight[op.f]++
			}
			return output.(string) == want, s
		case "release":
			s.inFlight[op.f]--
		case "set":
			s.reserved[op.f] = op.n
		}
		return true, s
	},
}

// Goal: whatever the interleaving, the counter answers as if its operations came one
// after the other, each refusal with the reason that the model has for it: so no limit
// is exceeded, not for a moment. Method: goroutines reserve, release and change
// reserves at random; porcupine looks for an order that explains the answers.
func TestTheCounterIsLinearizable(t *testing.T) {
	for round := range 20 {
		c := New(Config{AccountConcurrency: modelLimit})
		var mu sync.Mutex
		var history []porcupine.Operation
		born := time.Now()
		var wg sync.WaitGroup
		for client := range 4 {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(round), uint64(client)))
				type heldSlot struct {
					f int
					s Slot
				}
				var held []heldSlot
				run := func(op modelOp) {
					call := time.Since(born)
					out := ""
					switch op.do {
					case "reserve":
						s, err := c.Reserve(id(fmt.Sprint(op.f)), lambda.Latest)
						if err != nil {
							out = reason(t, err)
						} else {
							held = append(held, heldSlot{op.f, s})
						}
					case "release":
						i := slices.IndexFunc(held, func(h heldSlot) bool { return h.f == op.f })
						c.Release(held[i].s)
						held = slices.Delete(held, i, i+1)
					case "set":
						n := &op.n
						if op.n < 0 {
							n = nil
						}
						c.SetReserved(id(fmt.Sprint(op.f)), n)
					}
					done := time.Since(born)
					mu.Lock()
					history = append(history, porcupine.Operation{ClientId: client, Input: op, Call: int64(call), Output: out, Return: int64(done)})
					mu.Unlock()
				}
				for range 40 {
					f := rng.IntN(modelFunctions)
					switch k := rng.IntN(10); {
					case k == 0 && f != 2: // reserves add up to less than the account has
						run(modelOp{"set", f, rng.IntN(4) - 1})
					case k < 5 && len(held) > 0:
						run(modelOp{do: "release", f: held[rng.IntN(len(held))].f})
					default:
						run(modelOp{do: "reserve", f: f})
					}
				}
				for len(held) > 0 {
					run(modelOp{do: "release", f: held[0].f})
				}
			})
		}
		wg.Wait()
		if got := porcupine.CheckOperationsTimeout(counterModel, history, 5*time.Second); got != porcupine.Ok {
			t.Fatalf("round %d: %s, want an order that explains every answer", round, got)
		}
		for f := range modelFunctions {
			if n := c.InFlight(id(fmt.Sprint(f))); n != 0 {
				t.Errorf("round %d: %d slots of function %d leaked", round, n, f)
			}
		}
	}
}

// The cost of an invoke does not depend on how many functions and invokes there are.
func BenchmarkReserveReleaseBeside(b *testing.B) {
	for _, n := range []int{1, 1_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := New(Config{AccountConcurrency: 1 << 20})
			for i := range n {
				if _, err := c.Reserve(id(fmt.Sprint("f", i)), lambda.Latest); err != nil {
					b.Fatal(err)
				}
			}
			f := id("f0")
			b.ReportAllocs()
			for b.Loop() {
				slot, err := c.Reserve(f, lambda.Latest)
				if err != nil {
					b.Fatal(err)
				}
				c.Release(slot)
			}
		})
	}
}
