package attr

import "encoding/json"

// MarshalJSON is the value as the API's JSON has it, for errors that carry items.
func (v Value) MarshalJSON() ([]byte, error) {
	var inner any
	switch v.Kind {
	case String, Number:
		inner = v.Text
	case Binary:
		inner = []byte(v.Text)
	case Bool:
		inner = v.Bool
	case Null:
		inner = true
	case StringSet, NumberSet:
		inner = v.Set
	case BinarySet:
		inner = bytesOf(v.Set)
	case List:
		inner = v.List
	default:
		inner = v.Map
	}
	return json.Marshal(map[string]any{v.Kind.String(): inner})
}
