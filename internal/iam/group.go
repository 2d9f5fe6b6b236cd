package iam

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

func errGroupExists(name string) *lambda.Error {
	return lambda.Errorf(codeAlreadyExists, "Group with name %s already exists.", name)
}

// getGroup finds a group of the caller's account, or NoSuchEntity.
func (s *Service) getGroup(ctx context.Context, name *string) (*group, error) {
	var c checks
	c.name(name, "groupName", groupNameMax)
	if err := c.err(); err != nil {
		return nil, err
	}
	g, ok := s.groups.get(entityKey(lambda.CallerFrom(ctx).Account, *name))
	if !ok {
		return nil, errNoGroup(*name)
	}
	return g, nil
}

// changeGroup rewrites a group of the caller's account. change may return
// errUnchanged.
func (s *Service) changeGroup(ctx context.Context, name *string, change func(*groupRecord) error) error {
	s.writes.Lock()
	defer s.writes.Unlock()
	g, err := s.getGroup(ctx, name)
	if err != nil {
		return err
	}
	rec := g.clone()
	if err := change(&rec); err != nil {
		if errors.Is(err, errUnchanged) {
			return nil
		}
		return err
	}
	_, err = s.groups.rows.Put(ctx, entityKey(g.account, g.Name), rec, store.Precondition(g.revision))
	return s.stored(err, g.arn)
}

