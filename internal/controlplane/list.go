package controlplane

import (
	"context"
	"encoding/base64"
	"slices"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// ListFunctions shows the functions of the caller's account and region in order of
// their names, each as $LATEST or, with FunctionVersion ALL, in every version
// (Lambda API, ListFunctions). A marker is the last key shown, so what is made or
// deleted between two pages neither repeats nor hides another.
func (s *Service) ListFunctions(ctx context.Context, in *awslambda.ListFunctionsInput) (*awslambda.ListFunctionsOutput, error) {
	c := lambda.CallerFrom(ctx)
	after, err := decodeMarker(in.Marker)
	if err != nil {
		return nil, err
	}
	afterName, afterVersion := after.cut()
	page := newPage[types.FunctionConfiguration](in.MaxItems)
	every := in.FunctionVersion == types.FunctionVersionAll
	for _, name := range s.view.namesFrom(home{c.Account, c.Region}, afterName) {
		if page.full() {
			break
		}
		f := s.view.function(lambda.FunctionID{Account: c.Account, Region: c.Region, Name: name})
		if !f.exists || !every && name == afterName {
			continue
		}
		if !every {
			page.add(newMarker(name, ""), *render(f.id, lambda.Latest, "", f.record.value.Latest, inList))
			continue
		}
		for _, v := range f.all() {
			if name == afterName && !laterVersion(v.label, afterVersion) {
				continue
			}
			page.add(newMarker(name, v.label), *render(f.id, v.label, v.qualifier, v.record, inList))
		}
	}
	return &awslambda.ListFunctionsOutput{Functions: page.items, NextMarker: page.marker()}, nil
}

// namesFrom are the names of functions from the given one on, itself included.
func (v *view) namesFrom(h home, name string) []string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	r := v.regions[h]
	if r == nil {
		return nil
	}
	at, _ := slices.BinarySearch(r.names, name)
	return slices.Clone(r.names[at:])
}

// laterVersion says whether version a comes after b: $LATEST is first.
func laterVersion(a, b string) bool {
	if a == lambda.Latest {
		return false
	}
	if b == lambda.Latest || len(a) != len(b) {
		return b == lambda.Latest || len(a) > len(b)
	}
	return a > b
}

// page collects the entries of one answer, at most lambda.PageMax of them.
type page[T any] struct {
	items []T
	limit int
	last  marker
	more  bool
}

func newPage[T any](maxItems *int32) *page[T] {
	limit := lambda.PageMax
	if maxItems != nil && *maxItems >= 1 {
		limit = min(limit, int(*maxItems))
	}
	return &page[T]{items: []T{}, limit: limit}
}

// add takes an entry with the marker that stands for it, unless the page is full.
func (p *page[T]) add(m marker, item T) {
	if len(p.items) == p.limit {
		p.more = true
		return
	}
	p.items = append(p.items, item)
	p.last = m
}

// full says that an entry more than fits was offered.
func (p *page[T]) full() bool { return p.more }

// marker is the NextMarker, nil on the last page.
func (p *page[T]) marker() *string {
	if !p.more {
		return nil
	}
	return new(base64.RawURLEncoding.EncodeToString([]byte(p.last)))
}

// marker is the key of the last entry of a page: a name, or a name and a version.
type marker string

func newMarker(name, version string) marker { return marker(name + "/" + version) }

func decodeMarker(given *string) (marker, error) {
	raw, err := base64.RawURLEncoding.DecodeString(value(given))
	if err != nil {
		return "", invalid("The provided marker is invalid.")
	}
	return marker(raw), nil
}

// cut takes a marker apart.
func (m marker) cut() (name, version string) {
	for i := range len(m) {
		if m[i] == '/' {
			return string(m[:i]), string(m[i+1:])
		}
	}
	return string(m), ""
}
