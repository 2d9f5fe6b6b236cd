package controlplane

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const (
	queueARN   = "arn:aws:sqs:us-east-1:123456789012:q"
	kinesisARN = "arn:aws:kinesis:us-east-1:123456789012:stream/s"
	tableARN   = "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2026-01-01T00:00:00.000"
	mskARN     = "arn:aws:kafka:us-east-1:123456789012:cluster/c/11111111-1111-1111-1111-111111111111-1"
	mqARN      = "arn:aws:mq:us-east-1:123456789012:broker:b:b-1"
	docdbARN   = "arn:aws:rds:us-east-1:123456789012:cluster:d"
)

type createMapping = awslambda.CreateEventSourceMappingInput

// sources is a poller that serves some kinds and lets a test hold its last invoke.
type sources struct {
	kinds   []SourceKind
	refuse  error
	drained chan struct{}

	mu     sync.Mutex
	drains []string
}

func (s *sources) Serves(k SourceKind) bool             { return slices.Contains(s.kinds, k) }
func (s *sources) Check(context.Context, Mapping) error { return s.refuse }
func (s *sources) Drain(ctx context.Context, uuid string) error {
	s.mu.Lock()
	s.drains = append(s.drains, uuid)
	s.mu.Unlock()
	select {
	case <-s.drained:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *harness) mapping(uuid *string) *awslambda.GetEventSourceMappingOutput {
	h.t.Helper()
	return must(h.GetEventSourceMapping(h.ctx, &awslambda.GetEventSourceMappingInput{UUID: uuid}))
}

func (h *harness) awaitMapping(uuid *string, state string) {
	h.t.Helper()
	h.await("mapping "+state, func() bool {
		m, ok := h.mappings.get(mappingID{home{testAccount, testRegion}, *uuid})
		return ok && m.value.State == state || !ok && state == ""
	})
}

func TestAQueueMappingGoesThroughItsStates(t *testing.T) {
	h := start(t)
	h.create("f")
	made := must(h.CreateEventSourceMapping(h.ctx, &createMapping{FunctionName: new("f"), EventSourceArn: new(queueARN)}))
	if *made.State != "Creating" || *made.StateTransitionReason != "USER_INITIATED" || *made.FunctionArn != fARN {
		t.Errorf("created: %s %s %s", *made.State, *made.StateTransitionReason, *made.FunctionArn)
	}
	if *made.BatchSize != 10 || *made.MaximumBatchingWindowInSeconds != 0 || made.FunctionResponseTypes == nil || len(made.FunctionResponseTypes) != 0 {
		t.Errorf("defaults: %d %d %v", *made.BatchSize, *made.MaximumBatchingWindowInSeconds, made.FunctionResponseTypes)
	}
	if made.ParallelizationFactor != nil || made.DestinationConfig != nil || made.MaximumRetryAttempts != nil {
		t.Error("a queue's mapping shows members of streams")
	}
	if want := "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:" + *made.UUID; *made.EventSourceMappingArn != want {
		t.Errorf("ARN %s, want %s", *made.EventSourceMappingArn, want)
	}
	h.awaitMapping(made.UUID, "Enabled")
	if got := *h.mapping(made.UUID).LastProcessingResult; got != "PROBLEM: Amazon SQS is not polled here: this installation does not serve that event source." {
		t.Errorf("LastProcessingResult %q", got)
	}
	off := must(h.UpdateEventSourceMapping(h.ctx, &awslambda.UpdateEventSourceMappingInput{UUID: made.UUID, Enabled: new(false), BatchSize: new(int32(5))}))
	if *off.State != "Disabling" || *off.BatchSize != 5 {
		t.Errorf("disabled: %s %d", *off.State, *off.BatchSize)
	}
	h.awaitMapping(made.UUID, "Disabled")
	same := must(h.UpdateEventSourceMapping(h.ctx, &awslambda.UpdateEventSourceMappingInput{UUID: made.UUID, BatchSize: new(int32(6))}))
	if *same.State != "Updating" {
		t.Errorf("updated: %s", *same.State)
	}
	h.awaitMapping(made.UUID, "Disabled")
	on := must(h.UpdateEventSourceMapping(h.ctx, &awslambda.UpdateEventSourceMappingInput{UUID: made.UUID, Enabled: new(true)}))
	if *on.State != "Enabling" {
		t.Errorf("enabled: %s", *on.State)
	}
	h.awaitMapping(made.UUID, "Enabled")
	if gone := must(h.DeleteEventSourceMapping(h.ctx, &awslambda.DeleteEventSourceMappingInput{UUID: made.UUID})); *gone.State != "Deleting" {
		t.Errorf("deleted: %s", *gone.State)
	}
	h.awaitMapping(made.UUID, "")
	_, err := h.GetEventSourceMapping(h.ctx, &awslambda.GetEventSourceMappingInput{UUID: made.UUID})
	shows(t, err, "ResourceNotFoundException: The resource you requested does not exist.")
	again := must(h.CreateEventSourceMapping(h.ctx, &createMapping{FunctionName: new("f"), EventSourceArn: new(queueARN), Enabled: new(false)}))
	if *again.State != "Disabled" {
		t.Errorf("created disabled: %s", *again.State)
	}
}

func TestAStreamMappingShowsItsDefaults(t *testing.T) {
	h := start(t)
	h.create("f")
	m := must(h.CreateEventSourceMapping(h.ctx, &createMapping{FunctionName: new("f"), EventSourceArn: new(kinesisARN), StartingPosition: "LATEST"}))
	if *m.BatchSize != 100 || *m.BisectBatchOnFunctionError || *m.MaximumRecordAgeInSeconds != -1 || *m.MaximumRetryAttempts != -1 ||
		*m.ParallelizationFactor != 1 || *m.TumblingWindowInSeconds != 0 || m.StartingPosition != "LATEST" ||
		m.DestinationConfig == nil || m.DestinationConfig.OnFailure == nil || *m.StateTransitionReason != "User action" {
		t.Errorf("defaults: %+v", m)
	}
}

func TestCreateEventSourceMappingRefuses(t *testing.T) {
	h := start(t)
	h.create("f")
	h.create("g")
	unsupported := func(member string) string {
		return "InvalidParameterValueException: Unsupported " + member + " parameter for given event source mapping type."
	}
	stream := func(c *createMapping) { c.EventSourceArn, c.StartingPosition = new(kinesisARN), "LATEST" }
	kafka := func(c *createMapping) {
		c.EventSourceArn, c.StartingPosition, c.Topics = new(mskARN), "LATEST", []string{"t1"}
	}
	filter := func(patterns ...string) *types.FilterCriteria {
		f := &types.FilterCriteria{}
		for _, p := range patterns {
			f.Filters = append(f.Filters, types.Filter{Pattern: new(p)})
		}
		return f
	}
	dest := func(success, failure string) *types.DestinationConfig {
		return &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: optional(success)}, OnFailure: &types.OnFailure{Destination: optional(failure)}}
	}
	const badFilter = "InvalidParameterValueException: Invalid filter pattern definition."
	for _, tt := range []struct {
		name   string
		change func(*createMapping)
		want   string
	}{
		{"a function that does not exist", func(c *createMapping) { c.FunctionName = new("nope") }, "InvalidParameterValueException: Function does not exist"},
		{"an alias that does not exist", func(c *createMapping) { c.FunctionName = new("g:live") }, "InvalidParameterValueException: Function does not exist"},
		{"a source that Lambda does not poll", func(c *createMapping) { c.EventSourceArn = new("arn:aws:sns:us-east-1:123456789012:t") }, "InvalidParameterValueException: Unrecognized event source."},
		{"no source at all", func(c *createMapping) { c.EventSourceArn = nil }, "InvalidParameterValueException: Unrecognized event source."},
		{"a filter whose leaf is no list", func(c *createMapping) { c.FilterCriteria = filter(`{"body":"x"}`) }, badFilter},
		{"a filter that is no JSON", func(c *createMapping) { c.FilterCriteria = filter(`{`) }, badFilter},
		{"a filter with an unknown comparison", func(c *createMapping) { c.FilterCriteria = filter(`{"body":[{"like":"x"}]}`) }, badFilter},
		{"a numeric comparison of text", func(c *createMapping) { c.FilterCriteria = filter(`{"body":[{"numeric":["=","x"]}]}`) }, badFilter},
		{
			"more filters than there may be", func(c *createMapping) { c.FilterCriteria = filter("{}", "{}", "{}", "{}", "{}", "{}") },
			"InvalidParameterValueException: Maximum number of filters exceeded. The maximum number of filters allowed per event source mapping is 5.",
		},
		{"good filters", func(c *createMapping) {
			c.FilterCriteria = filter(`{"body":{"a":["x",1,null,true,{"prefix":"p"},{"exists":false},{"anything-but":["y"]},{"anything-but":{"prefix":"z"}},{"numeric":[">",0,"<=",5]},{"cidr":"10.0.0.0/24"}]}}`, `{"$or":[{"a":["x"]},{"b":["y"]}]}`)
		}, ""},
		{"a destination of a queue", func(c *createMapping) { c.DestinationConfig = dest("", queueARN) }, unsupported("DestinationConfig")},
		{"a destination of success", func(c *createMapping) { stream(c); c.DestinationConfig = dest(queueARN, "") }, unsupported("DestinationConfig")},
		{"a starting position of a queue", func(c *createMapping) { c.StartingPosition = "LATEST" }, unsupported("StartingPosition")},
		{"parallelisation of a queue", func(c *createMapping) { c.ParallelizationFactor = new(int32(2)) }, unsupported("ParallelizationFactor")},
		{"a concurrency limit of a stream", func(c *createMapping) { stream(c); c.ScalingConfig = &types.ScalingConfig{} }, unsupported("ScalingConfig")},
		{
			"a large batch without a window", func(c *createMapping) { c.BatchSize = new(int32(11)) },
			"InvalidParameterValueException: Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
		},
		{
			"a large batch of a FIFO queue", func(c *createMapping) { c.EventSourceArn = new(queueARN + ".fifo"); c.BatchSize = new(int32(11)) },
			"InvalidParameterValueException: BatchSize cannot be greater than 10 for FIFO queues.",
		},
		{
			"a stream without a position", func(c *createMapping) { stream(c); c.StartingPosition = "" },
			"InvalidParameterValueException: 1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.",
		},
		{"a time to start a table's stream at", func(c *createMapping) {
			c.EventSourceArn, c.StartingPosition, c.StartingPositionTimestamp = new(tableARN), "AT_TIMESTAMP", new(time.Now())
		}, "InvalidParameterValueException: Unsupported starting position for arn type: " + tableARN},
		{
			"an age of records between 0 and 59", func(c *createMapping) { stream(c); c.MaximumRecordAgeInSeconds = new(int32(30)) },
			"InvalidParameterValueException: MaximumRecordAgeInSeconds must be -1, or between 60 and 604800.",
		},
		{"Kafka without a topic", func(c *createMapping) { kafka(c); c.Topics = nil }, "InvalidParameterValueException: Required 'topics' parameter is missing."},
		{"topics of a queue", func(c *createMapping) { c.Topics = []string{"t1"} }, unsupported("Topics")},
		{"MSK", kafka, ""},
		{"a Kafka cluster of one's own without access", func(c *createMapping) {
			c.EventSourceArn, c.StartingPosition, c.Topics = nil, "LATEST", []string{"t1"}
			c.SelfManagedEventSource = &types.SelfManagedEventSource{Endpoints: map[string][]string{"KAFKA_BOOTSTRAP_SERVERS": {"b:9092"}}}
		}, "InvalidParameterValueException: Required 'sourceAccessConfigurations' parameter is missing."},
		{
			"a broker without credentials", func(c *createMapping) { c.EventSourceArn, c.Queues = new(mqARN), []string{"q"} },
			"InvalidParameterValueException: Required 'sourceAccessConfigurations' parameter is missing.",
		},
		{"a document database without its name", func(c *createMapping) {
			c.EventSourceArn, c.StartingPosition = new(docdbARN), "LATEST"
			c.SourceAccessConfigurations = []types.SourceAccessConfiguration{{Type: "BASIC_AUTH", URI: new("arn:aws:secretsmanager:us-east-1:123456789012:secret:s")}}
		}, "InvalidParameterValueException: Required 'documentDBEventSourceConfig' parameter is missing."},
		{
			"too many tags", func(c *createMapping) { c.Tags = map[string]string{"aws:x": "y"} },
			"InvalidParameterValueException: Tag keys that begin with aws: are reserved: aws:x",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := &createMapping{FunctionName: new("g"), EventSourceArn: new(queueARN)}
			tt.change(in)
			_, err := h.CreateEventSourceMapping(h.ctx, in)
			shows(t, err, tt.want)
		})
	}
}

