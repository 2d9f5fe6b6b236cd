package restapi

import (
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
)

// tree is a deployment's resources, ready to be found.
type tree struct {
	*Snapshot
	root *node
}

// node is a resource and those below it: by name, by a parameter, and by one that
// takes the rest of the path. Names are preferred, then parameters.
type node struct {
	types.Resource
	named     map[string]*node
	one, rest *node
}

// compile makes the tree of a deployment.
func compile(s *Snapshot) *tree {
	nodes := map[string]*node{}
	for id, r := range s.Resources {
		nodes[id] = &node{Resource: r}
	}
	t := &tree{Snapshot: s, root: &node{}}
	for _, n := range nodes {
		above, ok := nodes[aws.ToString(n.ParentId)]
		part := aws.ToString(n.PathPart)
		switch {
		case n.ParentId == nil:
			t.root = n
		case !ok: // nobody leads there
		case strings.HasSuffix(part, "+}"):
			above.rest = n
		case strings.HasPrefix(part, "{"):
			above.one = n
		default:
			above.named = desk.Put(above.named, part, n)
		}
	}
	return t
}

// find selects the method of a request. The path is percent-encoded. A resource
// without the method is passed over for one whose path is less specific.
func (t *tree) find(method, path string) (*node, *types.Method, map[string]string) {
	var parts []string
	if trimmed := strings.Trim(path, "/"); trimmed != "" {
		parts = strings.Split(trimmed, "/")
	}
	params := map[string]string{}
	n, m := t.root.find(method, parts, params)
	return n, m, params
}

func (n *node) find(method string, parts []string, params map[string]string) (*node, *types.Method) {
	if len(parts) == 0 {
		return n.method(method)
	}
	part := unescape(parts[0])
	if below, ok := n.named[part]; ok {
		if found, m := below.find(method, parts[1:], params); m != nil {
			return found, m
		}
	}
	if n.one != nil {
		if found, m := n.one.find(method, parts[1:], params); m != nil {
			params[n.one.parameter()] = part
			return found, m
		}
	}
	if n.rest != nil {
		if found, m := n.rest.method(method); m != nil {
			params[n.rest.parameter()] = unescape(strings.Join(parts, "/"))
			return found, m
		}
	}
	return nil, nil
}

// method is the resource's method for a request: the one of its name, or ANY.
func (n *node) method(name string) (*node, *types.Method) {
	for _, key := range []string{name, anyMethod} {
		if m, ok := n.ResourceMethods[key]; ok {
			return n, &m
		}
	}
	return nil, nil
}

// parameter is the name of the resource's path parameter.
func (n *node) parameter() string {
	return strings.TrimSuffix(strings.Trim(aws.ToString(n.PathPart), "{}"), "+")
}

// unescape is a part of a path, decoded; one that does not decode stays.
func unescape(s string) string {
	if text, err := url.PathUnescape(s); err == nil {
		return text
	}
	return s
}
