package sqs

import (
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/queue"
)

const (
	// attemptTime is for how long the same attempt receives the same messages
	// (API reference, ReceiveMessage, "ReceiveRequestAttemptId").
	attemptTime = 5 * time.Minute
	// attemptsMax bounds what is remembered: some 30 attempts a second for all their
	// time, at up to 1 KiB each. Beyond it, those whose time is over are dropped, and
	// when there are none a new one is not remembered.
	attemptsMax = 10_000
)

type attemptKey struct {
	queue queue.Name
	id    string
}

type attempt struct {
	receipts []string
	until    time.Time
}

// attempts remember what attempts to receive have received, for clients that did not
// get the answer. A restart forgets them: the messages come again after their
// visibility timeout.
type attempts struct {
	now func() time.Time

	mu   sync.Mutex // guards kept
	kept map[attemptKey]attempt
}

func (a *attempts) find(key attemptKey) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := a.kept[key]
	if !a.now().Before(found.until) {
		return nil
	}
	return found.receipts
}

func (a *attempts) keep(key attemptKey, messages []queue.Message) {
	if len(messages) == 0 {
		return
	}
	receipts := make([]string, len(messages))
	for i := range messages {
		receipts[i] = messages[i].Receipt
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if len(a.kept) >= attemptsMax {
		for k, v := range a.kept {
			if !now.Before(v.until) {
				delete(a.kept, k)
			}
		}
	}
	if len(a.kept) < attemptsMax {
		a.kept[key] = attempt{receipts: receipts, until: now.Add(attemptTime)}
	}
}
