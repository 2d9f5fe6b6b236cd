package wire

import (
	"net/url"
	"slices"
	"strings"
)

// route is one path template of a restJson1 service, such as
// /2015-03-31/functions/{FunctionName}/aliases/{Name}.
type route struct {
	op       modelOperation
	segments []segment
	// query is the literal query of templates like /2018-10-31/layers?find=LayerVersion.
	query map[string]string
}

type segment struct {
	label bool
	text  string // the label's name, or the literal
}

// router finds the operation of a method and path. Templates with a literal query
// stand before those without, so that the more particular one wins.
type router struct {
	byPrefix map[string][]route // by the first segment, the API version
}

func newRouter(ops []modelOperation) *router {
	rt := &router{byPrefix: map[string][]route{}}
	for _, op := range ops {
		path, query, _ := strings.Cut(op.uri, "?")
		r := route{op: op, query: map[string]string{}}
		for text := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
			if strings.HasPrefix(text, "{") {
				r.segments = append(r.segments, segment{label: true, text: strings.Trim(text, "{}")})
			} else {
				r.segments = append(r.segments, segment{text: text})
			}
		}
		for pair := range strings.SplitSeq(query, "&") {
			if name, value, ok := strings.Cut(pair, "="); ok {
				r.query[name] = value
			}
		}
		prefix := r.segments[0].text
		rt.byPrefix[prefix] = append(rt.byPrefix[prefix], r)
	}
	for _, routes := range rt.byPrefix {
		slices.SortStableFunc(routes, func(a, b route) int { return len(b.query) - len(a.query) })
	}
	return rt
}

// routeResult is what the router found. wrongMethod says that the path exists, but
// not with this method.
type routeResult struct {
	route       *route
	labels      []string // still percent-encoded, in the template's order
	wrongMethod bool
}

// find routes on the escaped path, because names may contain encoded slashes and
// colons. One trailing slash is accepted: older SDKs send it on collections.
func (rt *router) find(method, escapedPath string, query url.Values) routeResult {
	path := strings.TrimSuffix(strings.TrimPrefix(escapedPath, "/"), "/")
	parts := strings.Split(path, "/")
	var result routeResult
	routes := rt.byPrefix[parts[0]]
	for i := range routes {
		labels, ok := routes[i].match(parts)
		if !ok || !routes[i].matchQuery(query) {
			continue
		}
		if routes[i].op.method != method {
			result.wrongMethod = true
			continue
		}
		return routeResult{route: &routes[i], labels: labels}
	}
	return result
}

func (r *route) match(parts []string) (labels []string, ok bool) {
	if len(parts) != len(r.segments) {
		return nil, false
	}
	for i, s := range r.segments {
		switch {
		case !s.label && parts[i] != s.text, s.label && parts[i] == "":
			return nil, false
		case s.label:
			labels = append(labels, parts[i])
		}
	}
	return labels, true
}

func (r *route) matchQuery(query url.Values) bool {
	for name, value := range r.query {
		if query.Get(name) != value {
			return false
		}
	}
	return true
}

// labelValues percent-decodes the labels and names them.
func (r routeResult) labelValues() (map[string]string, error) {
	values := make(map[string]string, len(r.labels))
	n := 0
	for _, s := range r.route.segments {
		if !s.label {
			continue
		}
		text, err := url.PathUnescape(r.labels[n])
		if err != nil {
			return nil, malformed("the path is not valid percent-encoding")
		}
		values[s.text] = text
		n++
	}
	return values, nil
}
