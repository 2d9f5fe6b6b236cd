package controlplane

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// settings are a version's code and configuration: what PublishVersion freezes and
// what decides whether there is anything new to publish. Maps and slices in it are
// never changed, only replaced.
type settings struct {
	Runtime       string            `json:"runtime"`
	Handler       string            `json:"handler"`
	Role          string            `json:"role"`
	Description   string            `json:"description"`
	TimeoutSec    int               `json:"timeout_sec"`
	MemoryMB      int               `json:"memory_mb"`
	EphemeralMB   int               `json:"ephemeral_mb"`
	Architectures []string          `json:"architectures"`
	Environment   map[string]string `json:"environment"` // nil when it was never set
	Code          packageRecord     `json:"code"`
	Layers        []layerRef        `json:"layers,omitempty"`
	Logging       loggingRecord     `json:"logging"`
	Tracing       string            `json:"tracing"`
	SnapStart     string            `json:"snap_start"`
	DeadLetterARN string            `json:"dead_letter_arn,omitempty"`
	// VPCCleared says that a VPC configuration was given and is empty; AWS then shows
	// empty members instead of none.
	VPCCleared bool `json:"vpc_cleared,omitempty"`
	// Tenancy is the tenant isolation mode, empty for none. It never changes.
	Tenancy string `json:"tenancy,omitempty"`
}

type packageRecord struct {
	Digest       lambda.CodeDigest `json:"digest"`
	Base64SHA256 string            `json:"base64_sha256"`
	Size         int64             `json:"size"`
	UnpackedSize int64             `json:"unpacked_size,omitempty"`
}

type loggingRecord struct {
	Format           string `json:"format"`
	ApplicationLevel string `json:"application_level,omitempty"`
	SystemLevel      string `json:"system_level,omitempty"`
	Group            string `json:"group"`
}

// versionRecord is one version, $LATEST or published.
type versionRecord struct {
	Settings settings `json:"settings"`
	// Generation changes with code and configuration and with nothing else: it is
	// what tells execution environments apart. RevisionID is the API's, which tags
	// and permissions change as well.
	Generation   string    `json:"generation"`
	RevisionID   string    `json:"revision_id"`
	LastModified time.Time `json:"last_modified"`

	State           lambda.State `json:"state"`
	StateReason     string       `json:"state_reason,omitempty"`
	StateReasonCode string       `json:"state_reason_code,omitempty"`

	Update           string `json:"update,omitempty"` // LastUpdateStatus
	UpdateReason     string `json:"update_reason,omitempty"`
	UpdateReasonCode string `json:"update_reason_code,omitempty"`
}

// functionRecord is a function: its $LATEST version and what belongs to all.
type functionRecord struct {
	Latest versionRecord `json:"latest"`
	// Serving is what invokes of $LATEST run while an update is in progress and after
	// one that failed; nil when that is Latest itself.
	Serving     *servingRecord    `json:"serving,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	LastVersion int               `json:"last_version"` // the highest number ever given
	// Published is the last published version and what it was made from.
	Published publishedRecord `json:"published"`
	// RuntimeManagement is by qualifier, "$LATEST" or a number.
	RuntimeManagement map[string]runtimeManagement `json:"runtime_management,omitempty"`
	RecursiveLoop     string                       `json:"recursive_loop,omitempty"`
	// Scaling is by qualifier, "$LATEST.PUBLISHED" or a number.
	Scaling map[string]scalingRecord `json:"scaling,omitempty"`
	// SigningARN is the code signing configuration, empty for none.
	SigningARN string `json:"signing_arn,omitempty"`
}

type servingRecord struct {
	Settings   settings `json:"settings"`
	Generation string   `json:"generation"`
}

type publishedRecord struct {
	Version     int    `json:"version,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
}

type runtimeManagement struct {
	UpdateOn   string `json:"update_on"`
	VersionARN string `json:"version_arn,omitempty"`
}

