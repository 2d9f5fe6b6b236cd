package dynamodb

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// The limits of tables (DynamoDB developer guide, quotas).
const (
	localMax      = 5
	globalMax     = 20
	nonKeyMax     = 100 // over all indexes of a table
	throughputMax = 1_000_000_000_000
	tablesMax     = 2500
	tagsMax       = 50
)

// unsupported are the members of CreateTable and UpdateTable that are for what Hearth
// does not have.
func unsupported(what string) error {
	return lambda.Errorf(lambda.CodeNotImplemented, "Hearth does not support %s of DynamoDB tables.", what)
}

// newRecord makes the record of a table that a request describes, all but its
// numbers and times. It is pure.
func newRecord(k Key, in *ddb.CreateTableInput) (tableRecord, error) {
	rec := tableRecord{Key: k, Billing: provisioned, Class: string(in.TableClass), Protected: aws.ToBool(in.DeletionProtectionEnabled)}
	if in.BillingMode == types.BillingModePayPerRequest {
		rec.Billing = onDemand
	}
	switch {
	case in.AttributeDefinitions == nil && in.KeySchema == nil:
		return rec, invalid("2 validation errors detected: %s; %s", null("attributeDefinitions"), null("keySchema"))
	case in.AttributeDefinitions == nil:
		return rec, invalid("1 validation error detected: %s", null("attributeDefinitions"))
	case in.KeySchema == nil:
		return rec, invalid("1 validation error detected: %s", null("keySchema"))
	case len(in.VectorIndexes) > 0:
		return rec, unsupported("vector indexes")
	case in.GlobalTableSourceArn != nil:
		return rec, unsupported("replicas")
	}
	var err error
	if rec.Throughput, err = tableThroughput(rec.Billing, in.ProvisionedThroughput); err != nil {
		return rec, err
	}
	for _, a := range in.AttributeDefinitions {
		rec.Attributes = append(rec.Attributes, attributeRecord{aws.ToString(a.AttributeName), string(a.AttributeType)})
	}
	if rec.keyNames, err = rec.readKeys(in.KeySchema, true); err != nil {
		return rec, err
	}
	for _, l := range in.LocalSecondaryIndexes {
		i, err := rec.newIndex(aws.ToString(l.IndexName), l.KeySchema, l.Projection, true)
		if err != nil {
			return rec, err
		}
		rec.Indexes = append(rec.Indexes, i)
	}
	if in.LocalSecondaryIndexes != nil && len(in.LocalSecondaryIndexes) == 0 {
		return rec, wrongParameter("List of LocalSecondaryIndexes is empty")
	}
	if len(in.LocalSecondaryIndexes) > localMax {
		return rec, wrongParameter("Number of LocalSecondaryIndexes exceeds per-table limit of %d", localMax)
	}
	for _, g := range in.GlobalSecondaryIndexes {
		i, err := rec.newIndex(aws.ToString(g.IndexName), g.KeySchema, g.Projection, false)
		if err != nil {
			return rec, err
		}
		if i.Throughput, err = indexThroughput(rec.Billing, i.Name, g.ProvisionedThroughput); err != nil {
			return rec, err
		}
		rec.Indexes = append(rec.Indexes, i)
	}
	if in.GlobalSecondaryIndexes != nil && len(in.GlobalSecondaryIndexes) == 0 {
		return rec, wrongParameter("List of GlobalSecondaryIndexes is empty")
	}
	if len(in.GlobalSecondaryIndexes) > globalMax {
		return rec, wrongParameter("GlobalSecondaryIndex count exceeds the per-table limit of %d", globalMax)
	}
	if err := rec.checkUsed(); err != nil {
		return rec, err
	}
	rec.Encryption, err = encryptionOf(in.SSESpecification)
	if err != nil {
		return rec, err
	}
	rec.Tags, err = tagMap(in.Tags)
	return rec, err
}

// null is the violation for a member that must be there. The model leaves these to the
// service, as replicas of tables elsewhere need none.
func null(member string) string {
	return "Value null at '" + member + "' failed to satisfy constraint: Member must not be null"
}

func encryptionOf(in *types.SSESpecification) (*encryption, error) {
	if in == nil {
		return nil, nil
	}
	if !aws.ToBool(in.Enabled) {
		if in.KMSMasterKeyId != nil || in.SSEType != "" {
			return nil, wrongParameter("SSEType and KMSMasterKeyId can only be specified when SSE is enabled")
		}
		return nil, nil
	}
	return &encryption{Type: "KMS", Key: aws.ToString(in.KMSMasterKeyId)}, nil
}

