package awsapi

import (
	"net/http"
	"time"

	"github.com/hearthfaas/hearth/internal/awsapi/sigv4"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// Authenticator finds out who signed a request, for sites whose addresses take signed
// requests without being an AWS API.
type Authenticator struct{ edge *Edge }

// NewAuthenticator makes an Authenticator over the same identities as an Edge.
func NewAuthenticator(identities Identities, region string, now func() time.Time) *Authenticator {
	return &Authenticator{&Edge{
		cfg: Config{Identities: identities, Region: region, Now: now}, verifier: sigv4.NewVerifier(),
	}}
}

// Caller proves who signed a request with this body for a service in a region. Errors
// are *lambda.Error with the codes of the edge.
func (a *Authenticator) Caller(r *http.Request, service, region string, body []byte, id lambda.RequestID) (lambda.Caller, error) {
	s, err := a.edge.identify(r.Context(), r)
	if err != nil {
		return lambda.Caller{}, err
	}
	switch {
	case s.claim.Service != service:
		return lambda.Caller{}, lambda.Errorf(lambda.CodeInvalidSignature, "Credential should be scoped to correct service: '%s'.", service)
	case s.claim.Region != region:
		return lambda.Caller{}, lambda.Errorf(lambda.CodeInvalidSignature, "Credential should be scoped to a valid Region. ")
	}
	return a.edge.prove(r, &s, id, body)
}
