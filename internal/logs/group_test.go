package logs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
	"github.com/hearthfaas/hearth/internal/wire/constraint"
)

func (f *fixture) createGroup(name string) {
	f.t.Helper()
	if _, err := f.createLogGroup(f.ctx(), &cwl.CreateLogGroupInput{LogGroupName: &name}); err != nil {
		f.t.Fatal(err)
	}
}

func TestALogGroupAsItIsDescribed(t *testing.T) {
	f := newFixture(t)
	_, err := f.createLogGroup(f.ctx(), &cwl.CreateLogGroupInput{
		LogGroupName: aws.String("/aws/lambda/f"), Tags: map[string]string{"team": "a"}, DeletionProtectionEnabled: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	f.say("/aws/lambda/f", "s", noon, "12345")
	for _, round := range []string{"before", "after"} {
		out, err := f.describeLogGroups(f.ctx(), &cwl.DescribeLogGroupsInput{})
		if err != nil || len(out.LogGroups) != 1 || out.NextToken != nil {
			t.Fatalf("%s a restart: got %+v, %v", round, out, err)
		}
		g := out.LogGroups[0]
		if *g.Arn != "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/f:*" ||
			*g.LogGroupArn != "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/f" ||
			*g.LogGroupName != "/aws/lambda/f" || g.LogGroupClass != types.LogGroupClassStandard ||
			*g.CreationTime != noon.UnixMilli() || *g.MetricFilterCount != 0 || g.RetentionInDays != nil ||
			*g.StoredBytes != 5+26 || !*g.DeletionProtectionEnabled {
			t.Errorf("%s a restart: got %+v", round, g)
		}
		f.reopen()
	}
}

func TestDescribeLogGroupsSelects(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"/aws/lambda/alpha", "/aws/lambda/Beta", "/other/alpha", "zeta"} {
		f.createGroup(name)
	}
	f.Append(Key{Account: "999999999999", Region: region, Group: "foreign"}, "s", []Event{{Time: noon, Message: "x"}})
	f.Append(Key{Account: account, Region: "us-east-1", Group: "elsewhere"}, "s", []Event{{Time: noon, Message: "x"}})
	for _, c := range []struct {
		name string
		in   cwl.DescribeLogGroupsInput
		want string
	}{
		{"all, by name", cwl.DescribeLogGroupsInput{}, "/aws/lambda/Beta /aws/lambda/alpha /other/alpha zeta"},
		{"a prefix", cwl.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("/aws/")}, "/aws/lambda/Beta /aws/lambda/alpha"},
		{"a pattern in any case", cwl.DescribeLogGroupsInput{LogGroupNamePattern: aws.String("BETA")}, "/aws/lambda/Beta"},
		{"identifiers", cwl.DescribeLogGroupsInput{LogGroupIdentifiers: []string{"zeta", key("/other/alpha").ARN(), "none"}}, "/other/alpha zeta"},
		{"a class", cwl.DescribeLogGroupsInput{LogGroupClass: types.LogGroupClassInfrequentAccess}, ""},
		{"another account", cwl.DescribeLogGroupsInput{AccountIdentifiers: []string{"999999999999"}}, ""},
	} {
		for _, limit := range []int32{1, 50} {
			in := c.in
			in.Limit = &limit
			var got []string
			for {
				out, err := f.describeLogGroups(f.ctx(), &in)
				if err != nil {
					t.Fatal(err)
				}
				for _, g := range out.LogGroups {
					got = append(got, *g.LogGroupName)
				}
				if in.NextToken = out.NextToken; in.NextToken == nil {
					break
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%s, limit %d: got %q, want %q", c.name, limit, got, c.want)
			}
		}
	}
}

func TestDescribeLogStreamsOrders(t *testing.T) {
	f := newFixture(t)
	f.createGroup("g")
	if _, err := f.createLogStream(f.ctx(), &cwl.CreateLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("empty")}); err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		f.say("g", fmt.Sprintf("s%02d", i), noon.Add(-time.Duration(i*37%60)*time.Minute), "x")
	}
	byName := func(a, b types.LogStream) int { return strings.Compare(*a.LogStreamName, *b.LogStreamName) }
	byTime := func(a, b types.LogStream) int {
		return int(aws.ToInt64(a.LastEventTimestamp) - aws.ToInt64(b.LastEventTimestamp))
	}
	for _, c := range []struct {
		order      types.OrderBy
		descending bool
		compare    func(a, b types.LogStream) int
	}{
		{"", false, byName},
		{types.OrderByLogStreamName, true, byName},
		{types.OrderByLastEventTime, false, byTime},
		{types.OrderByLastEventTime, true, byTime},
	} {
		for _, limit := range []int32{0, 1, 7} {
			in := &cwl.DescribeLogStreamsInput{LogGroupName: aws.String("g"), OrderBy: c.order, Descending: &c.descending}
			if limit > 0 {
				in.Limit = &limit
			}
			var all []types.LogStream
			for {
				out, err := f.describeLogStreams(f.ctx(), in)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, out.LogStreams...)
				if in.NextToken = out.NextToken; in.NextToken == nil {
					break
				}
			}
			if c.descending {
				slices.Reverse(all)
			}
			if len(all) != 61 || !slices.IsSortedFunc(all, c.compare) {
				t.Errorf("%s, descending %v, limit %d: got %d streams, or another order", c.order, c.descending, limit, len(all))
			}
		}
	}
	out, err := f.describeLogStreams(f.ctx(), &cwl.DescribeLogStreamsInput{LogGroupIdentifier: aws.String("g"), LogStreamNamePrefix: aws.String("s1")})
	if err != nil || len(out.LogStreams) != 10 {
		t.Errorf("a prefix: got %d, %v, want 10", len(out.LogStreams), err)
	}
}

