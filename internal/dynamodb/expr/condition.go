package expr

import (
	"slices"
	"strings"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
)

// Op is what a condition does.
type Op string

// The operations. Functions are named as in the language.
const (
	And            Op = "AND"
	Or             Op = "OR"
	Not            Op = "NOT"
	Equal          Op = "="
	NotEqual       Op = "<>"
	Less           Op = "<"
	LessOrEqual    Op = "<="
	Greater        Op = ">"
	GreaterOrEqual Op = ">="
	Between        Op = "BETWEEN"
	In             Op = "IN"

	AttributeExists    Op = "attribute_exists"
	AttributeNotExists Op = "attribute_not_exists"
	AttributeType      Op = "attribute_type"
	BeginsWith         Op = "begins_with"
	Contains           Op = "contains"
	size               Op = "size"
)

// Condition is a parsed condition, filter or key condition.
type Condition struct {
	Op   Op
	Subs []*Condition // of AND, OR and NOT
	Args []Operand    // of all others
}

// Operand is what conditions compare: a path, the size of what is at a path, or a value.
type Operand struct {
	Path  Path
	Value *attr.Value
	// Size says that the operand is the function size of the path or value.
	Size bool
	// wrong is a function that does not give a value.
	wrong Op
}

// find is the operand's value for an item; ok is false when there is none.
func (o *Operand) find(item attr.Item) (v attr.Value, ok bool) {
	if o.Value != nil {
		v, ok = *o.Value, true
	} else {
		v, ok = o.Path.Find(item)
	}
	if ok && o.Size {
		n, measured := attr.Length(v)
		return attr.FromInt(int64(n)), measured
	}
	return v, ok
}

// kind is the type of a value that is known without the item.
func (o *Operand) kind() attr.Kind {
	switch {
	case o.Size:
		return attr.Number
	case o.Value != nil:
		return o.Value.Kind
	default:
		return attr.None
	}
}

// ParseCondition reads a condition. kind is the parameter's name.
func (p *Params) ParseCondition(kind, text string) (*Condition, error) {
	return parse(p, kind, text, func(p *parser) *Condition { return p.condition(p.or()) })
}

// term is what the grammar finds before it is known whether it is a condition or an
// operand of one.
type term struct {
	condition *Condition // nil for an operand
	operand   Operand
	parens    bool
}

// condition demands that a term is a condition.
func (p *parser) condition(t term) *Condition {
	if t.condition != nil {
		return t.condition
	}
	if t.operand.Size {
		p.note(faultMisusedFunction, "The function is not allowed to be used this way in an expression; function: size")
		return &Condition{Op: Equal, Args: []Operand{t.operand, t.operand}}
	}
	p.syntax()
	return nil
}

func (p *parser) or() term {
	t := p.and()
	for p.keyword("OR") {
		left := p.condition(t)
		p.at++
		p.operators++
		t = term{condition: &Condition{Op: Or, Subs: []*Condition{left, p.condition(p.and())}}}
	}
	return t
}

func (p *parser) and() term {
	t := p.not()
	for p.keyword("AND") {
		left := p.condition(t)
		p.at++
		p.operators++
		t = term{condition: &Condition{Op: And, Subs: []*Condition{left, p.condition(p.not())}}}
	}
	return t
}

func (p *parser) not() term {
	if p.acceptKeyword("NOT") {
		p.operators++
		return term{condition: &Condition{Op: Not, Subs: []*Condition{p.condition(p.not())}}}
	}
	return p.comparison()
}

// comparison reads one condition, and settles what of its mistakes is told.
func (p *parser) comparison() term {
	t := p.compared()
	for _, f := range []fault{faultPlaceholder, faultCount, faultDistinct, faultFunction} {
		if text := p.faults[f]; text != "" {
			p.note(faultCondition, "%s", text)
		}
	}
	return t
}

