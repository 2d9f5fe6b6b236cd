package dynamodb

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
	"github.com/hearthfaas/hearth/internal/dynamodb/disk"
	"github.com/hearthfaas/hearth/internal/dynamodb/expr"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// The limits of batches (API reference, BatchGetItem and BatchWriteItem).
const (
	batchGetMax        = 100
	batchGetBytesMax   = 16 << 20
	batchWriteMax      = 25
	batchWriteBytesMax = 16 << 20
)

var errDuplicates = invalid("Provided list of item keys contains duplicates")

// batchGet is what a BatchGetItem reads of one table.
type batchGet struct {
	name       string // as the request has it
	table      *table
	keys       []attr.Item
	projection *expr.Projection
	consistent bool
}

func (s *Service) readBatchGet(ctx context.Context, in *ddb.BatchGetItemInput) ([]batchGet, error) {
	c := lambda.CallerFrom(ctx)
	var out []batchGet
	total := 0
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		r := in.RequestItems[name]
		if err := checkTable(&name); err != nil {
			return nil, err
		}
		g := batchGet{name: name, consistent: aws.ToBool(r.ConsistentRead)}
		var err error
		if g.projection, err = readExpressions(r.ProjectionExpression, r.AttributesToGet, r.ExpressionAttributeNames); err != nil {
			return nil, err
		}
		for _, k := range r.Keys {
			key, err := attr.ItemFromSDK(k)
			if err != nil {
				return nil, err
			}
			g.keys = append(g.keys, key)
		}
		if total += len(g.keys); total > batchGetMax {
			return nil, invalid("Too many items requested for the BatchGetItem call")
		}
		k := named(c, name)
		g.table = s.find(k)
		err = s.authorize(ctx, &access{
			action: "BatchGetItem", resource: k.ARN(), table: g.table, leading: g.keys, names: g.projection.Names,
			capacity: string(in.ReturnConsumedCapacity),
		})
		if err != nil {
			return nil, err
		}
		if g.table == nil {
			return nil, errNoResource
		}
		seen := map[string]bool{}
		for _, key := range g.keys {
			if err := g.table.checkKey(key); err != nil {
				return nil, err
			}
			k := string(g.table.diskKey(key))
			if seen[k] {
				return nil, errDuplicates
			}
			seen[k] = true
		}
		out = append(out, g)
	}
	return out, nil
}

func (s *Service) batchGetItem(ctx context.Context, in *ddb.BatchGetItemInput) (*ddb.BatchGetItemOutput, error) {
	gets, err := s.readBatchGet(ctx, in)
	if err != nil {
		return nil, err
	}
	out := &ddb.BatchGetItemOutput{
		Responses: map[string][]map[string]types.AttributeValue{}, UnprocessedKeys: map[string]types.KeysAndAttributes{},
	}
	size := 0
	for _, g := range gets {
		used := consumed{name: g.name}
		out.Responses[g.name] = []map[string]types.AttributeValue{}
		for n, key := range g.keys {
			item, err := s.read(ctx, g.table, key)
			if err != nil {
				return nil, err
			}
			// What does not fit into the answer is left for another request.
			if size > 0 && size+attr.ItemSize(item) > batchGetBytesMax {
				rest := in.RequestItems[g.name]
				rest.Keys = rest.Keys[n:]
				out.UnprocessedKeys[g.name] = rest
				break
			}
			size += attr.ItemSize(item)
			used.read += readUnits(attr.ItemSize(item), g.consistent)
			if item != nil {
				out.Responses[g.name] = append(out.Responses[g.name], attr.ItemToSDK(g.projection.Apply(item)))
			}
		}
		if c := used.answer(in.ReturnConsumedCapacity); c != nil {
			out.ConsumedCapacity = append(out.ConsumedCapacity, *c)
		}
	}
	return out, nil
}

