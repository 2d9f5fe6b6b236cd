package runtimeapi

import (
	"fmt"
	"slices"
)

// state is where a runtime process stands between its start and its next event.
type state int

const (
	started state = iota
	initError
	ready
	running
	responding
	responseSent
)

// stateNames are the words of the real Runtime API's error messages.
var stateNames = [...]string{
	started:      "Started",
	initError:    "InitError",
	ready:        "Ready",
	running:      "Running",
	responding:   "InvocationResponse",
	responseSent: "RuntimeResponseSentState",
}

// String is the state's name as the Runtime API prints it.
func (s state) String() string { return stateNames[s] }

// allowed lists, for each state, the states that a call of the runtime or of the
// session's owner may lead to. Asking for the next event again while it waits or
// works repeats the answer and is no transition.
var allowed = map[state][]state{
	started:      {initError, ready},
	ready:        {ready, running},
	running:      {running, responding},
	responding:   {responseSent},
	responseSent: {ready},
}

// transitionError refuses a call that does not fit the runtime's state.
type transitionError struct{ from, to state }

// Error is the message of InvalidStateTransition, word for word.
func (e *transitionError) Error() string {
	return fmt.Sprintf(
		"State transition from %s to %s failed for runtime. Error: State transition is not allowed", e.from, e.to)
}

// move returns to when it may follow from, and a *transitionError otherwise.
func move(from, to state) (state, error) {
	if slices.Contains(allowed[from], to) {
		return to, nil
	}
	return from, &transitionError{from: from, to: to}
}
