package logs

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// model is what a correct service must say: all events by time, then arrival.
type model struct {
	stream  string
	ts      int64
	message string
}

// scatter appends events that overlap in time over three days and several
// flushes, and returns them in order.
func scatter(f *fixture, seed uint64, n int) []model {
	r := rand.New(rand.NewPCG(seed, 1)) // a test's seed
	var all []model
	for i := range n {
		stream := fmt.Sprint("s", r.IntN(4))
		at := noon.Add(-time.Duration(r.IntN(3*24)) * time.Hour)
		if r.IntN(2) == 0 {
			at = noon.Add(time.Duration(r.IntN(8000)) * time.Millisecond)
		}
		m := model{stream, at.UnixMilli(), fmt.Sprintf("message %d", i)}
		f.Append(key("g"), stream, []Event{{Time: at, Message: m.message}})
		all = append(all, m)
		if r.IntN(20) == 0 {
			f.flush(f.t.Context())
		}
	}
	slices.SortStableFunc(all, func(a, b model) int { return cmp.Compare(a.ts, b.ts) })
	return all
}

func of(all []model, keep func(model) bool) []string {
	var out []string
	for _, m := range all {
		if keep(m) {
			out = append(out, m.message)
		}
	}
	return out
}

func TestGetLogEventsPagesInBothDirections(t *testing.T) {
	for seed := range uint64(5) {
		f := newFixture(t)
		all := scatter(f, seed, 400)
		for _, limit := range []int32{1, 7, 100, 1000} {
			for _, stream := range []string{"s0", "s3"} {
				want := of(all, func(m model) bool { return m.stream == stream })
				for _, forward := range []bool{true, false} {
					if got := walk(f, stream, limit, forward); !slices.Equal(got, want) {
						t.Fatalf("seed %d, %s, limit %d, forward %v: got %d of %d events, or another order", seed, stream, limit, forward, len(got), len(want))
					}
				}
			}
		}
	}
}

// walk reads a stream page by page until the token comes back unchanged, and gives
// what it read in order of time.
func walk(f *fixture, stream string, limit int32, forward bool) []string {
	f.t.Helper()
	in := &cwl.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: &stream, Limit: &limit, StartFromHead: &forward}
	var out []string
	for {
		page, err := f.getLogEvents(f.ctx(), in)
		if err != nil {
			f.t.Fatal(err)
		}
		var messages []string
		for _, e := range page.Events {
			messages = append(messages, *e.Message)
		}
		next := page.NextForwardToken
		if forward {
			out = append(out, messages...)
		} else {
			next = page.NextBackwardToken
			out = append(messages, out...)
		}
		if in.NextToken != nil && *in.NextToken == *next {
			return out
		}
		in.NextToken = next
	}
}

func TestGetLogEventsWithoutATokenGivesTheLatest(t *testing.T) {
	f := newFixture(t)
	f.say("g", "s", noon, "1", "2", "3", "4")
	out, err := f.getLogEvents(f.ctx(), &cwl.GetLogEventsInput{LogGroupIdentifier: aws.String(key("g").ARN()), LogStreamName: aws.String("s"), Limit: aws.Int32(2)})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Events) != 2 || *out.Events[0].Message != "3" || *out.Events[1].Message != "4" {
		t.Errorf("got %+v", out.Events)
	}
}

