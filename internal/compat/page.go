package compat

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hearthfaas/hearth/internal/wire"
)

// service is one AWS service as the page shows it.
type service struct {
	title  string
	aws    []string // every operation that AWS's SDK has
	served []string
	notes  map[string]wire.Note
}

// intro is the beginning of the page.
const intro = `# What of AWS's APIs Hearth serves

This page is made by ` + "`make generate`" + ` from the operation lists that the edge serves and
the notes beside them; a test fails when it is out of date. Do not edit it.

- **works**: as on AWS, as far as is known.
- **works, differs**: works; the note says what is different, and why.
- **recorded only**: kept and shown, has no effect.
- **not available**: answers as AWS does for something that does not exist or that a
  Region does not have.

Operations that are not served answer ` + "`NotImplementedException`" + ` (501), in S3 ` + "`NotImplemented`" + `.
`

// render writes the page.
func render(services []service) []byte {
	var b strings.Builder
	b.WriteString(intro)
	for _, s := range services {
		served := slices.Sorted(slices.Values(s.served))
		fmt.Fprintf(&b, "\n## %s: %d of %d operations\n\n", s.title, len(served), len(s.aws))
		b.WriteString("| operation | support | note |\n|---|---|---|\n")
		for _, name := range served {
			note := s.notes[name]
			support := note.Support
			if support == "" {
				support = wire.Full
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", name, support, note.Text)
		}
		missing := slices.DeleteFunc(slices.Sorted(slices.Values(s.aws)), func(name string) bool {
			_, ok := slices.BinarySearch(served, name)
			return ok
		})
		if len(missing) > 0 {
			fmt.Fprintf(&b, "\nNot served: %s.\n", strings.Join(missing, ", "))
		}
	}
	return []byte(b.String())
}

// stray are the notes on operations that are not served.
func (s service) stray() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(s.notes)), func(name string) bool {
		return slices.Contains(s.served, name)
	})
}