func (s *Service) createGroup(ctx context.Context, in *iam.CreateGroupInput) (*iam.CreateGroupOutput, error) {
	account := lambda.CallerFrom(ctx).Account
	var c checks
	c.name(in.GroupName, "groupName", groupNameMax)
	c.path(in.Path, "path")
	if err := c.err(); err != nil {
		return nil, err
	}
	rec := groupRecord{Name: *in.GroupName, Path: pathOr(in.Path), ID: newUniqueID("AGPA"), Created: s.stamp()}
	s.writes.Lock()
	defer s.writes.Unlock()
	if len(s.groups.of(account)) >= groupsMax {
		return nil, lambda.Errorf(codeLimitExceeded, "Cannot exceed quota for GroupsPerAccount: %d", groupsMax)
	}
	_, err := s.groups.rows.Put(ctx, entityKey(account, rec.Name), rec, store.Absent)
	if errors.Is(err, store.ErrConflict) {
		return nil, errGroupExists(rec.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("store group %s: %w", rec.Name, err)
	}
	out := describeGroup(account, &rec)
	return &iam.CreateGroupOutput{Group: &out}, nil
}

// getGroupOperation shows a group and, page by page, its users.
func (s *Service) getGroupOperation(ctx context.Context, in *iam.GetGroupInput) (*iam.GetGroupOutput, error) {
	g, err := s.getGroup(ctx, in.GroupName)
	if err != nil {
		return nil, err
	}
	users := []types.User{}
	for _, u := range s.membersOf(g) {
		shown := describeUser(u.account, &u.userRecord)
		shown.Tags, shown.PermissionsBoundary = nil, nil
		users = append(users, shown)
	}
	p, err := paginateSorted(users, func(u types.User) string { return *u.UserName }, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := describeGroup(g.account, &g.groupRecord)
	return &iam.GetGroupOutput{Group: &out, Users: p.items, IsTruncated: p.truncated, Marker: p.marker}, nil
}

func (s *Service) listGroups(ctx context.Context, in *iam.ListGroupsInput) (*iam.ListGroupsOutput, error) {
	fits := slices.DeleteFunc(s.groups.of(lambda.CallerFrom(ctx).Account), func(g *group) bool {
		return !strings.HasPrefix(g.Path, pathOr(in.PathPrefix))
	})
	p, err := pageGroups(fits, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListGroupsOutput{Groups: p.items, IsTruncated: p.truncated, Marker: p.marker}, nil
}

func (s *Service) listGroupsForUser(ctx context.Context, in *iam.ListGroupsForUserInput) (*iam.ListGroupsForUserOutput, error) {
	u, err := s.getUser(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	p, err := pageGroups(s.groupsOf(u), in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListGroupsForUserOutput{Groups: p.items, IsTruncated: p.truncated, Marker: p.marker}, nil
}

func pageGroups(groups []*group, marker *string, maxItems *int32) (page[types.Group], error) {
	shown := []types.Group{}
	for _, g := range groups {
		shown = append(shown, describeGroup(g.account, &g.groupRecord))
	}
	return paginateSorted(shown, func(g types.Group) string { return *g.GroupName }, marker, maxItems)
}

func (s *Service) updateGroup(ctx context.Context, in *iam.UpdateGroupInput) (*iam.UpdateGroupOutput, error) {
	var c checks
	c.path(in.NewPath, "newPath")
	if in.NewGroupName != nil {
		c.name(in.NewGroupName, "newGroupName", groupNameMax)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	s.writes.Lock()
	defer s.writes.Unlock()
	g, err := s.getGroup(ctx, in.GroupName)
	if err != nil {
		return nil, err
	}
	rec := g.clone()
	if in.NewPath != nil {
		rec.Path = pathOr(in.NewPath)
	}
	if in.NewGroupName != nil {
		rec.Name = *in.NewGroupName
	}
	err = rename(ctx, s.groups, entityKey(g.account, g.Name), entityKey(g.account, rec.Name), g.revision, rec)
	if errors.Is(err, errTaken) {
		return nil, errGroupExists(rec.Name)
	}
	return &iam.UpdateGroupOutput{}, s.stored(err, g.arn)
}

func (s *Service) deleteGroup(ctx context.Context, in *iam.DeleteGroupInput) (*iam.DeleteGroupOutput, error) {
	s.writes.Lock()
	defer s.writes.Unlock()
	g, err := s.getGroup(ctx, in.GroupName)
	if err != nil {
		return nil, err
	}
	if err := g.empty(); err != nil {
		return nil, err
	}
	if len(s.membersOf(g)) > 0 {
		return nil, lambda.Errorf(codeDeleteConflict, "Cannot delete entity, must remove users from group first.")
	}
	err = s.groups.rows.Delete(ctx, entityKey(g.account, g.Name), store.Precondition(g.revision))
	return &iam.DeleteGroupOutput{}, s.stored(err, g.arn)
}

func (s *Service) addUserToGroup(ctx context.Context, in *iam.AddUserToGroupInput) (*iam.AddUserToGroupOutput, error) {
	g, err := s.getGroup(ctx, in.GroupName)
	if err != nil {
		return nil, err
	}
	err = s.changeUser(ctx, in.UserName, func(u *userRecord) error {
		if slices.Contains(u.Groups, g.ID) {
			return errUnchanged
		}
		if _, still := s.groups.get(entityKey(g.account, g.Name)); !still {
			return errNoGroup(*in.GroupName)
		}
		if len(u.Groups) >= groupsPerUserMax {
			return lambda.Errorf(codeLimitExceeded, "Cannot exceed quota for GroupsPerUser: %d", groupsPerUserMax)
		}
		u.Groups = append(u.Groups, g.ID)
		return nil
	})
	return &iam.AddUserToGroupOutput{}, err
}

func (s *Service) removeUserFromGroup(ctx context.Context, in *iam.RemoveUserFromGroupInput) (*iam.RemoveUserFromGroupOutput, error) {
	g, err := s.getGroup(ctx, in.GroupName)
	if err != nil {
		return nil, err
	}
	err = s.changeUser(ctx, in.UserName, func(u *userRecord) error {
		i := slices.Index(u.Groups, g.ID)
		if i < 0 {
			return errUnchanged
		}
		u.Groups = slices.Delete(u.Groups, i, i+1)
		return nil
	})
	return &iam.RemoveUserFromGroupOutput{}, err
}

func describeGroup(account string, g *groupRecord) types.Group {
	arn, created := groupARN(account, g.Path, g.Name), g.Created
	return types.Group{Arn: &arn, CreateDate: &created, GroupId: &g.ID, GroupName: &g.Name, Path: &g.Path}
}
