package controlplane

import (
	"encoding/json"
	"net/netip"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// filtersMax is how many patterns a mapping may have (Lambda developer guide,
// "Control which events Lambda sends to your function").
const filtersMax = 5

// filterDepthMax bounds how deep a pattern nests: no event that Lambda polls comes
// near it.
const filterDepthMax = 64

// checkFilters returns the patterns of a request, or the error that refuses them.
func checkFilters(c *types.FilterCriteria) ([]string, error) {
	if c == nil {
		return nil, nil
	}
	if len(c.Filters) > filtersMax {
		return nil, invalid("Maximum number of filters exceeded. The maximum number of filters allowed per event source mapping is %d.", filtersMax)
	}
	var patterns []string
	for _, f := range c.Filters {
		text := value(f.Pattern)
		var pattern map[string]any
		if json.Unmarshal([]byte(text), &pattern) != nil || pattern == nil || !validPattern(pattern, filterDepthMax) {
			return nil, invalid("Invalid filter pattern definition.")
		}
		patterns = append(patterns, text)
	}
	return patterns, nil
}

// validPattern says whether a pattern has the shape of the event filter language: it
// mirrors the record and ends in lists of alternatives.
func validPattern(pattern map[string]any, depth int) bool {
	if depth == 0 {
		return false
	}
	for key, v := range pattern {
		var ok bool
		switch v := v.(type) {
		case map[string]any:
			ok = len(v) > 0 && validPattern(v, depth-1)
		case []any:
			if key == "$or" {
				ok = validBranches(v, depth-1)
			} else {
				ok = validLeaf(v)
			}
		}
		if !ok {
			return false
		}
	}
	return true
}

func validBranches(branches []any, depth int) bool {
	for _, b := range branches {
		pattern, ok := b.(map[string]any)
		if !ok || len(pattern) == 0 || !validPattern(pattern, depth) {
			return false
		}
	}
	return len(branches) > 0
}

func validLeaf(alternatives []any) bool {
	for _, a := range alternatives {
		switch a := a.(type) {
		case map[string]any:
			if !validMatcher(a) {
				return false
			}
		case []any:
			return false
		}
	}
	return len(alternatives) > 0
}

// validMatcher checks one comparison, such as {"prefix":"x"}.
func validMatcher(m map[string]any) bool {
	if len(m) != 1 {
		return false
	}
	for name, arg := range m {
		switch name {
		case "prefix", "suffix", "equals-ignore-case", "wildcard":
			_, ok := arg.(string)
			return ok
		case "exists":
			_, ok := arg.(bool)
			return ok
		case "cidr":
			text, _ := arg.(string)
			_, err := netip.ParsePrefix(text)
			return err == nil
		case "numeric":
			list, _ := arg.([]any)
			return validNumeric(list)
		case "anything-but":
			return validAnythingBut(arg)
		}
	}
	return false
}

// validNumeric checks comparisons such as [">", 0, "<=", 5].
func validNumeric(list []any) bool {
	if len(list) != 2 && len(list) != 4 {
		return false
	}
	for i := 0; i < len(list); i += 2 {
		operator, _ := list[i].(string)
		_, number := list[i+1].(float64)
		switch operator {
		case "=", "<", "<=", ">", ">=":
		default:
			return false
		}
		if !number || operator == "=" && len(list) > 2 {
			return false
		}
	}
	return true
}

func validAnythingBut(arg any) bool {
	switch arg := arg.(type) {
	case string, float64:
		return true
	case map[string]any:
		_, nested := arg["anything-but"]
		return !nested && validMatcher(arg)
	case []any:
		for _, v := range arg {
			switch v.(type) {
			case string, float64:
			default:
				return false
			}
		}
		return len(arg) > 0
	}
	return false
}
