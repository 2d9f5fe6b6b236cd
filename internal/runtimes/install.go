package runtimes

import (
	"context"
	"fmt"
	"io"
)

// Installable lists the names that Install takes.
func (c *Catalogue) Installable() []string {
	var names []string
	for _, e := range entries {
		if e.language == node {
			names = append(names, e.name)
		}
	}
	return append(names, sdkName(node), sdkName(python))
}

// Install puts a runtime or an SDK into Hearth's own directory: nodejs22.x and its
// like with the SDK, nodejs-sdk, python-sdk. It says on progress what it does. What
// is installed already is left alone. A name that it cannot install is an
// *Unavailable that says what to do instead.
func (c *Catalogue) Install(ctx context.Context, name string, progress io.Writer) error {
	switch name {
	case sdkName(node):
		return c.installNodeSDK(ctx, progress)
	case sdkName(python):
		return c.installPythonSDK(ctx, progress)
	}
	e, ok := lookup(name)
	switch {
	case !ok:
		return &Unavailable{Runtime: name, Remedy: "Hearth does not know it; see hearth runtimes"}
	case e.language == provided:
		say(progress, "%s needs nothing but the function's own bootstrap", name)
		return nil
	}
	if it, err := c.interpreter(ctx, e); err == nil {
		say(progress, "%s is served by %s (%s)", name, it.path, it.version)
	} else if e.language == python {
		return &Unavailable{Runtime: name, Remedy: e.remedy()}
	} else if err := c.installNode(ctx, e, progress); err != nil {
		return err
	}
	if e.language == node {
		return c.installNodeSDK(ctx, progress)
	}
	return c.installPythonSDK(ctx, progress)
}

// say prints one line of progress. Who listens is not ours to worry about.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
