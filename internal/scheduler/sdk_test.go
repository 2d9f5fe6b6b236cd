package scheduler

import (
	"cmp"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/smithy-go"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store/mem"
	"github.com/hearthfaas/hearth/internal/wire/wiretest"
)

// client is AWS's own client, whose requests reach a service through the codec of its
// protocol. Its clock stands still.
func client(t *testing.T) (*scheduler.Client, *Service) {
	t.Helper()
	s, err := Open(t.Context(), Config{
		Store: mem.New(), Roles: &world{}, Targets: &world{}, Now: func() time.Time { return epoch }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	url := wiretest.Serve(t, wiretest.New(t, lambda.Caller{Account: "123456789012", Region: "us-east-1"}, s.API()))
	return scheduler.New(scheduler.Options{BaseEndpoint: &url, Region: "us-east-1", RetryMaxAttempts: 1, Credentials: wiretest.Keys}), s
}

func refused(t *testing.T, err error, code, text string) {
	t.Helper()
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), text) {
		t.Errorf("got %v, want %s %q", err, code, text)
	}
}

func TestAWSsClientReadsBackWhatItWrote(t *testing.T) {
	c, _ := client(t)
	ctx := t.Context()
	start, end := epoch.Add(time.Hour), epoch.Add(48*time.Hour)
	made, err := c.CreateSchedule(ctx, input("cron(0 9 ? * MON-FRI *)", func(in *scheduler.CreateScheduleInput) {
		in.Description, in.ScheduleExpressionTimezone = new("each morning"), new("Europe/Berlin")
		in.StartDate, in.EndDate, in.ActionAfterCompletion = &start, &end, types.ActionAfterCompletionDelete
		in.FlexibleTimeWindow = &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeFlexible, MaximumWindowInMinutes: new(int32(15))}
		in.Target.DeadLetterConfig = &types.DeadLetterConfig{Arn: new(dead)}
		in.Target.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: new(int32(3))}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:scheduler:us-east-1:123456789012:schedule/default/s"; *made.ScheduleArn != want {
		t.Errorf("ARN %s, want %s", *made.ScheduleArn, want)
	}
	got, err := c.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: new("s")})
	if err != nil {
		t.Fatal(err)
	}
	if *got.Arn != *made.ScheduleArn || *got.GroupName != "default" || *got.Description != "each morning" || *got.ScheduleExpressionTimezone != "Europe/Berlin" ||
		!got.StartDate.Equal(start) || !got.EndDate.Equal(end) || got.ActionAfterCompletion != types.ActionAfterCompletionDelete ||
		got.State != types.ScheduleStateEnabled || *got.FlexibleTimeWindow.MaximumWindowInMinutes != 15 || !got.CreationDate.Equal(epoch) ||
		*got.Target.Arn != queue || *got.Target.RoleArn != goodRole || *got.Target.Input != "hello" || *got.Target.DeadLetterConfig.Arn != dead ||
		*got.Target.RetryPolicy.MaximumRetryAttempts != 3 || *got.Target.RetryPolicy.MaximumEventAgeInSeconds != 86400 {
		t.Errorf("got %+v, target %+v", got, got.Target)
	}
	update := input("rate(5 minutes)")
	if _, err := c.UpdateSchedule(ctx, &scheduler.UpdateScheduleInput{
		Name: update.Name, ScheduleExpression: update.ScheduleExpression, FlexibleTimeWindow: update.FlexibleTimeWindow, Target: update.Target,
		State: types.ScheduleStateDisabled,
	}); err != nil {
		t.Fatal(err)
	}
	got, err = c.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: new("s"), GroupName: new("default")})
	if err != nil {
		t.Fatal(err)
	}
	if got.Description != nil || got.StartDate != nil || got.EndDate != nil || got.State != types.ScheduleStateDisabled || *got.ScheduleExpressionTimezone != "UTC" ||
		got.FlexibleTimeWindow.Mode != types.FlexibleTimeWindowModeOff || got.Target.DeadLetterConfig != nil || *got.Target.RetryPolicy.MaximumRetryAttempts != 185 {
		t.Errorf("after the update got %+v: what it left out is to be as if never given", got)
	}
	if _, err := c.DeleteSchedule(ctx, &scheduler.DeleteScheduleInput{Name: new("s")}); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: new("s")})
	refused(t, err, "ResourceNotFoundException", "Schedule s does not exist.")
	_, err = c.DeleteSchedule(ctx, &scheduler.DeleteScheduleInput{Name: new("s")})
	refused(t, err, "ResourceNotFoundException", "Schedule s does not exist.")
}

