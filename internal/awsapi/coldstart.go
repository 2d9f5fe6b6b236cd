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

// coldStartValue prints the parts in the order in which they happen. Those that a
// start did not have are left out, but for those that every one has.
func coldStartValue(c *lambda.ColdStart) string {
	b := make([]byte, 0, 128)
	b = append(b, '{')
	for name, took := range c.Parts() {
		if took == 0 && name != "fetch" && name != "unpack" && name != "init" {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = strconv.AppendQuote(b, name)
		b = append(b, ':')
		b = strconv.AppendFloat(b, float64(took)/float64(time.Millisecond), 'f', 2, 64)
	}
	return string(append(b, '}'))
}
