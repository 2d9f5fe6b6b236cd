package metrics

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	rtmetrics "runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
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

// Prometheus is the handler of /_hearth/metrics: version 0.0.4 of Prometheus's text
// format, which is small enough to be written here.
func (s *Service) Prometheus() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), scrapeMax)
		defer cancel()
		if err := s.flush(ctx); err != nil {
			s.cfg.Log.ErrorContext(ctx, "metrics not written", "error", err)
		}
		var text exposition
		s.totals.expose(&text)
		exposeProcess(&text)
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = w.Write(text.buf.Bytes()) // the asker may have gone
	})
}

// exposition builds the text.
type exposition struct{ buf bytes.Buffer }

// family begins a metric. Samples of it follow.
func (e *exposition) family(name, kind, help string) {
	fmt.Fprintf(&e.buf, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func (e *exposition) sample(name string, v float64) {
	e.buf.WriteString(name)
	e.buf.WriteByte(' ')
	e.buf.Write(strconv.AppendFloat(nil, v, 'g', -1, 64))
	e.buf.WriteByte('\n')
}

// one is a metric with a single sample.
func (e *exposition) one(name, kind, help string, v float64) {
	e.family(name, kind, help)
	e.sample(name, v)
}

// durationBounds are the buckets of the histogram, in seconds: warm invokes take well
// under a millisecond, the longest a quarter of an hour.
var durationBounds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900}

func (t *totals) expose(e *exposition) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.one("hearth_lambda_invocations_total", "counter", "Invocations that ran, whatever came of them.", t.invocations)
	e.one("hearth_lambda_errors_total", "counter", "Invocations in which the function failed.", t.errors)
	e.one("hearth_lambda_throttles_total", "counter", "Invocations that a concurrency limit refused.", t.throttles)
	const duration = "hearth_lambda_duration_seconds"
	e.family(duration, "histogram", "How long functions ran, without their initialization.")
	keys := slices.Sorted(maps.Keys(t.durations))
	seen, i := 0.0, 0
	for _, bound := range durationBounds {
		for ; i < len(keys) && valueOf(keys[i])/1000 <= bound; i++ {
			seen += t.durations[keys[i]]
		}
		e.sample(fmt.Sprintf("%s_bucket{le=%q}", duration, strconv.FormatFloat(bound, 'g', -1, 64)), seen)
	}
	e.sample(duration+`_bucket{le="+Inf"}`, t.invocations)
	e.sample(duration+"_sum", t.durationSum/1000)
	e.sample(duration+"_count", t.invocations)
	e.family("hearth_lambda_environments", "gauge", "Execution environments by what they do.")
	e.sample(`hearth_lambda_environments{state="busy"}`, float64(t.busy))
	e.sample(`hearth_lambda_environments{state="idle"}`, float64(t.idle))
	e.sample(`hearth_lambda_environments{state="starting"}`, float64(t.starting))
	e.one("hearth_lambda_async_events_received_total", "counter", "Asynchronous events accepted.", float64(t.events.Received))
	e.one("hearth_lambda_async_events_dropped_total", "counter", "Asynchronous events given up without success.", float64(t.events.Dropped))
	e.family("hearth_lambda_delivery_errors_total", "counter", "Records that did not reach where they were to go.")
	e.sample(`hearth_lambda_delivery_errors_total{to="dead_letter_queue"}`, float64(t.events.DeadLetterErrors))
	e.sample(`hearth_lambda_delivery_errors_total{to="destination"}`, float64(t.events.DestinationDeliveryFailures))
}

// exposeProcess tells of Hearth's own process, under the names that Prometheus's clients
// for Go have made usual.
func exposeProcess(e *exposition) {
	samples := []rtmetrics.Sample{
		{Name: "/sched/goroutines:goroutines"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/cpu/classes/gc/total:cpu-seconds"},
	}
	rtmetrics.Read(samples)
	for i, as := range []struct{ name, kind, help string }{
		{"go_goroutines", "gauge", "Goroutines that exist."},
		{"go_memstats_heap_alloc_bytes", "gauge", "Heap in use."},
		{"go_memstats_sys_bytes", "gauge", "Memory obtained from the system."},
		{"go_gc_cycles_total", "counter", "Collections of garbage."},
		{"go_memstats_alloc_bytes_total", "counter", "Bytes allocated on the heap."},
		{"go_gc_cpu_seconds_total", "counter", "Estimated time of processors in collections."},
	} {
		switch v := samples[i].Value; v.Kind() {
		case rtmetrics.KindUint64:
			e.one(as.name, as.kind, as.help, float64(v.Uint64()))
		case rtmetrics.KindFloat64:
			e.one(as.name, as.kind, as.help, v.Float64())
		default: // this Go does not know it
		}
	}
	var use syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &use) == nil {
		e.one("process_cpu_seconds_total", "counter", "Time of processors spent.",
			float64(use.Utime.Sec+use.Stime.Sec)+float64(use.Utime.Usec+use.Stime.Usec)/1e6)
	}
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		if fields := strings.Fields(string(text)); len(fields) > 1 {
			if pages, err := strconv.Atoi(fields[1]); err == nil {
				e.one("process_resident_memory_bytes", "gauge", "Resident memory.", float64(pages*os.Getpagesize()))
			}
		}
	}
}
