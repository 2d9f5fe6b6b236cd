package eventbridge

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// tagsMax is how many tags a rule or a bus may have (API reference, TagResource).
const tagsMax = 50

// tagsOf is a request's tags by key, or the error that refuses them.
func tagsOf(list []types.Tag) (map[string]string, error) {
	out := map[string]string{}
	for _, t := range list {
		key := aws.ToString(t.Key)
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return nil, invalid("Tag keys starting with 'aws:' are reserved.")
		}
		if _, ok := out[key]; ok {
			return nil, invalid("Duplicate tag keys are not allowed.")
		}
		out[key] = aws.ToString(t.Value)
	}
	if len(out) > tagsMax {
		return nil, errLimit
	}
	return out, nil
}

func (s *Service) tagResource(ctx context.Context, in *eb.TagResourceInput) (*eb.TagResourceOutput, error) {
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	return &eb.TagResourceOutput{}, s.changeTags(ctx, aws.ToString(in.ResourceARN), func(have map[string]string) error {
		maps.Copy(have, tags)
		if len(have) > tagsMax {
			return errLimit
		}
		return nil
	})
}

func (s *Service) untagResource(ctx context.Context, in *eb.UntagResourceInput) (*eb.UntagResourceOutput, error) {
	return &eb.UntagResourceOutput{}, s.changeTags(ctx, aws.ToString(in.ResourceARN), func(have map[string]string) error {
		maps.DeleteFunc(have, func(key, _ string) bool { return slices.Contains(in.TagKeys, key) })
		return nil
	})
}

// changeTags lets change edit the tags of a rule or a bus.
func (s *Service) changeTags(ctx context.Context, resource string, change func(map[string]string) error) error {
	c := lambda.CallerFrom(ctx)
	edit := func(tags *map[string]string) error {
		if *tags == nil {
			*tags = map[string]string{}
		}
		return change(*tags)
	}
	if k, name, ok := ruleOfARN(resource); ok {
		if k.account != c.Account || k.region != c.Region {
			return noRule(name, k.name)
		}
		return s.changeRule(ctx, k, name, func(r *ruleRecord) error { return edit(&r.Tags) })
	}
	k, err := taggedBus(c, resource)
	if err != nil {
		return err
	}
	return s.changeBus(ctx, k, func(r *busRecord) error { return edit(&r.Tags) })
}

// taggedBus is the caller's bus that an ARN names. Nothing but rules and buses has
// tags.
func taggedBus(c lambda.Caller, resource string) (busKey, error) {
	a, ok := parseARN(resource)
	if !ok || a.service != "events" || !strings.HasPrefix(a.resource, "event-bus/") {
		return busKey{}, invalid("Parameter ResourceARN is not valid. Reason: Provided Arn is not in correct format.")
	}
	return own(c, &resource)
}

func (s *Service) listTagsForResource(ctx context.Context, in *eb.ListTagsForResourceInput) (*eb.ListTagsForResourceOutput, error) {
	c, resource := lambda.CallerFrom(ctx), aws.ToString(in.ResourceARN)
	s.mu.RLock()
	defer s.mu.RUnlock()
	var tags map[string]string
	if k, name, ok := ruleOfARN(resource); ok {
		r, err := s.index.rule(k, name)
		if err != nil || k.account != c.Account || k.region != c.Region {
			return nil, noRule(name, k.name)
		}
		tags = r.record.Tags
	} else {
		k, err := taggedBus(c, resource)
		if err != nil {
			return nil, err
		}
		b, err := s.index.bus(k)
		if err != nil {
			return nil, err
		}
		tags = b.record.Tags
	}
	out := &eb.ListTagsForResourceOutput{Tags: []types.Tag{}}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out.Tags = append(out.Tags, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return out, nil
}

// TagsAt is the tags of a rule or a bus for identity, nil when it has none.
func (s *Service) TagsAt(resource string) map[string]string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if k, name, ok := ruleOfARN(resource); ok {
		if r, err := s.index.rule(k, name); err == nil {
			return r.record.Tags
		}
		return nil
	}
	if b, ok := s.index.buses[busNamed(lambda.Caller{}, &resource)]; ok {
		return b.record.Tags
	}
	return nil
}

// filled is a member of an answer that is left out when it is empty.
func filled(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// moment likewise.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
