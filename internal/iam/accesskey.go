package iam

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

func errNoKey(id string) *lambda.Error {
	return lambda.Errorf(codeNoSuchEntity, "The Access Key with id %s cannot be found.", id)
}

// owner is whose access keys a request is about: the user that it names, or the
// caller itself. An account's root has no user: its id and name are empty.
func (s *Service) owner(ctx context.Context, name *string) (userID, userName string, err error) {
	c := lambda.CallerFrom(ctx)
	if name == nil {
		switch c.Kind {
		case lambda.PrincipalRoot:
			return "", "", nil
		case lambda.PrincipalUser:
			if u, ok := s.callingUser(&c); ok {
				return u.ID, u.Name, nil
			}
		default:
		}
		return "", "", lambda.Errorf(codeValidation, "Must specify userName when calling with non-User credentials")
	}
	u, err := s.getUser(ctx, name)
	if err != nil {
		return "", "", err
	}
	return u.ID, u.Name, nil
}

func (s *Service) createAccessKey(ctx context.Context, in *iam.CreateAccessKeyInput) (*iam.CreateAccessKeyOutput, error) {
	s.writes.Lock()
	defer s.writes.Unlock()
	userID, name, err := s.owner(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	account := lambda.CallerFrom(ctx).Account
	if len(s.keysOf(account, userID)) >= accessKeysMax {
		return nil, lambda.Errorf(codeLimitExceeded, "Cannot exceed quota for AccessKeysPerUser: %d", accessKeysMax)
	}
	id, secret, err := s.createKey(ctx, account, userID)
	if err != nil {
		return nil, err
	}
	k, _ := s.keys.get(id)
	return &iam.CreateAccessKeyOutput{AccessKey: &types.AccessKey{
		AccessKeyId: &id, SecretAccessKey: &secret, Status: types.StatusTypeActive,
		UserName: optional(name), CreateDate: &k.Created,
	}}, nil
}

// createKey makes and stores a key of a user, or of an account's root.
func (s *Service) createKey(ctx context.Context, account, userID string) (id, secret string, err error) {
	id, secret = newAccessKeyID("AKIA", account), newSecret()
	rec := keyRecord{Account: account, User: userID, Sealed: s.secrets.Seal([]byte(secret), id), Created: s.stamp()}
	if _, err := s.keys.rows.Put(ctx, id, rec, store.Absent); err != nil {
		return "", "", fmt.Errorf("store an access key of account %s: %w", account, err)
	}
	return id, secret, nil
}

func (s *Service) listAccessKeys(ctx context.Context, in *iam.ListAccessKeysInput) (*iam.ListAccessKeysOutput, error) {
	userID, name, err := s.owner(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	keys := []types.AccessKeyMetadata{}
	for _, k := range s.keysOf(lambda.CallerFrom(ctx).Account, userID) {
		keys = append(keys, types.AccessKeyMetadata{AccessKeyId: &k.id, CreateDate: &k.Created, Status: k.status(), UserName: optional(name)})
	}
	p, err := paginateSorted(keys, func(k types.AccessKeyMetadata) string { return *k.AccessKeyId }, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListAccessKeysOutput{AccessKeyMetadata: p.items, IsTruncated: p.truncated, Marker: p.marker}, nil
}

func (k *accessKey) status() types.StatusType {
	if k.Inactive {
		return types.StatusTypeInactive
	}
	return types.StatusTypeActive
}

// ownKey finds a key of the user that a request is about.
func (s *Service) ownKey(ctx context.Context, name, id *string) (*accessKey, error) {
	userID, _, err := s.owner(ctx, name)
	if err != nil {
		return nil, err
	}
	k, ok := s.keys.get(deref(id))
	if !ok || k.Account != lambda.CallerFrom(ctx).Account || k.User != userID {
		return nil, errNoKey(deref(id))
	}
	return k, nil
}

func (s *Service) updateAccessKey(ctx context.Context, in *iam.UpdateAccessKeyInput) (*iam.UpdateAccessKeyOutput, error) {
	s.writes.Lock()
	defer s.writes.Unlock()
	k, err := s.ownKey(ctx, in.UserName, in.AccessKeyId)
	if err != nil {
		return nil, err
	}
	rec := k.keyRecord
	switch in.Status {
	case types.StatusTypeActive:
		rec.Inactive = false
	case types.StatusTypeInactive:
		rec.Inactive = true
	default:
		return nil, lambda.Errorf(codeValidation, "1 validation error detected: Value '%s' at 'status' failed to satisfy constraint: "+
			"Member must satisfy enum value set: [Active, Inactive, Expired]", in.Status)
	}
	_, err = s.keys.rows.Put(ctx, k.id, rec, store.Precondition(k.revision))
	return &iam.UpdateAccessKeyOutput{}, s.stored(err, "access key "+k.id)
}

func (s *Service) deleteAccessKey(ctx context.Context, in *iam.DeleteAccessKeyInput) (*iam.DeleteAccessKeyOutput, error) {
	s.writes.Lock()
	defer s.writes.Unlock()
	k, err := s.ownKey(ctx, in.UserName, in.AccessKeyId)
	if err != nil {
		return nil, err
	}
	_, err = s.store.Apply(ctx, s.keys.rows.DeleteChange(k.id, store.Precondition(k.revision)), s.keyUseRows.DeleteChange(k.id, 0))
	s.keyUses.Delete(k.id)
	return &iam.DeleteAccessKeyOutput{}, s.stored(err, "access key "+k.id)
}

func (s *Service) getAccessKeyLastUsed(ctx context.Context, in *iam.GetAccessKeyLastUsedInput) (*iam.GetAccessKeyLastUsedOutput, error) {
	c := lambda.CallerFrom(ctx)
	k, ok := s.keys.get(deref(in.AccessKeyId))
	if !ok || k.Account != c.Account {
		return nil, &lambda.Error{Code: codeAccessDenied, Message: "User: " + c.ARN +
			" is not authorized to perform: iam:GetAccessKeyLastUsed on resource: access key " + deref(in.AccessKeyId)}
	}
	out := &iam.GetAccessKeyLastUsedOutput{AccessKeyLastUsed: &types.AccessKeyLastUsed{Region: new("N/A"), ServiceName: new("N/A")}}
	for _, u := range s.users.of(c.Account) {
		if u.ID == k.User {
			out.UserName = &u.Name
		}
	}
	if v, ok := s.keyUses.Load(k.id); ok {
		use := v.(keyUse)
		out.AccessKeyLastUsed = &types.AccessKeyLastUsed{LastUsedDate: &use.at, Region: &use.region, ServiceName: &use.service}
	}
	return out, nil
}
