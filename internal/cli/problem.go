package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/aws/smithy-go"
)

// problem is an error as a person reads it.
type problem struct {
	Code    string `json:"code,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	exit    int
}

// hints says what to do about the errors that people meet first, by AWS's code.
var hints = map[string]string{
	"UnrecognizedClientException":    "this Hearth does not know the access key in use; on loopback the keys test/test work: unset AWS_ACCESS_KEY_ID and AWS_PROFILE",
	"InvalidClientTokenId":           "this Hearth does not know the access key in use; on loopback the keys test/test work: unset AWS_ACCESS_KEY_ID and AWS_PROFILE",
	"InvalidSignatureException":      "the secret key does not belong to the access key",
	"SignatureDoesNotMatch":          "the secret key does not belong to the access key",
	"AccessDeniedException":          "the caller's policies do not allow this",
	"TooManyRequestsException":       "the function's or the account's concurrency is used up; try again, or raise it",
	"ResourceConflictException":      "another change of this function is under way, or it exists already",
	"RequestEntityTooLargeException": "a payload may have 6 MB, or 1 MB with --async",
	"NotImplementedException":        "Hearth does not have this operation",
	"InvalidRequestContentException": "the payload must be JSON; a text needs quotes: --payload '\"text\"'",
	"RequestTooLargeException":       "a zip may have 50 MB",
	"CodeStorageExceededException":   "delete functions or versions that are not needed",
}

// explain turns any error of a subcommand into a problem. target is the endpoint
// that requests went to.
func explain(err error, target string) problem {
	var api smithy.APIError
	var op *net.OpError
	switch {
	case errors.As(err, &api):
		p := problem{Code: api.ErrorCode(), Message: api.ErrorMessage(), Hint: hints[api.ErrorCode()], exit: exitFailed}
		if p.Code == "ResourceNotFoundException" && strings.HasPrefix(p.Message, "Function not found") {
			p.Hint = "`hearth ls` shows the functions of this region"
		}
		return p
	case errors.Is(err, context.Canceled):
		return problem{Message: "interrupted", exit: exitFailed}
	case errors.As(err, &op) && op.Op == "dial":
		return problem{
			Message: "no Hearth answers at " + target + " (" + op.Err.Error() + ")",
			Hint:    "start one with `hearth up`, or name another place with --endpoint or $HEARTH_ENDPOINT",
			exit:    exitUnreachable,
		}
	}
	var remedy interface{ Remedy() string }
	p := problem{Message: err.Error(), exit: exitFailed}
	if errors.As(err, &remedy) {
		p.Hint = remedy.Remedy()
	}
	return p
}

// remedied is an error of the command line's own that knows what to do about it.
type remedied struct {
	msg  string
	todo string
}

func (e *remedied) Error() string  { return e.msg }
func (e *remedied) Remedy() string { return e.todo }

func (a *app) printProblem(p problem) {
	if a.output == outputJSON {
		enc := json.NewEncoder(a.stderr)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(map[string]problem{"error": p})
		return
	}
	text := p.Message
	if p.Code != "" {
		text = p.Code
		if p.Message != "" {
			text += ": " + p.Message
		}
	}
	fmt.Fprintln(a.stderr, "hearth: "+text)
	if p.Hint != "" {
		fmt.Fprintln(a.stderr, "hint: "+p.Hint)
	}
}