func TestOneMappingForASourceAndAFunction(t *testing.T) {
	h := start(t)
	h.create("f")
	h.create("g")
	stream := &createMapping{FunctionName: new("f"), EventSourceArn: new(kinesisARN), StartingPosition: "LATEST"}
	self := &createMapping{
		FunctionName: new("f"), StartingPosition: "LATEST", Topics: []string{"t1"},
		SelfManagedEventSource:     &types.SelfManagedEventSource{Endpoints: map[string][]string{"KAFKA_BOOTSTRAP_SERVERS": {"b1:9092", "b2:9092"}}},
		SourceAccessConfigurations: []types.SourceAccessConfiguration{{Type: "SASL_SCRAM_512_AUTH", URI: new("arn:aws:secretsmanager:us-east-1:123456789012:secret:s")}},
	}
	const hint = " already exists. Please update or delete the existing mapping with UUID %s"
	for _, tt := range []struct {
		in   *createMapping
		want string
	}{
		{&createMapping{FunctionName: new("f"), EventSourceArn: new(queueARN)}, `An event source mapping with SQS arn (" ` + queueARN + ` ") and function (" f ")` + hint},
		{stream, `The event source arn (" ` + kinesisARN + ` ") and function (" f ") provided mapping` + hint},
		{self, `An event source mapping with event source ("b1:9092,b2:9092"), function ("` + fARN + `"), topics ("t1")` + hint},
	} {
		first := must(h.CreateEventSourceMapping(h.ctx, tt.in))
		_, err := h.CreateEventSourceMapping(h.ctx, tt.in)
		shows(t, err, "ResourceConflictException: "+fmt.Sprintf(tt.want, *first.UUID))
	}
	other := must(h.CreateEventSourceMapping(h.ctx, &createMapping{FunctionName: new("g"), EventSourceArn: new(kinesisARN), StartingPosition: "LATEST"}))
	h.awaitMapping(other.UUID, "Enabled")
	_, err := h.UpdateEventSourceMapping(h.ctx, &awslambda.UpdateEventSourceMappingInput{UUID: other.UUID, FunctionName: new("f")})
	if err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("moving a mapping onto another one: %v", err)
	}
	h.create("k")
	must(h.UpdateEventSourceMapping(h.ctx, &awslambda.UpdateEventSourceMappingInput{UUID: other.UUID, FunctionName: new("k")}))
	h.awaitMapping(other.UUID, "Enabled")
	must(h.CreateEventSourceMapping(h.ctx, &createMapping{FunctionName: new("g"), EventSourceArn: new(kinesisARN), StartingPosition: "LATEST"}))
}

