package eventbridge

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// inBubble runs a test in a bubble whose time is all the service knows.
func inBubble(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		test(t, f)
		f.end()
	})
}

// settle lets time pass until nothing waits for delivery.
func (f *fixture) settle() {
	f.t.Helper()
	for range 200_000 {
		synctest.Wait()
		left := 0
		for _, name := range f.cfg.Queue.List("", "", Kind) {
			c, err := f.cfg.Queue.Counts(name)
			if err != nil {
				f.t.Fatal(err)
			}
			left += c.Visible + c.InFlight + c.Delayed
		}
		if left == 0 {
			return
		}
		time.Sleep(time.Second)
	}
	f.t.Fatal("deliveries do not end")
}

func (f *fixture) delivered() []Delivery {
	f.t.Helper()
	f.settle()
	return f.targets.take()
}

func TestATargetGetsTheEventAsAWSWritesIt(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		f.rule("r", `{"source":["shop"],"detail":{"n":[{"numeric":[">",1]}]}}`, function())
		f.put("other", `{"n":5}`)
		f.put("shop", `{"n":1}`)
		out, err := f.putEvents(ctx(), &eb.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
			Source: aws.String("shop"), DetailType: aws.String("Order <Placed>"), Detail: aws.String("{ \"n\" : 2.50, \"t\":\"ä&\"\n}"),
			Resources: []string{"arn:aws:x"}, Time: aws.Time(time.Date(2015, 10, 8, 16, 53, 6, 999, time.UTC)), TraceHeader: aws.String("Root=1"),
		}}})
		if err != nil {
			t.Fatal(err)
		}
		got := f.delivered()
		if len(got) != 1 {
			t.Fatalf("%d deliveries, want 1", len(got))
		}
		want := `{"version":"0","id":"` + *out.Entries[0].EventId + `","detail-type":"Order <Placed>","source":"shop","account":"000000000000","time":"2015-10-08T16:53:06Z","region":"us-east-1","resources":["arn:aws:x"],"detail":{"n":2.50,"t":"ä&"}}`
		if string(got[0].Body) != want {
			t.Errorf("body %s\nwant %s", got[0].Body, want)
		}
		if d := got[0]; d.ARN != functionARN || d.RuleARN != prefix+"rule/r" || d.TraceID != "Root=1" {
			t.Errorf("delivery %+v", d)
		}
	})
}

func TestAFailingTargetIsTriedForADayThenBuried(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		target := function()
		target.DeadLetterConfig = &types.DeadLetterConfig{Arn: aws.String(deadARN)}
		f.rule("r", `{"source":["shop"]}`, target)
		f.targets.answer = func(d Delivery) error {
			if d.DeadLetter {
				return nil
			}
			return &Failure{Code: "THROTTLING", Message: "slow down"}
		}
		start := time.Now()
		f.put("shop", `{"a":1}`)
		got := f.delivered()
		if len(got) != 1 || !got[0].DeadLetter || got[0].ARN != deadARN {
			t.Fatalf("delivered %+v", got)
		}
		took := time.Since(start)
		a := got[0].Attributes
		if a["RULE_ARN"] != prefix+"rule/r" || a["TARGET_ARN"] != functionARN || a["ERROR_CODE"] != "THROTTLING" || a["ERROR_MESSAGE"] != "slow down" {
			t.Errorf("attributes %v", a)
		}
		if took > 24*time.Hour || took < 15*time.Hour {
			t.Errorf("given up after %v", took)
		}
		switch a["EXHAUSTED_RETRY_CONDITION"] {
		case "MaximumRetryAttempts":
			if a["RETRY_ATTEMPTS"] != "185" {
				t.Errorf("after %s retries", a["RETRY_ATTEMPTS"])
			}
		case "MaximumEventAgeInSeconds":
		default:
			t.Errorf("condition %q", a["EXHAUSTED_RETRY_CONDITION"])
		}
		var event struct{ Detail json.RawMessage }
		if err := json.Unmarshal(got[0].Body, &event); err != nil || string(event.Detail) != `{"a":1}` {
			t.Errorf("body %s", got[0].Body)
		}
	})
}

