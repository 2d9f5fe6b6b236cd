package attr

import (
	"bytes"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"
)

func TestNumbersAreNormalised(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "0.000": "0", "1": "1", "+1": "1", "01.50": "1.5", "1e3": "1000", "1.5E+2": "150", "12e-4": "0.0012",
		".5": "0.5", "5.": "5", "-100.10": "-100.1", "1e125": "1" + strings.Repeat("0", 125), "1e-130": "0." + strings.Repeat("0", 129) + "1",
		"99999999999999999999999999999999999999": "99999999999999999999999999999999999999",
		"0e9999999999":                           "0",
	} {
		got, err := ParseNumber(in)
		if err != nil || got.Text != want {
			t.Errorf("%s: got %q, %v, want %q", in, got.Text, err, want)
		}
	}
	const (
		over   = "Number overflow. Attempting to store a number with magnitude larger than supported range"
		under  = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
		digits = "Attempting to store more than 38 significant digits in a Number"
		nan    = "The parameter cannot be converted to a numeric value"
	)
	for in, want := range map[string]string{
		"": nan, "abc": nan + ": abc", "1e": nan + ": 1e", ".": nan + ": .", "1.2.3": nan + ": 1.2.3", "--1": nan + ": --1", " 1": nan + ":  1",
		"1e126": over, "-1e999999999999": over, "1e-131": under, "123456789012345678901234567890123456789": digits, "NaN": nan + ": NaN",
	} {
		_, err := ParseNumber(in)
		if err == nil || err.Error() != "ValidationException: "+want {
			t.Errorf("%q: got %v, want %s", in, err, want)
		}
	}
}

// genNumber makes numbers in range, in all their notations.
func genNumber() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return rapid.StringMatching(`-?[0-9]{1,12}(\.[0-9]{1,12})?(e-?[0-9]{1,2})?`).Draw(t, "number")
	})
}

func rat(t *rapid.T, s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("%q is no number", s)
	}
	return r
}

func TestNumbersKeepTheirValueOrderAndSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := genNumber().Draw(t, "x"), genNumber().Draw(t, "y")
		a, err := ParseNumber(x)
		if err != nil {
			t.Fatal(err)
		}
		b, err := ParseNumber(y)
		if err != nil {
			t.Fatal(err)
		}
		if rat(t, a.Text).Cmp(rat(t, x)) != 0 {
			t.Fatalf("%s became %s", x, a.Text)
		}
		want := rat(t, x).Cmp(rat(t, y))
		if got, _ := Compare(a, b); got != want {
			t.Fatalf("%s and %s: got %d, want %d", x, y, got, want)
		}
		if Equal(a, b) != (want == 0) {
			t.Fatalf("%s and %s: equal?", x, y)
		}
		sum, err := Add(a, b)
		if err == nil && rat(t, sum.Text).Cmp(new(big.Rat).Add(rat(t, x), rat(t, y))) != 0 {
			t.Fatalf("%s + %s = %s", x, y, sum.Text)
		}
		if err != nil && !strings.Contains(err.Error(), "38 significant digits") {
			t.Fatal(err)
		}
		back, err := Subtract(a, a)
		if err != nil || back.Text != "0" {
			t.Fatalf("got %v, %v", back, err)
		}
	})
}

// genScalar makes values of one type that keys may have.
func genScalar(kind Kind) *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		switch kind {
		case Number:
			v, err := ParseNumber(genNumber().Draw(t, "number"))
			if err != nil {
				t.Fatal(err)
			}
			return v
		case Binary:
			return Value{Kind: Binary, Text: string(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0xfe, 0xff, 'a'}), 0, 5).Draw(t, "bytes"))}
		default:
			return Str(rapid.StringOfN(rapid.SampledFrom([]rune{0, 1, 'a', 'b', 'é', '\U0010FFFF'}), 0, 5, -1).Draw(t, "string"))
		}
	})
}

