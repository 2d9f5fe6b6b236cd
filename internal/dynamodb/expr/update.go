package expr

import (
	"maps"
	"slices"
	"strings"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
)

// Update is a parsed update expression.
type Update struct {
	sets    []assignment
	removes []Path
	adds    []change
	deletes []change
	paths   []Path // all of them, as they were written
	built   bool   // not of an expression
}

type assignment struct {
	path  Path
	value source
}

// change is an action of ADD or DELETE.
type change struct {
	path  Path
	value attr.Value
}

// source is the right side of a SET action.
type source struct {
	op    string // "", "+", "-", "if_not_exists" or "list_append"
	path  Path
	value *attr.Value
	args  []source // of an op
}

// ParseUpdate reads an update expression.
func (p *Params) ParseUpdate(text string) (*Update, error) {
	return parse(p, "UpdateExpression", text, (*parser).update)
}

func (p *parser) update() *Update {
	u := &Update{}
	seen := map[string]bool{}
	for {
		if p.peek().kind != tokenName {
			p.syntax()
		}
		section := strings.ToUpper(p.peek().text)
		action := map[string]func(*Update){"SET": p.set, "REMOVE": p.remove, "ADD": p.add, "DELETE": p.delete}[section]
		if action == nil {
			p.syntax()
		}
		p.at++
		if seen[section] {
			p.note(faultSection, "The \"%s\" section can only be used once in an update expression;", section)
		}
		seen[section] = true
		action(u)
		for p.accept(",") {
			action(u)
		}
		if p.peek().kind == tokenEnd {
			break
		}
	}
	// A reserved word is told before anything else that is wrong with an update.
	p.faults[faultReservedInUpdate], p.faults[faultReserved] = p.faults[faultReserved], ""
	return u
}

// target reads the path that an action changes.
func (p *parser) target(u *Update) Path {
	path := p.path()
	for _, other := range u.paths {
		if text := other.clash(path); text != "" {
			kind := faultOverlap
			if strings.HasPrefix(text, "Two document paths conflict") {
				kind = faultConflict
			}
			p.note(kind, "%s", text)
		}
	}
	u.paths = append(u.paths, path)
	return path
}

func (p *parser) set(u *Update) {
	path := p.target(u)
	p.expect("=")
	p.operators++
	u.sets = append(u.sets, assignment{path, p.source()})
}

func (p *parser) remove(u *Update) { u.removes = append(u.removes, p.target(u)) }

func (p *parser) add(u *Update) {
	path := p.target(u)
	u.adds = append(u.adds, change{path, p.changeValue("ADD")})
}

func (p *parser) delete(u *Update) {
	path := p.target(u)
	u.deletes = append(u.deletes, change{path, p.changeValue("DELETE")})
}

// kindWords are the types as one message names them.
var kindWords = map[attr.Kind]string{
	attr.String: "STRING", attr.Number: "NUMBER", attr.Binary: "BINARY", attr.Null: "NULL", attr.Bool: "BOOLEAN",
	attr.List: "LIST", attr.Map: "MAP",
}

func (p *parser) changeValue(section string) attr.Value {
	v := p.value()
	if word, scalar := kindWords[v.Kind]; scalar && (section != "ADD" || v.Kind != attr.Number) {
		p.note(faultOperand, "Incorrect operand type for operator or function; operator: %s, operand type: %s", section, word)
	}
	return v
}

func (p *parser) source() source {
	left := p.sourceOperand()
	for _, op := range []string{"+", "-"} {
		if p.accept(op) {
			p.operators++
			s := source{op: op, args: []source{left, p.sourceOperand()}}
			p.checkSource(s)
			return s
		}
	}
	return left
}

func (p *parser) sourceOperand() source {
	if p.accept("(") {
		s := p.source()
		p.expect(")")
		return s
	}
	if p.peek().kind == tokenValueRef {
		v := p.value()
		return source{value: &v}
	}
	if t := p.peek(); t.kind == tokenName && p.tokens[p.at+1].kind == tokenSign && p.tokens[p.at+1].text == "(" {
		p.at += 2
		p.operators++
		s := source{op: t.text, args: []source{p.source()}}
		for p.accept(",") {
			s.args = append(s.args, p.source())
		}
		p.expect(")")
		p.checkSource(s)
		return s
	}
	return source{path: p.path()}
}

