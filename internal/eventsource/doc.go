// Package eventsource polls what functions are fed from: it follows the control
// plane's event source mappings, runs one poller for each that is enabled, and lets
// a change or an end take effect without losing what is in a function's hands.
//
// It decides which mappings are polled now, what a function's answer to a batch
// says of its records, and when a drained mapping is done. How a kind of source is
// read, batched and checkpointed is its member's (eventsource/sqs,
// eventsource/streams). It does not run functions (frontend), hold roles (iam) or
// keep mappings (controlplane).
//
// Sources are polled with the function's execution role, as on AWS (Lambda developer
// guide, "Event source mappings"); the invoke itself is Lambda's own and needs no
// permission.
package eventsource
