package eventbridge

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// must is for calls that are not what the test is about.
func must[T any](out T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

func TestBuses(t *testing.T) {
	f := open(t).serve()
	c, ctx := f.client(), t.Context()
	d := must(c.DescribeEventBus(ctx, &eb.DescribeEventBusInput{}))(t)
	if *d.Name != "default" || *d.Arn != prefix+"event-bus/default" || d.Policy != nil {
		t.Errorf("the default bus: %+v", d)
	}
	made := must(c.CreateEventBus(ctx, &eb.CreateEventBusInput{
		Name: aws.String("orders"), Description: aws.String("what is ordered"),
		DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String(deadARN)}, LogConfig: &types.LogConfig{Level: types.LevelOff, IncludeDetail: types.IncludeDetailNone},
		Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("blue")}},
	}))(t)
	if *made.EventBusArn != prefix+"event-bus/orders" {
		t.Errorf("made %+v", made)
	}
	d = must(c.DescribeEventBus(ctx, &eb.DescribeEventBusInput{Name: made.EventBusArn}))(t)
	if *d.Name != "orders" || *d.Description != "what is ordered" || *d.DeadLetterConfig.Arn != deadARN || d.CreationTime == nil || d.LogConfig.Level != types.LevelOff {
		t.Errorf("described %+v", d)
	}
	must(c.UpdateEventBus(ctx, &eb.UpdateEventBusInput{Name: aws.String("orders"), Description: aws.String("new")}))(t)
	if d = must(c.DescribeEventBus(ctx, &eb.DescribeEventBusInput{Name: aws.String("orders")}))(t); *d.Description != "new" || d.DeadLetterConfig != nil {
		t.Errorf("updated %+v", d)
	}
	var names []string
	var token *string
	for {
		page := must(c.ListEventBuses(ctx, &eb.ListEventBusesInput{Limit: aws.Int32(1), NextToken: token}))(t)
		for _, b := range page.EventBuses {
			names = append(names, *b.Name)
		}
		if token = page.NextToken; token == nil {
			break
		}
	}
	if !slices.Equal(names, []string{"default", "orders"}) {
		t.Errorf("listed %v", names)
	}
	if l := must(f.as(stranger).ListEventBuses(ctx, &eb.ListEventBusesInput{}))(t); len(l.EventBuses) != 1 {
		t.Errorf("a stranger sees %d buses", len(l.EventBuses))
	}
	must(c.DeleteEventBus(ctx, &eb.DeleteEventBusInput{Name: aws.String("orders")}))(t)
	must(c.DeleteEventBus(ctx, &eb.DeleteEventBusInput{Name: aws.String("orders")}))(t)
	_, err := c.DescribeEventBus(ctx, &eb.DescribeEventBusInput{Name: aws.String("orders")})
	if code(err) != "ResourceNotFoundException: Event bus orders does not exist." {
		t.Errorf("a deleted bus: %v", err)
	}
}

