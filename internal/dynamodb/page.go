package dynamodb

import (
	"bytes"
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
	"github.com/hearthfaas/hearth/internal/dynamodb/disk"
	"github.com/hearthfaas/hearth/internal/dynamodb/expr"
)

// pageBytesMax is how much one answer of a query or scan goes through (DynamoDB
// developer guide, "Paginating table query results").
const pageBytesMax = 1 << 20

// walk is a query or scan: what it goes through and what it shows.
type walk struct {
	table      *table
	index      *indexRecord // nil for the table itself
	from, to   []byte       // nil to is the end
	down       bool
	start      attr.Item // the key after which it begins, nil for the beginning
	limit      int       // 0 for none
	filter     *expr.Condition
	projection *expr.Projection
	count      bool // show no items
	// whole says that entries of a local index are completed from the table.
	whole      bool
	consistent bool
}

// page is what a walk found.
type page struct {
	items    []map[string]types.AttributeValue
	matched  int
	scanned  int
	last     attr.Item // where the next page begins, nil at the end
	bytes    int       // of index entries or items
	fetched  float64   // units for completing entries
	consumed consumed
}

func (w *walk) space() disk.Space {
	if w.index != nil {
		return w.index.Space
	}
	return w.table.ID
}

// names are the attributes by which the walk is ordered.
func (w *walk) keys() keyNames {
	if w.index != nil {
		return w.index.keyNames
	}
	return w.table.keyNames
}

// position is where an item lies in the space.
func (w *walk) position(item attr.Item) []byte {
	if w.index != nil {
		return w.table.indexKey(w.index, item)
	}
	return w.table.diskKey(item)
}

// lastKey is an item's key as LastEvaluatedKey shows it.
func (w *walk) lastKey(item attr.Item) attr.Item {
	out := w.table.keysOf(item)
	if w.index != nil {
		for _, name := range w.index.names() {
			out[name] = item[name]
		}
	}
	return out
}

