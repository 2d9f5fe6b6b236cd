package sqs

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthfaas/hearth/internal/eventsource"
	"github.com/hearthfaas/hearth/internal/queue"
)

// pause lets time pass until everything waits again.
func pause(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// bubble runs a test on a clock of its own with a bench that is closed at the end.
func bubble(t *testing.T, run func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.engine.Close()
		run(t, b)
	})
}

func numbered(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("m%d", i)
	}
	return out
}

func TestAMappingDeliversAndDeletes(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		q := b.queue("q", queue.Settings{})
		var mu sync.Mutex
		got := map[string]int{}
		b.handler = func(records []map[string]any) (string, bool) {
			mu.Lock()
			defer mu.Unlock()
			for _, r := range records {
				got[body(r)]++
			}
			return `{"batchItemFailures":[{"itemIdentifier":"means nothing here"}]}`, false
		}
		stop := b.poll(mapping("q", eventsource.Settings{CountEvents: true}))
		pause(time.Minute)
		b.send(q, numbered(95)...)
		pause(time.Second)
		if len(got) != 95 || b.left(q) != 0 {
			t.Errorf("%d came, %d are left", len(got), b.left(q))
		}
		stop()
		invokes, most, _, counts, reports := b.snapshot()
		if invokes > 40 || most > 5 {
			t.Errorf("%d invokes, %d at a time", invokes, most)
		}
		want := map[string]int{eventsource.MetricPolled: 95, eventsource.MetricInvoked: 95, eventsource.MetricDeleted: 95}
		if !maps.Equal(counts, want) {
			t.Errorf("counted %v", counts)
		}
		if len(reports) != 0 {
			t.Errorf("reported %q", reports)
		}
	})
}

func TestAnIdleMappingHoldsOnePoll(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.queue("q", queue.Settings{})
		stop := b.poll(mapping("q", eventsource.Settings{}))
		pause(time.Hour)
		stop()
		if b.polls > 182 {
			t.Errorf("%d polls in an hour", b.polls)
		}
	})
}

func TestWhatFailsComesAgainAndEndsInTheDeadLetterQueue(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		dead := b.queue("dead", queue.Settings{})
		q := b.queue("q", queue.Settings{MaxReceives: 3, DeadLetter: dead})
		var times []time.Time
		b.handler = func([]map[string]any) (string, bool) {
			times = append(times, time.Now())
			return `{"errorMessage":"no"}`, true
		}
		stop := b.poll(mapping("q", eventsource.Settings{}))
		b.send(q, "poison")
		pause(5 * time.Minute)
		stop()
		if len(times) != 3 || b.left(dead) != 1 || b.left(q) != 0 {
			t.Fatalf("%d tries, %d dead", len(times), b.left(dead))
		}
		if d := times[1].Sub(times[0]); d < 30*time.Second || d > 31*time.Second {
			t.Errorf("it came again after %v", d)
		}
	})
}

func TestOnlyReportedMessagesStay(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(first string) string
		stay   int
	}{
		"one":          {func(id string) string { return `{"batchItemFailures":[{"itemIdentifier":"` + id + `"}]}` }, 1},
		"none":         {func(string) string { return `{"batchItemFailures":[]}` }, 0},
		"an unknown":   {func(string) string { return `{"batchItemFailures":[{"itemIdentifier":"x"}]}` }, 4},
		"no JSON":      {func(string) string { return `ok` }, 4},
		"an empty one": {func(string) string { return `{"batchItemFailures":[{"itemIdentifier":""}]}` }, 4},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *bench) {
				q := b.queue("q", queue.Settings{})
				b.handler = func(records []map[string]any) (string, bool) {
					return c.answer(records[0]["messageId"].(string)), false
				}
				b.send(q, numbered(4)...)
				stop := b.poll(mapping("q", eventsource.Settings{PartialResponses: true}))
				pause(time.Second)
				stop()
				if b.left(q) != c.stay {
					t.Errorf("%d stay, want %d", b.left(q), c.stay)
				}
			})
		})
	}
}

