package awsapi

import (
	"cmp"
	"net/http"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// ServeCarried answers an Invoke whose payload another process of this Hearth holds. It
// reports false, having answered nothing, for every other request: that one needs its
// body here. r has no body.
//
// What carried says of the payload is believed. Nothing in a request leads here: who
// calls this has made sure of the other process, by its certificate.
func (e *Edge) ServeCarried(w http.ResponseWriter, r *http.Request, carried *lambda.Carried) bool {
	name, ok := invokePath(r)
	if !ok || e.handlerFor(r) != nil || !carriable(r.Header) {
		return false
	}
	id := lambda.NewRequestID()
	w.Header()[requestIDHeader] = []string{string(id)}
	x := &exchange{edge: e, w: w, r: r, id: id, carried: carried}
	defer x.recover()
	x.invoke(name)
	return true
}

// carriable says whether an Invoke is answered when the function has run; events are
// kept instead, with their payload.
func carriable(h http.Header) bool {
	return cmp.Or(h.Get("X-Amz-Invocation-Type"), string(lambda.RequestResponse)) == string(lambda.RequestResponse)
}

// proveCarried is prove for a payload that is elsewhere, after what reading it would
// have said.
func (e *Edge) proveCarried(r *http.Request, s *suspect, id lambda.RequestID, c *lambda.Carried) (lambda.Caller, error) {
	switch {
	case c.TooLarge:
		return lambda.Caller{}, errTooLarge
	case c.Incomplete:
		return lambda.Caller{}, brokenOff(errHeldIncomplete)
	}
	if err := e.verifier.VerifyHashed(r, &s.claim, s.identity.SecretAccessKey, c.SHA256); err != nil {
		return lambda.Caller{}, err
	}
	return e.proven(r, s, id), nil
}
