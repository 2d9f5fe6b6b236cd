package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/hearthfaas/hearth/internal/awsapi/sigv4"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// suspect is a request that says who signed it, before that is proven.
type suspect struct {
	claim    sigv4.Claim
	identity Identity
}

// identify reads who a request says it is from, without its body: whether the
// signature is one, still valid, and of a key that exists.
func (e *Edge) identify(ctx context.Context, r *http.Request) (suspect, error) {
	claim, err := sigv4.Parse(r)
	if err != nil {
		return suspect{}, err
	}
	if err := claim.CheckTime(e.cfg.Now()); err != nil {
		return suspect{claim: claim}, err
	}
	identity, err := e.cfg.Identities.Lookup(ctx, claim.AccessKeyID, claim.SessionToken)
	switch {
	case errors.Is(err, ErrUnknownKey):
		err = &lambda.Error{Code: lambda.CodeUnrecognizedClient, Message: "The security token included in the request is invalid."}
	case errors.Is(err, ErrExpired):
		err = &lambda.Error{Code: lambda.CodeExpiredToken, Message: "The security token included in the request is expired"}
	case err != nil:
		err = fmt.Errorf("look up access key: %w", err)
	}
	return suspect{claim: claim, identity: identity}, err
}

// prove checks the signature over the whole request and returns the caller.
func (e *Edge) prove(r *http.Request, s *suspect, id lambda.RequestID, body []byte) (lambda.Caller, error) {
	if err := e.verifier.Verify(r, &s.claim, s.identity.SecretAccessKey, body); err != nil {
		return lambda.Caller{}, err
	}
	return e.proven(r, s, id), nil
}

// proven is the caller behind a signature that was checked.
func (e *Edge) proven(r *http.Request, s *suspect, id lambda.RequestID) lambda.Caller {
	c := s.identity.Caller
	c.Region = s.claim.Region
	if c.Region == "" {
		c.Region = e.cfg.Region
	}
	placeCaller(&c, r, id)
	return c
}

// placeCaller fills in what follows from the request itself.
func placeCaller(c *lambda.Caller, r *http.Request, id lambda.RequestID) {
	c.RequestID = id
	c.SourceIP = sourceIP(r.RemoteAddr)
	c.UserAgent = r.UserAgent()
	c.TraceID = r.Header.Get(headerTraceID)
	c.BaseURL = "http://" + r.Host
	if r.TLS != nil {
		c.BaseURL = "https://" + r.Host
	}
}

// sourceIP is the host of a host:port, without the brackets of IPv6.
func sourceIP(remote string) string {
	if at := strings.LastIndexByte(remote, ':'); at >= 0 {
		remote = remote[:at]
	}
	return strings.TrimSuffix(strings.TrimPrefix(remote, "["), "]")
}
