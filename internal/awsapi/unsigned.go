package awsapi

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

// unsignedBodyMax bounds the body of a request that nobody signed; the largest, an
// AssumeRoleWithWebIdentity with its token and policies, is well below it.
const unsignedBodyMax = 64 << 10

// unsigned carries out a request without a signature when it is for one of the few
// operations that may come so. It reports false, having answered nothing, for all
// others; why is the error that the signature gave.
func (x *exchange) unsigned(why error) bool {
	var e *lambda.Error
	if !errors.As(why, &e) || e.Code != lambda.CodeMissingAuthentication || x.r.URL.Path != "/" ||
		x.r.Method == http.MethodPost && !strings.HasPrefix(x.r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return false
	}
	body, err := readBody(x.r, unsignedBodyMax)
	if err != nil {
		return false
	}
	form, err := wire.ParseForm(x.r, body)
	if err != nil {
		return false
	}
	svc := x.edge.unsignedService(form.Get("Action"))
	if svc == nil {
		return false
	}
	x.codec = svc.codec
	call, err := svc.codec.Match(x.r, body)
	if err == nil {
		err = x.perform(svc, call, x.edge.nobody(x.r, x.id))
	}
	if err != nil {
		x.fail(x.r.Context(), err)
	}
	return true
}

// unsignedService is the service with an operation that needs no signature.
func (e *Edge) unsignedService(operation string) *service {
	for _, sharing := range e.services {
		for _, svc := range sharing {
			if slices.ContainsFunc(svc.codec.Service().Operations, func(op wire.Operation) bool { return op.Unsigned && op.Name == operation }) {
				return svc
			}
		}
	}
	return nil
}

// nobody is the caller of a request that nobody signed.
func (e *Edge) nobody(r *http.Request, id lambda.RequestID) lambda.Caller {
	c := lambda.Caller{Kind: lambda.PrincipalAnonymous, ARN: "anonymous", Region: e.cfg.Region}
	placeCaller(&c, r, id)
	return c
}
