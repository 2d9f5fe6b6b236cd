package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
	"github.com/hearthfaas/hearth/internal/store/mem"
)

const (
	queue    = "arn:aws:sqs:us-east-1:123456789012:q"
	dead     = "arn:aws:sqs:us-east-1:123456789012:dead"
	function = "arn:aws:lambda:us-east-1:123456789012:function:f"
	goodRole = "arn:aws:iam::123456789012:role/scheduler"
)

// world is what is around the service: roles, targets, the clock of the bubble.
type world struct {
	mu    sync.Mutex // guards what follows
	calls []call
	fail  func(d Delivery) error
}

type call struct {
	at time.Time
	Delivery
}

func (w *world) CanPass(_ context.Context, role string) error {
	if strings.HasSuffix(role, "/secret") {
		return lambda.Errorf(lambda.CodeAccessDenied, "no")
	}
	return nil
}

func (w *world) CanAssume(_ context.Context, role, account, group string) (bool, error) {
	return role == goodRole && account == "123456789012" && strings.Contains(group, ":schedule-group/"), nil
}

func (w *world) Check(arn string) error {
	if strings.Contains(arn, ":kinesis:") {
		return invalid("The target %s is not supported on this installation.", arn)
	}
	return nil
}

func (w *world) Deliver(_ context.Context, d Delivery) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, call{time.Now(), d})
	if w.fail != nil {
		return w.fail(d)
	}
	return nil
}

func (w *world) taken() []call {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]call(nil), w.calls...)
}

// times are when targets were called, from the beginning of the bubble's time.
func (w *world) times() string {
	var out []string
	for _, c := range w.taken() {
		out = append(out, c.at.Sub(epoch).String())
	}
	return strings.Join(out, " ")
}

// epoch is where the clock of a synctest bubble begins.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

type fixture struct {
	*Service
	t     *testing.T
	w     *world
	ctx   context.Context
	store store.Store
	end   func()
}

func open(t *testing.T, w *world, st store.Store, with ...func(*Config)) *fixture {
	t.Helper()
	cfg := Config{Store: st, Roles: w, Targets: w, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	for _, change := range with {
		change(&cfg)
	}
	s, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return &fixture{Service: s, t: t, w: w, store: st, ctx: lambda.WithCaller(t.Context(), lambda.Caller{Account: "123456789012", Region: "us-east-1"}), end: func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		s.Close()
	}}
}

// run runs a test in a bubble whose clock moves when all wait.
func run(t *testing.T, test func(t *testing.T, f *fixture), with ...func(*Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := open(t, &world{}, mem.New(), with...)
		defer func() { f.end() }()
		test(t, f)
	})
}

func input(expression string, change ...func(*scheduler.CreateScheduleInput)) *scheduler.CreateScheduleInput {
	in := &scheduler.CreateScheduleInput{
		Name: new("s"), ScheduleExpression: &expression, FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
		Target: &types.Target{Arn: new(queue), RoleArn: new(goodRole), Input: new("hello")},
	}
	for _, c := range change {
		c(in)
	}
	return in
}

func (f *fixture) create(expression string, change ...func(*scheduler.CreateScheduleInput)) {
	f.t.Helper()
	if _, err := f.createSchedule(f.ctx, input(expression, change...)); err != nil {
		f.t.Fatal(err)
	}
}

// pass lets time pass.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (f *fixture) ran(want string) {
	f.t.Helper()
	if got := f.w.times(); got != want {
		f.t.Errorf("targets were called at %q, want %q", got, want)
	}
}

func TestASchedule(t *testing.T) {
	at := func(d time.Duration) *time.Time { return new(epoch.Add(d)) }
	tests := []struct {
		name, expression string
		change           func(*scheduler.CreateScheduleInput)
		want             string
	}{
		{"runs once", "at(2000-01-01T00:10:00)", nil, "10m0s"},
		{"in a time zone", "at(2000-01-01T01:10:00)", func(in *scheduler.CreateScheduleInput) {
			in.ScheduleExpressionTimezone = new("Europe/Berlin")
		}, "10m0s"},
		{"runs once whatever its dates", "at(2000-01-01T00:10:00)", func(in *scheduler.CreateScheduleInput) {
			in.StartDate, in.EndDate = at(-time.Hour), at(-time.Minute)
		}, "10m0s"},
		{"that has passed never runs", "at(1999-12-31T23:00:00)", nil, ""},
		{"with a rate runs at once and on", "rate(20 minutes)", nil, "0s 20m0s 40m0s"},
		{"runs from its start", "rate(20 minutes)", func(in *scheduler.CreateScheduleInput) { in.StartDate = at(5 * time.Minute) }, "5m0s 25m0s 45m0s"},
		{"runs to its end", "cron(0/10 * * * ? *)", func(in *scheduler.CreateScheduleInput) {
			in.StartDate, in.EndDate = at(9*time.Minute), at(30*time.Minute)
		}, "10m0s 20m0s 30m0s"},
		{"that is disabled does not run", "rate(20 minutes)", func(in *scheduler.CreateScheduleInput) { in.State = types.ScheduleStateDisabled }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, func(t *testing.T, f *fixture) {
				if tt.change == nil {
					f.create(tt.expression)
				} else {
					f.create(tt.expression, tt.change)
				}
				pass(time.Hour - time.Minute)
				f.ran(tt.want)
			})
		})
	}
}