func TestAMappingInTransitionIsNotChanged(t *testing.T) {
	src := &sources{kinds: []SourceKind{SourceSQS}, drained: make(chan struct{})}
	h := start(t, func(c *Config) { c.Sources = src })
	h.create("f")
	m := must(h.CreateEventSourceMapping(h.ctx, &createMapping{FunctionName: new("f"), EventSourceArn: new(queueARN), Enabled: new(false)}))
	must(h.UpdateEventSourceMapping(h.ctx, &awslambda.UpdateEventSourceMappingInput{UUID: m.UUID, BatchSize: new(int32(2))}))
	_, err := h.UpdateEventSourceMapping(h.ctx, &awslambda.UpdateEventSourceMappingInput{UUID: m.UUID, BatchSize: new(int32(3))})
	shows(t, err, "ResourceInUseException: Cannot update the event source mapping because it is in use.")
	_, err = h.DeleteEventSourceMapping(h.ctx, &awslambda.DeleteEventSourceMappingInput{UUID: m.UUID})
	shows(t, err, "ResourceInUseException: Cannot delete the event source mapping because it is in use.")
	close(src.drained)
	h.awaitMapping(m.UUID, "Disabled")
}

func TestPollersFollowTheMappings(t *testing.T) {
	src := &sources{kinds: []SourceKind{SourceSQS}, drained: make(chan struct{})}
	h := start(t, func(c *Config) { c.Sources = src })
	h.create("f")
	_, changed := h.Mappings()
	made := must(h.CreateEventSourceMapping(h.ctx, &createMapping{FunctionName: new("f"), EventSourceArn: new(queueARN)}))
	<-changed
	h.awaitMapping(made.UUID, "Enabled")
	all, _ := h.Mappings()
	if len(all) != 1 || !all[0].Polling || all[0].UUID != *made.UUID || all[0].Function != fid("f") || all[0].Settings.BatchSize != 10 {
		t.Fatalf("mappings: %+v", all)
	}
	if got := h.mapping(made.UUID); got.LastProcessingResult != nil {
		t.Errorf("a queue that is served shows %q", *got.LastProcessingResult)
	}
	h.ReportMapping(*made.UUID, "PROBLEM: Function call failed")
	if got := h.mapping(made.UUID); *got.LastProcessingResult != "PROBLEM: Function call failed" {
		t.Errorf("LastProcessingResult %q", *got.LastProcessingResult)
	}
	must(h.DeleteFunction(h.ctx, &awslambda.DeleteFunctionInput{FunctionName: new("f")}))
	if all, _ := h.Mappings(); len(all) != 1 || all[0].Polling {
		t.Errorf("with its function deleted: %+v", all)
	}
	if got := h.mapping(made.UUID); *got.LastProcessingResult != "PROBLEM: Function does not exist." {
		t.Errorf("with its function deleted: %q", *got.LastProcessingResult)
	}
	must(h.DeleteEventSourceMapping(h.ctx, &awslambda.DeleteEventSourceMappingInput{UUID: made.UUID}))
	if all, _ := h.Mappings(); len(all) != 1 || all[0].Polling {
		t.Errorf("while its last invoke runs: %+v", all)
	}
	close(src.drained)
	h.awaitMapping(made.UUID, "")

	src.refuse = invalid("Stream not found: x")
	h.create("f")
	_, err := h.CreateEventSourceMapping(h.ctx, &createMapping{FunctionName: new("f"), EventSourceArn: new(queueARN)})
	shows(t, err, "InvalidParameterValueException: Stream not found: x")
}

