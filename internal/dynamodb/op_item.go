package dynamodb

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// newWrite begins a write of a request: its table and the item or key.
func newWrite(ctx context.Context, action string, name *string, item map[string]types.AttributeValue) (*write, error) {
	if err := checkTable(name); err != nil {
		return nil, err
	}
	w := &write{action: action, name: *name, table: named(lambda.CallerFrom(ctx), *name)}
	var err error
	w.item, err = attr.ItemFromSDK(item)
	return w, err
}

// condition reads the condition of a write in whichever form it has.
func (w *write) readChecks(condition, update *string, names map[string]string, values map[string]types.AttributeValue,
	expected map[string]types.ExpectedAttributeValue, operator types.ConditionalOperator,
) (err error) {
	if w.checks, err = writeExpressions(condition, update, names, values); err != nil || expected == nil {
		return err
	}
	w.condition, err = olderExpected(expected, operator)
	return err
}

func (w *write) capacity(level types.ReturnConsumedCapacity, c cost) *types.ConsumedCapacity {
	used := consumed{name: w.name}
	used.add(c, 1)
	return used.answer(level)
}

var errReturnOld = invalid("ReturnValues can only be ALL_OLD or NONE")

// replacement is what PutItem and DeleteItem have in common: a write that leaves
// nothing of what was there.
type replacement struct {
	action    string
	table     *string
	item      map[string]types.AttributeValue // or its key
	condition *string
	names     map[string]string
	values    map[string]types.AttributeValue
	expected  map[string]types.ExpectedAttributeValue
	operator  types.ConditionalOperator
	returns   types.ReturnValue
	onFailure types.ReturnValuesOnConditionCheckFailure
	capacity  types.ReturnConsumedCapacity
	metrics   types.ReturnItemCollectionMetrics
}

// replaced is what they answer.
type replaced struct {
	attributes map[string]types.AttributeValue
	capacity   *types.ConsumedCapacity
	metrics    *types.ItemCollectionMetrics
}

func (s *Service) replace(ctx context.Context, in *replacement) (*replaced, error) {
	w, err := newWrite(ctx, in.action, in.table, in.item)
	if err != nil {
		return nil, err
	}
	if in.returns != "" && in.returns != types.ReturnValueAllOld && in.returns != types.ReturnValueNone {
		return nil, errReturnOld
	}
	err = checkMixed([]given{{"ConditionExpression", in.condition != nil}}, []given{{"Expected", in.expected != nil}}, in.names, in.values)
	if err != nil {
		return nil, err
	}
	if err = w.readChecks(in.condition, nil, in.names, in.values, in.expected, in.operator); err != nil {
		return nil, err
	}
	w.showOnFailure = in.onFailure == types.ReturnValuesOnConditionCheckFailureAllOld
	if err := s.begin(ctx, w, string(in.returns), string(in.capacity), ""); err != nil {
		return nil, err
	}
	done, err := s.single(ctx, w)
	if err != nil {
		return nil, err
	}
	out := &replaced{capacity: w.capacity(in.capacity, done.cost), metrics: collectionMetrics(in.metrics, done.table, w.item)}
	if in.returns == types.ReturnValueAllOld {
		out.attributes = attr.ItemToSDK(done.old)
	}
	return out, nil
}

func (s *Service) putItem(ctx context.Context, in *ddb.PutItemInput) (*ddb.PutItemOutput, error) {
	out, err := s.replace(ctx, &replacement{
		action: actionPut, table: in.TableName, item: in.Item,
		condition: in.ConditionExpression, names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues,
		expected: in.Expected, operator: in.ConditionalOperator, returns: in.ReturnValues, onFailure: in.ReturnValuesOnConditionCheckFailure,
		capacity: in.ReturnConsumedCapacity, metrics: in.ReturnItemCollectionMetrics,
	})
	if err != nil {
		return nil, err
	}
	return &ddb.PutItemOutput{Attributes: out.attributes, ConsumedCapacity: out.capacity, ItemCollectionMetrics: out.metrics}, nil
}

func (s *Service) deleteItem(ctx context.Context, in *ddb.DeleteItemInput) (*ddb.DeleteItemOutput, error) {
	out, err := s.replace(ctx, &replacement{
		action: actionDelete, table: in.TableName, item: in.Key,
		condition: in.ConditionExpression, names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues,
		expected: in.Expected, operator: in.ConditionalOperator, returns: in.ReturnValues, onFailure: in.ReturnValuesOnConditionCheckFailure,
		capacity: in.ReturnConsumedCapacity, metrics: in.ReturnItemCollectionMetrics,
	})
	if err != nil {
		return nil, err
	}
	return &ddb.DeleteItemOutput{Attributes: out.attributes, ConsumedCapacity: out.capacity, ItemCollectionMetrics: out.metrics}, nil
}

