package expr

import (
	"errors"
	"strings"
	"testing"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
	"github.com/hearthfaas/hearth/internal/lambda"
)

func num(s string) attr.Value {
	v, err := attr.ParseNumber(s)
	if err != nil {
		panic(err)
	}
	return v
}

func set(members ...string) attr.Value { return attr.Value{Kind: attr.StringSet, Set: members} }

func list(v ...attr.Value) attr.Value { return attr.Value{Kind: attr.List, List: v} }

func mapping(m map[string]attr.Value) attr.Value { return attr.Value{Kind: attr.Map, Map: m} }

// names and values are the placeholders of all tables here.
var (
	names  = map[string]string{"#n": "name", "#a": "a", "#dot": "x.y"}
	values = map[string]attr.Value{
		":s": attr.Str("abc"), ":t": attr.Str("b"), ":n": num("5"), ":m": num("7"), ":z": num("1"), ":set": set("b", "q"), ":l": list(num("1")),
		":map": mapping(map[string]attr.Value{}), ":bool": {Kind: attr.Bool, Bool: true}, ":nul": {Kind: attr.Null}, ":S": attr.Str("S"),
		":bin": {Kind: attr.Binary, Text: "\x01"}, ":bad": attr.Str("Q"),
	}
)

func params(t testing.TB) *Params {
	t.Helper()
	p, err := NewParams(names, values)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func text(err error) string {
	if e, ok := errors.AsType[*lambda.Error](err); ok {
		return e.Message
	}
	return ""
}

var item = attr.Item{
	"a": attr.Str("abc"), "b": num("5"), "name": attr.Str("n"), "s": set("a", "b"), "l": list(attr.Str("x"), num("5"), mapping(map[string]attr.Value{"k": num("1")})),
	"m": mapping(map[string]attr.Value{"k": mapping(map[string]attr.Value{"deep": attr.Str("d")}), "n": num("2")}), "x.y": num("3"),
	"yes": {Kind: attr.Bool, Bool: true}, "nothing": {Kind: attr.Null}, "blob1": {Kind: attr.Binary, Text: "\x01\x02"},
}

func TestConditionsHold(t *testing.T) {
	for text, want := range map[string]bool{
		"a = :s": true, "a <> :s": false, "b = :n": true, "b < :m": true, "b >= :m": false, "b > :s": false, "b <> :s": true,
		":n = b": true, "a = b": false, "gone = :s": false, "gone <> :s": true, "NOT gone = :s": true,
		"b BETWEEN :z AND :m": true, "b between :n and :n": true, "NOT b BETWEEN :z AND :m": false,
		"b IN (:s, :n)": true, "b IN (:s)": false, "a in (b, :s)": true,
		"attribute_exists(m.k.deep)": true, "attribute_exists(m.k.gone)": false, "attribute_not_exists(l[3])": true, "attribute_exists(l[2].k)": true,
		"attribute_type(a, :S)": true, "attribute_type(b, :S)": false, "begins_with(a, :s)": true, "begins_with(a, :t)": false,
		"begins_with(blob1, :bin)": true, "contains(a, :t)": true, "contains(s, :t)": true, "contains(s, :s)": false, "contains(l, :n)": true,
		"size(a) = size(s)": false, "size(a) > :z": true, "size(l) < :n": true, "size(b) = :n": false, "size(gone) = :n": false,
		"#n = #a": false, "#dot < :n": true, "yes = :bool": true, "nothing = :nul": true, "m.n < :n": true, "m.gone = :n": false,
		"a = :s AND b = :m": false, "a = :s OR b = :m": true, "a = :s AND NOT b = :m": true, "NOT (a = :s AND b = :n)": false,
		"a = :t OR b = :n AND a = :s": true, "(a = :t OR b = :n) AND a = :t": false, "a=:s and(b=:n)": true, "(a) = :s": true, "a = (:s)": true,
		"NOT NOT a = :s": true, "l[1] = :n": true, "l [ 1 ] = :n": true, "m . n < :n": true, "s = :set": false, "contains(gone, :t)": false,
	} {
		c, err := params(t).ParseCondition("ConditionExpression", text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := c.Holds(item); got != want {
			t.Errorf("%s: got %t, want %t", text, got, want)
		}
	}
}

func TestConditionsAreRefusedInAWSsWords(t *testing.T) {
	for expression, want := range map[string]string{
		"":                                       "The expression can not be empty;",
		"a = ":                                   `Syntax error; token: "<EOF>", near: "="`,
		"a":                                      `Syntax error; token: "<EOF>", near: "a"`,
		"a = :s b":                               `Syntax error; token: "b", near: ":s b"`,
		"a == :s":                                `Syntax error; token: "=", near: "== :s"`,
		"a-b = :s":                               `Syntax error; token: "-", near: "a-b"`,
		"a = 5":                                  `Syntax error; token: "5", near: "= 5"`,
		"1a = :s":                                `Syntax error; token: "1a", near: "1a ="`,
		"a[x] = :s":                              `Syntax error; token: "x", near: "[x]"`,
		"a AND b":                                `Syntax error; token: "AND", near: "a AND b"`,
		"name = :s":                              "Attribute name is a reserved keyword; reserved keyword: name",
		"a.Count = :s":                           "Attribute name is a reserved keyword; reserved keyword: Count",
		"#x = :s":                                "An expression attribute name used in the document path is not defined; attribute name: #x",
		"a = :x":                                 "An expression attribute value used in expression is not defined; attribute value: :x",
		"((a = :s))":                             "The expression has redundant parentheses;",
		"foo(a)":                                 "Invalid function name; function: foo",
		"list_append(a, :l) = :l":                "Invalid function name; function: list_append",
		"attribute_exists(a, b)":                 "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2",
		"attribute_exists(:s)":                   "Operator or function requires a document path; operator or function: attribute_exists",
		"begins_with(a, :n)":                     "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
		"attribute_type(a, :n)":                  "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N",
		"attribute_type(a, b)":                   "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}",
		"attribute_type(a, :bad)":                "Invalid attribute type name found; type: Q, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
		"size(:n) = :n":                          "Incorrect operand type for operator or function; operator or function: size, operand type: N",
		"size(a)":                                "The function is not allowed to be used this way in an expression; function: size",
		"begins_with(a, :s) = :s":                "The function is not allowed to be used this way in an expression; function: begins_with",
		"a = a":                                  "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a]",
		"m.k[1] > m.k[1]":                        "The first operand must be distinct from the remaining operands for this operator or function; operator: >, first operand: [m, k, [1]]",
		"a < :bool":                              "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
		"a BETWEEN :m AND :n":                    "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:7}, upper bound operand: AttributeValue: {N:5}",
		"a BETWEEN :s AND :n":                    "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {S:abc}, upper bound operand: AttributeValue: {N:5}",
		"a[99999999999] = :s":                    "List index is not within the allowable range; index: [99999999999]",
		"a" + strings.Repeat(".b", 32) + " = :s": "The document path has too many nesting elements; nesting levels: 33",
	} {
		_, err := params(t).ParseCondition("FilterExpression", expression)
		if got := text(err); got != "Invalid FilterExpression: "+want {
			t.Errorf("%s:\n got %s\nwant %s", expression, got, want)
		}
	}
}

func TestUpdatesChangeItems(t *testing.T) {
	for _, c := range []struct {
		update string
		path   Path
		want   attr.Value // none for a path that is gone
	}{
		{"SET a = :n", Named("a"), num("5")},
		{"set a = b + :n", Named("a"), num("10")},
		{"SET a = :n - b", Named("a"), num("0")},
		{"SET fresh = if_not_exists(fresh, :z) + :n", Named("fresh"), num("6")},
		{"SET a = if_not_exists(b, :z)", Named("a"), num("5")},
		{"SET l = list_append(l, :l)", Path{{Name: "l"}, {Index: 3, IsIndex: true}}, num("1")},
		{"SET l = list_append(:l, if_not_exists(gone, :l))", Path{{Name: "l"}, {Index: 1, IsIndex: true}}, num("1")},
		{"SET l[0] = :n", Path{{Name: "l"}, {IsIndex: true}}, num("5")},
		{"SET l[9] = :n, l[8] = :s", Path{{Name: "l"}, {Index: 3, IsIndex: true}}, attr.Str("abc")},
		{"SET l[9] = :n, l[8] = :s", Path{{Name: "l"}, {Index: 4, IsIndex: true}}, num("5")},
		{"SET m.k.more = :n", Path{{Name: "m"}, {Name: "k"}, {Name: "more"}}, num("5")},
		{"SET a = b, b = a", Named("b"), attr.Str("abc")},
		{"REMOVE a", Named("a"), attr.Value{}},
		{"REMOVE l[0], l[1]", Path{{Name: "l"}, {IsIndex: true}, {Name: "k"}}, num("1")},
		{"REMOVE m.k.deep, gone, m.gone", Path{{Name: "m"}, {Name: "k"}, {Name: "deep"}}, attr.Value{}},
		{"ADD b :n", Named("b"), num("10")},
		{"ADD fresh :n", Named("fresh"), num("5")},
		{"ADD s :set", Named("s"), set("a", "b", "q")},
		{"DELETE s :set", Named("s"), set("a")},
		{"DELETE gone :set", Named("gone"), attr.Value{}},
		{"SET a = :n REMOVE b ADD m.n :z DELETE s :set", Path{{Name: "m"}, {Name: "n"}}, num("3")},
		{"SET #dot = (:n)", Named("x.y"), num("5")},
	} {
		u, err := params(t).ParseUpdate(c.update)
		if err != nil {
			t.Errorf("%s: %v", c.update, err)
			continue
		}
		out, err := u.Apply(item)
		if err != nil {
			t.Errorf("%s: %v", c.update, err)
			continue
		}
		if got, ok := c.path.Find(out); ok != (c.want.Kind != attr.None) || ok && !attr.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.update, got, c.want)
		}
	}
	if item["a"].Text != "abc" || len(item["l"].List) != 3 || len(item["m"].Map) != 2 {
		t.Error("the item itself was changed")
	}
}