func TestAForwardTokenAtTheEndWaitsForWhatComes(t *testing.T) {
	f := newFixture(t)
	get := func(token *string) *cwl.GetLogEventsOutput {
		t.Helper()
		out, err := f.getLogEvents(f.ctx(), &cwl.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), NextToken: token, StartFromHead: aws.Bool(true)})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if _, err := f.createLogGroup(f.ctx(), &cwl.CreateLogGroupInput{LogGroupName: aws.String("g")}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.createLogStream(f.ctx(), &cwl.CreateLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")}); err != nil {
		t.Fatal(err)
	}
	empty := get(nil)
	f.say("g", "s", noon, "1", "2")
	first := get(empty.NextForwardToken)
	end := get(first.NextForwardToken)
	if len(first.Events) != 2 || len(end.Events) != 0 || *end.NextForwardToken != *first.NextForwardToken {
		t.Fatalf("got %d, then %d events", len(first.Events), len(end.Events))
	}
	f.say("g", "s", noon.Add(time.Second), "3")
	if more := get(end.NextForwardToken); len(more.Events) != 1 || *more.Events[0].Message != "3" {
		t.Errorf("got %+v", more.Events)
	}
	if back := get(end.NextBackwardToken); len(back.Events) != 2 {
		t.Errorf("back from the end: got %d events, want 2", len(back.Events))
	}
	head := get(get(first.NextBackwardToken).NextForwardToken)
	if len(head.Events) != 3 {
		t.Errorf("forward from before the beginning: got %d events, want 3", len(head.Events))
	}
}

func TestTimeRanges(t *testing.T) {
	f := newFixture(t)
	f.say("g", "s", noon, "0", "1", "2", "3")
	ms := noon.UnixMilli()
	for _, c := range []struct {
		name        string
		start, end  *int64
		get, filter string
	}{
		{"no bounds", nil, nil, "0123", "0123"},
		{"a start is included", aws.Int64(ms + 1), nil, "123", "123"},
		{"an end is included by filter and not by get", nil, aws.Int64(ms + 2), "01", "012"},
		{"both", aws.Int64(ms + 1), aws.Int64(ms + 2), "1", "12"},
		{"nothing in between", aws.Int64(ms + 2), aws.Int64(ms + 2), "", "2"},
		{"the wrong way round", aws.Int64(ms + 3), aws.Int64(ms + 1), "", ""},
		{"the end of time", aws.Int64(0), aws.Int64(1<<63 - 1), "0123", "0123"},
	} {
		var get, filter string
		out, err := f.getLogEvents(f.ctx(), &cwl.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), StartTime: c.start, EndTime: c.end})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range out.Events {
			get += *e.Message
		}
		found, err := f.filterLogEvents(f.ctx(), &cwl.FilterLogEventsInput{LogGroupName: aws.String("g"), StartTime: c.start, EndTime: c.end})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found.Events {
			filter += *e.Message
		}
		if get != c.get || filter != c.filter {
			t.Errorf("%s: got %q and %q, want %q and %q", c.name, get, filter, c.get, c.filter)
		}
	}
}

