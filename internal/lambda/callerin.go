package lambda

import "context"

// CallerIn is CallerFrom for code that also runs on behalf of nobody: it reports
// false when ctx carries no caller.
func CallerIn(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}
