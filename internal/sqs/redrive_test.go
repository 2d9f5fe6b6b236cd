package sqs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func arn(name string) string { return "arn:aws:sqs:" + region + ":" + account + ":" + name }

func redriveTo(name string, most int) string {
	return fmt.Sprintf(`{"maxReceiveCount": "%d", "deadLetterTargetArn": %q}`, most, arn(name))
}

func TestMessagesThatAreReceivedTooOftenGoToTheDeadLetterQueue(t *testing.T) {
	f := newFixture(t)
	dead := f.make("dead")
	url := f.make("q", "VisibilityTimeout", "1", "RedrivePolicy", redriveTo("dead", 2))
	if got, want := f.attributes(url)["RedrivePolicy"], `{"deadLetterTargetArn":"`+arn("dead")+`","maxReceiveCount":2}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := f.SendMessage(f.ctx(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("m"), MessageAttributes: map[string]attribute1{"a": text("v")}}); err != nil {
		t.Fatal(err)
	}
	var id string
	for range 2 {
		got := f.receive(url)
		if len(got) != 1 {
			t.Fatal("not received")
		}
		id = *got[0].MessageId
		f.pass(time.Second)
	}
	if got := f.receive(url); len(got) != 0 {
		t.Errorf("a third time: %s", bodies(got))
	}
	got := f.receive(dead)
	if len(got) != 1 || *got[0].MessageId != id || got[0].Attributes["DeadLetterQueueSourceArn"] != arn("q") ||
		got[0].Attributes["SentTimestamp"] != fmt.Sprint(noon.UnixMilli()) || got[0].MessageAttributes["a"].StringValue == nil {
		t.Errorf("got %+v", got)
	}
	f.make("q2", "RedrivePolicy", redriveTo("dead", 1))
	sources, err := f.ListDeadLetterSourceQueues(f.ctx(), &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: dead})
	if err != nil || len(sources.QueueUrls) != 2 || sources.QueueUrls[0] != *url {
		t.Errorf("got %v, %v", sources, err)
	}
	if none, err := f.ListDeadLetterSourceQueues(f.ctx(), &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: url}); err != nil || len(none.QueueUrls) != 0 {
		t.Errorf("got %v, %v", none, err)
	}
	if err := f.set(url, "RedrivePolicy", ""); err != nil {
		t.Error(err)
	}
	if _, ok := f.attributes(url)["RedrivePolicy"]; ok {
		t.Error("still there")
	}
}

func TestWhatARedrivePolicyMayNotSay(t *testing.T) {
	f := newFixture(t)
	f.make("dead")
	f.make("dead.fifo")
	f.make("closed", "RedriveAllowPolicy", `{"redrivePermission":"denyAll"}`)
	f.make("listed", "RedriveAllowPolicy", `{"redrivePermission":"byQueue","sourceQueueArns":["`+arn("q")+`"]}`)
	f.make("open", "RedriveAllowPolicy", `{"redrivePermission":"allowAll"}`)
	url, stranger := f.make("q"), f.make("stranger")
	for _, c := range []struct{ policy, text string }{
		{"x", "unsupported format"},
		{"[]", "unsupported format"},
		{"null", "unsupported format"},
		{redriveTo("dead", 1) + "{}", "unsupported format"},
		{`{}`, "mandatory attribute: maxReceiveCount"},
		{`{"maxReceiveCount":1}`, "mandatory attribute: deadLetterTargetArn"},
		{redriveTo("dead", 0), "Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive."},
		{redriveTo("dead", 1001), "Invalid value for maxReceiveCount"},
		{`{"maxReceiveCount":1,"deadLetterTargetArn":"dead"}`, "Invalid value for deadLetterTargetArn."},
		{`{"maxReceiveCount":1,"deadLetterTargetArn":5}`, "Invalid value for deadLetterTargetArn."},
		{strings.Replace(redriveTo("dead", 1), "{", `{"other":1,`, 1), "Only following attributes are supported"},
		{redriveTo("none", 1), "Dead letter target does not exist."},
		{redriveTo("dead.fifo", 1), "same type of queue"},
		{strings.Replace(redriveTo("dead", 1), account, other, 1), "Dead-letter queue owner should be same as the source."},
		{strings.Replace(redriveTo("dead", 1), region, "us-east-1", 1), "same region"},
		{redriveTo("closed", 1), "does not permit this source queue"},
	} {
		wantError(t, f.set(url, "RedrivePolicy", c.policy), "InvalidParameterValue", 400, c.text)
	}
	wantError(t, f.set(stranger, "RedrivePolicy", redriveTo("listed", 1)), "InvalidParameterValue", 400, "does not permit")
	for _, name := range []string{"listed", "open", "dead"} {
		if err := f.set(url, "RedrivePolicy", redriveTo(name, 1000)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	eleven := strings.TrimSuffix(strings.Repeat(`"`+arn("q")+`",`, 11), ",")
	for _, c := range []string{
		"x", `{}`, `{"redrivePermission":"some"}`, `{"redrivePermission":"byQueue"}`, `{"redrivePermission":"allowAll","sourceQueueArns":["` + arn("q") + `"]}`,
		`{"redrivePermission":"byQueue","sourceQueueArns":["q"]}`, `{"redrivePermission":"byQueue","sourceQueueArns":[` + eleven + `]}`,
		`{"redrivePermission":"denyAll","other":1}`, `{"redrivePermission":"denyAll"}{}`,
	} {
		wantError(t, f.set(url, "RedriveAllowPolicy", c), "InvalidParameterValue", 400, "RedriveAllowPolicy")
	}
}

// dead fills a dead-letter queue from another queue and returns its URL.
func (f *fixture) dead(n int) *string {
	f.t.Helper()
	dead := f.make("dead")
	url := f.make("q", "VisibilityTimeout", "0", "RedrivePolicy", redriveTo("dead", 1))
	for i := range n {
		f.send(url, fmt.Sprint(i))
	}
	for range 2 + n/5 {
		f.receive(url)
	}
	if got := f.attributes(dead)["ApproximateNumberOfMessages"]; got != fmt.Sprint(n) {
		f.t.Fatalf("%s dead letters", got)
	}
	return dead
}

// move runs the tasks that wait, as Run does, and returns the latest of the
// dead-letter queue.
func (f *fixture) move() task {
	f.t.Helper()
	for _, t := range f.mover.waiting() {
		f.runTask(f.ctx(), t)
	}
	return f.mover.list(f.named("dead"))[0]
}

func (f *fixture) start(destination string, rate int32) (*string, error) {
	in := &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(arn("dead"))}
	if destination != "" {
		in.DestinationArn = aws.String(arn(destination))
	}
	if rate != 0 {
		in.MaxNumberOfMessagesPerSecond = &rate
	}
	out, err := f.StartMessageMoveTask(f.ctx(), in)
	if err != nil {
		return nil, err
	}
	return out.TaskHandle, nil
}

func (f *fixture) tasks(most int32) []taskEntry {
	f.t.Helper()
	out, err := f.ListMessageMoveTasks(f.ctx(), &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(arn("dead")), MaxResults: &most})
	if err != nil {
		f.t.Fatal(err)
	}
	return out.Results
}

func TestDeadLettersAreMovedBackOrElsewhere(t *testing.T) {
	f := newFixture(t)
	f.dead(3)
	url := f.make("q", "VisibilityTimeout", "0")
	handle, err := f.start("", 0)
	if err != nil || aws.ToString(handle) == "" {
		t.Fatal(handle, err)
	}
	if got := f.move(); got.State != taskCompleted || got.Moved != 3 || got.ToMove != 3 {
		t.Errorf("got %+v", got)
	}
	if got := f.attributes(url)["ApproximateNumberOfMessages"]; got != "3" {
		t.Errorf("%s are back", got)
	}
	for range 2 {
		f.receive(url) // to the dead letters again
	}
	f.pass(time.Second)
	f.make("elsewhere")
	if _, err := f.start("elsewhere", 500); err != nil {
		t.Fatal(err)
	}
	f.move()
	f.reopen()
	got := f.tasks(10)
	if len(got) != 2 || *got[0].Status != taskCompleted || aws.ToString(got[0].DestinationArn) != arn("elsewhere") || *got[0].MaxNumberOfMessagesPerSecond != 500 ||
		got[0].TaskHandle != nil || got[1].DestinationArn != nil || got[0].StartedTimestamp <= got[1].StartedTimestamp || got[0].ApproximateNumberOfMessagesMoved != 3 {
		t.Errorf("got %+v", got)
	}
	if len(f.tasks(1)) != 1 {
		t.Error("more than was asked for")
	}
	elsewhere := f.make("elsewhere")
	if got := len(f.receive(elsewhere)); got != 3 {
		t.Errorf("%d are elsewhere", got)
	}
	for i := range tasksKept + 3 {
		f.pass(time.Second)
		if _, err := f.start("", 0); err != nil {
			t.Fatal(i, err)
		}
		f.move()
	}
	if got := f.tasks(10); len(got) != tasksKept {
		t.Errorf("%d tasks are kept", len(got))
	}
}

func TestATaskThatWasInterruptedGoesOnAndMayBeCancelled(t *testing.T) {
	f := newFixture(t)
	dead := f.dead(2)
	handle, err := f.start("", 1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.start("", 0)
	wantError(t, err, "AWS.SimpleQueueService.UnsupportedOperation", 400, "There is already a task running.")
	f.reopen() // nobody has run it so far
	if got := f.tasks(1); len(got) != 1 || *got[0].Status != taskRunning || *got[0].TaskHandle != *handle {
		t.Fatalf("got %+v", got)
	}
	if _, err := f.CancelMessageMoveTask(f.ctx(), &sqs.CancelMessageMoveTaskInput{TaskHandle: handle}); err != nil {
		t.Fatal(err)
	}
	if got := f.tasks(1); *got[0].Status != taskCancelling || got[0].TaskHandle != nil {
		t.Errorf("got %+v", got)
	}
	if got := f.move(); got.State != taskCancelled {
		t.Errorf("got %+v", got)
	}
	if got := f.attributes(dead)["ApproximateNumberOfMessages"]; got != "2" {
		t.Errorf("%s are left", got)
	}
	_, err = f.CancelMessageMoveTask(f.ctx(), &sqs.CancelMessageMoveTaskInput{TaskHandle: handle})
	wantError(t, err, "AWS.SimpleQueueService.UnsupportedOperation", 400, "")
}

func TestATaskFailsWhenAMessageHasNowhereToGo(t *testing.T) {
	f := newFixture(t)
	dead := f.dead(1)
	f.send(dead, "sent to the dead-letter queue itself")
	if _, err := f.start("", 0); err != nil {
		t.Fatal(err)
	}
	if got := f.move(); got.State != taskFailed || got.Failure != "CouldNotDetermineMessageSource" || got.Moved != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestWhatAMoveTaskIsRefusedFor(t *testing.T) {
	f := newFixture(t)
	f.dead(1)
	f.make("dead.fifo")
	for _, c := range []struct {
		source, destination string
		rate                int32
		code                string
		status              int
		text                string
	}{
		{"", "", 0, "InvalidParameterValue", 400, "SourceArn"},
		{arn("none"), "", 0, "ResourceNotFoundException", 404, "The resource that you specified for the SourceArn parameter doesn't exist."},
		{strings.Replace(arn("dead"), account, other, 1), "", 0, "ResourceNotFoundException", 404, "SourceArn"},
		{arn("q"), "", 0, "InvalidParameterValue", 400, "Source queue must be configured as a Dead Letter Queue."},
		{arn("dead"), arn("none"), 0, "ResourceNotFoundException", 404, "DestinationArn"},
		{arn("dead"), arn("dead"), 0, "InvalidParameterValue", 400, "must be different"},
		{arn("dead"), arn("dead.fifo"), 0, "InvalidParameterValue", 400, "same type"},
		{arn("dead"), "", -1, "InvalidParameterValue", 400, "MaxNumberOfMessagesPerSecond"},
		{arn("dead"), "", 501, "InvalidParameterValue", 400, "MaxNumberOfMessagesPerSecond"},
	} {
		in := &sqs.StartMessageMoveTaskInput{SourceArn: &c.source}
		if c.destination != "" {
			in.DestinationArn = &c.destination
		}
		if c.rate != 0 {
			in.MaxNumberOfMessagesPerSecond = &c.rate
		}
		_, err := f.StartMessageMoveTask(f.ctx(), in)
		wantError(t, err, c.code, c.status, c.text)
	}
	for _, denied := range []string{"sqs:ReceiveMessage " + arn("dead"), "sqs:DeleteMessage " + arn("dead"), "sqs:SendMessage " + arn("q")} {
		f.deny(denied)
		_, err := f.start("", 0)
		wantError(t, err, "AccessDenied", 403, "not authorized")
	}
	f.deny("")
	stranger := task{ID: "x", Source: f.named("dead")}
	for handle, code := range map[string]string{"*": "InvalidParameterValue", "e30=": "InvalidParameterValue", *stranger.handle(): "ResourceNotFoundException"} {
		_, err := f.CancelMessageMoveTask(f.ctx(), &sqs.CancelMessageMoveTaskInput{TaskHandle: &handle})
		wantError(t, err, code, map[bool]int{true: 400, false: 404}[code == "InvalidParameterValue"], "")
	}
	_, err := f.ListMessageMoveTasks(f.ctx(), &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(arn("dead")), MaxResults: aws.Int32(11)})
	wantError(t, err, "InvalidParameterValue", 400, "MaxResults")
}

func TestThePaceOfAMove(t *testing.T) {
	for _, c := range []struct {
		rate   int32
		passed time.Duration
		moved  int64
		want   int
	}{
		{0, 0, 0, moveStep},
		{0, time.Hour, 1 << 40, moveStep},
		{1, 0, 0, 1}, // the first at once
		{1, 100 * time.Millisecond, 1, 0},
		{1, 900 * time.Millisecond, 1, 0},
		{1, 1900 * time.Millisecond, 1, 1},
		{500, 0, 0, 50},
		{500, 100 * time.Millisecond, 50, 50},
		{500, time.Hour, 50, moveStep}, // a clock that jumped does not make a burst of all
		{500, -time.Hour, 50, 0},
	} {
		if got := pace(c.rate, c.passed, c.moved); got != c.want {
			t.Errorf("rate %d after %s and %d: got %d, want %d", c.rate, c.passed, c.moved, got, c.want)
		}
	}
}

func TestReasonsOfRedrivePoliciesAreWhole(t *testing.T) {
	if p, reason := parseRedrive(redriveTo("dead", 5)); reason != "" || p.target.Name != "dead" || p.MaxReceives != 5 {
		t.Errorf("got %+v, %s", p, reason)
	}
	if a, reason := parseAllow(""); reason != "" || !a.permit("x") || slices.Contains(a.Sources, "x") {
		t.Errorf("got %+v, %s", a, reason)
	}
}
