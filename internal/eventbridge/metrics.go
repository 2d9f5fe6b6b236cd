package eventbridge

import (
	"maps"
	"sync"
)

// Counts are one rule's events since the process began, as CloudWatch's metrics of
// EventBridge count them.
type Counts struct {
	Triggered         int // TriggeredRules: events that the rule met, and its schedule's
	Invocations       int // deliveries that ended, well or not
	FailedInvocations int // those that ended without success
	RetryAttempts     int // RetryInvocationAttempts
	SentToDeadLetter  int // InvocationsSentToDlq
	FailedDeadLetter  int // InvocationsFailedToBeSentToDlq
}

// counts keeps the counts by the rule's ARN.
type counts struct {
	mu sync.Mutex // guards of
	of map[string]Counts
}

func newCounts() counts { return counts{of: map[string]Counts{}} }

func (t *counts) add(rule string, fn func(*Counts)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.of[rule]
	fn(&c)
	t.of[rule] = c
}

func (t *counts) drop(rule string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.of, rule)
}

// Counts are the counts of every rule that an event met, by its ARN.
func (s *Service) Counts() map[string]Counts {
	s.counts.mu.Lock()
	defer s.counts.mu.Unlock()
	return maps.Clone(s.counts.of)
}
