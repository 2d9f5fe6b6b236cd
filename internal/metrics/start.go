package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// startBounds are the buckets of the parts of a cold start, in seconds: an assignment
// takes well under a millisecond, an Init phase at most some minutes.
var startBounds = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 150}

// newStarts are the starts of environments by part; there is a fixed number of parts.
func newStarts() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "hearth_lambda_start_seconds", Buckets: startBounds,
		Help: "How long the parts of starting an execution environment took.",
	}, []string{"part"})
}

// Started says how long a part of the start of an environment took.
func (s *Service) Started(part string, took time.Duration) {
	s.starts.WithLabelValues(part).Observe(took.Seconds())
}
