package logs

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

// retentionDays are the values that a retention policy may have (API reference,
// PutRetentionPolicy).
var retentionDays = []int32{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

func (s *Service) putRetentionPolicy(ctx context.Context, in *cwl.PutRetentionPolicyInput) (*cwl.PutRetentionPolicyOutput, error) {
	days := aws.ToInt32(in.RetentionInDays)
	if !slices.Contains(retentionDays, days) {
		return nil, violation(days, "retentionInDays",
			"Member must satisfy enum value set: ["+strings.Join(decimal(retentionDays), ", ")+"]")
	}
	err := s.changeGroup(ctx, callerKey(ctx, in.LogGroupName), func(rec *groupRecord) error {
		rec.RetentionDays = days
		return nil
	})
	return &cwl.PutRetentionPolicyOutput{}, err
}

func (s *Service) deleteRetentionPolicy(ctx context.Context, in *cwl.DeleteRetentionPolicyInput) (*cwl.DeleteRetentionPolicyOutput, error) {
	err := s.changeGroup(ctx, callerKey(ctx, in.LogGroupName), func(rec *groupRecord) error {
		rec.RetentionDays = 0
		return nil
	})
	return &cwl.DeleteRetentionPolicyOutput{}, err
}

func decimal(ns []int32) []string {
	var out []string
	for _, n := range ns {
		out = append(out, strconv.Itoa(int(n)))
	}
	return out
}

// cutoff is from when on a group's events are kept, in Unix milliseconds: its own
// policy counts, and the service's retention where it has none.
func (s *Service) cutoff(g *group, now time.Time) int64 {
	keep := s.retention
	if g.record.RetentionDays != 0 {
		keep = time.Duration(g.record.RetentionDays) * 24 * time.Hour
	}
	if keep == 0 {
		return 0
	}
	return max(now.Add(-keep).UnixMilli(), 0)
}