func TestADeletedGroupIsGoneAtOnceAndAnotherOfItsNameIsEmpty(t *testing.T) {
	f := newFixture(t)
	f.say("g", "s", noon, "secret")
	if _, err := f.deleteLogGroup(f.ctx(), &cwl.DeleteLogGroupInput{LogGroupName: aws.String("g")}); err != nil {
		t.Fatal(err)
	}
	_, err := f.filterLogEvents(f.ctx(), &cwl.FilterLogEventsInput{LogGroupName: aws.String("g")})
	wantError(t, err, "ResourceNotFoundException: The specified log group does not exist.")
	f.say("g", "s", noon, "new")
	wantMessages(t, f.messages("g", "s"), "new")
	f.reopen()
	wantMessages(t, f.messages("g", "s"), "new")
	if n := f.rows(); n != 2 {
		t.Fatalf("%d chunks on disk before the sweep, want 2", n)
	}
	if err := f.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := f.rows(); n != 1 {
		t.Errorf("%d chunks on disk after the sweep, want 1", n)
	}
	for row, err := range f.trash.All(t.Context(), "") {
		t.Errorf("left in the trash: %+v, %v", row, err)
	}
	wantMessages(t, f.messages("g", "s"), "new")
}

func TestADeletedStreamIsGoneAtOnce(t *testing.T) {
	f := newFixture(t)
	f.say("g", "s", noon, "old")
	f.say("g", "other", noon, "stays")
	if _, err := f.deleteLogStream(f.ctx(), &cwl.DeleteLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")}); err != nil {
		t.Fatal(err)
	}
	_, err := f.getLogEvents(f.ctx(), &cwl.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
	wantError(t, err, "ResourceNotFoundException: The specified log stream does not exist.")
	if got := filterAll(f, &cwl.FilterLogEventsInput{LogGroupName: aws.String("g")}); !slices.Equal(got, []string{"stays"}) {
		t.Errorf("got %q", got)
	}
	if err := f.sweep(t.Context()); err != nil || f.rows() != 1 {
		t.Errorf("%d chunks after the sweep, %v, want 1", f.rows(), err)
	}
}

// rows counts the chunks in all day files.
func (f *fixture) rows() int {
	f.t.Helper()
	total := 0
	for _, d := range f.days.between(0, dayOf(always.ts)) {
		n := 0
		if err := f.days.existing(d).QueryRow(`SELECT COUNT(*) FROM chunks`).Scan(&n); err != nil {
			f.t.Fatal(err)
		}
		total += n
	}
	return total
}

func TestTags(t *testing.T) {
	f := newFixture(t)
	f.createGroup("/aws/lambda/f")
	arn := aws.String(key("/aws/lambda/f").ARN())
	if _, err := f.tagResource(f.ctx(), &cwl.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a": "1", "b": "2"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.tagLogGroup(f.ctx(), &cwl.TagLogGroupInput{LogGroupName: aws.String("/aws/lambda/f"), Tags: map[string]string{"b": "3", "c": ""}}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.untagResource(f.ctx(), &cwl.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a", "none"}}); err != nil {
		t.Fatal(err)
	}
	f.reopen()
	out, err := f.listTagsForResource(f.ctx(), &cwl.ListTagsForResourceInput{ResourceArn: arn})
	if err != nil || fmt.Sprint(out.Tags) != "map[b:3 c:]" {
		t.Errorf("got %v, %v", out, err)
	}
	many := map[string]string{}
	for i := range 49 {
		many[fmt.Sprint("k", i)] = "v"
	}
	_, err = f.tagResource(f.ctx(), &cwl.TagResourceInput{ResourceArn: arn, Tags: many})
	wantError(t, err, "TooManyTagsException: A resource can have no more than 50 tags.")
	f.createGroup("plain")
	plain, err := f.listTagsLogGroup(f.ctx(), &cwl.ListTagsLogGroupInput{LogGroupName: aws.String("plain")})
	if err != nil || plain.Tags == nil || len(plain.Tags) != 0 {
		t.Errorf("got %v, %v, want an empty map", plain.Tags, err)
	}
}

