package frontend

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const (
	// loopMax is how often a chain of invokes may run the function that it began
	// with (Lambda developer guide, "Recursive loop detection": about 16).
	loopMax = 16
	// hopsMax ends chains that come back to another function than their first.
	hopsMax = 64
)

// lineageField is the part of the trace header by which a chain is followed: hops,
// the first function's hash, how often that one was run again. The SDKs and Hearth's
// destinations hand the header on.
const lineageField = ";Lineage="

// follow continues a trace header with one more invoke of a function. It reports
// true when that invoke is one too many.
func follow(trace, arn string) (continued string, looping bool) {
	hash := lineageHash(arn)
	base, rest, ok := strings.Cut(trace, lineageField)
	if !ok {
		return trace + lineageField + "1:" + hash + ":0", false
	}
	field, after, _ := strings.Cut(rest, ";")
	if after != "" {
		base += ";" + after
	}
	hops, first, again := 0, hash, 0
	if f := strings.Split(field, ":"); len(f) == 3 {
		hops, again = number(f[0]), number(f[2])
		first = f[1]
	}
	hops++
	if first == hash {
		again++
	}
	return fmt.Sprintf("%s%s%d:%s:%d", base, lineageField, hops, first, again), again >= loopMax || hops > hopsMax
}

// Trace continues the trace header of a record that was polled for a function, or
// begins one for an empty text. It reports true when one more invoke is one too many
// of a loop.
func Trace(header string, id lambda.FunctionID) (next string, looping bool) {
	if header == "" {
		header = newTraceID()
	}
	return follow(header, id.ARN())
}

// number reads a count that a header claims; nonsense is 0.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return min(max(n, 0), hopsMax)
}

func lineageHash(arn string) string {
	h := fnv.New32a()
	h.Write([]byte(arn))
	s := strconv.FormatUint(uint64(h.Sum32()), 16)
	return "00000000"[len(s):] + s
}

// errRecursive is what a caller in a loop gets (Lambda API, RecursiveInvocationException).
func errRecursive(id lambda.FunctionID) error {
	return lambda.Errorf("RecursiveInvocationException",
		"Lambda has detected that the function %s is being invoked in a recursive loop and has terminated the invocation.", id.ARN())
}
