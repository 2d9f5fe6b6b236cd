package logs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store/filelock"
)

const (
	account = "123456789012"
	region  = "eu-central-1"
)

// noon is the present of most tests.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// fixture is a Service with a clock that the test moves.
type fixture struct {
	*Service
	t   testing.TB
	dir string
	mu  sync.Mutex
	at  time.Time
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{t: t, dir: t.TempDir(), at: noon}
	f.open()
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return f
}

func (f *fixture) open() {
	f.t.Helper()
	s, err := Open(f.t.Context(), Config{
		Dir: f.dir, Retention: 7 * 24 * time.Hour, Now: f.clock, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		f.t.Fatalf("open: %v", err)
	}
	f.Service = s
}

func (f *fixture) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}

func (f *fixture) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = f.at.Add(d)
}

// reopen closes the service and opens it again.
func (f *fixture) reopen() {
	f.t.Helper()
	if err := f.Close(); err != nil {
		f.t.Fatalf("close: %v", err)
	}
	f.open()
}

func (f *fixture) ctx() context.Context {
	return lambda.WithCaller(f.t.Context(), lambda.Caller{Account: account, Region: region})
}

func key(group string) Key { return Key{Account: account, Region: region, Group: group} }

// say appends messages, one millisecond apart.
func (f *fixture) say(group, stream string, at time.Time, messages ...string) {
	var events []Event
	for i, m := range messages {
		events = append(events, Event{Time: at.Add(time.Duration(i) * time.Millisecond), Message: m})
	}
	f.Append(key(group), stream, events)
}

// messages reads a whole stream from its head.
func (f *fixture) messages(group, stream string) []string {
	f.t.Helper()
	var out []string
	in := &cwl.GetLogEventsInput{LogGroupName: &group, LogStreamName: &stream, StartFromHead: aws.Bool(true)}
	for {
		page, err := f.getLogEvents(f.ctx(), in)
		if err != nil {
			f.t.Fatalf("get log events: %v", err)
		}
		for _, e := range page.Events {
			out = append(out, *e.Message)
		}
		if in.NextToken != nil && *in.NextToken == *page.NextForwardToken {
			return out
		}
		in.NextToken = page.NextForwardToken
	}
}

func wantMessages(t testing.TB, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %.300q, want %.300q", got, want)
	}
}

// wantError checks code and text of a *lambda.Error; an empty want means none.
func wantError(t testing.TB, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("got error %q, want %q", got, want)
	}
}

func TestWhatWasAppendedIsThereForTheNextQuery(t *testing.T) {
	f := newFixture(t)
	f.say("/aws/lambda/f", "s", noon, "START", "hello", "END")
	wantMessages(t, f.messages("/aws/lambda/f", "s"), "START", "hello", "END")
	f.say("/aws/lambda/f", "s", noon.Add(time.Second), "again")
	wantMessages(t, f.messages("/aws/lambda/f", "s"), "START", "hello", "END", "again")
}

func TestEventsOfOneMillisecondKeepTheirOrderOfArrival(t *testing.T) {
	f := newFixture(t)
	var want []string
	for i := range 50 {
		want = append(want, fmt.Sprint(i))
		f.Append(key("g"), "s", []Event{{Time: noon, Message: fmt.Sprint(i)}})
		if i%7 == 0 {
			f.flush(t.Context())
		}
	}
	wantMessages(t, f.messages("g", "s"), want...)
}

