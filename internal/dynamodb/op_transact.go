package dynamodb

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
	"github.com/hearthfaas/hearth/internal/dynamodb/disk"
	"github.com/hearthfaas/hearth/internal/dynamodb/expr"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// The limits of transactions (DynamoDB developer guide, "Amazon DynamoDB
// Transactions").
const (
	transactMax      = 100
	transactBytesMax = 4 << 20
	tokenLife        = 10 * time.Minute
	tokenMax         = 36
	// transactTimes is how many times a plain operation's units each part costs.
	transactTimes = 2
)

var (
	errTwice   = invalid("Transaction request cannot include multiple operations on one item")
	errOneKind = invalid("TransactItems can only contain one of Check, Put, Update or Delete")
)

// part reads one part of a TransactWriteItems. printed says that its print is needed.
func part(ctx context.Context, in types.TransactWriteItem, printed bool) (*write, error) {
	var w *write
	var err error
	kinds := 0
	read := func(action string, name *string, item map[string]types.AttributeValue, condition, update *string,
		names map[string]string, values map[string]types.AttributeValue, onFailure types.ReturnValuesOnConditionCheckFailure,
	) {
		if kinds++; kinds > 1 {
			return
		}
		if w, err = newWrite(ctx, action, name, item); err != nil {
			return
		}
		expressions := []given{{"ConditionExpression", condition != nil}}
		if action == actionUpdate {
			expressions = []given{{"UpdateExpression", update != nil}, expressions[0]}
		}
		if err = checkMixed(expressions, nil, names, values); err != nil {
			return
		}
		if w.checks, err = writeExpressions(condition, update, names, values); err != nil {
			return
		}
		if printed {
			w.print = printOf(w, condition, update, names, values)
		}
		w.showOnFailure = onFailure == types.ReturnValuesOnConditionCheckFailureAllOld
	}
	if p := in.ConditionCheck; p != nil {
		read(actionCheck, p.TableName, p.Key, p.ConditionExpression, nil, p.ExpressionAttributeNames, p.ExpressionAttributeValues, p.ReturnValuesOnConditionCheckFailure)
	}
	if p := in.Put; p != nil {
		read(actionPut, p.TableName, p.Item, p.ConditionExpression, nil, p.ExpressionAttributeNames, p.ExpressionAttributeValues, p.ReturnValuesOnConditionCheckFailure)
	}
	if p := in.Update; p != nil {
		read(actionUpdate, p.TableName, p.Key, p.ConditionExpression, p.UpdateExpression, p.ExpressionAttributeNames, p.ExpressionAttributeValues, p.ReturnValuesOnConditionCheckFailure)
	}
	if p := in.Delete; p != nil {
		read(actionDelete, p.TableName, p.Key, p.ConditionExpression, nil, p.ExpressionAttributeNames, p.ExpressionAttributeValues, p.ReturnValuesOnConditionCheckFailure)
	}
	if kinds != 1 {
		return nil, errOneKind
	}
	return w, err
}

func (s *Service) transactWriteItems(ctx context.Context, in *ddb.TransactWriteItemsInput) (*ddb.TransactWriteItemsOutput, error) {
	if len(in.TransactItems) > transactMax {
		return nil, invalid("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to %d", transactMax)
	}
	if len(aws.ToString(in.ClientRequestToken)) > tokenMax {
		return nil, invalid("1 validation error detected: Value '%s' at 'clientRequestToken' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", *in.ClientRequestToken, tokenMax)
	}
	var writes []*write
	size := 0
	for _, p := range in.TransactItems {
		w, err := part(ctx, p, in.ClientRequestToken != nil)
		if err != nil {
			return nil, err
		}
		size += attr.ItemSize(w.item)
		writes = append(writes, w)
	}
	if size > transactBytesMax {
		return nil, invalid("Transaction size exceeded: The aggregate size of the items in the transaction exceeds %d bytes", transactBytesMax)
	}
	if err := s.beginAll(ctx, writes, string(in.ReturnConsumedCapacity)); err != nil {
		return nil, err
	}
	var done []written
	repeated := false
	err := s.disk.Write(ctx, disk.Write{Size: size, Do: func(tx *disk.Tx) (err error) {
		if repeated, err = s.repeated(ctx, tx, aws.ToString(in.ClientRequestToken), writes); err != nil || repeated {
			return err
		}
		done, err = s.transact(tx, writes)
		return err
	}})
	if err != nil {
		return nil, err
	}
	used := usage{metrics: in.ReturnItemCollectionMetrics}
	if repeated {
		// A repetition tells what it cost to read the items.
		for _, w := range writes {
			item, err := s.read(ctx, w.checked, w.item)
			if err != nil {
				return nil, err
			}
			used.of(w.name).read += transactTimes * readUnits(attr.ItemSize(item), true)
		}
	}
	for n := range done {
		used.add(writes[n], done[n], transactTimes)
	}
	return &ddb.TransactWriteItemsOutput{
		ConsumedCapacity: used.answer(in.ReturnConsumedCapacity, true), ItemCollectionMetrics: used.collections,
	}, nil
}

