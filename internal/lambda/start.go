package lambda

import "errors"

// ErrNotNeeded is the cause with which the context of a start ends when no invoke waits
// for the environment any more. A start that has begun goes on nevertheless, and its
// environment stays warm; one that has not is given up.
var ErrNotNeeded = errors.New("no invoke waits for the environment any more")
