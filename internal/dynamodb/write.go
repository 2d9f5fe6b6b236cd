package dynamodb

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
	"github.com/hearthfaas/hearth/internal/dynamodb/disk"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// itemSizeMax is the largest item (DynamoDB developer guide, quotas).
const itemSizeMax = 400 << 10

// write is what a request does to one item.
type write struct {
	action string // PutItem, UpdateItem, DeleteItem or ConditionCheckItem
	name   string // of the table, as the request has it
	table  Key
	// item is the new item of a put and the key of anything else.
	item attr.Item
	checks
	// showOnFailure asks for the item in the error of a condition that fails.
	showOnFailure bool
	// print tells parts of transactions apart.
	print []byte

	// prepare sets these: for which table it checked, and the key on disk.
	checked *table
	key     []byte
}

func message(err error) string {
	if e, ok := errors.AsType[*lambda.Error](err); ok {
		return e.Message
	}
	return err.Error()
}

// prepare checks the request against the table.
func (w *write) prepare(t *table) error {
	if w.checked == t {
		return nil
	}
	err := w.check(t)
	if err == nil {
		w.checked = t
	}
	return err
}

func (w *write) check(t *table) error {
	if w.action == actionPut {
		if err := t.checkItem(w.item); err != nil {
			return err
		}
		if attr.ItemSize(w.item) > itemSizeMax {
			return errItemSize
		}
		w.key = t.diskKey(w.item)
		return nil
	}
	if err := t.checkKey(w.item); err != nil {
		return err
	}
	var err error
	w.update.Names(func(name string) {
		if t.has(name) && err == nil {
			err = wrongParameter("Cannot update attribute %s. This attribute is part of the key", name)
		}
	})
	w.update.Kinds(func(name string, kind attr.Kind) {
		for n := range t.Indexes {
			if i := &t.Indexes[n]; err == nil && i.has(name) && kind != t.types[name] {
				err = mismatch(name, t.types[name], kind, i)
			}
		}
	})
	w.key = t.diskKey(w.item)
	return err
}

// The actions of writes, as policies name them.
const (
	actionPut    = "PutItem"
	actionUpdate = "UpdateItem"
	actionDelete = "DeleteItem"
	actionCheck  = "ConditionCheckItem"
)

var (
	errItemSize   = invalid("Item size has exceeded the maximum allowed size")
	errIndexKind  = invalid("The update expression attempted to update the secondary index key to unsupported type")
	errUpdateSize = invalid("Item size to update has exceeded the maximum allowed size")
)

const codeConditionFailed = "ConditionalCheckFailedException"

func (w *write) conditionFailed(old attr.Item) error {
	e := lambda.Errorf(codeConditionFailed, "The conditional request failed")
	if w.showOnFailure && old != nil {
		e.Detail = &types.ConditionalCheckFailedException{Item: attr.ItemToSDK(old)}
	}
	return e
}

// plan decides what becomes of the item: nil for none. It is pure.
func (w *write) plan(t *table, old attr.Item) (attr.Item, error) {
	if !w.condition.Holds(old) {
		return nil, w.conditionFailed(old)
	}
	switch w.action {
	case actionPut:
		return w.item, nil
	case actionDelete:
		return nil, nil
	case actionCheck:
		return old, nil
	}
	base := old
	if base == nil {
		if w.update != nil && w.update.CreatesNothing() {
			return nil, nil
		}
		base = w.item
	}
	if w.update == nil {
		return base, nil
	}
	item, err := w.update.Apply(base)
	if err != nil {
		return nil, err
	}
	for n := range t.Indexes {
		for _, name := range t.Indexes[n].names() {
			if v, ok := item[name]; ok && v.Kind != t.types[name] && !attr.Equal(v, old[name]) {
				return nil, errIndexKind
			}
		}
	}
	if err := t.checkIndexed(item, old); err != nil {
		return nil, err
	}
	if attr.ItemSize(item) > itemSizeMax {
		return nil, errUpdateSize
	}
	return item, nil
}

// written is what a write found and left.
type written struct {
	old, item attr.Item
	table     *table
	cost      cost
}

// readItem reads an item within a write.
func readItem(tx *disk.Tx, t *table, key []byte) (attr.Item, error) {
	b, err := tx.Get(t.ID, key)
	if err != nil || b == nil {
		return nil, err
	}
	return attr.DecodeItem(b)
}

// single carries out one write.
func (s *Service) single(ctx context.Context, w *write) (written, error) {
	var out written
	err := s.disk.Write(ctx, disk.Write{Size: attr.ItemSize(w.item), Do: func(tx *disk.Tx) (err error) {
		out, err = s.carryOut(tx, w)
		return err
	}})
	return out, err
}

// carryOut reads, decides and changes.
func (s *Service) carryOut(tx *disk.Tx, w *write) (written, error) {
	out, err := s.decide(tx, w)
	if err == nil {
		out.cost, err = s.change(tx, out.table, w.key, out.old, out.item, false)
	}
	return out, err
}

// decide reads the item and plans what becomes of it.
func (s *Service) decide(tx *disk.Tx, w *write) (written, error) {
	t := s.find(w.table)
	if t == nil {
		return written{}, errNoResource
	}
	if err := w.prepare(t); err != nil {
		return written{}, err
	}
	old, err := readItem(tx, t, w.key)
	if err != nil {
		return written{}, err
	}
	item, err := w.plan(t, old)
	return written{old: old, item: item, table: t}, err
}

// begin authorizes a write and finds what can be found wrong with it before its turn.
func (s *Service) begin(ctx context.Context, w *write, values, capacity, enclosing string) error {
	t := s.find(w.table)
	err := s.authorize(ctx, &access{
		action: w.action, resource: w.table.ARN(), table: t, leading: []attr.Item{w.item},
		names: func(add func(string)) {
			w.condition.Names(add)
			w.update.Names(add)
		},
		values: values, capacity: capacity, enclosing: enclosing,
	})
	if err != nil {
		return err
	}
	if t == nil {
		return errNoResource
	}
	return w.prepare(t)
}
