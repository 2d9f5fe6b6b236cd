package iam

import (
	"context"
	"errors"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Identity is what an access key proves.
type Identity struct {
	SecretAccessKey string
	// Caller has Kind, Account, ARN, UserID, RoleARN, SessionPolicy and
	// AccessKeyID; what belongs to the request is the edge's to fill in.
	Caller lambda.Caller
}

// The answers of Lookup for keys that cannot sign.
var (
	// ErrUnknownKey says that no such access key exists.
	ErrUnknownKey = errors.New("iam: unknown access key")
	// ErrExpiredToken says that the session has ended.
	ErrExpiredToken = errors.New("iam: the session has expired")
	// ErrTokenInvalid says that the session token was not issued here or belongs to
	// another access key.
	ErrTokenInvalid = errors.New("iam: invalid session token")
)

// Lookup returns the secret and the identity behind an access key. sessionToken is
// what the request carried, empty if none. The error is one of the above.
func (s *Service) Lookup(_ context.Context, accessKeyID, sessionToken string) (Identity, error) {
	if key, ok := s.longTerm(accessKeyID); ok {
		if sessionToken != "" && !key.anyToken {
			return Identity{}, ErrTokenInvalid
		}
		return key.identity, nil
	}
	if sessionToken == "" {
		return Identity{}, ErrUnknownKey
	}
	g := s.sessions.Current()
	open, ok := s.sessions.GetFrom(g, accessKeyID)
	if !ok || open.token != sessionToken {
		var err error
		if open, err = s.openToken(accessKeyID, sessionToken); err != nil {
			return Identity{}, err
		}
		s.sessions.Put(g, accessKeyID, open)
	}
	if !s.now().Before(open.expires) {
		return Identity{}, ErrExpiredToken
	}
	return open.identity, nil
}