// startNames are the attributes that ExclusiveStartKey must have.
func (w *walk) startNames() []string {
	names := w.table.names()
	if w.index != nil {
		for _, name := range w.index.names() {
			if !w.table.has(name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// page goes through the space until it has enough.
func (s *Service) page(ctx context.Context, w *walk) (*page, error) {
	from, to := w.from, w.to
	if w.start != nil {
		at := w.position(w.start)
		if w.down {
			to = at
		} else if after := append(bytes.Clone(at), 0); bytes.Compare(after, from) > 0 {
			from = after
		}
	}
	out := &page{}
	var incomplete []disk.Key
	var shown []attr.Item
	err := s.disk.Range(ctx, w.space(), from, to, w.down, func(_, value []byte) (bool, error) {
		item, err := attr.DecodeItem(value)
		if err != nil {
			return false, err
		}
		out.scanned++
		out.bytes += attr.ItemSize(item)
		if w.whole {
			incomplete = append(incomplete, disk.Key{Space: w.table.ID, Key: w.table.diskKey(item)})
		}
		if w.whole || w.filter.Holds(item) {
			shown = append(shown, item)
		}
		if out.scanned == w.limit || out.bytes >= pageBytesMax {
			out.last = w.lastKey(item)
			return false, nil
		}
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	if w.whole {
		if shown, err = s.complete(ctx, w, incomplete, out); err != nil {
			return nil, err
		}
	}
	out.matched = len(shown)
	if !w.count {
		out.items = make([]map[string]types.AttributeValue, 0, len(shown))
		for _, item := range shown {
			out.items = append(out.items, attr.ItemToSDK(w.projection.Apply(item)))
		}
	}
	used := readUnits(out.bytes, w.consistent)
	if w.index != nil {
		out.consumed.readIndex = true
		out.consumed.addIndex(w.index, used)
		out.consumed.read = out.fetched
	} else {
		out.consumed.read = used
	}
	return out, nil
}

// complete replaces entries of a local index by the items of the table. An item that
// went away since the entry was read is left out.
func (s *Service) complete(ctx context.Context, w *walk, keys []disk.Key, out *page) ([]attr.Item, error) {
	values, err := s.disk.GetAll(ctx, keys)
	if err != nil {
		return nil, err
	}
	var shown []attr.Item
	for _, value := range values {
		if value == nil {
			continue
		}
		item, err := attr.DecodeItem(value)
		if err != nil {
			return nil, err
		}
		out.fetched += readUnits(attr.ItemSize(item), w.consistent)
		if w.filter.Holds(item) {
			shown = append(shown, item)
		}
	}
	return shown, nil
}

// selection is what a query or scan asks to be shown, in any of the ways.
type selection struct {
	selects    types.Select
	index      *string
	projection *expr.Projection
	parameter  string // by which the projection was given, empty for none
}

// resolve says what Select means.
func (c *selection) resolve() error {
	fixed := map[types.Select]string{
		types.SelectAllAttributes:          "ALL_ATTRIBUTES",
		types.SelectAllProjectedAttributes: "ALL_PROJECTED_ATTRIBUTES",
		types.SelectCount:                  "only the Count",
	}[c.selects]
	switch {
	case c.parameter != "" && fixed != "":
		return invalid("Cannot specify the %s when choosing to get %s", c.parameter, fixed)
	case c.selects == types.SelectSpecificAttributes && c.parameter == "":
		return invalid("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	case c.selects == types.SelectAllProjectedAttributes && c.index == nil:
		return invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
	case c.selects == "" && c.parameter != "":
		c.selects = types.SelectSpecificAttributes
	case c.selects == "" && c.index != nil:
		c.selects = types.SelectAllProjectedAttributes
	case c.selects == "":
		c.selects = types.SelectAllAttributes
	}
	return nil
}

// apply finds the index and checks that it has what is asked for.
func (w *walk) apply(c *selection, consistent bool) error {
	w.projection, w.count, w.consistent = c.projection, c.selects == types.SelectCount, consistent
	if c.index == nil {
		return nil
	}
	w.index = w.table.index(*c.index)
	switch {
	case w.index == nil:
		return invalid("The table does not have the specified index: %s", *c.index)
	case w.index.Building:
		return invalid("Cannot read from backfilling global secondary index: %s", *c.index)
	case consistent && !w.index.Local:
		return invalid("Consistent reads are not supported on global secondary indexes")
	}
	all := c.selects == types.SelectAllAttributes && w.index.Projection != projectAll
	if all && !w.index.Local {
		return wrongParameter("Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", w.index.Name)
	}
	w.whole = all
	var missing []string
	c.projection.Names(func(name string) {
		if !w.table.projects(w.index, name) {
			missing = append(missing, name)
		}
	})
	if len(missing) > 0 {
		if !w.index.Local {
			return wrongParameter("Global secondary index %s does not project %v", w.index.Name, missing)
		}
		w.whole = true
	}
	return nil
}

var errStart = invalid("The provided starting key is invalid")

// startKey reads ExclusiveStartKey.
func startKey(in map[string]types.AttributeValue) (attr.Item, error) {
	if in == nil {
		return nil, nil
	}
	item, err := attr.ItemFromSDK(in)
	if err != nil {
		return nil, invalid("The provided starting key is invalid: %s", message(err))
	}
	return item, nil
}

// checkStart checks that the starting key is one of the space's.
func (w *walk) checkStart() error {
	if w.start == nil {
		return nil
	}
	names := w.startNames()
	if len(names) != len(w.start) {
		if w.index == nil {
			return invalid("The provided starting key is invalid: %s", errKeySchema.Message)
		}
		return errStart
	}
	for _, name := range names {
		v, ok := w.start[name]
		if !ok {
			return errStart
		}
		if v.Kind != w.table.types[name] || v.Text == "" {
			return errKeySchema
		}
	}
	return nil
}
