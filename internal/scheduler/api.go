package scheduler

import (
	"cmp"

	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

// API is the service as the edge serves it.
func (s *Service) API() *wire.Service {
	return &wire.Service{Name: "scheduler", Operations: s.Operations()}
}

// Operations are what the service can do (EventBridge Scheduler API Reference,
// 2021-06-30).
func (s *Service) Operations() []wire.Operation {
	return []wire.Operation{
		wire.Op("CreateScheduleGroup", s.createGroup, func(c lambda.Caller, in *scheduler.CreateScheduleGroupInput) string {
			return groupResource(c, in.Name)
		}),
		wire.Op("GetScheduleGroup", s.getGroup, func(c lambda.Caller, in *scheduler.GetScheduleGroupInput) string {
			return groupResource(c, in.Name)
		}),
		wire.Op("DeleteScheduleGroup", s.deleteGroup, func(c lambda.Caller, in *scheduler.DeleteScheduleGroupInput) string {
			return groupResource(c, in.Name)
		}),
		wire.Op("ListScheduleGroups", s.listGroups, nil),
		wire.Op("CreateSchedule", s.createSchedule, func(c lambda.Caller, in *scheduler.CreateScheduleInput) string {
			return scheduleResource(c, in.GroupName, in.Name)
		}),
		wire.Op("GetSchedule", s.getSchedule, func(c lambda.Caller, in *scheduler.GetScheduleInput) string {
			return scheduleResource(c, in.GroupName, in.Name)
		}),
		wire.Op("UpdateSchedule", s.updateSchedule, func(c lambda.Caller, in *scheduler.UpdateScheduleInput) string {
			return scheduleResource(c, in.GroupName, in.Name)
		}),
		wire.Op("DeleteSchedule", s.deleteSchedule, func(c lambda.Caller, in *scheduler.DeleteScheduleInput) string {
			return scheduleResource(c, in.GroupName, in.Name)
		}),
		wire.Op("ListSchedules", s.listSchedules, nil),
		wire.Op("TagResource", s.tagResource, func(_ lambda.Caller, in *scheduler.TagResourceInput) string { return deref(in.ResourceArn) }),
		wire.Op("UntagResource", s.untagResource, func(_ lambda.Caller, in *scheduler.UntagResourceInput) string { return deref(in.ResourceArn) }),
		wire.Op("ListTagsForResource", s.listTags, func(_ lambda.Caller, in *scheduler.ListTagsForResourceInput) string { return deref(in.ResourceArn) }),
	}
}

func groupResource(c lambda.Caller, name *string) string { return placeOf(c).groupARN(deref(name)) }

func scheduleResource(c lambda.Caller, group, name *string) string {
	return placeOf(c).scheduleARN(cmp.Or(deref(group), defaultGroup), deref(name))
}
