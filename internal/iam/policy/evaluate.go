package policy

// Effect is what a statement, or a set of policies, says of a request.
type Effect uint8

// The effects. None is the implicit deny: no statement applies.
const (
	None Effect = iota
	Allow
	Deny
)

// Context answers for condition keys and policy variables. Keys come in lower
// case. Lookup may be called from many goroutines only if the request is shared.
type Context interface {
	Lookup(key string) (values []string, ok bool)
}

// StableContext is a Context that knows which of its keys always have the same
// values for one principal. Looking at those makes no decision conditional.
type StableContext interface {
	Context
	Stable(key string) bool
}

// Values is a Context of fixed values under lower-case keys.
type Values map[string][]string

// Lookup returns the values under key.
func (v Values) Lookup(key string) ([]string, bool) {
	values, ok := v[key]
	return values, ok
}

// Request is what a policy is asked about.
type Request struct {
	Action    string // "lambda:InvokeFunction"
	Resource  string // an ARN, or "*" for an action on nothing in particular
	Principal Principal
	Context   Context // nil has no keys
}

// Source is a policy under the name by which an explanation calls it.
type Source struct {
	Name   string
	Policy *Policy
}

// Decision is what a set of policies says and which statement made it so.
type Decision struct {
	Effect Effect
	// Policy, Sid and Statement name the deciding statement: its policy, its Sid if
	// it has one, and its place in the document counted from 0. They are empty and 0
	// when Effect is None.
	Policy    string
	Sid       string
	Statement int
	// Grant is how closely an allowing trust or resource policy named the principal.
	Grant Grant
	// Conditional says that the request's context was looked at, stable keys apart: the
	// same action and resource can come out otherwise next time.
	Conditional bool
}

// evaluation is one request on its way through policies.
type evaluation struct {
	request     *Request
	conditional bool
}

func (e *evaluation) lookup(key string) ([]string, bool) {
	if c, ok := e.request.Context.(StableContext); !ok || !c.Stable(key) {
		e.conditional = true
	}
	if e.request.Context == nil {
		return nil, false
	}
	return e.request.Context.Lookup(key)
}

// Evaluate asks all policies of one layer: a Deny anywhere wins, then an Allow
// anywhere. Of several allows it reports the first with the closest grant.
func Evaluate(sources []Source, r *Request) Decision {
	e := evaluation{request: r}
	var allowed Decision
	for i := range sources {
		p := sources[i].Policy
		for j := range p.statements {
			st := &p.statements[j]
			grant, applies := st.applies(&e)
			if !applies || st.effect == Allow && allowed.Effect == Allow && grant <= allowed.Grant {
				continue
			}
			d := Decision{Effect: st.effect, Policy: sources[i].Name, Sid: st.sid, Statement: j, Grant: grant}
			if st.effect == Deny {
				d.Conditional = e.conditional
				return d
			}
			allowed = d
		}
	}
	allowed.Conditional = e.conditional
	return allowed
}

// statement is compiled; all of its elements must fit for it to apply.
type statement struct {
	sid          string
	effect       Effect
	hasPrincipal bool
	notPrincipal bool
	principals   []principalEntry
	notAction    bool
	actions      []pattern
	anyResource  bool // trust policies have no Resource
	notResource  bool
	resources    []arnPattern
	conditions   []condition
}

func (s *statement) applies(e *evaluation) (Grant, bool) {
	grant := GrantNone
	if s.hasPrincipal {
		grant = matchPrincipals(s.principals, e.request.Principal)
		if (grant == GrantNone) != s.notPrincipal {
			return GrantNone, false
		}
		if s.notPrincipal {
			grant = GrantRole
		}
	}
	if s.matchAction(e) == s.notAction || !s.matchResource(e) {
		return GrantNone, false
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(e) {
			return GrantNone, false
		}
	}
	return grant, true
}

func (s *statement) matchAction(e *evaluation) bool {
	for i := range s.actions {
		if ok, _ := s.actions[i].match(e, e.request.Action); ok {
			return true
		}
	}
	return false
}

// matchResource includes the sense of NotResource. A resource whose variable the
// request does not have makes the statement not apply, in either sense.
func (s *statement) matchResource(e *evaluation) bool {
	if s.anyResource {
		return true
	}
	for i := range s.resources {
		ok, known := s.resources[i].match(e, e.request.Resource)
		if ok {
			return !s.notResource
		}
		if !known && s.notResource {
			return false
		}
	}
	return s.notResource
}