func TestUnwantedMessagesAreDeletedUnseen(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		q := b.queue("q", queue.Settings{})
		var seen []string
		b.handler = func(records []map[string]any) (string, bool) {
			for _, r := range records {
				seen = append(seen, body(r))
			}
			return "null", false
		}
		b.send(q, `{"kind":"a"}`, `{"kind":"b"}`, `plain`, `{"kind":["a"]}`)
		stop := b.poll(mapping("q", eventsource.Settings{CountEvents: true, Filters: []string{`{"body":{"kind":["a"]}}`}}))
		pause(time.Second)
		stop()
		if want := []string{`{"kind":"a"}`, `{"kind":["a"]}`}; !slices.Equal(seen, want) || b.left(q) != 0 {
			t.Errorf("saw %q, %d left", seen, b.left(q))
		}
		if _, _, _, counts, _ := b.snapshot(); counts[eventsource.MetricFilteredOut] != 2 || counts[eventsource.MetricDeleted] != 4 {
			t.Errorf("counted %v", counts)
		}
	})
}

func TestAWindowGathersALargeBatch(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		q := b.queue("q", queue.Settings{})
		var mu sync.Mutex
		var sizes []int
		var at []time.Time
		b.handler = func(records []map[string]any) (string, bool) {
			mu.Lock()
			defer mu.Unlock()
			sizes, at = append(sizes, len(records)), append(at, time.Now())
			return "null", false
		}
		stop := b.poll(mapping("q", eventsource.Settings{BatchSize: 50, Window: 5 * time.Second}))
		begin := time.Now()
		for i := range 7 {
			b.send(q, fmt.Sprint(i))
			pause(time.Second)
		}
		pause(10 * time.Second)
		if !slices.Equal(sizes, []int{5, 2}) && !slices.Equal(sizes, []int{6, 1}) {
			t.Errorf("the window gathered %v", sizes)
		}
		if d := at[0].Sub(begin); d < 5*time.Second || d > 5100*time.Millisecond {
			t.Errorf("the window was open for %v", d)
		}
		mu.Lock()
		sizes = nil
		mu.Unlock()
		b.send(q, numbered(50)...)
		pause(6 * time.Second)
		stop()
		sum := 0
		for _, n := range sizes {
			sum += n
		}
		if sum != 50 || len(sizes) > 3 {
			t.Errorf("got batches of %v", sizes)
		}
	})
}

func TestBatchesGrowInNumberWithTheBacklog(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		q := b.queue("q", queue.Settings{Visibility: time.Hour})
		b.timeout = time.Minute
		b.send(q, numbered(400)...)
		var mu sync.Mutex
		perSecond := map[int]int{}
		begin := time.Now()
		b.handler = func([]map[string]any) (string, bool) {
			time.Sleep(time.Minute)
			mu.Lock()
			defer mu.Unlock()
			perSecond[int(time.Since(begin).Seconds())]++
			return "null", false
		}
		stop := b.poll(mapping("q", eventsource.Settings{BatchSize: 1}))
		pause(30 * time.Second)
		_, most, _, _, _ := b.snapshot()
		if most < 145 || most > 160 { // 5, and 5 more each second
			t.Errorf("%d batches after half a minute", most)
		}
		stop()
	})
}

func TestMaximumConcurrencyHolds(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		q := b.queue("q", queue.Settings{})
		b.send(q, numbered(200)...)
		b.handler = func([]map[string]any) (string, bool) { time.Sleep(time.Second); return "null", false }
		live := mapping("q", eventsource.Settings{BatchSize: 1, ConcurrencyMax: 3})
		stop := b.poll(live)
		pause(20 * time.Second)
		if _, most, _, _, _ := b.snapshot(); most != 3 {
			t.Errorf("%d at a time", most)
		}
		m, _ := live.Now()
		m.Settings.ConcurrencyMax, m.Revision = 10, 2
		live.Set(m)
		pause(40 * time.Second)
		stop()
		if _, most, _, _, _ := b.snapshot(); most != 10 || b.left(q) != 0 {
			t.Errorf("%d at a time after the change, %d left", most, b.left(q))
		}
	})
}

func TestAThrottledFunctionLosesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		dead := b.queue("dead", queue.Settings{})
		q := b.queue("q", queue.Settings{Visibility: 5 * time.Minute, MaxReceives: 2, DeadLetter: dead})
		b.concurrency = 1
		b.handler = func([]map[string]any) (string, bool) { time.Sleep(2 * time.Second); return "null", false }
		b.send(q, numbered(100)...)
		stop := b.poll(mapping("q", eventsource.Settings{}))
		pause(10 * time.Minute)
		stop()
		_, most, refusals, _, _ := b.snapshot()
		if b.left(q) != 0 || b.left(dead) != 0 || most != 1 {
			t.Errorf("%d left, %d dead, %d at a time", b.left(q), b.left(dead), most)
		}
		if refusals == 0 || refusals > 100 {
			t.Errorf("%d refusals", refusals)
		}
	})
}

func TestADisabledMappingFinishesWhatItHas(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		q := b.queue("q", queue.Settings{})
		b.handler = func([]map[string]any) (string, bool) { time.Sleep(2 * time.Second); return "null", false }
		stop := b.poll(mapping("q", eventsource.Settings{}))
		b.send(q, "one")
		pause(time.Second)
		stop()
		if b.left(q) != 0 {
			t.Error("the batch in hand was not settled")
		}
		b.send(q, "two")
		pause(time.Minute)
		if c, _ := b.engine.Counts(q); c.Visible != 1 {
			t.Errorf("the queue was polled by a mapping that is off: %+v", c)
		}
	})
}

func TestWhatIsWrongWithTheQueueIsShown(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		q := b.queue("q", queue.Settings{})
		b.denied = "ReceiveMessage"
		b.send(q, "one")
		stop := b.poll(mapping("q", eventsource.Settings{}))
		pause(10 * time.Minute)
		if b.polls > 30 {
			t.Errorf("%d tries in ten minutes", b.polls)
		}
		const text = "PROBLEM: The provided execution role does not have permissions to call ReceiveMessage on SQS"
		if invokes, _, _, _, reports := b.snapshot(); invokes != 0 || !slices.Equal(reports, []string{text}) {
			t.Errorf("%d invokes, reported %q", invokes, reports)
		}
		b.mu.Lock()
		b.denied = ""
		b.mu.Unlock()
		pause(time.Minute)
		if invokes, _, _, _, reports := b.snapshot(); invokes != 1 || !slices.Equal(reports, []string{text, ""}) {
			t.Errorf("%d invokes, reported %q", invokes, reports)
		}
		b.mu.Lock()
		b.denied = "DeleteMessage"
		b.mu.Unlock()
		b.send(q, "two")
		pause(time.Minute)
		if _, _, _, _, reports := b.snapshot(); !strings.Contains(reports[len(reports)-1], "DeleteMessage") {
			t.Errorf("reported %q", reports)
		}
		b.mu.Lock()
		b.denied = ""
		b.mu.Unlock()
		pause(time.Minute)
		if _, _, _, _, reports := b.snapshot(); reports[len(reports)-1] != "" || b.left(q) != 0 {
			t.Errorf("reported %q, %d left", reports, b.left(q))
		}
		if err := b.engine.Delete(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		pause(time.Minute)
		stop()
		if _, _, _, _, reports := b.snapshot(); !strings.Contains(reports[len(reports)-1], "NonExistentQueue") {
			t.Errorf("reported %q", reports)
		}
	})
}

func TestCheckAnswersAsAWSDoes(t *testing.T) {
	b := newBench(t)
	defer b.engine.Close()
	b.queue("q", queue.Settings{Visibility: 2 * time.Second})
	for _, c := range []struct{ queue, denied, want string }{
		{"none", "", "InvalidParameterValueException: Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist."},
		{"q", "", "InvalidParameterValueException: Queue visibility timeout: 2 seconds is less than Function timeout: 3 seconds"},
		{"q", "ReceiveMessage", "InvalidParameterValueException: The provided execution role does not have permissions to call ReceiveMessage on SQS"},
		{"q", "GetQueueAttributes", "InvalidParameterValueException: The provided execution role does not have permissions to call GetQueueAttributes on SQS"},
	} {
		b.denied = c.denied
		m, _ := mapping(c.queue, eventsource.Settings{}).Now()
		if err := b.source().Check(t.Context(), m); err == nil || err.Error() != c.want {
			t.Errorf("%+v: got %v", c, err)
		}
	}
}

