package httpapi

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
)

// defaultRoute is the key of the route for requests that no other takes.
const defaultRoute = "$default"

// route is a route ready to be matched.
type route struct {
	types.Route
	key         string
	method      string // "ANY" takes all
	path        string // as the key has it
	segments    []segment
	integration *types.Integration // nil when the route has none
	authorizer  *types.Authorizer
}

// segment is a part of a route's path.
type segment struct {
	kind byte   // literal, one or rest: in the order in which they are preferred
	text string // the literal, or the parameter's name
}

const (
	literal = 'a' // a fixed text
	one     = 'b' // {name}
	rest    = 'c' // {name+}
)

// table is a deployment's routes, the most specific first.
type table struct {
	routes   []route
	fallback *route // $default
}

// compile makes the table of a deployment.
func compile(s *Snapshot) *table {
	t := &table{}
	for _, r := range s.Routes {
		c := route{Route: r, key: aws.ToString(r.RouteKey)}
		if i, ok := s.Integrations[strings.TrimPrefix(aws.ToString(r.Target), "integrations/")]; ok {
			c.integration = &i
		}
		if a, ok := s.Authorizers[aws.ToString(r.AuthorizerId)]; ok {
			c.authorizer = &a
		}
		if c.key == defaultRoute {
			t.fallback = &c
			continue
		}
		c.method, c.path, _ = strings.Cut(c.key, " ")
		c.segments = parsePath(c.path)
		t.routes = append(t.routes, c)
	}
	slices.SortFunc(t.routes, func(a, b route) int {
		return cmp.Or(strings.Compare(a.kinds(), b.kinds()), anyLast(a.method, b.method), strings.Compare(a.key, b.key))
	})
	return t
}

// kinds orders routes by how specific they are: the first part that differs decides.
func (r *route) kinds() string {
	b := make([]byte, len(r.segments))
	for i, s := range r.segments {
		b[i] = s.kind
	}
	return string(b)
}

func anyLast(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "ANY":
		return 1
	case b == "ANY":
		return -1
	}
	return strings.Compare(a, b)
}

func parsePath(path string) []segment {
	var out []segment
	for part := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		name, param := parameter(part)
		switch {
		case param && strings.HasSuffix(part, "+}"):
			out = append(out, segment{rest, name})
		case param:
			out = append(out, segment{one, name})
		default:
			out = append(out, segment{literal, part})
		}
	}
	return out
}

// find selects the route of a request (API Gateway developer guide, "Route selection
// for HTTP APIs"): the most specific path, then the method itself before ANY, then
// $default. The path is percent-encoded.
func (t *table) find(method, path string) (*route, map[string]string) {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i := range t.routes {
		r := &t.routes[i]
		if r.method != "ANY" && r.method != method {
			continue
		}
		if params, ok := r.match(parts); ok {
			return r, params
		}
	}
	return t.fallback, nil
}

// match says whether a path's parts fit, and what the parameters then are.
func (r *route) match(parts []string) (map[string]string, bool) {
	var params map[string]string
	for i, s := range r.segments {
		if i >= len(parts) {
			return nil, false
		}
		switch s.kind {
		case literal:
			if s.text != parts[i] && s.text != unescape(parts[i]) {
				return nil, false
			}
		case one:
			if parts[i] == "" {
				return nil, false
			}
			params = desk.Put(params, s.text, unescape(parts[i]))
		case rest:
			tail := strings.Join(parts[i:], "/")
			if tail == "" {
				return nil, false
			}
			return desk.Put(params, s.text, unescape(tail)), true
		}
	}
	return params, len(parts) == len(r.segments)
}

// unescape is a part of a path, decoded; one that does not decode stays.
func unescape(s string) string {
	if text, err := url.PathUnescape(s); err == nil {
		return text
	}
	return s
}
