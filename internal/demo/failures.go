package demo

import (
	"context"
	"strings"
)

// failures shows that a function may fail in any way, and that the next call does
// not notice.
func (d *demo) failures(ctx context.Context) error {
	if !d.has("failing") {
		return nil
	}
	d.p.title("A function fails in each way, and is healthy again each time")
	ways := []struct{ how, wantType, wantText string }{
		{"error", "OrderError", "the lamp is sold out"},
		{"crash", "Runtime.ExitError", "exit status 3"},
		{"hang", "Sandbox.Timedout", "Task timed out after 5.00 seconds"},
	}
	if d.isolated && d.cfg.Root {
		ways = append(ways, struct{ how, wantType, wantText string }{"memory", "Runtime.ExitError", "signal: killed"})
	}
	for _, way := range ways {
		bad := d.parallel(ctx, 1, "failing", `{"how":"`+way.how+`"}`)[0]
		good := d.parallel(ctx, 1, "failing", `{"how":"none"}`)[0]
		d.p.text("%-7s %s", way.how, short(bad.String(), 140))
		d.check(bad.Error == "Unhandled" && member(bad.Payload, "errorType") == way.wantType && strings.Contains(bad.Payload, way.wantText),
			"the error is AWS's: %s", way.wantType)
		d.check(good.Error == "" && good.Payload == `"all is well"`, "the next call succeeds")
	}
	return nil
}
