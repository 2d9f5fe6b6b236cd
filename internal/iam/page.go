package iam

import (
	"encoding/base64"
	"slices"
	"sort"
	"strings"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const (
	pageDefault = 100
	pageMax     = 1000
)

// page is one answer of a List operation.
type page[T any] struct {
	items     []T
	marker    *string // where the next page begins, nil after the last
	truncated bool
}

// paginate cuts items, which must be in order of their keys, to a page. The marker
// is the last key of the page before, so that entries that come and go between two
// calls shift nothing.
func paginate[T any](items []T, key func(T) string, marker *string, maxItems *int32) (page[T], error) {
	var c checks
	c.number(maxItems, "maxItems", 1, pageMax)
	if err := c.err(); err != nil {
		return page[T]{}, err
	}
	start := 0
	if marker != nil {
		after, err := base64.RawURLEncoding.DecodeString(*marker)
		if err != nil {
			return page[T]{}, lambda.Errorf(codeValidation, "Invalid Marker.")
		}
		start = sort.Search(len(items), func(i int) bool { return key(items[i]) > string(after) })
	}
	size := pageDefault
	if maxItems != nil {
		size = int(*maxItems)
	}
	rest := items[start:]
	if rest == nil {
		rest = []T{} // clients count on the list, also when it is empty
	}
	if len(rest) <= size {
		return page[T]{items: rest}, nil
	}
	rest = rest[:size]
	next := base64.RawURLEncoding.EncodeToString([]byte(key(rest[size-1])))
	return page[T]{items: rest, marker: &next, truncated: true}, nil
}

// paginateSorted sorts first.
func paginateSorted[T any](items []T, key func(T) string, marker *string, maxItems *int32) (page[T], error) {
	slices.SortFunc(items, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	return paginate(items, key, marker, maxItems)
}
