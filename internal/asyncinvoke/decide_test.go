package asyncinvoke

import (
	"testing"
	"time"
)

func TestDecide(t *testing.T) {
	usual := Limits{Retries: 2, Age: 6 * time.Hour}
	tests := []struct {
		name string
		age  time.Duration
		p    progress // with the attempt counted
		o    outcome
		l    Limits
		want verdict
	}{
		{"a success ends", time.Second, progress{Attempts: 1}, succeeded, usual, verdict{condition: Success}},
		{"a first failure is retried after a minute", time.Second, progress{Attempts: 1}, failed, usual, verdict{again: true, delay: time.Minute}},
		{"a second failure is retried after two minutes", time.Minute, progress{Attempts: 2}, failed, usual, verdict{again: true, delay: 2 * time.Minute}},
		{"a third failure ends", 3 * time.Minute, progress{Attempts: 3}, failed, usual, verdict{condition: RetriesExhausted}},
		{"without retries a first failure ends", time.Second, progress{Attempts: 1}, failed, Limits{0, time.Hour}, verdict{condition: RetriesExhausted}},
		{"with one retry a second failure ends", time.Minute, progress{Attempts: 2}, failed, Limits{1, time.Hour}, verdict{condition: RetriesExhausted}},
		{"a maximum age of a minute gives one attempt", 0, progress{Attempts: 1}, failed, Limits{2, time.Minute}, verdict{condition: EventAgeExceeded}},
		{"the age is checked ahead", 9 * time.Minute, progress{Attempts: 2}, failed, Limits{2, 10 * time.Minute}, verdict{condition: EventAgeExceeded}},
		{"a last failure beats the age", 9 * time.Minute, progress{Attempts: 3}, failed, Limits{2, 10 * time.Minute}, verdict{condition: RetriesExhausted}},
		{"a first throttle backs off a second", 0, progress{PushedBack: 1}, pushedBack, usual, verdict{again: true, delay: time.Second}},
		{"the fifth in a row backs off 16 seconds", 0, progress{PushedBack: 5}, pushedBack, usual, verdict{again: true, delay: 16 * time.Second}},
		{"a hundredth backs off five minutes", 0, progress{PushedBack: 100}, pushedBack, usual, verdict{again: true, delay: 5 * time.Minute}},
		{"throttles use no retries", 0, progress{Attempts: 2, PushedBack: 50}, pushedBack, usual, verdict{again: true, delay: 5 * time.Minute}},
		{"throttles end with the age", 6*time.Hour - 5*time.Minute, progress{PushedBack: 50}, pushedBack, usual, verdict{condition: EventAgeExceeded}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := decide(tt.age, tt.p, tt.o, tt.l); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestBefore(t *testing.T) {
	zero, one := 0, 1
	l := Limits{Retries: 2, Age: time.Hour}
	tests := []struct {
		name     string
		age      time.Duration
		reserved *int
		want     Condition
		ok       bool
	}{
		{"a young event of a function without reserve runs", 0, nil, "", true},
		{"a reserve does not matter yet", 0, &one, "", true},
		{"a reserve of zero ends it", 0, &zero, ZeroReservedConcurrency, false},
		{"an old event ends", time.Hour, nil, EventAgeExceeded, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := before(tt.age, tt.reserved, l); got != tt.want || ok != tt.ok {
				t.Errorf("got %q, %v; want %q, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestOneFunctionAloneGetsHalfAndLeavesTheRestFree(t *testing.T) {
	held, used := 0, 0
	const total = 128
	for n := allowance(total, used, held, total, 10); n > 0; n = allowance(total, used, held, total, 10) {
		held += n
		used += n
	}
	if held != total/2 {
		t.Errorf("one function got %d of %d, want half", held, total)
	}
	second := 0
	for n := allowance(total, used, second, total, 10); n > 0; n = allowance(total, used, second, total, 10) {
		second += n
		used += n
	}
	if second != total/4 {
		t.Errorf("a second got %d of %d, want half of the rest", second, total)
	}
	if got := allowance(total, used, 3, 4, 10); got != 1 {
		t.Errorf("a function with a limit of 4 and 3 running gets %d more, want 1", got)
	}
	if got := allowance(total, total, 0, total, 10); got != 0 {
		t.Errorf("%d of none free", got)
	}
}