func (s *Service) updateItem(ctx context.Context, in *ddb.UpdateItemInput) (*ddb.UpdateItemOutput, error) {
	w, err := newWrite(ctx, actionUpdate, in.TableName, in.Key)
	if err != nil {
		return nil, err
	}
	err = checkMixed(
		[]given{{"UpdateExpression", in.UpdateExpression != nil}, {"ConditionExpression", in.ConditionExpression != nil}},
		[]given{{"AttributeUpdates", in.AttributeUpdates != nil}, {"Expected", in.Expected != nil}},
		in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	err = w.readChecks(in.ConditionExpression, in.UpdateExpression, in.ExpressionAttributeNames, in.ExpressionAttributeValues,
		in.Expected, in.ConditionalOperator)
	if err != nil {
		return nil, err
	}
	if in.AttributeUpdates != nil {
		if w.update, err = olderUpdate(in.AttributeUpdates); err != nil {
			return nil, err
		}
	}
	w.showOnFailure = in.ReturnValuesOnConditionCheckFailure == types.ReturnValuesOnConditionCheckFailureAllOld
	if err := s.begin(ctx, w, string(in.ReturnValues), string(in.ReturnConsumedCapacity), ""); err != nil {
		return nil, err
	}
	done, err := s.single(ctx, w)
	if err != nil {
		return nil, err
	}
	return &ddb.UpdateItemOutput{
		Attributes:            attr.ItemToSDK(w.returned(in.ReturnValues, done)),
		ConsumedCapacity:      w.capacity(in.ReturnConsumedCapacity, done.cost),
		ItemCollectionMetrics: collectionMetrics(in.ReturnItemCollectionMetrics, done.table, w.item),
	}, nil
}

// returned is what an update shows of the item; nil for nothing.
func (w *write) returned(asked types.ReturnValue, done written) attr.Item {
	touched := func(item attr.Item) attr.Item {
		if w.update == nil || item == nil {
			return nil
		}
		if out := w.update.Touched(item); len(out) > 0 {
			return out
		}
		return nil
	}
	switch asked {
	case types.ReturnValueAllOld:
		return done.old
	case types.ReturnValueAllNew:
		return done.item
	case types.ReturnValueUpdatedOld:
		return touched(done.old)
	case types.ReturnValueUpdatedNew:
		return touched(done.item)
	default:
		return nil
	}
}

func (s *Service) getItem(ctx context.Context, in *ddb.GetItemInput) (*ddb.GetItemOutput, error) {
	if err := checkTable(in.TableName); err != nil {
		return nil, err
	}
	projection, err := readExpressions(in.ProjectionExpression, in.AttributesToGet, in.ExpressionAttributeNames)
	if err != nil {
		return nil, err
	}
	key, err := attr.ItemFromSDK(in.Key)
	if err != nil {
		return nil, err
	}
	k := named(lambda.CallerFrom(ctx), *in.TableName)
	t := s.find(k)
	selects := ""
	if projection != nil {
		selects = string(types.SelectSpecificAttributes)
	}
	err = s.authorize(ctx, &access{
		action: "GetItem", resource: k.ARN(), table: t, leading: []attr.Item{key}, names: projection.Names,
		selects: selects, capacity: string(in.ReturnConsumedCapacity),
	})
	if err != nil {
		return nil, err
	}
	if t == nil {
		return nil, errNoResource
	}
	if err := t.checkKey(key); err != nil {
		return nil, err
	}
	item, err := s.read(ctx, t, key)
	if err != nil {
		return nil, err
	}
	used := consumed{name: *in.TableName, read: readUnits(attr.ItemSize(item), aws.ToBool(in.ConsistentRead))}
	return &ddb.GetItemOutput{
		Item: attr.ItemToSDK(projection.Apply(item)), ConsumedCapacity: used.answer(in.ReturnConsumedCapacity),
	}, nil
}

// read returns an item as of the last commit, nil when there is none.
func (s *Service) read(ctx context.Context, t *table, key attr.Item) (attr.Item, error) {
	b, err := s.disk.Get(ctx, t.ID, t.diskKey(key))
	if err != nil || b == nil {
		return nil, err
	}
	return attr.DecodeItem(b)
}

// readUnits are the read capacity units of so many bytes; what need not be consistent
// costs half.
func readUnits(size int, consistent bool) float64 {
	u := units(size, readUnit)
	if !consistent {
		u /= 2
	}
	return u
}
