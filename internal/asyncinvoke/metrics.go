package asyncinvoke

import (
	"sync"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Counts are one function's events since the process began, as CloudWatch's metrics
// of asynchronous invokes count them.
type Counts struct {
	Received                    int // AsyncEventsReceived
	Retried                     int // attempts that were put off to a later time
	Dropped                     int // AsyncEventsDropped
	RecursiveDropped            int // RecursiveInvocationsDropped
	DeadLetterErrors            int
	DestinationDeliveryFailures int
}

// tally keeps the counts, one entry for each function that got events.
type tally struct {
	mu sync.Mutex // guards of
	of map[lambda.FunctionID]*Counts
}

func newTally() tally { return tally{of: map[lambda.FunctionID]*Counts{}} }

func (t *tally) add(id lambda.FunctionID, fn func(*Counts)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, ok := t.of[id]
	if !ok {
		c = &Counts{}
		t.of[id] = c
	}
	fn(c)
}

// Counts are the counts of every function that got events.
func (d *Dispatcher) Counts() map[lambda.FunctionID]Counts {
	d.tally.mu.Lock()
	defer d.tally.mu.Unlock()
	out := make(map[lambda.FunctionID]Counts, len(d.tally.of))
	for id, c := range d.tally.of {
		out[id] = *c
	}
	return out
}