func TestLimitsOfATargetEndItsRetries(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		fail := function()
		fail.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(2)}
		f.rule("few", `{"source":["few"]}`, fail)
		f.targets.answer = func(Delivery) error { return &Failure{Code: "TIMEOUT"} }
		f.put("few", `{}`)
		f.settle()
		if f.targets.tried != 3 {
			t.Errorf("tried %d times, want 3", f.targets.tried)
		}
		short := function()
		short.RetryPolicy = &types.RetryPolicy{MaximumEventAgeInSeconds: aws.Int32(60)}
		f.rule("short", `{"source":["short"]}`, short)
		start := time.Now()
		f.put("short", `{}`)
		f.settle()
		if took := time.Since(start); took > time.Minute || took < 20*time.Second {
			t.Errorf("given up after %v", took)
		}
	})
}

func TestARefusalForGoodIsNotTriedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		target := function()
		target.DeadLetterConfig = &types.DeadLetterConfig{Arn: aws.String(deadARN)}
		f.rule("r", `{"source":["shop"]}`, target)
		dead := 0
		f.targets.answer = func(d Delivery) error {
			if !d.DeadLetter {
				return &Failure{Code: "NO_PERMISSIONS", Message: "no", Final: true}
			}
			if dead++; dead < 3 {
				return &Failure{Code: "THROTTLING"} // the dead-letter queue is tried again
			}
			return nil
		}
		f.put("shop", `{}`)
		got := f.delivered()
		if len(got) != 1 || got[0].Attributes["ERROR_CODE"] != "NO_PERMISSIONS" || got[0].Attributes["RETRY_ATTEMPTS"] != "0" || got[0].Attributes["EXHAUSTED_RETRY_CONDITION"] != "" {
			t.Errorf("delivered %+v", got)
		}
	})
}

func TestAFailingTargetHoldsUpNoOther(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		f.rule("bad", `{"source":["shop"]}`, types.Target{Arn: aws.String(queueARN)})
		f.rule("good", `{"source":["shop"]}`, function())
		f.targets.answer = func(d Delivery) error {
			if d.ARN == queueARN {
				return &Failure{Code: "TIMEOUT"}
			}
			return nil
		}
		start := time.Now()
		for range 100 {
			f.put("shop", `{}`)
		}
		synctest.Wait()
		if n := len(f.targets.take()); n != 100 || time.Since(start) > 0 {
			t.Errorf("%d of 100 delivered at once", n)
		}
		if _, err := f.removeTargets(ctx(), &eb.RemoveTargetsInput{Rule: aws.String("bad"), Ids: []string{"t"}}); err != nil {
			t.Fatal(err)
		}
		f.settle() // what waited for the target went with it
	})
}

func TestDeliveriesSurviveARestart(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		f.rule("r", `{"source":["shop"]}`, function())
		f.targets.answer = func(Delivery) error { return &Failure{Code: "TIMEOUT"} }
		id := f.put("shop", `{"a":1}`)
		synctest.Wait()
		f.end()
		f.targets.answer = nil
		f.start()
		got := f.delivered()
		if len(got) != 1 || !strings.Contains(string(got[0].Body), id) {
			t.Errorf("delivered %+v", got)
		}
		r, err := f.describeRule(ctx(), &eb.DescribeRuleInput{Name: aws.String("r")})
		if err != nil || *r.EventPattern != `{"source":["shop"]}` {
			t.Errorf("the rule: %+v, %v", r, err)
		}
	})
}

func TestTargetsOfARuleThatIsGoneAreGone(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		f.rule("r", `{"source":["shop"]}`, function())
		f.put("shop", `{}`)
		f.settle()
		if _, err := f.removeTargets(ctx(), &eb.RemoveTargetsInput{Rule: aws.String("r"), Ids: []string{"t"}}); err != nil {
			t.Fatal(err)
		}
		if names := f.cfg.Queue.List("", "", Kind); len(names) != 0 {
			t.Errorf("queues %v", names)
		}
		f.rule("r", `{"source":["shop"]}`, function())
		f.targets.take()
		f.put("shop", `{}`)
		if n := len(f.delivered()); n != 1 {
			t.Errorf("%d deliveries to a target that was made again", n)
		}
	})
}

