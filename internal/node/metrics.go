package node

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/hearthfaas/hearth/internal/counter"
	"github.com/hearthfaas/hearth/internal/eventsource"
	"github.com/hearthfaas/hearth/internal/frontend"
	"github.com/hearthfaas/hearth/internal/functionurl"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/metrics"
)

// openMetrics opens the metrics, which everything after may count in.
func (n *Node) openMetrics(ctx context.Context, p *parts) (err error) {
	p.metrics, err = metrics.Open(ctx, metrics.Config{Dir: n.dir("metrics"), Now: time.Now, Log: n.log})
	if err != nil {
		return fmt.Errorf("open the metrics: %w", err)
	}
	p.closers = append(p.closers, p.metrics.Close)
	return nil
}

// observer shows the metrics to the frontend.
type observer struct{ metrics *metrics.Service }

// Began meets frontend.Observer.
func (o observer) Began(v *lambda.Version, inv *lambda.Invocation) frontend.Running {
	return o.metrics.Began(v, inv)
}

// Throttled meets frontend.Observer.
func (o observer) Throttled(v *lambda.Version, inv *lambda.Invocation) { o.metrics.Throttled(v, inv) }

// mappingMetrics shows the metrics to the pollers of mappings.
type mappingMetrics struct{ metrics *metrics.Service }

// CountEvents meets eventsource.Metrics.
func (a mappingMetrics) CountEvents(m eventsource.Mapping, metric string, n int) {
	a.metrics.Count(m.Function, m.UUID, metric, n)
}

// IteratorAge meets eventsource.Metrics.
func (a mappingMetrics) IteratorAge(m eventsource.Mapping, age time.Duration) {
	a.metrics.Observe(m.Function, m.UUID, "IteratorAge", age)
}

// DeliveryFailed meets eventsource.Metrics.
func (a mappingMetrics) DeliveryFailed(m eventsource.Mapping) {
	a.metrics.Count(m.Function, "", "DestinationDeliveryFailures", 1)
}

// aged takes the age of asynchronous events.
func aged(m *metrics.Service) func(lambda.FunctionID, time.Duration) {
	return func(id lambda.FunctionID, age time.Duration) { m.Observe(id, "", "AsyncEventAge", age) }
}

// urlMetrics counts the requests to function URLs.
func urlMetrics(m *metrics.Service) func(functionurl.Target, int, time.Duration) {
	return func(t functionurl.Target, status int, took time.Duration) {
		m.Count(t.Function, "", "UrlRequestCount", 1)
		m.Observe(t.Function, "", "UrlRequestLatency", took)
		switch {
		case status >= http.StatusInternalServerError:
			m.Count(t.Function, "", "Url5xxCount", 1)
		case status >= http.StatusBadRequest:
			m.Count(t.Function, "", "Url4xxCount", 1)
		}
	}
}

// started takes the parts of the starts of environments. Placement tells its own.
func started(m *metrics.Service) func(lambda.ColdStart) {
	return func(c lambda.ColdStart) {
		for part, took := range c.Parts() {
			if took > 0 && part != "place" {
				m.Started(part, took)
			}
		}
	}
}

// sample takes into the metrics what the parts count themselves.
func sample(p *parts, count *counter.Counter) func(*metrics.Sample) {
	return func(s *metrics.Sample) {
		for id, c := range p.events.Counts() {
			s.Async(id, metrics.AsyncCounts{
				Received: c.Received, Dropped: c.Dropped, RecursiveDropped: c.RecursiveDropped,
				DeadLetterErrors: c.DeadLetterErrors, DestinationDeliveryFailures: c.DestinationDeliveryFailures,
			})
		}
		for _, u := range count.Usage() {
			s.Account(metrics.AccountUsage{
				Account: u.Account, Region: u.Region, Concurrent: u.Concurrent, Unreserved: u.Unreserved, Claimed: u.Claimed,
			})
			for _, v := range u.Provisioned {
				s.Provisioned(metrics.ProvisionedUsage{
					Function: v.Function, Version: v.Version, Size: v.Size, Concurrent: v.Concurrent,
					Invocations: v.Drawn, Spillover: v.Spilled,
				})
			}
		}
		all := p.manager.Totals()
		s.Environments(all.Idle, all.Busy, all.Starting)
	}
}

// withoutMetrics is the edge as functions see it: what a node does as a whole is not
// their affair.
func withoutMetrics(edge http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/_hearth/metrics" {
			http.NotFound(w, r)
			return
		}
		edge.ServeHTTP(w, r)
	})
}
