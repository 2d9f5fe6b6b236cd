package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is what a run found.
type report struct {
	Machine   string `json:"machine"`
	Isolation string `json:"isolation"`
	Runtimes  string `json:"runtimes"`
	Rows      []row  `json:"rows"`
	// Failures are sentences about what could not be measured, or had errors.
	Failures []string `json:"failures,omitempty"`

	group string
}

// row is one line of a table: a thing measured, its figures in order, and what is
// promised for it.
type row struct {
	Group   string   `json:"group"`
	Name    string   `json:"name"`
	Figures []figure `json:"figures"`
	Goal    string   `json:"goal,omitempty"`
}

// figure is one number with its unit.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

func newReport(isolation, node, python string) *report {
	return &report{
		Machine:   fmt.Sprintf("%d CPUs, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version()),
		Isolation: isolation,
		Runtimes:  strings.Join(slices.DeleteFunc([]string{node, python}, func(s string) bool { return s == "" }), ", "),
	}
}

func (r *report) add(name, goal string, figures ...figure) {
	r.Rows = append(r.Rows, row{Group: r.group, Name: name, Figures: figures, Goal: goal})
}

// fail records why something could not be measured.
func (r *report) fail(name string, err error) {
	r.Failures = append(r.Failures, name+": "+err.Error())
}

// micros and millis are durations as figures.
func micros(name string, d time.Duration) figure {
	return figure{name, float64(d) / float64(time.Microsecond), "µs"}
}

func millis(name string, d time.Duration) figure {
	return figure{name, float64(d) / float64(time.Millisecond), "ms"}
}

func (r *report) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

func (r *report) writeTables(w io.Writer) error {
	fmt.Fprintf(w, "%s; %s isolation; %s\n", r.Machine, r.Isolation, r.Runtimes)
	for i := 0; i < len(r.Rows); {
		end := i
		for end < len(r.Rows) && r.Rows[end].Group == r.Rows[i].Group {
			end++
		}
		if err := writeTable(w, r.Rows[i:end]); err != nil {
			return err
		}
		i = end
	}
	if len(r.Failures) > 0 {
		fmt.Fprintln(w, "\nNot as it should be")
	}
	for _, f := range r.Failures {
		fmt.Fprintln(w, "  "+f)
	}
	return nil
}

func writeTable(w io.Writer, rows []row) error {
	fmt.Fprintf(w, "\n%s\n\n", rows[0].Group)
	var columns []string
	for _, r := range rows {
		for _, f := range r.Figures {
			if c := heading(f); !slices.Contains(columns, c) {
				columns = append(columns, c)
			}
		}
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.Join(append(append([]string{"  "}, columns...), "goal"), "\t"))
	for _, r := range rows {
		cells := []string{"  " + r.Name}
		for _, c := range columns {
			cell := "-"
			if i := slices.IndexFunc(r.Figures, func(f figure) bool { return heading(f) == c }); i >= 0 {
				cell = number(r.Figures[i].Value)
			}
			cells = append(cells, cell)
		}
		fmt.Fprintln(tw, strings.Join(append(cells, r.Goal), "\t"))
	}
	return tw.Flush()
}

func heading(f figure) string {
	if f.Unit == "" {
		return f.Name
	}
	return f.Name + " " + f.Unit
}

func number(v float64) string {
	switch {
	case v == float64(int64(v)), v >= 1000:
		return fmt.Sprintf("%.0f", v)
	case v >= 100:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// quantile is the value that a share q of the sorted durations is at or below.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func sorted(d []time.Duration) []time.Duration {
	d = slices.Clone(d)
	slices.Sort(d)
	return d
}

func median(d []time.Duration) time.Duration { return quantile(sorted(d), 0.5) }
