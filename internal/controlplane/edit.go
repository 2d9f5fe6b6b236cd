package controlplane

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// editAttempts bounds how often a change is decided again because another one came
// first. Each attempt that loses means that somebody else's change went through, so
// only a caller among very many at one function ever gets there.
const editAttempts = 32

// conflictWait bounds the wait for the change that came first to reach the view. The
// store reports it within the time of a commit; when it does not, the view and the
// store disagree and no attempt would ever go through.
const conflictWait = 5 * time.Second

// edit is one change of a function while it is decided on.
type edit struct {
	s  *Service
	f  *function // as it is before the change
	id lambda.FunctionID
	// record is a copy of the function's own record. It is written with every change.
	record functionRecord

	changes []store.Change
	err     error
	deleted bool
	nothing bool // there is nothing to change after all
}

// edit asks decide what to change and commits it whole. When another change of the
// same function (or of what decide touched) is committed first, decide is asked
// again with the new state; it must have no effects of its own. An error of decide
// is returned as it is.
func (s *Service) edit(ctx context.Context, id lambda.FunctionID, decide func(*edit) error) error {
	for range editAttempts {
		changed := s.view.next() // before looking, so that no change is missed
		f := s.view.function(id)
		e := &edit{s: s, f: f, id: id, record: f.record.value}
		if err := decide(e); err != nil {
			return err
		}
		if e.nothing {
			return nil
		}
		changes, err := e.all()
		if err != nil {
			return fmt.Errorf("encode change of %s: %w", id.ARN(), err)
		}
		_, err = s.cfg.Store.Apply(ctx, changes...)
		if err == nil {
			return nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return fmt.Errorf("commit change of %s: %w", id.ARN(), err)
		}
		select {
		case <-changed: // what came first has reached the view
		case <-time.After(conflictWait):
			return fmt.Errorf("commit change of %s: what came first is not in view: %w", id.ARN(), err)
		case <-ctx.Done():
			return fmt.Errorf("commit change of %s: %w", id.ARN(), ctx.Err())
		}
	}
	return lambda.Errorf(lambda.CodeResourceConflict, msgUpdateInProgress, id.ARN())
}

// all are the changes, the function's own record among them at the revision that
// was decided on. They reach the view one after the other: the record comes last, so
// that who sees its new revision sees the rest as well, and a deletion's comes first,
// so that nobody sees a function without its parts.
func (e *edit) all() ([]store.Change, error) {
	cond := store.Absent
	if e.f.exists {
		cond = store.Precondition(e.f.record.revision)
	}
	key := functionKey(e.id)
	if e.deleted {
		return append([]store.Change{e.s.tables.functions.DeleteChange(key, cond)}, e.changes...), e.err
	}
	change, err := e.s.tables.functions.PutChange(key, e.record, cond)
	return append(e.changes, change), errors.Join(e.err, err)
}

func (e *edit) add(c store.Change, err error) {
	e.changes = append(e.changes, c)
	e.err = errors.Join(e.err, err)
}

// touch gives $LATEST a new RevisionId.
func (e *edit) touch() { e.record.Latest.RevisionID = lambda.NewUUID() }

func (e *edit) putVersion(n int, v versionRecord) {
	e.add(e.s.tables.versions.PutChange(versionKey(e.id, n), v, 0))
}

func (e *edit) deleteVersion(n int) {
	e.add(e.s.tables.versions.DeleteChange(versionKey(e.id, n), 0), nil)
	e.deleteParts(strconv.Itoa(n))
}

func (e *edit) putAlias(name string, a aliasRecord) {
	e.add(e.s.tables.aliases.PutChange(partKey(e.id, name), a, 0))
}

func (e *edit) deleteAlias(name string) {
	e.add(e.s.tables.aliases.DeleteChange(partKey(e.id, name), 0), nil)
	e.deleteParts(name)
}

func (e *edit) putPolicy(qualifier string, p policyRecord) {
	key := partKey(e.id, policyPart(qualifier))
	if len(p.Statements) == 0 {
		e.add(e.s.tables.policies.DeleteChange(key, 0), nil)
		return
	}
	e.add(e.s.tables.policies.PutChange(key, p, 0))
}

func (e *edit) putEventInvoke(qualifier string, r eventInvokeRecord) {
	e.add(e.s.tables.eventInvokes.PutChange(partKey(e.id, policyPart(qualifier)), r, 0))
}

func (e *edit) deleteEventInvoke(qualifier string) {
	e.add(e.s.tables.eventInvokes.DeleteChange(partKey(e.id, policyPart(qualifier)), 0), nil)
}

// deleteParts removes what hangs on a qualifier.
func (e *edit) deleteParts(qualifier string) {
	if _, ok := e.f.policies[policyPart(qualifier)]; ok {
		e.putPolicy(qualifier, policyRecord{})
	}
	if _, ok := e.f.eventInvokes[policyPart(qualifier)]; ok {
		e.deleteEventInvoke(qualifier)
	}
	if _, ok := e.f.urls[policyPart(qualifier)]; ok {
		e.deleteURL(qualifier)
	}
	e.err = errors.Join(e.err, e.endProvisioned(qualifier))
}

// policyPart names a qualifier in keys: what is given no qualifier belongs to
// $LATEST.
func policyPart(qualifier string) string {
	if qualifier == "" {
		return lambda.Latest
	}
	return qualifier
}

// setReservation sets a function's reserved concurrency, or takes it away, when
// check allows it beside what is spoken for by others. before is what it was.
func (e *edit) setReservation(n *int, check func(others, before int) error) error {
	return e.editReservations(func(r *reservationsRecord) error {
		name := e.id.Name
		others := *r
		others.ByFunction = maps.Clone(r.ByFunction)
		delete(others.ByFunction, name)
		others.setProvisioned(name, nil)
		if check != nil {
			if err := check(others.total(), r.ByFunction[name]); err != nil {
				return err
			}
		}
		r.ByFunction = others.ByFunction
		if n != nil {
			r.ByFunction = put(maps.Clone(others.ByFunction), name, *n)
		}
		return nil
	})
}

// editReservations changes the concurrency that the account's functions have for
// themselves. An edit does so once; change replaces maps and changes none.
func (e *edit) editReservations(change func(*reservationsRecord) error) error {
	h := homeOf(e.id)
	e.s.view.mu.RLock()
	now := row[reservationsRecord]{}
	if r := e.s.view.regions[h]; r != nil {
		now = r.reservations
	}
	e.s.view.mu.RUnlock()
	if err := change(&now.value); err != nil {
		return err
	}
	cond := store.Absent
	if now.revision > 0 {
		cond = store.Precondition(now.revision)
	}
	e.add(e.s.tables.reservations.PutChange(h.key(), now.value, cond))
	return nil
}
