package awsapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// ownService is the service in the credential scope of requests to Hearth's own API.
const ownService = "hearth"

// ownBodyMax bounds a request to Hearth's own API; its bodies are a few words.
const ownBodyMax = 64 << 10

// OwnAPI is Hearth's own API below /_hearth/, for what AWS has no API for. The edge
// has checked the signature; who may do what is for the API to say.
type OwnAPI interface {
	// Serves says whether a path, without the prefix, is the API's.
	Serves(path string) bool
	// Do answers a request with a value that becomes JSON. Errors are *lambda.Error,
	// or a fault of Hearth's own.
	Do(ctx context.Context, c lambda.Caller, r OwnRequest) (any, error)
}

// OwnRequest is a request to Hearth's own API.
type OwnRequest struct {
	Method string
	Path   string // without the prefix
	Query  url.Values
	Body   []byte
}

// serveSigned answers a request to the own API like one of an AWS service: with the
// checks of its signature and with errors in the form of Lambda's.
func (e *Edge) serveSigned(w http.ResponseWriter, r *http.Request, path string) {
	id := lambda.NewRequestID()
	w.Header()[requestIDHeader] = []string{string(id)}
	x := &exchange{edge: e, w: w, r: r, id: id, codec: e.services["lambda"][0].codec}
	defer x.recover()
	out, err := x.ownAnswer(path)
	if err != nil {
		x.fail(r.Context(), err)
		return
	}
	text, err := json.Marshal(out)
	if err != nil {
		x.fail(r.Context(), err)
		return
	}
	x.done = true
	w.Header()["Content-Type"] = jsonContentType
	_, _ = w.Write(text) // the caller may have gone
}

func (x *exchange) ownAnswer(path string) (any, error) {
	ctx := x.r.Context()
	s, err := x.edge.identify(ctx, x.r)
	if err != nil {
		return nil, err
	}
	if s.claim.Service != ownService {
		return nil, &lambda.Error{Code: lambda.CodeInvalidSignature, Message: "Credential should be scoped to correct service: 'hearth'."}
	}
	body, err := readBody(x.r, ownBodyMax)
	if err != nil {
		return nil, lambda.Errorf(lambda.CodeValidation, "The body of the request is too large.")
	}
	caller, err := x.edge.prove(x.r, &s, x.id, body)
	if err != nil {
		return nil, err
	}
	return x.edge.cfg.Own.Do(lambda.WithCaller(ctx, caller), caller, OwnRequest{
		Method: x.r.Method, Path: path, Query: x.r.URL.Query(), Body: body,
	})
}
