package logs

import "context"

func (s *Service) sweepAndLog(ctx context.Context) {}
