package dynamodb

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
	"github.com/hearthfaas/hearth/internal/dynamodb/expr"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// queryRequest is a query as its parameters say, whichever form they have.
type queryRequest struct {
	selection
	tests      map[string]expr.KeyTest
	filter     *expr.Condition
	filterName string
}

func readQuery(in *ddb.QueryInput) (q queryRequest, err error) {
	older := []given{
		{"AttributesToGet", in.AttributesToGet != nil},
		{"QueryFilter", in.QueryFilter != nil},
		{"ConditionalOperator", in.ConditionalOperator != ""},
	}
	if in.KeyConditions != nil && in.KeyConditionExpression != nil {
		older = append(older, given{"KeyConditions", true})
	}
	err = checkMixed([]given{
		{"ProjectionExpression", in.ProjectionExpression != nil},
		{"FilterExpression", in.FilterExpression != nil},
		{"KeyConditionExpression", in.KeyConditionExpression != nil},
	}, older, in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return q, err
	}
	p, err := params(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return q, err
	}
	switch {
	case in.KeyConditionExpression != nil:
		q.tests, err = p.ParseKeyCondition(*in.KeyConditionExpression)
	case in.KeyConditions != nil:
		q.tests, err = olderKeys(in.KeyConditions)
	default:
		err = invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	if err != nil {
		return q, err
	}
	q.filterName = "Filter Expression"
	if in.FilterExpression != nil {
		q.filter, err = p.ParseCondition("FilterExpression", *in.FilterExpression)
	} else if in.QueryFilter != nil {
		q.filterName = "QueryFilter"
		q.filter, err = olderFilter(in.QueryFilter, in.ConditionalOperator)
	}
	if err != nil {
		return q, err
	}
	q.selection = selection{selects: in.Select, index: in.IndexName}
	if err := q.readProjection(p, in.ProjectionExpression, in.AttributesToGet); err != nil {
		return q, err
	}
	if err := p.Unused(); err != nil {
		return q, err
	}
	return q, q.resolve()
}

func (c *selection) readProjection(p *expr.Params, projection *string, attributes []string) (err error) {
	switch {
	case projection != nil:
		c.parameter = "ProjectionExpression"
		c.projection, err = p.ParseProjection(*projection)
	case attributes != nil:
		c.parameter = "AttributesToGet"
		c.projection, err = expr.Only(attributes), checkAttributesToGet(attributes)
	}
	return err
}

func (s *Service) query(ctx context.Context, in *ddb.QueryInput) (*ddb.QueryOutput, error) {
	if err := checkTable(in.TableName); err != nil {
		return nil, err
	}
	q, err := readQuery(in)
	if err != nil {
		return nil, err
	}
	w, err := s.setOut(ctx, "Query", *in.TableName, &q, in.ExclusiveStartKey, in.Limit, in.ConsistentRead, in.ReturnConsumedCapacity)
	if err != nil {
		return nil, err
	}
	w.down = in.ScanIndexForward != nil && !*in.ScanIndexForward
	if err := w.bound(q.tests); err != nil {
		return nil, err
	}
	if err := w.checkFilter(q.filter, q.filterName); err != nil {
		return nil, err
	}
	found, err := s.page(ctx, w)
	if err != nil {
		return nil, err
	}
	found.consumed.name = *in.TableName
	return &ddb.QueryOutput{
		Items: found.items, Count: int32(found.matched), ScannedCount: int32(found.scanned),
		LastEvaluatedKey: attr.ItemToSDK(found.last), ConsumedCapacity: found.consumed.answer(in.ReturnConsumedCapacity),
	}, nil
}

// setOut authorizes a query or a scan and makes its walk.
func (s *Service) setOut(ctx context.Context, action, table string, q *queryRequest, from map[string]types.AttributeValue,
	limit *int32, consistent *bool, capacity types.ReturnConsumedCapacity,
) (*walk, error) {
	start, err := startKey(from)
	if err != nil {
		return nil, err
	}
	k := named(lambda.CallerFrom(ctx), table)
	t := s.find(k)
	if err := s.authorize(ctx, q.access(action, k, t, string(capacity))); err != nil {
		return nil, err
	}
	if t == nil {
		return nil, errNoResource
	}
	w := &walk{table: t, start: start, limit: int(aws.ToInt32(limit)), filter: q.filter}
	return w, w.apply(&q.selection, aws.ToBool(consistent))
}

// access is what a query or a scan asks of policies.
func (q *queryRequest) access(action string, k Key, t *table, capacity string) *access {
	a := &access{action: action, resource: k.ARN(), table: t, selects: string(q.selects), capacity: capacity}
	if q.index != nil {
		a.resource += "/index/" + *q.index
		if t != nil {
			a.index = t.index(*q.index)
		}
	}
	key := attr.Item{}
	for name, test := range q.tests {
		if test.Op == expr.Equal {
			key[name] = test.Values[0]
		}
	}
	if len(key) > 0 {
		a.leading = []attr.Item{key}
	}
	a.names = func(add func(string)) {
		for _, name := range slices.Sorted(maps.Keys(q.tests)) {
			add(name)
		}
		q.filter.Names(add)
		q.projection.Names(add)
	}
	return a
}

// indexable are the operations that a sort key can be asked with.
var indexable = []expr.Op{expr.Equal, expr.Less, expr.LessOrEqual, expr.Greater, expr.GreaterOrEqual, expr.Between, expr.BeginsWith}

// bound turns the tests of a query into a range of keys, and checks the starting key.
func (w *walk) bound(tests map[string]expr.KeyTest) error {
	keys := w.keys()
	if w.start != nil && len(w.start) != len(w.startNames()) {
		return errStart
	}
	if len(tests) > 2 {
		return invalid("Conditions can be of length 1 or 2 only")
	}
	if keys.Range == "" && len(tests) > 1 {
		return errKeyCondition
	}
	for _, name := range keys.names() {
		test, ok := tests[name]
		if !ok {
			if name == keys.Hash || len(tests) > 1 {
				return invalid("Query condition missed key schema element: %s", name)
			}
			continue
		}
		if !slices.Contains(indexable, test.Op) {
			return invalid("Attempted conditional constraint is not an indexable operation")
		}
		for _, v := range test.Values {
			if v.Kind != w.table.types[name] {
				return wrongParameter("Condition parameter type does not match schema type")
			}
			if v.Text == "" && name == keys.Hash {
				return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s",
					emptyWord(v.Kind), name)
			}
		}
		if name == keys.Hash && test.Op != expr.Equal {
			return errKeyCondition
		}
	}
	hash := tests[keys.Hash].Values[0]
	if hash.Size() > hashBytesMax {
		return wrongParameter("Size of hashkey has exceeded the maximum size limit of2048 bytes")
	}
	prefix := partition(hash)
	test, ranged := tests[keys.Range]
	ranged = ranged && keys.Range != ""
	if ranged {
		w.from, w.to = rangeOf(prefix, test)
	} else {
		w.from, w.to = prefix, attr.Successor(prefix)
	}
	if err := w.checkStart(); err != nil || w.start == nil {
		return err
	}
	if ranged && !test.Holds(w.start[keys.Range]) {
		return invalid("The provided starting key does not match the range key predicate")
	}
	if !attr.Equal(w.start[keys.Hash], hash) {
		if ranged {
			return invalid("The query can return at most one row and cannot be restarted")
		}
		return invalid("The provided starting key is outside query boundaries based on provided conditions")
	}
	return nil
}