func TestRulesAndTargets(t *testing.T) {
	f := open(t).serve()
	c, ctx := f.client(), t.Context()
	must(c.CreateEventBus(ctx, &eb.CreateEventBusInput{Name: aws.String("orders")}))(t)
	pattern := `{"source":["shop"]}`
	put := must(c.PutRule(ctx, &eb.PutRuleInput{
		Name: aws.String("r"), EventBusName: aws.String("orders"), EventPattern: &pattern, Description: aws.String("d"),
		Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}},
	}))(t)
	if *put.RuleArn != prefix+"rule/orders/r" {
		t.Errorf("made %s", *put.RuleArn)
	}
	r := must(c.DescribeRule(ctx, &eb.DescribeRuleInput{Name: aws.String("r"), EventBusName: aws.String(prefix + "event-bus/orders")}))(t)
	if *r.Arn != *put.RuleArn || *r.EventPattern != pattern || r.State != types.RuleStateEnabled || *r.CreatedBy != account || *r.EventBusName != "orders" {
		t.Errorf("described %+v", r)
	}
	targets := []types.Target{
		{Id: aws.String("f"), Arn: aws.String(functionARN), InputPath: aws.String("$.detail"), RetryPolicy: &types.RetryPolicy{MaximumEventAgeInSeconds: aws.Int32(60), MaximumRetryAttempts: aws.Int32(0)}},
		{Id: aws.String("b"), Arn: aws.String(prefix + "event-bus/default"), RoleArn: aws.String("arn:aws:iam::000000000000:role/r")},
		{
			Id: aws.String("q"), Arn: aws.String(queueARN + ".fifo"), SqsParameters: &types.SqsParameters{MessageGroupId: aws.String("g")},
			DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String(deadARN)},
			InputTransformer: &types.InputTransformer{InputPathsMap: map[string]string{"x": "$.detail.x"}, InputTemplate: aws.String(`"it is <x>"`)},
		},
	}
	if out := must(c.PutTargets(ctx, &eb.PutTargetsInput{Rule: aws.String("r"), EventBusName: aws.String("orders"), Targets: targets}))(t); out.FailedEntryCount != 0 || out.FailedEntries == nil {
		t.Errorf("put targets: %+v", out)
	}
	var ids []string
	var token *string
	for {
		page := must(c.ListTargetsByRule(ctx, &eb.ListTargetsByRuleInput{Rule: aws.String("r"), EventBusName: aws.String("orders"), Limit: aws.Int32(2), NextToken: token}))(t)
		for _, target := range page.Targets {
			ids = append(ids, *target.Id)
			if *target.Id == "q" && (*target.SqsParameters.MessageGroupId != "g" || *target.DeadLetterConfig.Arn != deadARN || *target.InputTransformer.InputTemplate != `"it is <x>"` || target.InputTransformer.InputPathsMap["x"] != "$.detail.x") ||
				*target.Id == "f" && (*target.InputPath != "$.detail" || *target.RetryPolicy.MaximumRetryAttempts != 0 || *target.RetryPolicy.MaximumEventAgeInSeconds != 60) ||
				*target.Id == "b" && *target.RoleArn != "arn:aws:iam::000000000000:role/r" {
				t.Errorf("listed %+v", target)
			}
		}
		if token = page.NextToken; token == nil {
			break
		}
	}
	if !slices.Equal(ids, []string{"b", "f", "q"}) {
		t.Errorf("listed %v", ids)
	}
	if l := must(c.ListRuleNamesByTarget(ctx, &eb.ListRuleNamesByTargetInput{TargetArn: aws.String(functionARN), EventBusName: aws.String("orders")}))(t); !slices.Equal(l.RuleNames, []string{"r"}) {
		t.Errorf("rules of a target: %v", l.RuleNames)
	}
	must(c.DisableRule(ctx, &eb.DisableRuleInput{Name: aws.String("r"), EventBusName: aws.String("orders")}))(t)
	if l := must(c.ListRules(ctx, &eb.ListRulesInput{EventBusName: aws.String("orders"), NamePrefix: aws.String("r")}))(t); len(l.Rules) != 1 || l.Rules[0].State != types.RuleStateDisabled {
		t.Errorf("listed %+v", l.Rules)
	}
	must(c.EnableRule(ctx, &eb.EnableRuleInput{Name: aws.String("r"), EventBusName: aws.String("orders")}))(t)

	must(c.TagResource(ctx, &eb.TagResourceInput{ResourceARN: put.RuleArn, Tags: []types.Tag{{Key: aws.String("b"), Value: aws.String("2")}}}))(t)
	must(c.UntagResource(ctx, &eb.UntagResourceInput{ResourceARN: put.RuleArn, TagKeys: []string{"a"}}))(t)
	if l := must(c.ListTagsForResource(ctx, &eb.ListTagsForResourceInput{ResourceARN: put.RuleArn}))(t); len(l.Tags) != 1 || *l.Tags[0].Key != "b" {
		t.Errorf("tags %+v", l.Tags)
	}

	_, err := c.DeleteRule(ctx, &eb.DeleteRuleInput{Name: aws.String("r"), EventBusName: aws.String("orders")})
	if code(err) != "ValidationException: Rule can't be deleted since it has targets." {
		t.Errorf("delete a rule with targets: %v", err)
	}
	_, err = c.DeleteEventBus(ctx, &eb.DeleteEventBusInput{Name: aws.String("orders")})
	if code(err) != "ValidationException: Event bus orders can't be deleted since it has rules." {
		t.Errorf("delete a bus with rules: %v", err)
	}
	must(c.RemoveTargets(ctx, &eb.RemoveTargetsInput{Rule: aws.String("r"), EventBusName: aws.String("orders"), Ids: []string{"b", "f", "q", "none"}}))(t)
	must(c.DeleteRule(ctx, &eb.DeleteRuleInput{Name: aws.String("r"), EventBusName: aws.String("orders")}))(t)
	must(c.DeleteRule(ctx, &eb.DeleteRuleInput{Name: aws.String("r"), EventBusName: aws.String("orders")}))(t)
}

