package metrics

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// Metric math: the small part of it that is arithmetic (CloudWatch user guide, "Using
// metric math").

// value is what an expression gives: a number, a series or a list of series.
type value any

// series is a value for some of the periods of a span.
type series struct {
	span   span
	values map[int64]float64
}

// expressionMax is the longest expression (CloudWatch API reference, MetricDataQuery),
// and depthMax how deep its parentheses may nest.
const (
	expressionMax = 2048
	depthMax      = 64
)

// environment knows the queries of a request and what they gave.
type environment struct {
	queries map[string]*types.MetricDataQuery
	known   map[string]value
	at      map[string]bool // being evaluated
	metric  func(*types.MetricDataQuery) (series, error)
}

// get evaluates a query, once.
func (e *environment) get(id string) (value, error) {
	if v, ok := e.known[id]; ok {
		return v, nil
	}
	q, ok := e.queries[id]
	if !ok {
		return nil, malformedQuery("Undefined variable '%s'.", id)
	}
	if e.at[id] {
		return nil, malformedQuery("The expression '%s' refers to itself.", id)
	}
	e.at[id] = true
	defer delete(e.at, id)
	var v value
	var err error
	if q.MetricStat != nil {
		v, err = e.metric(q)
	} else {
		v, err = e.evaluate(id, aws.ToString(q.Expression))
	}
	if err != nil {
		return nil, err
	}
	e.known[id] = v
	return v, nil
}

// metrics are the series of all queries of metrics, in the order of their ids.
func (e *environment) metrics() ([]series, error) {
	var out []series
	for _, id := range slices.Sorted(maps.Keys(e.queries)) {
		if e.queries[id].MetricStat == nil {
			continue
		}
		v, err := e.get(id)
		if err != nil {
			return nil, err
		}
		if s, ok := v.(series); ok {
			out = append(out, s)
		}
	}
	return out, nil
}

func (e *environment) evaluate(id, text string) (value, error) {
	if len(text) > expressionMax {
		return nil, malformedQuery("Error in expression '%s': it is longer than %d characters.", id, expressionMax)
	}
	p := &parser{id: id, text: text, env: e}
	p.next()
	v, err := p.sum()
	if err != nil {
		return nil, err
	}
	if p.token != "" {
		return nil, p.fault("unexpected '%s'", p.token)
	}
	return v, nil
}

// parser reads and evaluates at once, by recursive descent.
type parser struct {
	id, text string
	env      *environment
	token    string // the present one; empty at the end
	depth    int
}

func (p *parser) fault(format string, args ...any) error {
	return malformedQuery("Error in expression '%s': %s.", p.id, fmt.Sprintf(format, args...))
}

// next reads a token: a number, a name, or one character.
func (p *parser) next() {
	p.text = strings.TrimLeft(p.text, " \t\r\n")
	n := 0
	for n < len(p.text) && isWord(p.text[n]) {
		n++
	}
	if n == 0 && p.text != "" {
		n = 1
	}
	p.token, p.text = p.text[:n], p.text[n:]
}