func TestAPageHoldsAtMostOneMegabyte(t *testing.T) {
	f := newFixture(t)
	big := strings.Repeat("x", 200<<10)
	f.say("g", "s", noon, big+"1", big+"2", big+"3", big+"4", big+"5", big+"6", big+"7")
	out, err := f.getLogEvents(f.ctx(), &cwl.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
	if err != nil || len(out.Events) != 5 {
		t.Errorf("get: got %d events, %v, want 5", len(out.Events), err)
	}
	found, err := f.filterLogEvents(f.ctx(), &cwl.FilterLogEventsInput{LogGroupName: aws.String("g")})
	if err != nil || len(found.Events) != 5 || found.NextToken == nil {
		t.Errorf("filter: got %d events, %v, want 5 and a token", len(found.Events), err)
	}
	if got := walk(f, "s", 10000, true); len(got) != 7 {
		t.Errorf("all pages: got %d events, want 7", len(got))
	}
}

func TestFilterLogEventsPages(t *testing.T) {
	f := newFixture(t)
	all := scatter(f, 42, 500)
	for _, c := range []struct {
		name string
		in   cwl.FilterLogEventsInput
		keep func(model) bool
	}{
		{"everything", cwl.FilterLogEventsInput{}, func(model) bool { return true }},
		{"one stream", cwl.FilterLogEventsInput{LogStreamNames: []string{"s1"}}, func(m model) bool { return m.stream == "s1" }},
		{"two streams", cwl.FilterLogEventsInput{LogStreamNames: []string{"s1", "s2"}}, func(m model) bool { return m.stream == "s1" || m.stream == "s2" }},
		{"a prefix", cwl.FilterLogEventsInput{LogStreamNamePrefix: aws.String("s")}, func(model) bool { return true }},
		{"a prefix that no stream has", cwl.FilterLogEventsInput{LogStreamNamePrefix: aws.String("x")}, func(model) bool { return false }},
		{"a pattern", cwl.FilterLogEventsInput{FilterPattern: aws.String(`%7$%`)}, func(m model) bool { return strings.HasSuffix(m.message, "7") }},
		{
			"a range over midnight",
			cwl.FilterLogEventsInput{StartTime: aws.Int64(noon.Add(-30 * time.Hour).UnixMilli()), EndTime: aws.Int64(noon.UnixMilli())},
			func(m model) bool { return m.ts >= noon.Add(-30*time.Hour).UnixMilli() && m.ts <= noon.UnixMilli() },
		},
	} {
		for _, limit := range []int32{1, 13, 10000} {
			for _, forward := range []bool{true, false} {
				want := of(all, c.keep)
				if !forward {
					slices.Reverse(want)
				}
				in := c.in
				in.LogGroupName, in.Limit, in.StartFromHead = aws.String("g"), &limit, &forward
				if got := filterAll(f, &in); !slices.Equal(got, want) {
					t.Errorf("%s, limit %d, forward %v: got %d events, want %d, or another order", c.name, limit, forward, len(got), len(want))
				}
			}
		}
	}
}

func filterAll(f *fixture, in *cwl.FilterLogEventsInput) []string {
	f.t.Helper()
	var out []string
	ids := map[string]bool{}
	for {
		page, err := f.filterLogEvents(f.ctx(), in)
		if err != nil {
			f.t.Fatal(err)
		}
		for _, e := range page.Events {
			if ids[*e.EventId] || len(*e.EventId) != 56 {
				f.t.Errorf("event id %s comes twice or has not 56 digits", *e.EventId)
			}
			ids[*e.EventId] = true
			out = append(out, *e.Message)
		}
		if page.NextToken == nil {
			return out
		}
		in.NextToken = page.NextToken
	}
}

func TestFilterLogEventsSaysWhereAnEventIsFrom(t *testing.T) {
	f := newFixture(t)
	f.say("g", "2026/11/23/[$LATEST]0123", noon, "hello")
	f.pass(time.Second)
	out, err := f.filterLogEvents(f.ctx(), &cwl.FilterLogEventsInput{LogGroupIdentifier: aws.String(key("g").ARN())})
	if err != nil || len(out.Events) != 1 {
		t.Fatalf("got %+v, %v", out, err)
	}
	e := out.Events[0]
	if *e.LogStreamName != "2026/11/23/[$LATEST]0123" || *e.Timestamp != noon.UnixMilli() || *e.IngestionTime != noon.UnixMilli() || *e.Message != "hello" {
		t.Errorf("got %+v", e)
	}
}

func TestJudge(t *testing.T) {
	now := noon
	at := func(ds ...time.Duration) []types.InputLogEvent {
		var out []types.InputLogEvent
		for _, d := range ds {
			out = append(out, types.InputLogEvent{Timestamp: aws.Int64(now.Add(d).UnixMilli()), Message: aws.String("m")})
		}
		return out
	}
	const d = 24 * time.Hour
	for _, c := range []struct {
		name                    string
		events                  []types.InputLogEvent
		keep                    time.Duration // retention
		kept                    int
		tooOld, expired, tooNew int32 // -1: absent
		err                     string
	}{
		{"all are fine", at(-time.Hour, 0, time.Hour), 30 * d, 3, -1, -1, -1, ""},
		{"fourteen days are not too old", at(-14 * d), 30 * d, 1, -1, -1, -1, ""},
		{"more than fourteen days are", at(-14*d-time.Millisecond, -time.Hour), 30 * d, 1, 1, -1, -1, ""},
		{"two hours ahead are not too new", at(0, 2*time.Hour), 30 * d, 2, -1, -1, -1, ""},
		{"more than two hours ahead are", at(0, 2*time.Hour+time.Millisecond, 3*time.Hour), 30 * d, 1, -1, -1, 1, ""},
		{"expired before too old", at(-40*d, -20*d, 0), 30 * d, 1, 2, 1, -1, ""},
		{"expired by a short retention", at(-3*d, 0), 2 * d, 1, -1, 1, -1, ""},
		{"all are rejected", at(-20*d, 3*time.Hour), 30 * d, 0, 1, -1, 1, ""},
		{"a day apart is allowed", at(-d, 0), 30 * d, 2, -1, -1, -1, ""},
		{
			"more than a day apart is not", at(-d-time.Millisecond, 0), 30 * d, 0, -1, -1, -1,
			"InvalidParameterException: The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
		},
		{"rejected ones do not count for the span", at(-20*d, 0), 30 * d, 1, 1, -1, -1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			kept, info, err := judge(c.events, now, now.Add(-c.keep).UnixMilli())
			wantError(t, err, c.err)
			if len(kept) != c.kept {
				t.Errorf("kept %d, want %d", len(kept), c.kept)
			}
			if (info != nil) != (c.tooOld >= 0 || c.expired >= 0 || c.tooNew >= 0) {
				t.Fatalf("got rejections %+v", info)
			}
			if info == nil {
				return
			}
			for _, pair := range []struct {
				name string
				got  *int32
				want int32
			}{{"tooOld", info.TooOldLogEventEndIndex, c.tooOld}, {"expired", info.ExpiredLogEventEndIndex, c.expired}, {"tooNew", info.TooNewLogEventStartIndex, c.tooNew}} {
				got := int32(-1)
				if pair.got != nil {
					got = *pair.got
				}
				if got != pair.want {
					t.Errorf("%s: got %d, want %d", pair.name, got, pair.want)
				}
			}
		})
	}
}