func TestALoopIsLeftToTheQueue(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		dead := b.queue("dead", queue.Settings{})
		q := b.queue("q", queue.Settings{MaxReceives: 1, DeadLetter: dead})
		b.looping = "Root=1;Lineage=16:a:16"
		b.send(q, "trace:Root=2", "trace:"+b.looping, "trace:Root=3;Lineage=1:b:0")
		stop := b.poll(mapping("q", eventsource.Settings{}))
		pause(2 * time.Minute)
		stop()
		if b.left(dead) != 1 || b.left(q) != 0 || !slices.Equal(b.traces, []string{"Root=3;Lineage=1:b:0;next"}) {
			t.Errorf("%d dead, %d left, traces %q", b.left(dead), b.left(q), b.traces)
		}
	})
}

// The goal: through failures, partial failures, throttles and restarts no message of
// a FIFO queue is lost, none runs while another of its group does, and none runs
// before an earlier one of its group has succeeded. The method: groups of numbered
// messages, a function that fails as a seed says, and a poller that is stopped again
// and again while messages are still in flight.
func TestGroupsKeepTheirOrderThroughFailuresAndRestarts(t *testing.T) {
	const groups, each = 50, 200
	bubble(t, func(t *testing.T, b *bench) {
		q := b.queue("q.fifo", queue.Settings{FIFO: true, Visibility: 10 * time.Second})
		b.concurrency = 40
		random := rand.New(rand.NewPCG(1, 2))
		var mu sync.Mutex
		next := map[string]int{}
		busy := map[string]bool{}
		wrong := 0
		b.handler = func(records []map[string]any) (string, bool) {
			mu.Lock()
			mine := map[string]bool{}
			for _, r := range records {
				g := r["attributes"].(map[string]any)["MessageGroupId"].(string)
				if busy[g] && !mine[g] {
					wrong++
				}
				mine[g], busy[g] = true, true
			}
			whole := random.IntN(20) == 0
			cut := len(records)
			if random.IntN(8) == 0 {
				cut = random.IntN(len(records))
			}
			pause := time.Duration(random.IntN(200)) * time.Millisecond
			mu.Unlock()
			time.Sleep(pause)
			mu.Lock()
			defer mu.Unlock()
			for g := range mine {
				busy[g] = false
			}
			if whole {
				return `{"errorMessage":"no"}`, true
			}
			var failures []string
			for i, r := range records {
				if i >= cut {
					failures = append(failures, fmt.Sprintf(`{"itemIdentifier":%q}`, r["messageId"]))
					continue
				}
				var g string
				var n int
				g, text, _ := strings.Cut(body(r), ":")
				if _, err := fmt.Sscan(text, &n); err != nil {
					t.Error(err)
				}
				if n > next[g] {
					wrong++
				}
				next[g] = max(next[g], n+1)
			}
			return `{"batchItemFailures":[` + strings.Join(failures, ",") + `]}`, false
		}
		for n := range each {
			var bodies []string
			for g := range groups {
				bodies = append(bodies, fmt.Sprintf("g%02d:%d", g, n))
			}
			b.send(q, bodies...)
		}
		for round := 0; b.left(q) > 0; round++ {
			stop := b.poll(mapping("q.fifo", eventsource.Settings{PartialResponses: true}))
			pause(7 * time.Second)
			stop()
			if round > 1000 {
				t.Fatalf("%d messages are left after %d rounds", b.left(q), round)
			}
		}
		if wrong > 0 {
			t.Errorf("%d times the order of a group was broken", wrong)
		}
		for g := range groups {
			if n := next[fmt.Sprintf("g%02d", g)]; n != each {
				t.Errorf("group %d got to %d of %d", g, n, each)
			}
		}
		if b.most < 10 {
			t.Errorf("groups ran one after the other: %d at a time", b.most)
		}
	})
}

func TestAnotherBatchOfAGroupWaitsThoughItsMessagesAreVisible(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		q := b.queue("q.fifo", queue.Settings{FIFO: true, Visibility: 2 * time.Second})
		running, most := 0, 0
		b.handler = func([]map[string]any) (string, bool) {
			running++
			most = max(most, running)
			time.Sleep(5 * time.Second)
			running--
			return "null", false
		}
		b.send(q, "a:1", "a:2")
		stop := b.poll(mapping("q.fifo", eventsource.Settings{}))
		pause(time.Minute)
		stop()
		if most != 1 {
			t.Errorf("%d batches of a group at a time", most)
		}
	})
}
