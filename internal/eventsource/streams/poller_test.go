package streams

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthfaas/hearth/internal/eventsource"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
	"github.com/hearthfaas/hearth/internal/store/mem"
)

const (
	streamARN = "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2026-01-01T00:00:00.000"
	uuid1     = "00000000-0000-4000-8000-000000000001"
)

// bench is a mapping's surroundings: a stream in memory and a function in Go.
type bench struct {
	t       *testing.T
	store   store.Store
	handler func(event event) (answer string, failed bool)

	mu        sync.Mutex // guards what follows
	shards    []*memoryShard
	sequence  int
	denied    bool
	expire    bool
	delivered []delivery
	reports   []string
	counts    map[string]int
	invokes   int
	reads     int
}

type memoryShard struct {
	Shard

	records []Record
	closed  bool
	trimmed int
}

type delivery struct {
	arn, key, body string
}

type event struct {
	Records []struct{ Key, Sequence, Value string }
	Window  struct{ Start, End string }
	State   json.RawMessage
	Final   bool `json:"isFinalInvokeForWindow"`
	Early   bool `json:"isWindowTerminatedEarly"`
}

// pause lets time pass until everything waits again.
func pause(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func bubble(t *testing.T, run func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, store: mem.New(), counts: map[string]int{}}
		b.handler = func(event) (string, bool) { return "null", false }
		b.shards = []*memoryShard{{Shard: Shard{ID: "s0"}}}
		run(t, b)
	})
}

func (b *bench) put(shard int, key, value string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sequence++
	b.shards[shard].records = append(b.shards[shard].records, Record{
		Sequence: fmt.Sprintf("%06d", b.sequence), Key: key, Arrived: time.Now(), Data: value,
	})
}

func (b *bench) Shards(context.Context, lambda.Caller, string) ([]Shard, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.denied {
		return nil, ErrDenied
	}
	var out []Shard
	for _, s := range b.shards {
		out = append(out, s.Shard)
	}
	return out, nil
}

func (b *bench) find(id string) *memoryShard {
	for _, s := range b.shards {
		if s.ID == id {
			return s
		}
	}
	b.t.Fatalf("no shard %s", id)
	return nil
}

func (b *bench) Iterator(_ context.Context, _ lambda.Caller, _, shard string, p Position) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.find(shard)
	at := 0
	switch p.Kind {
	case TrimHorizon:
		at = s.trimmed
	case After:
		for at < len(s.records) && s.records[at].Sequence <= p.Sequence {
			at++
		}
		if at < s.trimmed {
			return "", ErrTrimmed
		}
	case AtTime:
		for at < len(s.records) && s.records[at].Arrived.Before(p.Time) {
			at++
		}
	case Latest:
		b.t.Error("a position of LATEST is to be resolved")
	}
	return shard + "/" + strconv.Itoa(at), nil
}

func (b *bench) Records(_ context.Context, as lambda.Caller, iterator string, limit int) (Page, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads++
	if as.RoleARN == "" {
		b.t.Error("a stream is read with the function's role")
	}
	if b.denied {
		return Page{}, ErrDenied
	}
	if b.expire {
		b.expire = false
		return Page{}, ErrExpired
	}
	id, text, _ := strings.Cut(iterator, "/")
	at, err := strconv.Atoi(text)
	if err != nil {
		b.t.Error(err)
	}
	s := b.find(id)
	end := min(at+limit, len(s.records))
	page := Page{Records: slices.Clone(s.records[at:end]), Next: id + "/" + strconv.Itoa(end)}
	if s.closed && end == len(s.records) {
		page.Next = ""
	}
	return page, nil
}

func (b *bench) Tip(_ context.Context, _ lambda.Caller, _, shard string) (Position, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.find(shard)
	if len(s.records) == 0 {
		return Position{Kind: TrimHorizon}, nil
	}
	return Position{Kind: After, Sequence: s.records[len(s.records)-1].Sequence}, nil
}

func (b *bench) Record(r Record, _, _ string) ([]byte, error) {
	return json.Marshal(map[string]any{"key": r.Key, "sequence": r.Sequence, "value": r.Data})
}

func (b *bench) Format() Format {
	return Format{BatchInfo: "DDBStreamBatchInfo", TimeLayout: "2006-01-02T15:04:05Z", RecordsMax: 100, Retention: 24 * time.Hour}
}