func (p *parser) checkSource(s source) {
	var want attr.Kind
	switch s.op {
	case "+", "-":
		want = attr.Number
	case "list_append":
		want = attr.List
	case "if_not_exists":
	default:
		if function(Op(s.op)) {
			p.note(faultMisusedFunction, "The function is not allowed in an update expression; function: %s", s.op)
			return
		}
		p.note(faultUnknownFunction, "Invalid function name; function: %s", s.op)
		return
	}
	if len(s.args) != 2 {
		p.note(faultFunction, "Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", s.op, len(s.args))
		return
	}
	if s.op == "if_not_exists" {
		if s.args[0].path == nil {
			p.note(faultFunction, "Operator or function requires a document path; operator or function: if_not_exists")
		}
		return
	}
	for _, a := range s.args {
		if a.value != nil && a.value.Kind != want && a.value.Kind != attr.None {
			p.note(faultFunction, "Incorrect operand type for operator or function; operator or function: %s, operand type: %s", s.op, a.value.Kind)
		}
	}
}

// The errors that an update meets in an item.
var (
	errPath    = invalid("The document path provided in the update expression is invalid for update")
	errAbsent  = invalid("The provided expression refers to an attribute that does not exist in the item")
	errOperand = invalid("An operand in the update expression has an incorrect data type")
	errOlder   = invalid("Type mismatch for attribute to update")
)

func (u *Update) mismatch() error {
	if u.built {
		return errOlder
	}
	return errOperand
}

// Apply returns the item as the update leaves it; the item itself stays as it is.
// What is read is read from the item as it was.
func (u *Update) Apply(item attr.Item) (attr.Item, error) {
	out := maps.Clone(item)
	if out == nil {
		out = attr.Item{}
	}
	type set struct {
		path  Path
		value attr.Value
	}
	var sets []set
	for _, a := range u.sets {
		v, err := a.value.eval(item)
		if err != nil {
			return nil, err
		}
		sets = append(sets, set{a.path, v})
	}
	var gone []Path
	for _, c := range u.adds {
		if !c.path.reachable(item) {
			return nil, errPath
		}
		v, err := c.added(item, u.mismatch())
		if err != nil {
			return nil, err
		}
		sets = append(sets, set{c.path, v})
	}
	for _, c := range u.deletes {
		if !c.path.reachable(item) {
			return nil, errPath
		}
		old, ok := c.path.Find(item)
		if !ok {
			continue
		}
		if old.Kind != c.value.Kind {
			return nil, u.mismatch()
		}
		if rest := attr.Minus(old, c.value); len(rest.Set) > 0 {
			sets = append(sets, set{c.path, rest})
		} else {
			gone = append(gone, c.path)
		}
	}
	for _, path := range u.removes {
		if !path.reachable(item) {
			return nil, errPath
		}
		if _, ok := path.Find(item); ok {
			gone = append(gone, path)
		}
	}
	// Elements past a list's end are appended in the order of their indexes.
	slices.SortStableFunc(sets, func(a, b set) int { return a.path.compare(b.path) })
	for _, s := range sets {
		if err := assign(out, s.path, s.value); err != nil {
			return nil, err
		}
	}
	// From the last index to the first, so that none moves before its turn.
	slices.SortFunc(gone, func(a, b Path) int { return b.compare(a) })
	for _, path := range gone {
		removeAt(out, path)
	}
	return out, nil
}

func (c change) added(item attr.Item, mismatch error) (attr.Value, error) {
	old, ok := c.path.Find(item)
	switch {
	case !ok:
		return c.value, nil
	case old.Kind != c.value.Kind:
		return attr.Value{}, mismatch
	case old.Kind == attr.List:
		return attr.Value{Kind: attr.List, List: slices.Concat(old.List, c.value.List)}, nil
	case old.Kind == attr.Number:
		return attr.Add(old, c.value)
	default:
		return attr.Union(old, c.value), nil
	}
}

func (s source) eval(item attr.Item) (attr.Value, error) {
	if s.value != nil {
		return *s.value, nil
	}
	if s.op == "" {
		v, ok := s.path.Find(item)
		if !ok {
			return attr.Value{}, errAbsent
		}
		return v, nil
	}
	if s.op == "if_not_exists" {
		if v, ok := s.args[0].path.Find(item); ok {
			return v, nil
		}
		return s.args[1].eval(item)
	}
	left, err := s.args[0].eval(item)
	if err != nil {
		return attr.Value{}, err
	}
	right, err := s.args[1].eval(item)
	if err != nil {
		return attr.Value{}, err
	}
	switch {
	case s.op == "list_append" && left.Kind == attr.List && right.Kind == attr.List:
		return attr.Value{Kind: attr.List, List: slices.Concat(left.List, right.List)}, nil
	case s.op == "+" && left.Kind == attr.Number && right.Kind == attr.Number:
		return attr.Add(left, right)
	case s.op == "-" && left.Kind == attr.Number && right.Kind == attr.Number:
		return attr.Subtract(left, right)
	default:
		return attr.Value{}, errOperand
	}
}