func TestRefusals(t *testing.T) {
	c, _ := client(t)
	tests := []struct {
		name   string
		change func(*scheduler.CreateScheduleInput)
		code   string
		text   string
	}{
		{"an expression", func(in *scheduler.CreateScheduleInput) { in.ScheduleExpression = new("rate(5 parsecs)") }, "", "Invalid Schedule Expression rate(5 parsecs)."},
		{"a time zone", func(in *scheduler.CreateScheduleInput) { in.ScheduleExpressionTimezone = new("Mars/Olympus") }, "", "Mars/Olympus"},
		{"a name", func(in *scheduler.CreateScheduleInput) { in.Name = new("a b") }, "", "Member must satisfy regular expression pattern"},
		{"a group", func(in *scheduler.CreateScheduleInput) { in.GroupName = new("none") }, "ResourceNotFoundException", "Schedule group none does not exist."},
		{"a window without its size", func(in *scheduler.CreateScheduleInput) {
			in.FlexibleTimeWindow.Mode = types.FlexibleTimeWindowModeFlexible
		}, "", "MaximumWindowInMinutes"},
		{"a size without a window", func(in *scheduler.CreateScheduleInput) { in.FlexibleTimeWindow.MaximumWindowInMinutes = new(int32(5)) }, "", "MaximumWindowInMinutes"},
		{"a window too large", func(in *scheduler.CreateScheduleInput) {
			in.FlexibleTimeWindow = &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeFlexible, MaximumWindowInMinutes: new(int32(1441))}
		}, "", "Member must have value less than or equal to 1440"},
		{"a start in the past", func(in *scheduler.CreateScheduleInput) { in.StartDate = new(epoch.Add(-time.Hour)) }, "", "cannot be earlier than 5 minutes ago"},
		{"an end in the past", func(in *scheduler.CreateScheduleInput) { in.EndDate = new(epoch.Add(-time.Hour)) }, "", "EndDate"},
		{"an end before the start", func(in *scheduler.CreateScheduleInput) {
			in.StartDate, in.EndDate = new(epoch.Add(2*time.Hour)), new(epoch.Add(time.Hour))
		}, "", "must come before the EndDate"},
		{"a role that Scheduler may not take", func(in *scheduler.CreateScheduleInput) { in.Target.RoleArn = new(goodRole + "2") }, "", "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."},
		{"a role that the caller may not pass", func(in *scheduler.CreateScheduleInput) {
			in.Target.RoleArn = new("arn:aws:iam::123456789012:role/x/secret")
		}, "AccessDeniedException", "no"},
		{"a target that is none", func(in *scheduler.CreateScheduleInput) { in.Target.Arn = new("queue") }, "", "Provided Arn is not in correct format."},
		{"a target that is not served", func(in *scheduler.CreateScheduleInput) {
			in.Target.Arn = new("arn:aws:kinesis:us-east-1:123456789012:stream/s")
		}, "", "not supported"},
		{"a function's input that is no JSON", func(in *scheduler.CreateScheduleInput) { in.Target.Arn = new(function) }, "", "JSON"},
		{"a bus without a source", func(in *scheduler.CreateScheduleInput) {
			in.Target.Arn, in.Target.Input = new("arn:aws:events:us-east-1:123456789012:event-bus/default"), new("{}")
		}, "", "EventBridgeParameters"},
		{"a bus's parameters for a queue", func(in *scheduler.CreateScheduleInput) {
			in.Target.EventBridgeParameters = &types.EventBridgeParameters{Source: new("a"), DetailType: new("b")}
		}, "", "do not match"},
		{"a queue in order without a group", func(in *scheduler.CreateScheduleInput) { in.Target.Arn = new(queue + ".fifo") }, "", "MessageGroupId"},
		{"dead letters in order", func(in *scheduler.CreateScheduleInput) {
			in.Target.DeadLetterConfig = &types.DeadLetterConfig{Arn: new(dead + ".fifo")}
		}, "", "target.deadLetterConfig.arn"},
		{"a source of AWS's own", func(in *scheduler.CreateScheduleInput) {
			in.Target.Arn, in.Target.Input = new("arn:aws:events:us-east-1:123456789012:event-bus/default"), new("{}")
			in.Target.EventBridgeParameters = &types.EventBridgeParameters{Source: new("aws.ec2"), DetailType: new("b")}
		}, "", "target.eventBridgeParameters.source"},
		{"an operation that only reads", func(in *scheduler.CreateScheduleInput) {
			in.Target.Arn, in.Target.Input = new("arn:aws:scheduler:::aws-sdk:sqs:getQueueUrl"), new("{}")
		}, "", "not a supported api action"},
		{"too many retries", func(in *scheduler.CreateScheduleInput) {
			in.Target.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: new(int32(186))}
		}, "", "185"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := c.CreateSchedule(t.Context(), input("rate(5 minutes)", tt.change))
			refused(t, err, cmp.Or(tt.code, "ValidationException"), tt.text)
		})
	}
	out, err := c.ListSchedules(t.Context(), &scheduler.ListSchedulesInput{})
	if err != nil || len(out.Schedules) != 0 {
		t.Errorf("%d schedules, %v; want none", len(out.Schedules), err)
	}
}

