package sns

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthfaas/hearth/internal/queue"
)

func waits(p retryPolicy, most int) []time.Duration {
	var out []time.Duration
	for n := 1; n <= most; n++ {
		d, ok := p.delay(n)
		if !ok {
			break
		}
		out = append(out, d.Round(time.Millisecond))
	}
	return out
}

func TestTheWaitsBetweenDeliveries(t *testing.T) {
	const s = time.Second
	for name, c := range map[string]struct {
		policy retryPolicy
		want   []time.Duration
	}{
		"AWS's own for HTTP": {new(standardHealthy()).policy(), []time.Duration{20 * s, 20 * s, 20 * s}},
		"linear": {
			retryPolicy{noDelay: 1, minDelay: 1, backoff: 3, maxDelay: 2, min: 2 * s, max: 10 * s, curve: curveLinear},
			[]time.Duration{0, 2 * s, 2 * s, 6 * s, 10 * s, 10 * s, 10 * s},
		},
		"arithmetic":  {retryPolicy{backoff: 4, min: s, max: 13 * s, curve: curveArithmetic}, []time.Duration{s, 3 * s, 7 * s, 13 * s}},
		"geometric":   {retryPolicy{backoff: 4, min: s, max: 27 * s, curve: curveGeometric}, []time.Duration{s, 3 * s, 9 * s, 27 * s}},
		"exponential": {retryPolicy{backoff: 4, min: s, max: 8 * s, curve: curveExponential}, []time.Duration{s, 2 * s, 4 * s, 8 * s}},
		"one":         {retryPolicy{backoff: 1, min: s, max: 8 * s, curve: curveExponential}, []time.Duration{s}},
		"none":        {retryPolicy{}, nil},
	} {
		if got := waits(c.policy, 100); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	if n, days := managedRetries.retries(), managedRetries.total().Hours()/24; n != 100_015 || days < 23 || days > 24 {
		t.Errorf("queues and functions: %d retries over %.1f days", n, days)
	}
	if got := waits(managedRetries, 16); !slices.Equal(got[:6], []time.Duration{0, 0, 0, s, s, s}) || got[14] != 20*s || got[15] != 20*s {
		t.Errorf("got %v", got)
	}
}

func TestWhatFollowsAFailure(t *testing.T) {
	sub := func(protocol, dead string) *subscription {
		return &subscription{topic: &topic{}, record: subscriptionRecord{Protocol: protocol}, deadLetter: dead}
	}
	busy, no := errors.New("busy"), &Refusal{"404", "no"}
	note := func(attempts int, dead bool) *notice {
		return &notice{Kind: typeNotification, progress: progress{Attempts: attempts, Dead: dead}}
	}
	for name, c := range map[string]struct {
		sub  *subscription
		n    *notice
		err  error
		want verdict
	}{
		"a first failure":                         {sub("sqs", ""), note(1, false), busy, verdict{again: true}},
		"the fourth":                              {sub("sqs", ""), note(4, false), busy, verdict{again: true, delay: time.Second}},
		"the last of a queue":                     {sub("sqs", ""), note(100_016, false), busy, verdict{}},
		"the last, with a dead-letter queue":      {sub("sqs", "q"), note(100_016, false), busy, verdict{dead: true}},
		"a refusal":                               {sub("lambda", ""), note(1, false), no, verdict{}},
		"a refusal, with a dead-letter queue":     {sub("lambda", "q"), note(1, false), no, verdict{dead: true}},
		"an HTTP endpoint's first":                {sub("http", ""), note(1, false), busy, verdict{again: true, delay: 20 * time.Second}},
		"an HTTP endpoint's last":                 {sub("http", "q"), note(4, false), busy, verdict{dead: true}},
		"a dead-letter queue is busy":             {sub("http", "q"), note(5, true), busy, verdict{again: true, delay: time.Second}},
		"a dead-letter queue refuses":             {sub("http", "q"), note(1, true), no, verdict{}},
		"a confirmation has no dead-letter queue": {sub("http", "q"), &notice{Kind: typeSubscriptionConfirmation, progress: progress{Attempts: 4}}, busy, verdict{}},
	} {
		if got := decide(c.sub, c.n, c.err); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

func TestASubscriptionsPolicyWinsUnlessTheTopicForbidsIt(t *testing.T) {
	own, whole := `{"healthyRetryPolicy":{"numRetries":1}}`, `{"http":{"defaultHealthyRetryPolicy":{"numRetries":2},"disableSubscriptionOverrides":`
	for _, c := range []struct {
		topic, sub string
		want       int
	}{
		{"", "", 3}, {"", own, 1}, {whole + "false}}", "", 2}, {whole + "false}}", own, 1}, {whole + "true}}", own, 2},
	} {
		td, err := parseTopicDelivery(c.topic)
		if err != nil {
			t.Fatal(err)
		}
		sd, err := parseSubscriptionDelivery(c.sub)
		if err != nil {
			t.Fatal(err)
		}
		s := &subscription{topic: &topic{policy: td}, delivery: sd, record: subscriptionRecord{Protocol: "http"}}
		if got := s.retryPolicy().retries(); got != c.want {
			t.Errorf("%s and %s: got %d retries, want %d", c.topic, c.sub, got, c.want)
		}
	}
}

func TestTheGateIsSharedAndShrinksForThoseWhoFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(100)
		a, b := queue.Name{Name: "a"}, queue.Name{Name: "b"}
		held := 0
		for held < 50 { // half of all, as a alone is busy
			n, err := g.acquire(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			held += n
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if n, err := g.acquire(ctx, a); err == nil {
			t.Errorf("a got %d more", n)
		}
		if n, err := g.acquire(t.Context(), b); err != nil || n != 10 {
			t.Errorf("b got %d, %v", n, err)
		}
		g.release(b, 10)
		for range 10 {
			g.tell(b, false)
		}
		if n, err := g.acquire(t.Context(), b); err != nil || n != 1 {
			t.Errorf("b got %d, %v, want 1", n, err)
		}
		g.tell(b, true)
		if n, err := g.acquire(t.Context(), b); err != nil || n != 1 {
			t.Errorf("b got %d more, %v, want 1", n, err)
		}
		g.release(a, held)
		g.release(b, 2)
		if g.used != 0 || len(g.waiting) != 0 {
			t.Errorf("%d are used, %d wait", g.used, len(g.waiting))
		}
	})
}
