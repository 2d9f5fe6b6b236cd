package controlplane

import (
	"context"
	"errors"
	"fmt"
	"strings"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// PutFunctionCodeSigningConfig binds a function to a code signing configuration,
// from its next deployment on (Lambda API, PutFunctionCodeSigningConfig).
func (s *Service) PutFunctionCodeSigningConfig(ctx context.Context, in *awslambda.PutFunctionCodeSigningConfigInput) (*awslambda.PutFunctionCodeSigningConfigOutput, error) {
	id, err := resolveWhole(lambda.CallerFrom(ctx), "PutFunctionCodeSigningConfig", in.FunctionName)
	if err != nil {
		return nil, err
	}
	arn := value(in.CodeSigningConfigArn)
	err = s.edit(ctx, id, func(e *edit) error {
		if !e.f.exists {
			return notFound(id.ARN())
		}
		return e.bindSigning(arn)
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.PutFunctionCodeSigningConfigOutput{CodeSigningConfigArn: new(arn), FunctionName: new(id.Name)}, nil
}

// DeleteFunctionCodeSigningConfig takes a function's code signing configuration away
// (Lambda API, DeleteFunctionCodeSigningConfig).
func (s *Service) DeleteFunctionCodeSigningConfig(ctx context.Context, in *awslambda.DeleteFunctionCodeSigningConfigInput) (*awslambda.DeleteFunctionCodeSigningConfigOutput, error) {
	id, err := resolveWhole(lambda.CallerFrom(ctx), "DeleteFunctionCodeSigningConfig", in.FunctionName)
	if err != nil {
		return nil, err
	}
	err = s.edit(ctx, id, func(e *edit) error {
		if !e.f.exists {
			return notFound(id.ARN())
		}
		e.nothing = e.record.SigningARN == ""
		e.record.SigningARN = ""
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.DeleteFunctionCodeSigningConfigOutput{}, nil
}

// GetFunctionCodeSigningConfig shows a function's code signing configuration,
// nothing when it has none (Lambda API, GetFunctionCodeSigningConfig).
func (s *Service) GetFunctionCodeSigningConfig(ctx context.Context, in *awslambda.GetFunctionCodeSigningConfigInput) (*awslambda.GetFunctionCodeSigningConfigOutput, error) {
	id, err := resolveWhole(lambda.CallerFrom(ctx), "GetFunctionCodeSigningConfig", in.FunctionName)
	if err != nil {
		return nil, err
	}
	f := s.view.function(id)
	if !f.exists {
		return nil, notFound(id.ARN())
	}
	if f.record.value.SigningARN == "" {
		return &awslambda.GetFunctionCodeSigningConfigOutput{}, nil
	}
	return &awslambda.GetFunctionCodeSigningConfigOutput{
		CodeSigningConfigArn: new(f.record.value.SigningARN), FunctionName: new(id.Name),
	}, nil
}

// ListFunctionsByCodeSigningConfig shows the functions that use a code signing
// configuration in order of their names (Lambda API,
// ListFunctionsByCodeSigningConfig).
func (s *Service) ListFunctionsByCodeSigningConfig(ctx context.Context, in *awslambda.ListFunctionsByCodeSigningConfigInput) (*awslambda.ListFunctionsByCodeSigningConfigOutput, error) {
	h, _, _, err := s.signingConfig(ctx, in.CodeSigningConfigArn)
	if err != nil {
		return nil, err
	}
	after, err := decodeMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	page := newPage[string](in.MaxItems)
	for _, arn := range s.signedBy(h, value(in.CodeSigningConfigArn)) {
		if arn > string(after) {
			page.add(marker(arn), arn)
		}
	}
	return &awslambda.ListFunctionsByCodeSigningConfigOutput{FunctionArns: page.items, NextMarker: page.marker()}, nil
}

// signedBy are the ARNs of the functions that use a configuration, in order.
func (s *Service) signedBy(h home, arn string) []string {
	var out []string
	for _, name := range s.view.namesFrom(h, "") {
		f := s.view.function(lambda.FunctionID{Account: h.account, Region: h.region, Name: name})
		if f.exists && f.record.value.SigningARN == arn {
			out = append(out, f.id.ARN())
		}
	}
	return out
}

// bindSigning makes the function use a configuration. That the configuration still
// exists is a condition of the commit: its record is put again as it is.
func (e *edit) bindSigning(arn string) error {
	h := homeOf(e.id)
	id, ok := signingID(h, arn)
	r, found := e.s.signing.get(h, id)
	if !ok || !found {
		return noSigningConfig(arn)
	}
	e.record.SigningARN = arn
	e.add(e.s.tables.signings.PutChange(homeKey(h, id), r.value, store.Precondition(r.revision)))
	return nil
}

// checkSigned refuses code where a function's code signing configuration takes
// trusted code only. What is here is never signed.
func (s *Service) checkSigned(id lambda.FunctionID, arn string) error {
	if arn == "" {
		return nil
	}
	h := homeOf(id)
	config, _ := signingID(h, arn)
	r, ok := s.signing.get(h, config)
	if !ok {
		return noSigningConfig(arn)
	}
	if r.value.Policy != string(types.CodeSigningPolicyEnforce) {
		return nil
	}
	return lambda.Errorf("CodeVerificationFailedException", "Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is not configured to accept. Check the provided signature for %s.", id.Name)
}

func signingARN(h home, id string) string {
	return "arn:aws:lambda:" + h.region + ":" + h.account + ":code-signing-config:" + id
}

// signingID is the id in the ARN of a configuration of that account and region.
func signingID(h home, arn string) (string, bool) {
	return strings.CutPrefix(arn, signingARN(h, ""))
}

// conflicting turns a lost race into AWS's answer for one.
func conflicting(err error, arn string) error {
	if errors.Is(err, store.ErrConflict) {
		return lambda.Errorf(lambda.CodeResourceConflict, msgUpdateInProgress, arn)
	}
	return fmt.Errorf("commit change of %s: %w", arn, err)
}
