package runtimes

import "context"

// Check returns nil when this host can run the runtime, otherwise an *Unavailable
// that says how it can be made to.
func (c *Catalogue) Check(ctx context.Context, name string) error {
	e, ok := lookup(name)
	if !ok {
		return &Unavailable{Runtime: name, Remedy: "Hearth does not know it; see hearth runtimes"}
	}
	if e.language == provided {
		return nil
	}
	_, err := c.interpreter(ctx, e)
	return err
}
