// Package loadbalancer spreads requests over frontends in zones. It decides which
// frontend gets a request, when a frontend or a whole zone is sick, and what may be
// tried a second time.
//
// It knows nothing of functions, signatures or AWS: a request passes as it came, the
// Host header included, because that is under the signature. Who answers is another
// process.
//
// # How it knows who is well
//
// Active checks ask each frontend for its health. Passive ones count what happens to
// requests: a connection that is refused or breaks. A frontend that fails either way
// is left out, longer each time, and comes back by passing its checks. A zone of
// which most frontends are out is left out as a whole, since what is left of it is
// likely to share their trouble. When that would leave nobody, everybody is tried
// again: sick frontends answer more requests than none.
//
// # What is tried again
//
// A request that no frontend has seen a byte of (the connection was refused) goes to
// another one. A GET or HEAD without a body does so too when the connection broke
// before the answer began. Anything else may have had its effect, and the caller is
// told.
package loadbalancer
