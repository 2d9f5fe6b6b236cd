package wire

import "context"

type sentKey struct{}

// WithSent lets the operation ask what the request of a call had in it.
func WithSent(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, sentKey{}, c)
}

// Sent says whether the request that an operation carries out had a member, which the
// SDK's types do not tell where a number or a boolean is not a pointer: a delay of zero
// is not the same as none. The path is of names as the service's model has them and of
// positions in lists: Sent(ctx, "Entries", 2, "DelaySeconds"). Without a request, as
// when one part of the node calls another, nothing was sent.
func Sent(ctx context.Context, path ...any) bool {
	c, ok := ctx.Value(sentKey{}).(*Call)
	if !ok || c == nil {
		return false
	}
	if c.formRoot != nil {
		return sentInForm(c.served.in, c.formRoot, path)
	}
	at := c.parsed
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, _ := at.(map[string]any)
			at = object[step]
		case int:
			list, _ := at.([]any)
			if step >= len(list) {
				return false
			}
			at = list[step]
		}
	}
	return at != nil
}

func sentInForm(s *shape, n *formNode, path []any) bool {
	var m *member
	for _, step := range path {
		switch step := step.(type) {
		case string:
			if s == nil || s.byName[step] == nil {
				return false
			}
			m = s.byName[step]
			n, s = n.kids[m.query.name], m.shape
		case int:
			if m == nil {
				return false
			}
			items := n.items(m.query.flat, m.query.item)
			if step >= len(items) {
				return false
			}
			n, s = items[step], s.elem
		}
		if n == nil {
			return false
		}
	}
	return true
}
