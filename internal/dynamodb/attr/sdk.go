package attr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// FromSDK checks a value of a request and takes it over. Errors are DynamoDB's.
func FromSDK(in types.AttributeValue) (Value, error) { return fromSDK(in, 0) }

func fromSDK(in types.AttributeValue, depth int) (Value, error) {
	if depth > depthMax {
		return Value{}, invalid("Nesting Levels have exceeded supported limits: Attributes can have a maximum of %d levels of nesting", depthMax)
	}
	switch in := in.(type) {
	case *types.AttributeValueMemberS:
		return Str(in.Value), nil
	case *types.AttributeValueMemberN:
		return ParseNumber(in.Value)
	case *types.AttributeValueMemberB:
		return Value{Kind: Binary, Text: string(in.Value)}, nil
	case *types.AttributeValueMemberBOOL:
		return Value{Kind: Bool, Bool: in.Value}, nil
	case *types.AttributeValueMemberNULL:
		if !in.Value {
			return Value{}, invalid("One or more parameter values were invalid: Null attribute value types must have the value of true")
		}
		return Value{Kind: Null}, nil
	case *types.AttributeValueMemberSS:
		return stringSet(in.Value)
	case *types.AttributeValueMemberNS:
		return numberSet(in.Value)
	case *types.AttributeValueMemberBS:
		return binarySet(in.Value)
	case *types.AttributeValueMemberL:
		out := Value{Kind: List, List: make([]Value, 0, len(in.Value))}
		for _, e := range in.Value {
			v, err := fromSDK(e, depth+1)
			if err != nil {
				return Value{}, err
			}
			out.List = append(out.List, v)
		}
		return out, nil
	case *types.AttributeValueMemberM:
		m, err := fromMap(in.Value, depth+1)
		return Value{Kind: Map, Map: m}, err
	default:
		return Value{}, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	}
}

// ItemFromSDK checks all attributes of an item.
func ItemFromSDK(in map[string]types.AttributeValue) (Item, error) { return fromMap(in, 0) }

func fromMap(in map[string]types.AttributeValue, depth int) (map[string]Value, error) {
	out := make(map[string]Value, len(in))
	var first error
	var firstName string
	for name, v := range in {
		value, err := fromSDK(v, depth)
		// Of several errors the one of the first name is told, so that the same request
		// has the same answer.
		if err != nil && (first == nil || name < firstName) {
			first, firstName = err, name
		}
		out[name] = value
	}
	return out, first
}

func stringSet(in []string) (Value, error) {
	if len(in) == 0 {
		return Value{}, invalid("One or more parameter values were invalid: An string set  may not be empty")
	}
	set := slices.Clone(in)
	slices.Sort(set)
	if duplicates(set) {
		return Value{}, invalid("One or more parameter values were invalid: Input collection [%s] contains duplicates.", strings.Join(in, ", "))
	}
	return Value{Kind: StringSet, Set: set}, nil
}

func numberSet(in []string) (Value, error) {
	if len(in) == 0 {
		return Value{}, invalid("One or more parameter values were invalid: An number set  may not be empty")
	}
	set := make([]string, 0, len(in))
	for _, text := range in {
		v, err := ParseNumber(text)
		if err != nil {
			return Value{}, err
		}
		set = append(set, v.Text)
	}
	sortSet(NumberSet, set)
	if duplicates(set) {
		return Value{}, invalid("Input collection contains duplicates")
	}
	return Value{Kind: NumberSet, Set: set}, nil
}

func binarySet(in [][]byte) (Value, error) {
	if len(in) == 0 {
		return Value{}, invalid("One or more parameter values were invalid: Binary sets should not be empty")
	}
	set := make([]string, 0, len(in))
	for _, b := range in {
		set = append(set, string(b))
	}
	slices.Sort(set)
	if duplicates(set) {
		return Value{}, invalid("One or more parameter values were invalid: Input collection %v of type BS contains duplicates.", in)
	}
	return Value{Kind: BinarySet, Set: set}, nil
}

func duplicates(sorted []string) bool {
	return len(slices.Compact(slices.Clone(sorted))) != len(sorted)
}

func bytesOf(set []string) [][]byte {
	out := make([][]byte, len(set))
	for i, m := range set {
		out[i] = []byte(m)
	}
	return out
}

// SDK is the value as answers have it.
func (v Value) SDK() types.AttributeValue {
	switch v.Kind {
	case String:
		return &types.AttributeValueMemberS{Value: v.Text}
	case Number:
		return &types.AttributeValueMemberN{Value: v.Text}
	case Binary:
		return &types.AttributeValueMemberB{Value: []byte(v.Text)}
	case Bool:
		return &types.AttributeValueMemberBOOL{Value: v.Bool}
	case Null:
		return &types.AttributeValueMemberNULL{Value: true}
	case StringSet:
		return &types.AttributeValueMemberSS{Value: v.Set}
	case NumberSet:
		return &types.AttributeValueMemberNS{Value: v.Set}
	case BinarySet:
		return &types.AttributeValueMemberBS{Value: bytesOf(v.Set)}
	case List:
		out := make([]types.AttributeValue, len(v.List))
		for i, e := range v.List {
			out[i] = e.SDK()
		}
		return &types.AttributeValueMemberL{Value: out}
	case Map:
		return &types.AttributeValueMemberM{Value: ItemToSDK(v.Map)}
	default:
		panic(fmt.Sprintf("attr: a value of type %d has no form in the API", v.Kind))
	}
}

// ItemToSDK is the item as answers have it; nil stays nil.
func ItemToSDK(item Item) map[string]types.AttributeValue {
	if item == nil {
		return nil
	}
	out := make(map[string]types.AttributeValue, len(item))
	for name, v := range item {
		out[name] = v.SDK()
	}
	return out
}

// stream is the value as the API of streams has it, whose types are its own.
func (v Value) stream() streams.AttributeValue {
	switch v.Kind {
	case String:
		return &streams.AttributeValueMemberS{Value: v.Text}
	case Number:
		return &streams.AttributeValueMemberN{Value: v.Text}
	case Binary:
		return &streams.AttributeValueMemberB{Value: []byte(v.Text)}
	case Bool:
		return &streams.AttributeValueMemberBOOL{Value: v.Bool}
	case Null:
		return &streams.AttributeValueMemberNULL{Value: true}
	case StringSet:
		return &streams.AttributeValueMemberSS{Value: v.Set}
	case NumberSet:
		return &streams.AttributeValueMemberNS{Value: v.Set}
	case BinarySet:
		return &streams.AttributeValueMemberBS{Value: bytesOf(v.Set)}
	case List:
		out := make([]streams.AttributeValue, len(v.List))
		for i, e := range v.List {
			out[i] = e.stream()
		}
		return &streams.AttributeValueMemberL{Value: out}
	case Map:
		return &streams.AttributeValueMemberM{Value: ItemToStream(v.Map)}
	default:
		panic(fmt.Sprintf("attr: a value of type %d has no form in the API", v.Kind))
	}
}

// ItemToStream is the item as records of streams have it; nil stays nil.
func ItemToStream(item Item) map[string]streams.AttributeValue {
	if item == nil {
		return nil
	}
	out := make(map[string]streams.AttributeValue, len(item))
	for name, v := range item {
		out[name] = v.stream()
	}
	return out
}
