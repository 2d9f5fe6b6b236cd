package controlplane

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// PublishVersion freezes $LATEST under the next number, or answers with the last
// published version when nothing has changed since (Lambda API, PublishVersion).
func (s *Service) PublishVersion(ctx context.Context, in *awslambda.PublishVersionInput) (*awslambda.PublishVersionOutput, error) {
	id, err := resolveUnqualified(lambda.CallerFrom(ctx), "PublishVersion", in.FunctionName)
	if err == nil {
		err = extras{publishTo: in.PublishTo}.check()
	}
	if err != nil {
		return nil, err
	}
	release, err := s.claimStorage(id, s.view.function(id).record.value.Latest.Settings.Code.Size)
	if err != nil {
		return nil, err
	}
	defer release()
	var out *types.FunctionConfiguration
	err = s.edit(ctx, id, func(e *edit) error {
		if err := e.f.mayUpdate(in.RevisionId); err != nil {
			return err
		}
		actual := e.record.Latest.Settings.Code.Base64SHA256
		if given := value(in.CodeSha256); given != "" && given != actual {
			return invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", given, actual)
		}
		n, v, fresh := e.publish(value(in.Description))
		e.nothing = !fresh
		label := versionLabel(n)
		out = render(id, label, label, v, inFull)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return as[awslambda.PublishVersionOutput](out), nil
}

// publish freezes $LATEST and returns the version's number and record. With nothing
// new since the last version it changes nothing and returns that one, not fresh. The
// version is as ready as $LATEST is.
func (e *edit) publish(description string) (number int, v versionRecord, fresh bool) {
	r := &e.record
	print := r.Latest.Settings.fingerprint()
	if last, ok := e.f.versions[r.Published.Version]; ok && r.Published.Fingerprint == print {
		return r.Published.Version, last.value, false
	}
	r.LastVersion++
	r.Published = publishedRecord{Version: r.LastVersion, Fingerprint: print}

	v = r.Latest
	v.RevisionID = lambda.NewUUID()
	if description != "" {
		v.Settings.Description = description
	}
	if v.State == lambda.StatePending || v.Update == updateInProgress {
		v.State, v.StateReason, v.StateReasonCode = lambda.StatePending, msgBeingCreated, codeCreating
		v.Update, v.UpdateReason, v.UpdateReasonCode = "", "", ""
	} else {
		v.Update, v.UpdateReason, v.UpdateReasonCode = updateSuccessful, "", ""
	}
	e.putVersion(r.LastVersion, v)
	if e.f.exists {
		e.touch()
	}
	return r.LastVersion, v, true
}

// fingerprint tells settings apart.
func (s settings) fingerprint() string {
	sum := sha256.Sum256([]byte(compactJSON(s)))
	return hex.EncodeToString(sum[:])
}

func versionLabel(n int) string { return strconv.Itoa(n) }

// parseLabel is the reverse of versionLabel; 0 is no version's number.
func parseLabel(label string) int {
	n, err := strconv.Atoi(label)
	if err != nil || versionLabel(n) != label {
		return 0
	}
	return n
}

// ListVersionsByFunction shows $LATEST and then the published versions in ascending
// order (Lambda API, ListVersionsByFunction).
func (s *Service) ListVersionsByFunction(ctx context.Context, in *awslambda.ListVersionsByFunctionInput) (*awslambda.ListVersionsByFunctionOutput, error) {
	id, _, err := resolve(lambda.CallerFrom(ctx), "ListVersionsByFunction", in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	f := s.view.function(id)
	if !f.exists {
		return nil, notFound(id.ARN())
	}
	after, err := decodeMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	_, last := after.cut()
	page := newPage[types.FunctionConfiguration](in.MaxItems)
	for _, v := range f.all() {
		if after != "" && !laterVersion(v.label, last) {
			continue
		}
		page.add(newMarker(id.Name, v.label), *render(id, v.label, v.qualifier, v.record, inList))
	}
	return &awslambda.ListVersionsByFunctionOutput{Versions: page.items, NextMarker: page.marker()}, nil
}
