package dynamodb

import (
	"cmp"
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/hearthfaas/hearth/internal/dynamodb/disk"
	"github.com/hearthfaas/hearth/internal/lambda"
)

func (s *Service) createTable(ctx context.Context, in *ddb.CreateTableInput) (*ddb.CreateTableOutput, error) {
	if err := checkName(in.TableName); err != nil {
		return nil, err
	}
	k := named(lambda.CallerFrom(ctx), *in.TableName)
	rec, err := newRecord(k, in)
	if err != nil {
		return nil, err
	}
	view, err := streamView(in.StreamSpecification)
	if err != nil {
		return nil, err
	}
	if in.ResourcePolicy != nil {
		rec.Policy, err = s.newPolicy(policyRecord{}, *in.ResourcePolicy)
		if err != nil {
			return nil, err
		}
	}
	var made *table
	err = s.alone(ctx, func(tx *disk.Tx) (func(), error) {
		if s.find(k) != nil {
			return nil, lambda.Errorf("ResourceInUseException", "Table already exists: %s", k.Name)
		}
		if s.countTables(k) >= tablesMax {
			return nil, lambda.Errorf("LimitExceededException", "Subscriber limit exceeded: There is a limit of %d tables per subscriber", tablesMax)
		}
		rec := rec
		rec.UUID, rec.Created = uuid.NewString(), s.now()
		if rec.Billing == onDemand {
			rec.BilledSince = rec.Created
		}
		if rec.ID, err = tx.NewSpace(); err != nil {
			return nil, err
		}
		rec.Indexes = slices.Clone(rec.Indexes)
		for n := range rec.Indexes {
			if rec.Indexes[n].Space, err = tx.NewSpace(); err != nil {
				return nil, err
			}
		}
		var show func()
		if view != "" {
			if show, err = s.enable(tx, &rec, view); err != nil {
				return nil, err
			}
		}
		made = newTable(rec)
		return func() {
			s.tables[k] = made
			if show != nil {
				show()
			}
		}, putRecord(tx, spaceTables, rec.ID, rec)
	})
	if err != nil {
		return nil, err
	}
	return &ddb.CreateTableOutput{TableDescription: s.describe(made, types.TableStatusCreating)}, nil
}

func (s *Service) countTables(k Key) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := 0
	for other := range s.tables {
		if other.Account == k.Account && other.Region == k.Region {
			n++
		}
	}
	return n
}

