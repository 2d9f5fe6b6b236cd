package loadbalancer

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// Run checks the frontends until ctx ends.
func (b *Balancer) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, f := range b.frontends {
		all.Go(func() { b.watch(ctx, f) })
	}
	all.Wait()
	b.transport.CloseIdleConnections()
}

func (b *Balancer) watch(ctx context.Context, f *frontend) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: b.cfg.CheckTimeout}
	tick := time.NewTicker(b.cfg.CheckEvery)
	defer tick.Stop()
	for {
		ok := b.check(ctx, client, f)
		if ctx.Err() != nil {
			return
		}
		f.mu.Lock()
		changed := f.health.checked(ok, &b.cfg)
		f.mu.Unlock()
		if changed {
			b.cfg.Log.WarnContext(ctx, "a frontend's health changed", "frontend", f.URL.Host, "zone", f.Zone, "healthy", ok)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// check asks a frontend for its health. A connection of its own each time: one that
// was opened before may lead to a process that takes no new ones.
func (b *Balancer) check(ctx context.Context, client *http.Client, f *frontend) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL.Scheme+"://"+f.URL.Host+b.cfg.HealthPath, nil)
	if err != nil {
		return false
	}
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close() // its status is all that counts
	return res.StatusCode == http.StatusOK
}

// State is one frontend as the balancer sees it.
type State struct {
	Frontend  string `json:"frontend"`
	Zone      string `json:"zone"`
	Healthy   bool   `json:"healthy"`
	Ejected   bool   `json:"ejected"`
	Evacuated bool   `json:"zone_evacuated"`
	InFlight  int    `json:"in_flight"`
}

// States are the frontends in the order of the configuration.
func (b *Balancer) States() []State {
	now := b.cfg.Now()
	all, states := make([]candidate, len(b.frontends)), make([]State, len(b.frontends))
	for i, f := range b.frontends {
		f.mu.Lock()
		all[i] = candidate{zone: f.Zone, out: f.health.out(now)}
		states[i] = State{
			Frontend: f.URL.String(), Zone: f.Zone, Healthy: !f.health.down,
			Ejected: now.Before(f.health.outUntil), InFlight: f.inFlight,
		}
		f.mu.Unlock()
	}
	sick := evacuated(all)
	for i := range states {
		states[i].Evacuated = sick[states[i].Zone]
	}
	return states
}

func (b *Balancer) serveState(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(map[string]any{"frontends": b.States()}); err != nil {
		b.cfg.Log.DebugContext(r.Context(), "the state was not sent", "error", err)
	}
}
