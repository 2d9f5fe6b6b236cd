package logs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestPackSplitsBySpanAndSize(t *testing.T) {
	big := strings.Repeat("x", chunkBytes-100)
	for _, c := range []struct {
		name  string
		lines []line
		want  int
	}{
		{"one line", []line{{ts: 1}}, 1},
		{"lines within the span", []line{{ts: 0}, {ts: chunkSpan}}, 1},
		{"lines further apart", []line{{ts: 0}, {ts: chunkSpan + 1}}, 2},
		{"lines out of order", []line{{ts: chunkSpan + 1, seq: 1}, {ts: 0, seq: 2}}, 2},
		{"lines that are too large together", []line{{message: big}, {message: big}}, 2},
		{"a line larger than a chunk", []line{{message: big + big}}, 1},
		{"no lines", nil, 0},
	} {
		chunks := pack(1, 7, c.lines)
		if len(chunks) != c.want {
			t.Errorf("%s: got %d chunks, want %d", c.name, len(chunks), c.want)
		}
		var back []line
		for _, ch := range chunks {
			if ch.last-ch.first > chunkSpan {
				t.Errorf("%s: a chunk spans %d ms", c.name, ch.last-ch.first)
			}
			lines, err := ch.unpack()
			if err != nil {
				t.Fatal(err)
			}
			back = append(back, lines...)
		}
		for i := range c.lines {
			c.lines[i].stream = 7
		}
		if !slices.Equal(back, c.lines) {
			t.Errorf("%s: the lines came back different", c.name)
		}
	}
}

// FuzzUnpack: whatever a damaged file holds, reading it gives lines or an error.
func FuzzUnpack(f *testing.F) {
	c := pack(1, 2, []line{{ts: 5, seq: 1, ingested: 9, message: "hello"}, {ts: 6, seq: 2, message: ""}})[0]
	f.Add(c.data, c.count)
	f.Add([]byte{0xff, 0xff}, int64(-1))
	f.Add([]byte{0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, int64(1<<62))
	f.Fuzz(func(t *testing.T, data []byte, count int64) {
		c := chunk{data: data, count: count}
		size := 0
		lines, err := c.unpack()
		for _, l := range lines {
			size += len(l.message)
		}
		if err == nil && size > len(data) {
			t.Fatalf("%d bytes of messages from %d bytes", size, len(data))
		}
	})
}

func TestTokensComeBackAsTheyWere(t *testing.T) {
	for _, p := range []position{{}, {ts: 1}, {seq: 1}, {noon.UnixMilli(), 1 << 40}, always} {
		got, backward, ok := parseEventsToken(*forwardToken(p))
		if !ok || backward || got != p {
			t.Errorf("forward %v: got %v %v %v", p, got, backward, ok)
		}
		got, backward, ok = parseEventsToken(*backwardToken(p))
		if !ok || !backward || got != p {
			t.Errorf("backward %v: got %v %v %v", p, got, backward, ok)
		}
		got, backward, ok = parseFilterToken(*filterToken(p, true))
		if !ok || !backward || got != p {
			t.Errorf("filter %v: got %v %v %v", p, got, backward, ok)
		}
	}
	if len(position{}.String()) != 56 {
		t.Errorf("a position has %d digits", len(position{}.String()))
	}
}

// FuzzTokens: tokens come from outside; any text is either refused or means a
// place that exists.
func FuzzTokens(f *testing.F) {
	f.Add(*forwardToken(always))
	f.Add(*filterToken(position{1, 2}, false))
	f.Add(*nameToken("x"))
	f.Add("f/" + strings.Repeat("9", 56) + "/s")
	f.Fuzz(func(t *testing.T, token string) {
		check := func(p position, _, ok bool) {
			if ok && (p.ts < 0 || p.ts > always.ts || p.seq < 0 || p.next().less(p)) {
				t.Fatalf("%q means %v", token, p)
			}
		}
		check(parseEventsToken(token))
		check(parseFilterToken(token))
		parseNameToken(&token)
	})
}

func TestDayFilesAreNamedByTheirDate(t *testing.T) {
	d := dayOf(noon.UnixMilli())
	if got, want := d.file(), "events-2026-11-23.db"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for name, want := range map[string]bool{
		d.file(): true, "events-2026-11-23.db-wal": false, "events-2026-13-01.db": false, "events-1969-01-01.db": false, "groups.db": false,
	} {
		if got, ok := parseDayFile(name); ok != want || ok && got != d {
			t.Errorf("%s: got %v, %v", name, got, ok)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	f := newFixture(b)
	lines := []Event{{Time: noon, Message: "START RequestId: 4b3f8c7e-0000-4000-8000-000000000000 Version: $LATEST\n"}, {Time: noon, Message: "hello\n"}, {Time: noon, Message: "END RequestId: 4b3f8c7e-0000-4000-8000-000000000000\n"}}
	b.ReportAllocs()
	for i := range b.N {
		f.Append(key("/aws/lambda/f"), "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef", lines)
		if i%10000 == 9999 {
			b.StopTimer()
			f.flush(b.Context())
			b.StartTimer()
		}
	}
	if f.Dropped() > 0 {
		b.Fatalf("%d dropped", f.Dropped())
	}
}

// BenchmarkAppendAndFlush is the whole cost of a line up to the file: sixteen
// environments print three lines for each invoke, and the buffer is written as
// often as it is at some ten thousand invokes each second.
func BenchmarkAppendAndFlush(b *testing.B) {
	f := newFixture(b)
	lines := []Event{{Message: "START RequestId: 4b3f8c7e-0000-4000-8000-000000000000 Version: $LATEST\n"}, {Message: "hello\n"}, {Message: "END RequestId: 4b3f8c7e-0000-4000-8000-000000000000\n"}}
	var streams []string
	for i := range 16 {
		streams = append(streams, fmt.Sprintf("2026/11/23/[$LATEST]%032x", i))
	}
	b.ReportAllocs()
	for i := range b.N {
		f.Append(key("/aws/lambda/f"), streams[i%16], lines)
		if i%1000 == 999 {
			f.flush(b.Context())
		}
	}
	f.flush(b.Context())
	b.ReportMetric(float64(3*b.N)/b.Elapsed().Seconds(), "lines/s")
	if f.Dropped() > 0 {
		b.Fatalf("%d dropped", f.Dropped())
	}
}
