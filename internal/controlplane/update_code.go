package controlplane

import (
	"context"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// UpdateFunctionCode gives $LATEST new code. Invokes run the old until the new is
// ready (Lambda API, UpdateFunctionCode).
func (s *Service) UpdateFunctionCode(ctx context.Context, in *awslambda.UpdateFunctionCodeInput) (*awslambda.UpdateFunctionCodeOutput, error) {
	id, err := resolveUnqualified(lambda.CallerFrom(ctx), "UpdateFunctionCode", in.FunctionName)
	if err != nil {
		return nil, err
	}
	f := s.view.function(id)
	if !f.exists {
		return nil, notFound(id.ARN())
	}
	if value(in.ImageUri) != "" {
		return nil, invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
	}
	source := codeSource{zip: in.ZipFile, bucket: value(in.S3Bucket), key: value(in.S3Key), version: value(in.S3ObjectVersion)}
	err = source.check("function code")
	if err == nil {
		err = s.checkArchitectures(in.Architectures)
	}
	if err == nil {
		err = extras{publishTo: in.PublishTo, sourceKMSKey: value(in.SourceKMSKeyArn)}.check()
	}
	if err == nil {
		err = s.checkSigned(id, f.record.value.SigningARN)
	}
	if err == nil { // before the work of unpacking; decided on again when committing
		err = f.mayUpdate(in.RevisionId)
	}
	if err != nil {
		return nil, err
	}
	pkg, err := s.fetch(ctx, id.Region, source)
	if err != nil {
		return nil, err
	}
	release, err := s.claimStorage(id, pkg.Size*copies(in.Publish))
	if err != nil {
		return nil, err
	}
	defer release()

	var out *types.FunctionConfiguration
	err = s.edit(ctx, id, func(e *edit) error {
		if err := e.f.mayUpdate(in.RevisionId); err != nil {
			return err
		}
		next := e.record.Latest.Settings
		next.Code = pkg
		next.setArchitectures(in.Architectures)
		if err := checkUnpacked(next); err != nil {
			return err
		}
		if in.DryRun {
			e.nothing = true
			would := e.record.Latest
			would.Settings = next
			out = render(id, lambda.Latest, "", would, inFull)
			return nil
		}
		e.update(next, s.cfg.Now())
		out = render(id, lambda.Latest, "", e.record.Latest, inFull)
		if in.Publish {
			n, v, _ := e.publish("")
			label := versionLabel(n)
			out = render(id, label, label, v, inFull)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return as[awslambda.UpdateFunctionCodeOutput](out), nil
}

// mayUpdate says whether $LATEST can be changed now, by a caller who knows the
// revision it gave.
func (f *function) mayUpdate(revision *string) error {
	if !f.exists {
		return notFound(f.id.ARN())
	}
	if err := checkRevision(revision, f.record.value.Latest.RevisionID, msgRevision); err != nil {
		return err
	}
	return f.steady()
}
