// Package controlplane decides what functions, versions, aliases, permissions and
// limits exist, and the state machine that they go through: it is the Lambda API
// apart from Invoke.
//
// Every change is a record in the store before it is answered. What the data plane
// asks for (Lookup) comes from a view in memory that only committed changes reach.
// A function is the unit of consistency: each change of anything that belongs to it
// also rewrites the function's own record at the revision it was read at, so of two
// changes at once one is decided again.
//
// It does not decide how a function runs (workermanager, worker), how many may run
// at once (counter), who may call (awsapi, iam), or how packages are kept (code).
package controlplane
