// Package metrics keeps numbers over time and serves them as CloudWatch's metrics:
// what Hearth counts of functions, in the namespace AWS/Lambda, and what users put.
//
// It decides how values become points of a minute, how long points are kept and what
// a statistic over them is. It does not decide what counts as an invocation or an
// error (frontend, asyncinvoke and the pollers of mappings tell it), nor who may read
// (awsapi and iam). Logs are package logs' affair.
//
// What an invoke costs is two short visits to its own function's counters; points are
// made of them, and written, by Run and by whoever asks for points.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Config is what a Service needs.
type Config struct {
	// Dir is where the file lies; it is made when it does not exist.
	Dir string
	// Weighted says whether an alias shares its invokes out, so that its metrics are
	// kept by executed version too; nil means that none does.
	Weighted func(id lambda.FunctionID, alias string) bool
	// Sample is asked for what others count when points are made. May be nil.
	Sample func(*Sample)
	Now    func() time.Time
	Log    *slog.Logger
}

// Service is CloudWatch's metrics on one machine. Its methods may be called at the
// same time from many goroutines.
type Service struct {
	cfg    Config
	disk   *disk
	shards [shardCount]shard
	loose  loose
	totals totals
	starts *prometheus.HistogramVec // of environments, by part

	flushing sync.Mutex // one flush at a time, so that counters are taken in order
	sampled  map[lambda.FunctionID]AsyncCounts
	commits  commits
}

// Open reads what is in the directory. It starts nothing: Run makes points of what is
// counted, and so does every query. When another process uses the directory the error
// is a *filelock.HeldError.
func Open(ctx context.Context, cfg Config) (*Service, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open metrics: %w", err)
	}
	d, err := openDisk(ctx, cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("open metrics: %w", err)
	}
	s := &Service{cfg: cfg, disk: d, sampled: map[lambda.FunctionID]AsyncCounts{}, starts: newStarts()}
	for i := range s.shards {
		s.shards[i].functions = map[lambda.FunctionID]*function{}
	}
	s.loose.points = map[looseKey]*point{}
	s.totals.durations = sketch{}
	return s, nil
}

// Use sets Config.Sample, for a node whose parts are built after the service. It is
// called before Run and before anything asks.
func (s *Service) Use(weighted func(lambda.FunctionID, string) bool, sample func(*Sample)) {
	s.cfg.Weighted, s.cfg.Sample = weighted, sample
}

const (
	// flushEvery is the most that a killed process loses of what it counted. A thousand
	// functions at work cost some 200 ms each time; idle ones cost nothing.
	flushEvery = 30 * time.Second
	// sweepEvery is how often what is too old is removed.
	sweepEvery = time.Hour
)

// Run makes points of what is counted and removes the old ones, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	flush, sweep := time.NewTicker(flushEvery), time.NewTicker(sweepEvery)
	defer flush.Stop()
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-flush.C:
			if err := s.flush(ctx); err != nil && ctx.Err() == nil {
				s.cfg.Log.ErrorContext(ctx, "metrics not written", "error", err)
			}
		case <-sweep.C:
			if err := s.disk.sweep(ctx, minuteOf(s.cfg.Now())); err != nil && ctx.Err() == nil {
				s.cfg.Log.ErrorContext(ctx, "old metrics not removed", "error", err)
			}
		}
	}
}

// Close writes what is counted and closes the file. Run must have ended, and so must
// everything that counts.
func (s *Service) Close() error {
	return errors.Join(s.flush(context.Background()), s.disk.close())
}

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }
