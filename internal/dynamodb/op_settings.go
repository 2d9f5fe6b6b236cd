package dynamodb

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/hearthfaas/hearth/internal/dynamodb/disk"
	"github.com/hearthfaas/hearth/internal/lambda"
)

func (s *Service) describeTimeToLive(ctx context.Context, in *ddb.DescribeTimeToLiveInput) (*ddb.DescribeTimeToLiveOutput, error) {
	t, err := s.existing(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	d := &types.TimeToLiveDescription{TimeToLiveStatus: types.TimeToLiveStatusDisabled}
	if t.TTL.Attribute != "" {
		d.TimeToLiveStatus, d.AttributeName = types.TimeToLiveStatusEnabled, aws.String(t.TTL.Attribute)
		if t.TTL.Building {
			d.TimeToLiveStatus = types.TimeToLiveStatusEnabling
		}
	}
	return &ddb.DescribeTimeToLiveOutput{TimeToLiveDescription: d}, nil
}

func (s *Service) updateTimeToLive(ctx context.Context, in *ddb.UpdateTimeToLiveInput) (*ddb.UpdateTimeToLiveOutput, error) {
	t, err := s.existing(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	spec := in.TimeToLiveSpecification
	_, err = s.alter(ctx, t.Key, func(tx *disk.Tx, t *table, rec *tableRecord) (func(), error) {
		switch enable := aws.ToBool(spec.Enabled); {
		case !enable && t.TTL.Attribute == "":
			return nil, invalid("TimeToLive is already disabled")
		case t.TTL.Attribute != "" && t.TTL.Attribute != aws.ToString(spec.AttributeName):
			return nil, invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.TTL.Attribute)
		case enable && t.TTL.Attribute != "":
			return nil, invalid("TimeToLive is already enabled")
		case enable:
			space, err := tx.NewSpace()
			rec.TTL = ttlRecord{Attribute: aws.ToString(spec.AttributeName), Space: space, Building: true}
			return nil, err
		default:
			trash(tx, t.TTL.Space)
			rec.TTL = ttlRecord{}
			return nil, nil
		}
	})
	if err != nil {
		return nil, err
	}
	s.wake()
	return &ddb.UpdateTimeToLiveOutput{TimeToLiveSpecification: spec}, nil
}

// The quotas that DescribeLimits tells (DynamoDB developer guide). Nothing here is
// throttled by them.
const (
	accountUnitsMax = 80000
	tableUnitsMax   = 40000
)

func (s *Service) describeLimits(context.Context, *ddb.DescribeLimitsInput) (*ddb.DescribeLimitsOutput, error) {
	return &ddb.DescribeLimitsOutput{
		AccountMaxReadCapacityUnits: aws.Int64(accountUnitsMax), AccountMaxWriteCapacityUnits: aws.Int64(accountUnitsMax),
		TableMaxReadCapacityUnits: aws.Int64(tableUnitsMax), TableMaxWriteCapacityUnits: aws.Int64(tableUnitsMax),
	}, nil
}

// endpointMinutes is for how long a client may keep an endpoint that it was told.
const endpointMinutes = 1440

func (s *Service) describeEndpoints(ctx context.Context, _ *ddb.DescribeEndpointsInput) (*ddb.DescribeEndpointsOutput, error) {
	c := lambda.CallerFrom(ctx)
	address := c.BaseURL
	for _, scheme := range []string{"http://", "https://"} {
		if len(address) > len(scheme) && address[:len(scheme)] == scheme {
			address = address[len(scheme):]
		}
	}
	return &ddb.DescribeEndpointsOutput{Endpoints: []types.Endpoint{{Address: aws.String(address), CachePeriodInMinutes: endpointMinutes}}}, nil
}

func (s *Service) describeContinuousBackups(ctx context.Context, in *ddb.DescribeContinuousBackupsInput) (*ddb.DescribeContinuousBackupsOutput, error) {
	if err := checkName(in.TableName); err != nil {
		return nil, err
	}
	k := named(lambda.CallerFrom(ctx), *in.TableName)
	if s.find(k) == nil {
		return nil, lambda.Errorf("TableNotFoundException", "Table not found: %s", k.Name)
	}
	return &ddb.DescribeContinuousBackupsOutput{ContinuousBackupsDescription: noBackups()}, nil
}

func noBackups() *types.ContinuousBackupsDescription {
	return &types.ContinuousBackupsDescription{
		ContinuousBackupsStatus:        types.ContinuousBackupsStatusDisabled,
		PointInTimeRecoveryDescription: &types.PointInTimeRecoveryDescription{PointInTimeRecoveryStatus: types.PointInTimeRecoveryStatusDisabled},
	}
}

func (s *Service) updateContinuousBackups(ctx context.Context, in *ddb.UpdateContinuousBackupsInput) (*ddb.UpdateContinuousBackupsOutput, error) {
	if err := checkName(in.TableName); err != nil {
		return nil, err
	}
	k := named(lambda.CallerFrom(ctx), *in.TableName)
	if s.find(k) == nil {
		return nil, lambda.Errorf("TableNotFoundException", "Table not found: %s", k.Name)
	}
	if spec := in.PointInTimeRecoverySpecification; spec != nil && aws.ToBool(spec.PointInTimeRecoveryEnabled) {
		return nil, unsupported("point-in-time recovery")
	}
	return &ddb.UpdateContinuousBackupsOutput{ContinuousBackupsDescription: noBackups()}, nil
}
