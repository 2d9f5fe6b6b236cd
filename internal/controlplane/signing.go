package controlplane

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// signingRecord is a code signing configuration. Nothing here signs packages or can
// verify a signature, so every package is unsigned: with the policy Enforce the
// functions of a configuration take no new code.
type signingRecord struct {
	Description  string            `json:"description,omitempty"`
	Publishers   []string          `json:"publishers"` // ARNs of signing profile versions
	Policy       string            `json:"policy"`
	LastModified time.Time         `json:"last_modified"`
	Tags         map[string]string `json:"tags,omitempty"`
}

// signingView is the committed code signing configurations in memory.
type signingView struct {
	mu    sync.RWMutex // guards homes
	homes map[home]map[string]row[signingRecord]
}

func newSigningView() *signingView {
	return &signingView{homes: make(map[home]map[string]row[signingRecord])}
}

func (v *signingView) get(h home, id string) (row[signingRecord], bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	r, ok := v.homes[h][id]
	return r, ok
}

// ids are the configurations of an account's region in order.
func (v *signingView) ids(h home) []string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return slices.Sorted(maps.Keys(v.homes[h]))
}

func (s *Service) onSigning(e store.RowEvent[signingRecord]) {
	h, id := parseHomeKey(e.Key)
	s.signing.mu.Lock()
	s.signing.homes[h] = follow(s.signing.homes[h], id, e)
	s.signing.mu.Unlock()
	s.view.wake()
}

// CreateCodeSigningConfig makes a code signing configuration (Lambda API,
// CreateCodeSigningConfig).
func (s *Service) CreateCodeSigningConfig(ctx context.Context, in *awslambda.CreateCodeSigningConfigInput) (*awslambda.CreateCodeSigningConfigOutput, error) {
	if err := checkTags(nil, in.Tags); err != nil {
		return nil, err
	}
	c := lambda.CallerFrom(ctx)
	h, id := home{c.Account, c.Region}, newSigningID()
	r := signingRecord{
		Description: value(in.Description), Policy: string(types.CodeSigningPolicyWarn),
		LastModified: s.cfg.Now(), Tags: in.Tags,
	}
	r.set(in.AllowedPublishers, in.CodeSigningPolicies)
	if _, err := s.tables.signings.Put(ctx, homeKey(h, id), r, store.Absent); err != nil {
		return nil, err
	}
	return &awslambda.CreateCodeSigningConfigOutput{CodeSigningConfig: renderSigning(h, id, r)}, nil
}

func (r *signingRecord) set(publishers *types.AllowedPublishers, policies *types.CodeSigningPolicies) {
	if publishers != nil {
		r.Publishers = publishers.SigningProfileVersionArns
	}
	if policies != nil && policies.UntrustedArtifactOnDeployment != "" {
		r.Policy = string(policies.UntrustedArtifactOnDeployment)
	}
}

// signingIDLength is how many characters follow csc- (Lambda API,
// CodeSigningConfigArn).
const signingIDLength = 17

// newSigningID draws an id. It names, it does not protect.
func newSigningID() string {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyz"
	id := []byte("csc-")
	for range signingIDLength {
		id = append(id, digits[rand.IntN(len(digits))]) //nolint:gosec // a name, no secret
	}
	return string(id)
}

// GetCodeSigningConfig shows a code signing configuration (Lambda API,
// GetCodeSigningConfig).
func (s *Service) GetCodeSigningConfig(ctx context.Context, in *awslambda.GetCodeSigningConfigInput) (*awslambda.GetCodeSigningConfigOutput, error) {
	h, id, r, err := s.signingConfig(ctx, in.CodeSigningConfigArn)
	if err != nil {
		return nil, err
	}
	return &awslambda.GetCodeSigningConfigOutput{CodeSigningConfig: renderSigning(h, id, r)}, nil
}

