// Package runtimeapi is what the code inside an execution environment sees of
// Hearth: AWS's Runtime API over HTTP, and the private channel that Hearth's own
// bootstraps use instead because it costs less. Both drive one state machine for
// each environment, the Session.
//
// It decides which call is allowed in which state and what AWS answers to it. It
// does not start processes or watch them (the worker does, over sandbox), decide
// timeouts, or write logs.
//
// # The private channel
//
// A bootstrap of Hearth's finds one end of a stream socket as descriptor 3. Frames
// go both ways: a 4-byte big-endian length of what follows, one byte of type, then
// the body.
//
// From Hearth to the runtime:
//
//	'I'  an invocation: 4-byte big-endian length m, m bytes of metadata, then the
//	     event's bytes. The metadata is text, fields separated by '\n', in this
//	     order: request id, deadline (epoch ms), invoked function ARN, trace id,
//	     client context JSON (one line) or empty, cognito identity JSON or empty.
//
// From the runtime to Hearth:
//
//	'N'  next: initialised (the first one) or done with the last invocation, and
//	     waiting. Sent right behind the answer, in the same write.
//	'R'  response: 36 bytes of request id, then the result's bytes.
//	'E'  error: 36 bytes of request id, one byte n, n bytes of error type, then
//	     the error JSON's bytes.
//	'F'  init failure: one byte n, n bytes of error type, then the error JSON.
//
// Descriptors 1 and 2 are the log. Whatever a runtime wrote there before it sent a
// frame can be read before that frame.
package runtimeapi