// beginAll authorizes every part and checks what does not depend on items.
func (s *Service) beginAll(ctx context.Context, writes []*write, capacity string) error {
	reasons := make([]types.CancellationReason, len(writes))
	failed := false
	seen := map[string]bool{}
	for n, w := range writes {
		err := s.begin(ctx, w, "", capacity, "TransactWriteItems")
		if e, ok := errors.AsType[*lambda.Error](err); ok && e.Code == lambda.CodeValidation {
			reasons[n] = types.CancellationReason{Code: aws.String("ValidationError"), Message: aws.String(e.Message)}
			failed = true
			continue
		}
		if err != nil {
			return err
		}
		reasons[n] = types.CancellationReason{Code: aws.String("None")}
		id := w.table.ARN() + string(w.key)
		if seen[id] {
			return errTwice
		}
		seen[id] = true
	}
	if failed {
		return cancelled(reasons)
	}
	return nil
}

// cancelled is the error of a transaction that did not happen.
func cancelled(reasons []types.CancellationReason) error {
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = aws.ToString(r.Code)
	}
	e := lambda.Errorf("TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", "))
	e.Detail = &types.TransactionCanceledException{CancellationReasons: reasons}
	return e
}

// transact decides about every part, and carries them out only if all may be.
func (s *Service) transact(tx *disk.Tx, writes []*write) ([]written, error) {
	done := make([]written, len(writes))
	reasons := make([]types.CancellationReason, len(writes))
	failed := false
	size := 0
	for n, w := range writes {
		var err error
		done[n], err = s.decide(tx, w)
		e, ok := errors.AsType[*lambda.Error](err)
		switch {
		case err == nil:
			reasons[n].Code = aws.String("None")
			size += max(attr.ItemSize(done[n].old), attr.ItemSize(done[n].item))
			continue
		case ok && e.Code == codeConditionFailed:
			reasons[n] = types.CancellationReason{Code: aws.String("ConditionalCheckFailed"), Message: aws.String(e.Message)}
			if w.showOnFailure {
				reasons[n].Item = attr.ItemToSDK(done[n].old)
			}
		case ok && e.Code == lambda.CodeValidation:
			reasons[n] = types.CancellationReason{Code: aws.String("ValidationError"), Message: aws.String(e.Message)}
		default:
			return nil, err
		}
		failed = true
	}
	if failed {
		return nil, cancelled(reasons)
	}
	if size > transactBytesMax {
		return nil, invalid("Transaction size exceeded: The aggregate size of the items in the transaction exceeds %d bytes", transactBytesMax)
	}
	for n, w := range writes {
		if w.action != actionCheck {
			var err error
			if done[n].cost, err = s.change(tx, done[n].table, w.key, done[n].old, done[n].item, false); err != nil {
				return nil, err
			}
		} else {
			done[n].cost = cost{table: units(attr.ItemSize(done[n].old), writeUnit)}
		}
	}
	return done, nil
}

// repeated says whether a transaction with the same token was carried out a short
// while ago; otherwise it keeps the token.
func (s *Service) repeated(ctx context.Context, tx *disk.Tx, token string, writes []*write) (bool, error) {
	if token == "" {
		return false, nil
	}
	c := lambda.CallerFrom(ctx)
	now := s.now()
	key := []byte(c.Account + "/" + c.Region + "/" + token)
	sum := fingerprint(writes)
	old, err := tx.Get(spaceTokens, key)
	if err != nil {
		return false, err
	}
	if len(old) == 8+len(sum) && int64(binary.BigEndian.Uint64(old)) > now.UnixMilli() {
		if string(old[8:]) != string(sum) {
			return false, lambda.Errorf("IdempotentParameterMismatchException",
				"The client request token was used for a request with different parameters: %s", token)
		}
		return true, nil
	}
	until := binary.BigEndian.AppendUint64(nil, uint64(now.Add(tokenLife).UnixMilli()))
	tx.Put(spaceTokens, key, append(until[:8:8], sum...))
	tx.Put(spaceAges, append(until[:8:8], key...), nil)
	return false, nil
}

