package dynamodb

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/bits"

	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
)

func readScan(in *ddb.ScanInput) (q queryRequest, err error) {
	err = checkMixed(
		[]given{{"ProjectionExpression", in.ProjectionExpression != nil}, {"FilterExpression", in.FilterExpression != nil}},
		[]given{
			{"AttributesToGet", in.AttributesToGet != nil},
			{"ScanFilter", in.ScanFilter != nil},
			{"ConditionalOperator", in.ConditionalOperator != ""},
		},
		in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return q, err
	}
	switch {
	case in.Segment != nil && in.TotalSegments == nil:
		return q, invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case in.Segment == nil && in.TotalSegments != nil:
		return q, invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case in.Segment != nil && *in.Segment >= *in.TotalSegments:
		return q, invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d",
			*in.Segment, *in.TotalSegments)
	}
	p, err := params(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return q, err
	}
	if in.FilterExpression != nil {
		q.filter, err = p.ParseCondition("FilterExpression", *in.FilterExpression)
	} else if in.ScanFilter != nil {
		q.filter, err = olderFilter(in.ScanFilter, in.ConditionalOperator)
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

func (s *Service) scan(ctx context.Context, in *ddb.ScanInput) (*ddb.ScanOutput, error) {
	if err := checkTable(in.TableName); err != nil {
		return nil, err
	}
	q, err := readScan(in)
	if err != nil {
		return nil, err
	}
	w, err := s.setOut(ctx, "Scan", *in.TableName, &q, in.ExclusiveStartKey, in.Limit, in.ConsistentRead, in.ReturnConsumedCapacity)
	if err != nil {
		return nil, err
	}
	if err := w.checkStart(); err != nil {
		return nil, err
	}
	if in.Segment != nil {
		w.from, w.to = segment(uint64(*in.Segment), uint64(*in.TotalSegments))
		if w.start != nil {
			at := w.position(w.start)
			if bytes.Compare(at, w.from) < 0 || w.to != nil && bytes.Compare(at, w.to) >= 0 {
				return nil, invalid("The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. "+
					"TotalSegments: %d Segment: %d", *in.TotalSegments, *in.Segment)
			}
		}
	}
	found, err := s.page(ctx, w)
	if err != nil {
		return nil, err
	}
	found.consumed.name = *in.TableName
	return &ddb.ScanOutput{
		Items: found.items, Count: int32(found.matched), ScannedCount: int32(found.scanned),
		LastEvaluatedKey: attr.ItemToSDK(found.last), ConsumedCapacity: found.consumed.answer(in.ReturnConsumedCapacity),
	}, nil
}

// segment is one of so many equal parts of all partitions.
func segment(n, of uint64) (from, to []byte) {
	at := func(n uint64) []byte {
		hash, _ := bits.Div64(n, 0, of)
		return binary.BigEndian.AppendUint64(nil, hash)
	}
	if n+1 < of {
		to = at(n + 1)
	}
	return at(n), to
}
