package eventsource

import (
	"context"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Mapping is one event source mapping. It is shared and must not be changed.
type Mapping struct {
	UUID     string
	Function lambda.FunctionID
	// Qualifier is the version or alias that is invoked, empty for the function itself.
	Qualifier string
	Kind      string // a key of Config.Sources
	SourceARN string
	// Polling says that the mapping is enabled and its function exists.
	Polling  bool
	Settings Settings
	// Revision grows with every change of the mapping.
	Revision int64
}

// Settings are how a mapping reads its source and hands over what it finds. What a
// kind of source does not have is zero.
type Settings struct {
	BatchSize int
	Window    time.Duration
	Filters   []string // patterns, any of which may match; none lets everything pass
	// PartialResponses is ReportBatchItemFailures.
	PartialResponses bool
	// ConcurrencyMax is MaximumConcurrency, 0 when it is not set.
	ConcurrencyMax int
	// Pollers are the bounds of provisioned mode, nil outside of it.
	Pollers *Pollers
	// CountEvents is the group EventCount of the mapping's metrics.
	CountEvents bool

	StartingPosition string // "TRIM_HORIZON", "LATEST" or "AT_TIMESTAMP"
	StartingAt       time.Time
	Parallelization  int
	Bisect           bool
	RecordAgeMax     time.Duration // 0: no limit
	RetriesMax       int           // -1: no limit
	Tumbling         time.Duration // 0: no windows
	OnFailure        string        // a destination's ARN, or empty
}

// Pollers are the bounds of provisioned mode.
type Pollers struct{ Min, Max int }

// Mappings is the control plane as pollers need it.
type Mappings interface {
	// Mappings are all mappings, and a channel that is closed when they may have
	// changed.
	Mappings() (all []Mapping, changed <-chan struct{})
}

// Function is what a mapping invokes.
type Function struct {
	Version *lambda.Version
	// Refusal is why it cannot run in its present state; nil when it can.
	Refusal error
	// Concurrency is how many invocations of it may run at the same time.
	Concurrency int
	// RecursionAllowed lets it run in loops.
	RecursionAllowed bool
}

// Functions knows what a mapping invokes (the control plane meets it).
type Functions interface {
	// Find resolves a function and qualifier; a ResourceNotFoundException says that
	// they are gone.
	Find(id lambda.FunctionID, qualifier string) (Function, error)
}

// Runner runs batches (frontend meets it).
type Runner interface {
	// RunEvent takes a concurrency slot and an environment and runs the function. A
	// failed function is a result; a refusal is a *lambda.Error.
	RunEvent(ctx context.Context, f Function, inv *lambda.Invocation) (lambda.Result, error)
	// Trace continues a record's trace header, or begins one for an empty text. It
	// reports true when one more invoke would be one too many of a loop.
	Trace(header string, id lambda.FunctionID) (next string, looping bool)
}

// Roles takes execution roles on (iam meets it).
type Roles interface {
	// Assume is the caller that a function's execution role makes of Lambda.
	Assume(ctx context.Context, roleARN string, f lambda.FunctionID) (lambda.Caller, error)
}

// The metrics of a mapping that asks for the group EventCount (Lambda developer
// guide, "Event source mapping metrics").
const (
	MetricPolled      = "PolledEventCount"
	MetricFilteredOut = "FilteredOutEventCount"
	MetricInvoked     = "InvokedEventCount"
	MetricFailed      = "FailedInvokeEventCount"
	MetricDropped     = "DroppedEventCount"
	MetricDelivered   = "OnFailureDestinationDeliveredEventCount"
	MetricDeleted     = "DeletedEventCount"
)

// Metrics takes what pollers count. Its methods return at once.
type Metrics interface {
	// CountEvents adds to one of the metrics above.
	CountEvents(m Mapping, metric string, n int)
	// IteratorAge is the age of a batch's last record when the batch is handed over.
	IteratorAge(m Mapping, age time.Duration)
	// DeliveryFailed counts DestinationDeliveryFailures.
	DeliveryFailed(m Mapping)
}

// Live is a mapping as it is now: pollers read it before each batch, so that most
// changes need no new poller.
type Live struct {
	mu      sync.Mutex // guards what follows
	mapping Mapping
	changed chan struct{}
}

// NewLive makes a Live of a mapping.
func NewLive(m Mapping) *Live { return &Live{mapping: m, changed: make(chan struct{})} }

// Now is the mapping, and a channel that is closed when it has changed.
func (l *Live) Now() (Mapping, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mapping, l.changed
}

// Set makes a mapping the present one. An older or the same revision does nothing.
func (l *Live) Set(m Mapping) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.Revision <= l.mapping.Revision {
		return
	}
	l.mapping = m
	close(l.changed)
	l.changed = make(chan struct{})
}
