package lambda

import "time"

// Version is everything that an execution environment is made from: one function
// version's code and configuration. It is immutable; a change makes a new one with
// another RevisionID.
type Version struct {
	Function   FunctionID
	Version    string // "$LATEST" or a number
	RevisionID string

	Runtime       string // empty for container images
	Handler       string
	RoleARN       string
	Environment   map[string]string
	MemoryMB      int
	Timeout       time.Duration
	EphemeralMB   int
	Architectures []string
	CodeDigest    CodeDigest
	CodeSize      int64 // of the zip
	// Layers are the packages below /opt, in the order in which they are laid over
	// one another.
	Layers    []CodeDigest
	LogFormat string // "Text" or "JSON"
	LogGroup  string
	// ApplicationLogLevel and SystemLogLevel are set with LogFormat "JSON" only.
	ApplicationLogLevel string
	SystemLogLevel      string

	// TenantIsolation says that each invoke names a tenant, and Tenant which one an
	// environment is for: tenants never share one.
	TenantIsolation bool
	Tenant          string
	// Provisioned says that the environment is made ahead for provisioned concurrency;
	// code inside can tell.
	Provisioned bool
}

// CodeDigest is the lower-case hex SHA-256 of an uploaded package.
type CodeDigest string

// EnvironmentKey says which environments may serve an invoke: those made from
// exactly this version of this function at exactly this revision.
type EnvironmentKey struct {
	Function   FunctionID
	Version    string
	RevisionID string
	Tenant     string // empty for functions without tenant isolation
}

// Key is the version's EnvironmentKey.
func (v *Version) Key() EnvironmentKey {
	return EnvironmentKey{Function: v.Function, Version: v.Version, RevisionID: v.RevisionID, Tenant: v.Tenant}
}

// ForTenant is the version as it runs for one tenant.
func (v *Version) ForTenant(tenant string) *Version {
	of := *v
	of.Tenant = tenant
	return &of
}

// State is a function's lifecycle state as the API shows it.
type State string

// The states of a function (contract part 1.7).
const (
	StatePending  State = "Pending"
	StateActive   State = "Active"
	StateInactive State = "Inactive"
	StateFailed   State = "Failed"
)

// Credentials are temporary keys of a role session.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Expiration      time.Time
}
