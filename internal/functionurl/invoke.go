package functionurl

import (
	"context"
	"net/http"

	"github.com/hearthfaas/hearth/internal/httpevent"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// invoke runs the function and answers with what it returned.
func (x *exchange) invoke() {
	call, err := x.call()
	if err != nil {
		x.fail(err)
		return
	}
	ctx := lambda.WithCaller(x.r.Context(), x.caller)
	if x.target.Streaming {
		x.invokeStream(ctx, call)
		return
	}
	result, err := x.cfg.Invoker.Invoke(ctx, call)
	if err != nil {
		x.fail(err)
		return
	}
	x.answer(&result)
}

// answer writes what a function returned in one piece.
func (x *exchange) answer(result *lambda.Result) {
	x.w.Header().Set("X-Amzn-Trace-Id", x.trace)
	if result.FunctionError != "" {
		x.failed()
		return
	}
	res, err := read(result.Payload)
	if err != nil {
		x.failed()
		return
	}
	if x.r.Method == http.MethodHead {
		res.Body = nil
	}
	res.WriteHead(x.w.Header())
	x.target.Cors.Apply(x.w.Header(), x.r)
	(&httpevent.Response{Status: res.Status, Body: res.Body}).Write(x.w)
}

// read is what a function returned as a response. A function that streams into a URL
// that does not has its stream collected, with or without a prelude.
func read(payload []byte) (httpevent.Response, error) {
	if prelude, body, ok := httpevent.CutPrelude(payload); ok {
		res, err := httpevent.ReadPrelude(prelude, lambda.ContentTypeBytes)
		res.Body = body
		return res, err
	}
	return httpevent.ReadV2(payload, lambda.ContentTypeJSON)
}

// failed is the answer for a function that failed.
func (x *exchange) failed() {
	x.target.Cors.Apply(x.w.Header(), x.r)
	refuse(x.w, http.StatusBadGateway, "", functionFailed)
}

// invokeStream runs the function and passes its answer on as it comes.
func (x *exchange) invokeStream(ctx context.Context, call Call) {
	s := &streamSink{x: x, answer: http.NewResponseController(x.w)}
	result, err := x.cfg.Invoker.InvokeStream(ctx, call, s)
	switch {
	case err != nil && !s.sent:
		x.fail(err)
	case err != nil:
		x.cfg.Log.ErrorContext(ctx, "a stream failed", "request_id", x.id, "function_arn", x.target.Function.ARN(), "error", err)
		panic(http.ErrAbortHandler) // the status is out: a broken connection is all that tells
	case result.FunctionError != "" && s.sent:
		panic(http.ErrAbortHandler)
	case result.FunctionError != "":
		x.failed()
	default:
		s.end()
	}
}
