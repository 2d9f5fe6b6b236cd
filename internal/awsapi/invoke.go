package awsapi

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// InvokeBodyMax is where reading a payload stops. It is above the limit of 6 MiB
// because the invoker says how much too large a payload is when it is not by much.
const InvokeBodyMax = lambda.PayloadMax + 1<<20

// The headers of an Invoke answer as net/http spells them.
const (
	headerExecutedVersion = "X-Amz-Executed-Version"
	headerFunctionError   = "X-Amz-Function-Error"
	headerLogResult       = "X-Amz-Log-Result"
	headerTraceID         = "X-Amzn-Trace-Id"
)

// jsonContentType is shared by all answers; net/http does not change it.
var jsonContentType = []string{"application/json"}

// invoke is the path of Invoke: written by hand because it is the one that has to
// be fast. The edge says who calls; the invoker resolves the name and asks for the
// permission itself, because it must know the function first.
func (x *exchange) invoke(escapedName string) {
	ctx := x.r.Context()
	in, err := x.receiveInvoke(ctx, escapedName)
	if err != nil {
		x.fail(ctx, err)
		return
	}
	out, err := x.edge.cfg.Invoker.Invoke(ctx, in)
	if err != nil {
		x.fail(ctx, err)
		return
	}
	x.answerInvoke(&out)
}

// receiveInvoke reads a request of either form of the Invoke API and proves who
// sent it.
func (x *exchange) receiveInvoke(ctx context.Context, escapedName string) (InvokeInput, error) {
	x.codec = x.edge.services["lambda"][0].codec
	s, err := x.edge.identify(ctx, x.r)
	if err == nil && s.claim.Service != "lambda" {
		err = &lambda.Error{Code: lambda.CodeInvalidSignature, Message: "Credential should be scoped to correct service: 'lambda'."}
	}
	if err != nil {
		return InvokeInput{}, err
	}
	body, caller, err := x.receivePayload(&s)
	if errors.Is(err, errTooLarge) {
		return InvokeInput{}, lambda.Errorf(lambda.CodeRequestEntityTooLarge,
			"Request must be smaller than %d bytes for the InvokeFunction operation", lambda.PayloadMax)
	}
	if err != nil {
		return InvokeInput{}, err
	}
	in, err := invokeInput(x.r, escapedName)
	in.Caller, in.Payload, in.Carried = caller, body, x.carried
	return in, err
}

// receivePayload reads the payload, or learns from who holds it what matters of it, and
// proves who signed it.
func (x *exchange) receivePayload(s *suspect) (body []byte, caller lambda.Caller, err error) {
	if x.carried != nil {
		caller, err = x.edge.proveCarried(x.r, s, x.id, x.carried)
		return nil, caller, err
	}
	if body, err = readBody(x.r, InvokeBodyMax); err != nil {
		return nil, lambda.Caller{}, err
	}
	caller, err = x.edge.prove(x.r, s, x.id, body)
	return body, caller, err
}

func invokeInput(r *http.Request, escapedName string) (InvokeInput, error) {
	name, err := url.PathUnescape(escapedName)
	if err != nil {
		return InvokeInput{}, &lambda.Error{Code: lambda.CodeSerialization, Message: "The path is not valid percent-encoding"}
	}
	in := InvokeInput{
		FunctionName:  name,
		Type:          cmp.Or(lambda.InvocationType(r.Header.Get("X-Amz-Invocation-Type")), lambda.RequestResponse),
		LogType:       r.Header.Get("X-Amz-Log-Type"),
		ClientContext: r.Header.Get("X-Amz-Client-Context"),
		TraceID:       r.Header.Get(headerTraceID),
		TenantID:      r.Header.Get("X-Amz-Tenant-Id"),
	}
	if r.URL.RawQuery != "" {
		in.Qualifier = r.URL.Query().Get("Qualifier")
	}
	return in, nil
}

func (x *exchange) answerInvoke(out *InvokeOutput) {
	h := headers{x.w.Header(), make([]string, 0, answerHeaders)}
	h.set(headerExecutedVersion, out.ExecutedVersion)
	h.set(headerFunctionError, out.Result.FunctionError)
	h.set(headerLogResult, base64.StdEncoding.EncodeToString(out.Result.LogTail))
	h.set(headerTraceID, out.TraceID)
	if out.Result.ColdStart != nil {
		h.set(headerColdStart, coldStartValue(out.Result.ColdStart))
	}
	status := cmp.Or(out.Status, http.StatusOK)
	x.done = true
	if status != http.StatusOK {
		x.w.WriteHeader(status) // accepted or checked: there is no body
		return
	}
	h.Header["Content-Type"] = jsonContentType
	h.set("Content-Length", strconv.Itoa(len(out.Result.Payload)))
	x.w.WriteHeader(status)
	_, _ = x.w.Write(out.Result.Payload) // the caller has gone; there is nobody to tell
}

// answerHeaders is how many headers with a value of their own an answer has at most.
const answerHeaders = 6

// headers are set one value each, all of which lie in one array.
type headers struct {
	http.Header
	values []string
}

// set sets a header by its canonical name, unless the value is empty.
func (h *headers) set(name, value string) {
	if value == "" {
		return
	}
	h.values = append(h.values, value)
	n := len(h.values)
	h.Header[name] = h.values[n-1 : n : n]
}
