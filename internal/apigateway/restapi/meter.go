package restapi

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
)

const (
	// flushEvery is how often used quotas are written: a crash forgets that much.
	flushEvery = 5 * time.Second
	// daysKept is how far back usage is known: what GetUsage can ask for (API Gateway
	// API reference) and the longest period.
	daysKept = 92
	dateForm = "2006-01-02"
)

// meter counts the requests of keys in usage plans. It knows what is on disk and what
// came since; AWS, too, applies quotas on a best-effort basis.
type meter struct {
	mu    sync.Mutex // guards what follows
	used  map[string]map[string]int64
	dirty map[string]shelf.Place
}

func newMeter() *meter {
	return &meter{used: map[string]map[string]int64{}, dirty: map[string]shelf.Place{}}
}

// days is what a key has used, by date.
func (s *Service) days(p shelf.Place) map[string]int64 {
	s.meter.mu.Lock()
	defer s.meter.mu.Unlock()
	return maps.Clone(s.daysLocked(p))
}

func (s *Service) daysLocked(p shelf.Place) map[string]int64 {
	days, ok := s.meter.used[p.ID]
	if !ok {
		days = map[string]int64{}
		if e, kept := s.usage.Get(p); kept {
			maps.Copy(days, e.Doc.Days)
		}
		s.meter.used[p.ID] = days
	}
	return days
}

// spend counts a request, unless the quota is used up.
func (s *Service) spend(p shelf.Place, q *types.QuotaSettings, now time.Time) bool {
	s.meter.mu.Lock()
	defer s.meter.mu.Unlock()
	days := s.daysLocked(p)
	if q != nil && q.Limit > 0 && usedSince(days, periodStart(q, now)) >= int64(q.Limit) {
		return false
	}
	days[now.UTC().Format(dateForm)]++
	s.meter.dirty[p.ID] = p
	return true
}

// periodStart is the first day of the quota's current period.
func periodStart(q *types.QuotaSettings, now time.Time) string {
	now = now.UTC()
	day := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	switch q.Period {
	case types.QuotaPeriodTypeWeek:
		day = day.AddDate(0, 0, -int(day.Weekday()))
	case types.QuotaPeriodTypeMonth:
		day = day.AddDate(0, 0, 1-day.Day())
	case types.QuotaPeriodTypeDay:
	}
	return day.Format(dateForm)
}

func usedSince(days map[string]int64, first string) int64 {
	var n int64
	for day, used := range days {
		if day >= first { // dates of this form sort as text
			n += used
		}
	}
	return n
}

// Run writes used quotas until ctx ends, and once more then.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := s.flush(ctx); err != nil {
				s.cfg.Log.ErrorContext(ctx, "used quotas are not on disk; they will be tried again", "error", err)
			}
		case <-ctx.Done():
			return s.flush(context.WithoutCancel(ctx))
		}
	}
}

// flush writes what changed.
func (s *Service) flush(ctx context.Context) error {
	s.meter.mu.Lock()
	dirty := s.meter.dirty
	s.meter.dirty = map[string]shelf.Place{}
	s.meter.mu.Unlock()
	oldest := s.cfg.Now().UTC().AddDate(0, 0, -daysKept).Format(dateForm)
	var failed error
	for id, p := range dirty {
		days := s.days(p)
		maps.DeleteFunc(days, func(day string, _ int64) bool { return day < oldest })
		change, err := s.usage.Put(p, Usage{Days: days})
		if err == nil {
			_, err = s.cfg.Store.Apply(ctx, change)
		}
		if err != nil {
			failed = errors.Join(failed, err)
			s.meter.mu.Lock()
			s.meter.dirty[id] = p
			s.meter.mu.Unlock()
		}
	}
	return failed
}
