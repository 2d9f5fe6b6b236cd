package controlplane

import (
	"strings"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// PolicyAt is the resource policy that governs who may use a function through a
// qualifier: its revision, and its document for those who have not seen that
// revision. It reads memory only: every invoke asks it.
func (s *Service) PolicyAt(id lambda.FunctionID, qualifier string) (revision int64, document func() string, ok bool) {
	p, ok := s.view.function(id).policies[policyPart(qualifier)]
	return p.revision, p.value.document, ok
}

// TagsAt are the tags of the function, event source mapping or code signing
// configuration with an ARN; a version or alias has its function's. It is nil for
// what has none or does not exist.
func (s *Service) TagsAt(arn string) map[string]string {
	parts := strings.SplitN(arn, ":", 7)
	if len(parts) != 7 || parts[2] != "lambda" {
		return nil
	}
	if parts[5] == "function" {
		name, _, _ := strings.Cut(parts[6], ":")
		return s.view.function(lambda.FunctionID{Account: parts[4], Region: parts[3], Name: name}).record.value.Tags
	}
	tags, err := s.tagsOf(lambda.Caller{Account: parts[4], Region: parts[3]}, &arn)
	if err != nil {
		return nil // layers have no tags, and what does not exist has none
	}
	return tags
}
