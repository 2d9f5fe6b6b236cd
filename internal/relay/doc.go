// Package relay lets frontends be processes of their own, without state: a Frontend ends
// the connections of clients and holds their payloads, and asks the control process
// about each invoke. The Control there has the edge and everything below it work on the
// request's head; when an environment on a worker is granted, the Frontend sends the
// payload there itself and tells how it went. Requests that are no such invokes pass
// through to the control process whole.
//
// It decides how an invoke goes between the two, what may be asked twice, and when a
// frontend is well. It does not decide anything about requests, functions or limits:
// those are the edge's, the frontend invoker's and the counter's, on the control
// process. How an event reaches a worker is fleet's affair, who a process is rpc's.
//
// # A channel
//
// An invoke goes over a channel: a connection that was an HTTP request to begin with and
// carries frames after that, one invoke after the other.
//
//	frontend                         control
//	   head  ───────────────────────▶   the request without its payload
//	         ◀───────────────────────  run    at this worker, in this environment
//	   ran   ───────────────────────▶   the result without its payload
//	         ◀───────────────────────  answer status and headers
//
// In the place of run and ran there may be fetch and data (the environment is the
// control process's), failed (the event did not get there, or its answer not back),
// several such rounds (the event is offered to another environment), or none (a
// refusal). An answer whose payload is not with the frontend is followed by data. In
// place of an answer, whole says that the request is no invoke of this kind and is to
// be passed through.
//
// Until the frontend has been told to run, or has sent its payload, nothing can have
// happened: a channel that breaks before is replaced, and the head sent again.
package relay