func TestAWindowSpreadsInvocations(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		for _, name := range []string{"a", "b", "c"} {
			f.create("at(2000-01-01T00:10:00)", func(in *scheduler.CreateScheduleInput) {
				in.Name = &name
				in.FlexibleTimeWindow = &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeFlexible, MaximumWindowInMinutes: new(int32(15))}
			})
		}
		pass(time.Hour)
		different := map[time.Time]bool{}
		for _, c := range f.w.taken() {
			if d := c.at.Sub(epoch); d < 10*time.Minute || d >= 25*time.Minute {
				t.Errorf("ran at %s, want within the window", d)
			}
			different[c.at] = true
		}
		if len(different) != 3 {
			t.Errorf("ran at %d moments, want 3", len(different))
		}
	})
}

func TestTimeCanPassFaster(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.create("rate(1 hour)")
		pass(150 * time.Second)
		f.ran("0s 36s 1m12s 1m48s 2m24s")
	}, func(c *Config) { c.TimeScale = 100 })
}

func TestTheInputHasTheInvocationsAttributes(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.w.fail = func(Delivery) error {
			if len(f.w.calls) == 1 {
				return errors.New("not now")
			}
			return nil
		}
		f.create("at(2000-01-01T00:10:00)", func(in *scheduler.CreateScheduleInput) {
			in.Target.Arn, in.Target.Input = new(function), new(`{"a":"<aws.scheduler.schedule-arn>","t":"<aws.scheduler.scheduled-time>","e":"<aws.scheduler.execution-id>","n":<aws.scheduler.attempt-number>}`)
		})
		pass(time.Hour)
		calls := f.w.taken()
		if len(calls) != 2 {
			t.Fatalf("%d calls, want 2", len(calls))
		}
		want := `{"a":"arn:aws:scheduler:us-east-1:123456789012:schedule/default/s","t":"2000-01-01T00:10:00Z","e":"` + calls[0].Execution + `","n":`
		for i, c := range calls {
			if got := string(c.Body); got != want+[]string{"1}", "2}"}[i] {
				t.Errorf("attempt %d read %s", i+1, got)
			}
		}
		if calls[0].Execution == "" || calls[0].Execution != calls[1].Execution || calls[0].RoleARN != goodRole ||
			calls[0].GroupARN != "arn:aws:scheduler:us-east-1:123456789012:schedule-group/default" {
			t.Errorf("calls %+v", calls)
		}
	})
}

func TestWithoutAnInputTheTargetReadsANotification(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.create("at(2000-01-01T00:10:00)", func(in *scheduler.CreateScheduleInput) { in.Target.Input = nil })
		pass(time.Hour)
		c := f.w.taken()[0]
		want := `{"version":"0","id":"` + c.Execution + `","detail-type":"Scheduled Event","source":"aws.scheduler","account":"123456789012","time":"2000-01-01T00:10:00Z","region":"us-east-1","resources":["arn:aws:scheduler:us-east-1:123456789012:schedule/default/s"],"detail":"{}"}`
		if string(c.Body) != want {
			t.Errorf("the target read\n%s\nwant\n%s", c.Body, want)
		}
	})
}

