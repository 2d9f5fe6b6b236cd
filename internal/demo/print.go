package demo

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// printer writes headings, lines and tables that read well in a terminal and in a
// file alike: plain text, no colours.
type printer struct{ w io.Writer }

func (p *printer) title(format string, args ...any) {
	fmt.Fprintf(p.w, "\n%s\n\n", fmt.Sprintf(format, args...))
}

func (p *printer) text(format string, args ...any) {
	fmt.Fprintf(p.w, "  %s\n", fmt.Sprintf(format, args...))
}

func (p *printer) table(rows [][]string) {
	tw := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(tw, "  "+strings.Join(row, "\t"))
	}
	_ = tw.Flush() // what cannot be written to a terminal cannot be reported there
	fmt.Fprintln(p.w)
}

func millis(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond))
}

// short cuts a payload to what fits beside a table.
func short(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return s[:most-3] + "..."
}