func (s *Service) describeTable(ctx context.Context, in *ddb.DescribeTableInput) (*ddb.DescribeTableOutput, error) {
	t, err := s.existing(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	return &ddb.DescribeTableOutput{Table: s.describe(t, t.status())}, nil
}

// status is the table's: one with an index in the making is being updated.
func (t *table) status() types.TableStatus {
	for i := range t.Indexes {
		if t.Indexes[i].Building {
			return types.TableStatusUpdating
		}
	}
	return types.TableStatusActive
}

// existing is the table of a request.
func (s *Service) existing(ctx context.Context, name *string) (*table, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	k := named(lambda.CallerFrom(ctx), *name)
	t := s.find(k)
	if t == nil {
		return nil, errNoTable(k.Name)
	}
	return t, nil
}

// alter replaces a table. edit changes the record, and may write; what it returns
// runs, with the table in its place, once all is on disk.
func (s *Service) alter(ctx context.Context, k Key, edit func(tx *disk.Tx, t *table, rec *tableRecord) (then func(), err error)) (*table, error) {
	var made *table
	err := s.alone(ctx, func(tx *disk.Tx) (func(), error) {
		t := s.find(k)
		if t == nil {
			return nil, errNoTable(k.Name)
		}
		rec := t.changed()
		then, err := edit(tx, t, &rec)
		if err != nil {
			return nil, err
		}
		made = newTable(rec)
		return func() {
			s.tables[k] = made
			if then != nil {
				then()
			}
		}, putRecord(tx, spaceTables, rec.ID, rec)
	})
	return made, err
}

func (s *Service) deleteTable(ctx context.Context, in *ddb.DeleteTableInput) (*ddb.DeleteTableOutput, error) {
	t, err := s.existing(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	k := t.Key
	err = s.alone(ctx, func(tx *disk.Tx) (func(), error) {
		if t = s.find(k); t == nil {
			return nil, errNoTable(k.Name)
		}
		if t.Protected {
			return nil, invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
		}
		tx.Remove(spaceTables, recordKey(t.ID))
		trash(tx, t.ID)
		for _, i := range t.Indexes {
			trash(tx, i.Space)
		}
		if t.TTL.Space != 0 {
			trash(tx, t.TTL.Space)
		}
		var show func()
		if t.Streaming {
			if show, err = s.disable(tx, t.Stream); err != nil {
				return nil, err
			}
		}
		return func() {
			delete(s.tables, k)
			if show != nil {
				show()
			}
		}, nil
	})
	if err != nil {
		return nil, err
	}
	s.wake()
	return &ddb.DeleteTableOutput{TableDescription: s.describe(t, types.TableStatusDeleting)}, nil
}

// trash says that a space is to be emptied. Run does it.
func trash(tx *disk.Tx, space disk.Space) { tx.Put(spaceTrash, recordKey(space), nil) }

// listDefault is how many tables and streams a page has when a request does not say.
const listDefault = 100

func (s *Service) listTables(ctx context.Context, in *ddb.ListTablesInput) (*ddb.ListTablesOutput, error) {
	c := lambda.CallerFrom(ctx)
	s.mu.RLock()
	var names []string
	for k := range s.tables {
		if k.Account == c.Account && k.Region == c.Region && k.Name > aws.ToString(in.ExclusiveStartTableName) {
			names = append(names, k.Name)
		}
	}
	s.mu.RUnlock()
	slices.Sort(names)
	out := &ddb.ListTablesOutput{TableNames: []string{}}
	if limit := int(cmp.Or(aws.ToInt32(in.Limit), listDefault)); len(names) > limit {
		names = names[:limit]
		out.LastEvaluatedTableName = aws.String(names[limit-1])
	}
	out.TableNames = append(out.TableNames, names...)
	return out, nil
}

// streamView reads whether a request asks for a stream, and of what; empty is no.
func streamView(in *types.StreamSpecification) (string, error) {
	if in == nil {
		return "", nil
	}
	switch {
	case in.StreamEnabled == nil:
		return "", wrongParameter("StreamEnabled must be specified in StreamSpecification")
	case *in.StreamEnabled && in.StreamViewType == "":
		return "", wrongParameter("StreamViewType must be specified when StreamEnabled is true")
	case !*in.StreamEnabled && in.StreamViewType != "":
		return "", wrongParameter("Table is attempting to disable the stream, but StreamViewType is specified")
	case !*in.StreamEnabled:
		return "", nil
	}
	return string(in.StreamViewType), nil
}

// enable makes a stream for a table. What it returns shows the stream in memory.
func (s *Service) enable(tx *disk.Tx, rec *tableRecord, view string) (show func(), err error) {
	id, err := tx.NewSpace()
	if err != nil {
		return nil, err
	}
	shard, err := s.openShard(tx, "")
	if err != nil {
		return nil, err
	}
	now := s.now()
	st := &stream{streamRecord{
		ID: id, Table: rec.Key, Label: now.Format(labelFormat), View: view, keyNames: rec.keyNames, Created: now, Shards: []shardRecord{shard},
	}}
	rec.Stream, rec.Streaming = id, true
	return func() { s.streams[id], s.byARN[st.arn()] = st, id }, putRecord(tx, spaceStreams, id, st.streamRecord)
}

// disable closes a stream. It can be read for a while.
func (s *Service) disable(tx *disk.Tx, id disk.Space) (show func(), err error) {
	return s.alterStream(tx, id, func(rec *streamRecord) error {
		s.closeShard(rec)
		rec.Disabled = s.now()
		return nil
	})
}

// alterStream replaces a stream. What it returns shows the new one in memory.
func (s *Service) alterStream(tx *disk.Tx, id disk.Space, edit func(*streamRecord) error) (show func(), err error) {
	s.mu.RLock()
	old := s.streams[id]
	s.mu.RUnlock()
	rec := old.streamRecord
	rec.Shards = slices.Clone(rec.Shards)
	if err := edit(&rec); err != nil {
		return nil, err
	}
	return func() { s.streams[id] = &stream{rec} }, putRecord(tx, spaceStreams, id, rec)
}