func TestADisabledRuleSleeps(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		f.rule("r", `{"source":["shop"]}`, function())
		if _, err := f.disableRule(ctx(), &eb.DisableRuleInput{Name: aws.String("r")}); err != nil {
			t.Fatal(err)
		}
		f.put("shop", `{}`)
		if n := len(f.delivered()); n != 0 {
			t.Errorf("%d deliveries", n)
		}
	})
}

func TestEventsGoOnToOneOtherBus(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		for _, name := range []string{"b", "c"} {
			if _, err := f.createEventBus(ctx(), &eb.CreateEventBusInput{Name: &name}); err != nil {
				t.Fatal(err)
			}
		}
		f.rule("on", `{"source":["shop"]}`, types.Target{Arn: aws.String(prefix + "event-bus/b")})
		third := types.Target{Id: aws.String("c"), Arn: aws.String(prefix + "event-bus/c"), DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String(deadARN)}}
		f.ruleOn("b", "third", `{"source":["shop"]}`, third)
		f.ruleOn("b", "here", `{"source":["shop"]}`, function())
		f.ruleOn("c", "never", `{"source":["shop"]}`, types.Target{Arn: aws.String(queueARN)})
		id := f.put("shop", `{}`)
		got := f.delivered()
		if len(got) != 2 {
			t.Fatalf("delivered %+v", got)
		}
		for _, d := range got {
			if !strings.Contains(string(d.Body), `"id":"`+id+`"`) {
				t.Errorf("another event: %s", d.Body)
			}
			if d.DeadLetter && d.Attributes["ERROR_CODE"] != "THIRD_ACCOUNT_HOP_DETECTED" || !d.DeadLetter && d.RuleARN != prefix+"rule/b/here" {
				t.Errorf("delivered %+v", d)
			}
		}
		f.targets.deny = &Failure{Code: "NO_PERMISSIONS", Final: true}
		f.put("shop", `{}`)
		if got := f.delivered(); len(got) != 0 {
			t.Errorf("delivered %+v to a bus that is denied", got)
		}
	})
}

func TestServicesMayUseTheirSources(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		f.rule("r", `{"source":["aws.s3"]}`, function())
		c := lambda.WithCaller(t.Context(), lambda.Caller{Kind: lambda.PrincipalService, ARN: "s3.amazonaws.com", Account: account, Region: region})
		out, err := f.putEvents(c, &eb.PutEventsInput{Entries: []types.PutEventsRequestEntry{
			{Source: aws.String("aws.s3"), DetailType: aws.String("Object Created"), Detail: aws.String(`{}`), EventBusName: aws.String("default")},
		}})
		if err != nil || out.FailedEntryCount != 0 || len(f.delivered()) != 1 {
			t.Errorf("put: %v %+v", err, out)
		}
	})
}

func TestSchedulesFire(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		time.Sleep(90 * time.Second) // bubbles begin at midnight
		for name, expression := range map[string]string{"rate": "rate(2 minutes)", "cron": "cron(0/5 * * * ? *)", "off": "rate(1 minute)"} {
			in := &eb.PutRuleInput{Name: &name, ScheduleExpression: &expression}
			if name == "off" {
				in.State = types.RuleStateDisabled
			}
			if _, err := f.putRule(ctx(), in); err != nil {
				t.Fatal(err)
			}
			if _, err := f.putTargets(ctx(), &eb.PutTargetsInput{Rule: &name, Targets: []types.Target{{Id: aws.String("t"), Arn: aws.String(functionARN)}}}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Minute) // until 00:11:30
		var got []string
		for _, d := range f.delivered() {
			var e envelope
			if err := json.Unmarshal(d.Body, &e); err != nil {
				t.Fatal(err)
			}
			if e.Source != "aws.events" || e.DetailType != "Scheduled Event" || string(e.Detail) != "{}" || !slices.Equal(e.Resources, []string{d.RuleARN}) {
				t.Errorf("event %s", d.Body)
			}
			got = append(got, strings.TrimPrefix(d.RuleARN, prefix+"rule/")+" "+e.Time[11:19])
		}
		slices.Sort(got)
		want := []string{"cron 00:05:00", "cron 00:10:00", "rate 00:03:30", "rate 00:05:30", "rate 00:07:30", "rate 00:09:30", "rate 00:11:30"}
		if !slices.Equal(got, want) {
			t.Errorf("fired %v\nwant %v", got, want)
		}
	})
}