func TestTheSameRequestAgainGetsTheSameAnswer(t *testing.T) {
	c, _ := client(t)
	once := func(change ...func(*scheduler.CreateScheduleInput)) error {
		in := input("rate(5 minutes)", change...)
		in.ClientToken = new("token")
		_, err := c.CreateSchedule(t.Context(), in)
		return err
	}
	for range 2 {
		if err := once(); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, once(func(in *scheduler.CreateScheduleInput) { in.Description = new("other") }), "ConflictException", "Schedule s already exists.")
	_, err := c.CreateSchedule(t.Context(), input("rate(5 minutes)"))
	refused(t, err, "ConflictException", "Schedule s already exists.")
}

func TestListsComeInPages(t *testing.T) {
	c, _ := client(t)
	ctx := t.Context()
	for _, group := range []string{"blue", "red"} {
		if _, err := c.CreateScheduleGroup(ctx, &scheduler.CreateScheduleGroupInput{Name: &group}); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a1", "a2", "b1"} {
			if _, err := c.CreateSchedule(ctx, input("rate(5 minutes)", func(in *scheduler.CreateScheduleInput) {
				in.Name, in.GroupName = &name, &group
				if name == "a2" {
					in.State = types.ScheduleStateDisabled
				}
			})); err != nil {
				t.Fatal(err)
			}
		}
	}
	list := func(in scheduler.ListSchedulesInput) (names []string) {
		t.Helper()
		pages := scheduler.NewListSchedulesPaginator(c, &in, func(o *scheduler.ListSchedulesPaginatorOptions) { o.Limit = 2 })
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Schedules) > 2 {
				t.Errorf("a page of %d", len(page.Schedules))
			}
			for _, s := range page.Schedules {
				names = append(names, *s.GroupName+"/"+*s.Name)
			}
		}
		return names
	}
	for _, tt := range []struct {
		in   scheduler.ListSchedulesInput
		want string
	}{
		{scheduler.ListSchedulesInput{}, "blue/a1 blue/a2 blue/b1 red/a1 red/a2 red/b1"},
		{scheduler.ListSchedulesInput{GroupName: new("red")}, "red/a1 red/a2 red/b1"},
		{scheduler.ListSchedulesInput{GroupName: new("red"), NamePrefix: new("a")}, "red/a1 red/a2"},
		{scheduler.ListSchedulesInput{NamePrefix: new("b")}, "blue/b1 red/b1"},
		{scheduler.ListSchedulesInput{State: types.ScheduleStateDisabled}, "blue/a2 red/a2"},
	} {
		if got := strings.Join(list(tt.in), " "); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
	var groups []string
	pages := scheduler.NewListScheduleGroupsPaginator(c, &scheduler.ListScheduleGroupsInput{MaxResults: new(int32(1))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range page.ScheduleGroups {
			groups = append(groups, *g.Name)
		}
	}
	if want := []string{"blue", "default", "red"}; !slices.Equal(groups, want) {
		t.Errorf("groups %v, want %v", groups, want)
	}
	_, err := c.ListSchedules(ctx, &scheduler.ListSchedulesInput{NextToken: new("!")})
	refused(t, err, "ValidationException", "NextToken")
	_, err = c.ListSchedules(ctx, &scheduler.ListSchedulesInput{GroupName: new("none")})
	refused(t, err, "ResourceNotFoundException", "Schedule group none does not exist.")
}

func TestGroupsAndTheirTags(t *testing.T) {
	c, s := client(t)
	ctx := t.Context()
	made, err := c.CreateScheduleGroup(ctx, &scheduler.CreateScheduleGroupInput{Name: new("g"), Tags: []types.Tag{{Key: new("a"), Value: new("1")}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.CreateScheduleGroup(ctx, &scheduler.CreateScheduleGroupInput{Name: new("g")})
	refused(t, err, "ConflictException", "Schedule group g already exists.")
	if _, err := c.TagResource(ctx, &scheduler.TagResourceInput{ResourceArn: made.ScheduleGroupArn, Tags: []types.Tag{{Key: new("b"), Value: new("2")}, {Key: new("c"), Value: new("3")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UntagResource(ctx, &scheduler.UntagResourceInput{ResourceArn: made.ScheduleGroupArn, TagKeys: []string{"a", "c"}}); err != nil {
		t.Fatal(err)
	}
	tags, err := c.ListTagsForResource(ctx, &scheduler.ListTagsForResourceInput{ResourceArn: made.ScheduleGroupArn})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Key != "b" || *tags.Tags[0].Value != "2" {
		t.Errorf("tags %+v, %v", tags, err)
	}
	if got := s.TagsAt(*made.ScheduleGroupArn); !maps.Equal(got, map[string]string{"b": "2"}) {
		t.Errorf("identity sees %v", got)
	}
	group, err := c.GetScheduleGroup(ctx, &scheduler.GetScheduleGroupInput{Name: new("g")})
	if err != nil || group.State != types.ScheduleGroupStateActive || *group.Arn != *made.ScheduleGroupArn {
		t.Errorf("group %+v, %v", group, err)
	}
	if group, err = c.GetScheduleGroup(ctx, &scheduler.GetScheduleGroupInput{Name: new("default")}); err != nil || !group.CreationDate.Equal(epoch) {
		t.Errorf("the default group: %+v, %v", group, err)
	}
	_, err = c.DeleteScheduleGroup(ctx, &scheduler.DeleteScheduleGroupInput{Name: new("default")})
	refused(t, err, "ValidationException", "default")
	if _, err := c.DeleteScheduleGroup(ctx, &scheduler.DeleteScheduleGroupInput{Name: new("g")}); err != nil {
		t.Fatal(err)
	}
	if group, err = c.GetScheduleGroup(ctx, &scheduler.GetScheduleGroupInput{Name: new("g")}); err != nil || group.State != types.ScheduleGroupStateDeleting {
		t.Errorf("a group whose schedules are being deleted: %+v, %v", group, err)
	}
	_, err = c.CreateSchedule(ctx, input("rate(5 minutes)", func(in *scheduler.CreateScheduleInput) { in.GroupName = new("g") }))
	refused(t, err, "ConflictException", "being deleted")
	_, err = c.DeleteScheduleGroup(ctx, &scheduler.DeleteScheduleGroupInput{Name: new("none")})
	refused(t, err, "ResourceNotFoundException", "Schedule group none does not exist.")
	_, err = c.ListTagsForResource(ctx, &scheduler.ListTagsForResourceInput{ResourceArn: new("arn:aws:scheduler:us-east-1:123456789012:schedule-group/none")})
	refused(t, err, "ResourceNotFoundException", "none")
}
