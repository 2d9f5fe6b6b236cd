package controlplane

import (
	"github.com/hearthfaas/hearth/internal/lambda"
)

// claimStorage sets bytes of an account's code storage aside for a change under
// way, or answers CodeStorageExceededException. The caller gives them back with
// release once the change is committed, and counted, or has failed.
func (s *Service) claimStorage(id lambda.FunctionID, bytes int64) (release func(), err error) {
	s.view.mu.Lock()
	defer s.view.mu.Unlock()
	r := s.view.region(homeOf(id))
	if r.codeBytes+r.claimed+bytes > lambda.CodeStorageMax {
		return nil, &lambda.Error{Code: lambda.CodeCodeStorageExceeded, Message: "Code storage limit exceeded."}
	}
	r.claimed += bytes
	return func() {
		s.view.mu.Lock()
		defer s.view.mu.Unlock()
		r.claimed -= bytes
	}, nil
}