func TestMappingsOutliveTheProcess(t *testing.T) {
	st := newMem()
	h := startOn(t, st, &peers{})
	h.create("f")
	m := must(h.CreateEventSourceMapping(h.ctx, &createMapping{FunctionName: new("f"), EventSourceArn: new(queueARN)}))
	h.stop()
	h = startOn(t, st, &peers{})
	h.awaitMapping(m.UUID, "Enabled")
	_, err := h.CreateEventSourceMapping(h.ctx, &createMapping{FunctionName: new("f"), EventSourceArn: new(queueARN)})
	if err == nil || !strings.Contains(err.Error(), *m.UUID) {
		t.Errorf("a duplicate after the restart: %v", err)
	}
}

func TestListEventSourceMappings(t *testing.T) {
	h := start(t)
	h.create("f")
	h.create("g")
	h.publish("f")
	h.alias("live", "1")
	for i := range 3 {
		must(h.CreateEventSourceMapping(h.ctx, &createMapping{FunctionName: new("f"), EventSourceArn: new(queueARN + fmt.Sprint(i))}))
	}
	must(h.CreateEventSourceMapping(h.ctx, &createMapping{FunctionName: new("f:live"), EventSourceArn: new(queueARN)}))
	must(h.CreateEventSourceMapping(h.ctx, &createMapping{FunctionName: new("g"), EventSourceArn: new(queueARN)}))
	var uuids []string
	in := &awslambda.ListEventSourceMappingsInput{MaxItems: new(int32(2))}
	for {
		page := must(h.ListEventSourceMappings(h.ctx, in))
		for _, m := range page.EventSourceMappings {
			uuids = append(uuids, *m.UUID)
		}
		if page.NextMarker == nil {
			break
		}
		in.Marker = page.NextMarker
	}
	if len(uuids) != 5 || !slices.IsSorted(uuids) || len(slices.Compact(uuids)) != 5 {
		t.Errorf("pages hold %v", uuids)
	}
	count := func(in *awslambda.ListEventSourceMappingsInput) int {
		return len(must(h.ListEventSourceMappings(h.ctx, in)).EventSourceMappings)
	}
	for _, tt := range []struct {
		name string
		in   *awslambda.ListEventSourceMappingsInput
		want int
	}{
		{"of a function", &awslambda.ListEventSourceMappingsInput{FunctionName: new("f")}, 3},
		{"of an alias", &awslambda.ListEventSourceMappingsInput{FunctionName: new(fARN + ":live")}, 1},
		{"of a source", &awslambda.ListEventSourceMappingsInput{EventSourceArn: new(queueARN)}, 2},
		{"of both", &awslambda.ListEventSourceMappingsInput{EventSourceArn: new(queueARN), FunctionName: new("g")}, 1},
		{"of neither", &awslambda.ListEventSourceMappingsInput{EventSourceArn: new(queueARN + "x")}, 0},
	} {
		if got := count(tt.in); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestMappingsHaveTags(t *testing.T) {
	h := start(t)
	h.create("f")
	m := must(h.CreateEventSourceMapping(h.ctx, &createMapping{FunctionName: new("f"), EventSourceArn: new(queueARN), Tags: map[string]string{"a": "1"}}))
	arn := m.EventSourceMappingArn
	must(h.TagResource(h.ctx, &awslambda.TagResourceInput{Resource: arn, Tags: map[string]string{"b": "2"}}))
	must(h.UntagResource(h.ctx, &awslambda.UntagResourceInput{Resource: arn, TagKeys: []string{"a"}}))
	if got := must(h.ListTags(h.ctx, &awslambda.ListTagsInput{Resource: arn})).Tags; len(got) != 1 || got["b"] != "2" {
		t.Errorf("tags %v", got)
	}
	h.awaitMapping(m.UUID, "Enabled")
	missing := strings.Replace(*arn, *m.UUID, "00000000-0000-4000-8000-000000000000", 1)
	_, err := h.ListTags(h.ctx, &awslambda.ListTagsInput{Resource: &missing})
	shows(t, err, "ResourceNotFoundException: Event source mapping not found: "+missing)
}
