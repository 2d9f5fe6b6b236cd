package controlplane

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// mappingChange are the members that creating and updating a mapping share; what is
// nil stays as it is.
type mappingChange struct {
	batch, window, parallelization, age, retries, tumbling *int32

	bisect      *bool
	filters     *types.FilterCriteria
	kmsKey      *string
	metrics     *types.EventSourceMappingMetricsConfig
	logging     *types.EventSourceMappingLoggingConfig
	scaling     *types.ScalingConfig
	destination *types.DestinationConfig
	access      []types.SourceAccessConfiguration
	responses   []types.FunctionResponseType
	msk         *types.AmazonManagedKafkaEventSourceConfig
	selfManaged *types.SelfManagedKafkaEventSourceConfig
	document    *types.DocumentDBEventSourceConfig
	pollers     *types.ProvisionedPollerConfig
}

// apply returns the settings after a change, or the *lambda.Error that refuses it.
// It looks at nothing but its arguments.
func (s MappingSettings) apply(kind SourceKind, sourceARN string, c mappingChange) (MappingSettings, error) {
	rules := rulesOf[kind]
	if err := c.applicable(rules, kind); err != nil {
		return s, err
	}
	filters, err := checkFilters(c.filters)
	if err != nil {
		return s, err
	}
	if c.filters != nil {
		s.Filters = filters
	}
	if c.batch != nil {
		s.BatchSize = *c.batch
	}
	replace(&s.WindowSec, c.window)
	replace(&s.Parallelization, c.parallelization)
	replace(&s.RecordAgeMaxSec, c.age)
	replace(&s.RetriesMax, c.retries)
	replace(&s.TumblingSec, c.tumbling)
	replace(&s.Bisect, c.bisect)
	set(&s.KMSKeyARN, c.kmsKey)
	if c.metrics != nil {
		s.Metrics = plain(c.metrics.Metrics)
	}
	if c.logging != nil {
		s.LogLevel = string(c.logging.SystemLogLevel)
	}
	if c.scaling != nil {
		s.ConcurrencyMax = c.scaling.MaximumConcurrency
	}
	if c.destination != nil {
		s.OnFailure = ""
		if to := c.destination.OnFailure; to != nil {
			s.OnFailure = value(to.Destination)
		}
	}
	if c.responses != nil {
		s.ResponseTypes = plain(c.responses)
	}
	if c.pollers != nil {
		s.Pollers = &MappingPollers{c.pollers.MinimumPollers, c.pollers.MaximumPollers, value(c.pollers.PollerGroupName)}
	}
	if c.access != nil {
		s.Access = nil
		for _, a := range c.access {
			s.Access = append(s.Access, SourceAccess{string(a.Type), value(a.URI)})
		}
	}
	if c.document != nil {
		s.Document = &DocumentSource{value(c.document.DatabaseName), value(c.document.CollectionName), string(c.document.FullDocument)}
	}
	s.setKafka(c)
	return s, s.check(kind, sourceARN)
}

func (s *MappingSettings) setKafka(c mappingChange) {
	group, registry := (*string)(nil), (*types.KafkaSchemaRegistryConfig)(nil)
	if c.msk != nil {
		group, registry = c.msk.ConsumerGroupId, c.msk.SchemaRegistryConfig
	}
	if c.selfManaged != nil {
		group, registry = c.selfManaged.ConsumerGroupId, c.selfManaged.SchemaRegistryConfig
		if c.selfManaged.ConsumptionMode != "" {
			s.ConsumptionMode = string(c.selfManaged.ConsumptionMode)
		}
	}
	set(&s.ConsumerGroup, group)
	if registry != nil {
		s.Registry = registry
		if value(registry.SchemaRegistryURI) == "" {
			s.Registry = nil
		}
	}
}

