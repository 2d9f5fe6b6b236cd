package policy

import "strings"

// arnHead is how many parts of an ARN are compared on their own: arn, partition,
// service, region and account. What follows is the resource.
const arnHead = 5

// arnPattern is a compiled resource of a policy or value of an ARN condition.
type arnPattern struct {
	// whole is used when comparing the text at once comes to the same: the head has
	// no wildcard or variable, or the pattern has fewer parts than an ARN.
	whole pattern
	// parts is arnHead patterns and the resource; nil when whole is used.
	parts []pattern
}

func compileARN(text string, variables bool) arnPattern {
	s := syntax{wildcards: true, variables: variables}
	texts := splitARN(text, variables)
	if len(texts) <= arnHead || isPlain(texts[:arnHead]) {
		return arnPattern{whole: compilePattern(text, s)}
	}
	parts := make([]pattern, len(texts))
	for i, t := range texts {
		parts[i] = compilePattern(t, s)
	}
	return arnPattern{parts: parts}
}

// splitARN cuts at the first arnHead colons, leaving those inside ${…} alone.
func splitARN(text string, variables bool) []string {
	var parts []string
	start := 0
	for i := 0; i < len(text) && len(parts) < arnHead; i++ {
		if variables && strings.HasPrefix(text[i:], "${") {
			if end := strings.IndexByte(text[i:], '}'); end > 0 {
				i += end
				continue
			}
		}
		if text[i] == ':' {
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

func isPlain(texts []string) bool {
	for _, t := range texts {
		if strings.ContainsAny(t, "*?$") {
			return false
		}
	}
	return true
}

func (p *arnPattern) match(e *evaluation, arn string) (ok, known bool) {
	if p.parts == nil {
		return p.whole.match(e, arn)
	}
	for i := range p.parts {
		part := arn
		if i < arnHead {
			var found bool
			part, arn, found = strings.Cut(arn, ":")
			if !found {
				return false, true
			}
		}
		if ok, known := p.parts[i].match(e, part); !ok || !known {
			return false, known
		}
	}
	return true, true
}