func TestRequestsAreRefusedAsAWSDoes(t *testing.T) {
	f := open(t).serve()
	c := f.client()
	s := func(text string) *string { return &text }
	must(c.CreateEventBus(t.Context(), &eb.CreateEventBusInput{Name: s("orders")}))(t)
	must(c.PutRule(t.Context(), &eb.PutRuleInput{Name: s("r"), EventPattern: s(`{"source":["x"]}`)}))(t)
	must(c.CreateArchive(t.Context(), &eb.CreateArchiveInput{ArchiveName: s("a"), EventSourceArn: s(prefix + "event-bus/default")}))(t)
	putTarget := func(edit func(*types.Target)) func(context.Context) error {
		return func(ctx context.Context) error {
			target := types.Target{Id: s("t"), Arn: s(functionARN)}
			edit(&target)
			_, err := c.PutTargets(ctx, &eb.PutTargetsInput{Rule: s("r"), Targets: []types.Target{target}})
			return err
		}
	}
	replay := func(edit func(*eb.StartReplayInput)) func(context.Context) error {
		return func(ctx context.Context) error {
			in := &eb.StartReplayInput{
				ReplayName: s("p"), EventSourceArn: s(prefix + "archive/a"), Destination: &types.ReplayDestination{Arn: s(prefix + "event-bus/default")},
				EventStartTime: aws.Time(time.Unix(0, 0)), EventEndTime: aws.Time(time.Unix(9, 0)),
			}
			edit(in)
			_, err := c.StartReplay(ctx, in)
			return err
		}
	}
	tests := []struct {
		name string
		do   func(context.Context) error
		want string
	}{
		{"a bus that is there", func(ctx context.Context) error {
			_, err := c.CreateEventBus(ctx, &eb.CreateEventBusInput{Name: s("orders")})
			return err
		}, "ResourceAlreadyExistsException: Event bus orders already exists."},
		{"another default bus", func(ctx context.Context) error {
			_, err := c.CreateEventBus(ctx, &eb.CreateEventBusInput{Name: s("default")})
			return err
		}, "ResourceAlreadyExistsException: Event bus default already exists."},
		{"a bus of AWS's", func(ctx context.Context) error {
			_, err := c.CreateEventBus(ctx, &eb.CreateEventBusInput{Name: s("aws.mine")})
			return err
		}, "ValidationException: Event bus name starting with 'aws.' is not valid."},
		{"a bus with a key", func(ctx context.Context) error {
			_, err := c.CreateEventBus(ctx, &eb.CreateEventBusInput{Name: s("k"), KmsKeyIdentifier: s("alias/k")})
			return err
		}, errKMS.Error()},
		{"deletion of the default bus", func(ctx context.Context) error {
			_, err := c.DeleteEventBus(ctx, &eb.DeleteEventBusInput{Name: s("default")})
			return err
		}, "ValidationException: Cannot delete event bus default."},
		{"a rule without anything", func(ctx context.Context) error {
			_, err := c.PutRule(ctx, &eb.PutRuleInput{Name: s("x")})
			return err
		}, "ValidationException: Parameter(s) EventPattern or ScheduleExpression must be specified."},
		{"a rule on no bus", func(ctx context.Context) error {
			_, err := c.PutRule(ctx, &eb.PutRuleInput{Name: s("x"), EventPattern: s(`{"source":["x"]}`), EventBusName: s("none")})
			return err
		}, "ResourceNotFoundException: Event bus none does not exist."},
		{"a rule with a bad pattern", func(ctx context.Context) error {
			_, err := c.PutRule(ctx, &eb.PutRuleInput{Name: s("x"), EventPattern: s(`{"source":"x"}`)})
			return err
		}, "InvalidEventPatternException: Event pattern is not valid. Reason: \"source\" must be an object or an array\n at [Source: (String)\"{\"source\":\"x\"}\"; line: 1, column: 12]"},
		{"a schedule on another bus", func(ctx context.Context) error {
			_, err := c.PutRule(ctx, &eb.PutRuleInput{Name: s("x"), ScheduleExpression: s("rate(1 minute)"), EventBusName: s("orders")})
			return err
		}, "ValidationException: ScheduleExpression is supported only on the default event bus."},
		{"a bad schedule", func(ctx context.Context) error {
			_, err := c.PutRule(ctx, &eb.PutRuleInput{Name: s("x"), ScheduleExpression: s("rate(1 minutes)")})
			return err
		}, "ValidationException: Parameter ScheduleExpression is not valid."},
		{"a role of somebody else", func(ctx context.Context) error {
			_, err := c.PutRule(ctx, &eb.PutRuleInput{Name: s("x"), EventPattern: s(`{"source":["x"]}`), RoleArn: s("arn:aws:iam::000000000000:role/not-yours")})
			return err
		}, "AccessDeniedException: not yours"},
		{"an unknown rule", func(ctx context.Context) error {
			_, err := c.DescribeRule(ctx, &eb.DescribeRuleInput{Name: s("none")})
			return err
		}, "ResourceNotFoundException: Rule none does not exist on EventBus default."},
		{"targets of an unknown rule", func(ctx context.Context) error {
			_, err := c.PutTargets(ctx, &eb.PutTargetsInput{Rule: s("none"), Targets: []types.Target{{Id: s("t"), Arn: s(functionARN)}}})
			return err
		}, "ResourceNotFoundException: Rule none does not exist on EventBus default."},
		{"a target that is no ARN", putTarget(func(x *types.Target) { x.Arn = s("nowhere") }), "ValidationException: Parameter nowhere is not valid. Reason: Provided Arn is not in correct format."},
		{"a target that is not served", putTarget(func(x *types.Target) { x.Arn = s("arn:aws:ecs:us-east-1:000000000000:cluster/c") }), "NotImplementedException: Targets of the service ecs are not available in this installation."},
		{"an API destination", putTarget(func(x *types.Target) { x.Arn = s(prefix + "api-destination/d/1") }), "NotImplementedException: API destinations are not available in this installation."},
		{"a queue in order without a group", putTarget(func(x *types.Target) { x.Arn = s(queueARN + ".fifo") }), "ValidationException: Parameter(s) SqsParameters must be specified for target: t."},
		{"two inputs", putTarget(func(x *types.Target) { x.Input, x.InputPath = s("{}"), s("$") }), "ValidationException: Only one of Input, InputPath, or InputTransformer must be provided for target t."},
		{"an input that is no JSON", putTarget(func(x *types.Target) { x.Input = s("{") }), "ValidationException: JSON syntax error in Input for target t."},
		{"an input path that is none", putTarget(func(x *types.Target) { x.InputPath = s("detail") }), "ValidationException: Invalid InputPath for target t."},
		{"a template with a variable too many", putTarget(func(x *types.Target) { x.InputTransformer = &types.InputTransformer{InputTemplate: s(`"<y>"`)} }), "ValidationException: InputTemplate for target t contains invalid placeholder y."},
		{"a template that is no JSON", putTarget(func(x *types.Target) { x.InputTransformer = &types.InputTransformer{InputTemplate: s(`it is`)} }), "ValidationException: Invalid InputTemplate for target t : it is no JSON."},
		{"a dead-letter queue in order", putTarget(func(x *types.Target) { x.DeadLetterConfig = &types.DeadLetterConfig{Arn: s(deadARN + ".fifo")} }), "ValidationException: Parameter DeadLetterConfig.Arn is not valid. Reason: It must be the ARN of a standard SQS queue."},
		{"six targets", func(ctx context.Context) error {
			var list []types.Target
			for i := range 6 {
				list = append(list, types.Target{Id: s(fmt.Sprint(i)), Arn: s(functionARN)})
			}
			_, err := c.PutTargets(ctx, &eb.PutTargetsInput{Rule: s("r"), Targets: list})
			return err
		}, "LimitExceededException: The requested resource exceeds the maximum number allowed."},
		{"a bad token", func(ctx context.Context) error {
			_, err := c.ListRules(ctx, &eb.ListRulesInput{NextToken: s("x")})
			return err
		}, "ValidationException: The nextToken is not valid."},
		{"a permission without an id", func(ctx context.Context) error {
			_, err := c.PutPermission(ctx, &eb.PutPermissionInput{Action: s("events:PutEvents"), Principal: s("*")})
			return err
		}, "ValidationException: Parameter StatementId must be specified."},
		{"a permission for another action", func(ctx context.Context) error {
			_, err := c.PutPermission(ctx, &eb.PutPermissionInput{Action: s("events:PutRule"), Principal: s("*"), StatementId: s("x")})
			return err
		}, "ValidationException: Provided value in parameter 'action' is not supported."},
		{"a policy that is none", func(ctx context.Context) error {
			_, err := c.PutPermission(ctx, &eb.PutPermissionInput{Policy: s("bad")})
			return err
		}, "ValidationException: Parameter Policy is not valid. Reason: no policy"},
		{"a policy too long", func(ctx context.Context) error {
			_, err := c.PutPermission(ctx, &eb.PutPermissionInput{Policy: s(strings.Repeat("x", policyMax+1))})
			return err
		}, "PolicyLengthExceededException: The policy is longer than 10240 characters."},
		{"removal without a policy", func(ctx context.Context) error {
			_, err := c.RemovePermission(ctx, &eb.RemovePermissionInput{StatementId: s("x")})
			return err
		}, "ResourceNotFoundException: EventBus does not have a policy."},
		{"an archive of no bus", func(ctx context.Context) error {
			_, err := c.CreateArchive(ctx, &eb.CreateArchiveInput{ArchiveName: s("b"), EventSourceArn: s(prefix + "event-bus/none")})
			return err
		}, "ResourceNotFoundException: Event bus none does not exist."},
		{"an archive that is there", func(ctx context.Context) error {
			_, err := c.CreateArchive(ctx, &eb.CreateArchiveInput{ArchiveName: s("a"), EventSourceArn: s(prefix + "event-bus/default")})
			return err
		}, "ResourceAlreadyExistsException: Archive a already exists."},
		{"an unknown archive", func(ctx context.Context) error {
			_, err := c.DescribeArchive(ctx, &eb.DescribeArchiveInput{ArchiveName: s("none")})
			return err
		}, "ResourceNotFoundException: Archive none does not exist."},
		{"an unknown replay", func(ctx context.Context) error {
			_, err := c.CancelReplay(ctx, &eb.CancelReplayInput{ReplayName: s("none")})
			return err
		}, "ResourceNotFoundException: Replay none does not exist."},
		{"a replay that ends before it begins", replay(func(in *eb.StartReplayInput) { in.EventEndTime = in.EventStartTime }), "ValidationException: Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime."},
		{"a replay of no archive", replay(func(in *eb.StartReplayInput) { in.EventSourceArn = s(prefix + "archive/none") }), "ValidationException: Parameter EventSourceArn is not valid. Reason: Archive none does not exist."},
		{"a replay to another bus", replay(func(in *eb.StartReplayInput) { in.Destination.Arn = s(prefix + "event-bus/orders") }), "ValidationException: Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted."},
		{"a replay to no bus", replay(func(in *eb.StartReplayInput) { in.Destination.Arn = s(functionARN) }), "ValidationException: Parameter Destination.Arn is not valid. Reason: Must contain an event bus ARN."},
		{"tags of AWS's", func(ctx context.Context) error {
			_, err := c.TagResource(ctx, &eb.TagResourceInput{ResourceARN: s(prefix + "event-bus/default"), Tags: []types.Tag{{Key: s("aws:x"), Value: s("")}}})
			return err
		}, "ValidationException: Tag keys starting with 'aws:' are reserved."},
		{"tags of an archive", func(ctx context.Context) error {
			_, err := c.ListTagsForResource(ctx, &eb.ListTagsForResourceInput{ResourceARN: s(prefix + "archive/a")})
			return err
		}, "ValidationException: Parameter ResourceARN is not valid. Reason: Provided Arn is not in correct format."},
		{"eleven entries", func(ctx context.Context) error {
			_, err := c.PutEvents(ctx, &eb.PutEventsInput{Entries: make([]types.PutEventsRequestEntry, 11)})
			return err
		}, "ValidationException: 1 validation error detected: "},
		{"entries too large together", func(ctx context.Context) error {
			e := types.PutEventsRequestEntry{Source: s("s"), DetailType: s("t"), Detail: s(`{"x":"` + strings.Repeat("y", entriesMax/2) + `"}`)}
			_, err := c.PutEvents(ctx, &eb.PutEventsInput{Entries: []types.PutEventsRequestEntry{e, e}})
			return err
		}, "ValidationException: Total size of the entries in the request is over the limit."},
		{"a global endpoint", func(ctx context.Context) error {
			_, err := f.putEvents(ctx, &eb.PutEventsInput{EndpointId: s("abcde.veo"), Entries: []types.PutEventsRequestEntry{{}}})
			return err
		}, "NotImplementedException: Global endpoints are not available in this installation."},
		{"a test of a bad pattern", func(ctx context.Context) error {
			_, err := c.TestEventPattern(ctx, &eb.TestEventPatternInput{EventPattern: s(`{}`), Event: s(`{}`)})
			return err
		}, "InvalidEventPatternException: Event pattern is not valid. Reason: Empty objects are not allowed"},
		{"a test of half an event", func(ctx context.Context) error {
			_, err := c.TestEventPattern(ctx, &eb.TestEventPatternInput{EventPattern: s(`{"a":[1]}`), Event: s(`{"id":"1"}`)})
			return err
		}, "ValidationException: Parameter Event is not valid. Reason: account is a required argument."},
		{"what is not served", func(ctx context.Context) error {
			_, err := c.ListConnections(ctx, &eb.ListConnectionsInput{})
			return err
		}, "NotImplementedException: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := code(test.do(t.Context())); !strings.HasPrefix(got, test.want) {
				t.Errorf("got %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestPermissionsBecomeAPolicy(t *testing.T) {
	f := open(t).serve()
	c, ctx := f.client(), t.Context()
	policy := func() string {
		return aws.ToString(must(c.DescribeEventBus(ctx, &eb.DescribeEventBusInput{}))(t).Policy)
	}
	put := func(id, principal string, condition *types.Condition) {
		t.Helper()
		must(c.PutPermission(ctx, &eb.PutPermissionInput{StatementId: &id, Principal: &principal, Action: aws.String("events:PutEvents"), Condition: condition}))(t)
	}
	put("one", stranger, nil)
	put("all", "*", &types.Condition{Type: aws.String("StringEquals"), Key: aws.String("aws:PrincipalOrgID"), Value: aws.String("o-1234567890")})
	put("one", "222233334444", nil)
	const all = `{"Sid":"all","Effect":"Allow","Principal":"*","Action":"events:PutEvents","Resource":"` + prefix + `event-bus/default","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1234567890"}}}`
	const one = `{"Sid":"one","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222233334444:root"},"Action":"events:PutEvents","Resource":"` + prefix + `event-bus/default"}`
	if got, want := policy(), `{"Version":"2012-10-17","Statement":[`+all+`,`+one+`]}`; got != want {
		t.Errorf("policy %s\nwant %s", got, want)
	}
	if _, text, ok := f.PolicyAt(prefix + "event-bus/default"); !ok || text != policy() {
		t.Errorf("identity reads %q, %v", text, ok)
	}
	must(c.RemovePermission(ctx, &eb.RemovePermissionInput{StatementId: aws.String("all")}))(t)
	_, err := c.RemovePermission(ctx, &eb.RemovePermissionInput{StatementId: aws.String("all")})
	if code(err) != "ResourceNotFoundException: Statement with the provided id does not exist." {
		t.Errorf("removed twice: %v", err)
	}
	must(c.RemovePermission(ctx, &eb.RemovePermissionInput{RemoveAllPermissions: true}))(t)
	if policy() != "" {
		t.Errorf("left over: %s", policy())
	}
}

func TestPutEventsAnswersForEachEntry(t *testing.T) {
	f := open(t).serve()
	c, ctx := f.client(), t.Context()
	s := func(text string) *string { return &text }
	entry := func(edit func(*types.PutEventsRequestEntry)) types.PutEventsRequestEntry {
		e := types.PutEventsRequestEntry{Source: s("shop"), DetailType: s("T"), Detail: s(`{}`)}
		edit(&e)
		return e
	}
	out := must(c.PutEvents(ctx, &eb.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		entry(func(*types.PutEventsRequestEntry) {}),
		entry(func(e *types.PutEventsRequestEntry) { e.Source = nil }),
		entry(func(e *types.PutEventsRequestEntry) { e.DetailType = nil }),
		entry(func(e *types.PutEventsRequestEntry) { e.Detail = nil }),
		entry(func(e *types.PutEventsRequestEntry) { e.Detail = s(`{`) }),
		entry(func(e *types.PutEventsRequestEntry) { e.Detail = s(`[]`) }),
		entry(func(e *types.PutEventsRequestEntry) { e.Source = s("aws.s3") }),
		entry(func(e *types.PutEventsRequestEntry) { e.EventBusName = s("none") }),
	}}))(t)
	want := []string{
		"", "InvalidArgument Parameter Source is not valid. Reason: Source is a required argument.",
		"InvalidArgument Parameter DetailType is not valid. Reason: DetailType is a required argument.",
		"InvalidArgument Parameter Detail is not valid. Reason: Detail is a required argument.",
		"MalformedDetail Detail is malformed.", "MalformedDetail Detail is malformed.",
		"NotAuthorizedForSourceException Not authorized for the source.", "",
	}
	if out.FailedEntryCount != 6 {
		t.Errorf("%d failed", out.FailedEntryCount)
	}
	for i, e := range out.Entries {
		got := strings.TrimSpace(aws.ToString(e.ErrorCode) + " " + aws.ToString(e.ErrorMessage))
		if got != want[i] || (e.EventId != nil) != (want[i] == "") {
			t.Errorf("entry %d: %q, want %q", i, got, want[i])
		}
	}
	f.denied[prefix+"event-bus/orders"] = true
	_, err := c.PutEvents(ctx, &eb.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		entry(func(*types.PutEventsRequestEntry) {}), entry(func(e *types.PutEventsRequestEntry) { e.EventBusName = s("orders") }),
	}})
	if code(err) != "AccessDeniedException: no events:PutEvents on "+prefix+"event-bus/orders" {
		t.Errorf("a second bus that is denied: %v", err)
	}
}