func isWord(c byte) bool {
	return c == '_' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (p *parser) expect(token string) error {
	if p.token != token {
		return p.fault("expected '%s' and found '%s'", token, p.token)
	}
	p.next()
	return nil
}

func (p *parser) sum() (value, error) {
	if p.depth++; p.depth > depthMax {
		return nil, p.fault("it is nested too deeply")
	}
	defer func() { p.depth-- }()
	return p.chain("+-", func() (value, error) { return p.chain("*/", p.power) })
}

// chain reads operands between operators of one rank, from left to right.
func (p *parser) chain(operators string, operand func() (value, error)) (value, error) {
	left, err := operand()
	for err == nil && p.token != "" && strings.Contains(operators, p.token) {
		op := p.token
		p.next()
		var right value
		if right, err = operand(); err == nil {
			left, err = p.apply(op, left, right)
		}
	}
	return left, err
}

func (p *parser) power() (value, error) {
	if p.token == "-" {
		if p.depth++; p.depth > depthMax {
			return nil, p.fault("it is nested too deeply")
		}
		defer func() { p.depth-- }()
		p.next()
		v, err := p.power()
		if err != nil {
			return nil, err
		}
		return p.apply("*", -1.0, v)
	}
	left, err := p.atom()
	if err != nil || p.token != "^" {
		return left, err
	}
	if p.depth++; p.depth > depthMax {
		return nil, p.fault("it is nested too deeply")
	}
	defer func() { p.depth-- }()
	p.next()
	right, err := p.power()
	if err != nil {
		return nil, err
	}
	return p.apply("^", left, right)
}

func (p *parser) atom() (value, error) {
	token := p.token
	switch {
	case token == "":
		return nil, p.fault("it ends too early")
	case token == "(":
		p.next()
		v, err := p.sum()
		if err != nil {
			return nil, err
		}
		return v, p.expect(")")
	case token == "[":
		return p.array()
	case token[0] >= '0' && token[0] <= '9' || token[0] == '.':
		f, err := strconv.ParseFloat(token, 64)
		if err != nil {
			return nil, p.fault("'%s' is not a number", token)
		}
		p.next()
		return f, nil
	case !isWord(token[0]):
		return nil, p.fault("unexpected '%s'", token)
	}
	p.next()
	if p.token == "(" {
		return p.call(token)
	}
	if token == strings.ToUpper(token) {
		return nil, p.fault("unexpected '%s'", token)
	}
	return p.env.get(token)
}

// array reads [m1, m2].
func (p *parser) array() (value, error) {
	p.next()
	args, err := p.arguments("]")
	if err != nil {
		return nil, err
	}
	list := make([]series, 0, len(args))
	for _, a := range args {
		s, ok := a.(series)
		if !ok {
			return nil, p.fault("an array must have time series only")
		}
		list = append(list, s)
	}
	return list, nil
}

// arguments reads values up to the end token.
func (p *parser) arguments(end string) ([]value, error) {
	var args []value
	for p.token != end {
		if len(args) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		if p.token == "REPEAT" {
			args = append(args, "REPEAT")
			p.next()
			continue
		}
		v, err := p.sum()
		if err != nil {
			return nil, err
		}
		args = append(args, v)
	}
	return args, p.expect(end)
}

func (p *parser) call(name string) (value, error) {
	p.next()
	if !slices.Contains([]string{"METRICS", "SUM", "AVG", "MIN", "MAX", "ABS", "CEIL", "FLOOR", "FILL", "PERIOD"}, name) {
		return nil, p.fault("the function '%s' is not supported by this installation", name)
	}
	args, err := p.arguments(")")
	if err != nil {
		return nil, err
	}
	if name == "METRICS" {
		if len(args) > 0 {
			return nil, p.fault("METRICS with a filter is not supported by this installation")
		}
		list, err := p.env.metrics()
		return list, err
	}
	want := 1
	if name == "FILL" {
		want = 2
	}
	if len(args) != want {
		return nil, p.fault("%s takes %d arguments and not %d", name, want, len(args))
	}
	switch name {
	case "ABS":
		return p.each(args[0], math.Abs)
	case "CEIL":
		return p.each(args[0], math.Ceil)
	case "FLOOR":
		return p.each(args[0], math.Floor)
	case "FILL":
		return p.fill(args[0], args[1])
	case "PERIOD":
		s, ok := args[0].(series)
		if !ok {
			return nil, p.fault("PERIOD takes a time series")
		}
		return float64(s.span.period * 60), nil
	}
	return p.fold(name, args[0])
}

func (p *parser) each(v value, fn func(float64) float64) (value, error) {
	switch v := v.(type) {
	case float64:
		return fn(v), nil
	case series:
		return v.mapped(fn), nil
	default:
		return nil, p.fault("a number or a time series is expected")
	}
}

// mapped applies a function to every value; what is no number is left out.
func (s series) mapped(fn func(float64) float64) series {
	out := series{span: s.span, values: make(map[int64]float64, len(s.values))}
	for at, x := range s.values {
		if y := fn(x); !math.IsNaN(y) && !math.IsInf(y, 0) {
			out.values[at] = y
		}
	}
	return out
}

// fill gives every period of a series a value.
func (p *parser) fill(v, with value) (value, error) {
	s, ok := v.(series)
	if !ok {
		return nil, p.fault("FILL takes a time series")
	}
	number, isNumber := with.(float64)
	_, repeat := with.(string)
	if !isNumber && !repeat {
		return nil, p.fault("FILL takes a number or REPEAT")
	}
	out := series{span: s.span, values: maps.Clone(s.values)}
	last, any := 0.0, false
	for at := s.span.from; at < s.span.to; at += s.span.period {
		x, has := s.values[at]
		switch {
		case has:
			last, any = x, true
		case isNumber:
			out.values[at] = number
		case any:
			out.values[at] = last
		}
	}
	return out, nil
}

// fold sums up, or the like: a series to a number, a list of series to one series.
func (p *parser) fold(name string, v value) (value, error) {
	switch v := v.(type) {
	case series:
		return fold(name, slices.Collect(maps.Values(v.values))), nil
	case []series:
		if len(v) == 0 {
			return nil, p.fault("%s of no time series", name)
		}
		out := series{span: v[0].span, values: map[int64]float64{}}
		at := map[int64][]float64{}
		for _, s := range v {
			for t, x := range s.values {
				at[t] = append(at[t], x)
			}
		}
		for t, xs := range at {
			out.values[t] = fold(name, xs)
		}
		return out, nil
	default:
		return nil, p.fault("%s takes time series", name)
	}
}

func fold(name string, xs []float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	slices.Sort(xs) // so that equal values give equal sums
	switch name {
	case "MIN":
		return xs[0]
	case "MAX":
		return xs[len(xs)-1]
	}
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	if name == "AVG" {
		return sum / float64(len(xs))
	}
	return sum
}

// apply carries an operator out. Of two series the periods count that both have a value
// of; a division by zero gives none.
func (p *parser) apply(op string, left, right value) (value, error) {
	switch l := left.(type) {
	case float64:
		switch r := right.(type) {
		case float64:
			return compute(op, l, r), nil
		case series:
			return r.mapped(func(x float64) float64 { return compute(op, l, x) }), nil
		}
	case series:
		switch r := right.(type) {
		case float64:
			return l.mapped(func(x float64) float64 { return compute(op, x, r) }), nil
		case series:
			out := series{span: l.span, values: map[int64]float64{}}
			for at, x := range l.values {
				if y, ok := r.values[at]; ok {
					if z := compute(op, x, y); !math.IsNaN(z) && !math.IsInf(z, 0) {
						out.values[at] = z
					}
				}
			}
			return out, nil
		}
	}
	return nil, p.fault("'%s' takes numbers and time series", op)
}

func compute(op string, x, y float64) float64 {
	switch op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	case "/":
		return x / y
	default:
		return math.Pow(x, y)
	}
}