func TestWhatFailsIsTriedAgainAndThenADeadLetter(t *testing.T) {
	buried := func(f *fixture) map[string]string {
		calls := f.w.taken()
		last := calls[len(calls)-1]
		if last.ARN != dead || string(last.Body) != "hello" {
			t.Fatalf("the last call is %+v, want the dead letter", last)
		}
		delete(last.Attributes, "EXECUTION_ID")
		return last.Attributes
	}
	withLetter := func(age, retries int32) func(*scheduler.CreateScheduleInput) {
		return func(in *scheduler.CreateScheduleInput) {
			in.Target.DeadLetterConfig = &types.DeadLetterConfig{Arn: new(dead)}
			in.Target.RetryPolicy = &types.RetryPolicy{MaximumEventAgeInSeconds: &age, MaximumRetryAttempts: &retries}
		}
	}
	common := func(more map[string]string) map[string]string {
		out := map[string]string{
			"ERROR_CODE": "Wrong", "ERROR_MESSAGE": "it is wrong", "IS_PAYLOAD_TRUNCATED": "false", "SCHEDULED_TIME": "2000-01-01T00:10:00Z",
			"SCHEDULE_ARN": "arn:aws:scheduler:us-east-1:123456789012:schedule/default/s", "TARGET_ARN": queue,
		}
		maps.Copy(out, more)
		return out
	}
	tests := []struct {
		name         string
		age, retries int32
		final        bool
		calls        int // with the dead letter; 0 for several
		want         map[string]string
	}{
		{"final errors at once", 86400, 185, true, 2, common(map[string]string{"RETRY_ATTEMPTS": "0"})},
		{"others as often as the policy lets", 86400, 3, false, 5, common(map[string]string{"RETRY_ATTEMPTS": "3", "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts"})},
		{"never when there are no retries", 86400, 0, false, 2, common(map[string]string{"RETRY_ATTEMPTS": "0", "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts"})},
		{"until the event is too old", 60, 185, false, 0, common(map[string]string{"EXHAUSTED_RETRY_CONDITION": "MaximumEventAgeInSeconds"})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, func(t *testing.T, f *fixture) {
				f.w.fail = func(d Delivery) error {
					if d.ARN == dead {
						return nil
					}
					return &Failure{Code: "Wrong", Message: "it is wrong", Final: tt.final}
				}
				f.create("at(2000-01-01T00:10:00)", withLetter(tt.age, tt.retries))
				pass(24 * time.Hour)
				got := buried(f)
				if tt.calls == 0 {
					delete(got, "RETRY_ATTEMPTS")
					if n := len(f.w.taken()); n < 5 || n > 12 {
						t.Errorf("%d calls in a minute of doubling waits", n)
					}
				} else if n := len(f.w.taken()); n != tt.calls {
					t.Errorf("%d calls, want %d", n, tt.calls)
				}
				if !maps.Equal(got, tt.want) {
					t.Errorf("the letter says %v, want %v", got, tt.want)
				}
				rows, err := f.pending.List(t.Context(), "", "", 10)
				if err != nil || len(rows) != 0 {
					t.Errorf("%d invocations are left, %v", len(rows), err)
				}
			})
		})
	}
}

func TestAScheduleThatIsCompleteIsDeletedWhenItIsToBe(t *testing.T) {
	remove := func(in *scheduler.CreateScheduleInput) { in.ActionAfterCompletion = types.ActionAfterCompletionDelete }
	run(t, func(t *testing.T, f *fixture) {
		tries := 0
		f.w.fail = func(Delivery) error {
			if tries++; tries < 3 {
				return errors.New("not now")
			}
			return nil
		}
		f.create("at(2000-01-01T00:10:00)", remove)
		pass(10*time.Minute + 100*time.Millisecond)
		if _, _, ok := f.agenda.look("123456789012/us-east-1/default/s"); !ok {
			t.Error("it went before its target took the call")
		}
		pass(time.Hour)
		if _, err := f.getSchedule(f.ctx, &scheduler.GetScheduleInput{Name: new("s")}); err == nil {
			t.Error("it is still there")
		}
	})
	run(t, func(t *testing.T, f *fixture) {
		f.create("cron(0/10 * * * ? *)", remove, func(in *scheduler.CreateScheduleInput) { in.EndDate = new(epoch.Add(25 * time.Minute)) })
		pass(15 * time.Minute)
		if _, err := f.getSchedule(f.ctx, &scheduler.GetScheduleInput{Name: new("s")}); err != nil {
			t.Error(err)
		}
		pass(time.Hour)
		f.ran("0s 10m0s 20m0s")
		if _, err := f.getSchedule(f.ctx, &scheduler.GetScheduleInput{Name: new("s")}); err == nil {
			t.Error("it is still there after its end")
		}
	})
	run(t, func(t *testing.T, f *fixture) {
		f.create("at(2000-01-01T00:10:00)")
		pass(time.Hour)
		if _, err := f.getSchedule(f.ctx, &scheduler.GetScheduleInput{Name: new("s")}); err != nil {
			t.Errorf("one that is to stay: %v", err)
		}
	})
}

