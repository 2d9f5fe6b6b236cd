package logs

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

// API is the service as the edge serves it. The table of its errors is the edge's.
func (s *Service) API() *wire.Service {
	return &wire.Service{
		Name:         "logs",
		Protocol:     wire.AWSJSON11,
		TargetPrefix: "Logs_20140328",
		Operations:   s.Operations(),
	}
}

// Operations are what the service can do (Amazon CloudWatch Logs API Reference,
// 2014-03-28). What each asks of authorization is the ARN of a stream; an
// operation on a whole group asks for one with an empty name, as AWS's denials
// show, so that the usual "…:log-group:name:*" of a policy covers both.
func (s *Service) Operations() []wire.Operation {
	return []wire.Operation{
		wire.Op("CreateLogGroup", s.createLogGroup, func(c lambda.Caller, in *cwl.CreateLogGroupInput) string {
			return groupResource(c, in.LogGroupName, nil)
		}),
		wire.Op("DeleteLogGroup", s.deleteLogGroup, func(c lambda.Caller, in *cwl.DeleteLogGroupInput) string {
			return groupResource(c, in.LogGroupName, nil)
		}),
		wire.Op("DescribeLogGroups", s.describeLogGroups, func(c lambda.Caller, _ *cwl.DescribeLogGroupsInput) string {
			return streamARN(Key{Account: c.Account, Region: c.Region}, "")
		}),
		wire.Op("PutLogGroupDeletionProtection", s.putDeletionProtection, func(c lambda.Caller, in *cwl.PutLogGroupDeletionProtectionInput) string {
			return groupResource(c, nil, in.LogGroupIdentifier)
		}),
		wire.Op("PutRetentionPolicy", s.putRetentionPolicy, func(c lambda.Caller, in *cwl.PutRetentionPolicyInput) string {
			return groupResource(c, in.LogGroupName, nil)
		}),
		wire.Op("DeleteRetentionPolicy", s.deleteRetentionPolicy, func(c lambda.Caller, in *cwl.DeleteRetentionPolicyInput) string {
			return groupResource(c, in.LogGroupName, nil)
		}),
		wire.Op("CreateLogStream", s.createLogStream, func(c lambda.Caller, in *cwl.CreateLogStreamInput) string {
			return groupResource(c, in.LogGroupName, nil)
		}),
		wire.Op("DeleteLogStream", s.deleteLogStream, func(c lambda.Caller, in *cwl.DeleteLogStreamInput) string {
			return streamResource(c, in.LogGroupName, nil, in.LogStreamName)
		}),
		wire.Op("DescribeLogStreams", s.describeLogStreams, func(c lambda.Caller, in *cwl.DescribeLogStreamsInput) string {
			return groupResource(c, in.LogGroupName, in.LogGroupIdentifier)
		}),
		wire.Op("PutLogEvents", s.putLogEvents, func(c lambda.Caller, in *cwl.PutLogEventsInput) string {
			return streamResource(c, in.LogGroupName, nil, in.LogStreamName)
		}),
		wire.Op("GetLogEvents", s.getLogEvents, func(c lambda.Caller, in *cwl.GetLogEventsInput) string {
			return streamResource(c, in.LogGroupName, in.LogGroupIdentifier, in.LogStreamName)
		}),
		wire.Op("FilterLogEvents", s.filterLogEvents, func(c lambda.Caller, in *cwl.FilterLogEventsInput) string {
			return groupResource(c, in.LogGroupName, in.LogGroupIdentifier)
		}),
		wire.Op("TagResource", s.tagResource, func(_ lambda.Caller, in *cwl.TagResourceInput) string {
			return aws.ToString(in.ResourceArn)
		}),
		wire.Op("UntagResource", s.untagResource, func(_ lambda.Caller, in *cwl.UntagResourceInput) string {
			return aws.ToString(in.ResourceArn)
		}),
		wire.Op("ListTagsForResource", s.listTagsForResource, func(_ lambda.Caller, in *cwl.ListTagsForResourceInput) string {
			return aws.ToString(in.ResourceArn)
		}),
		wire.Op("TagLogGroup", s.tagLogGroup, func(c lambda.Caller, in *cwl.TagLogGroupInput) string {
			return groupResource(c, in.LogGroupName, nil)
		}),
		wire.Op("UntagLogGroup", s.untagLogGroup, func(c lambda.Caller, in *cwl.UntagLogGroupInput) string {
			return groupResource(c, in.LogGroupName, nil)
		}),
		wire.Op("ListTagsLogGroup", s.listTagsLogGroup, func(c lambda.Caller, in *cwl.ListTagsLogGroupInput) string {
			return groupResource(c, in.LogGroupName, nil)
		}),
	}
}

// ARN is the group's ARN without the ":*" that some answers append.
func (k Key) ARN() string {
	return "arn:aws:logs:" + k.Region + ":" + k.Account + ":log-group:" + k.Group
}

func streamARN(k Key, stream string) string { return k.ARN() + ":log-stream:" + stream }

// parseGroupARN takes apart a group's ARN, with or without ":*".
func parseGroupARN(arn string) (Key, bool) {
	parts := strings.SplitN(strings.TrimSuffix(arn, ":*"), ":", 7)
	if len(parts) != 7 || parts[0] != "arn" || parts[1] != "aws" || parts[2] != "logs" || parts[5] != "log-group" ||
		!groupNamePattern.MatchString(parts[6]) {
		return Key{}, false
	}
	return Key{Account: parts[4], Region: parts[3], Group: parts[6]}, true
}

// identified is the group that a name or an ARN means to this caller.
func identified(c lambda.Caller, identifier string) Key {
	if k, ok := parseGroupARN(identifier); ok {
		return k
	}
	return Key{Account: c.Account, Region: c.Region, Group: identifier}
}

func groupResource(c lambda.Caller, name, identifier *string) string {
	return streamResource(c, name, identifier, nil)
}

func streamResource(c lambda.Caller, name, identifier, stream *string) string {
	k := Key{Account: c.Account, Region: c.Region, Group: aws.ToString(name)}
	if name == nil && identifier != nil {
		k = identified(c, *identifier)
	}
	return streamARN(k, aws.ToString(stream))
}
