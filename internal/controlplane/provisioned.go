package controlplane

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Provisioner keeps environments initialised before anybody asks for them
// (workermanager meets it).
type Provisioner interface {
	// Provision wants n environments of a version from now on; 0 wants none. It must
	// not wait for them.
	Provision(v *lambda.Version, n int)
	// Provisioned reports how many are initialised, and why the last start failed if
	// it did.
	Provisioned(key lambda.EnvironmentKey) (ready int, failed error)
}

// provisionedRecord is the provisioned concurrency of one version or alias.
type provisionedRecord struct {
	Requested    int       `json:"requested"`
	LastModified time.Time `json:"last_modified"`
}

// totalOf sums up one function's provisioned concurrency.
func totalOf(byQualifier map[string]provisionedRecord) int {
	sum := 0
	for _, p := range byQualifier {
		sum += p.Requested
	}
	return sum
}

// total is what of an account's concurrency is spoken for: every reserve, and the
// provisioned concurrency of functions that have none.
func (r reservationsRecord) total() int {
	sum := r.reserved()
	for name, byQualifier := range r.Provisioned {
		if _, reserved := r.ByFunction[name]; !reserved {
			sum += totalOf(byQualifier)
		}
	}
	return sum
}

// reserved is the sum of all reserves.
func (r reservationsRecord) reserved() int {
	sum := 0
	for _, n := range r.ByFunction {
		sum += n
	}
	return sum
}

// wanted is the provisioned concurrency of each version of a function that can run.
// An alias provisions the version that it mainly points to.
func (f *function) wanted() map[string]provision {
	out := make(map[string]provision)
	for q, p := range f.provisioned {
		number := q
		if a, ok := f.aliases[q]; ok {
			number = a.value.Version
		}
		if v, ok := f.version(number); ok && f.exists && v.value.State == lambda.StateActive {
			out[number] = provision{v.runs, out[number].n + p.Requested}
		}
	}
	return out
}

// provisionAll has the counter and the owner of environments follow the functions'
// provisioned concurrency until ctx ends.
func (s *Service) provisionAll(ctx context.Context) {
	applied := make(map[lambda.FunctionID]map[string]provision)
	for {
		id, ok := s.provisioning.next(ctx)
		if !ok {
			return
		}
		wanted := s.view.function(id).wanted()
		for label, had := range applied[id] {
			if _, still := wanted[label]; !still {
				s.provision(had.version, 0)
				delete(applied[id], label)
			}
		}
		for _, label := range slices.Sorted(maps.Keys(wanted)) {
			now := wanted[label]
			if had, ok := applied[id][label]; ok && had.n == now.n && had.version.Key() == now.version.Key() {
				continue
			}
			s.provision(now.version, now.n)
			applied[id] = put(applied[id], label, now)
		}
		if len(applied[id]) == 0 {
			delete(applied, id)
		}
	}
}

// provision is n environments of a version.
type provision struct {
	version *lambda.Version
	n       int
}

func (s *Service) provision(v *lambda.Version, n int) {
	if s.cfg.Limits != nil {
		s.cfg.Limits.SetProvisioned(v.Function, v.Version, n)
	}
	if s.cfg.Provisioner != nil {
		s.cfg.Provisioner.Provision(v, n)
	}
}

// ready is how many environments of a qualifier's provisioned concurrency are
// initialised, and why the last start failed if it did.
func (s *Service) provisioned(f *function, qualifier string) (ready int, failed error) {
	number := qualifier
	if a, ok := f.aliases[qualifier]; ok {
		number = a.value.Version
	}
	v, ok := f.version(number)
	if !ok {
		return 0, nil
	}
	if s.cfg.Provisioner == nil {
		return f.provisioned[qualifier].Requested, nil
	}
	return s.cfg.Provisioner.Provisioned(v.runs.Key())
}

// followProvisioned carries a change of the provisioned concurrency of one function
// into the view.
func (s *Service) followProvisioned(in lambda.FunctionID, before, after map[string]map[string]provisionedRecord) {
	for name := range before {
		if _, still := after[name]; !still {
			s.setProvisioned(in, name, nil)
		}
	}
	for name, byQualifier := range after {
		if !maps.Equal(before[name], byQualifier) {
			s.setProvisioned(in, name, byQualifier)
		}
	}
}

func (s *Service) setProvisioned(in lambda.FunctionID, name string, byQualifier map[string]provisionedRecord) {
	id := lambda.FunctionID{Account: in.Account, Region: in.Region, Name: name}
	f := *s.view.function(id)
	f.provisioned = byQualifier
	s.view.replace(&f)
	s.provisioning.add(id)
}

// conflictsWith says whether a version or alias can have provisioned concurrency
// beside those that have: a version has it once.
func (f *function) conflictsWith(qualifier string) error {
	a, isAlias := f.aliases[qualifier]
	for other := range f.provisioned {
		if other == qualifier {
			continue
		}
		b, otherIsAlias := f.aliases[other]
		switch {
		case isAlias && (other == a.value.Version || otherIsAlias && b.value.Version == a.value.Version):
			return lambda.Errorf(lambda.CodeResourceConflict, "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
		case !isAlias && otherIsAlias && b.value.Version == qualifier:
			return lambda.Errorf(lambda.CodeResourceConflict, "Version is pointed by a Provisioned Concurrency alias")
		}
	}
	return nil
}

// checkProvisioned is the arithmetic of n more units of provisioned concurrency for
// a function that has a reserve, or none (nil). others is the provisioned concurrency
// of its other qualifiers, spoken what of the account is spoken for without these n.
func checkProvisioned(account, spoken, others, n int, reserve *int) error {
	if reserve != nil {
		if others+n > *reserve {
			return invalid("Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
		}
		return nil
	}
	free := account - spoken
	var text string
	switch {
	case n > free:
		text = "is greater than account's unreserved concurrency [" + strconv.Itoa(free) + "]."
	case free-n < lambda.UnreservedConcurrencyMin:
		text = "decreases account's UnreservedConcurrentExecution below its minimum value of [" + strconv.Itoa(lambda.UnreservedConcurrencyMin) + "]."
	default:
		return nil
	}
	err := invalid("Specified ConcurrentExecutions for function %s", text)
	err.Bare = true
	return err
}
