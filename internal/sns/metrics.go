package sns

import (
	"maps"
	"sync"
)

// Counts are one topic's messages since the process began, as CloudWatch's metrics of
// SNS count them.
type Counts struct {
	Published       int // NumberOfMessagesPublished
	Delivered       int // NumberOfNotificationsDelivered
	Failed          int // NumberOfNotificationsFailed
	FilteredOut     int // NumberOfNotificationsFilteredOut
	Redriven        int // NumberOfNotificationsRedrivenToDlq
	FailedToRedrive int // NumberOfNotificationsFailedToRedriveToDlq
}

// tally keeps the counts by the topic's ARN.
type tally struct {
	mu sync.Mutex // guards of
	of map[string]Counts
}

func newTally() tally { return tally{of: map[string]Counts{}} }

func (t *tally) add(arn string, fn func(*Counts)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.of[arn]
	fn(&c)
	t.of[arn] = c
}

func (t *tally) drop(arn string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.of, arn)
}

// Counts are the counts of every topic that got messages, by its ARN.
func (s *Service) Counts() map[string]Counts {
	s.tally.mu.Lock()
	defer s.tally.mu.Unlock()
	return maps.Clone(s.tally.of)
}