var errKeyCondition = invalid("Query key condition not supported")

// rangeOf are the keys of a partition whose sort key passes a test.
func rangeOf(prefix []byte, test expr.KeyTest) (from, to []byte) {
	at := func(v attr.Value) []byte { return attr.AppendKey(slices.Clone(prefix), v) }
	low := test.Values[0]
	switch test.Op {
	case expr.Less:
		return prefix, at(low)
	case expr.LessOrEqual:
		return prefix, attr.Successor(at(low))
	case expr.Greater:
		return attr.Successor(at(low)), attr.Successor(prefix)
	case expr.GreaterOrEqual:
		return at(low), attr.Successor(prefix)
	case expr.Between:
		return at(low), attr.Successor(at(test.Values[1]))
	case expr.BeginsWith:
		from = attr.AppendKeyPrefix(slices.Clone(prefix), low.Text)
		return from, attr.Successor(from)
	default:
		return at(low), attr.Successor(at(low))
	}
}

// checkFilter refuses a filter of a query on the attributes of its key.
func (w *walk) checkFilter(filter *expr.Condition, parameter string) error {
	var err error
	keys := w.keys()
	filter.Names(func(name string) {
		if keys.has(name) && err == nil {
			err = invalid("%s can only contain non-primary key attributes: Primary key attribute: %s", parameter, name)
		}
	})
	return err
}
