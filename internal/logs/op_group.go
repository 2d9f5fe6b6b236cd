package logs

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

const classStandard = string(types.LogGroupClassStandard)

// describeMax is the default and the largest page of the describe operations; the
// largest is checked by the edge.
const describeMax = 50

func callerKey(ctx context.Context, group *string) Key {
	c := lambda.CallerFrom(ctx)
	return Key{Account: c.Account, Region: c.Region, Group: aws.ToString(group)}
}

func (s *Service) createLogGroup(ctx context.Context, in *cwl.CreateLogGroupInput) (*cwl.CreateLogGroupOutput, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	if in.KmsKeyId != nil {
		// Accepting the key and not encrypting would be a false promise.
		return nil, invalid("The specified KMS key could not be found: Hearth has no key management service and does not encrypt log groups.")
	}
	s.disk.Lock()
	defer s.disk.Unlock()
	s.flushLocked(ctx) // a line that waits may be about to make the group
	k := callerKey(ctx, in.LogGroupName)
	if s.index.groups[k] != nil {
		return nil, errGroupExists
	}
	g := s.newGroup(k, groupRecord{
		Created:   s.now().UnixMilli(),
		Class:     string(in.LogGroupClass),
		Tags:      in.Tags,
		Protected: aws.ToBool(in.DeletionProtectionEnabled),
	})
	if _, err := s.groups.Put(ctx, k.recordKey(), g.record, store.Absent); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index.groups[k] = g
	return &cwl.CreateLogGroupOutput{}, nil
}

func (s *Service) deleteLogGroup(ctx context.Context, in *cwl.DeleteLogGroupInput) (*cwl.DeleteLogGroupOutput, error) {
	s.disk.Lock()
	defer s.disk.Unlock()
	s.flushLocked(ctx) // what was printed before the deletion goes with it
	g := s.index.groups[callerKey(ctx, in.LogGroupName)]
	if g == nil {
		return nil, errNoGroup
	}
	if g.record.Protected {
		return nil, lambda.Errorf(lambda.CodeValidation, "Log group %s has deletion protection enabled. Disable deletion protection before deleting the log group.", g.key.Group)
	}
	bin, err := s.trash.PutChange(trashKey(g.id), trashRecord{Group: g.id}, 0)
	if err != nil {
		return nil, err
	}
	changes := []store.Change{s.groups.DeleteChange(g.key.recordKey(), 0), bin}
	for name := range g.streams {
		changes = append(changes, s.streams.DeleteChange(streamKey(g.id, name), 0))
	}
	if _, err := s.meta.Apply(ctx, changes...); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.index.groups, g.key)
	return &cwl.DeleteLogGroupOutput{}, nil
}

