package controlplane

import (
	"strconv"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// selected is the version that a qualifier means.
type selected struct {
	label     string // "$LATEST" or a number
	qualifier string // as the ARN shows it: empty, "$LATEST", a number or an alias
	record    versionRecord
}

// choose finds the version that a qualifier means. An alias stands for the version
// that it mainly points to. The error is the ResourceNotFoundException of reads.
func (f *function) choose(qualifier string) (selected, error) {
	missing := notFound(f.id.QualifiedARN(qualifier))
	if !f.exists {
		return selected{}, missing
	}
	number := qualifier
	if a, ok := f.aliases[qualifier]; ok {
		number = a.value.Version
	}
	if number == "" || number == lambda.Latest {
		return selected{lambda.Latest, qualifier, f.record.value.Latest}, nil
	}
	v, ok := f.version(number)
	if !ok {
		return selected{}, missing
	}
	return selected{number, qualifier, v.value}, nil
}

// steady returns the ResourceConflictException of changes to a function whose last
// transition is not over.
func (f *function) steady() error {
	latest := f.record.value.Latest
	switch {
	case latest.State == lambda.StatePending:
		return lambda.Errorf(lambda.CodeResourceConflict, msgFunctionState, latest.State)
	case latest.Update == updateInProgress:
		return lambda.Errorf(lambda.CodeResourceConflict, msgUpdateInProgress, f.id.ARN())
	}
	return nil
}

// checkRevision compares the RevisionId of a request, when it has one.
func checkRevision(given *string, now, message string) error {
	if value(given) != "" && *given != now {
		return &lambda.Error{Code: lambda.CodePreconditionFailed, Message: message}
	}
	return nil
}

// all are the versions of a function, $LATEST first, then the published ones in
// ascending order.
func (f *function) all() []selected {
	out := []selected{{lambda.Latest, lambda.Latest, f.record.value.Latest}}
	for _, n := range f.numbers() {
		label := strconv.Itoa(n)
		out = append(out, selected{label, label, f.versions[n].value})
	}
	return out
}