// UpdateCodeSigningConfig changes a code signing configuration; it applies to the
// next deployment of its functions (Lambda API, UpdateCodeSigningConfig).
func (s *Service) UpdateCodeSigningConfig(ctx context.Context, in *awslambda.UpdateCodeSigningConfigInput) (*awslambda.UpdateCodeSigningConfigOutput, error) {
	h, id, _, err := s.signingConfig(ctx, in.CodeSigningConfigArn)
	if err != nil {
		return nil, err
	}
	var next signingRecord
	err = editRow(ctx, s.tables.signings, homeKey(h, id), noSigningConfig(value(in.CodeSigningConfigArn)), func(r *signingRecord) error {
		set(&r.Description, in.Description)
		r.set(in.AllowedPublishers, in.CodeSigningPolicies)
		r.LastModified = s.cfg.Now()
		next = *r
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.UpdateCodeSigningConfigOutput{CodeSigningConfig: renderSigning(h, id, next)}, nil
}

// DeleteCodeSigningConfig removes a code signing configuration that no function
// uses (Lambda API, DeleteCodeSigningConfig).
func (s *Service) DeleteCodeSigningConfig(ctx context.Context, in *awslambda.DeleteCodeSigningConfigInput) (*awslambda.DeleteCodeSigningConfigOutput, error) {
	h, id, _, err := s.signingConfig(ctx, in.CodeSigningConfigArn)
	if err != nil {
		return nil, err
	}
	now, _ := s.signing.get(h, id)
	if len(s.signedBy(h, value(in.CodeSigningConfigArn))) > 0 {
		return nil, lambda.Errorf(lambda.CodeResourceConflict, "Cannot delete CodeSigningConfig '%s' because it is in use by one or more functions.", value(in.CodeSigningConfigArn))
	}
	if err := s.tables.signings.Delete(ctx, homeKey(h, id), store.Precondition(now.revision)); err != nil {
		return nil, conflicting(err, value(in.CodeSigningConfigArn))
	}
	return &awslambda.DeleteCodeSigningConfigOutput{}, nil
}

// ListCodeSigningConfigs shows the code signing configurations of the caller's
// account and region in order of their ids (Lambda API, ListCodeSigningConfigs).
func (s *Service) ListCodeSigningConfigs(ctx context.Context, in *awslambda.ListCodeSigningConfigsInput) (*awslambda.ListCodeSigningConfigsOutput, error) {
	c := lambda.CallerFrom(ctx)
	h := home{c.Account, c.Region}
	after, err := decodeMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	page := newPage[types.CodeSigningConfig](in.MaxItems)
	for _, id := range s.signing.ids(h) {
		if r, ok := s.signing.get(h, id); ok && id > string(after) {
			page.add(marker(id), *renderSigning(h, id, r.value))
		}
	}
	return &awslambda.ListCodeSigningConfigsOutput{CodeSigningConfigs: page.items, NextMarker: page.marker()}, nil
}

// signingConfig finds the configuration that an ARN names.
func (s *Service) signingConfig(ctx context.Context, arn *string) (home, string, signingRecord, error) {
	c := lambda.CallerFrom(ctx)
	h := home{c.Account, c.Region}
	id, ok := signingID(h, value(arn))
	r, found := s.signing.get(h, id)
	if !ok || !found {
		err := lambda.Errorf(lambda.CodeResourceNotFound, "The Lambda code signing configuration %s can not be found.", value(arn))
		err.Bare = true
		return h, id, signingRecord{}, err
	}
	return h, id, r.value, nil
}

// noSigningConfig is the answer of operations on other resources that name a code
// signing configuration.
func noSigningConfig(arn string) *lambda.Error {
	return lambda.Errorf("CodeSigningConfigNotFoundException", msgNoSuchCodeSigning, arn)
}

func renderSigning(h home, id string, r signingRecord) *types.CodeSigningConfig {
	return &types.CodeSigningConfig{
		CodeSigningConfigId:  new(id),
		CodeSigningConfigArn: new(signingARN(h, id)),
		Description:          new(r.Description),
		AllowedPublishers:    &types.AllowedPublishers{SigningProfileVersionArns: r.Publishers},
		CodeSigningPolicies:  &types.CodeSigningPolicies{UntrustedArtifactOnDeployment: types.CodeSigningPolicy(r.Policy)},
		LastModified:         new(lambda.FormatLastModified(r.LastModified)),
	}
}
