package eventbridge

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

// API is the service as the edge serves it; names on the wire and errors are those
// of its model.
func (s *Service) API() *wire.Service {
	return &wire.Service{Name: "events", Operations: s.Operations()}
}

// Operations are what the service can do (Amazon EventBridge API Reference,
// 2015-10-07). What each asks of authorization is the ARN of the bus, rule, archive
// or replay.
func (s *Service) Operations() []wire.Operation {
	rule := func(c lambda.Caller, busName, name *string) string {
		return busNamed(c, busName).rule(aws.ToString(name))
	}
	ofBus := func(c lambda.Caller, name *string) string { return busNamed(c, name).arn() }
	ofArchive := func(c lambda.Caller, name *string) string { return archiveARN(c.Account, c.Region, aws.ToString(name)) }
	ofReplay := func(c lambda.Caller, name *string) string { return replayARN(c.Account, c.Region, aws.ToString(name)) }
	return []wire.Operation{
		wire.Op("CreateEventBus", s.createEventBus, func(c lambda.Caller, in *eb.CreateEventBusInput) string { return ofBus(c, in.Name) }),
		wire.Op("UpdateEventBus", s.updateEventBus, func(c lambda.Caller, in *eb.UpdateEventBusInput) string { return ofBus(c, in.Name) }),
		wire.Op("DeleteEventBus", s.deleteEventBus, func(c lambda.Caller, in *eb.DeleteEventBusInput) string { return ofBus(c, in.Name) }),
		wire.Op("DescribeEventBus", s.describeEventBus, func(c lambda.Caller, in *eb.DescribeEventBusInput) string { return ofBus(c, in.Name) }),
		wire.Op("ListEventBuses", s.listEventBuses, nil),
		wire.Op("PutPermission", s.putPermission, func(c lambda.Caller, in *eb.PutPermissionInput) string { return ofBus(c, in.EventBusName) }),
		wire.Op("RemovePermission", s.removePermission, func(c lambda.Caller, in *eb.RemovePermissionInput) string { return ofBus(c, in.EventBusName) }),
		wire.Op("PutRule", s.putRule, func(c lambda.Caller, in *eb.PutRuleInput) string { return rule(c, in.EventBusName, in.Name) }),
		wire.Op("DeleteRule", s.deleteRule, func(c lambda.Caller, in *eb.DeleteRuleInput) string { return rule(c, in.EventBusName, in.Name) }),
		wire.Op("DescribeRule", s.describeRule, func(c lambda.Caller, in *eb.DescribeRuleInput) string { return rule(c, in.EventBusName, in.Name) }),
		wire.Op("EnableRule", s.enableRule, func(c lambda.Caller, in *eb.EnableRuleInput) string { return rule(c, in.EventBusName, in.Name) }),
		wire.Op("DisableRule", s.disableRule, func(c lambda.Caller, in *eb.DisableRuleInput) string { return rule(c, in.EventBusName, in.Name) }),
		wire.Op("ListRules", s.listRules, nil),
		wire.Op("ListRuleNamesByTarget", s.listRuleNamesByTarget, nil),
		wire.Op("PutTargets", s.putTargets, func(c lambda.Caller, in *eb.PutTargetsInput) string { return rule(c, in.EventBusName, in.Rule) }),
		wire.Op("RemoveTargets", s.removeTargets, func(c lambda.Caller, in *eb.RemoveTargetsInput) string { return rule(c, in.EventBusName, in.Rule) }),
		wire.Op("ListTargetsByRule", s.listTargetsByRule, func(c lambda.Caller, in *eb.ListTargetsByRuleInput) string { return rule(c, in.EventBusName, in.Rule) }),
		wire.Op("PutEvents", s.putEvents, func(c lambda.Caller, in *eb.PutEventsInput) string {
			if len(in.Entries) == 0 {
				return ofBus(c, nil)
			}
			return ofBus(c, in.Entries[0].EventBusName) // putEvents asks about the others
		}),
		wire.Op("TestEventPattern", s.testEventPattern, nil),
		wire.Op("CreateArchive", s.createArchive, func(c lambda.Caller, in *eb.CreateArchiveInput) string { return ofArchive(c, in.ArchiveName) }),
		wire.Op("UpdateArchive", s.updateArchive, func(c lambda.Caller, in *eb.UpdateArchiveInput) string { return ofArchive(c, in.ArchiveName) }),
		wire.Op("DeleteArchive", s.deleteArchive, func(c lambda.Caller, in *eb.DeleteArchiveInput) string { return ofArchive(c, in.ArchiveName) }),
		wire.Op("DescribeArchive", s.describeArchive, func(c lambda.Caller, in *eb.DescribeArchiveInput) string { return ofArchive(c, in.ArchiveName) }),
		wire.Op("ListArchives", s.listArchives, nil),
		wire.Op("StartReplay", s.startReplay, func(c lambda.Caller, in *eb.StartReplayInput) string { return ofReplay(c, in.ReplayName) }),
		wire.Op("CancelReplay", s.cancelReplay, func(c lambda.Caller, in *eb.CancelReplayInput) string { return ofReplay(c, in.ReplayName) }),
		wire.Op("DescribeReplay", s.describeReplay, func(c lambda.Caller, in *eb.DescribeReplayInput) string { return ofReplay(c, in.ReplayName) }),
		wire.Op("ListReplays", s.listReplays, nil),
		wire.Op("TagResource", s.tagResource, func(_ lambda.Caller, in *eb.TagResourceInput) string { return aws.ToString(in.ResourceARN) }),
		wire.Op("UntagResource", s.untagResource, func(_ lambda.Caller, in *eb.UntagResourceInput) string { return aws.ToString(in.ResourceARN) }),
		wire.Op("ListTagsForResource", s.listTagsForResource, func(_ lambda.Caller, in *eb.ListTagsForResourceInput) string { return aws.ToString(in.ResourceARN) }),
	}
}
