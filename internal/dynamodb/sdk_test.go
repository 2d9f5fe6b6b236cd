package dynamodb

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire/wiretest"
)

const (
	account = "000000000000"
	region  = "us-east-1"
)

// allowAll lets everybody do everything, and remembers what was asked.
type allowAll struct {
	ask func(action, resource string, keys func(string) ([]string, bool)) error
}

func (a *allowAll) Authorize(_ context.Context, _ lambda.Caller, action, resource string, keys func(string) ([]string, bool)) error {
	if a.ask != nil {
		return a.ask(action, resource, keys)
	}
	return nil
}

// fixture is a service with AWS's own clients in front of it, whose requests reach it
// through the codec of its protocol.
type fixture struct {
	*Service
	t     testing.TB
	dir   string
	clock time.Time
	auth  *allowAll
	db    *ddb.Client
	str   *streams.Client
	// front is before the service that is open now.
	front *wiretest.Front
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{t: t, dir: t.TempDir(), clock: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), auth: &allowAll{}}
	f.open()
	f.serve()
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *fixture) open() {
	f.t.Helper()
	s, err := Open(f.t.Context(), Config{
		Dir: f.dir, Authorizer: f.auth, CheckPolicy: func(string) error { return nil }, Now: func() time.Time { return f.clock }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.Service = s
	f.front = wiretest.New(f.t, lambda.CallerFrom(f.ctx()), s.API(), s.StreamsAPI())
}

// reopen closes the service and opens its files again.
func (f *fixture) reopen() {
	f.t.Helper()
	if err := f.Close(); err != nil {
		f.t.Fatal(err)
	}
	f.open()
}

func (f *fixture) tend() {
	f.t.Helper()
	if err := f.Tend(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) ctx() context.Context {
	return lambda.WithCaller(context.Background(), lambda.Caller{
		Kind: lambda.PrincipalRoot, Account: account, Region: region, ARN: "arn:aws:iam::" + account + ":root",
	})
}

func (f *fixture) serve() {
	f.t.Helper()
	url := wiretest.Serve(f.t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.front.ServeHTTP(w, r) }))
	f.db = ddb.New(ddb.Options{BaseEndpoint: &url, Region: region, RetryMaxAttempts: 1, Credentials: wiretest.Keys})
	f.str = streams.New(streams.Options{BaseEndpoint: &url, Region: region, RetryMaxAttempts: 1, Credentials: wiretest.Keys})
}

// table makes a table with the partition key a and the sort key b, both strings
// unless said otherwise ("a N", "b B").
func (f *fixture) table(name string, keys ...string) {
	f.t.Helper()
	in := tableInput(name, keys...)
	if _, err := f.db.CreateTable(f.t.Context(), in); err != nil {
		f.t.Fatal(err)
	}
}

func tableInput(name string, keys ...string) *ddb.CreateTableInput {
	in := &ddb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	for i, k := range keys {
		attribute, kind, ok := strings.Cut(k, " ")
		if !ok {
			kind = "S"
		}
		role := types.KeyTypeHash
		if i > 0 {
			role = types.KeyTypeRange
		}
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &attribute, AttributeType: types.ScalarAttributeType(kind)})
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: &attribute, KeyType: role})
	}
	return in
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(n string) types.AttributeValue { return &types.AttributeValueMemberN{Value: n} }
func list(v ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: v}
}

type sdkItem = map[string]types.AttributeValue

func (f *fixture) put(table string, item sdkItem) {
	f.t.Helper()
	if _, err := f.db.PutItem(f.t.Context(), &ddb.PutItemInput{TableName: &table, Item: item}); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) get(table string, key sdkItem) sdkItem {
	f.t.Helper()
	out, err := f.db.GetItem(f.t.Context(), &ddb.GetItemInput{TableName: &table, Key: key})
	if err != nil {
		f.t.Fatal(err)
	}
	return out.Item
}

// says checks the code and the text of an error, as the service or a client has it.
func says(t testing.TB, err error, code, text string) {
	t.Helper()
	var gotCode, gotText string
	var e interface {
		ErrorCode() string
		ErrorMessage() string
	}
	if own, ok := errors.AsType[*lambda.Error](err); ok {
		gotCode, gotText = own.Code, own.Message
	} else if errors.As(err, &e) {
		gotCode, gotText = e.ErrorCode(), e.ErrorMessage()
	} else {
		t.Errorf("got %v, want %s: %s", err, code, text)
		return
	}
	if gotCode != code || gotText != text {
		t.Errorf("got  %s: %s\nwant %s: %s", gotCode, gotText, code, text)
	}
}