func tableThroughput(billing string, in *types.ProvisionedThroughput) (throughput, error) {
	if billing == onDemand {
		if in != nil && (aws.ToInt64(in.ReadCapacityUnits) != 0 || aws.ToInt64(in.WriteCapacityUnits) != 0) {
			return throughput{}, wrongParameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		return throughput{}, nil
	}
	if in == nil || in.ReadCapacityUnits == nil || in.WriteCapacityUnits == nil {
		return throughput{}, wrongParameter("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	return boundThroughput(in)
}

func boundThroughput(in *types.ProvisionedThroughput) (throughput, error) {
	t := throughput{Read: aws.ToInt64(in.ReadCapacityUnits), Write: aws.ToInt64(in.WriteCapacityUnits)}
	switch {
	case t.Read > throughputMax:
		return t, invalid("Given value %d for ReadCapacityUnits is out of bounds", t.Read)
	case t.Write > throughputMax:
		return t, invalid("Given value %d for WriteCapacityUnits is out of bounds", t.Write)
	}
	return t, nil
}

func indexThroughput(billing, name string, in *types.ProvisionedThroughput) (throughput, error) {
	switch {
	case billing == onDemand && in != nil && (aws.ToInt64(in.ReadCapacityUnits) != 0 || aws.ToInt64(in.WriteCapacityUnits) != 0):
		return throughput{}, wrongParameter("ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST", name)
	case billing == onDemand:
		return throughput{}, nil
	case in == nil:
		return throughput{}, wrongParameter("ProvisionedThroughput must be specified for index: %s", name)
	}
	return boundThroughput(in)
}

// attributeType is the type of an attribute that some key has, empty if undefined.
func (r *tableRecord) attributeType(name string) string {
	for _, a := range r.Attributes {
		if a.Name == name {
			return a.Type
		}
	}
	return ""
}

// readKeys reads a key schema. Those of tables are checked for more.
func (r *tableRecord) readKeys(schema []types.KeySchemaElement, ofTable bool) (keyNames, error) {
	var names []string
	for _, e := range schema {
		names = append(names, aws.ToString(e.AttributeName))
	}
	if ofTable && len(names) > len(r.Attributes) {
		return keyNames{}, invalid("Invalid KeySchema: Some index key attribute have no definition")
	}
	if slices.ContainsFunc(names, func(n string) bool { return r.attributeType(n) == "" }) {
		return keyNames{}, wrongParameter("Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]",
			strings.Join(names, ", "), strings.Join(r.attributeNames(), ", "))
	}
	switch {
	case len(schema) == 0 || len(schema) > 2:
		return keyNames{}, invalid("Invalid KeySchema: a key has one attribute or two")
	case len(names) == 2 && names[0] == names[1]:
		return keyNames{}, invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
	case schema[0].KeyType != types.KeyTypeHash:
		return keyNames{}, invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	case len(schema) == 2 && schema[1].KeyType != types.KeyTypeRange:
		return keyNames{}, invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
	}
	k := keyNames{Hash: names[0]}
	if len(names) == 2 {
		k.Range = names[1]
	}
	return k, nil
}

func (r *tableRecord) attributeNames() []string {
	var out []string
	for _, a := range r.Attributes {
		out = append(out, a.Name)
	}
	return out
}

// newIndex reads an index of a request; those that the record has are its neighbours.
func (r *tableRecord) newIndex(name string, schema []types.KeySchemaElement, projection *types.Projection, local bool) (indexRecord, error) {
	i := indexRecord{Name: name, Local: local}
	if !nameLengthOK(name) || strings.ContainsFunc(name, func(c rune) bool { return c > 0x7f || !nameByte(byte(c)) }) {
		return i, invalid("Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'")
	}
	if local && r.Range == "" {
		return i, wrongParameter("Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
	}
	var err error
	if i.keyNames, err = r.readKeys(schema, false); err != nil {
		return i, err
	}
	if local && i.Range == "" {
		return i, wrongParameter("Index KeySchema does not have a range key for index: %s", name)
	}
	if local && i.Hash != r.Hash {
		return i, wrongParameter("Index KeySchema does not have the same leading hash key as table KeySchema for index: %s. index hash key: %s, table hash key: %s",
			name, i.Hash, r.Hash)
	}
	if projection == nil || projection.ProjectionType == "" {
		return i, wrongParameter("Unknown ProjectionType: null")
	}
	i.Projection, i.NonKey = string(projection.ProjectionType), projection.NonKeyAttributes
	switch {
	case i.Projection != projectSome && len(i.NonKey) > 0:
		return i, wrongParameter("ProjectionType is %s, but NonKeyAttributes is specified", i.Projection)
	case i.Projection == projectSome && len(i.NonKey) == 0:
		return i, wrongParameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
	}
	total := len(i.NonKey)
	for _, other := range r.Indexes {
		if other.Name == name {
			return i, wrongParameter("Duplicate index name: %s", name)
		}
		total += len(other.NonKey)
	}
	if total > nonKeyMax {
		return i, wrongParameter("Number of NonKeyAttributes over all indexes exceeds the per-table limit of %d", nonKeyMax)
	}
	return i, nil
}

// checkUsed refuses definitions of attributes that are in no key.
func (r *tableRecord) checkUsed() error {
	used := r.names()
	for _, i := range r.Indexes {
		used = append(used, i.names()...)
	}
	slices.Sort(used)
	used = slices.Compact(used)
	if len(used) == len(r.Attributes) {
		return nil
	}
	if len(r.Indexes) == 0 {
		return wrongParameter("Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	return wrongParameter("Some AttributeDefinitions are not used. AttributeDefinitions: [%s], keys used: [%s]",
		strings.Join(r.attributeNames(), ", "), strings.Join(used, ", "))
}
