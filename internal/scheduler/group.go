package scheduler

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// groupsMax is AWS's quota of groups in an account and region.
const groupsMax = 500

// group finds a group; the default one is there before anything was written of it.
func (s *Service) group(ctx context.Context, p place, name string) (groupRecord, store.Precondition, error) {
	r, revision, err := s.groups.Get(ctx, p.groupKey(name))
	if errors.Is(err, store.ErrNotFound) {
		if name == defaultGroup {
			return groupRecord{Created: s.opened, Modified: s.opened}, store.Absent, nil
		}
		return r, 0, errNoGroup(name)
	}
	return r, store.Precondition(revision), err
}

// groupsOf are the groups of an account and region by name, the default one included.
func (s *Service) groupsOf(ctx context.Context, p place) ([]store.Row[groupRecord], error) {
	var out []store.Row[groupRecord]
	seen := false
	own := store.Row[groupRecord]{Key: p.groupKey(defaultGroup), Value: groupRecord{Created: s.opened, Modified: s.opened}}
	for row, err := range s.groups.All(ctx, p.prefix()) {
		if err != nil {
			return nil, err
		}
		if !seen && row.Key >= own.Key {
			if seen = true; row.Key > own.Key {
				out = append(out, own)
			}
		}
		out = append(out, row)
	}
	if !seen {
		out = append(out, own)
	}
	return out, nil
}

func (s *Service) createGroup(ctx context.Context, in *scheduler.CreateScheduleGroupInput) (*scheduler.CreateScheduleGroupOutput, error) {
	p, name := placeOf(lambda.CallerFrom(ctx)), deref(in.Name)
	tags, err := addTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	out := &scheduler.CreateScheduleGroupOutput{ScheduleGroupArn: new(p.groupARN(name))}
	had, _, err := s.group(ctx, p, name)
	switch {
	case err == nil && had.Token != "" && had.Token == deref(in.ClientToken):
		return out, nil
	case err == nil:
		return nil, lambda.Errorf(codeConflict, "Schedule group %s already exists.", name)
	}
	if e, ok := errors.AsType[*lambda.Error](err); !ok || e.Code != lambda.CodeResourceNotFound {
		return nil, err
	}
	all, err := s.groupsOf(ctx, p)
	if err != nil {
		return nil, err
	}
	if len(all) >= groupsMax {
		return nil, lambda.Errorf(codeQuota, "Schedule group quota of %d has been exceeded.", groupsMax)
	}
	now := s.now()
	r := groupRecord{Created: now, Modified: now, Tags: tags, Token: deref(in.ClientToken)}
	if _, err := s.groups.Put(ctx, p.groupKey(name), r, store.Absent); errors.Is(err, store.ErrConflict) {
		return nil, lambda.Errorf(codeConflict, "Schedule group %s already exists.", name)
	} else if err != nil {
		return nil, err
	}
	return out, nil
}

func (r *groupRecord) state() types.ScheduleGroupState {
	if r.Deleting {
		return types.ScheduleGroupStateDeleting
	}
	return types.ScheduleGroupStateActive
}

func (s *Service) getGroup(ctx context.Context, in *scheduler.GetScheduleGroupInput) (*scheduler.GetScheduleGroupOutput, error) {
	p, name := placeOf(lambda.CallerFrom(ctx)), deref(in.Name)
	r, _, err := s.group(ctx, p, name)
	if err != nil {
		return nil, err
	}
	return &scheduler.GetScheduleGroupOutput{
		Arn: new(p.groupARN(name)), Name: &name, State: r.state(), CreationDate: &r.Created, LastModificationDate: &r.Modified,
	}, nil
}

func (s *Service) listGroups(ctx context.Context, in *scheduler.ListScheduleGroupsInput) (*scheduler.ListScheduleGroupsOutput, error) {
	p := placeOf(lambda.CallerFrom(ctx))
	after, err := readToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	all, err := s.groupsOf(ctx, p)
	if err != nil {
		return nil, err
	}
	out := &scheduler.ListScheduleGroupsOutput{ScheduleGroups: []types.ScheduleGroupSummary{}}
	for _, row := range all {
		name := strings.TrimPrefix(row.Key, p.prefix())
		if name <= after || !strings.HasPrefix(name, deref(in.NamePrefix)) {
			continue
		}
		if len(out.ScheduleGroups) == pageSize(in.MaxResults) {
			out.NextToken = makeToken(*out.ScheduleGroups[len(out.ScheduleGroups)-1].Name)
			break
		}
		r := row.Value
		out.ScheduleGroups = append(out.ScheduleGroups, types.ScheduleGroupSummary{
			Arn: new(p.groupARN(name)), Name: &name, State: r.state(), CreationDate: &r.Created, LastModificationDate: &r.Modified,
		})
	}
	return out, nil
}

// deleteGroup marks the group; Run deletes its schedules and then the group itself.
func (s *Service) deleteGroup(ctx context.Context, in *scheduler.DeleteScheduleGroupInput) (*scheduler.DeleteScheduleGroupOutput, error) {
	p, name := placeOf(lambda.CallerFrom(ctx)), deref(in.Name)
	if name == defaultGroup {
		return nil, invalid("The default schedule group cannot be deleted.")
	}
	s.membership.Lock()
	defer s.membership.Unlock()
	err := s.changeGroup(ctx, p, name, func(r *groupRecord) error {
		r.Deleting = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	signal(s.doomed)
	return &scheduler.DeleteScheduleGroupOutput{}, nil
}

// changeGroup reads, changes and writes a group until nobody else was quicker.
func (s *Service) changeGroup(ctx context.Context, p place, name string, change func(*groupRecord) error) error {
	for {
		r, at, err := s.group(ctx, p, name)
		if err != nil {
			return err
		}
		if err := change(&r); err != nil {
			return err
		}
		r.Modified = s.now()
		if _, err := s.groups.Put(ctx, p.groupKey(name), r, at); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// clear deletes the groups that are marked, until ctx ends.
func (s *Service) clear(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.doomed:
		}
		if err := s.clearMarked(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Log.ErrorContext(ctx, "a schedule group is not deleted", "error", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(faultWait):
				signal(s.doomed)
			}
		}
	}
}

// clearPage is how many schedules are deleted in one transaction.
const clearPage = 256

func (s *Service) clearMarked(ctx context.Context) error {
	for group, err := range s.groups.All(ctx, "") {
		if err != nil {
			return err
		}
		if !group.Value.Deleting {
			continue
		}
		for {
			rows, err := s.schedules.List(ctx, group.Key+"/", "", clearPage)
			if err != nil {
				return err
			}
			changes := make([]store.Change, 0, len(rows)+1)
			for _, row := range rows {
				changes = append(changes, s.schedules.DeleteChange(row.Key, 0))
			}
			if len(rows) < clearPage {
				changes = append(changes, s.groups.DeleteChange(group.Key, 0))
			}
			if _, err := s.cfg.Store.Apply(ctx, changes...); err != nil {
				return err
			}
			if len(rows) < clearPage {
				break
			}
		}
	}
	return nil
}