func TestEventPatternsAreTested(t *testing.T) {
	f := open(t).serve()
	event := `{"id":"1","account":"1","source":"shop","time":"2020-01-01T00:00:00Z","region":"r","resources":[],"detail-type":"T","detail":{"n":5}}`
	for pattern, want := range map[string]bool{`{"detail":{"n":[{"numeric":[">",4]}]}}`: true, `{"source":["other"]}`: false} {
		out := must(f.client().TestEventPattern(t.Context(), &eb.TestEventPatternInput{EventPattern: &pattern, Event: &event}))(t)
		if out.Result != want {
			t.Errorf("%s: %v", pattern, out.Result)
		}
	}
}

func TestArchivesAndReplaysAreDescribed(t *testing.T) {
	f := open(t).serve()
	c, ctx := f.client(), t.Context()
	made := must(c.CreateArchive(ctx, &eb.CreateArchiveInput{
		ArchiveName: aws.String("a"), EventSourceArn: aws.String(prefix + "event-bus/default"), RetentionDays: aws.Int32(3),
		EventPattern: aws.String(`{"source":["shop"]}`), Description: aws.String("d"),
	}))(t)
	if *made.ArchiveArn != prefix+"archive/a" || made.State != types.ArchiveStateEnabled {
		t.Errorf("made %+v", made)
	}
	f.put("shop", `{}`)
	f.put("other", `{}`)
	a := must(c.DescribeArchive(ctx, &eb.DescribeArchiveInput{ArchiveName: aws.String("a")}))(t)
	if a.EventCount != 1 || a.SizeBytes == 0 || *a.RetentionDays != 3 || *a.EventSourceArn != prefix+"event-bus/default" || *a.EventPattern != `{"source":["shop"]}` {
		t.Errorf("described %+v", a)
	}
	f.put("shop", `{}`)
	must(c.UpdateArchive(ctx, &eb.UpdateArchiveInput{ArchiveName: aws.String("a"), RetentionDays: aws.Int32(0), Description: aws.String("e")}))(t)
	l := must(c.ListArchives(ctx, &eb.ListArchivesInput{EventSourceArn: aws.String(prefix + "event-bus/default"), NamePrefix: aws.String("a")}))(t)
	if len(l.Archives) != 1 || l.Archives[0].EventCount != 2 || *l.Archives[0].RetentionDays != 0 {
		t.Errorf("listed %+v", l.Archives)
	}
	must(c.StartReplay(ctx, &eb.StartReplayInput{
		ReplayName: aws.String("p"), EventSourceArn: made.ArchiveArn, Destination: &types.ReplayDestination{Arn: aws.String(prefix + "event-bus/default")},
		EventStartTime: aws.Time(time.Now().Add(-time.Hour)), EventEndTime: aws.Time(time.Now().Add(time.Hour)),
	}))(t)
	var p *eb.DescribeReplayOutput
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		p = must(c.DescribeReplay(ctx, &eb.DescribeReplayInput{ReplayName: aws.String("p")}))(t)
		if p.State == types.ReplayStateCompleted || time.Now().After(deadline) {
			break
		}
	}
	if p.State != types.ReplayStateCompleted || p.ReplayEndTime == nil || p.EventLastReplayedTime == nil || *p.ReplayArn != prefix+"replay/p" {
		t.Errorf("described %+v", p)
	}
	if l := must(c.ListReplays(ctx, &eb.ListReplaysInput{EventSourceArn: made.ArchiveArn, State: types.ReplayStateCompleted}))(t); len(l.Replays) != 1 {
		t.Errorf("listed %+v", l.Replays)
	}
	_, err := c.CancelReplay(ctx, &eb.CancelReplayInput{ReplayName: aws.String("p")})
	if code(err) != "IllegalStatusException: Replay p is not in a valid state for this operation." {
		t.Errorf("cancelled: %v", err)
	}
	must(c.DeleteArchive(ctx, &eb.DeleteArchiveInput{ArchiveName: aws.String("a")}))(t)
	if rows := must(f.kept.List(ctx, "", "", 10))(t); len(rows) != 0 {
		t.Errorf("%d events are left over", len(rows))
	}
}
