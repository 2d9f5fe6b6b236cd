package policy

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// The model is a second evaluator, written plainly from the IAM user guide's policy
// evaluation logic and element reference: slow, recursive, without compiled forms,
// and without a line in common with the real one. It knows the part of the language
// that the generator below writes.
type modelStatement struct {
	Effect    string
	Principal string `json:",omitempty"` // account of an AWS principal; resource policies only
	Action    []string
	NotAction []string
	Resource  []string
	Condition map[string]map[string][]string
}

func globModel(pattern, s string) bool {
	switch {
	case pattern == "":
		return s == ""
	case pattern[0] == '*':
		return globModel(pattern[1:], s) || s != "" && globModel(pattern, s[1:])
	case s == "":
		return false
	case pattern[0] == '?' || pattern[0] == s[0]:
		return globModel(pattern[1:], s[1:])
	}
	return false
}

func anyOf(patterns []string, s string) bool {
	for _, p := range patterns {
		if globModel(p, s) {
			return true
		}
	}
	return false
}

// arnModel compares partition, service, region and account apart, the rest whole.
func arnModel(pattern, arn string) bool {
	if pattern == "*" {
		return true
	}
	p, a := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(p) != 6 || len(a) != 6 {
		return false
	}
	for i := range p {
		if !globModel(p[i], a[i]) {
			return false
		}
	}
	return true
}

func conditionModel(operator, key string, wanted []string, ctx Values) bool {
	have, present := ctx[strings.ToLower(key)]
	base, ifExists := strings.CutSuffix(operator, "IfExists")
	quantifier, name, quantified := strings.Cut(base, ":")
	if !quantified {
		quantifier, name = "", base
	}
	if name == "Null" {
		return (wanted[0] == "true") == !present
	}
	negated := strings.Contains(name, "Not")
	one := func(v string) bool { // one value against all of the policy's
		for _, w := range wanted {
			equal := v == w
			if strings.HasSuffix(name, "Like") {
				equal = globModel(w, v)
			}
			if strings.HasSuffix(name, "IgnoreCase") {
				equal = strings.EqualFold(v, w)
			}
			if equal {
				return !negated
			}
		}
		return negated
	}
	if !present {
		return ifExists || quantifier == "ForAllValues" || quantifier == "" && negated
	}
	all, some := true, false
	for _, v := range have {
		all, some = all && one(v), some || one(v)
	}
	switch {
	case quantifier == "ForAllValues", quantifier == "" && negated:
		return all
	default:
		return some
	}
}

func (s modelStatement) applies(r *Request) bool {
	if s.Principal != "" && s.Principal != r.Principal.Account {
		return false
	}
	if s.Action != nil && !anyOf(lower(s.Action), strings.ToLower(r.Action)) {
		return false
	}
	if s.NotAction != nil && anyOf(lower(s.NotAction), strings.ToLower(r.Action)) {
		return false
	}
	found := false
	for _, p := range s.Resource {
		found = found || arnModel(p, r.Resource)
	}
	if !found {
		return false
	}
	for operator, keys := range s.Condition {
		for key, wanted := range keys {
			if !conditionModel(operator, key, wanted, r.Context.(Values)) {
				return false
			}
		}
	}
	return true
}

func lower(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strings.ToLower(s)
	}
	return out
}

func effectModel(statements []modelStatement, r *Request) Effect {
	effect := None
	for _, s := range statements {
		if !s.applies(r) {
			continue
		}
		if s.Effect == "Deny" {
			return Deny
		}
		effect = Allow
	}
	return effect
}

// decideModel is the flow of the user guide's chart. A resource policy names whole
// accounts here, so that in the same account an identity policy is needed besides.
func decideModel(layers map[Layer][]modelStatement, cross bool, r *Request) bool {
	allows := func(l Layer) bool { return effectModel(layers[l], r) == Allow }
	for l := range layers {
		if effectModel(layers[l], r) == Deny {
			return false
		}
	}
	for _, l := range []Layer{LayerBoundary, LayerSession} {
		if _, inForce := layers[l]; inForce && !allows(l) {
			return false
		}
	}
	return allows(LayerIdentity) && (!cross || allows(LayerResource))
}