// readBatchWrite reads and authorizes what a BatchWriteItem writes. Puts and deletes
// are asked for under the batch's own action.
func (s *Service) readBatchWrite(ctx context.Context, in *ddb.BatchWriteItemInput) (map[string][]*write, error) {
	out := map[string][]*write{}
	total, size := 0, 0
	for _, name := range slices.Sorted(maps.Keys(in.RequestItems)) {
		for _, r := range in.RequestItems[name] {
			action, item := actionPut, map[string]types.AttributeValue(nil)
			switch {
			case r.PutRequest != nil && r.DeleteRequest != nil || r.PutRequest == nil && r.DeleteRequest == nil:
				return nil, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
			case r.PutRequest != nil:
				item = r.PutRequest.Item
			default:
				action, item = actionDelete, r.DeleteRequest.Key
			}
			w, err := newWrite(ctx, action, &name, item)
			if err != nil {
				return nil, err
			}
			n := attr.ItemSize(w.item)
			if n > itemSizeMax {
				return nil, errItemSize
			}
			size += n
			out[name] = append(out[name], w)
		}
		if total += len(in.RequestItems[name]); total > batchWriteMax {
			return nil, invalid("Too many items requested for the BatchWriteItem call")
		}
	}
	if size > batchWriteBytesMax {
		return nil, invalid("Item size has exceeded the maximum allowed size for the BatchWriteItem call")
	}
	for _, name := range slices.Sorted(maps.Keys(out)) {
		if err := s.checkBatch(ctx, out[name], string(in.ReturnConsumedCapacity)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// checkBatch authorizes and checks the writes to one table.
func (s *Service) checkBatch(ctx context.Context, writes []*write, capacity string) error {
	t := s.find(writes[0].table)
	a := &access{action: "BatchWriteItem", resource: writes[0].table.ARN(), table: t, capacity: capacity}
	for _, w := range writes {
		a.leading = append(a.leading, w.item)
	}
	if err := s.authorize(ctx, a); err != nil {
		return err
	}
	if t == nil {
		return errNoResource
	}
	seen := map[string]bool{}
	for _, w := range writes {
		for _, name := range t.names() {
			if v := w.item[name]; v.Kind != t.types[name] {
				return errKeySchema
			}
		}
		if err := w.prepare(t); err != nil {
			return err
		}
		if seen[string(w.key)] {
			return errDuplicates
		}
		seen[string(w.key)] = true
	}
	return nil
}

func (s *Service) batchWriteItem(ctx context.Context, in *ddb.BatchWriteItemInput) (*ddb.BatchWriteItemOutput, error) {
	writes, err := s.readBatchWrite(ctx, in)
	if err != nil {
		return nil, err
	}
	var all []*write
	size := 0
	for _, name := range slices.Sorted(maps.Keys(writes)) {
		for _, w := range writes[name] {
			all = append(all, w)
			size += attr.ItemSize(w.item)
		}
	}
	// All of a batch share one transaction, as it costs one sync; AWS promises less.
	var done []written
	err = s.disk.Write(ctx, disk.Write{Size: size, Do: func(tx *disk.Tx) error {
		done = done[:0]
		for _, w := range all {
			d, err := s.carryOut(tx, w)
			if err != nil {
				return err
			}
			done = append(done, d)
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	out := &ddb.BatchWriteItemOutput{UnprocessedItems: map[string][]types.WriteRequest{}}
	used := usage{metrics: in.ReturnItemCollectionMetrics}
	for n, w := range all {
		used.add(w, done[n], 1)
	}
	out.ConsumedCapacity = used.answer(in.ReturnConsumedCapacity, false)
	out.ItemCollectionMetrics = used.collections
	return out, nil
}

// usage sums up what the writes of one request cost, by table.
type usage struct {
	metrics     types.ReturnItemCollectionMetrics
	tables      map[string]*consumed
	collections map[string][]types.ItemCollectionMetrics
}

func (u *usage) of(name string) *consumed {
	if u.tables == nil {
		u.tables = map[string]*consumed{}
	}
	if u.tables[name] == nil {
		u.tables[name] = &consumed{name: name}
	}
	return u.tables[name]
}

func (u *usage) add(w *write, d written, times float64) {
	u.of(w.name).add(d.cost, times)
	if m := collectionMetrics(u.metrics, d.table, w.item); m != nil {
		if u.collections == nil {
			u.collections = map[string][]types.ItemCollectionMetrics{}
		}
		u.collections[w.name] = append(u.collections[w.name], *m)
	}
}

func (u *usage) answer(level types.ReturnConsumedCapacity, transaction bool) []types.ConsumedCapacity {
	var out []types.ConsumedCapacity
	for _, name := range slices.Sorted(maps.Keys(u.tables)) {
		u.tables[name].transaction = transaction
		if c := u.tables[name].answer(level); c != nil {
			out = append(out, *c)
		}
	}
	return out
}
