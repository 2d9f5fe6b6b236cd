package dynamodb

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/hearthfaas/hearth/internal/dynamodb/disk"
	"github.com/hearthfaas/hearth/internal/lambda"
)

func (s *Service) updateTable(ctx context.Context, in *ddb.UpdateTableInput) (*ddb.UpdateTableOutput, error) {
	t, err := s.existing(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	switch {
	case len(in.ReplicaUpdates) > 0 || len(in.GlobalTableWitnessUpdates) > 0:
		return nil, unsupported("replicas")
	case in.BillingMode == "" && in.ProvisionedThroughput == nil && in.StreamSpecification == nil && in.GlobalSecondaryIndexUpdates == nil &&
		in.SSESpecification == nil && in.DeletionProtectionEnabled == nil && in.TableClass == "" && in.OnDemandThroughput == nil && in.WarmThroughput == nil:
		return nil, invalid("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	case in.BillingMode == types.BillingModeProvisioned && in.ProvisionedThroughput == nil && t.Billing == onDemand:
		return nil, wrongParameter("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
	}
	view, err := streamView(in.StreamSpecification)
	if err != nil {
		return nil, err
	}
	made, err := s.alter(ctx, t.Key, func(tx *disk.Tx, t *table, rec *tableRecord) (func(), error) {
		if err := s.updateSettings(rec, in); err != nil {
			return nil, err
		}
		if err := updateIndexes(tx, rec, in); err != nil {
			return nil, err
		}
		if in.StreamSpecification == nil {
			return nil, nil
		}
		switch {
		case view != "" && t.Streaming:
			return nil, lambda.Errorf("ResourceInUseException", "Table already has an enabled stream: TableName: %s", t.Name)
		case view != "":
			return s.enable(tx, rec, view)
		case !t.Streaming:
			return nil, invalid("Table has no stream to disable: TableName: %s", t.Name)
		default:
			rec.Streaming = false
			return s.disable(tx, t.Stream)
		}
	})
	if err != nil {
		return nil, err
	}
	s.wake()
	return &ddb.UpdateTableOutput{TableDescription: s.describe(made, types.TableStatusUpdating)}, nil
}

// updateSettings changes what has no items of its own.
func (s *Service) updateSettings(rec *tableRecord, in *ddb.UpdateTableInput) error {
	now := s.now()
	was := rec.Billing
	switch in.BillingMode {
	case types.BillingModePayPerRequest:
		if in.ProvisionedThroughput != nil {
			return wrongParameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		if rec.Billing != onDemand {
			rec.Billing, rec.BilledSince, rec.Throughput = onDemand, now, throughput{}
			for n := range rec.Indexes {
				rec.Indexes[n].Throughput = throughput{}
			}
		}
	case types.BillingModeProvisioned:
		rec.Billing = provisioned
	}
	if in.ProvisionedThroughput != nil {
		if rec.Billing == onDemand {
			return wrongParameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		to, err := boundThroughput(in.ProvisionedThroughput)
		if err != nil {
			return err
		}
		if was == provisioned && to.Read == rec.Throughput.Read && to.Write == rec.Throughput.Write && onlyThroughput(in) {
			return invalid("The provisioned throughput for the table will not change. The requested value equals the current value. "+
				"Current ReadCapacityUnits provisioned for the table: %d. Requested ReadCapacityUnits: %d. "+
				"Current WriteCapacityUnits provisioned for the table: %d. Requested WriteCapacityUnits: %d. "+
				"Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
				rec.Throughput.Read, to.Read, rec.Throughput.Write, to.Write)
		}
		rec.Throughput = rec.Throughput.to(to, now)
	}
	if in.DeletionProtectionEnabled != nil {
		rec.Protected = *in.DeletionProtectionEnabled
	}
	if in.TableClass != "" {
		rec.Class, rec.ClassSince = string(in.TableClass), now
	}
	if in.SSESpecification != nil {
		var err error
		if rec.Encryption, err = encryptionOf(in.SSESpecification); err != nil {
			return err
		}
	}
	return nil
}

// onlyThroughput says that the throughput is all that a request changes.
func onlyThroughput(in *ddb.UpdateTableInput) bool {
	return in.GlobalSecondaryIndexUpdates == nil && in.StreamSpecification == nil && in.DeletionProtectionEnabled == nil &&
		in.SSESpecification == nil && in.TableClass == ""
}

// to is the throughput after a change, with the time of it.
func (t throughput) to(n throughput, now time.Time) throughput {
	n.Increased, n.Decreased = t.Increased, t.Decreased
	if n.Read > t.Read || n.Write > t.Write {
		n.Increased = now
	}
	if n.Read < t.Read || n.Write < t.Write {
		n.Decreased = now
	}
	return n
}

// updateIndexes creates, changes and deletes global indexes.
func updateIndexes(tx *disk.Tx, rec *tableRecord, in *ddb.UpdateTableInput) error {
	made := 0
	seen := map[string]bool{}
	for _, u := range in.GlobalSecondaryIndexUpdates {
		var name *string
		switch {
		case u.Create != nil:
			name = u.Create.IndexName
		case u.Update != nil:
			name = u.Update.IndexName
		case u.Delete != nil:
			name = u.Delete.IndexName
		default:
			return wrongParameter("One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null")
		}
		if seen[aws.ToString(name)] {
			return wrongParameter("Only one global secondary index update per index is allowed simultaneously. Index: %s", aws.ToString(name))
		}
		seen[aws.ToString(name)] = true
		var err error
		switch {
		case u.Create != nil:
			made++
			err = createIndex(tx, rec, in.AttributeDefinitions, u.Create)
		case u.Update != nil:
			err = updateIndex(rec, u.Update)
		default:
			made++
			err = deleteIndex(tx, rec, aws.ToString(u.Delete.IndexName))
		}
		if err != nil {
			return err
		}
		if made > 1 {
			return lambda.Errorf("LimitExceededException", "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
		}
	}
	return nil
}

func createIndex(tx *disk.Tx, rec *tableRecord, attributes []types.AttributeDefinition, in *types.CreateGlobalSecondaryIndexAction) error {
	for _, i := range rec.Indexes {
		if i.Building {
			return lambda.Errorf("LimitExceededException", "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
		}
	}
	for _, a := range attributes {
		was := rec.attributeType(aws.ToString(a.AttributeName))
		if was != "" && was != string(a.AttributeType) {
			return wrongParameter("Attribute %s is already defined with type %s", aws.ToString(a.AttributeName), was)
		}
		if was == "" {
			rec.Attributes = append(rec.Attributes, attributeRecord{aws.ToString(a.AttributeName), string(a.AttributeType)})
		}
	}
	if slices.ContainsFunc(rec.Indexes, func(i indexRecord) bool { return i.Name == aws.ToString(in.IndexName) }) {
		return invalid("Attempting to create an index which already exists")
	}
	i, err := rec.newIndex(aws.ToString(in.IndexName), in.KeySchema, in.Projection, false)
	if err != nil {
		return err
	}
	if i.Throughput, err = indexThroughput(rec.Billing, i.Name, in.ProvisionedThroughput); err != nil {
		return err
	}
	if i.Space, err = tx.NewSpace(); err != nil {
		return err
	}
	i.Building = true
	rec.Indexes = append(rec.Indexes, i)
	globals := 0
	for _, i := range rec.Indexes {
		if !i.Local {
			globals++
		}
	}
	if globals > globalMax {
		return lambda.Errorf("LimitExceededException", "GlobalSecondaryIndex count exceeds the per-table limit of %d", globalMax)
	}
	return rec.checkUsed()
}

func (r *tableRecord) global(name string) (int, error) {
	n := slices.IndexFunc(r.Indexes, func(i indexRecord) bool { return i.Name == name && !i.Local })
	if n < 0 {
		return 0, lambda.Errorf(lambda.CodeResourceNotFound, "Requested resource not found")
	}
	return n, nil
}

func updateIndex(rec *tableRecord, in *types.UpdateGlobalSecondaryIndexAction) error {
	n, err := rec.global(aws.ToString(in.IndexName))
	if err != nil || in.ProvisionedThroughput == nil {
		return err
	}
	to, err := indexThroughput(rec.Billing, aws.ToString(in.IndexName), in.ProvisionedThroughput)
	rec.Indexes[n].Throughput = to
	return err
}

func deleteIndex(tx *disk.Tx, rec *tableRecord, name string) error {
	n, err := rec.global(name)
	if err != nil {
		return err
	}
	trash(tx, rec.Indexes[n].Space)
	rec.Indexes = slices.Delete(rec.Indexes, n, n+1)
	// Definitions that only this index used go with it.
	used := rec.names()
	for _, i := range rec.Indexes {
		used = append(used, i.names()...)
	}
	rec.Attributes = slices.DeleteFunc(rec.Attributes, func(a attributeRecord) bool { return !slices.Contains(used, a.Name) })
	return nil
}