// fingerprint is the same for two transactions with the same parts.
func fingerprint(writes []*write) []byte {
	h := sha256.New()
	for _, w := range writes {
		h.Write(w.print)
	}
	return h.Sum(nil)
}

// printOf is what two parts have in common that ask for the same.
func printOf(w *write, condition, update *string, names map[string]string, values map[string]types.AttributeValue) []byte {
	h := sha256.New()
	add := func(b []byte) {
		h.Write(binary.AppendUvarint(nil, uint64(len(b))))
		h.Write(b)
	}
	converted, _ := attr.ItemFromSDK(values) // they were read before
	add([]byte(w.action))
	add([]byte(w.table.ARN()))
	add([]byte(aws.ToString(condition)))
	add([]byte(aws.ToString(update)))
	add(attr.EncodeItem(w.item))
	add(attr.EncodeItem(converted))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		add([]byte(name))
		add([]byte(names[name]))
	}
	return h.Sum(nil)
}

func (s *Service) transactGetItems(ctx context.Context, in *ddb.TransactGetItemsInput) (*ddb.TransactGetItemsOutput, error) {
	if len(in.TransactItems) > transactMax {
		return nil, invalid("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to %d", transactMax)
	}
	c := lambda.CallerFrom(ctx)
	keys := make([]disk.Key, len(in.TransactItems))
	projections := make([]*expr.Projection, len(in.TransactItems))
	reasons := make([]types.CancellationReason, len(in.TransactItems))
	failed := false
	seen := map[string]bool{}
	for n, p := range in.TransactItems {
		g := p.Get
		if g == nil {
			return nil, invalid("TransactItems can only contain a Get")
		}
		if err := checkTable(g.TableName); err != nil {
			return nil, err
		}
		var err error
		if projections[n], err = readExpressions(g.ProjectionExpression, nil, g.ExpressionAttributeNames); err != nil {
			return nil, err
		}
		key, err := attr.ItemFromSDK(g.Key)
		if err != nil {
			return nil, err
		}
		k := named(c, *g.TableName)
		t := s.find(k)
		err = s.authorize(ctx, &access{
			action: "GetItem", resource: k.ARN(), table: t, leading: []attr.Item{key}, names: projections[n].Names,
			capacity: string(in.ReturnConsumedCapacity), enclosing: "TransactGetItems",
		})
		if err != nil {
			return nil, err
		}
		if t == nil {
			return nil, errNoResource
		}
		reasons[n].Code = aws.String("None")
		if err := t.checkKey(key); err != nil {
			reasons[n] = types.CancellationReason{Code: aws.String("ValidationError"), Message: aws.String(message(err))}
			failed = true
			continue
		}
		keys[n] = disk.Key{Space: t.ID, Key: t.diskKey(key)}
		if id := k.ARN() + string(keys[n].Key); seen[id] {
			return nil, errTwice
		} else {
			seen[id] = true
		}
	}
	if failed {
		return nil, cancelled(reasons)
	}
	values, err := s.disk.GetAll(ctx, keys)
	if err != nil {
		return nil, err
	}
	out := &ddb.TransactGetItemsOutput{}
	used := usage{}
	size := 0
	for n, value := range values {
		var item attr.Item
		if value != nil {
			if item, err = attr.DecodeItem(value); err != nil {
				return nil, err
			}
		}
		size += attr.ItemSize(item)
		used.of(*in.TransactItems[n].Get.TableName).read += transactTimes * readUnits(attr.ItemSize(item), true)
		out.Responses = append(out.Responses, types.ItemResponse{Item: attr.ItemToSDK(projections[n].Apply(item))})
	}
	if size > transactBytesMax {
		return nil, invalid("Transaction size exceeded: The aggregate size of the items in the transaction exceeds %d bytes", transactBytesMax)
	}
	out.ConsumedCapacity = used.answer(in.ReturnConsumedCapacity, true)
	return out, nil
}