// applicable refuses members that a kind of source does not have.
func (c mappingChange) applicable(r sourceRules, kind SourceKind) error {
	onSuccess := c.destination != nil && c.destination.OnSuccess != nil && value(c.destination.OnSuccess.Destination) != ""
	for _, m := range []struct {
		name          string
		given, allows bool
	}{
		{"ParallelizationFactor", c.parallelization != nil, r.perShard},
		{"BisectBatchOnFunctionError", c.bisect != nil, r.perShard},
		{"TumblingWindowInSeconds", c.tumbling != nil, r.perShard},
		{"MaximumRecordAgeInSeconds", c.age != nil, r.expiry},
		{"MaximumRetryAttempts", c.retries != nil, r.expiry},
		{"DestinationConfig", onSuccess || c.destination != nil && len(r.failureTo) == 0, false},
		{"FunctionResponseTypes", len(c.responses) > 0, r.responses},
		{"ScalingConfig", c.scaling != nil, r.concurrency},
		{"ProvisionedPollerConfig", c.pollers != nil, r.pollers},
		{"SourceAccessConfigurations", len(c.access) > 0, r.access != never},
		{"AmazonManagedKafkaEventSourceConfig", c.msk != nil, kind == SourceMSK},
		{"SelfManagedKafkaEventSourceConfig", c.selfManaged != nil, kind == SourceSelfManaged},
		{"DocumentDBEventSourceConfig", c.document != nil, r.document != never},
	} {
		if m.given && !m.allows {
			return unsupportedMember(m.name)
		}
	}
	return nil
}

func unsupportedMember(name string) error {
	return invalid("Unsupported %s parameter for given event source mapping type.", name)
}

// recordAgeLeastSec is the shortest age limit that may be set (Lambda API,
// MaximumRecordAgeInSeconds).
const recordAgeLeastSec = 60

// fifoBatchMax is the largest batch of a queue that keeps the order (Lambda
// developer guide, "Using Lambda with Amazon SQS").
const fifoBatchMax = 10

// check is what the members must fulfil together.
func (s MappingSettings) check(kind SourceKind, sourceARN string) error {
	rules := rulesOf[kind]
	window := value(s.WindowSec)
	switch {
	case isFIFO(kind, sourceARN) && s.BatchSize > fifoBatchMax:
		return invalid("BatchSize cannot be greater than %d for FIFO queues.", fifoBatchMax)
	case isFIFO(kind, sourceARN) && window > 0:
		return invalid("Batching window is not supported for FIFO queues.")
	case kind == SourceSQS && s.BatchSize > 10 && window == 0:
		return invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
	case s.RecordAgeMaxSec != nil && *s.RecordAgeMaxSec != -1 && *s.RecordAgeMaxSec < recordAgeLeastSec:
		return invalid("MaximumRecordAgeInSeconds must be -1, or between %d and 604800.", recordAgeLeastSec)
	case s.OnFailure != "" && !rules.takes(s.OnFailure):
		return invalid("The provided destination config DestinationConfig(onSuccess=null, onFailure=%s) is invalid.", printDestination("OnFailure", s.OnFailure))
	case s.Pollers != nil && s.Pollers.Min != nil && s.Pollers.Max != nil && *s.Pollers.Min > *s.Pollers.Max:
		return invalid("MinimumPollers cannot be greater than MaximumPollers.")
	case s.Pollers != nil && s.ConcurrencyMax != nil:
		return invalid("ScalingConfig and ProvisionedPollerConfig cannot be used together.")
	case rules.access == always && len(s.Access) == 0:
		return invalid("Required 'sourceAccessConfigurations' parameter is missing.")
	case rules.document == always && (s.Document == nil || s.Document.Database == ""):
		return invalid("Required 'documentDBEventSourceConfig' parameter is missing.")
	case value(s.TumblingSec) > 0 && value(s.Parallelization) > 1:
		return invalid("ParallelizationFactor must be 1 when TumblingWindowInSeconds is set.")
	}
	return nil
}

// replace takes over what a request gives.
func replace[T any](to **T, given *T) {
	if given != nil {
		*to = given
	}
}

// plain are enumerated values as text; an empty list is none.
func plain[T ~string](of []T) []string {
	var out []string
	for _, v := range of {
		if !slices.Contains(out, string(v)) {
			out = append(out, string(v))
		}
	}
	return out
}
