package logs

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
)

// A chunk is a run of events of one stream on one day, in order of their time,
// packed into one row: a row for every line would cost as much again as running
// the functions that print them.

const (
	// chunkSpan bounds the time from a chunk's first event to its last, in
	// milliseconds. It tells a reader how far ahead of a time it must look for
	// chunks that reach into it.
	chunkSpan = 5000
	// chunkBytes is at what size a chunk is closed, so that a reader who wants one
	// line does not load many megabytes.
	chunkBytes = 128 << 10
)

// line is one stored event. Times are Unix milliseconds.
type line struct {
	ts       int64
	seq      int64 // the order of arrival over all streams
	ingested int64
	stream   int64
	message  string
}

// chunk is one row of a day file.
type chunk struct {
	group, stream int64
	first, last   int64
	seq           int64 // of its first event
	bytes, count  int64
	data          []byte
}

// lineHead is the usual size of what stands before a message in a chunk.
const lineHead = 8

// pack sorts lines, which are of one stream and one day and in order of arrival,
// by time and packs them into chunks.
func pack(group, stream int64, lines []line) []chunk {
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.ts, b.ts) })
	var out []chunk
	var c *chunk
	rest := 0 // about how many bytes are still to be packed
	for _, l := range lines {
		rest += len(l.message) + lineHead
	}
	for _, l := range lines {
		if c == nil || l.ts-c.first > chunkSpan || len(c.data)+len(l.message) > chunkBytes {
			out = append(out, chunk{group: group, stream: stream, first: l.ts, seq: l.seq})
			c = &out[len(out)-1]
			if lines[len(lines)-1].ts-l.ts <= chunkSpan { // all the rest, as it is for what functions print
				c.data = make([]byte, 0, min(rest, chunkBytes+lineHead))
			}
		}
		rest -= len(l.message) + lineHead
		c.data = binary.AppendUvarint(c.data, uint64(l.ts-c.first)) // sorted, so not negative
		c.data = binary.AppendVarint(c.data, l.seq-c.seq)
		c.data = binary.AppendVarint(c.data, l.ingested-l.ts)
		c.data = binary.AppendUvarint(c.data, uint64(len(l.message)))
		c.data = append(c.data, l.message...)
		c.last = l.ts
		c.bytes += int64(len(l.message) + eventOverhead)
		c.count++
	}
	return out
}

var errCorruptChunk = errors.New("a chunk of log events is corrupt")

// unpack is the chunk's lines in order.
func (c *chunk) unpack() ([]line, error) {
	// One string for all, so that the messages are slices of it.
	text, pos := string(c.data), 0
	lines := make([]line, 0, min(max(c.count, 0), int64(len(text))))
	for pos < len(text) {
		delta, n1 := binary.Uvarint(c.data[pos:])
		seq, n2 := binary.Varint(c.data[pos+max(n1, 0):])
		age, n3 := binary.Varint(c.data[pos+max(n1, 0)+max(n2, 0):])
		if n1 <= 0 || n2 <= 0 || n3 <= 0 {
			return nil, errCorruptChunk
		}
		pos += n1 + n2 + n3
		size, n := binary.Uvarint(c.data[pos:])
		if n <= 0 || size > uint64(len(text)-pos-n) { // n is at most what is left
			return nil, errCorruptChunk
		}
		pos += n
		end := pos + int(size)       // checked above
		ts := c.first + int64(delta) // pack wrote it
		lines = append(lines, line{ts: ts, seq: c.seq + seq, ingested: ts + age, stream: c.stream, message: text[pos:end]})
		pos = end
	}
	return lines, nil
}