type aliasRecord struct {
	Version     string             `json:"version"`
	Description string             `json:"description"`
	Weights     map[string]float64 `json:"weights,omitempty"`
	RevisionID  string             `json:"revision_id"`
}

// policyRecord is the resource policy of one qualifier.
type policyRecord struct {
	Statements []policyStatement `json:"statements"`
	// Version and ID are those of a document that was put whole; both are empty for
	// one that AddPermission began.
	Version string `json:"version,omitempty"`
	ID      string `json:"id,omitempty"`
}

type eventInvokeRecord struct {
	LastModified  time.Time `json:"last_modified"`
	RetryAttempts *int32    `json:"retry_attempts,omitempty"`
	EventAgeSec   *int32    `json:"event_age_sec,omitempty"`
	OnSuccess     string    `json:"on_success,omitempty"`
	OnFailure     string    `json:"on_failure,omitempty"`
}

// reservationsRecord is the reserved and provisioned concurrency of all functions of
// one account and region: in one record, so that their sum is never decided on by
// two at once.
type reservationsRecord struct {
	ByFunction map[string]int `json:"by_function"`
	// Provisioned is the provisioned concurrency by function and qualifier.
	Provisioned map[string]map[string]provisionedRecord `json:"provisioned,omitempty"`
}

type tables struct {
	functions     store.Table[functionRecord]
	versions      store.Table[versionRecord]
	aliases       store.Table[aliasRecord]
	policies      store.Table[policyRecord]
	eventInvokes  store.Table[eventInvokeRecord]
	reservations  store.Table[reservationsRecord]
	urls          store.Table[urlRecord]
	layers        store.Table[layerRecord]
	layerVersions store.Table[layerVersionRecord]
	mappings      store.Table[mappingRecord]
	claims        store.Table[mappingClaim]
	signings      store.Table[signingRecord]
}

func newTables(s store.Store) tables {
	return tables{
		functions:     store.NewTable[functionRecord](s, "lambda.function"),
		versions:      store.NewTable[versionRecord](s, "lambda.version"),
		aliases:       store.NewTable[aliasRecord](s, "lambda.alias"),
		policies:      store.NewTable[policyRecord](s, "lambda.policy"),
		eventInvokes:  store.NewTable[eventInvokeRecord](s, "lambda.event_invoke"),
		reservations:  store.NewTable[reservationsRecord](s, "lambda.reservations"),
		urls:          store.NewTable[urlRecord](s, "lambda.url"),
		layers:        store.NewTable[layerRecord](s, "lambda.layer"),
		layerVersions: store.NewTable[layerVersionRecord](s, "lambda.layer_version"),
		mappings:      store.NewTable[mappingRecord](s, "lambda.mapping"),
		claims:        store.NewTable[mappingClaim](s, "lambda.mapping_claim"),
		signings:      store.NewTable[signingRecord](s, "lambda.code_signing"),
	}
}

// home is where functions live: an account's region.
type home struct{ account, region string }

func homeOf(id lambda.FunctionID) home { return home{id.Account, id.Region} }

func (h home) key() string { return h.account + "/" + h.region }

// functionKey orders functions by account, region and name; no part can contain a
// slash.
func functionKey(id lambda.FunctionID) string { return homeOf(id).key() + "/" + id.Name }

// partKey is the key of what belongs to a function, such as an alias.
func partKey(id lambda.FunctionID, part string) string { return functionKey(id) + "/" + part }

// versionKey pads the number, so that key order is number order.
func versionKey(id lambda.FunctionID, n int) string { return partKey(id, fmt.Sprintf("%020d", n)) }

// parseKey takes a functionKey, partKey or home key apart.
func parseKey(key string) (id lambda.FunctionID, part string) {
	f := strings.SplitN(key, "/", 4)
	for len(f) < 4 {
		f = append(f, "")
	}
	return lambda.FunctionID{Account: f[0], Region: f[1], Name: f[2]}, f[3]
}

func parseVersionKey(key string) (lambda.FunctionID, int) {
	id, part := parseKey(key)
	n, _ := strconv.Atoi(part)
	return id, n
}