func TestUpdatesAreRefusedInAWSsWords(t *testing.T) {
	const prefix = "Invalid UpdateExpression: "
	for expression, want := range map[string]string{
		"":                               prefix + "The expression can not be empty;",
		"a = :n":                         prefix + `Syntax error; token: "a", near: "a ="`,
		"SET a":                          prefix + `Syntax error; token: "<EOF>", near: "a"`,
		"SET a = b + :n + :n":            prefix + `Syntax error; token: "+", near: ":n + :n"`,
		"SET a = :n,":                    prefix + `Syntax error; token: "<EOF>", near: ","`,
		"ADD a b":                        prefix + `Syntax error; token: "b", near: "a b"`,
		"SET a = :n SET b = :n":          prefix + `The "SET" section can only be used once in an update expression;`,
		"SET a = :n REMOVE a":            prefix + "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]",
		"SET m.k = :n, m = :n":           prefix + "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [m, k], path two: [m]",
		"SET m.k = :n, m[1] = :n":        prefix + "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [m, k], path two: [m, [1]]",
		"SET name = :n":                  prefix + "Attribute name is a reserved keyword; reserved keyword: name",
		"SET a = :x":                     prefix + "An expression attribute value used in expression is not defined; attribute value: :x",
		"SET a = foo(:n)":                prefix + "Invalid function name; function: foo",
		"SET a = list_append(:l)":        prefix + "Incorrect number of operands for operator or function; operator or function: list_append, number of operands: 1",
		"SET a = list_append(:l, :n)":    prefix + "Incorrect operand type for operator or function; operator or function: list_append, operand type: N",
		"SET a = if_not_exists(:n, :n)":  prefix + "Operator or function requires a document path; operator or function: if_not_exists",
		"SET a = :s + :n":                prefix + "Incorrect operand type for operator or function; operator or function: +, operand type: S",
		"ADD a :s":                       prefix + "Incorrect operand type for operator or function; operator: ADD, operand type: STRING",
		"DELETE a :n":                    prefix + "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER",
		"SET gone.x = :n":                "The document path provided in the update expression is invalid for update",
		"SET a.x = :n":                   "The document path provided in the update expression is invalid for update",
		"SET l.x = :n":                   "The document path provided in the update expression is invalid for update",
		"REMOVE gone.x":                  "The document path provided in the update expression is invalid for update",
		"SET a = gone":                   "The provided expression refers to an attribute that does not exist in the item",
		"SET fresh = fresh + :n":         "The provided expression refers to an attribute that does not exist in the item",
		"SET fresh = a + :n":             "An operand in the update expression has an incorrect data type",
		"SET fresh = list_append(a, :l)": "An operand in the update expression has an incorrect data type",
		"ADD a :n":                       "An operand in the update expression has an incorrect data type",
		"DELETE b :set":                  "An operand in the update expression has an incorrect data type",
	} {
		u, err := params(t).ParseUpdate(expression)
		if err == nil {
			_, err = u.Apply(item)
		}
		if got := text(err); got != want {
			t.Errorf("%s:\n got %s\nwant %s", expression, got, want)
		}
	}
}

