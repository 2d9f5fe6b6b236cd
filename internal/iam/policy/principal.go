package policy

import (
	"fmt"
	"strings"
)

// Principal is who makes a request, as trust and resource policies see it.
type Principal struct {
	Account string // 12 digits; empty for a service
	ARN     string // of the root user, the user or the role session
	RoleARN string // of the role behind a session
	Service string // such as "lambda.amazonaws.com"; empty for the others
	// Federated is the ARN of the identity provider behind a web identity; empty for
	// the others.
	Federated string
}

// Grant is how closely a statement names the principal. An identity policy must
// allow as well when only the account was named, and a permissions boundary or a
// session policy limits everything below GrantPrincipal (IAM user guide, policy
// evaluation logic).
type Grant uint8

// The grants, from none to the closest.
const (
	GrantNone Grant = iota
	GrantAccount
	GrantRole
	GrantPrincipal
)

type principalKind uint8

const (
	principalEveryone principalKind = iota
	principalAWSAll
	principalAccount
	principalARN
	principalService
	principalFederated
	principalForeign // canonical users and deleted principals: read, never matched
)

type principalEntry struct {
	kind principalKind
	text string
}

func (e principalEntry) match(p Principal) Grant {
	switch e.kind {
	case principalEveryone:
		return GrantRole
	case principalAWSAll:
		if p.Service == "" {
			return GrantRole
		}
	case principalAccount:
		if p.Service == "" && p.Account == e.text {
			return GrantAccount
		}
	case principalARN:
		switch e.text {
		case p.ARN:
			return GrantPrincipal
		case p.RoleARN:
			return GrantRole
		}
	case principalService:
		if p.Service != "" && p.Service == e.text {
			return GrantPrincipal
		}
	case principalFederated:
		if p.Federated != "" && p.Federated == e.text {
			return GrantPrincipal
		}
	case principalForeign:
	}
	return GrantNone
}

func matchPrincipals(entries []principalEntry, p Principal) Grant {
	best := GrantNone
	for _, e := range entries {
		best = max(best, e.match(p))
	}
	return best
}

func parsePrincipals(n node) ([]principalEntry, *SyntaxError) {
	if n.kind == nodeString && n.text == "*" {
		return []principalEntry{{kind: principalEveryone}}, nil
	}
	if n.kind == nodeString {
		return nil, syntaxErrorf("Invalid principal in policy: \"STRING\":\"%s\"", n.text)
	}
	if n.kind != nodeObject || len(n.members) == 0 {
		return nil, syntaxErrorf("Invalid principal in policy.")
	}
	var out []principalEntry
	for _, m := range n.members {
		texts, ok := m.value.texts(false)
		if !ok {
			return nil, syntaxErrorf("Invalid principal in policy.")
		}
		for _, text := range texts {
			entry, ok := parsePrincipal(m.name, text)
			if !ok {
				return nil, InvalidPrincipal(m.name, text)
			}
			out = append(out, entry)
		}
	}
	if len(out) == 0 { // under NotPrincipal, nobody would be everybody
		return nil, syntaxErrorf("Invalid principal in policy.")
	}
	return out, nil
}

// InvalidPrincipal is AWS's error for a principal that is malformed or does not
// exist. kind is its member of the Principal element, such as "AWS".
func InvalidPrincipal(kind, text string) *SyntaxError {
	return &SyntaxError{Message: fmt.Sprintf(`Invalid principal in policy: "%s":"%s"`, strings.ToUpper(kind), text)}
}

func parsePrincipal(kind, text string) (principalEntry, bool) {
	switch kind {
	case "AWS":
		return parseAWSPrincipal(text)
	case "Service":
		// Names such as lambda.amazonaws.com; * is allowed in AWS principals only.
		ok := strings.HasSuffix(text, ".amazonaws.com") || strings.HasSuffix(text, ".amazonaws.com.cn") ||
			strings.HasSuffix(text, ".amazon.com") || strings.HasSuffix(text, ".aws.internal")
		return principalEntry{principalService, text}, ok && !strings.ContainsAny(text, "*? ")
	case "Federated":
		return principalEntry{principalFederated, text}, text != ""
	case "CanonicalUser":
		return principalEntry{principalForeign, text}, text != ""
	}
	return principalEntry{}, false
}

func parseAWSPrincipal(text string) (principalEntry, bool) {
	if text == "*" {
		return principalEntry{kind: principalAWSAll}, true
	}
	if isAccount(text) {
		return principalEntry{principalAccount, text}, true
	}
	if isUniqueID(text) {
		// What AWS puts in place of a principal that was deleted: it names nobody.
		return principalEntry{principalForeign, text}, true
	}
	parts := strings.SplitN(text, ":", arnHead+1)
	if len(parts) != arnHead+1 || parts[0] != "arn" || !strings.HasPrefix(parts[1], "aws") ||
		parts[3] != "" || !isAccount(parts[4]) || strings.ContainsAny(text, "*?") {
		return principalEntry{}, false
	}
	resource := parts[5]
	switch {
	case parts[2] == "iam" && resource == "root":
		return principalEntry{principalAccount, parts[4]}, true
	case parts[2] == "iam" && (hasName(resource, "role/") || hasName(resource, "user/")),
		parts[2] == "sts" && (hasName(resource, "assumed-role/") || hasName(resource, "federated-user/")):
		return principalEntry{principalARN, text}, true
	}
	return principalEntry{}, false
}

func hasName(resource, prefix string) bool {
	return strings.HasPrefix(resource, prefix) && len(resource) > len(prefix)
}

func isAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	return strings.Trim(s, "0123456789") == ""
}

func isUniqueID(s string) bool {
	return len(s) >= 16 && (strings.HasPrefix(s, "AROA") || strings.HasPrefix(s, "AIDA")) &&
		strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}