func TestPutLogEvents(t *testing.T) {
	f := newFixture(t)
	group, stream := aws.String("g"), aws.String("s")
	event := func(at time.Time, m string) types.InputLogEvent {
		return types.InputLogEvent{Timestamp: aws.Int64(at.UnixMilli()), Message: &m}
	}
	put := func(events ...types.InputLogEvent) error {
		_, err := asked(f.putLogEvents, f.ctx(), &cwl.PutLogEventsInput{LogGroupName: group, LogStreamName: stream, LogEvents: events})
		return err
	}
	wantError(t, put(event(noon, "x")), "ResourceNotFoundException: The specified log group does not exist.")
	if _, err := f.createLogGroup(f.ctx(), &cwl.CreateLogGroupInput{LogGroupName: group}); err != nil {
		t.Fatal(err)
	}
	wantError(t, put(event(noon, "x")), "ResourceNotFoundException: The specified log stream does not exist.")
	if _, err := f.createLogStream(f.ctx(), &cwl.CreateLogStreamInput{LogGroupName: group, LogStreamName: stream}); err != nil {
		t.Fatal(err)
	}
	wantError(t, put(event(noon, "1"), event(noon.Add(time.Minute), "2")), "")
	wantError(t, put(event(noon, "b"), event(noon.Add(-1*time.Second), "a")),
		"InvalidParameterException: Log events in a single PutLogEvents request must be in chronological order.")
	half := strings.Repeat("x", putBytesMax/2-eventOverhead)
	wantError(t, put(event(noon, half), event(noon, half)), "")
	wantError(t, put(event(noon, half), event(noon, half+"x")), "InvalidParameterException: Upload too large: 1048577 bytes exceeds limit of 1048576")
	wantError(t, put(event(noon, "")), "InvalidParameterException: 1 validation error detected: Value '' at 'logEvents.1.member.message' failed to satisfy constraint: Member must have length greater than or equal to 1")
	wantError(t, put(), "InvalidParameterException: 1 validation error detected: Value null at 'logEvents' failed to satisfy constraint: Member must not be null")
	wantMessages(t, f.messages("g", "s"), "1", half, half, "2")
}
