package iam

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// tokenMax bounds the session tokens that are looked at: the largest that is made
// carries a session policy of 2,048 characters and ten ARNs, well below it.
const tokenMax = 16384

// session is what a session token carries, sealed. Member names are short because
// the token travels in every request of the session.
type session struct {
	Kind    lambda.PrincipalKind `json:"k"`
	Account string               `json:"a"`
	RoleARN string               `json:"r,omitempty"`
	RoleID  string               `json:"i,omitempty"` // or the user's id
	Name    string               `json:"n,omitempty"`
	Policy  string               `json:"p,omitempty"`
	Secret  string               `json:"s"`
	Expires int64                `json:"e"` // Unix seconds
	Issued  int64                `json:"b"` // Unix seconds

	UserARN  string              `json:"u,omitempty"` // of a user's own session, beside its RoleID
	Tags     []lambda.SessionTag `json:"t,omitempty"`
	Source   string              `json:"o,omitempty"` // source identity
	Provider string              `json:"w,omitempty"`
	Function string              `json:"f,omitempty"` // ARN of the function that the platform made it for
}

// openSession is a token that was opened before.
type openSession struct {
	token    string
	expires  time.Time
	identity Identity
}

// mint makes temporary credentials of a session. They are whole seconds long.
func (s *Service) mint(se session, d time.Duration) (lambda.Credentials, error) {
	expires := s.now().Add(d).UTC().Truncate(time.Second)
	id := newAccessKeyID("ASIA", se.Account)
	se.Secret, se.Expires, se.Issued = newSecret(), expires.Unix(), s.now().Unix()
	text, err := json.Marshal(se)
	if err != nil {
		return lambda.Credentials{}, fmt.Errorf("encode a session token: %w", err)
	}
	return lambda.Credentials{
		AccessKeyID:     id,
		SecretAccessKey: se.Secret,
		SessionToken:    base64.StdEncoding.EncodeToString(s.tokens.Seal(text, id)),
		Expiration:      expires,
	}, nil
}

// openToken reads a token that was minted for an access key, or ErrTokenInvalid.
func (s *Service) openToken(accessKeyID, token string) (*openSession, error) {
	if len(token) > tokenMax {
		return nil, ErrTokenInvalid
	}
	sealed, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return nil, ErrTokenInvalid
	}
	text, err := s.tokens.Open(sealed, accessKeyID)
	if err != nil {
		return nil, ErrTokenInvalid
	}
	var se session
	if err := json.Unmarshal(text, &se); err != nil {
		return nil, fmt.Errorf("decode a session token: %w", err)
	}
	return &openSession{token: token, expires: time.Unix(se.Expires, 0), identity: se.identity(accessKeyID)}, nil
}

// identity is what the session proves under an access key.
func (se *session) identity(accessKeyID string) Identity {
	id := rootIdentity(se.Account, accessKeyID, se.Secret)
	switch se.Kind {
	case lambda.PrincipalAssumedRole:
		id.Caller = lambda.Caller{
			Kind:          lambda.PrincipalAssumedRole,
			Account:       se.Account,
			ARN:           sessionARN(se.RoleARN, se.Name),
			UserID:        se.RoleID + ":" + se.Name,
			RoleARN:       se.RoleARN,
			SessionPolicy: se.Policy,
			AccessKeyID:   accessKeyID,
		}
	case lambda.PrincipalUser:
		id.Caller = lambda.Caller{
			Kind: lambda.PrincipalUser, Account: se.Account, ARN: se.UserARN, UserID: se.RoleID, AccessKeyID: accessKeyID,
		}
	default:
	}
	id.Caller.Session = &lambda.Session{
		Issued: time.Unix(se.Issued, 0), Tags: se.Tags, SourceIdentity: se.Source, Provider: se.Provider, FunctionARN: se.Function,
	}
	return id
}

// MintRoleSession makes credentials of a role for the platform itself, without
// asking the trust policy: ask CanLambdaAssume where that matters. A role that does
// not exist gives InvalidParameterValueException.
func (s *Service) MintRoleSession(_ context.Context, roleARN, sessionName string, d time.Duration) (lambda.Credentials, error) {
	r, ok := s.mirror.roleByARN(roleARN)
	if !ok {
		return lambda.Credentials{}, errCannotAssume()
	}
	return s.mint(roleSession(r, sessionName), d)
}

// MintFunctionSession is MintRoleSession for the environments of a function: the
// session is called like the function, and calls made with it carry the condition
// key lambda:SourceFunctionArn.
func (s *Service) MintFunctionSession(_ context.Context, roleARN string, f lambda.FunctionID, d time.Duration) (lambda.Credentials, error) {
	r, ok := s.mirror.roleByARN(roleARN)
	if !ok {
		return lambda.Credentials{}, errCannotAssume()
	}
	se := roleSession(r, f.Name)
	se.Function = f.ARN()
	return s.mint(se, d)
}

func roleSession(r *role, name string) session {
	return session{
		Kind:    lambda.PrincipalAssumedRole,
		Account: r.account,
		RoleARN: r.arn,
		RoleID:  r.ID,
		Name:    name,
	}
}

// sessionARN leaves the role's path out, as STS does.
func sessionARN(roleARN, name string) string {
	_, role, _ := strings.Cut(roleARN, ":role/")
	if i := strings.LastIndexByte(role, '/'); i >= 0 {
		role = role[i+1:]
	}
	return "arn:aws:sts::" + arnAccount(roleARN) + ":assumed-role/" + role + "/" + name
}
