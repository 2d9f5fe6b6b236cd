package lambda

import "context"

// Address is where an environment on another machine is.
type Address struct {
	Worker string // host:port
	Name   string // in the worker's certificate
	// Session is since when the worker is part of the fleet: one that was lost meanwhile
	// takes no event for what it was before.
	Session     string
	Environment SandboxID
}

// Carrier takes an event that another process of this Hearth holds, a frontend, to the
// environment that runs it, and the answer to the caller. An invocation with a Carrier
// has no Payload, except the one that stands in for a caller's empty event.
//
// Errors are the platform's faults; ErrNotDelivered is among them when the function has
// certainly seen nothing. After an error that is not, the function may still run.
type Carrier interface {
	// Carry has the event run in an environment of a worker, without either the event or
	// the answer passing here: the result has no Payload. The invocation's Start and
	// Deadline are set; Start is corrected by what was on the way.
	Carry(ctx context.Context, to Address, inv *Invocation) (Result, error)
	// Fetch brings the event here, for an environment of this process.
	Fetch(ctx context.Context) ([]byte, error)
}

// Carried is what a frontend process tells of the payload that it holds.
type Carried struct {
	SHA256 [32]byte
	Size   int
	// Fault is what keeps the payload from being JSON; empty for an empty one and for one
	// that is.
	Fault string
	// TooLarge says that reading stopped at a limit, Incomplete that the caller did.
	TooLarge, Incomplete bool
	Carrier              Carrier
}
