package workermanager

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func TestAdoptedEnvironmentsServeAsWarmAsTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{open: map[*environment]bool{}}
		m := New(Config{IdleTimeout: time.Minute, AgeMax: time.Hour}, f, f, slog.New(slog.DiscardHandler))
		defer m.stop()
		v := &lambda.Version{Version: "1"}
		tests := []struct {
			age  time.Duration
			want bool
		}{{0, true}, {30 * time.Minute, true}, {2 * time.Hour, false}}
		for _, tt := range tests {
			env, err := f.Open(t.Context(), "w", v)
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Adopt(env, v, "w", time.Now().Add(-tt.age)); got != tt.want {
				t.Errorf("%s old: %v", tt.age, got)
			}
		}
		if got := m.Stats(v.Key()); got != (Stats{Idle: 2}) {
			t.Errorf("there are %+v", got)
		}
		if _, cold, err := m.Acquire(t.Context(), v); err != nil || cold || f.opened != 3 {
			t.Errorf("cold %v, %v, %d opened", cold, err, f.opened)
		}
		ahead := *v
		ahead.Provisioned = true
		env, err := f.Open(t.Context(), "w", v)
		if err != nil {
			t.Fatal(err)
		}
		if !m.Adopt(env, &ahead, "w", time.Now()) {
			t.Error("a provisioned one is not adopted")
		}
		m.Provision(v, 1)
		synctest.Wait()
		if ready, err := m.Provisioned(v.Key()); ready != 1 || err != nil || f.opened != 4 {
			t.Errorf("%d are provisioned, %v; %d opened", ready, err, f.opened)
		}
	})
}

// goneFleet has workers that are gone when they are asked.
type goneFleet struct {
	*fleet
	gone int
}

func (f *goneFleet) Open(ctx context.Context, on string, v *lambda.Version) (Environment, error) {
	if f.gone--; f.gone >= 0 {
		return nil, fmt.Errorf("it was here: %w", ErrWorkerGone)
	}
	return f.fleet.Open(ctx, on, v)
}

func TestAnotherWorkerIsTriedWhenOneIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, gone := range []int{1, placeMax - 1, placeMax} {
			f := &goneFleet{&fleet{open: map[*environment]bool{}}, gone}
			m := New(Config{IdleTimeout: time.Minute, AgeMax: time.Hour}, f, f, slog.New(slog.DiscardHandler))
			env, _, err := m.Acquire(t.Context(), &lambda.Version{Version: "1"})
			if err == nil != (gone < placeMax) {
				t.Errorf("%d are gone: %v", gone, err)
			}
			if err == nil {
				m.Return(env, true)
			}
			m.stop()
		}
	})
}

func TestProvisionedEnvironmentsAreMadeAsSoonAsThereIsAWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{open: map[*environment]bool{}, failWith: ErrNoCapacity}
		m := New(Config{IdleTimeout: time.Minute, AgeMax: time.Hour}, f, f, slog.New(slog.DiscardHandler))
		defer m.stop()
		v := &lambda.Version{Version: "1"}
		m.Provision(v, 1)
		synctest.Wait()
		f.mu.Lock()
		f.failWith = nil
		f.mu.Unlock()
		m.Joined()
		synctest.Wait()
		if ready, err := m.Provisioned(v.Key()); ready != 1 || err != nil {
			t.Errorf("%d are provisioned, %v", ready, err)
		}
	})
}
