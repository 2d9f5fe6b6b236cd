package pattern

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// The matcher against one that follows the words of the documentation on decoded
// JSON and knows no index, no flattening and no compilation.

// naive says whether an object meets a pattern.
func naive(pattern map[string]any, event any) bool {
	for name, v := range pattern {
		if name == "$or" {
			if !slices.ContainsFunc(v.([]any), func(b any) bool { return naive(b.(map[string]any), event) }) {
				return false
			}
			continue
		}
		var below any = missing{}
		if o, ok := event.(map[string]any); ok {
			if x, ok := o[name]; ok {
				below = x
			}
		}
		if !naiveField(v, below) {
			return false
		}
	}
	return true
}

type missing struct{}

func naiveField(pattern, event any) bool {
	if sub, ok := pattern.(map[string]any); ok {
		list, isList := event.([]any)
		if !isList {
			return naive(sub, event)
		}
		for _, x := range list {
			if naiveField(sub, x) {
				return true
			}
		}
		return len(list) == 0 && naive(sub, missing{})
	}
	var scalars []any
	var collect func(any)
	collect = func(x any) {
		switch x := x.(type) {
		case []any:
			for _, y := range x {
				collect(y)
			}
		case map[string]any, missing:
		default:
			scalars = append(scalars, x)
		}
	}
	collect(event)
	for _, alternative := range pattern.([]any) {
		m, ok := alternative.(map[string]any)
		if ok && m["exists"] == false {
			if len(scalars) == 0 {
				return true
			}
			continue
		}
		for _, s := range scalars {
			if !ok && s == alternative || ok && naiveOperator(m, s) {
				return true
			}
		}
	}
	return false
}

func naiveOperator(m map[string]any, x any) bool {
	text, isText := x.(string)
	number, isNumber := x.(float64)
	for op, arg := range m {
		switch op {
		case "exists":
			return true
		case "prefix":
			return isText && strings.HasPrefix(text, arg.(string))
		case "suffix":
			return isText && strings.HasSuffix(text, arg.(string))
		case "equals-ignore-case":
			return isText && strings.EqualFold(text, arg.(string))
		case "wildcard":
			return isText && naiveWildcard(arg.(string), text)
		case "numeric":
			list := arg.([]any)
			return isNumber && number > list[1].(float64) && number <= list[3].(float64)
		case "anything-but":
			switch arg := arg.(type) {
			case map[string]any:
				return !naiveOperator(arg, x)
			case []any:
				return !slices.Contains(arg, x)
			}
		}
	}
	panic(fmt.Sprint("unknown comparison ", m))
}

func naiveWildcard(pattern, s string) bool {
	if pattern == "" {
		return s == ""
	}
	if pattern[0] != '*' {
		return s != "" && s[0] == pattern[0] && naiveWildcard(pattern[1:], s[1:])
	}
	for i := range len(s) + 1 {
		if naiveWildcard(pattern[1:], s[i:]) {
			return true
		}
	}
	return false
}

var scalarPool = []any{"a", "b", "ab", "aB", "", 0.0, 1.0, 2.5, -3.0, true, false, nil}

func pick(r *rand.Rand) any { return scalarPool[r.IntN(len(scalarPool))] }

func someText(r *rand.Rand) string { return scalarPool[r.IntN(5)].(string) }

func randomEvent(r *rand.Rand, depth int) any {
	switch n := r.IntN(10); {
	case n < 3 || depth == 0:
		return pick(r)
	case n < 6:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, randomEvent(r, depth-1))
		}
		return list
	default:
		return randomObject(r, depth)
	}
}

func randomObject(r *rand.Rand, depth int) map[string]any {
	o := map[string]any{}
	for range r.IntN(4) {
		o[string(rune('p'+r.IntN(4)))] = randomEvent(r, depth-1)
	}
	return o
}

func randomPattern(r *rand.Rand, depth int, absence bool) map[string]any {
	o := map[string]any{}
	for range 1 + r.IntN(3) {
		name := string(rune('p' + r.IntN(4)))
		if depth > 0 && r.IntN(3) == 0 {
			// Absence below an array is of the whole event, not of one element, which
			// the naive matcher does not know.
			o[name] = randomPattern(r, depth-1, false)
			continue
		}
		var list []any
		for range 1 + r.IntN(3) {
			list = append(list, randomAlternative(r, absence))
		}
		o[name] = list
	}
	return o
}

func randomAlternative(r *rand.Rand, absence bool) any {
	switch r.IntN(12) {
	case 0:
		return map[string]any{"prefix": someText(r)}
	case 1:
		return map[string]any{"suffix": someText(r)}
	case 2:
		return map[string]any{"equals-ignore-case": someText(r)}
	case 3:
		return map[string]any{"wildcard": []string{"*", "a*", "*b", "a*b", "*a*"}[r.IntN(5)]}
	case 4:
		return map[string]any{"numeric": []any{">", -1.0, "<=", 1 + float64(r.IntN(2))}}
	case 5:
		return map[string]any{"anything-but": []any{"a", someText(r)}}
	case 6:
		return map[string]any{"anything-but": map[string]any{"prefix": "a"}}
	case 7:
		return map[string]any{"exists": !absence || r.IntN(2) == 0}
	default:
		return pick(r)
	}
}