func (b *bench) Find(id lambda.FunctionID, _ string) (eventsource.Function, error) {
	return eventsource.Function{Version: &lambda.Version{Function: id, Version: lambda.Latest, RoleARN: "role"}}, nil
}

func (b *bench) Assume(_ context.Context, role string, _ lambda.FunctionID) (lambda.Caller, error) {
	return lambda.Caller{RoleARN: role}, nil
}

func (b *bench) Trace(string, lambda.FunctionID) (string, bool) { return "Root=1", false }

func (b *bench) RunEvent(_ context.Context, _ eventsource.Function, inv *lambda.Invocation) (lambda.Result, error) {
	b.mu.Lock()
	b.invokes++
	b.mu.Unlock()
	var e event
	if err := json.Unmarshal(inv.Payload, &e); err != nil {
		b.t.Errorf("the event is no JSON: %v: %s", err, inv.Payload)
	}
	answer, failed := b.handler(e)
	r := lambda.Result{Payload: []byte(answer)}
	if failed {
		r.FunctionError = lambda.Unhandled
	}
	return r, nil
}

func (b *bench) Deliver(_ context.Context, _ lambda.Caller, arn, key string, body []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.delivered = append(b.delivered, delivery{arn, key, string(body)})
	return nil
}

func (b *bench) CountEvents(_ eventsource.Mapping, metric string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts[metric] += n
}
func (b *bench) IteratorAge(eventsource.Mapping, time.Duration) {}
func (b *bench) DeliveryFailed(eventsource.Mapping)             { b.t.Error("a delivery failed") }

func (b *bench) source() *Source {
	return New(Config{
		Streams: b, Store: b.store, Functions: b, Runner: b, Roles: b, Destinations: b, Metrics: b,
		Report: func(_, result string) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.reports = append(b.reports, result)
		},
	})
}

func mapping(s eventsource.Settings) *eventsource.Live {
	if s.BatchSize == 0 {
		s.BatchSize = 100
	}
	if s.StartingPosition == "" {
		s.StartingPosition = "TRIM_HORIZON"
	}
	return eventsource.NewLive(eventsource.Mapping{
		UUID: uuid1, Function: lambda.FunctionID{Account: "123456789012", Region: "us-east-1", Name: "f"},
		Kind: "dynamodb", SourceARN: streamARN, Polling: true, Settings: s, Revision: 1,
	})
}

func (b *bench) poll(m *eventsource.Live) (stop func()) {
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.source().Poll(ctx, m)
	}()
	return func() { cancel(); <-done }
}

func (e event) values() string {
	var out []string
	for _, r := range e.Records {
		out = append(out, r.Value)
	}
	return strings.Join(out, " ")
}

// collect has the function note the values of each event.
func (b *bench) collect(to *[]string) {
	b.handler = func(e event) (string, bool) {
		*to = append(*to, e.values())
		return "null", false
	}
}

func TestRecordsComeInOrderFromTheBeginning(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var got []string
		b.collect(&got)
		for i := range 5 {
			b.put(0, "k", strconv.Itoa(i))
		}
		stop := b.poll(mapping(eventsource.Settings{BatchSize: 2, RetriesMax: -1, CountEvents: true}))
		pause(5 * time.Second)
		b.put(0, "k", "5")
		pause(5 * time.Second)
		stop()
		if want := []string{"0 1", "2 3", "4", "5"}; !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
		if !slices.Equal(b.reports, []string{"OK"}) || b.counts[eventsource.MetricPolled] != 6 {
			t.Errorf("reported %q, counted %v", b.reports, b.counts)
		}
		stop = b.poll(mapping(eventsource.Settings{RetriesMax: -1}))
		pause(5 * time.Second)
		stop()
		if len(got) != 4 {
			t.Errorf("after a restart what was done came again: %q", got)
		}
	})
}

func TestAnIdleShardIsReadOnceASecond(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		stop := b.poll(mapping(eventsource.Settings{}))
		pause(time.Hour)
		stop()
		if b.reads > 3700 {
			t.Errorf("%d reads in an hour", b.reads)
		}
	})
}

