package controlplane

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// PublishLayerVersion makes the next version of a layer, and the layer with its
// first (Lambda API, PublishLayerVersion). Numbers of deleted versions are not given
// again.
func (s *Service) PublishLayerVersion(ctx context.Context, in *awslambda.PublishLayerVersionInput) (*awslambda.PublishLayerVersionOutput, error) {
	c := lambda.CallerFrom(ctx)
	id, err := resolveOwnLayer(c, "PublishLayerVersion", in.LayerName)
	if err == nil {
		err = checkCompatible(in.CompatibleRuntimes)
	}
	if err != nil {
		return nil, err
	}
	source := codeSource{}
	if in.Content != nil {
		source = codeSource{
			zip: in.Content.ZipFile, bucket: value(in.Content.S3Bucket),
			key: value(in.Content.S3Key), version: value(in.Content.S3ObjectVersion),
		}
	}
	if err := source.check("layer content"); err != nil {
		return nil, err
	}
	pkg, err := s.fetch(ctx, id.Region, source)
	if err != nil {
		return nil, err
	}
	release, err := s.claimStorage(lambda.FunctionID(id), pkg.Size)
	if err != nil {
		return nil, err
	}
	defer release()

	made := layerVersionRecord{
		Code:          pkg,
		Description:   value(in.Description),
		License:       value(in.LicenseInfo),
		Runtimes:      texts(in.CompatibleRuntimes),
		Architectures: texts(in.CompatibleArchitectures),
		Created:       s.cfg.Now(),
	}
	var n int64
	err = s.editLayer(ctx, id, func(l *layer) ([]store.Change, error) {
		cond := store.Absent
		if l.record.revision > 0 {
			cond = store.Precondition(l.record.revision)
		}
		n = l.record.value.LastVersion + 1
		counter, err := s.tables.layers.PutChange(id.key(), layerRecord{LastVersion: n}, cond)
		version, err2 := s.tables.layerVersions.PutChange(id.versionKey(n), made, store.Absent)
		return []store.Change{counter, version}, errors.Join(err, err2)
	})
	if err != nil {
		return nil, err
	}
	return as[awslambda.PublishLayerVersionOutput](s.renderLayer(c, id, n, made)), nil
}

// editLayer asks decide what to change of a layer and commits it whole; like edit
// it asks again when another change came first. No changes commit nothing.
func (s *Service) editLayer(ctx context.Context, id layerID, decide func(*layer) ([]store.Change, error)) error {
	for range editAttempts {
		changed := s.view.next() // before looking, so that no change is missed
		changes, err := decide(s.view.layer(id))
		if err != nil || len(changes) == 0 {
			return err
		}
		_, err = s.cfg.Store.Apply(ctx, changes...)
		if err == nil {
			return nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return fmt.Errorf("commit change of %s: %w", id.arn(), err)
		}
		select {
		case <-changed: // what came first has reached the view
		case <-time.After(conflictWait):
			return fmt.Errorf("commit change of %s: what came first is not in view: %w", id.arn(), err)
		case <-ctx.Done():
			return fmt.Errorf("commit change of %s: %w", id.arn(), ctx.Err())
		}
	}
	return lambda.Errorf(lambda.CodeTooManyRequests, "Rate Exceeded.")
}

// checkCompatible says whether a layer's runtimes are known, withdrawn ones
// included; AWS checks this list in the service and not by its model.
func checkCompatible(runtimes []types.Runtime) error {
	for _, r := range runtimes {
		if !slices.Contains(currentRuntimes, string(r)) && !slices.Contains(deprecatedRuntimes, string(r)) {
			return lambda.Errorf(lambda.CodeValidation,
				"1 validation error detected: Value '[%s]' at 'compatibleRuntimes' failed to satisfy constraint: Member must satisfy enum value set: [%s]",
				strings.Join(texts(runtimes), ", "), strings.Join(currentRuntimes, ", "))
		}
	}
	return nil
}

// texts is a list of enumerated values as plain text, nil when it is empty.
func texts[T ~string](from []T) []string {
	var out []string
	for _, v := range from {
		out = append(out, string(v))
	}
	return out
}
