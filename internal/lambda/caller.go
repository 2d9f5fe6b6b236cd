package lambda

import "context"

// PrincipalKind says what a caller is.
type PrincipalKind string

// The kinds of caller that the edge can establish.
const (
	PrincipalRoot        PrincipalKind = "root"
	PrincipalUser        PrincipalKind = "user"
	PrincipalAssumedRole PrincipalKind = "assumed-role"
	PrincipalService     PrincipalKind = "service"
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