// assign sets what is at the path, copying what it changes.
func assign(item attr.Item, path Path, v attr.Value) error {
	if len(path) > 1 {
		parent, ok := item[path[0].Name]
		if !ok {
			return errPath
		}
		var err error
		if v, err = within(parent, path[1:], v); err != nil {
			return err
		}
	}
	item[path[0].Name] = v
	return nil
}

// within is the document with v at the path.
func within(doc attr.Value, path Path, v attr.Value) (attr.Value, error) {
	s := path[0]
	if len(path) > 1 {
		inner, ok := s.in(doc)
		if !ok {
			return attr.Value{}, errPath
		}
		var err error
		if v, err = within(inner, path[1:], v); err != nil {
			return attr.Value{}, err
		}
	}
	switch {
	case s.IsIndex && doc.Kind == attr.List:
		list := slices.Clone(doc.List)
		if s.Index < len(list) {
			list[s.Index] = v
		} else {
			list = append(list, v)
		}
		return attr.Value{Kind: attr.List, List: list}, nil
	case !s.IsIndex && doc.Kind == attr.Map:
		m := maps.Clone(doc.Map)
		m[s.Name] = v
		return attr.Value{Kind: attr.Map, Map: m}, nil
	default:
		return attr.Value{}, errPath
	}
}

// removeAt removes what is at the path, which exists.
func removeAt(item attr.Item, path Path) {
	if len(path) == 1 {
		delete(item, path[0].Name)
		return
	}
	item[path[0].Name] = without(item[path[0].Name], path[1:])
}

func without(doc attr.Value, path Path) attr.Value {
	s := path[0]
	if s.IsIndex {
		list := slices.Clone(doc.List)
		if len(path) > 1 {
			list[s.Index] = without(list[s.Index], path[1:])
		} else {
			list = slices.Delete(list, s.Index, s.Index+1)
		}
		return attr.Value{Kind: attr.List, List: list}
	}
	m := maps.Clone(doc.Map)
	if len(path) > 1 {
		m[s.Name] = without(m[s.Name], path[1:])
	} else {
		delete(m, s.Name)
	}
	return attr.Value{Kind: attr.Map, Map: m}
}

// Names are the attributes of the item that the update changes.
func (u *Update) Names(add func(name string)) {
	if u == nil {
		return
	}
	for _, p := range u.paths {
		add(p[0].Name)
	}
}

// Kinds tells, of each attribute of the item itself that the update gives a value of a
// type that is known without the item, that type.
func (u *Update) Kinds(tell func(name string, kind attr.Kind)) {
	if u == nil {
		return
	}
	known := func(p Path, kind attr.Kind) {
		if len(p) == 1 && kind != attr.None {
			tell(p[0].Name, kind)
		}
	}
	for _, a := range u.sets {
		known(a.path, a.value.kind())
	}
	for _, c := range slices.Concat(u.adds, u.deletes) {
		known(c.path, c.value.Kind)
	}
}

func (s source) kind() attr.Kind {
	switch {
	case s.value != nil:
		return s.value.Kind
	case s.op == "+" || s.op == "-":
		return attr.Number
	case s.op == "list_append":
		return attr.List
	default:
		return attr.None
	}
}

// Touched is what of an item the update was about, for answers that show only that.
func (u *Update) Touched(item attr.Item) attr.Item { return pick(item, u.paths) }

// Put, Add, Take and Drop build an update of attributes of the item itself, as the
// older parameter AttributeUpdates describes one.

// Put sets an attribute.
func (u *Update) Put(name string, v attr.Value) {
	u.sets = append(u.sets, assignment{u.older(name), source{value: &v}})
}

// Add adds to a number, a set or a list.
func (u *Update) Add(name string, v attr.Value) {
	u.adds = append(u.adds, change{u.older(name), v})
}

// Take removes members of a set.
func (u *Update) Take(name string, v attr.Value) {
	u.deletes = append(u.deletes, change{u.older(name), v})
}

// Drop removes an attribute.
func (u *Update) Drop(name string) { u.removes = append(u.removes, u.older(name)) }

func (u *Update) older(name string) Path {
	u.built = true
	u.paths = append(u.paths, Named(name))
	return Named(name)
}

// CreatesNothing says that the update makes no item where there is none: one of the
// older kind that only takes away.
func (u *Update) CreatesNothing() bool {
	return u.built && len(u.sets) == 0 && len(u.adds) == 0
}
