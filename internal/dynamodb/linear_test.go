package dynamodb

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// What a client of the history test may do to three registers.
const (
	opRead      = iota // all of them, in a transaction
	opAdd              // to one, unconditionally
	opSwap             // one, if it has a value
	opMove             // a unit from one to another, if there is one
	opQuery            // all of them, by a query
	registers   = 3
	historyOps  = 60
	historyFrom = 5 // clients
)

type registerInput struct{ op, a, b, from, to int }

type registerOutput struct {
	ok     bool
	values [registers]int
}

// registersModel is what the table may do: each operation at one moment between its
// beginning and its end.
var registersModel = porcupine.Model{
	Init: func() any { return [registers]int{} },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.([registers]int), input.(registerInput), output.(registerOutput)
		switch in.op {
		case opRead, opQuery:
			return out.values == s, s
		case opAdd:
			s[in.a] += in.to
			return out.ok && out.values[in.a] == s[in.a], s
		case opSwap:
			if s[in.a] != in.from {
				return !out.ok, s
			}
			s[in.a] = in.to
			return out.ok, s
		default:
			if s[in.a] < 1 {
				return !out.ok, s
			}
			s[in.a]--
			s[in.b]++
			return out.ok, s
		}
	},
}

func register(n int) sdkItem { return sdkItem{"a": str("r"), "b": num(strconv.Itoa(n))} }

// do carries out one operation and says what came of it.
func (f *fixture) do(in registerInput) (out registerOutput, err error) {
	table := aws.String("registers")
	switch in.op {
	case opRead:
		var gets []types.TransactGetItem
		for n := range registers {
			gets = append(gets, types.TransactGetItem{Get: &types.Get{TableName: table, Key: register(n)}})
		}
		got, err := f.transactGetItems(f.ctx(), &ddb.TransactGetItemsInput{TransactItems: gets})
		if err != nil {
			return out, err
		}
		for n, r := range got.Responses {
			out.values[n] = number(r.Item["v"])
		}
	case opQuery:
		got, err := f.query(f.ctx(), &ddb.QueryInput{
			TableName: table, KeyConditionExpression: aws.String("a = :a"), ExpressionAttributeValues: sdkItem{":a": str("r")}, ConsistentRead: aws.Bool(true),
		})
		if err != nil {
			return out, err
		}
		for _, i := range got.Items {
			out.values[number(i["b"])] = number(i["v"])
		}
	case opAdd:
		got, err := f.updateItem(f.ctx(), &ddb.UpdateItemInput{
			TableName: table, Key: register(in.a), UpdateExpression: aws.String("ADD v :n"), ReturnValues: "ALL_NEW",
			ExpressionAttributeValues: sdkItem{":n": num(strconv.Itoa(in.to))},
		})
		if err != nil {
			return out, err
		}
		out.ok = true
		out.values[in.a] = number(got.Attributes["v"])
	case opSwap:
		_, err = f.putItem(f.ctx(), &ddb.PutItemInput{
			TableName: table, Item: sdkItem{"a": str("r"), "b": num(strconv.Itoa(in.a)), "v": num(strconv.Itoa(in.to))},
			ConditionExpression: aws.String("v = :v"), ExpressionAttributeValues: sdkItem{":v": num(strconv.Itoa(in.from))},
		})
	default:
		_, err = f.transactWriteItems(f.ctx(), &ddb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{Update: &types.Update{
				TableName: table, Key: register(in.a), UpdateExpression: aws.String("SET v = v - :n"), ConditionExpression: aws.String("v >= :n"),
				ExpressionAttributeValues: sdkItem{":n": num("1")},
			}},
			{Update: &types.Update{
				TableName: table, Key: register(in.b), UpdateExpression: aws.String("SET v = v + :n"), ExpressionAttributeValues: sdkItem{":n": num("1")},
			}},
		}})
	}
	if conditionFailed(err) {
		return out, nil
	}
	if err == nil {
		out.ok = true
	}
	return out, err
}

// Goal: whatever many clients do to a table at the same time, single operations,
// queries and transactions, could have been done one after the other, each while its
// client waited. Method: the history of clients that do random things is given to
// porcupine, which looks for such an order.
func TestOperationsCouldHaveHappenedOneAfterTheOther(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			f := newFixture(t)
			f.table("registers", "a", "b N")
			for n := range registers {
				item := register(n)
				item["v"] = num("0")
				f.put("registers", item)
			}
			began := time.Now()
			var mu sync.Mutex
			var history []porcupine.Operation
			var wg sync.WaitGroup
			for client := range historyFrom {
				random := rand.New(rand.NewPCG(seed, uint64(client)))
				wg.Go(func() {
					for range historyOps {
						in := registerInput{op: random.IntN(5), a: random.IntN(registers), from: random.IntN(4), to: random.IntN(4)}
						in.b = (in.a + 1 + random.IntN(registers-1)) % registers
						call := time.Since(began)
						out, err := f.do(in)
						back := time.Since(began)
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						history = append(history, porcupine.Operation{ClientId: client, Input: in, Call: int64(call), Output: out, Return: int64(back)})
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			if !porcupine.CheckOperations(registersModel, history) {
				t.Errorf("there is no order in which the %d operations could have happened", len(history))
			}
		})
	}
}
