package policy

// Layer is one of the sets of policies that together decide a request.
type Layer uint8

// The layers, as AWS's texts of a denial tell them apart.
const (
	LayerIdentity Layer = iota
	LayerResource
	LayerBoundary
	LayerSession
	LayerTrust
)

// Layers are all policies that apply to a request. A nil Boundary or Session is
// not in force; an empty one that is not nil allows nothing.
type Layers struct {
	Identity []Source
	Boundary []Source
	Session  []Source
	// Resource is the policy of the resource (or of the role, for AssumeRole);
	// nil when it has none.
	Resource []Source
	// Trust says that Resource is a role's trust policy, which must always allow.
	Trust bool
	// CrossAccount says that the resource belongs to another account than the
	// principal: both sides must allow then.
	CrossAccount bool
}

// Verdict is the answer to a request and its cause.
type Verdict struct {
	Allowed bool
	// Layer and Decision name the statement that decided. For an implicit deny, Layer
	// is the one that should have allowed and Decision.Effect is None.
	Layer    Layer
	Decision Decision
	// Conditional says that some condition or variable was looked at on the way.
	Conditional bool
}

// Decide combines the layers (IAM user guide, policy evaluation logic): an
// explicit deny anywhere denies; within one account either the identity's or the
// resource's policies must allow, across accounts both; a permissions boundary and
// a session policy must allow too, unless the resource policy names the session.
func (l *Layers) Decide(r *Request) Verdict {
	identity := Evaluate(l.Identity, r)
	resource := Evaluate(l.Resource, r)
	boundary, session := Decision{Effect: Allow}, Decision{Effect: Allow}
	if l.Boundary != nil {
		boundary = Evaluate(l.Boundary, r)
	}
	if l.Session != nil {
		session = Evaluate(l.Session, r)
	}
	v := Verdict{Conditional: identity.Conditional || resource.Conditional || boundary.Conditional || session.Conditional}
	resourceLayer := LayerResource
	if l.Trust {
		resourceLayer = LayerTrust
	}
	end := func(layer Layer, d Decision) Verdict {
		v.Layer, v.Decision = layer, d
		return v
	}
	switch {
	case identity.Effect == Deny:
		return end(LayerIdentity, identity)
	case resource.Effect == Deny:
		return end(resourceLayer, resource)
	case boundary.Effect == Deny:
		return end(LayerBoundary, boundary)
	case session.Effect == Deny:
		return end(LayerSession, session)
	}
	if resource.Effect != Allow && (l.CrossAccount || l.Trust) {
		return end(resourceLayer, resource)
	}
	own := resource.Effect == Allow && resource.Grant > GrantAccount && !l.CrossAccount
	if !own && identity.Effect != Allow {
		return end(LayerIdentity, identity)
	}
	if !own || resource.Grant < GrantPrincipal {
		if boundary.Effect != Allow {
			return end(LayerBoundary, boundary)
		}
		if session.Effect != Allow {
			return end(LayerSession, session)
		}
	}
	v.Allowed = true
	if own {
		return end(resourceLayer, resource)
	}
	return end(LayerIdentity, identity)
}

// Cause is the end of AWS's text of a denial, such as "because no identity-based
// policy allows the lambda:GetFunction action" (IAM user guide, troubleshooting
// access denied messages).
func (v Verdict) Cause(action string) string {
	if v.Decision.Effect == Deny {
		return "with an explicit deny in " + [...]string{
			LayerIdentity: "an identity-based policy",
			LayerResource: "a resource-based policy",
			LayerBoundary: "a permissions boundary",
			LayerSession:  "a session policy",
			LayerTrust:    "the role trust policy",
		}[v.Layer]
	}
	return "because no " + [...]string{
		LayerIdentity: "identity-based policy",
		LayerResource: "resource-based policy",
		LayerBoundary: "permissions boundary",
		LayerSession:  "session policy",
		LayerTrust:    "role trust policy",
	}[v.Layer] + " allows the " + action + " action"
}
