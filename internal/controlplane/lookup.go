package controlplane

import (
	"math/rand/v2"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Target is what an invoke of a function runs. It is shared and must not be
// changed.
type Target struct {
	Version *lambda.Version
	// Alias is the alias that led here, empty when the invoke named none.
	Alias           string
	State           lambda.State
	StateReason     string
	StateReasonCode string
	// Reserved is the function's reserved concurrency, nil when it has none.
	Reserved *int
	// DeadLetterARN is where asynchronous events go that could not be processed,
	// empty when there is no such place.
	DeadLetterARN string
	// RecursionAllowed is the function's RecursiveLoop: Allow.
	RecursionAllowed bool
}

// Invocable returns nil when the target's state lets it be invoked, otherwise the
// ResourceConflictException that an invoke answers.
func (t Target) Invocable() error {
	if t.State == lambda.StateActive {
		return nil
	}
	return lambda.Errorf(lambda.CodeResourceConflict, msgFunctionState, t.State)
}

// Lookup resolves a function and qualifier for an invoke; an alias with weights is
// drawn for each call. It reads memory only. The error is a *lambda.Error:
// ResourceNotFoundException with Invoke's text, or ServiceException before the
// state is loaded.
func (s *Service) Lookup(id lambda.FunctionID, qualifier string) (Target, error) {
	select {
	case <-s.ready:
	default:
		return Target{}, lambda.Errorf(lambda.CodeService, "The service is starting. Try again.")
	}
	found, ok := s.view.functions.Load(id)
	if !ok || !found.(*function).exists {
		return Target{}, notFound(id.QualifiedARN(policyPart(qualifier)))
	}
	f := found.(*function)
	alias := ""
	number := qualifier
	if qualifier != "" && qualifier != lambda.Latest && !isNumber(qualifier) {
		a, ok := f.aliases[qualifier]
		if !ok {
			return Target{}, notFound(id.QualifiedARN(qualifier))
		}
		alias, number = qualifier, a.value.route(rand.Float64()) //nolint:gosec // shares traffic, protects nothing
	}
	if number == "" || number == lambda.Latest {
		return f.target(alias, f.latest, &f.record.value.Latest), nil
	}
	v, ok := f.version(number)
	if !ok {
		return Target{}, notFound(id.QualifiedARN(qualifier))
	}
	return f.target(alias, v.runs, &v.value), nil
}

// Weighted says whether an alias shares its invokes between two versions. It reads
// memory only.
func (s *Service) Weighted(id lambda.FunctionID, alias string) bool {
	found, ok := s.view.functions.Load(id)
	if !ok {
		return false
	}
	a, ok := found.(*function).aliases[alias]
	return ok && len(a.value.Weights) > 0
}

func (f *function) target(alias string, runs *lambda.Version, r *versionRecord) Target {
	return Target{
		Version:         runs,
		Alias:           alias,
		State:           r.State,
		StateReason:     r.StateReason,
		StateReasonCode: r.StateReasonCode,
		Reserved:        f.reserved,
		DeadLetterARN:   r.Settings.DeadLetterARN,

		RecursionAllowed: f.record.value.RecursiveLoop == string(types.RecursiveLoopAllow),
	}
}

// version finds a published version by its number as text.
func (f *function) version(number string) (version, bool) {
	n, err := strconv.Atoi(number)
	if err != nil || strconv.Itoa(n) != number {
		return version{}, false
	}
	v, ok := f.versions[n]
	return v, ok
}

// route picks the version of one invoke: u is uniform in [0, 1).
func (a aliasRecord) route(u float64) string {
	for other, weight := range a.Weights { // at most one
		if u < weight {
			return other
		}
	}
	return a.Version
}