func TestAnArchiveIsPlayedBack(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		f.rule("r", `{"source":["shop"]}`, function())
		f.rule("other", `{"source":["shop"]}`, types.Target{Arn: aws.String(queueARN)})
		if _, err := f.createArchive(ctx(), &eb.CreateArchiveInput{ArchiveName: aws.String("a"), EventSourceArn: aws.String(prefix + "event-bus/default"), RetentionDays: aws.Int32(2)}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		var ids []string
		for i := range 450 { // more than two pages
			ids = append(ids, f.put("shop", fmt.Sprintf(`{"i":%d}`, i)))
			time.Sleep(time.Second)
		}
		f.delivered()
		in := &eb.StartReplayInput{
			ReplayName: aws.String("p"), EventSourceArn: aws.String(prefix + "archive/a"),
			Destination:    &types.ReplayDestination{Arn: aws.String(prefix + "event-bus/default"), FilterArns: []string{prefix + "rule/r"}},
			EventStartTime: aws.Time(start.Add(10 * time.Second)), EventEndTime: aws.Time(start.Add(440 * time.Second)),
		}
		if _, err := f.startReplay(ctx(), in); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		got := f.delivered()
		if len(got) != 430 {
			t.Fatalf("%d events, want 430", len(got))
		}
		for _, d := range got {
			var e envelope
			if err := json.Unmarshal(d.Body, &e); err != nil {
				t.Fatal(err)
			}
			if d.RuleARN != prefix+"rule/r" || e.Replay != "p" || !slices.Contains(ids[10:440], e.ID) {
				t.Errorf("delivered %s", d.Body)
			}
		}
		if n, _, err := f.count(ctx(), ownName{account, region, "a"}, f.index.archives[ownName{account, region, "a"}]); n != 450 || err != nil {
			t.Errorf("the archive has %d events, %v", n, err)
		}
		time.Sleep(3 * 24 * time.Hour)
		synctest.Wait()
		if rows, err := f.kept.List(ctx(), "", "", 10); err != nil || len(rows) != 0 {
			t.Errorf("%d events outlive their retention, %v", len(rows), err)
		}
	})
}

func TestAReplayThatWasInterruptedGoesOn(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		f.rule("r", `{"source":["shop"]}`, function())
		if _, err := f.createArchive(ctx(), &eb.CreateArchiveInput{ArchiveName: aws.String("a"), EventSourceArn: aws.String(prefix + "event-bus/default")}); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			f.put("shop", `{}`)
			time.Sleep(time.Second)
		}
		f.delivered()
		rows, err := f.kept.List(ctx(), "", "", 10)
		if err != nil || len(rows) != 10 {
			t.Fatalf("%d events, %v", len(rows), err)
		}
		f.end()
		name := ownName{account, region, "p"}
		if _, err := f.replays.Put(ctx(), name.record(), replayRecord{
			Account: account, Region: region, Name: "p", Archive: "a", Bus: defaultBus, From: time.Unix(0, 0), To: time.Now(), State: "RUNNING", Cursor: rows[5].Key,
		}, 0); err != nil {
			t.Fatal(err)
		}
		f.start()
		synctest.Wait()
		if got := f.delivered(); len(got) != 4 {
			t.Errorf("%d events, want 4", len(got))
		}
		f.mu.RLock()
		defer f.mu.RUnlock()
		if r := f.index.replays[name]; r.State != "COMPLETED" || r.Cursor != rows[9].Key {
			t.Errorf("replay %+v", r)
		}
	})
}

