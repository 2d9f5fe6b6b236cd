package dynamodb

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
)

// consumed is what the operations on one table of a request cost.
type consumed struct {
	name          string
	read, write   float64 // of the table itself
	local, global map[string]float64
	readIndex     bool // what the indexes cost was reading
	transaction   bool // tell reads and writes apart, as transactions do
}

// add counts a write. Transactions cost twice.
func (c *consumed) add(w cost, times float64) {
	c.write += w.table * times
	for i, u := range w.index {
		c.addIndex(i, u*times)
	}
}

func (c *consumed) addIndex(i *indexRecord, u float64) {
	m := &c.global
	if i.Local {
		m = &c.local
	}
	if *m == nil {
		*m = map[string]float64{}
	}
	(*m)[i.Name] += u
}

// answer is what a request asked to be told, nil for nothing.
func (c *consumed) answer(level types.ReturnConsumedCapacity) *types.ConsumedCapacity {
	if level != types.ReturnConsumedCapacityTotal && level != types.ReturnConsumedCapacityIndexes {
		return nil
	}
	total := c.read + c.write
	indexes := 0.0
	for _, m := range []map[string]float64{c.local, c.global} {
		for _, u := range m {
			indexes += u
		}
	}
	out := &types.ConsumedCapacity{TableName: aws.String(c.name), CapacityUnits: aws.Float64(total + indexes)}
	read, write := c.read, c.write
	if c.readIndex {
		read += indexes
	} else {
		write += indexes
	}
	if c.transaction {
		out.ReadCapacityUnits, out.WriteCapacityUnits = nonZero(read), nonZero(write)
	}
	if level == types.ReturnConsumedCapacityIndexes {
		out.Table = c.part(c.read, c.write)
		out.LocalSecondaryIndexes = c.parts(c.local)
		out.GlobalSecondaryIndexes = c.parts(c.global)
	}
	return out
}

func nonZero(f float64) *float64 {
	if f == 0 {
		return nil
	}
	return &f
}

func (c *consumed) part(read, write float64) *types.Capacity {
	out := &types.Capacity{CapacityUnits: aws.Float64(read + write)}
	if c.transaction {
		out.ReadCapacityUnits, out.WriteCapacityUnits = nonZero(read), nonZero(write)
	}
	return out
}

func (c *consumed) parts(m map[string]float64) map[string]types.Capacity {
	if m == nil {
		return nil
	}
	out := map[string]types.Capacity{}
	for name, u := range m {
		if c.readIndex {
			out[name] = *c.part(u, 0)
		} else {
			out[name] = *c.part(0, u)
		}
	}
	return out
}

// collectionMetrics is the size of an item's collection, which only tables with local
// indexes have. The estimate is AWS's for a collection below one gigabyte.
func collectionMetrics(asked types.ReturnItemCollectionMetrics, t *table, key attr.Item) *types.ItemCollectionMetrics {
	if asked != types.ReturnItemCollectionMetricsSize || !t.hasLocal() {
		return nil
	}
	return &types.ItemCollectionMetrics{
		ItemCollectionKey:   attr.ItemToSDK(attr.Item{t.Hash: key[t.Hash]}),
		SizeEstimateRangeGB: []float64{0, 1},
	}
}

func (t *table) hasLocal() bool {
	for i := range t.Indexes {
		if t.Indexes[i].Local {
			return true
		}
	}
	return false
}
