package attr

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// String is the value as AWS's messages print it: {S:text}.
func (v Value) String() string {
	switch v.Kind {
	case Binary:
		return "{B:" + base64.StdEncoding.EncodeToString([]byte(v.Text)) + "}"
	case Bool:
		return fmt.Sprintf("{BOOL:%t}", v.Bool)
	case Null:
		return "{NULL:true}"
	case StringSet, NumberSet, BinarySet:
		return "{" + v.Kind.String() + ":[" + strings.Join(v.Set, ", ") + "]}"
	case List:
		parts := make([]string, len(v.List))
		for i, e := range v.List {
			parts[i] = e.String()
		}
		return "{L:[" + strings.Join(parts, ", ") + "]}"
	case Map:
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(v.Map)) {
			parts = append(parts, name+"="+v.Map[name].String())
		}
		return "{M:{" + strings.Join(parts, ", ") + "}}"
	default:
		return "{" + v.Kind.String() + ":" + v.Text + "}"
	}
}