// Goal: a restart loses no invocation that was to be tried again, and runs the last
// moment that passed meanwhile, once. Method: close, let the clock go on, open again
// over the same store.
func TestWhatPassedWhileNothingRan(t *testing.T) {
	tests := []struct {
		name, expression string
		age              int32
		down             time.Duration
		want             string // after the restart, for ten minutes
	}{
		{"a single moment runs late", "at(2000-01-01T00:10:00)", 86400, time.Hour, "1h1m0s"},
		{"one that is too old does not", "at(2000-01-01T00:10:00)", 60, time.Hour, ""},
		{"of many the last runs", "cron(30 * * * ? *)", 86400, 5*time.Hour + 45*time.Minute, "5h46m0s"},
		{"of many that are too old none", "cron(30 * * * ? *)", 60, 5*time.Hour + 45*time.Minute, ""},
		{"a rate goes on in step", "rate(7 minutes)", 86400, time.Hour, "1h1m0s 1h3m0s 1h10m0s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, st := &world{}, mem.New()
				f := open(t, w, st)
				f.create(tt.expression, func(in *scheduler.CreateScheduleInput) {
					in.Target.RetryPolicy = &types.RetryPolicy{MaximumEventAgeInSeconds: &tt.age}
				})
				pass(time.Minute)
				f.end()
				w.calls = nil
				pass(tt.down)
				f = open(t, w, st)
				pass(10 * time.Minute)
				f.ran(tt.want)
				f.end()
			})
		})
	}
	t.Run("an invocation that waits for another try has it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, st := &world{}, mem.New()
			w.fail = func(Delivery) error { return errors.New("not now") }
			f := open(t, w, st)
			f.create("at(2000-01-01T00:10:00)")
			pass(10*time.Minute + 10*time.Second)
			f.end()
			w.calls, w.fail = nil, nil
			f = open(t, w, st)
			pass(time.Hour)
			if n := len(w.taken()); n != 1 {
				t.Errorf("%d calls after the restart, want 1", n)
			}
			f.end()
		})
	})
}

func TestAnUpdateReplacesTheScheduleAndKeepsARatesStep(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.create("rate(20 minutes)")
		pass(5 * time.Minute)
		again := input("rate(20 minutes)")
		_, err := f.updateSchedule(f.ctx, &scheduler.UpdateScheduleInput{
			Name: again.Name, ScheduleExpression: again.ScheduleExpression, FlexibleTimeWindow: again.FlexibleTimeWindow,
			Target: &types.Target{Arn: new(function), RoleArn: new(goodRole), Input: new("{}")}, Description: new("new"),
		})
		if err != nil {
			t.Fatal(err)
		}
		pass(25 * time.Minute)
		f.ran("0s 20m0s")
		if last := f.w.taken()[1]; last.ARN != function {
			t.Errorf("the target is %s", last.ARN)
		}
	})
}

func TestAGroupGoesWithItsSchedules(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		if _, err := f.createGroup(f.ctx, &scheduler.CreateScheduleGroupInput{Name: new("g")}); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a", "b"} {
			f.create("rate(1 hour)", func(in *scheduler.CreateScheduleInput) { in.Name, in.GroupName = &name, new("g") })
		}
		pass(time.Minute)
		if _, err := f.deleteGroup(f.ctx, &scheduler.DeleteScheduleGroupInput{Name: new("g")}); err != nil {
			t.Fatal(err)
		}
		pass(3 * time.Hour)
		f.ran("0s 0s")
		_, err := f.getGroup(f.ctx, &scheduler.GetScheduleGroupInput{Name: new("g")})
		if e, ok := errors.AsType[*lambda.Error](err); !ok || e.Code != lambda.CodeResourceNotFound {
			t.Errorf("the group: %v", err)
		}
		if n := f.agenda.schedulesIn(place{"123456789012", "us-east-1"}); n != 0 {
			t.Errorf("%d schedules are left", n)
		}
	})
}

func TestASlowTargetDoesNotHoldOthersUp(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		slow := make(chan struct{})
		f.w.fail = nil
		f.cfg.Targets = slowTargets{f.w, slow}
		f.create("at(2000-01-01T00:10:00)", func(in *scheduler.CreateScheduleInput) { in.Name, in.Target.Arn = new("slow"), new(dead) })
		f.create("at(2000-01-01T00:10:00)")
		pass(11 * time.Minute)
		f.ran("10m0s")
		close(slow)
		pass(time.Second)
		f.ran("10m0s 11m0s")
	})
}

// slowTargets wait before they take what goes to the dead-letter queue.
type slowTargets struct {
	*world
	slow chan struct{}
}

func (s slowTargets) Deliver(ctx context.Context, d Delivery) error {
	if d.ARN == dead {
		<-s.slow
	}
	return s.world.Deliver(ctx, d)
}
