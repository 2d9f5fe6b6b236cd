package logs

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

func TestPlan(t *testing.T) {
	const today = day(100)
	start := func(d day) int64 { return int64(d) * dayMilli }
	for _, c := range []struct {
		name     string
		holdings []holding
		drop     string
		trims    string
	}{
		{"files of nobody go once their day has passed", nil, "[98 99]", "[]"},
		{"what is kept for good stays", []holding{{1, 0, map[day]int64{98: start(98), 99: start(99)}}}, "[]", "[]"},
		{"a day that has expired goes", []holding{{1, start(99), map[day]int64{98: start(98), 99: start(99)}}}, "[98]", "[]"},
		{"a day is trimmed while it expires", []holding{{1, start(98) + 5, map[day]int64{98: start(98)}}}, "[99]", fmt.Sprint([]trim{{1, 98, start(98) + 5}})},
		{"a day without early events is not touched", []holding{{1, start(98) + 5, map[day]int64{98: start(98) + 5}}}, "[99]", "[]"},
		{"one group keeps the file, the other loses its part", []holding{
			{1, 0, map[day]int64{98: start(98)}}, {2, start(99), map[day]int64{98: start(98)}},
		}, "[99]", fmt.Sprint([]trim{{2, 98, start(99)}})},
		{"the present day never goes", []holding{{1, start(101), map[day]int64{100: start(100)}}}, "[98 99]", fmt.Sprint([]trim{{1, 100, start(101)}})},
	} {
		drop, trims := plan(today, []day{98, 99, 100}, c.holdings)
		if fmt.Sprint(drop) != c.drop || fmt.Sprint(trims) != c.trims {
			t.Errorf("%s: got %v and %v, want %s and %s", c.name, drop, trims, c.drop, c.trims)
		}
	}
}

func TestRetentionHidesAtOnceAndTheSweepFreesTheDisk(t *testing.T) {
	f := newFixture(t)
	const d = 24 * time.Hour
	f.say("default", "s", noon, "old")
	f.say("long", "s", noon, "old")
	f.say("short", "s", noon.Add(-30*time.Hour), "older")
	f.say("short", "s", noon.Add(-20*time.Hour), "newer")
	for group, days := range map[string]int32{"long": 30, "short": 1} {
		f.flush(t.Context())
		if _, err := f.putRetentionPolicy(f.ctx(), &cwl.PutRetentionPolicyInput{LogGroupName: &group, RetentionInDays: &days}); err != nil {
			t.Fatal(err)
		}
	}
	wantMessages(t, f.messages("short", "s"), "newer")
	before := f.rows()
	f.mustSweep()
	if got := f.rows(); got != before-1 {
		t.Errorf("%d chunks after the sweep, want %d", got, before-1)
	}
	f.reopen()
	wantMessages(t, f.messages("short", "s"), "newer")
	out, err := f.describeLogStreams(f.ctx(), &cwl.DescribeLogStreamsInput{LogGroupName: aws.String("short")})
	if err != nil || *out.LogStreams[0].FirstEventTimestamp != noon.Add(-20*time.Hour).UnixMilli() {
		t.Errorf("got %+v, %v", out.LogStreams, err)
	}

	f.pass(8 * d)
	wantMessages(t, f.messages("default", "s"))
	wantMessages(t, f.messages("long", "s"), "old")
	f.mustSweep()
	wantMessages(t, f.messages("long", "s"), "old")
	if n := f.dayFiles(); n != 1 {
		t.Errorf("%d day files, want only the one that the long retention keeps", n)
	}

	f.pass(30 * d)
	f.mustSweep()
	if n := f.dayFiles(); n != 0 {
		t.Errorf("%d day files, want none", n)
	}
	f.reopen()
	if _, err := f.describeLogStreams(f.ctx(), &cwl.DescribeLogStreamsInput{LogGroupName: aws.String("long")}); err != nil {
		t.Errorf("the group itself stays: %v", err)
	}
}

func TestStreamsOfEnvironmentsGoWithTheirEventsAndNamedOnesStay(t *testing.T) {
	f := newFixture(t)
	f.say("g", "made", noon, "x")
	f.flush(t.Context())
	if _, err := f.createLogStream(f.ctx(), &cwl.CreateLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("named")}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		days int
		want string
	}{{6, "made named "}, {2, "named "}} {
		f.pass(time.Duration(c.days) * 24 * time.Hour)
		f.mustSweep()
		f.reopen()
		out, err := f.describeLogStreams(f.ctx(), &cwl.DescribeLogStreamsInput{LogGroupName: aws.String("g")})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, st := range out.LogStreams {
			got += *st.LogStreamName + " "
		}
		if got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func (f *fixture) mustSweep() {
	f.t.Helper()
	if err := f.sweep(f.t.Context()); err != nil {
		f.t.Fatalf("sweep: %v", err)
	}
}

func (f *fixture) dayFiles() int {
	f.t.Helper()
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		f.t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if _, ok := parseDayFile(e.Name()); ok {
			n++
		}
	}
	return n
}