func (s *Service) describeLogGroups(ctx context.Context, in *cwl.DescribeLogGroupsInput) (*cwl.DescribeLogGroupsOutput, error) {
	if in.LogGroupNamePrefix != nil && in.LogGroupNamePattern != nil {
		return nil, invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	if len(in.LogGroupIdentifiers) > 0 && (in.LogGroupNamePrefix != nil || in.LogGroupNamePattern != nil) {
		return nil, invalid("LogGroup identifiers and LogGroup name prefix or pattern are mutually exclusive parameters.")
	}
	after, ok := parseNameToken(in.NextToken)
	if !ok {
		return nil, errBadToken
	}
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	groups := s.selectGroups(lambda.CallerFrom(ctx), in, after)
	limit := int(aws.ToInt32(in.Limit))
	if limit == 0 {
		limit = describeMax
	}
	out := &cwl.DescribeLogGroupsOutput{LogGroups: []types.LogGroup{}}
	for _, g := range groups[:min(limit, len(groups))] {
		out.LogGroups = append(out.LogGroups, g.describe())
	}
	if len(groups) > limit {
		out.NextToken = nameToken(groups[limit-1].key.Group)
	}
	return out, nil
}

// selectGroups is the groups that a DescribeLogGroups asks for and that come after
// a name, by name.
func (s *Service) selectGroups(c lambda.Caller, in *cwl.DescribeLogGroupsInput, after string) []*group {
	if len(in.AccountIdentifiers) > 0 && !slices.Contains(in.AccountIdentifiers, c.Account) {
		return nil // there are no linked accounts
	}
	wanted := map[Key]bool{}
	for _, id := range in.LogGroupIdentifiers {
		wanted[identified(c, id)] = true
	}
	pattern := strings.ToLower(aws.ToString(in.LogGroupNamePattern)) // "case insensitive" in the API reference
	var out []*group
	for k, g := range s.index.groups {
		if k.Account == c.Account && k.Region == c.Region && k.Group > after &&
			strings.HasPrefix(k.Group, aws.ToString(in.LogGroupNamePrefix)) &&
			strings.Contains(strings.ToLower(k.Group), pattern) &&
			(in.LogGroupClass == "" || string(in.LogGroupClass) == g.record.Class) &&
			(len(wanted) == 0 || wanted[k]) {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *group) int { return strings.Compare(a.key.Group, b.key.Group) })
	return out
}

func (g *group) describe() types.LogGroup {
	var stored int64
	for _, st := range g.streams {
		t, _ := st.total()
		stored += t.bytes
	}
	out := types.LogGroup{
		Arn:                       aws.String(g.key.ARN() + ":*"),
		LogGroupArn:               aws.String(g.key.ARN()),
		LogGroupName:              aws.String(g.key.Group),
		LogGroupClass:             types.LogGroupClass(g.record.Class),
		CreationTime:              aws.Int64(g.record.Created),
		MetricFilterCount:         aws.Int32(0),
		StoredBytes:               aws.Int64(stored),
		DeletionProtectionEnabled: aws.Bool(g.record.Protected),
	}
	if g.record.RetentionDays != 0 {
		out.RetentionInDays = aws.Int32(g.record.RetentionDays)
	}
	return out
}

func (s *Service) putDeletionProtection(ctx context.Context, in *cwl.PutLogGroupDeletionProtectionInput) (*cwl.PutLogGroupDeletionProtectionOutput, error) {
	k := identified(lambda.CallerFrom(ctx), aws.ToString(in.LogGroupIdentifier))
	err := s.changeGroup(ctx, k, func(rec *groupRecord) error {
		rec.Protected = aws.ToBool(in.DeletionProtectionEnabled)
		return nil
	})
	return &cwl.PutLogGroupDeletionProtectionOutput{}, err
}

// changeGroup lets change edit a group's record and stores it.
func (s *Service) changeGroup(ctx context.Context, k Key, change func(*groupRecord) error) error {
	c := lambda.CallerFrom(ctx)
	if k.Account != c.Account || k.Region != c.Region {
		return errNoGroup
	}
	s.disk.Lock()
	defer s.disk.Unlock()
	s.flushLocked(ctx)
	g := s.index.groups[k]
	if g == nil {
		return errNoGroup
	}
	rec := g.record
	rec.Tags = maps.Clone(rec.Tags)
	if err := change(&rec); err != nil {
		return err
	}
	if _, err := s.groups.Put(ctx, k.recordKey(), rec, 0); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g.record = rec
	return nil
}

// settle makes what was appended before visible to the query that follows.
func (s *Service) settle(ctx context.Context) error {
	s.disk.Lock()
	defer s.disk.Unlock()
	if s.closed {
		return errClosed
	}
	s.flushLocked(context.WithoutCancel(ctx))
	return nil
}

// find is the group that a request names, by name or by identifier.
func (s *Service) find(ctx context.Context, name, identifier *string) (Key, error) {
	switch {
	case name == nil && identifier == nil:
		return Key{}, invalid("Either logGroupName or logGroupIdentifier must be specified.")
	case name != nil && identifier != nil:
		return Key{}, invalid("LogGroup name and LogGroup ARN are mutually exclusive parameters.")
	}
	c := lambda.CallerFrom(ctx)
	k := Key{Account: c.Account, Region: c.Region, Group: aws.ToString(name)}
	if identifier != nil {
		k = identified(c, *identifier)
	}
	if k.Account != c.Account || k.Region != c.Region {
		return Key{}, errNoGroup
	}
	return k, s.settle(ctx)
}
