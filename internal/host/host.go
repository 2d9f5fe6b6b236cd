// Package host finds out what this machine offers to Hearth, for `hearth doctor`:
// one check for each thing that a sandbox driver makes use of, with what to do
// about it when it is missing. It reads and judges; it changes nothing of the machine,
// and which driver is used is decided elsewhere. What is done for the machine's sake to
// this process is here too: when its collector runs, and which of its pages stay.
package host

import (
	"context"
	"fmt"
	"runtime"
)

// Report is everything that was found.
type Report struct {
	// System is the operating system and architecture, such as "linux/amd64".
	System string  `json:"system"`
	Checks []Check `json:"checks"`
}

// Check is one thing that was looked at.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Optional says that Hearth works without it, only not with everything.
	Optional bool `json:"optional"`
	// Detail is what was found, in a few words.
	Detail string `json:"detail"`
	// Remedy says what to do; it is empty when OK.
	Remedy string `json:"remedy,omitempty"`
}

// OK says whether everything that is not optional is there.
func (r Report) OK() bool {
	for _, c := range r.Checks {
		if !c.OK && !c.Optional {
			return false
		}
	}
	return true
}

// Inspect looks at this machine. It takes a few milliseconds and does not fail:
// what cannot be found out is a check that is not OK.
func Inspect(ctx context.Context) Report {
	r := Report{System: runtime.GOOS + "/" + runtime.GOARCH}
	for _, check := range checks() {
		if err := ctx.Err(); err != nil {
			r.Checks = append(r.Checks, Check{Name: "inspection", Detail: fmt.Sprintf("was cut short: %v", err), Remedy: "run it again"})
			return r
		}
		r.Checks = append(r.Checks, check())
	}
	return r
}

// cpus is the one check that every system has.
func cpus() Check {
	n := runtime.NumCPU()
	return Check{Name: "processors", OK: true, Detail: fmt.Sprintf("%d", n)}
}
