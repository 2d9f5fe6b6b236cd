package dynamodb

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// describe is the table as answers show it.
func (s *Service) describe(t *table, status types.TableStatus) *types.TableDescription {
	st := s.disk.Stats(t.ID)
	d := &types.TableDescription{
		TableName: aws.String(t.Name), TableArn: aws.String(t.ARN()), TableId: aws.String(t.UUID),
		TableStatus: status, CreationDateTime: aws.Time(t.Created),
		AttributeDefinitions: definitions(t.Attributes), KeySchema: t.schema(),
		ItemCount: aws.Int64(st.Items), TableSizeBytes: aws.Int64(st.Bytes),
		ProvisionedThroughput:     t.Throughput.describe(),
		DeletionProtectionEnabled: aws.Bool(t.Protected),
		WarmThroughput:            warm(t.Billing, t.Throughput),
	}
	if t.Billing == onDemand || !t.BilledSince.IsZero() {
		d.BillingModeSummary = &types.BillingModeSummary{BillingMode: types.BillingMode(t.Billing), LastUpdateToPayPerRequestDateTime: timeOrNil(t.BilledSince)}
	}
	if t.Class != "" {
		d.TableClassSummary = &types.TableClassSummary{TableClass: types.TableClass(t.Class), LastUpdateDateTime: timeOrNil(t.ClassSince)}
	}
	if t.Encryption != nil {
		d.SSEDescription = &types.SSEDescription{
			Status: types.SSEStatusEnabled, SSEType: types.SSEType(t.Encryption.Type), KMSMasterKeyArn: aws.String(t.Encryption.arn(t.Key)),
		}
	}
	if t.Stream != 0 {
		s.mu.RLock()
		stream := s.streams[t.Stream]
		s.mu.RUnlock()
		if stream != nil {
			d.LatestStreamArn, d.LatestStreamLabel = aws.String(stream.arn()), aws.String(stream.Label)
		}
		if t.Streaming && stream != nil {
			d.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewType(stream.View)}
		}
	}
	for n := range t.Indexes {
		s.describeIndex(d, t, &t.Indexes[n], status)
	}
	return d
}

// arn is the key's, for the default key that of DynamoDB's own.
func (e *encryption) arn(k Key) string {
	if e.Key == "" {
		return "arn:aws:kms:" + k.Region + ":" + k.Account + ":alias/aws/dynamodb"
	}
	return e.Key
}

func (s *Service) describeIndex(d *types.TableDescription, t *table, i *indexRecord, of types.TableStatus) {
	st := s.disk.Stats(i.Space)
	arn := aws.String(t.ARN() + "/index/" + i.Name)
	projection := &types.Projection{ProjectionType: types.ProjectionType(i.Projection), NonKeyAttributes: i.NonKey}
	if i.Local {
		d.LocalSecondaryIndexes = append(d.LocalSecondaryIndexes, types.LocalSecondaryIndexDescription{
			IndexName: aws.String(i.Name), IndexArn: arn, KeySchema: i.schema(), Projection: projection,
			ItemCount: aws.Int64(st.Items), IndexSizeBytes: aws.Int64(st.Bytes),
		})
		return
	}
	g := types.GlobalSecondaryIndexDescription{
		IndexName: aws.String(i.Name), IndexArn: arn, KeySchema: i.schema(), Projection: projection,
		ItemCount: aws.Int64(st.Items), IndexSizeBytes: aws.Int64(st.Bytes), IndexStatus: types.IndexStatusActive,
		ProvisionedThroughput: i.Throughput.describe(),
	}
	if w := warm(t.Billing, i.Throughput); w != nil {
		g.WarmThroughput = &types.GlobalSecondaryIndexWarmThroughputDescription{
			ReadUnitsPerSecond: w.ReadUnitsPerSecond, WriteUnitsPerSecond: w.WriteUnitsPerSecond, Status: types.IndexStatusActive,
		}
	}
	switch {
	case i.Building:
		g.IndexStatus, g.Backfilling = types.IndexStatusCreating, aws.Bool(true)
	case of == types.TableStatusCreating:
		g.IndexStatus = types.IndexStatusCreating
	}
	d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, g)
}

// What every on-demand table takes at once (DynamoDB developer guide, "Warm
// throughput").
const (
	warmReads  = 12000
	warmWrites = 4000
)

func warm(billing string, t throughput) *types.TableWarmThroughputDescription {
	d := &types.TableWarmThroughputDescription{
		ReadUnitsPerSecond: aws.Int64(t.Read), WriteUnitsPerSecond: aws.Int64(t.Write), Status: types.TableStatusActive,
	}
	if billing == onDemand {
		d.ReadUnitsPerSecond, d.WriteUnitsPerSecond = aws.Int64(warmReads), aws.Int64(warmWrites)
	}
	return d
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func definitions(in []attributeRecord) []types.AttributeDefinition {
	var out []types.AttributeDefinition
	for _, a := range in {
		out = append(out, types.AttributeDefinition{AttributeName: aws.String(a.Name), AttributeType: types.ScalarAttributeType(a.Type)})
	}
	return out
}

func (k keyNames) schema() []types.KeySchemaElement {
	out := []types.KeySchemaElement{{AttributeName: aws.String(k.Hash), KeyType: types.KeyTypeHash}}
	if k.Range != "" {
		out = append(out, types.KeySchemaElement{AttributeName: aws.String(k.Range), KeyType: types.KeyTypeRange})
	}
	return out
}

func (t throughput) describe() *types.ProvisionedThroughputDescription {
	return &types.ProvisionedThroughputDescription{
		ReadCapacityUnits: aws.Int64(t.Read), WriteCapacityUnits: aws.Int64(t.Write), NumberOfDecreasesToday: aws.Int64(0),
		LastIncreaseDateTime: timeOrNil(t.Increased), LastDecreaseDateTime: timeOrNil(t.Decreased),
	}
}