// asked calls an operation as the edge does: what the model says comes first.
func asked[In, Out any](op func(context.Context, *In) (*Out, error), ctx context.Context, in *In) (*Out, error) { //nolint:revive // reads as the call
	if err := constraint.For("logs").Check(in); err != nil {
		return nil, err
	}
	return op(ctx, in)
}

func TestErrorsReadAsAWSs(t *testing.T) {
	f := newFixture(t)
	f.say("g", "s", noon, "x")
	const one = "InvalidParameterException: 1 validation error detected: "
	long := strings.Repeat("x", 513)
	for _, c := range []struct {
		name string
		call func(ctx context.Context) error
		want string
	}{
		{"a group that exists", func(ctx context.Context) error {
			_, err := asked(f.createLogGroup, ctx, &cwl.CreateLogGroupInput{LogGroupName: aws.String("g")})
			return err
		}, "ResourceAlreadyExistsException: The specified log group already exists"},
		{"a stream that exists", func(ctx context.Context) error {
			_, err := asked(f.createLogStream, ctx, &cwl.CreateLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
			return err
		}, "ResourceAlreadyExistsException: The specified log stream already exists"},
		{"a name that is too long", func(ctx context.Context) error {
			_, err := asked(f.createLogGroup, ctx, &cwl.CreateLogGroupInput{LogGroupName: &long})
			return err
		}, one + "Value '" + long + "' at 'logGroupName' failed to satisfy constraint: Member must have length less than or equal to 512"},
		{"a name with a colon", func(ctx context.Context) error {
			_, err := asked(f.createLogGroup, ctx, &cwl.CreateLogGroupInput{LogGroupName: aws.String("a:b")})
			return err
		}, one + `Value 'a:b' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+`},
		{"no name", func(ctx context.Context) error {
			_, err := asked(f.deleteLogGroup, ctx, &cwl.DeleteLogGroupInput{})
			return err
		}, one + "Value null at 'logGroupName' failed to satisfy constraint: Member must not be null"},
		{"two mistakes", func(ctx context.Context) error {
			_, err := asked(f.createLogStream, ctx, &cwl.CreateLogStreamInput{LogGroupName: aws.String("ä"), LogStreamName: aws.String("a*")})
			return err
		}, `InvalidParameterException: 2 validation errors detected: Value 'ä' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+; ` +
			`Value 'a*' at 'logStreamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*]*`},
		{"no such group", func(ctx context.Context) error {
			_, err := asked(f.describeLogStreams, ctx, &cwl.DescribeLogStreamsInput{LogGroupName: aws.String("none")})
			return err
		}, "ResourceNotFoundException: The specified log group does not exist."},
		{"no such stream", func(ctx context.Context) error {
			_, err := asked(f.getLogEvents, ctx, &cwl.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("none")})
			return err
		}, "ResourceNotFoundException: The specified log stream does not exist."},
		{"a group of another region", func(ctx context.Context) error {
			_, err := asked(f.filterLogEvents, ctx, &cwl.FilterLogEventsInput{LogGroupIdentifier: aws.String("arn:aws:logs:us-east-1:123456789012:log-group:g")})
			return err
		}, "ResourceNotFoundException: The specified log group does not exist."},
		{"neither name nor identifier", func(ctx context.Context) error {
			_, err := asked(f.filterLogEvents, ctx, &cwl.FilterLogEventsInput{})
			return err
		}, "InvalidParameterException: Either logGroupName or logGroupIdentifier must be specified."},
		{"a limit that is too high", func(ctx context.Context) error {
			_, err := asked(f.describeLogGroups, ctx, &cwl.DescribeLogGroupsInput{Limit: aws.Int32(51)})
			return err
		}, one + "Value '51' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 50"},
		{"a limit that is too low", func(ctx context.Context) error {
			_, err := asked(f.filterLogEvents, ctx, &cwl.FilterLogEventsInput{LogGroupName: aws.String("g"), Limit: aws.Int32(0)})
			return err
		}, one + "Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"an order that does not exist", func(ctx context.Context) error {
			_, err := asked(f.describeLogStreams, ctx, &cwl.DescribeLogStreamsInput{LogGroupName: aws.String("g"), OrderBy: "sname"})
			return err
		}, one + "Value 'sname' at 'orderBy' failed to satisfy constraint: Member must satisfy enum value set: [LogStreamName, LastEventTime]"},
		{"a time order with a prefix", func(ctx context.Context) error {
			_, err := asked(f.describeLogStreams, ctx, &cwl.DescribeLogStreamsInput{LogGroupName: aws.String("g"), OrderBy: "LastEventTime", LogStreamNamePrefix: aws.String("s")})
			return err
		}, "InvalidParameterException: Cannot order by LastEventTime with a logStreamNamePrefix."},
		{"a wrong pattern", func(ctx context.Context) error {
			_, err := asked(f.filterLogEvents, ctx, &cwl.FilterLogEventsInput{LogGroupName: aws.String("g"), FilterPattern: aws.String("a-b")})
			return err
		}, "InvalidParameterException: Invalid character(s) in term 'a-b'"},
		{"a token of somebody else", func(ctx context.Context) error {
			_, err := asked(f.getLogEvents, ctx, &cwl.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), NextToken: aws.String("f/1/s")})
			return err
		}, "InvalidParameterException: The specified nextToken is invalid."},
		{"a retention that does not exist", func(ctx context.Context) error {
			_, err := asked(f.putRetentionPolicy, ctx, &cwl.PutRetentionPolicyInput{LogGroupName: aws.String("g"), RetentionInDays: aws.Int32(2)})
			return err
		}, one + "Value '2' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]"},
		{"tags of something that is no group", func(ctx context.Context) error {
			_, err := asked(f.listTagsForResource, ctx, &cwl.ListTagsForResourceInput{ResourceArn: aws.String("arn:aws:logs:eu-central-1:123456789012:destination:d")})
			return err
		}, "ResourceNotFoundException: The specified resource does not exist."},
		{"a tag with a reserved prefix", func(ctx context.Context) error {
			_, err := asked(f.tagResource, ctx, &cwl.TagResourceInput{ResourceArn: aws.String(key("g").ARN()), Tags: map[string]string{"aws:x": "y"}})
			return err
		}, one + "Value 'aws:x' at 'tags' failed to satisfy constraint: Member must not begin with the reserved prefix aws:"},
	} {
		t.Run(c.name, func(t *testing.T) { wantError(t, c.call(f.ctx()), c.want) })
	}
}

