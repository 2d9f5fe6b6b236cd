package lambda

import (
	"context"
	"time"
)

// PrincipalKind says what a caller is.
type PrincipalKind string

// The kinds of caller that the edge can establish.
const (
	PrincipalRoot        PrincipalKind = "root"
	PrincipalUser        PrincipalKind = "user"
	PrincipalAssumedRole PrincipalKind = "assumed-role"
	PrincipalService     PrincipalKind = "service"
	// PrincipalAnonymous signed nothing: a request that may come unsigned.
	PrincipalAnonymous PrincipalKind = "anonymous"
)

// Caller is who sent a request, as its signature proved, and where it was sent.
type Caller struct {
	Kind    PrincipalKind
	Account string // 12 digits
	// ARN is the caller's identity, such as arn:aws:iam::000000000000:root or
	// arn:aws:sts::000000000000:assumed-role/role/session.
	ARN string
	// UserID is the unique id that GetCallerIdentity shows, such as AIDA… or
	// AROA…:session; for the root user it is the account.
	UserID string
	// RoleARN is the role behind an assumed-role session, otherwise empty.
	RoleARN string
	// SessionPolicy is what narrows an assumed-role session beside its role's
	// policies, in a form that only identity reads; empty when nothing does.
	SessionPolicy string
	AccessKeyID   string
	// Region is the one that the request was signed for; resources are keyed by it.
	Region    string
	RequestID RequestID
	// SourceIP is the peer's address without the port.
	SourceIP string
	// BaseURL is scheme and authority by which the caller reached Hearth, such as
	// http://127.0.0.1:4566, for answers that contain URLs.
	BaseURL string
	// UserAgent is the request's, empty if none.
	UserAgent string
	// TraceID is the request's X-Amzn-Trace-Id, empty if none.
	TraceID string
	// SourceARN and SourceAccount say, of a service, on whose behalf it calls: the
	// bucket, topic or rule, and the account that owns it.
	SourceARN     string
	SourceAccount string
	// ViaService is the service that calls with the principal's permissions, such as
	// "cloudformation.amazonaws.com"; empty for calls of the principal's own.
	ViaService string
	// FunctionURLAuth is, of a call through a function URL, the URL's AuthType;
	// otherwise empty.
	FunctionURLAuth string
	// Session is what temporary credentials carry besides; nil for long-term keys.
	Session *Session
}

// Session is what was fixed when temporary credentials were made. It is shared and
// never changed.
type Session struct {
	Issued time.Time
	// Tags are the session's own; they win over those of the role or user.
	Tags []SessionTag
	// SourceIdentity is who began the chain of sessions, empty if nobody said.
	SourceIdentity string
	// Provider is the identity provider of a federated session: the ARN of an OpenID
	// Connect provider, otherwise empty.
	Provider string
	// FunctionARN is the function whose execution role this is, otherwise empty.
	FunctionARN string
}

// SessionTag is a tag of a session.
type SessionTag struct {
	Key        string
	Value      string
	Transitive bool // stays with sessions that this one makes
}

type callerKey struct{}

// WithCaller returns a context that carries c, set once by the edge.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerFrom returns the caller that the edge put into ctx. A request that
// reaches an operation without one is a broken invariant.
func CallerFrom(ctx context.Context) Caller {
	c, ok := ctx.Value(callerKey{}).(Caller)
	if !ok {
		panic("lambda: an operation was reached without a caller in its context")
	}
	return c
}
