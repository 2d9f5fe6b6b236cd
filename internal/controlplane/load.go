package controlplane

import (
	"context"
	"fmt"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// watch lets committed changes reach the view until stop is called.
func (s *Service) watch() (stop func()) {
	stops := []func(){
		s.tables.functions.Watch(func(e store.RowEvent[functionRecord]) { locked(s, e, s.onFunction) }),
		s.tables.versions.Watch(func(e store.RowEvent[versionRecord]) { locked(s, e, s.onVersion) }),
		s.tables.aliases.Watch(func(e store.RowEvent[aliasRecord]) { locked(s, e, s.onAlias) }),
		s.tables.policies.Watch(func(e store.RowEvent[policyRecord]) { locked(s, e, s.onPolicy) }),
		s.tables.eventInvokes.Watch(func(e store.RowEvent[eventInvokeRecord]) { locked(s, e, s.onEventInvoke) }),
		s.tables.reservations.Watch(func(e store.RowEvent[reservationsRecord]) { locked(s, e, s.onReservations) }),
		s.tables.mappings.Watch(func(e store.RowEvent[mappingRecord]) { locked(s, e, s.onMapping) }),
		s.tables.signings.Watch(func(e store.RowEvent[signingRecord]) { locked(s, e, s.onSigning) }),
	}
	stops = append(stops, s.watchLayers()...)
	stops = append(stops, s.tables.urls.Watch(func(e store.RowEvent[urlRecord]) { locked(s, e, s.onURL) }))
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// locked carries one event into the view.
func locked[T any](s *Service, e store.RowEvent[T], on func(store.RowEvent[T])) {
	if e.Err != nil {
		// Nothing but this package writes these kinds; the old state stays in view.
		s.cfg.Log.Error("committed record cannot be read", "key", e.Key, "error", e.Err)
		return
	}
	s.view.mu.Lock()
	defer s.view.mu.Unlock()
	on(e)
}

// load brings all records into the view. Events that arrive meanwhile wait; those
// that are older than what was read are told by their revision.
func (s *Service) load(ctx context.Context) error {
	s.view.mu.Lock()
	defer s.view.mu.Unlock()
	return firstError(
		loadTable(ctx, s.tables.functions, s.onFunction),
		loadTable(ctx, s.tables.versions, s.onVersion),
		loadTable(ctx, s.tables.aliases, s.onAlias),
		loadTable(ctx, s.tables.policies, s.onPolicy),
		loadTable(ctx, s.tables.eventInvokes, s.onEventInvoke),
		loadTable(ctx, s.tables.reservations, s.onReservations),
		loadTable(ctx, s.tables.mappings, s.onMapping),
		s.loadLayers(ctx),
		loadTable(ctx, s.tables.urls, s.onURL),
		loadTable(ctx, s.tables.signings, s.onSigning),
	)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func loadTable[T any](ctx context.Context, t store.Table[T], on func(store.RowEvent[T])) error {
	for r, err := range t.All(ctx, "") {
		if err != nil {
			return fmt.Errorf("load %s records: %w", t.Kind(), err)
		}
		on(store.RowEvent[T]{Row: r})
	}
	return nil
}

func (s *Service) onFunction(e store.RowEvent[functionRecord]) {
	id, _ := parseKey(e.Key)
	s.view.setFunction(id, row[functionRecord]{e.Value, e.Revision}, !e.Deleted)
}

func (s *Service) onVersion(e store.RowEvent[versionRecord]) {
	id, n := parseVersionKey(e.Key)
	s.view.setVersion(id, n, row[versionRecord]{e.Value, e.Revision}, !e.Deleted)
}

func (s *Service) onAlias(e store.RowEvent[aliasRecord]) {
	s.onPart(e.Key, func(f *function, name string) { f.aliases = follow(f.aliases, name, e) })
}

func (s *Service) onPolicy(e store.RowEvent[policyRecord]) {
	s.onPart(e.Key, func(f *function, qualifier string) { f.policies = follow(f.policies, qualifier, e) })
}

func (s *Service) onEventInvoke(e store.RowEvent[eventInvokeRecord]) {
	s.onPart(e.Key, func(f *function, qualifier string) { f.eventInvokes = follow(f.eventInvokes, qualifier, e) })
}

func (s *Service) onPart(key string, change func(f *function, part string)) {
	id, part := parseKey(key)
	f := *s.view.function(id)
	change(&f, part)
	s.view.replace(&f)
}

func (s *Service) onReservations(e store.RowEvent[reservationsRecord]) {
	first, _ := parseKey(e.Key)
	r := s.view.region(homeOf(first))
	if e.Revision <= r.reservations.revision {
		return
	}
	before := r.reservations.value.ByFunction
	s.followProvisioned(first, r.reservations.value.Provisioned, e.Value.Provisioned)
	r.reservations = row[reservationsRecord]{e.Value, e.Revision}
	for name := range before {
		if _, still := e.Value.ByFunction[name]; !still {
			s.reserve(first, name, nil)
		}
	}
	for name, n := range e.Value.ByFunction {
		if had, ok := before[name]; !ok || had != n {
			s.reserve(first, name, &n)
		}
	}
	s.view.wake()
}

func (s *Service) reserve(in lambda.FunctionID, name string, n *int) {
	id := lambda.FunctionID{Account: in.Account, Region: in.Region, Name: name}
	f := *s.view.function(id)
	f.reserved = n
	s.view.replace(&f)
	if s.cfg.Limits != nil {
		s.cfg.Limits.SetReserved(id, n)
	}
}
