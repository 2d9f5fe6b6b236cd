// Package asyncinvoke carries out asynchronous invokes, AWS's "Event Invoke
// Frontend" and its pollers: it accepts events durably, runs each one until it
// succeeds or is given up, and tells destinations and dead-letter queues how it
// ended.
//
// It decides which function's event runs next, what happens after an attempt, and
// what a destination gets to read. It does not run functions (frontend and what is
// below it), keep events (queue), or know what a destination is (node).
//
// Each function has a queue of its own, so that one function's backlog is never in
// front of another's event. An event keeps its request id over all attempts. After
// a crash an event may run again: delivery is at least once, as on AWS (Lambda
// developer guide, "How Lambda handles errors and retries with asynchronous
// invocation").
package asyncinvoke
