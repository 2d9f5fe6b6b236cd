package iam

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

func errUserExists(name string) *lambda.Error {
	return lambda.Errorf(codeAlreadyExists, "User with name %s already exists.", name)
}

// getUser finds a user of the caller's account, or NoSuchEntity.
func (s *Service) getUser(ctx context.Context, name *string) (*user, error) {
	var c checks
	c.name(name, "userName", userNameMax)
	if err := c.err(); err != nil {
		return nil, err
	}
	u, ok := s.users.get(entityKey(lambda.CallerFrom(ctx).Account, *name))
	if !ok {
		return nil, errNoUser(*name)
	}
	return u, nil
}

// changeUser rewrites a user of the caller's account. change may return
// errUnchanged.
func (s *Service) changeUser(ctx context.Context, name *string, change func(*userRecord) error) error {
	s.writes.Lock()
	defer s.writes.Unlock()
	u, err := s.getUser(ctx, name)
	if err != nil {
		return err
	}
	rec := u.clone()
	if err := change(&rec); err != nil {
		if errors.Is(err, errUnchanged) {
			return nil
		}
		return err
	}
	_, err = s.users.rows.Put(ctx, entityKey(u.account, u.Name), rec, store.Precondition(u.revision))
	return s.stored(err, u.arn)
}

// stored turns what the store said of a change of one entity into what is told.
func (s *Service) stored(err error, arn string) error {
	if errors.Is(err, store.ErrConflict) {
		return errRaced()
	}
	if err != nil {
		return fmt.Errorf("store %s: %w", arn, err)
	}
	return nil
}

