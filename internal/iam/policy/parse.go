package policy

import (
	"fmt"
	"strings"
)

// Kind is what a document is for; the grammar differs.
type Kind uint8

// The kinds of policy. Permissions boundaries and session policies are Identity.
const (
	Identity Kind = iota
	Trust
	Resource
)

// Policy is a compiled document. It is immutable and may be shared.
type Policy struct {
	statements []statement
}

// SyntaxError says what is wrong with a document in the words AWS uses for a
// MalformedPolicyDocument.
type SyntaxError struct{ Message string }

// Error returns AWS's text.
func (e *SyntaxError) Error() string { return e.Message }

func syntaxErrorf(format string, args ...any) *SyntaxError {
	return &SyntaxError{Message: fmt.Sprintf(format, args...)}
}

const (
	textSyntax      = "Syntax errors in policy."
	textInvalidJSON = "This policy contains invalid Json"
	textOldVersion  = "Policy document must be version 2012-10-17 or greater."
	textSidTwice    = "Statement IDs (SID) in a single policy must be unique."
	version2008     = "2008-10-17"
	version2012     = "2012-10-17"
)

// Parse checks and compiles a document. The error is a *SyntaxError.
func Parse(kind Kind, document string) (*Policy, error) {
	p, err := parse(kind, document)
	if err != nil {
		return nil, err
	}
	return p, nil
}

func parse(kind Kind, document string) (*Policy, *SyntaxError) {
	root, err := readJSON(document)
	if err != nil || root.kind != nodeObject {
		if kind == Identity {
			return nil, syntaxErrorf(textSyntax)
		}
		return nil, syntaxErrorf(textInvalidJSON)
	}
	version, serr := parseHead(kind, root)
	if serr != nil {
		return nil, serr
	}
	list, found := root.get("Statement")
	if !found {
		return nil, missing(kind, "Statement", textSyntax)
	}
	nodes := list.items
	if list.kind == nodeObject {
		nodes = []node{list}
	}
	if len(nodes) == 0 {
		return nil, syntaxErrorf(textSyntax)
	}
	p := &Policy{statements: make([]statement, len(nodes))}
	sids := map[string]bool{}
	for i, n := range nodes {
		st, serr := parseStatement(kind, n, version == version2012)
		if serr != nil {
			return nil, serr
		}
		if st.sid != "" && sids[st.sid] {
			return nil, syntaxErrorf(textSidTwice)
		}
		sids[st.sid] = true
		p.statements[i] = st
	}
	if kind == Identity && version != version2012 {
		return nil, syntaxErrorf(textOldVersion)
	}
	return p, nil
}

func parseHead(kind Kind, root node) (version string, err *SyntaxError) {
	version = version2008 // what a document without Version is
	for _, m := range root.members {
		switch m.name {
		case "Version":
			if m.value.kind != nodeString || m.value.text != version2008 && m.value.text != version2012 {
				return "", syntaxErrorf(textSyntax)
			}
			version = m.value.text
		case "Id":
			if m.value.kind != nodeString {
				return "", syntaxErrorf(textSyntax)
			}
		case "Statement":
		default:
			return "", unknown(kind, m.name)
		}
	}
	return version, nil
}

// missing is the error for an absent element: trust and resource policies go
// through a parser of AWS's that names it, identity policies have own texts.
func missing(kind Kind, element, identityText string) *SyntaxError {
	if kind == Identity {
		return syntaxErrorf("%s", identityText)
	}
	return syntaxErrorf("Missing required field %s", element)
}

func unknown(kind Kind, element string) *SyntaxError {
	if kind == Identity {
		return syntaxErrorf(textSyntax)
	}
	return syntaxErrorf("Unknown field %s", element)
}

func isSid(s string) bool {
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}