func TestLatestIsResolvedOnceAndKept(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var got []string
		b.collect(&got)
		b.shards = append(b.shards, &memoryShard{Shard: Shard{ID: "s1"}})
		b.put(0, "k", "old")
		m := mapping(eventsource.Settings{StartingPosition: "LATEST"})
		stop := b.poll(m)
		pause(time.Second)
		stop()
		b.put(0, "k", "new")
		b.put(1, "k", "other")
		stop = b.poll(m)
		pause(2 * time.Second)
		stop()
		slices.Sort(got)
		if !slices.Equal(got, []string{"new", "other"}) {
			t.Errorf("got %q", got)
		}
	})
}

func TestATimeIsAStart(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var got []string
		b.collect(&got)
		b.put(0, "k", "before")
		pause(time.Second)
		at := time.Now()
		b.put(0, "k", "after")
		stop := b.poll(mapping(eventsource.Settings{StartingPosition: "AT_TIMESTAMP", StartingAt: at}))
		pause(2 * time.Second)
		stop()
		if !slices.Equal(got, []string{"after"}) {
			t.Errorf("got %q", got)
		}
	})
}

func TestAShardsChildrenComeAfterIt(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var got []string
		var healthy atomic.Bool
		b.handler = func(e event) (string, bool) {
			if !healthy.Load() {
				return "", true
			}
			got = append(got, e.values())
			return "null", false
		}
		b.shards = append(b.shards, &memoryShard{Shard: Shard{ID: "s1", Parents: []string{"s0"}}})
		b.put(0, "k", "1")
		b.put(1, "k", "2")
		b.shards[0].closed = true
		stop := b.poll(mapping(eventsource.Settings{RetriesMax: -1}))
		pause(time.Minute)
		healthy.Store(true)
		pause(2 * time.Minute)
		if !slices.Equal(got, []string{"1", "2"}) {
			t.Errorf("got %q", got)
		}
		b.mu.Lock()
		b.shards = b.shards[1:]
		b.mu.Unlock()
		pause(time.Minute)
		stop()
		rows, err := b.store.List(t.Context(), "mapping-checkpoint", uuid1, "", 10)
		if err != nil || len(rows) != 2 { // that it has begun, and the child
			t.Errorf("kept %d checkpoints, %v", len(rows), err)
		}
		if err := b.source().Sweep(t.Context(), func(string) bool { return false }); err != nil {
			t.Fatal(err)
		}
		if rows, _ := b.store.List(t.Context(), "mapping-checkpoint", "", "", 10); len(rows) != 0 {
			t.Errorf("a mapping that is gone keeps %d checkpoints", len(rows))
		}
	})
}

func TestBisectingFindsTheOneThatFails(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var got []string
		b.handler = func(e event) (string, bool) {
			if strings.Contains(e.values(), "poison") {
				return `{"errorMessage":"no"}`, true
			}
			got = append(got, e.values())
			return "null", false
		}
		for i := range 8 {
			value := strconv.Itoa(i)
			if i == 5 {
				value = "poison"
			}
			b.put(0, "k", value)
		}
		stop := b.poll(mapping(eventsource.Settings{Bisect: true, RetriesMax: 1, OnFailure: "arn:aws:sqs:us-east-1:123456789012:failed"}))
		pause(time.Minute)
		stop()
		if want := []string{"0 1 2 3", "4", "6 7"}; !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
		if len(b.delivered) != 1 {
			t.Fatalf("delivered %v", b.delivered)
		}
		var told map[string]any
		if err := json.Unmarshal([]byte(b.delivered[0].body), &told); err != nil {
			t.Fatal(err)
		}
		request, response, info := told["requestContext"].(map[string]any), told["responseContext"].(map[string]any), told["DDBStreamBatchInfo"].(map[string]any)
		if request["condition"] != "RetryAttemptsExhausted" || request["approximateInvokeCount"] != 2.0 || request["functionArn"] != "arn:aws:lambda:us-east-1:123456789012:function:f" ||
			response["functionError"] != "Unhandled" || response["executedVersion"] != "$LATEST" || told["version"] != "1.0" ||
			info["startSequenceNumber"] != "000006" || info["endSequenceNumber"] != "000006" || info["batchSize"] != 1.0 || info["shardId"] != "s0" ||
			info["streamArn"] != streamARN || info["approximateArrivalOfFirstRecord"] != "2000-01-01T00:00:00Z" || told["payload"] != nil {
			t.Errorf("told %s", b.delivered[0].body)
		}
	})
}

func TestTheLowestReportedRecordIsWhereItGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var got []string
		b.handler = func(e event) (string, bool) {
			got = append(got, e.values())
			if len(got) == 1 {
				return fmt.Sprintf(`{"batchItemFailures":[{"itemIdentifier":%q},{"itemIdentifier":%q}]}`, e.Records[3].Sequence, e.Records[1].Sequence), false
			}
			return `{"batchItemFailures":[]}`, false
		}
		for i := range 4 {
			b.put(0, "k", strconv.Itoa(i))
		}
		stop := b.poll(mapping(eventsource.Settings{PartialResponses: true, RetriesMax: -1}))
		pause(time.Minute)
		stop()
		if want := []string{"0 1 2 3", "1 2 3"}; !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
	})
}

func TestRecordsThatAreTooOldGoToABucket(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.handler = func(event) (string, bool) { return "", true }
		b.put(0, "k", "v")
		stop := b.poll(mapping(eventsource.Settings{RetriesMax: -1, RecordAgeMax: time.Minute, OnFailure: "arn:aws:s3:::failed"}))
		pause(5 * time.Minute)
		stop()
		if len(b.delivered) != 1 || !strings.HasPrefix(b.delivered[0].key, "aws/lambda/"+uuid1+"/s0/2000/01/01/2000-01-01T00.0") {
			t.Fatalf("delivered %v", b.delivered)
		}
		if body := b.delivered[0].body; !strings.Contains(body, `"condition":"RecordAgeExceeded"`) || strings.Contains(body, "responseContext") ||
			!strings.Contains(body, `"payload":{"Records":[{"key":"k"`) || !json.Valid([]byte(body)) {
			t.Errorf("told %s", body)
		}
		if !slices.Equal(b.reports, []string{resultFailed}) {
			t.Errorf("reported %q", b.reports)
		}
	})
}

func TestUnwantedRecordsAreSkippedForGood(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var got []string
		b.collect(&got)
		b.put(0, "k", "no")
		b.put(0, "k", "yes")
		b.put(0, "k", "no")
		s := eventsource.Settings{Filters: []string{`{"value":["yes"]}`}, CountEvents: true}
		stop := b.poll(mapping(s))
		pause(2 * time.Second)
		stop()
		if !slices.Equal(got, []string{"yes"}) || b.counts[eventsource.MetricFilteredOut] != 2 {
			t.Errorf("got %q, counted %v", got, b.counts)
		}
		s.Filters = nil
		stop = b.poll(mapping(s))
		pause(2 * time.Second)
		stop()
		if len(got) != 1 {
			t.Errorf("what was skipped came later: %q", got)
		}
	})
}

func TestAWindowCarriesItsState(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var finals []string
		b.handler = func(e event) (string, bool) {
			var state struct{ Sum int }
			if err := json.Unmarshal(e.State, &state); err != nil {
				t.Errorf("state %s: %v", e.State, err)
			}
			if e.Final {
				finals = append(finals, fmt.Sprintf("%s–%s %d", e.Window.Start[11:19], e.Window.End[11:19], state.Sum))
				return "null", false
			}
			return fmt.Sprintf(`{"state":{"Sum":%d}}`, state.Sum+len(e.Records)), false
		}
		m := mapping(eventsource.Settings{Tumbling: time.Minute, BatchSize: 3})
		stop := b.poll(m)
		for i := range 130 { // one each second
			b.put(0, "k", strconv.Itoa(i))
			pause(time.Second)
			if i == 30 {
				stop()
				stop = b.poll(m)
			}
		}
		pause(2 * time.Minute)
		stop()
		want := []string{"00:00:00–00:01:00 60", "00:01:00–00:02:00 60", "00:02:00–00:03:00 10"}
		if !slices.Equal(finals, want) {
			t.Errorf("got %q", finals)
		}
	})
}

func TestAWindowWithTooMuchStateEndsEarly(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var got []string
		b.handler = func(e event) (string, bool) {
			got = append(got, fmt.Sprintf("%s final=%t early=%t %s", e.values(), e.Final, e.Early, e.State))
			if e.values() == "large" {
				return `{"state":"` + strings.Repeat("x", stateMax) + `"}`, false
			}
			return `{"state":{"n":1}}`, false
		}
		b.put(0, "k", "small")
		b.put(0, "k", "large")
		stop := b.poll(mapping(eventsource.Settings{Tumbling: time.Minute, BatchSize: 1}))
		pause(30 * time.Second)
		stop()
		if want := []string{"small final=false early=false {}", `large final=false early=false {"n":1}`, ` final=true early=true {"n":1}`}; !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
	})
}

