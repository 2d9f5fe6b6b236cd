package logs

import (
	"maps"
	"strings"
)

// TagsAt is a copy of the tags of the group with an ARN, or of the group that a
// stream's ARN names; nil when there is no such group.
func (s *Service) TagsAt(arn string) map[string]string {
	k, ok := groupOfARN(arn)
	if !ok {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	g := s.index.groups[k]
	if g == nil {
		return nil
	}
	return maps.Clone(g.record.Tags)
}

// groupOfARN finds the group in the ARN of a group or a stream.
func groupOfARN(arn string) (Key, bool) {
	group, _, _ := strings.Cut(arn, ":log-stream:")
	return parseGroupARN(group)
}
