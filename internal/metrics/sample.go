package metrics

import "github.com/hearthfaas/hearth/internal/lambda"

// Sample takes what other parts count themselves. Each flush asks for it.
type Sample struct {
	service *Service
	batch   *batch
}

// AsyncCounts are a function's events since the process began.
type AsyncCounts struct {
	Received, Dropped, RecursiveDropped, DeadLetterErrors, DestinationDeliveryFailures int
}

// Async takes the counts of a function's events; what they have grown by since the last
// time is new.
func (s *Sample) Async(id lambda.FunctionID, now AsyncCounts) {
	was := s.service.sampled[id]
	s.service.sampled[id] = now
	name := dimension{"FunctionName", id.Name}
	s.batch.count(id, "AsyncEventsReceived", now.Received-was.Received, name)
	s.batch.count(id, "AsyncEventsDropped", now.Dropped-was.Dropped, name)
	s.batch.count(id, "RecursiveInvocationsDropped", now.RecursiveDropped-was.RecursiveDropped, name)
	s.batch.count(id, "DeadLetterErrors", now.DeadLetterErrors-was.DeadLetterErrors, name)
	s.batch.count(id, "DestinationDeliveryFailures", now.DestinationDeliveryFailures-was.DestinationDeliveryFailures, name)
	s.service.totals.async(now, was)
}

// AccountUsage is the most that an account used of its concurrency since the last time.
type AccountUsage struct {
	Account, Region                 string
	Concurrent, Unreserved, Claimed int
}

// Account takes the use of an account's concurrency.
func (s *Sample) Account(u AccountUsage) {
	id := lambda.FunctionID{Account: u.Account, Region: u.Region}
	s.batch.gauge(id, "ConcurrentExecutions", float64(u.Concurrent))
	s.batch.gauge(id, "UnreservedConcurrentExecutions", float64(u.Unreserved))
	s.batch.gauge(id, "ClaimedAccountConcurrency", float64(u.Claimed))
}

// ProvisionedUsage is the use of a version's provisioned concurrency since the last time.
type ProvisionedUsage struct {
	Function               lambda.FunctionID
	Version                string
	Size, Concurrent       int // Concurrent is the most
	Invocations, Spillover int // drawn from it, and not although it has some
}

// Provisioned takes the use of provisioned concurrency, which is silent while nothing
// is invoked.
func (s *Sample) Provisioned(u ProvisionedUsage) {
	if u.Size == 0 || u.Invocations+u.Spillover+u.Concurrent == 0 {
		return
	}
	id := u.Function
	dims := []dimension{{"FunctionName", id.Name}, {"Resource", id.Name + ":" + u.Version}}
	s.batch.gauge(id, "ProvisionedConcurrentExecutions", float64(u.Concurrent), dims...)
	s.batch.gauge(id, "ProvisionedConcurrencyUtilization", float64(u.Concurrent)/float64(u.Size), dims...)
	s.batch.count(id, "ProvisionedConcurrencyInvocations", u.Invocations, dims...)
	s.batch.count(id, "ProvisionedConcurrencySpilloverInvocations", u.Spillover, dims...)
}

// Environments takes how many environments there are, for Prometheus.
func (s *Sample) Environments(idle, busy, starting int) {
	s.service.totals.environments(idle, busy, starting)
}

func (s *Service) sample(b *batch) {
	if s.cfg.Sample != nil {
		s.cfg.Sample(&Sample{service: s, batch: b})
	}
}
