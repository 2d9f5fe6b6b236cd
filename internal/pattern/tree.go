package pattern

// term is a JSON value of a pattern, with the places that errors name.
type term struct {
	kind  token // tokenObject, tokenArray, tokenString, tokenNumber or tokenLiteral
	text  string
	names []string // of an object's members, beside items
	items []*term  // members or elements
	pos   int      // where AWS's parser is when it has seen that there is a value
	end   int      // behind the value
}

// is says whether it is an object or an array.
func (t *term) is(k token) bool { return t.kind == k }

// growth builds a tree of terms from what a scanner finds.
type growth struct {
	root  *term
	stack []*term
	name  string
}

func (g *growth) put(t *term) {
	if len(g.stack) == 0 {
		g.root = t
		return
	}
	top := g.stack[len(g.stack)-1]
	if top.is(tokenObject) {
		for i, name := range top.names {
			if name == g.name { // the last of several counts
				top.items[i] = t
				return
			}
		}
		top.names = append(top.names, g.name)
	}
	top.items = append(top.items, t)
}

func (g *growth) enter(k token, s *scanner) {
	t := &term{kind: k, pos: s.pos}
	g.put(t)
	g.stack = append(g.stack, t)
}

func (g *growth) leave(_ token, s *scanner) {
	g.stack[len(g.stack)-1].end = s.pos
	g.stack = g.stack[:len(g.stack)-1]
}

func (g *growth) key(name string) { g.name = name }

func (g *growth) scalar(k token, text string, s *scanner) {
	pos := s.pos
	if k == tokenString {
		pos = s.start + 1 // AWS's parser reads the rest of a string when it is asked for
	}
	g.put(&term{kind: k, text: text, pos: pos, end: s.pos})
}
