package worker

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func TestAdmits(t *testing.T) {
	for _, tt := range []struct {
		name                           string
		inside, always, runnable, cpus int
		want                           bool
	}{
		{"few are inside, whatever else runs", 3, 4, 50, 2, true},
		{"enough compute", 4, 4, 3, 2, false},
		{"those inside wait for something else", 4, 4, 2, 2, true},
		{"any number may wait for something else", 400, 4, 0, 2, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := admits(tt.inside, tt.always, tt.runnable, tt.cpus); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
}

// Goal: while the processors are busy, no more starts than always are inside, all get
// their turn, the first first; and starts that only wait keep nobody out.
func TestTheGate(t *testing.T) {
	for _, tt := range []struct {
		name     string
		runnable int
		most     int
		took     time.Duration
	}{
		{"busy processors", 9, 4, 5 * time.Second},
		{"idle processors", 1, 20, time.Second + 16*gateTick},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &gate{always: 4, cpus: 2, runnable: func() (int, error) { return tt.runnable, nil }, wake: make(chan struct{}, 1)}
				ctx, cancel := context.WithCancel(t.Context())
				var running sync.WaitGroup
				running.Go(func() { g.run(ctx) })
				var mu sync.Mutex // guards the results
				inside, most := 0, 0
				var order []int
				began := time.Now()
				var starts sync.WaitGroup
				for i := range 20 {
					starts.Go(func() {
						if _, err := g.enter(ctx); err != nil {
							t.Error(err)
						}
						mu.Lock()
						inside++
						most = max(most, inside)
						order = append(order, i)
						mu.Unlock()
						time.Sleep(time.Second)
						mu.Lock()
						inside--
						mu.Unlock()
						g.leave()
					})
					synctest.Wait()
				}
				starts.Wait()
				if took := time.Since(began); most != tt.most || took.Round(time.Second/10) != tt.took.Round(time.Second/10) {
					t.Errorf("at most %d inside, %s in all; want %d, %s", most, took, tt.most, tt.took)
				}
				for at, start := range order { // those of one second in any order
					if tt.runnable > 2 && start/4 != at/4 {
						t.Errorf("order %v", order)
						break
					}
				}
				cancel()
				running.Wait()
			})
		})
	}
}

func TestAStartThatIsNotNeededLeavesTheGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{always: 1, cpus: 1, wake: make(chan struct{}, 1)}
		if _, err := g.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		var err error
		var waiting sync.WaitGroup
		waiting.Go(func() { _, err = g.enter(ctx) })
		synctest.Wait()
		cancel(lambda.ErrNotNeeded)
		waiting.Wait()
		if !errors.Is(err, lambda.ErrNotNeeded) || len(g.queue) != 0 || g.inside != 1 {
			t.Errorf("got %v with %d waiting and %d inside", err, len(g.queue), g.inside)
		}
		g.leave()
		if _, err := g.enter(t.Context()); err != nil || g.inside != 1 {
			t.Errorf("the next one: %v, %d inside", err, g.inside)
		}
	})
}

func TestAStartThatHasBegunOutlivesItsNeedOnly(t *testing.T) {
	for _, tt := range []struct {
		cause error
		want  error
	}{{lambda.ErrNotNeeded, nil}, {context.Canceled, context.Canceled}} {
		ctx, cancel := context.WithCancelCause(t.Context())
		going, stop := UntilUnneeded(ctx)
		cancel(tt.cause)
		if tt.want != nil {
			<-going.Done()
		}
		if err := going.Err(); !errors.Is(err, tt.want) {
			t.Errorf("ended by %v: %v, want %v", tt.cause, err, tt.want)
		}
		stop()
	}
}

func TestParseRunnable(t *testing.T) {
	for text, want := range map[string]int{
		"0.20 0.18 0.12 3/80 11206\n":     3,
		"33.64 33.01 16.37 41/2903 99 \n": 41,
		"":                                -1, "0.1 0.1 0.1": -1, "0.1 0.1 0.1 x/2 3": -1,
	} {
		got, err := parseRunnable([]byte(text))
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}