func (p *parser) compared() term {
	t := p.primary()
	if t.condition != nil && (t.parens || !function(t.condition.Op)) {
		return t
	}
	op := p.comparator()
	if op == "" {
		return t
	}
	args := []Operand{p.operandOf(t)}
	switch op {
	case Between:
		args = append(args, p.operand())
		if !p.acceptKeyword("AND") {
			p.syntax()
		}
		args = append(args, p.operand())
	case In:
		p.expect("(")
		args = append(args, p.operand())
		for p.accept(",") {
			args = append(args, p.operand())
		}
		p.expect(")")
	default:
		args = append(args, p.operand())
	}
	c := &Condition{Op: op, Args: args}
	p.operators++
	p.checkComparison(c)
	return term{condition: c}
}

func (p *parser) comparator() Op {
	t := p.peek()
	if t.kind == tokenSign {
		op := Op(t.text)
		if !slices.Contains([]Op{Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual}, op) {
			return ""
		}
		p.at++
		return op
	}
	for _, op := range []Op{Between, In} {
		if p.acceptKeyword(string(op)) {
			return op
		}
	}
	return ""
}

// primary reads something in parentheses, a function, a path or a value.
func (p *parser) primary() term {
	if p.accept("(") {
		t := p.or()
		p.expect(")")
		if t.parens {
			p.note(faultParens, "The expression has redundant parentheses;")
		}
		t.parens = true
		return t
	}
	if p.peek().kind == tokenValueRef {
		v := p.value()
		return term{operand: Operand{Value: &v}}
	}
	if t := p.peek(); t.kind == tokenName && p.tokens[p.at+1].kind == tokenSign && p.tokens[p.at+1].text == "(" {
		return p.function()
	}
	return term{operand: Operand{Path: p.path()}}
}

func (p *parser) operand() Operand { return p.operandOf(p.primary()) }

// operandOf demands that a term is an operand.
func (p *parser) operandOf(t term) Operand {
	if t.condition == nil {
		return t.operand
	}
	if function(t.condition.Op) && !t.parens {
		p.note(faultMisusedFunction, "The function is not allowed to be used this way in an expression; function: %s", t.condition.Op)
		return Operand{wrong: t.condition.Op, Path: Named("")}
	}
	p.syntax()
	return Operand{}
}

// arguments are how many operands each function takes.
var arguments = map[Op]int{
	AttributeExists: 1, AttributeNotExists: 1, AttributeType: 2, BeginsWith: 2, Contains: 2, size: 1,
}

func function(op Op) bool { return arguments[op] != 0 }

func (p *parser) function() term {
	name := Op(p.next().text)
	p.operators++
	p.expect("(")
	args := []Operand{p.operand()}
	for p.accept(",") {
		args = append(args, p.operand())
	}
	p.expect(")")
	want, known := arguments[name]
	if !known {
		p.note(faultUnknownFunction, "Invalid function name; function: %s", name)
		return term{condition: &Condition{Op: AttributeExists, Args: args}}
	}
	if want != len(args) {
		p.note(faultCount, "Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", name, len(args))
		return term{condition: &Condition{Op: AttributeExists, Args: args}}
	}
	p.checkFunction(name, args)
	if name == size {
		if args[0].Size {
			p.note(faultFunction, "Incorrect operand type for operator or function; operator or function: size, operand type: N")
		}
		args[0].Size = true
		return term{operand: args[0]}
	}
	return term{condition: &Condition{Op: name, Args: args}}
}