func (s *Service) createUser(ctx context.Context, in *iam.CreateUserInput) (*iam.CreateUserOutput, error) {
	account := lambda.CallerFrom(ctx).Account
	var c checks
	c.name(in.UserName, "userName", userNameMax)
	c.path(in.Path, "path")
	c.tags(in.Tags)
	if in.PermissionsBoundary != nil {
		c.arn(in.PermissionsBoundary, "permissionsBoundary")
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	rec := userRecord{
		Name: *in.UserName, Path: pathOr(in.Path), ID: newUniqueID("AIDA"), Created: s.stamp(), Tags: tagRecords(in.Tags),
	}
	s.writes.Lock()
	defer s.writes.Unlock()
	if in.PermissionsBoundary != nil {
		if err := s.checkBoundary(account, *in.PermissionsBoundary); err != nil {
			return nil, err
		}
		rec.Boundary = *in.PermissionsBoundary
	}
	if len(s.users.of(account)) >= usersMax {
		return nil, lambda.Errorf(codeLimitExceeded, "Cannot exceed quota for UsersPerAccount: %d", usersMax)
	}
	_, err := s.users.rows.Put(ctx, entityKey(account, rec.Name), rec, store.Absent)
	if errors.Is(err, store.ErrConflict) {
		return nil, errUserExists(rec.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("store user %s: %w", rec.Name, err)
	}
	out := describeUser(account, &rec)
	return &iam.CreateUserOutput{User: &out}, nil
}

// getUserOperation shows the caller itself when no name is given.
func (s *Service) getUserOperation(ctx context.Context, in *iam.GetUserInput) (*iam.GetUserOutput, error) {
	c := lambda.CallerFrom(ctx)
	if in.UserName == nil {
		switch c.Kind {
		case lambda.PrincipalRoot:
			created := s.accountCreated(c.Account)
			return &iam.GetUserOutput{User: &types.User{Arn: &c.ARN, UserId: &c.UserID, CreateDate: &created}}, nil
		case lambda.PrincipalUser:
			if u, ok := s.callingUser(&c); ok {
				out := describeUser(u.account, &u.userRecord)
				return &iam.GetUserOutput{User: &out}, nil
			}
		default:
		}
		return nil, lambda.Errorf(codeValidation, "Must specify userName when calling with non-User credentials")
	}
	u, err := s.getUser(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	out := describeUser(u.account, &u.userRecord)
	return &iam.GetUserOutput{User: &out}, nil
}

func (s *Service) listUsers(ctx context.Context, in *iam.ListUsersInput) (*iam.ListUsersOutput, error) {
	account := lambda.CallerFrom(ctx).Account
	var fits []types.User
	for _, u := range s.users.of(account) {
		if strings.HasPrefix(u.Path, pathOr(in.PathPrefix)) {
			shown := describeUser(account, &u.userRecord)
			shown.Tags, shown.PermissionsBoundary = nil, nil // left out by ListUsers (IAM API reference)
			fits = append(fits, shown)
		}
	}
	p, err := paginateSorted(fits, func(u types.User) string { return *u.UserName }, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListUsersOutput{Users: p.items, IsTruncated: p.truncated, Marker: p.marker}, nil
}

// updateUser renames or moves a user. Its id, keys, groups and policies stay.
func (s *Service) updateUser(ctx context.Context, in *iam.UpdateUserInput) (*iam.UpdateUserOutput, error) {
	var c checks
	c.path(in.NewPath, "newPath")
	if in.NewUserName != nil {
		c.name(in.NewUserName, "newUserName", userNameMax)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	s.writes.Lock()
	defer s.writes.Unlock()
	u, err := s.getUser(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	rec := u.clone()
	if in.NewPath != nil {
		rec.Path = pathOr(in.NewPath)
	}
	if in.NewUserName != nil {
		rec.Name = *in.NewUserName
	}
	err = rename(ctx, s.users, entityKey(u.account, u.Name), entityKey(u.account, rec.Name), u.revision, rec)
	if errors.Is(err, errTaken) {
		return nil, errUserExists(rec.Name)
	}
	return &iam.UpdateUserOutput{}, s.stored(err, u.arn)
}

// errTaken says that the new name of an entity belongs to another.
var errTaken = errors.New("iam: the name is taken")

// rename stores a record under its new key and removes the old one, at once.
func rename[R, T any](ctx context.Context, h *shelf[R, T], from, to string, revision int64, rec R) error {
	if from == to {
		_, err := h.rows.Put(ctx, from, rec, store.Precondition(revision))
		return err
	}
	if _, taken := h.get(to); taken {
		return errTaken
	}
	put, err := h.rows.PutChange(to, rec, store.Absent)
	if err != nil {
		return err
	}
	return h.apply(ctx, put, h.rows.DeleteChange(from, store.Precondition(revision)))
}

func (s *Service) deleteUser(ctx context.Context, in *iam.DeleteUserInput) (*iam.DeleteUserOutput, error) {
	s.writes.Lock()
	defer s.writes.Unlock()
	u, err := s.getUser(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	if len(s.keysOf(u.account, u.ID)) > 0 {
		return nil, lambda.Errorf(codeDeleteConflict, "Cannot delete entity, must delete access keys first.")
	}
	if err := u.empty(); err != nil {
		return nil, err
	}
	if len(s.groupsOf(u)) > 0 {
		return nil, lambda.Errorf(codeDeleteConflict, "Cannot delete entity, must remove users from group first.")
	}
	err = s.users.rows.Delete(ctx, entityKey(u.account, u.Name), store.Precondition(u.revision))
	return &iam.DeleteUserOutput{}, s.stored(err, u.arn)
}

func (s *Service) putUserPermissionsBoundary(ctx context.Context, in *iam.PutUserPermissionsBoundaryInput) (*iam.PutUserPermissionsBoundaryOutput, error) {
	var c checks
	c.arn(in.PermissionsBoundary, "permissionsBoundary")
	if err := c.err(); err != nil {
		return nil, err
	}
	err := s.changeUser(ctx, in.UserName, func(u *userRecord) error {
		u.Boundary = *in.PermissionsBoundary
		return s.checkBoundary(lambda.CallerFrom(ctx).Account, u.Boundary)
	})
	return &iam.PutUserPermissionsBoundaryOutput{}, err
}

func (s *Service) deleteUserPermissionsBoundary(ctx context.Context, in *iam.DeleteUserPermissionsBoundaryInput) (*iam.DeleteUserPermissionsBoundaryOutput, error) {
	err := s.changeUser(ctx, in.UserName, func(u *userRecord) error {
		u.Boundary = ""
		return nil
	})
	return &iam.DeleteUserPermissionsBoundaryOutput{}, err
}

func (s *Service) tagUser(ctx context.Context, in *iam.TagUserInput) (*iam.TagUserOutput, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	err := s.changeUser(ctx, in.UserName, func(u *userRecord) (err error) {
		u.Tags, err = addTags(u.Tags, in.Tags)
		return err
	})
	return &iam.TagUserOutput{}, err
}

func (s *Service) untagUser(ctx context.Context, in *iam.UntagUserInput) (*iam.UntagUserOutput, error) {
	err := s.changeUser(ctx, in.UserName, func(u *userRecord) error {
		u.Tags = removeTags(u.Tags, in.TagKeys)
		return nil
	})
	return &iam.UntagUserOutput{}, err
}

func (s *Service) listUserTags(ctx context.Context, in *iam.ListUserTagsInput) (*iam.ListUserTagsOutput, error) {
	u, err := s.getUser(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	p, err := pageTags(u.Tags, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListUserTagsOutput{Tags: p.items, IsTruncated: p.truncated, Marker: p.marker}, nil
}

// describeUser is a user as GetUser shows it.
func describeUser(account string, u *userRecord) types.User {
	arn, created := userARN(account, u.Path, u.Name), u.Created
	return types.User{
		Arn: &arn, CreateDate: &created, Path: &u.Path, UserId: &u.ID, UserName: &u.Name,
		PermissionsBoundary: describeBoundary(u.Boundary), Tags: describeTags(u.Tags),
	}
}
