// Package examples carries the example functions inside the binary, so that
// `hearth demo` needs nothing but itself.
package examples

import "embed"

// Files has one folder for each example of `hearth demo`. Those in Go are not among
// them: they are built, not carried.
//
//go:embed hello hello-python callback event-and-context random-outside random-outside-python database-outside cpu-bound failing failing-python slow
var Files embed.FS