func TestKeysAreOrderedAndNoneBeginsAnother(t *testing.T) {
	for _, kind := range []Kind{String, Number, Binary} {
		t.Run(kind.String(), rapid.MakeCheck(func(t *rapid.T) {
			a, b := genScalar(kind).Draw(t, "a"), genScalar(kind).Draw(t, "b")
			x, y := AppendKey(nil, a), AppendKey(nil, b)
			want, _ := Compare(a, b)
			if got := bytes.Compare(x, y); got != want {
				t.Fatalf("%v and %v: got %d, want %d", a, b, got, want)
			}
			if want != 0 && (bytes.HasPrefix(x, y) || bytes.HasPrefix(y, x)) {
				t.Fatalf("the key of %v begins that of %v", a, b)
			}
			if kind != Number {
				prefix := AppendKeyPrefix(nil, b.Text)
				if got, want := bytes.HasPrefix(x, prefix), strings.HasPrefix(a.Text, b.Text); got != want {
					t.Fatalf("%v begins with %v: got %t, want %t", a, b, got, want)
				}
				if after := Successor(prefix); after != nil && strings.HasPrefix(a.Text, b.Text) && bytes.Compare(x, after) >= 0 {
					t.Fatalf("%v lies after all that begin with %v", a, b)
				}
			}
		}))
	}
}

// genValue makes values of all types.
func genValue(depth int) *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		kinds := []Kind{String, Number, Binary, Bool, Null, StringSet, NumberSet, BinarySet, List, Map}
		if depth == 0 {
			kinds = kinds[:8]
		}
		switch kind := rapid.SampledFrom(kinds).Draw(t, "kind"); kind {
		case Bool:
			return Value{Kind: Bool, Bool: rapid.Bool().Draw(t, "bool")}
		case Null:
			return Value{Kind: Null}
		case StringSet, NumberSet, BinarySet:
			members := rapid.SliceOfNDistinct(rapid.Map(genScalar(kind.Member()), func(v Value) string { return v.Text }), 1, 4, rapid.ID[string]).Draw(t, "set")
			sortSet(kind, members)
			return Value{Kind: kind, Set: members}
		case List:
			return Value{Kind: List, List: rapid.SliceOfN(genValue(depth-1), 0, 4).Draw(t, "list")}
		case Map:
			return Value{Kind: Map, Map: rapid.MapOfN(rapid.String(), genValue(depth-1), 0, 4).Draw(t, "map")}
		default:
			return genScalar(kind).Draw(t, "scalar")
		}
	})
}

func TestItemsComeBackFromDiskAndFromTheSDK(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		item := rapid.MapOfN(rapid.String(), genValue(3), 0, 5).Draw(t, "item")
		got, err := DecodeItem(EncodeItem(item))
		if err != nil {
			t.Fatal(err)
		}
		again, err := ItemFromSDK(ItemToSDK(item))
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range item {
			if !Equal(got[name], v) || !Equal(again[name], v) {
				t.Fatalf("%s: got %v and %v, want %v", name, got[name], again[name], v)
			}
		}
		if len(got) != len(item) || len(again) != len(item) {
			t.Fatalf("got %d and %d attributes, want %d", len(got), len(again), len(item))
		}
	})
}

func TestSizesAreCountedAsDynamoDBDoes(t *testing.T) {
	for _, c := range []struct {
		v    Value
		want int
	}{
		{Str("héllo"), 6},
		{num("0"), 1},
		{num("5"), 2},
		{num("-5"), 3},
		{num("12"), 2},
		{num("0.12"), 2},
		{num("1.2"), 3},
		{num("123"), 3},
		{Value{Kind: Bool}, 1},
		{Value{Kind: Null}, 1},
		{Value{Kind: Binary, Text: "abc"}, 3},
		{Value{Kind: StringSet, Set: []string{"a", "bc"}}, 3},
		{Value{Kind: NumberSet, Set: []string{"1", "2"}}, 4},
		{Value{Kind: List, List: []Value{Str("a"), Str("b")}}, 7},
		{Value{Kind: Map, Map: Item{"k": Str("v")}}, 6},
	} {
		if got := c.v.Size(); got != c.want {
			t.Errorf("%v: got %d, want %d", c.v, got, c.want)
		}
	}
}