func TestAnEventWithoutASensibleTimeGetsThePresentOne(t *testing.T) {
	f := newFixture(t)
	f.Append(key("g"), "s", []Event{{Message: "zero"}, {Time: noon.Add(365 * 24 * time.Hour), Message: "future"}})
	out, err := f.getLogEvents(f.ctx(), &cwl.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range out.Events {
		if *e.Timestamp != noon.UnixMilli() {
			t.Errorf("%s: got %d, want %d", *e.Message, *e.Timestamp, noon.UnixMilli())
		}
	}
}

func TestALongLineIsSplitBetweenCharacters(t *testing.T) {
	f := newFixture(t)
	long := "x" + strings.Repeat("ü", MessageMax) // two bytes each, at odd places
	f.say("g", "s", noon, long, "short")
	got := f.messages("g", "s")
	if strings.Join(got[:len(got)-1], "") != long || got[len(got)-1] != "short" {
		t.Fatal("the pieces do not make the line")
	}
	for i, piece := range got {
		if len(piece) > MessageMax || !utf8.ValidString(piece) {
			t.Errorf("piece %d has %d bytes, valid: %v", i, len(piece), utf8.ValidString(piece))
		}
	}
	f.say("g", "binary", noon, strings.Repeat("\x80", MessageMax+1))
	if got := f.messages("g", "binary"); len(got) != 2 {
		t.Errorf("got %d pieces of a line without characters, want 2", len(got))
	}
}

func TestLogsAreThereAfterARestart(t *testing.T) {
	f := newFixture(t)
	f.say("g", "s", noon, "one", "two")
	f.reopen()
	f.say("g", "s", noon.Add(time.Millisecond), "three")
	wantMessages(t, f.messages("g", "s"), "one", "two", "three")
	out, err := f.describeLogStreams(f.ctx(), &cwl.DescribeLogStreamsInput{LogGroupName: aws.String("g")})
	if err != nil || len(out.LogStreams) != 1 {
		t.Fatalf("got %v, %v", out, err)
	}
	st := out.LogStreams[0]
	if *st.FirstEventTimestamp != noon.UnixMilli() || *st.LastEventTimestamp != noon.UnixMilli()+1 {
		t.Errorf("got events from %d to %d", *st.FirstEventTimestamp, *st.LastEventTimestamp)
	}
}

// A process that is killed closes nothing. The files as they are at that moment
// are copied and opened.
func TestWhatWasFlushedSurvivesAKill(t *testing.T) {
	f := newFixture(t)
	f.say("g", "s", noon, "one", "two")
	f.flush(t.Context())
	f.say("g", "s", noon, "lost")
	crashed := t.TempDir()
	if err := os.CopyFS(crashed, os.DirFS(f.dir)); err != nil {
		t.Fatal(err)
	}
	g := &fixture{t: t, dir: crashed, at: noon}
	g.open()
	defer g.Close()
	wantMessages(t, g.messages("g", "s"), "one", "two")
}

func TestADamagedDayIsPutAside(t *testing.T) {
	f := newFixture(t)
	f.say("g", "s", noon, "lost")
	f.say("g", "s", noon.AddDate(0, 0, -1), "kept")
	f.flush(t.Context())
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(f.dir, dayOf(noon.UnixMilli()).file())
	if err := os.WriteFile(name, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	f.open()
	f.say("g", "s", noon, "new")
	wantMessages(t, f.messages("g", "s"), "kept", "new")
	if _, err := os.Stat(name + damagedSuffix); err != nil {
		t.Error(err)
	}
}

func TestASecondServiceOnTheSameDirectoryIsRefused(t *testing.T) {
	f := newFixture(t)
	_, err := Open(t.Context(), Config{Dir: f.dir, Log: slog.New(slog.DiscardHandler)})
	if held, ok := errors.AsType[*filelock.HeldError](err); !ok || held.PID != os.Getpid() {
		t.Errorf("got %v, want a HeldError that names process %d", err, os.Getpid())
	}
}

func TestAFullBufferDropsAndCounts(t *testing.T) {
	f := newFixture(t)
	line := strings.Repeat("x", 1<<20)
	for range bufferMax>>20 + 5 {
		f.say("g", "s", noon, line)
	}
	if got := f.Dropped(); got < 5 || got > 10 {
		t.Errorf("dropped %d, want a few more than 5", got)
	}
	f.flush(t.Context())
	dropped := f.Dropped()
	f.say("g", "s2", noon, "there is room again")
	wantMessages(t, f.messages("g", "s2"), "there is room again")
	if f.Dropped() != dropped {
		t.Errorf("dropped %d after the flush", f.Dropped()-dropped)
	}
}

func TestAfterCloseEventsAreDroppedAndQueriesFail(t *testing.T) {
	f := newFixture(t)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f.say("g", "s", noon, "late")
	if f.Dropped() != 1 {
		t.Errorf("dropped %d, want 1", f.Dropped())
	}
	if _, err := f.describeLogGroups(f.ctx(), &cwl.DescribeLogGroupsInput{}); err == nil {
		t.Error("a query of a closed service succeeded")
	}
}

func TestRunWritesWithoutBeingAsked(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.Context(), Config{Dir: dir, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		s.Append(key("g"), "s", []Event{{Time: time.Now(), Message: "hello"}})
		time.Sleep(2 * flushDelay)
		synctest.Wait()
		s.buffer.mu.Lock()
		waiting := len(s.buffer.entries)
		s.buffer.mu.Unlock()
		if waiting != 0 || s.Dropped() != 0 {
			t.Errorf("%d entries still wait, %d dropped", waiting, s.Dropped())
		}
		if _, err := os.Stat(filepath.Join(dir, dayOf(time.Now().UnixMilli()).file())); err != nil {
			t.Error(err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

func TestAFollowerHearsWhatItAskedFor(t *testing.T) {
	f := newFixture(t)
	batches, stop := f.Follow(func(k Key) bool { return k.Group == "mine" })
	f.say("other", "s", noon, "no")
	f.say("mine", "s", noon, "yes", "and yes")
	b := <-batches
	if b.Key != key("mine") || b.Stream != "s" || len(b.Events) != 2 || b.Events[0].Message != "yes" {
		t.Errorf("got %+v", b)
	}
	stop()
	stop()
	f.say("mine", "s", noon, "after")
	if b, ok := <-batches; ok {
		t.Errorf("got %+v after stop", b)
	}
}

func TestAFollowerThatFallsBehindIsTold(t *testing.T) {
	f := newFixture(t)
	batches, stop := f.Follow(nil)
	defer stop()
	for range followBuffer + 10 {
		f.say("g", "s", noon, "x", "y")
	}
	for range followBuffer {
		<-batches
	}
	f.say("g", "s", noon, "z")
	if b := <-batches; b.Missed != 20 {
		t.Errorf("missed %d, want 20", b.Missed)
	}
}

// Appenders, readers, deletions and sweeps at the same time: under the race
// detector, and every line that is not deleted must be there in the end.
func TestManyAtTheSameTime(t *testing.T) {
	f := newFixture(t)
	const writers, each = 4, 200
	ctx, cancel := context.WithCancel(f.ctx())
	var readers, all sync.WaitGroup
	for _, query := range []func() error{
		func() error {
			_, err := f.filterLogEvents(ctx, &cwl.FilterLogEventsInput{LogGroupName: aws.String("g"), Limit: aws.Int32(10)})
			return err
		},
		func() error { _, err := f.describeLogGroups(ctx, &cwl.DescribeLogGroupsInput{}); return err },
		func() error { f.say("gone", "s", noon, "x"); return nil },
		func() error {
			_, err := f.deleteLogGroup(ctx, &cwl.DeleteLogGroupInput{LogGroupName: aws.String("gone")})
			return err
		},
		func() error { return f.sweep(ctx) },
	} {
		readers.Go(func() {
			for ctx.Err() == nil {
				if err := query(); err != nil && ctx.Err() == nil && err != error(errNoGroup) { //nolint:errorlint // the value itself
					t.Error(err)
					return
				}
			}
		})
	}
	for w := range writers {
		all.Go(func() {
			for i := range each {
				f.say("g", fmt.Sprint("s", w), noon.Add(time.Duration(i)*time.Millisecond), fmt.Sprint(i))
			}
		})
	}
	all.Wait()
	cancel()
	readers.Wait()
	for w := range writers {
		if got := f.messages("g", fmt.Sprint("s", w)); len(got) != each || got[each-1] != fmt.Sprint(each-1) {
			t.Errorf("stream %d has %d lines, want %d", w, len(got), each)
		}
	}
}

// BenchmarkOpen opens what a busy machine has after a week: some thousand streams
// in seven days' files.
func BenchmarkOpen(b *testing.B) {
	f := newFixture(b)
	for i := range 7000 {
		f.say(fmt.Sprint("g", i%100), fmt.Sprintf("2026/11/23/[$LATEST]%032x", i), noon.AddDate(0, 0, -i%7), "START", "hello", "END")
	}
	f.flush(b.Context())
	for b.Loop() {
		f.reopen()
	}
}
