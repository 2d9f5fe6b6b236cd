// Package wiretest puts services behind AWS's own clients in tests: it is the edge
// without signatures and permissions.
//
// It decides which of the services a request is for. Protocols are wire's, what
// requests may contain is constraint's.
package wiretest

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
	"github.com/hearthfaas/hearth/internal/wire/constraint"
)

// Keys are credentials for clients; nobody looks at them.
var Keys = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
})

// Front answers requests to services on behalf of one caller.
type Front struct {
	t        testing.TB
	caller   lambda.Caller
	services []service
}

type service struct {
	codec *wire.Codec
	model *constraint.Model
}

// New makes a Front. A request that none of the services claims goes to the last.
func New(t testing.TB, caller lambda.Caller, services ...*wire.Service) *Front {
	t.Helper()
	f := &Front{t: t, caller: caller}
	for _, s := range services {
		codec, err := wire.NewCodec(s)
		if err != nil {
			t.Fatal(err)
		}
		f.services = append(f.services, service{codec, constraint.For(cmp.Or(s.Model, s.Name))})
	}
	return f
}

// Serve answers at an address until the test's end.
func Serve(t testing.TB, h http.Handler) (url string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// ServeHTTP carries a request out. An error that is not for the caller fails the test.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := f.services[len(f.services)-1]
	for _, other := range f.services {
		if other.codec.Claims(r) {
			s = other
			break
		}
	}
	if err := f.carry(s, w, r); err != nil {
		known, ok := errors.AsType[*lambda.Error](err)
		if !ok {
			f.t.Errorf("%s %s %s: %v", r.Method, r.URL, r.Header.Get("X-Amz-Target"), err)
			known = lambda.Errorf(lambda.CodeService, "%v", err)
		}
		s.codec.WriteError(w, "id", known)
	}
}

func (f *Front) carry(s service, w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	call, err := s.codec.Match(r, body)
	if err != nil {
		return err
	}
	in, err := call.Decode()
	if err != nil {
		return err
	}
	if err := s.model.Check(in); err != nil {
		return err
	}
	out, err := call.Operation.Call(lambda.WithCaller(r.Context(), f.caller), in)
	if err != nil {
		return err
	}
	return call.WriteResult(w, "id", out)
}