func TestSetsAreCheckedAndCombined(t *testing.T) {
	for text, in := range map[string]types.AttributeValue{
		"One or more parameter values were invalid: An string set  may not be empty":                        &types.AttributeValueMemberSS{},
		"One or more parameter values were invalid: An number set  may not be empty":                        &types.AttributeValueMemberNS{},
		"One or more parameter values were invalid: Binary sets should not be empty":                        &types.AttributeValueMemberBS{},
		"One or more parameter values were invalid: Input collection [b, a, b] contains duplicates.":        &types.AttributeValueMemberSS{Value: []string{"b", "a", "b"}},
		"Input collection contains duplicates":                                                              &types.AttributeValueMemberNS{Value: []string{"1", "1.0"}},
		"Supplied AttributeValue is empty, must contain exactly one of the supported datatypes":             nil,
		"One or more parameter values were invalid: Null attribute value types must have the value of true": &types.AttributeValueMemberNULL{},
	} {
		if _, err := FromSDK(in); err == nil || err.Error() != "ValidationException: "+text {
			t.Errorf("got %v, want %s", err, text)
		}
	}
	a := Value{Kind: NumberSet, Set: []string{"2", "10"}}
	b := Value{Kind: NumberSet, Set: []string{"-1", "2"}}
	if got := Union(a, b).Set; !slices.Equal(got, []string{"-1", "2", "10"}) {
		t.Errorf("got %v", got)
	}
	if got := Minus(a, b).Set; !slices.Equal(got, []string{"10"}) {
		t.Errorf("got %v", got)
	}
}

func TestDeepValuesAreRefused(t *testing.T) {
	v := types.AttributeValue(&types.AttributeValueMemberS{Value: "x"})
	for range depthMax {
		v = &types.AttributeValueMemberL{Value: []types.AttributeValue{v}}
	}
	if _, err := FromSDK(v); err != nil {
		t.Error(err)
	}
	if _, err := FromSDK(&types.AttributeValueMemberL{Value: []types.AttributeValue{v}}); err == nil {
		t.Error("deeper than allowed")
	}
}

// FuzzDecodeItem holds that no bytes on disk make the reader panic, and that what it
// reads it can write again.
func FuzzDecodeItem(f *testing.F) {
	f.Add(EncodeItem(Item{"a": Str("x"), "n": num("-1.5"), "l": {Kind: List, List: []Value{{Kind: Null}}}, "s": {Kind: StringSet, Set: []string{"q"}}}))
	f.Add([]byte{1, 0})
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		item, err := DecodeItem(b)
		if err != nil {
			return
		}
		if _, err := DecodeItem(EncodeItem(item)); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzNumber holds that a text is either refused or has one canonical form.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"1", "-1.50e-3", "00", "1e125", "1e-130", "+.5", "9e999999999", "1_0", "0x1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseNumber(s)
		if err != nil {
			return
		}
		again, err := ParseNumber(v.Text)
		if err != nil || again.Text != v.Text {
			t.Fatalf("%q: %q, then %q, %v", s, v.Text, again.Text, err)
		}
	})
}

func TestErrorsCarryValuesAsTheAPIWritesThem(t *testing.T) {
	b, err := json.Marshal(Item{"a": {Kind: Binary, Text: "\x00"}, "m": {Kind: Map, Map: Item{"n": num("1")}}})
	if err != nil || string(b) != `{"a":{"B":"AA=="},"m":{"M":{"n":{"N":"1"}}}}` {
		t.Errorf("got %s, %v", b, err)
	}
}
