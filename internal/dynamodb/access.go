package dynamodb

import (
	"context"
	"encoding/base64"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// access is what a data operation does to one table, as policies may ask.
type access struct {
	action   string // such as GetItem
	resource string
	table    *table
	index    *indexRecord // of a query; its key leads instead of the table's
	// leading are the items or keys that it names.
	leading []attr.Item
	// names tells the attributes that it names.
	names     func(add func(string))
	selects   string
	values    string // ReturnValues
	capacity  string // ReturnConsumedCapacity
	enclosing string // the operation of which this is a part
}

func (s *Service) authorize(ctx context.Context, a *access) error {
	return s.cfg.Authorizer.Authorize(ctx, lambda.CallerFrom(ctx), "dynamodb:"+a.action, a.resource, a.lookup)
}

// lookup answers for the condition keys of DynamoDB (its developer guide, "Using IAM
// policy conditions for fine-grained access control").
func (a *access) lookup(key string) ([]string, bool) {
	one := func(value string) ([]string, bool) { return []string{value}, value != "" }
	switch key {
	case "dynamodb:leadingkeys":
		return a.leadingKeys()
	case "dynamodb:attributes":
		return a.attributes()
	case "dynamodb:select":
		return one(a.selects)
	case "dynamodb:returnvalues":
		return one(a.values)
	case "dynamodb:returnconsumedcapacity":
		return one(a.capacity)
	case "dynamodb:enclosingoperation":
		return one(a.enclosing)
	default:
		return nil, false
	}
}

func (a *access) leadingKeys() ([]string, bool) {
	if a.table == nil {
		return nil, false
	}
	hash := a.table.Hash
	if a.index != nil {
		hash = a.index.Hash
	}
	var out []string
	for _, item := range a.leading {
		if v, ok := item[hash]; ok {
			out = append(out, keyText(v))
		}
	}
	return out, len(out) > 0
}

func keyText(v attr.Value) string {
	if v.Kind == attr.Binary {
		return base64.StdEncoding.EncodeToString([]byte(v.Text))
	}
	return v.Text
}

func (a *access) attributes() ([]string, bool) {
	seen := map[string]bool{}
	var out []string
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	for _, item := range a.leading {
		for name := range item {
			add(name)
		}
	}
	if a.names != nil {
		a.names(add)
	}
	return out, len(out) > 0
}
