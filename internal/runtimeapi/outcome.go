package runtimeapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Outcome is what a runtime posted for one invocation.
type Outcome struct {
	// Payload is the posted bytes, or the platform's error JSON. It is nil when the
	// bytes went to the invocation's sink.
	Payload []byte
	// FunctionError is empty on success and lambda.Unhandled otherwise.
	FunctionError string
	// ErrorType is the type for the REPORT line; empty on success.
	ErrorType string
}

// Failure is why a runtime could not initialise.
type Failure struct {
	// Type is the error's type for logs, such as "Runtime.ImportModuleError".
	Type string
	// Payload is the error JSON as the runtime posted it.
	Payload []byte
}

var (
	// ErrGone says that the runtime ended, or closed or broke its channel, before
	// it answered.
	ErrGone = errors.New("the runtime is gone")
	// ErrNotDelivered is the ErrGone of an invocation that the runtime cannot have
	// seen, because it was gone before the event was handed over. Such an
	// invocation may be given to another runtime.
	ErrNotDelivered = fmt.Errorf("the event was not delivered: %w", ErrGone)
	// ErrBusy says that an invocation is under way; an environment has one at a time.
	ErrBusy = errors.New("the environment already runs an invocation")
)

// failed is the outcome of an error that the runtime posted: its body goes to the
// caller as it is, its type only to the log.
func failed(errorType string, payload []byte) Outcome {
	return Outcome{Payload: payload, FunctionError: lambda.Unhandled, ErrorType: errorType}
}

// tooLarge is the outcome of a response over limit bytes.
func tooLarge(limit int64) Outcome {
	return failed(lambda.ErrorResponseSizeTooLarge, errorBody(
		fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", limit),
		lambda.ErrorResponseSizeTooLarge))
}

// platformFault is the outcome of an invocation that the platform ended; such
// messages carry the request id.
func platformFault(id lambda.RequestID, errorType, message string) Outcome {
	type body struct {
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
	}
	return failed(errorType, compactJSON(body{errorType, "RequestId: " + string(id) + " Error: " + message}))
}

// errorBody is {"errorMessage":…,"errorType":…}, the order of the Runtime API.
func errorBody(message, errorType string) []byte {
	type body struct {
		ErrorMessage string `json:"errorMessage"`
		ErrorType    string `json:"errorType"`
	}
	return compactJSON(body{message, errorType})
}

// compactJSON encodes without HTML escapes and without a newline at the end.
func compactJSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("runtimeapi: a body of strings did not encode: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// loggedType is an error type as logs show it: the runtime's own when it matches
// (Runtime|Function)\.[A-Z][a-zA-Z]+, otherwise one of the two Unknown types.
func loggedType(posted string) string {
	prefix, name, _ := strings.Cut(posted, ".")
	if (prefix == "Runtime" || prefix == "Function") && isTypeName(name) {
		return posted
	}
	if strings.HasPrefix(posted, "Function.") {
		return "Function.Unknown"
	}
	return "Runtime.Unknown"
}

// isTypeName reports whether s is an upper-case letter followed by letters only.
func isTypeName(s string) bool {
	if len(s) < 2 || s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}