func TestProjectionsShowParts(t *testing.T) {
	for expression, want := range map[string]attr.Item{
		"a":                {"a": attr.Str("abc")},
		"gone, a":          {"a": attr.Str("abc")},
		"l[2].k, l[0]":     {"l": list(attr.Str("x"), mapping(map[string]attr.Value{"k": num("1")}))},
		"m.k.deep, m.gone": {"m": mapping(map[string]attr.Value{"k": mapping(map[string]attr.Value{"deep": attr.Str("d")})})},
		"a.x, l.y, m[1]":   {},
		"#dot, #n":         {"x.y": num("3"), "name": attr.Str("n")},
	} {
		p, err := params(t).ParseProjection(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if got := p.Apply(item); !attr.Equal(mapping(got), mapping(want)) {
			t.Errorf("%s: got %v, want %v", expression, got, want)
		}
	}
	for expression, want := range map[string]string{
		"":       "The expression can not be empty;",
		"a,":     `Syntax error; token: "<EOF>", near: ","`,
		"a b":    `Syntax error; token: "b", near: "a b"`,
		"m.k, m": "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [m, k], path two: [m]",
		"name":   "Attribute name is a reserved keyword; reserved keyword: name",
		"a, :s":  `Syntax error; token: ":s", near: ", :s"`,
	} {
		_, err := params(t).ParseProjection(expression)
		if got := text(err); got != "Invalid ProjectionExpression: "+want {
			t.Errorf("%s:\n got %s\nwant %s", expression, got, want)
		}
	}
}

func TestKeyConditionsNameWhatTheyTest(t *testing.T) {
	tests, err := params(t).ParseKeyCondition("(a = :s) AND :n <= b")
	if err != nil || tests["a"].Op != Equal || tests["b"].Op != GreaterOrEqual || tests["b"].Values[0].Text != "5" {
		t.Errorf("got %v, %v", tests, err)
	}
	tests, err = params(t).ParseKeyCondition("begins_with(b, :s) and a = :s")
	if err != nil || tests["b"].Op != BeginsWith {
		t.Errorf("got %v, %v", tests, err)
	}
	for expression, want := range map[string]string{
		"a = :s OR b = :n":    "Invalid operator used in KeyConditionExpression: OR",
		"a <> :s":             "Invalid operator used in KeyConditionExpression: <>",
		"attribute_exists(a)": "Invalid operator used in KeyConditionExpression: attribute_exists",
		"size(a) = :n":        "KeyConditionExpressions cannot contain nested operations",
		"a = b":               "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition",
		"m.k = :s":            "KeyConditionExpressions cannot have conditions on nested attributes",
		":s = :t":             "Invalid condition in KeyConditionExpression: No key attribute specified",
		"a = :s AND a = :t":   "KeyConditionExpressions must only contain one condition per key",
		"begins_with(:s, a)":  "Invalid condition in KeyConditionExpression: begins_with operator must have the key attribute as its first operand",
	} {
		_, err := params(t).ParseKeyCondition(expression)
		if got := text(err); got != want {
			t.Errorf("%s:\n got %s\nwant %s", expression, got, want)
		}
	}
}

func TestPlaceholdersAreChecked(t *testing.T) {
	one := map[string]attr.Value{":a": num("1")}
	for want, make := range map[string]func() error{
		"ExpressionAttributeNames must not be empty":  func() error { _, err := NewParams(map[string]string{}, nil); return err },
		"ExpressionAttributeValues must not be empty": func() error { _, err := NewParams(nil, map[string]attr.Value{}); return err },
		`ExpressionAttributeNames contains invalid key: Syntax error; key: "a"`: func() error {
			_, err := NewParams(map[string]string{"a": "b"}, nil)
			return err
		},
		`ExpressionAttributeValues contains invalid key: Syntax error; key: ":a b"`: func() error {
			_, err := NewParams(nil, map[string]attr.Value{":a b": num("1")})
			return err
		},
		"Value provided in ExpressionAttributeValues unused in expressions: keys: {:a}": func() error {
			p, _ := NewParams(nil, one)
			return p.Unused()
		},
		"Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}": func() error {
			p, _ := NewParams(map[string]string{"#b": "x", "#a": "y"}, one)
			return p.Unused()
		},
	} {
		if got := text(make()); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestThereAre573ReservedWords(t *testing.T) {
	if len(reservedWords) != 573 {
		t.Errorf("got %d", len(reservedWords))
	}
}

func TestLongExpressionsAreRefused(t *testing.T) {
	long := "a = :s" + strings.Repeat(" ", sizeMax)
	_, err := params(t).ParseCondition("ConditionExpression", long)
	if got := text(err); got != "Invalid ConditionExpression: Expression size has exceeded the maximum allowed size; expression size: 4102" {
		t.Errorf("got %s", got)
	}
	_, err = params(t).ParseCondition("ConditionExpression", "a = :s"+strings.Repeat(" OR b=:n", 160))
	if err == nil {
		t.Error("too many operators")
	}
}

// FuzzExpressions holds that no text makes a parser panic, and that what it accepts
// can be carried out on an item.
func FuzzExpressions(f *testing.F) {
	for _, s := range []string{
		"a = :s AND (b < :n OR NOT contains(s, :t))", "b BETWEEN :z AND :m", "a IN (:s, :n)", "size(l[0].k) >= :n", "SET a = b + :n, l[1] = if_not_exists(m.k, :n) REMOVE x ADD b :n DELETE s :set",
		"a, m.k[0].deep, #n", "((a = :s))", "attribute_type(a, :S)", "SET l = list_append(l, :l)", "begins_with(a, :s) = :s", "#", ":", "a.[", "NOT NOT NOT",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := params(t).ParseCondition("ConditionExpression", s); err == nil {
			c.Holds(item)
			c.Holds(nil)
			c.Names(func(string) {})
			_ = c.keys(map[string]KeyTest{})
		}
		if u, err := params(t).ParseUpdate(s); err == nil {
			if out, err := u.Apply(item); err == nil {
				u.Touched(out)
			}
			_, _ = u.Apply(nil)
		}
		if p, err := params(t).ParseProjection(s); err == nil {
			p.Apply(item)
		}
	})
}
