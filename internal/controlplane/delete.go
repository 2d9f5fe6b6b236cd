package controlplane

import (
	"context"
	"maps"
	"slices"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// DeleteFunction deletes a function with all that belongs to it, or with a version
// as qualifier that version alone (Lambda API, DeleteFunction). Mappings that feed
// the function stay.
func (s *Service) DeleteFunction(ctx context.Context, in *awslambda.DeleteFunctionInput) (*awslambda.DeleteFunctionOutput, error) {
	id, qualifier, err := resolve(lambda.CallerFrom(ctx), "DeleteFunction", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	switch {
	case qualifier == "":
		err = s.edit(ctx, id, deleteWhole)
	case qualifier == lambda.Latest:
		err = invalid("$LATEST version cannot be deleted without deleting the function.")
	case !isNumber(qualifier):
		err = invalid("Deletion of aliases is not currently supported.")
	default:
		err = s.edit(ctx, id, func(e *edit) error { return deleteOne(e, qualifier) })
	}
	if err != nil {
		return nil, err
	}
	return &awslambda.DeleteFunctionOutput{StatusCode: 204}, nil
}

func deleteWhole(e *edit) error {
	if !e.f.exists {
		return notFound(e.id.ARN())
	}
	e.deleted = true
	for _, n := range e.f.numbers() {
		e.add(e.s.tables.versions.DeleteChange(versionKey(e.id, n), 0), nil)
	}
	for _, name := range slices.Sorted(maps.Keys(e.f.aliases)) {
		e.add(e.s.tables.aliases.DeleteChange(partKey(e.id, name), 0), nil)
	}
	for _, q := range slices.Sorted(maps.Keys(e.f.policies)) {
		e.putPolicy(q, policyRecord{})
	}
	for _, q := range slices.Sorted(maps.Keys(e.f.eventInvokes)) {
		e.deleteEventInvoke(q)
	}
	for _, q := range slices.Sorted(maps.Keys(e.f.urls)) {
		e.deleteURL(q)
	}
	if e.f.reserved == nil && len(e.f.provisioned) == 0 {
		return nil
	}
	return e.editReservations(func(r *reservationsRecord) error {
		r.ByFunction = maps.Clone(r.ByFunction)
		delete(r.ByFunction, e.id.Name)
		r.setProvisioned(e.id.Name, nil)
		return nil
	})
}

// deleteOne deletes one published version; one that does not exist is no error.
func deleteOne(e *edit, number string) error {
	if !e.f.exists {
		return notFound(e.id.QualifiedARN(number))
	}
	if _, ok := e.f.version(number); !ok {
		e.nothing = true
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(e.f.aliases)) {
		a := e.f.aliases[name].value
		if _, weighted := a.Weights[number]; weighted || a.Version == number {
			return lambda.Errorf(lambda.CodeResourceConflict, "Version %s is still referenced by alias %s.", number, name)
		}
	}
	n := parseLabel(number)
	e.deleteVersion(n)
	e.record.RuntimeManagement = maps.Clone(e.record.RuntimeManagement)
	delete(e.record.RuntimeManagement, number)
	return nil
}
