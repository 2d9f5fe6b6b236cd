package controlplane

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// MappingSources polls event sources and feeds functions with what it finds. It
// follows Service.Mappings; the control plane asks it only what no record can tell.
type MappingSources interface {
	// Serves says whether this installation polls sources of a kind.
	Serves(kind SourceKind) bool
	// Check returns nil when a mapping's source exists and its function's role may
	// read it, otherwise the *lambda.Error to show.
	Check(ctx context.Context, m Mapping) error
	// Drain returns once nothing is polled or invoked for a mapping any more that is
	// no longer enabled.
	Drain(ctx context.Context, uuid string) error
}

// Mapping is one event source mapping as it is committed. It is shared and must not
// be changed.
type Mapping struct {
	UUID     string
	Function lambda.FunctionID
	// Qualifier is the version or alias that is invoked, empty for the function itself.
	Qualifier string
	Kind      SourceKind
	// SourceARN is empty for a self-managed Kafka cluster.
	SourceARN string
	// Polling says that the mapping is enabled and its function exists.
	Polling  bool
	Settings MappingSettings
	// Revision tells states of one mapping apart; it grows with every change.
	Revision int64
}

// Mappings returns every mapping of every account and region in order of UUID, and
// a channel that is closed when what it returned may no longer hold. It reads
// memory only.
func (s *Service) Mappings() (all []Mapping, changed <-chan struct{}) {
	changed = s.view.next() // before looking, so that no change is missed
	for _, m := range s.mappings.all() {
		all = append(all, Mapping{
			UUID:      m.uuid,
			Function:  m.function(),
			Qualifier: m.value.Qualifier,
			Kind:      m.value.Kind,
			SourceARN: m.value.SourceARN,
			Polling:   m.value.polling() && s.view.function(m.function()).exists,
			Settings:  m.value.Settings,
			Revision:  m.revision,
		})
	}
	slices.SortFunc(all, func(a, b Mapping) int { return cmp.Compare(a.UUID, b.UUID) })
	return all, changed
}

// ReportMapping tells what came of the last poll of a mapping, such as "OK" or
// "PROBLEM: Function call failed", for LastProcessingResult. It is kept in memory:
// after a restart the next poll tells it again.
func (s *Service) ReportMapping(uuid, result string) { s.mappings.report(uuid, result) }

// The states of a mapping (Lambda API, EventSourceMappingConfiguration).
const (
	mappingCreating  = "Creating"
	mappingEnabling  = "Enabling"
	mappingEnabled   = "Enabled"
	mappingDisabling = "Disabling"
	mappingDisabled  = "Disabled"
	mappingUpdating  = "Updating"
	mappingDeleting  = "Deleting"
)

// mappingRecord is one event source mapping.
type mappingRecord struct {
	Function     string            `json:"function"`
	Qualifier    string            `json:"qualifier,omitempty"`
	Kind         SourceKind        `json:"kind"`
	SourceARN    string            `json:"source_arn,omitempty"`
	State        string            `json:"state"`
	Enabled      bool              `json:"enabled"` // what State leads to
	LastModified time.Time         `json:"last_modified"`
	Tags         map[string]string `json:"tags,omitempty"`
	Settings     MappingSettings   `json:"settings"`
	// Claim is the key of the record that keeps a second mapping of the same source
	// and function away.
	Claim string `json:"claim"`
}

// MappingSettings are how a source is read and its events are handed over. Members
// that are nil or empty do not apply to the kind of source, or are not set.
type MappingSettings struct {
	BatchSize        int32      `json:"batch_size"`
	WindowSec        *int32     `json:"window_sec,omitempty"` // nil: the kind's own, 500 ms
	Filters          []string   `json:"filters,omitempty"`    // patterns, any of which may match
	KMSKeyARN        string     `json:"kms_key_arn,omitempty"`
	ResponseTypes    []string   `json:"response_types,omitempty"`
	ConcurrencyMax   *int32     `json:"concurrency_max,omitempty"`
	StartingPosition string     `json:"starting_position,omitempty"`
	StartingAt       *time.Time `json:"starting_at,omitempty"`
	Parallelization  *int32     `json:"parallelization,omitempty"`
	Bisect           *bool      `json:"bisect,omitempty"`
	RecordAgeMaxSec  *int32     `json:"record_age_max_sec,omitempty"` // -1: no limit
	RetriesMax       *int32     `json:"retries_max,omitempty"`        // -1: no limit
	TumblingSec      *int32     `json:"tumbling_sec,omitempty"`
	OnFailure        string     `json:"on_failure,omitempty"` // a destination
	Topics           []string   `json:"topics,omitempty"`
	Queues           []string   `json:"queues,omitempty"`
	Bootstrap        []string   `json:"bootstrap,omitempty"` // host:port of Kafka brokers
	Metrics          []string   `json:"metrics,omitempty"`
	LogLevel         string     `json:"log_level,omitempty"`
	ConsumerGroup    string     `json:"consumer_group,omitempty"`
	ConsumptionMode  string     `json:"consumption_mode,omitempty"`

	Access   []SourceAccess  `json:"access,omitempty"`
	Pollers  *MappingPollers `json:"pollers,omitempty"`
	Document *DocumentSource `json:"document,omitempty"`
	// Registry is kept in the API's own form.
	Registry *types.KafkaSchemaRegistryConfig `json:"registry,omitempty"`
}

// SourceAccess is one credential or network member that a source is reached with.
type SourceAccess struct {
	Type string `json:"type"`
	URI  string `json:"uri"`
}

// MappingPollers are the bounds of provisioned pollers.
type MappingPollers struct {
	Min   *int32 `json:"min,omitempty"`
	Max   *int32 `json:"max,omitempty"`
	Group string `json:"group,omitempty"`
}

// DocumentSource is what of a DocumentDB cluster is read.
type DocumentSource struct {
	Database     string `json:"database"`
	Collection   string `json:"collection,omitempty"`
	FullDocument string `json:"full_document,omitempty"`
}

// mappingClaim is the record under a claim's key.
type mappingClaim struct {
	UUID string `json:"uuid"`
}

func (r mappingRecord) polling() bool {
	return r.Enabled && r.State != mappingDeleting && r.State != mappingCreating
}

// inTransition says that the mapping waits for its next state, during which it may
// not be changed.
func (r mappingRecord) inTransition() bool {
	return r.State != mappingEnabled && r.State != mappingDisabled
}

// settledState is the state that a transition leads to.
func (r mappingRecord) settledState() string {
	if r.Enabled {
		return mappingEnabled
	}
	return mappingDisabled
}
