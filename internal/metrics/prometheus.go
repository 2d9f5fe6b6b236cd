package metrics

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// totals are what Prometheus reads: sums over all functions since the process began.
// They name no function, so that whoever may read them learns nothing of anybody.
type totals struct {
	mu                             sync.Mutex // guards what follows
	invocations, errors, throttles float64
	durationSum                    float64 // milliseconds
	durations                      sketch
	events                         AsyncCounts
	idle, busy, starting           int
}

func (t *totals) add(b *batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.invocations += b.invocations
	t.errors += b.errors
	t.throttles += b.throttles
	t.durationSum += b.durations.sum
	for k, n := range b.durations.sketch {
		t.durations[k] += n
	}
}

func (t *totals) async(now, was AsyncCounts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events.Received += now.Received - was.Received
	t.events.Dropped += now.Dropped - was.Dropped
	t.events.DeadLetterErrors += now.DeadLetterErrors - was.DeadLetterErrors
	t.events.DestinationDeliveryFailures += now.DestinationDeliveryFailures - was.DestinationDeliveryFailures
}

func (t *totals) environments(idle, busy, starting int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.idle, t.busy, t.starting = idle, busy, starting
}

// scrapeMax bounds how long one scrape may take to flush first.
const scrapeMax = 5 * time.Second

// Prometheus is the handler of /_hearth/metrics.
func (s *Service) Prometheus() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(&s.totals, s.starts, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	text := promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelError),
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), scrapeMax)
		defer cancel()
		if err := s.flush(ctx); err != nil {
			s.cfg.Log.ErrorContext(ctx, "metrics not written", "error", err)
		}
		text.ServeHTTP(w, r)
	})
}

// durationBounds are the buckets of the histogram, in seconds: warm invokes take well
// under a millisecond, the longest a quarter of an hour.
var durationBounds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900}

// What is told.
var (
	invocationsDesc = describe("invocations_total", "Invocations that ran, whatever came of them.")
	errorsDesc      = describe("errors_total", "Invocations in which the function failed.")
	throttlesDesc   = describe("throttles_total", "Invocations that a concurrency limit refused.")
	durationDesc    = describe("duration_seconds", "How long functions ran, without their initialization.")
	statesDesc      = describe("environments", "Execution environments by what they do.", "state")
	receivedDesc    = describe("async_events_received_total", "Asynchronous events accepted.")
	droppedDesc     = describe("async_events_dropped_total", "Asynchronous events given up without success.")
	undeliveredDesc = describe("delivery_errors_total", "Records that did not reach where they were to go.", "to")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("hearth_lambda_"+name, help, labels, nil)
}

// Describe meets prometheus.Collector.
func (t *totals) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(t, to) }

// Collect meets prometheus.Collector.
func (t *totals) Collect(to chan<- prometheus.Metric) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tell := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	tell(invocationsDesc, prometheus.CounterValue, t.invocations)
	tell(errorsDesc, prometheus.CounterValue, t.errors)
	tell(throttlesDesc, prometheus.CounterValue, t.throttles)
	to <- prometheus.MustNewConstHistogram(durationDesc, uint64(t.invocations), t.durationSum/1000, t.buckets())
	tell(statesDesc, prometheus.GaugeValue, float64(t.busy), "busy")
	tell(statesDesc, prometheus.GaugeValue, float64(t.idle), "idle")
	tell(statesDesc, prometheus.GaugeValue, float64(t.starting), "starting")
	tell(receivedDesc, prometheus.CounterValue, float64(t.events.Received))
	tell(droppedDesc, prometheus.CounterValue, float64(t.events.Dropped))
	tell(undeliveredDesc, prometheus.CounterValue, float64(t.events.DeadLetterErrors), "dead_letter_queue")
	tell(undeliveredDesc, prometheus.CounterValue, float64(t.events.DestinationDeliveryFailures), "destination")
}

// buckets are the durations up to each bound; the mutex is held.
func (t *totals) buckets() map[float64]uint64 {
	keys := slices.Sorted(maps.Keys(t.durations))
	out := make(map[float64]uint64, len(durationBounds))
	seen, i := 0.0, 0
	for _, bound := range durationBounds {
		for ; i < len(keys) && valueOf(keys[i])/1000 <= bound; i++ {
			seen += t.durations[keys[i]]
		}
		out[bound] = uint64(seen)
	}
	return out
}
