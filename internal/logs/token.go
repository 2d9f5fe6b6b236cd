package logs

import (
	"encoding/base64"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// nameToken is the nextToken of a list that is ordered by name: the last name of
// the page. It is opaque to callers and survives changes of the list.
func nameToken(name string) *string {
	return aws.String(base64.RawURLEncoding.EncodeToString([]byte("n" + name)))
}

// parseNameToken is the name in a token; the absent token is the beginning.
func parseNameToken(token *string) (string, bool) {
	if token == nil {
		return "", true
	}
	b, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil {
		return "", false
	}
	return strings.CutPrefix(string(b), "n")
}

// The tokens of GetLogEvents say a direction and the place where it goes on.
const (
	forwardPrefix  = "f/"
	backwardPrefix = "b/"
	tokenSuffix    = "/s"
)

func forwardToken(p position) *string { return aws.String(forwardPrefix + p.String() + tokenSuffix) }

func backwardToken(p position) *string { return aws.String(backwardPrefix + p.String() + tokenSuffix) }

func parseEventsToken(token string) (p position, backward, ok bool) {
	body, ok := strings.CutSuffix(token, tokenSuffix)
	if !ok {
		return position{}, false, false
	}
	digits, backward := strings.CutPrefix(body, backwardPrefix)
	if !backward {
		if digits, ok = strings.CutPrefix(body, forwardPrefix); !ok {
			return position{}, false, false
		}
	}
	p, ok = parsePosition(digits)
	return p, backward, ok
}

// filterToken is the nextToken of FilterLogEvents: the place of the last event
// that was looked at, and the direction, which a later request cannot change.
func filterToken(p position, backward bool) *string {
	direction := "f"
	if backward {
		direction = "b"
	}
	return aws.String(base64.RawURLEncoding.EncodeToString([]byte(direction + p.String())))
}

func parseFilterToken(token string) (p position, backward, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) == 0 || b[0] != 'f' && b[0] != 'b' {
		return position{}, false, false
	}
	p, ok = parsePosition(string(b[1:]))
	return p, b[0] == 'b', ok
}