func TestAReadGoesOnAfterWhatPasses(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var got []string
		b.collect(&got)
		b.denied = true
		b.put(0, "k", "1")
		stop := b.poll(mapping(eventsource.Settings{}))
		pause(time.Minute)
		set := func(change func()) {
			b.mu.Lock()
			defer b.mu.Unlock()
			change()
		}
		set(func() { b.denied = false })
		pause(time.Minute)
		set(func() { b.expire = true })
		pause(time.Minute)
		b.put(0, "k", "2")
		pause(time.Minute)
		stop()
		b.put(0, "k", "3")
		b.put(0, "k", "4")
		set(func() { b.shards[0].trimmed = 3 })
		stop = b.poll(mapping(eventsource.Settings{}))
		pause(time.Minute)
		stop()
		if !slices.Equal(got, []string{"1", "2", "4"}) {
			t.Errorf("got %q", got)
		}
		if !strings.HasPrefix(b.reports[0], "PROBLEM: Cannot access stream "+streamARN) || b.reports[1] != "OK" {
			t.Errorf("reported %q", b.reports)
		}
	})
}

// The goal: whatever fails and however often the poller is stopped, every record is
// processed, and none of a key before the one in front of it. The method: many keys
// in several lanes, a function that fails as a seed says, and restarts in the middle.
func TestKeysKeepTheirOrderThroughFailuresAndRestarts(t *testing.T) {
	const keys, each = 30, 60
	for _, bisect := range []bool{false, true} {
		t.Run(fmt.Sprintf("bisect=%t", bisect), func(t *testing.T) {
			bubble(t, func(t *testing.T, b *bench) {
				random := rand.New(rand.NewPCG(3, 4))
				next := map[string]int{}
				busy := map[string]bool{}
				wrong, most, running := 0, 0, 0
				var mu sync.Mutex
				b.handler = func(e event) (string, bool) {
					mu.Lock()
					running++
					most = max(most, running)
					mine := map[string]bool{}
					for _, r := range e.Records {
						if busy[r.Key] && !mine[r.Key] {
							wrong++
						}
						mine[r.Key], busy[r.Key] = true, true
					}
					cut := len(e.Records)
					if random.IntN(4) == 0 {
						cut = random.IntN(len(e.Records))
					}
					whole := random.IntN(10) == 0
					mu.Unlock()
					time.Sleep(200 * time.Millisecond)
					mu.Lock()
					defer mu.Unlock()
					running--
					for k := range mine {
						busy[k] = false
					}
					if whole {
						return "", true
					}
					for _, r := range e.Records[:cut] {
						n, err := strconv.Atoi(r.Value)
						if err != nil {
							t.Error(err)
						}
						if n > next[r.Key] {
							wrong++
						}
						next[r.Key] = max(next[r.Key], n+1)
					}
					if cut == len(e.Records) {
						return "null", false
					}
					return fmt.Sprintf(`{"batchItemFailures":[{"itemIdentifier":%q}]}`, e.Records[cut].Sequence), false
				}
				b.shards = append(b.shards, &memoryShard{Shard: Shard{ID: "s1", Parents: []string{"s0"}}})
				for n := range each {
					for k := range keys {
						b.put(n*2/each, fmt.Sprintf("k%02d", k), strconv.Itoa(n))
					}
				}
				b.shards[0].closed = true
				complete := func() bool {
					mu.Lock()
					defer mu.Unlock()
					for k := range keys {
						if next[fmt.Sprintf("k%02d", k)] < each {
							return false
						}
					}
					return true
				}
				m := mapping(eventsource.Settings{BatchSize: 10, Parallelization: 4, PartialResponses: true, Bisect: bisect, RetriesMax: -1})
				for round := 0; !complete(); round++ {
					stop := b.poll(m)
					pause(3 * time.Second)
					stop()
					if round > 2000 {
						t.Fatalf("not complete: %v", slices.Collect(maps.Values(next)))
					}
				}
				if wrong > 0 || most != 4 {
					t.Errorf("the order was broken %d times; %d batches at a time", wrong, most)
				}
			})
		})
	}
}
