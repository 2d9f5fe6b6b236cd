package awsapi

import (
	"strconv"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// headerColdStart is a header of Hearth's own: the parts of the cold start that an
// invoke waited for, as a JSON object of step to milliseconds. Warm invokes have
// none.
const headerColdStart = "X-Hearth-Coldstart"

// coldStartValue prints the parts in the order in which they happen.
func coldStartValue(c *lambda.ColdStart) string {
	type part struct {
		name string
		took time.Duration
	}
	made := part{"sandbox", c.Sandbox}
	if c.Assign > 0 {
		made = part{"assign", c.Assign}
	}
	b := make([]byte, 0, 96)
	b = append(b, '{')
	for i, part := range []part{{"fetch", c.Fetch}, {"unpack", c.Unpack}, made, {"init", c.Init}} {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendQuote(b, part.name)
		b = append(b, ':')
		b = strconv.AppendFloat(b, float64(part.took)/float64(time.Millisecond), 'f', 2, 64)
	}
	return string(append(b, '}'))
}
