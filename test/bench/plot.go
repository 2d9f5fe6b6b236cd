package main

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// panel is one diagram: lines over a logarithmic x axis.
type panel struct {
	title, x, y string
	logarithmic bool // the y axis too
	fromZero    bool // the y axis, which otherwise begins near the lowest value
	lines       []line
}

type line struct {
	name   string
	points []point
}

type point struct{ x, y float64 }

// The size of a panel, and the room around its diagram, in pixels.
const (
	panelWidth, panelHeight = 460, 300
	left, right, top, low   = 70, 20, 44, 48
	columns                 = 2
)

// lineColors are told apart by people who see few colours, on white.
var lineColors = []string{"#0b6e99", "#c4501b", "#5b7f2b"}

// drawPanels draws panels beside one another, as SVG.
func drawPanels(panels []panel) []byte {
	rows := (len(panels) + columns - 1) / columns
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", columns*panelWidth, rows*panelHeight)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#fff"/>`+"\n")
	for i, p := range panels {
		fmt.Fprintf(&b, `<g transform="translate(%d %d)">`+"\n", i%columns*panelWidth, i/columns*panelHeight)
		p.draw(&b)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

func (p panel) draw(b *strings.Builder) {
	var xs, ys []float64
	for _, l := range p.lines {
		for _, pt := range l.points {
			xs, ys = append(xs, math.Log2(math.Max(pt.x, 1))), append(ys, p.scaleY(pt.y))
		}
	}
	if len(xs) == 0 {
		return
	}
	x := axis{slices.Min(xs), slices.Max(xs), left, panelWidth - right}
	ticks := p.ticks(slices.Min(ys), slices.Max(ys))
	y := axis{p.scaleY(ticks[0]), p.scaleY(ticks[len(ticks)-1]), panelHeight - low, top}
	text := func(px, py float64, anchor, more, s string) {
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" %s>%s</text>`+"\n", px, py, anchor, more, html.EscapeString(s))
	}
	text(left, 18, "start", `font-weight="bold" font-size="13"`, p.title)
	for _, t := range ticks {
		at := y.at(p.scaleY(t))
		fmt.Fprintf(b, `<path d="M%d %.1fH%d" stroke="#ddd"/>`+"\n", left, at, panelWidth-right)
		text(left-6, at+4, "end", `fill="#444"`, p.value(t))
	}
	edge := math.Inf(-1)
	for _, pt := range p.lines[0].points {
		at := x.at(math.Log2(math.Max(pt.x, 1)))
		fmt.Fprintf(b, `<path d="M%.1f %dv5" stroke="#444"/>`+"\n", at, panelHeight-low)
		if at-edge > 26 { // else the names of two ticks would touch
			text(at, panelHeight-low+18, "middle", `fill="#444"`, short(pt.x))
			edge = at
		}
	}
	text((left+panelWidth-right)/2, panelHeight-10, "middle", `fill="#444"`, p.x)
	begin := float64(left)
	for i, l := range p.lines {
		color := lineColors[i%len(lineColors)]
		var path strings.Builder
		for j, pt := range l.points {
			px, py := x.at(math.Log2(math.Max(pt.x, 1))), y.at(p.scaleY(pt.y))
			fmt.Fprintf(&path, "%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[j == 0], px, py)
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", px, py, color)
		}
		fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="1.8"/>`+"\n", path.String(), color)
		if len(p.lines) > 1 {
			text(begin, 35, "start", `fill="`+color+`"`, "● "+l.name)
			begin += 7*float64(len(l.name)) + 34
		}
	}
}

// axis maps values to pixels.
type axis struct{ from, to, start, end float64 }

func (a axis) at(v float64) float64 {
	if a.to == a.from {
		return (a.start + a.end) / 2
	}
	return a.start + (v-a.from)/(a.to-a.from)*(a.end-a.start)
}

func (p panel) scaleY(v float64) float64 {
	if p.logarithmic {
		return math.Log10(math.Max(v, 1))
	}
	return v
}

// ticks are the values at which the y axis has lines, the first and the last outside
// the range, which is in the axis's own scale.
func (p panel) ticks(from, to float64) (ticks []float64) {
	if p.logarithmic {
		for e := math.Floor(from); e <= math.Ceil(to); e++ {
			ticks = append(ticks, math.Pow(10, e))
		}
		if len(ticks) == 1 {
			ticks = append(ticks, ticks[0]*10)
		}
		return ticks
	}
	if p.fromZero || from < to/2 {
		from = 0
	}
	step := math.Pow(10, math.Floor(math.Log10(math.Max(to-from, 1e-9))))
	if (to-from)/step < 4 {
		step /= 2 // so that there are enough
	}
	for v := math.Floor(from/step) * step; ; v += step {
		ticks = append(ticks, v)
		if v >= to {
			return ticks
		}
	}
}

// value prints a number of the y axis.
func (p panel) value(v float64) string {
	switch {
	case p.y == "µs" && v >= 1e6:
		return short(v/1e6) + " s"
	case p.y == "µs" && v >= 1e3:
		return short(v/1e3) + " ms"
	}
	return strings.TrimSpace(short(v) + " " + p.y)
}

// short prints a number for an axis.
func short(v float64) string {
	if v >= 10_000 {
		return fmt.Sprintf("%gk", v/1000)
	}
	return fmt.Sprintf("%g", v)
}
