package sandbox

import (
	"strconv"
	"syscall"
)

// String prints the exit as AWS's payloads do: "exit status 127",
// "signal: killed".
func (e Exit) String() string {
	if e.Signal != 0 {
		return "signal: " + syscall.Signal(e.Signal).String()
	}
	return "exit status " + strconv.Itoa(e.Code)
}