func (p *parser) checkFunction(name Op, args []Operand) {
	p.checkDistinct(name, args)
	wrongType := func(kind string) {
		p.note(faultFunction, "Incorrect operand type for operator or function; operator or function: %s, operand type: %s", name, kind)
	}
	switch name {
	case AttributeExists, AttributeNotExists:
		if args[0].Path == nil || args[0].Size {
			p.note(faultFunction, "Operator or function requires a document path; operator or function: %s", name)
		}
	case BeginsWith:
		for i := range args {
			if k := args[i].kind(); k != attr.None && k != attr.String && k != attr.Binary {
				wrongType(k.String())
			}
		}
	case AttributeType:
		switch k := args[1].kind(); k {
		case attr.String:
			if _, ok := attr.KindNamed(args[1].Value.Text); !ok {
				p.note(faultFunction, "Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", args[1].Value.Text)
			}
		case attr.None:
			wrongType("{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
		default:
			wrongType(k.String())
		}
	case size:
		switch k := args[0].kind(); k {
		case attr.Number, attr.Bool, attr.Null:
			wrongType(k.String())
		default:
		}
	default:
	}
}

// checkDistinct refuses to compare a path with itself.
func (p *parser) checkDistinct(name Op, args []Operand) {
	if len(args) != 2 || args[0].Path == nil || args[1].Path == nil || args[0].Size || args[1].Size ||
		args[0].wrong != "" || args[1].wrong != "" || !args[0].Path.equal(args[1].Path) {
		return
	}
	p.note(faultDistinct, "The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s",
		name, args[0].Path)
}

func (p *parser) checkComparison(c *Condition) {
	p.checkDistinct(c.Op, c.Args)
	switch c.Op {
	case In:
		if n := len(c.Args) - 1; n > inOperandsMax {
			p.note(faultFunction, "The IN operator is provided with too many operands; number of operands: %d", n)
		}
	case Less, LessOrEqual, Greater, GreaterOrEqual, Between:
		for i := range c.Args {
			if k := c.Args[i].kind(); k != attr.None && !k.Scalar() {
				p.note(faultFunction, "Incorrect operand type for operator or function; operator or function: %s, operand type: %s", c.Op, k)
			}
		}
		if c.Op == Between {
			p.checkBounds(&c.Args[1], &c.Args[2])
		}
	default:
	}
}

func (p *parser) checkBounds(low, high *Operand) {
	if low.Value == nil || high.Value == nil || low.Size || high.Size || low.kind() == attr.None || high.kind() == attr.None {
		return
	}
	problem := ""
	order, ok := attr.Compare(*low.Value, *high.Value)
	switch {
	case low.Value.Kind != high.Value.Kind:
		problem = "same data type for lower and upper bounds"
	case ok && order > 0:
		problem = "upper bound to be greater than or equal to lower bound"
	default:
		return
	}
	p.note(faultFunction, "The BETWEEN operator requires %s; lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s",
		problem, low.Value, high.Value)
}

// Holds says whether the condition is true of an item; nil is an item that does not
// exist. A nil Condition holds always.
func (c *Condition) Holds(item attr.Item) bool {
	if c == nil {
		return true
	}
	switch c.Op {
	case And:
		return c.Subs[0].Holds(item) && c.Subs[1].Holds(item)
	case Or:
		return c.Subs[0].Holds(item) || c.Subs[1].Holds(item)
	case Not:
		return !c.Subs[0].Holds(item)
	default:
	}
	first, ok := c.Args[0].find(item)
	switch c.Op {
	case AttributeExists:
		return ok
	case AttributeNotExists:
		return !ok
	case In:
		for i := range c.Args[1:] {
			if v, found := c.Args[i+1].find(item); ok && found && attr.Equal(first, v) {
				return true
			}
		}
		return false
	default:
	}
	second, found := c.Args[1].find(item)
	if c.Op == NotEqual {
		return !ok || !found || !attr.Equal(first, second)
	}
	if !ok || !found {
		return false
	}
	switch c.Op {
	case Equal:
		return attr.Equal(first, second)
	case AttributeType:
		return first.Kind.String() == second.Text
	case BeginsWith:
		return first.Kind == second.Kind && (first.Kind == attr.String || first.Kind == attr.Binary) && strings.HasPrefix(first.Text, second.Text)
	case Contains:
		return attr.Contains(first, second)
	case Between:
		third, found := c.Args[2].find(item)
		return found && ordered(GreaterOrEqual, first, second) && ordered(LessOrEqual, first, third)
	default:
		return ordered(c.Op, first, second)
	}
}

func ordered(op Op, a, b attr.Value) bool {
	order, ok := attr.Compare(a, b)
	if !ok {
		return false
	}
	switch op {
	case Less:
		return order < 0
	case LessOrEqual:
		return order <= 0
	case Greater:
		return order > 0
	default:
		return order >= 0
	}
}

// Names are the attributes of the item that the condition looks at.
func (c *Condition) Names(add func(name string)) {
	if c == nil {
		return
	}
	for _, s := range c.Subs {
		s.Names(add)
	}
	for i := range c.Args {
		if c.Args[i].Path != nil {
			add(c.Args[i].Path[0].Name)
		}
	}
}
