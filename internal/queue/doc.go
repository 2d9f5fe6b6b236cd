// Package queue is Hearth's one queue engine. It has the semantics of Amazon SQS:
// at least once, a visibility timeout for each receive, receipts, receive counts,
// delays, FIFO groups with deduplication, and redrive to a second queue (Amazon SQS
// developer guide). Asynchronous invokes use it as SQS's own API does.
//
// It decides when a message may be handed out and to how many at a time. What it
// acknowledged is on disk; how waiting writes share one sync is package
// groupcommit's. It knows nothing of wire formats, permissions or SQS's error texts:
// who serves an API over it does.
//
// All queues of a process lie in one SQLite file of their own; bodies above
// InlineMax lie in files beside it. One goroutine writes. A queue's messages carry
// the number of its lane; a purge gives the queue a new lane and leaves the old one
// to the janitor, so it takes no longer for a million messages than for one.
//
// The present is the clock that is passed in; it is read once for each operation.
package queue
