// Package runtimeapi is what the code inside an execution environment sees of
// Hearth: AWS's Runtime API over HTTP, and the private channel that Hearth's own
// bootstraps use instead because it costs less. Both drive one state machine for
// each environment, the Session.
//
// It decides which call is allowed in which state and what AWS answers to it. It
// does not start processes or watch them (the worker does, over sandbox), decide
// timeouts, or write logs.
//
// # The life of a Session
//
// A Session belongs to one execution environment. Its owner starts a runtime
// process, hands over the process's end of the private channel with Attach (or
// serves Handler where the process can reach it), calls AwaitReady, and then
// Invoke once for each event, never two at a time. When the process has ended the
// owner calls Gone, which ends whatever still waits; when all processes of the
// environment are gone it calls Reset and may start the next runtime.
//
//	Started ── init error ──► InitError
//	   │ next
//	   ▼
//	 Ready ── Invoke ──► Running ── response or error ──► ResponseSent
//	   ▲                                                      │ next
//	   └──────────────────────────────────────────────────────┘
//
// # The private channel
//
// A bootstrap of Hearth's reads from a pipe on descriptor 3 and writes to one on
// descriptor 4. Frames go both ways: a 4-byte big-endian length of what follows, one
// byte of type, then the body.
//
// From Hearth to the runtime:
//
//	'I'  an invocation: 4-byte big-endian length m, m bytes of metadata, then the
//	     event's bytes. The metadata is text, fields separated by '\n', in this
//	     order: request id, deadline (epoch ms), invoked function ARN, trace id,
//	     client context JSON (one line) or empty, cognito identity JSON or empty,
//	     tenant id or empty.
//	'A'  an assignment, to a process that was started ahead and sent 'W': its
//	     environment variables as NAME=value, with a zero byte between two.
//
// From the runtime to Hearth:
//
//	'W'  waiting: started ahead, no function's yet. Sent once, before anything else,
//	     by a process that finds HEARTH_ASSIGNMENT in its environment.
//	'N'  next: initialised (the first one) or done with the last invocation, and
//	     waiting. Sent right behind the answer, in the same write.
//	'R'  response: 36 bytes of request id, then the result's bytes.
//	'E'  error: 36 bytes of request id, one byte n, n bytes of error type, then
//	     the error JSON's bytes.
//	'F'  init failure: one byte n, n bytes of error type, then the error JSON.
//
// A response that is sent while it is made has a form of its own instead of 'R':
//
//	'B'  begin: 36 bytes of request id, then the content type's bytes.
//	'C'  chunk: 36 bytes of request id, then bytes of the response. Its length has no
//	     bound but the field's; the bytes are passed on as they come.
//	'D'  done: 36 bytes of request id and, when the response ended in an error, one
//	     byte n, n bytes of error type, then the error JSON.
//
// One 'B', any number of 'C', one 'D'. An error before 'B' is an 'E'. Hearth reads
// no faster than the caller does: a runtime that writes faster waits in its write.
//
// The runtime does not read while it works, and Hearth does not read while the
// runtime waits: an invocation is one write and one read on either side. The end
// of the stream tells the runtime to exit.
//
// An invocation with a Sink has its streamed answer passed on; without, the answer is
// collected up to the limit of a buffered one.
//
// Descriptors 1 and 2 are the log. Whatever a runtime wrote there before it sent a
// frame can be read before that frame.
package runtimeapi