func TestAProtectedGroupIsNotDeleted(t *testing.T) {
	f := newFixture(t)
	f.createGroup("g")
	protect := func(on bool) {
		t.Helper()
		if _, err := f.putDeletionProtection(f.ctx(), &cwl.PutLogGroupDeletionProtectionInput{LogGroupIdentifier: aws.String("g"), DeletionProtectionEnabled: &on}); err != nil {
			t.Fatal(err)
		}
	}
	protect(true)
	_, err := f.deleteLogGroup(f.ctx(), &cwl.DeleteLogGroupInput{LogGroupName: aws.String("g")})
	if err == nil || !strings.HasPrefix(err.Error(), "ValidationException") {
		t.Errorf("got %v, want a ValidationException", err)
	}
	protect(false)
	if _, err := f.deleteLogGroup(f.ctx(), &cwl.DeleteLogGroupInput{LogGroupName: aws.String("g")}); err != nil {
		t.Error(err)
	}
}

func TestWhatOperationsAskOfAuthorization(t *testing.T) {
	c := lambda.Caller{Account: account, Region: region}
	f := newFixture(t)
	const group = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/f"
	for name, want := range map[string]string{
		"CreateLogGroup":      group + ":log-stream:",
		"CreateLogStream":     group + ":log-stream:",
		"PutLogEvents":        group + ":log-stream:s",
		"GetLogEvents":        group + ":log-stream:s",
		"FilterLogEvents":     group + ":log-stream:",
		"DescribeLogGroups":   "arn:aws:logs:eu-central-1:123456789012:log-group::log-stream:",
		"ListTagsForResource": group,
	} {
		i := slices.IndexFunc(f.Operations(), func(op wire.Operation) bool { return op.Name == name })
		op := f.Operations()[i]
		in := op.NewInput()
		switch in := in.(type) {
		case *cwl.CreateLogGroupInput:
			in.LogGroupName = aws.String("/aws/lambda/f")
		case *cwl.CreateLogStreamInput:
			in.LogGroupName = aws.String("/aws/lambda/f")
			in.LogStreamName = aws.String("s")
		case *cwl.PutLogEventsInput:
			in.LogGroupName = aws.String("/aws/lambda/f")
			in.LogStreamName = aws.String("s")
		case *cwl.GetLogEventsInput:
			in.LogGroupIdentifier = aws.String(group)
			in.LogStreamName = aws.String("s")
		case *cwl.FilterLogEventsInput:
			in.LogGroupName = aws.String("/aws/lambda/f")
		case *cwl.ListTagsForResourceInput:
			in.ResourceArn = aws.String(group)
		}
		if got := op.Resource(c, in); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