func TestTheMatcherAgreesWithANaiveOne(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	matched := 0
	const rounds, patterns = 400, 50
	for range rounds {
		set := NewSet[int]()
		var all []map[string]any
		for i := range patterns {
			p := randomPattern(r, 2, true)
			if r.IntN(5) == 0 {
				p = map[string]any{"$or": []any{p, randomPattern(r, 1, false)}}
			}
			text, _ := json.Marshal(p)
			compiled, err := Parse(string(text), EventBridge)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			set.Put(i, compiled)
			all = append(all, p)
		}
		for i := range patterns { // deleted and filed again elsewhere
			if r.IntN(4) == 0 {
				set.Put(i, set.byKey[i])
			}
		}
		text, _ := json.Marshal(randomObject(r, 4))
		var event any
		if err := json.Unmarshal(text, &event); err != nil {
			t.Fatal(err)
		}
		ev, err := ParseEvent(text)
		if err != nil {
			t.Fatal(err)
		}
		found := set.Match(ev)
		for i, p := range all {
			want, single := naive(p, event), set.byKey[i].Match(ev)
			if got := slices.Contains(found, i); got != want || single != want {
				pt, _ := json.Marshal(p)
				t.Fatalf("pattern %s\nevent %s\nin a set %v, alone %v, want %v", pt, text, got, single, want)
			}
			if want {
				matched++
			}
		}
	}
	if matched < rounds*patterns/50 || matched > rounds*patterns*9/10 {
		t.Errorf("%d of %d matched: the test tests little", matched, rounds*patterns)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"source":["aws.ec2"],"detail":{"state":[{"anything-but":{"prefix":["a","b"]}}]}}`,
		`{"$or":[{"a":[{"numeric":[">",0,"<=",5]}]},{"b":[{"cidr":"10.0.0.0/8"},null,true]}]}`,
		`{"x":[{"wildcard":"a\\*b*"},{"suffix":{"equals-ignore-case":".P"}},{"exists":false}]}`,
		`{"a":[`, "\"\\u12", `{"a":{}}`,
	} {
		f.Add(seed, `{"x":[{"a":1},{"b":[2]}],"source":"aws.ec2"}`)
	}
	f.Fuzz(func(t *testing.T, text, event string) {
		ev, eventErr := ParseEvent([]byte(event))
		if eventErr == nil && !json.Valid([]byte(event)) {
			t.Errorf("%q is taken for JSON", event)
		}
		for _, d := range []Dialect{EventBridge, Mapping, TopicAttributes, TopicBody} {
			p, err := Parse(text, d)
			if err != nil {
				_ = err.Error()
				continue
			}
			if !json.Valid([]byte(text)) {
				t.Errorf("%q is taken for JSON", text)
			}
			if eventErr != nil {
				continue
			}
			s := NewSet[string]()
			s.Put("k", p)
			if alone, inSet := p.Match(ev), len(s.Match(ev)) == 1; alone != inSet {
				t.Errorf("alone %v, in a set %v", alone, inSet)
			}
		}
	})
}

func FuzzRecord(f *testing.F) {
	f.Add(`{"messageId":"1","body":"{\"a\":[1,{\"b\":null}]}"}`, "body")
	f.Add(`{"body":{"a":1}}`, "body")
	f.Add(`{"data":"[[]]"}`, "data")
	p, err := Parse(`{"body":{"a":[{"exists":true}]},"data":["x"]}`, Mapping)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, record, field string) {
		if ev, err := ParseRecord([]byte(record), field); err == nil {
			p.Match(ev)
		}
		AttributesEvent(map[string]Attribute{field: {"String.Array", record}, record: {"Number", field}})
	})
}

// A bus whose rules are of usual forms: by source and type, by a value of the
// detail, by a prefix or a number there.
func BenchmarkSet(b *testing.B) {
	event := []byte(`{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"Order Placed","source":"shop.orders","account":"111122223333","time":"2017-12-22T18:43:48Z","region":"us-west-1","resources":[],"detail":{"customer":"c17","country":"DE","amount":121.5,"key":"orders/2017/12/22/17.json","items":[{"sku":"s1","n":2},{"sku":"s2","n":1}]}}`)
	for _, n := range []int{1, 100, 10_000} {
		set := NewSet[int]()
		for i := range n {
			text := fmt.Sprintf([]string{
				`{"source":["shop.orders"],"detail-type":["Order Placed"],"detail":{"customer":["c%d"]}}`,
				`{"source":["shop.s%d"],"detail-type":["Order Placed"]}`,
				`{"source":["shop.s%d"],"detail":{"key":[{"prefix":"orders/"}]}}`,
				`{"source":["shop.orders"],"detail":{"country":["C%d"],"amount":[{"numeric":[">",100]}]}}`,
			}[i%4], i+16)
			p, err := Parse(text, EventBridge)
			if err != nil {
				b.Fatal(err)
			}
			set.Put(i, p)
		}
		b.Run(fmt.Sprint("rules=", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ev, err := ParseEvent(event)
				if err != nil {
					b.Fatal(err)
				}
				set.Match(ev)
			}
		})
	}
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ParseEvent(event); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// Rules of which nothing but a number tells them apart: each is tried.
func BenchmarkSetWithoutEqualities(b *testing.B) {
	set := NewSet[int]()
	for i := range 10_000 {
		p, err := Parse(fmt.Sprintf(`{"detail":{"amount":[{"numeric":["=",%d]}]}}`, i+1000), EventBridge)
		if err != nil {
			b.Fatal(err)
		}
		set.Put(i, p)
	}
	ev, err := ParseEvent([]byte(`{"detail":{"amount":5}}`))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		set.Match(ev)
	}
}