func TestRetentionCountsFromArrival(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		if _, err := f.createArchive(ctx(), &eb.CreateArchiveInput{ArchiveName: aws.String("a"), EventSourceArn: aws.String(prefix + "event-bus/default"), RetentionDays: aws.Int32(1)}); err != nil {
			t.Fatal(err)
		}
		if _, err := f.putEvents(ctx(), &eb.PutEventsInput{Entries: []types.PutEventsRequestEntry{
			{Source: aws.String("s"), DetailType: aws.String("T"), Detail: aws.String("{}"), Time: aws.Time(time.Unix(0, 0))},
		}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Hour)
		synctest.Wait()
		if rows, err := f.kept.List(ctx(), "", "", 10); err != nil || len(rows) != 1 {
			t.Errorf("after 20 hours %d events, %v", len(rows), err)
		}
		time.Sleep(20 * time.Hour)
		synctest.Wait()
		if rows, err := f.kept.List(ctx(), "", "", 10); err != nil || len(rows) != 0 {
			t.Errorf("after 40 hours %d events, %v", len(rows), err)
		}
	})
}

func TestAnArchiveOutlivesItsBus(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		name, archive := aws.String("orders"), aws.String("a")
		source := aws.String(prefix + "event-bus/orders")
		steps := []func() error{
			func() error { _, err := f.createEventBus(ctx(), &eb.CreateEventBusInput{Name: name}); return err },
			func() error {
				_, err := f.createArchive(ctx(), &eb.CreateArchiveInput{ArchiveName: archive, EventSourceArn: source})
				return err
			},
			func() error {
				_, err := f.putEvents(ctx(), &eb.PutEventsInput{Entries: []types.PutEventsRequestEntry{{EventBusName: name, Source: aws.String("s"), DetailType: aws.String("T"), Detail: aws.String("{}")}}})
				return err
			},
		}
		run := func() {
			t.Helper()
			for _, step := range steps {
				if err := step(); err != nil {
					t.Fatal(err)
				}
			}
		}
		run()
		if _, err := f.deleteEventBus(ctx(), &eb.DeleteEventBusInput{Name: name}); err != nil {
			t.Fatal(err)
		}
		f.end()
		f.start()
		if _, err := f.describeEventBus(ctx(), &eb.DescribeEventBusInput{Name: name}); err == nil {
			t.Error("the bus is back")
		}
		if _, err := f.updateArchive(ctx(), &eb.UpdateArchiveInput{ArchiveName: archive, Description: aws.String("d")}); err != nil {
			t.Error(err)
		}
		steps = slices.Delete(steps, 1, 2)
		run() // made again, the bus fills it again
		a, err := f.describeArchive(ctx(), &eb.DescribeArchiveInput{ArchiveName: archive})
		if err != nil || a.EventCount != 2 || *a.Description != "d" {
			t.Errorf("the archive has %+v, %v", a, err)
		}
	})
}

func TestACancelledReplayStops(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		if _, err := f.createArchive(ctx(), &eb.CreateArchiveInput{ArchiveName: aws.String("a"), EventSourceArn: aws.String(prefix + "event-bus/default")}); err != nil {
			t.Fatal(err)
		}
		f.put("shop", `{}`)
		f.end() // so that nothing plays it before it is cancelled
		f.start()
		f.stop()
		f.start()
		name := ownName{account, region, "p"}
		f.writing.Lock()
		err := f.keepReplay(ctx(), replayRecord{
			Account: account, Region: region, Name: "p", Archive: "a", Bus: defaultBus, From: time.Unix(0, 0), To: time.Now().Add(time.Hour), State: "STARTING",
		})
		f.writing.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.cancelReplay(ctx(), &eb.CancelReplayInput{ReplayName: aws.String("p")}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		f.mu.RLock()
		defer f.mu.RUnlock()
		if r := f.index.replays[name]; r.State != "CANCELLED" || r.Cursor != "" || r.Ended.IsZero() {
			t.Errorf("replay %+v", r)
		}
	})
}
