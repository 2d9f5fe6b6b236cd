// Package runtimes is the catalogue of Lambda runtimes that Hearth can run: which
// names there are, which interpreter of the host serves each, how to start it, and
// how to install what the host lacks. It also holds Hearth's own bootstraps for
// Node.js and Python, the programs that run a handler inside an environment and
// speak the private channel of package runtimeapi.
//
// It decides what a runtime's process is: interpreter, arguments, variables and
// mounts. It does not start processes or make environments (the worker does, over
// package sandbox), and it does not decide which runtime names a function may be
// created with (controlplane does, and asks Known).
//
// A runtime that the host lacks is an *Unavailable with the command that installs
// it. Another version is never used in its place.
package runtimes