// TestTheEvaluatorAgreesWithTheModel writes random policies and requests from a
// small world, in which most parts meet, and compares the two evaluators.
func TestTheEvaluatorAgreesWithTheModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[rnd.IntN(len(from))] }
	some := func(from ...string) []string {
		out := []string{pick(from...)}
		for rnd.IntN(3) == 0 {
			out = append(out, pick(from...))
		}
		return out
	}
	const arn = "arn:aws:sqs:eu-west-1:111111111111:"
	resources := []string{"*", arn + "a", arn + "*", arn + "a*b", "arn:aws:sqs:*:111111111111:a", "arn:aws:sqs:eu-*:1*:?", "arn:aws:s3:::a/*"}
	write := func(resourcePolicy bool) modelStatement {
		s := modelStatement{Effect: pick("Allow", "Allow", "Allow", "Deny"), Resource: some(resources...)}
		actions := some("*", "sqs:*", "SQS:Send*", "sqs:SendMessage", "sqs:?eceiveMessage", "s3:GetObject")
		if rnd.IntN(5) == 0 {
			s.NotAction = actions
		} else {
			s.Action = actions
		}
		for rnd.IntN(2) == 0 {
			operator := pick("", "", "", "ForAllValues:", "ForAnyValue:") +
				pick("StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase") +
				pick("", "", "IfExists")
			wanted := some("x", "X", "xy", "x*", "?")
			if rnd.IntN(6) == 0 {
				operator, wanted = "Null", []string{pick("true", "false")}
			}
			if s.Condition == nil {
				s.Condition = map[string]map[string][]string{}
			}
			s.Condition[operator] = map[string][]string{pick("aws:One", "AWS:one", "aws:Two", "aws:Many"): wanted}
		}
		if resourcePolicy {
			s.Principal = pick("111111111111", "222222222222")
		}
		return s
	}
	source := func(kind Kind, statements []modelStatement) []Source {
		list := []map[string]any{}
		for _, s := range statements {
			m := map[string]any{"Effect": s.Effect, "Resource": s.Resource}
			if s.Action != nil {
				m["Action"] = s.Action
			} else {
				m["NotAction"] = s.NotAction
			}
			if s.Principal != "" {
				m["Principal"] = map[string]string{"AWS": s.Principal}
			}
			if s.Condition != nil {
				m["Condition"] = s.Condition
			}
			list = append(list, m)
		}
		text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": list})
		if err != nil {
			t.Fatal(err)
		}
		p, err := Parse(kind, string(text))
		if err != nil {
			t.Fatalf("parse %s: %v", text, err)
		}
		return []Source{{Name: string(text), Policy: p}}
	}
	allowed := 0
	for round := range 5000 {
		model := map[Layer][]modelStatement{}
		layers := Layers{CrossAccount: rnd.IntN(3) == 0}
		for l, to := range map[Layer]*[]Source{LayerIdentity: &layers.Identity, LayerBoundary: &layers.Boundary, LayerSession: &layers.Session, LayerResource: &layers.Resource} {
			if l != LayerIdentity && rnd.IntN(3) > 0 {
				continue
			}
			kind := Identity
			if l == LayerResource {
				kind = Resource
			}
			for range 1 + rnd.IntN(3) {
				model[l] = append(model[l], write(l == LayerResource))
			}
			*to = source(kind, model[l])
		}
		ctx := Values{}
		for _, key := range []string{"aws:one", "aws:two"} {
			if rnd.IntN(3) > 0 {
				ctx[key] = []string{pick("x", "X", "xy", "z")}
			}
		}
		if rnd.IntN(2) == 0 {
			ctx["aws:many"] = some("x", "xy", "z")
		}
		r := &Request{
			Action: pick("sqs:SendMessage", "sqs:ReceiveMessage", "s3:GetObject"), Resource: pick(arn+"a", arn+"ab", "arn:aws:s3:::a/b"),
			Principal: Principal{Account: "222222222222", ARN: "arn:aws:iam::222222222222:user/u"}, Context: ctx,
		}
		if !layers.CrossAccount {
			r.Principal = Principal{Account: "111111111111", ARN: "arn:aws:iam::111111111111:user/u"}
		}
		got, want := layers.Decide(r), decideModel(model, layers.CrossAccount, r)
		if got.Allowed != want {
			t.Fatalf("round %d: %s on %s with %v, cross-account %v: got %v, the model says %v\n%s", round, r.Action, r.Resource, ctx,
				layers.CrossAccount, got.Allowed, want, fmt.Sprintf("identity %v\nboundary %v\nsession %v\nresource %v", layers.Identity, layers.Boundary, layers.Session, layers.Resource))
		}
		if want {
			allowed++
		}
	}
	if allowed < 200 {
		t.Errorf("only %d of the requests are allowed: the test tells little", allowed)
	}
}
