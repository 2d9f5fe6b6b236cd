package policy

import "strings"

func parseStatement(kind Kind, n node, variables bool) (statement, *SyntaxError) {
	if n.kind != nodeObject {
		return statement{}, syntaxErrorf(textSyntax)
	}
	st := statement{}
	for _, m := range n.members {
		if err := st.parseElement(kind, m, variables); err != nil {
			return statement{}, err
		}
	}
	if err := st.complete(kind, n); err != nil {
		return statement{}, err
	}
	return st, nil
}

func (st *statement) parseElement(kind Kind, m member, variables bool) *SyntaxError {
	switch m.name {
	case "Sid":
		// Resource policies allow more characters in a Sid than identity policies do.
		if m.value.kind != nodeString || kind == Identity && !isSid(m.value.text) {
			return syntaxErrorf(textSyntax)
		}
		st.sid = m.value.text
	case "Effect":
		switch {
		case m.value.kind == nodeString && m.value.text == "Allow":
			st.effect = Allow
		case m.value.kind == nodeString && m.value.text == "Deny":
			st.effect = Deny
		default:
			return syntaxErrorf(textSyntax)
		}
	case "Principal", "NotPrincipal":
		if kind == Identity {
			return syntaxErrorf("Policy document should not specify a principal.")
		}
		entries, err := parsePrincipals(m.value)
		if err != nil {
			return err
		}
		st.principals, st.hasPrincipal, st.notPrincipal = entries, true, m.name == "NotPrincipal"
	case "Action", "NotAction":
		st.notAction = m.name == "NotAction"
		return st.parseActions(kind, m.value)
	case "Resource", "NotResource":
		if kind == Trust {
			return syntaxErrorf("Has prohibited field %s", m.name)
		}
		st.notResource = m.name == "NotResource"
		return st.parseResources(m.value, variables)
	case "Condition":
		conditions, ok := parseConditions(m.value, variables)
		if !ok {
			return syntaxErrorf(textSyntax)
		}
		st.conditions = conditions
	default:
		return unknown(kind, m.name)
	}
	return nil
}

// complete checks what a statement must have and what excludes each other.
func (st *statement) complete(kind Kind, n node) *SyntaxError {
	for _, pair := range [][2]string{{"Action", "NotAction"}, {"Resource", "NotResource"}, {"Principal", "NotPrincipal"}} {
		_, plain := n.get(pair[0])
		_, not := n.get(pair[1])
		if plain && not {
			return syntaxErrorf(textSyntax)
		}
	}
	switch {
	case st.effect == None:
		return missing(kind, "Effect", textSyntax)
	case len(st.actions) == 0:
		return missing(kind, "Action", "Policy statement must contain actions.")
	case kind != Identity && !st.hasPrincipal:
		return missing(kind, "Principal", textSyntax)
	case st.notPrincipal && st.effect == Allow:
		// It would let in everyone who is not named (IAM user guide, NotPrincipal).
		return syntaxErrorf("Allow with NotPrincipal is not allowed.")
	case kind == Trust:
		st.anyResource = true
	case len(st.resources) == 0:
		return missing(kind, "Resource", "Policy statement must contain resources.")
	}
	return nil
}

func (st *statement) parseActions(kind Kind, n node) *SyntaxError {
	texts, ok := n.texts(false)
	if !ok {
		return syntaxErrorf(textSyntax)
	}
	for _, text := range texts {
		if err := checkAction(kind, text); err != nil {
			return err
		}
		st.actions = append(st.actions, compilePattern(text, syntax{wildcards: true, fold: true}))
	}
	return nil
}

func checkAction(kind Kind, text string) *SyntaxError {
	if kind == Trust && !strings.HasPrefix(strings.ToLower(text), "sts:") {
		return syntaxErrorf("AssumeRole policy may only specify STS AssumeRole actions.")
	}
	if text == "*" {
		return nil
	}
	vendor, action, found := strings.Cut(text, ":")
	switch {
	case !found:
		return syntaxErrorf("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
	case strings.Contains(action, ":"):
		return syntaxErrorf("Actions/Condition can contain only one colon.")
	case vendor == "" || strings.Trim(strings.ToLower(vendor), "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return syntaxErrorf("Vendor %s is not valid", vendor)
	case action == "":
		return syntaxErrorf(textSyntax)
	}
	return nil
}

func (st *statement) parseResources(n node, variables bool) *SyntaxError {
	texts, ok := n.texts(false)
	if !ok {
		return syntaxErrorf(textSyntax)
	}
	for _, text := range texts {
		if err := checkResource(text, variables); err != nil {
			return err
		}
		st.resources = append(st.resources, compileARN(text, variables))
	}
	return nil
}

func checkResource(text string, variables bool) *SyntaxError {
	if text != "" && strings.Trim(text, "*") == "" {
		return nil
	}
	if !strings.HasPrefix(text, "arn:") {
		return syntaxErrorf("Resource %s must be in ARN format or \"*\".", text)
	}
	parts := splitARN(text, variables)
	if len(parts) > 1 && !strings.HasPrefix(parts[1], "aws") && !strings.HasPrefix(parts[1], "*") {
		return syntaxErrorf("Partition \"%s\" is not valid for resource \"%s\".", parts[1], text)
	}
	if len(parts) <= arnHead && !strings.HasSuffix(text, "*") {
		return syntaxErrorf("The policy failed legacy parsing")
	}
	if len(parts) > arnHead && parts[2] != "*" && strings.ContainsAny(parts[2], "*?") {
		return syntaxErrorf("Resource vendor must be fully qualified and cannot contain regexes.")
	}
	return nil
}

// Principals returns the ARNs that Principal and NotPrincipal elements name: roles,
// users and sessions, not accounts. The owner of identities checks that they exist.
func (p *Policy) Principals() []string {
	var out []string
	for _, st := range p.statements {
		for _, e := range st.principals {
			if e.kind == principalARN {
				out = append(out, e.text)
			}
		}
	}
	return out
}
