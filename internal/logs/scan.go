package logs

import (
	"container/heap"
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// scanPage is how many chunks are read in one query. Chunks of little traffic
// hold a line or two, so a page must take many; large ones are 128 KiB, so it must
// not take thousands.
const scanPage = 128

// selector says whose events a scan yields: a group's, or one stream's.
type selector struct {
	group  int64
	stream int64 // 0: all of the group's
}

// scan yields the events in the interval by time and arrival, or backwards, until
// yield says false.
func (s *Service) scan(ctx context.Context, sel selector, in interval, backward bool, yield func(line) bool) error {
	days := s.days.between(dayOf(max(in.after.ts, 0)), dayOf(in.before.ts))
	if backward {
		slices.Reverse(days)
	}
	for _, d := range days {
		db := s.days.existing(d)
		if db == nil {
			continue
		}
		m := merge{pages: pages{db: db, sel: sel, in: in, backward: backward}}
		more, err := m.run(ctx, yield)
		if err != nil && !s.days.gone(d, err) {
			return fmt.Errorf("read log events of %s: %w", d.file(), err)
		}
		if !more {
			return nil
		}
	}
	return nil
}

// merge yields the lines of a day's chunks in order, although chunks overlap: a
// heap holds every chunk that may have the next line.
type merge struct {
	pages pages
	heads []cursor
}

// cursor is a chunk that is being read.
type cursor struct {
	lines    []line // what is left of it
	backward bool
}

func (c cursor) top() line {
	if c.backward {
		return c.lines[len(c.lines)-1]
	}
	return c.lines[0]
}

func (m *merge) Len() int      { return len(m.heads) }
func (m *merge) Swap(i, j int) { m.heads[i], m.heads[j] = m.heads[j], m.heads[i] }
func (m *merge) Push(x any)    { m.heads = append(m.heads, x.(cursor)) }
func (m *merge) Pop() any {
	last := m.heads[len(m.heads)-1]
	m.heads = m.heads[:len(m.heads)-1]
	return last
}

func (m *merge) Less(i, j int) bool {
	a, b := m.heads[i].top().position(), m.heads[j].top().position()
	if m.pages.backward {
		return b.less(a)
	}
	return a.less(b)
}

// run yields until the day or the caller's interest ends; it says whether the
// caller wants more.
func (m *merge) run(ctx context.Context, yield func(line) bool) (more bool, err error) {
	for {
		for {
			c, ok, err := m.pages.peek(ctx)
			if err != nil {
				return true, err
			}
			if !ok || len(m.heads) > 0 && !m.mayPrecede(c) {
				break
			}
			if err := m.pull(c); err != nil {
				return true, err
			}
		}
		if len(m.heads) == 0 {
			return true, nil
		}
		head := &m.heads[0]
		l := head.top()
		if head.backward {
			head.lines = head.lines[:len(head.lines)-1]
		} else {
			head.lines = head.lines[1:]
		}
		if len(head.lines) == 0 {
			heap.Pop(m)
		} else {
			heap.Fix(m, 0)
		}
		if !yield(l) {
			return false, nil
		}
	}
}

// mayPrecede says whether c, or a chunk after it, may have a line that comes
// before the heap's top. Chunks arrive in order of their first line, so backwards
// only the bound on a chunk's span tells.
func (m *merge) mayPrecede(c *chunk) bool {
	top := m.heads[0].top().ts
	if m.pages.backward {
		return c.first+chunkSpan >= top
	}
	return c.first <= top
}

// pull moves the page's next chunk into the heap, cut to the interval.
func (m *merge) pull(c *chunk) error {
	lines, err := c.unpack()
	if err != nil {
		return err
	}
	m.pages.advance()
	in := m.pages.in
	for len(lines) > 0 && !in.after.less(lines[0].position()) {
		lines = lines[1:]
	}
	for len(lines) > 0 && !lines[len(lines)-1].position().less(in.before) {
		lines = lines[:len(lines)-1]
	}
	if len(lines) > 0 {
		heap.Push(m, cursor{lines: lines, backward: m.pages.backward})
	}
	return nil
}

// pages reads a day's chunks page by page, in order of their first line.
type pages struct {
	db       *sql.DB
	sel      selector
	in       interval
	backward bool

	page  []chunk
	from  chunk // the last chunk of the page before
	begun bool
	ended bool
	id    int64 // of that chunk
}

// peek is the next chunk, without taking it.
func (p *pages) peek(ctx context.Context) (*chunk, bool, error) {
	if len(p.page) == 0 && !p.ended {
		if err := p.read(ctx); err != nil {
			return nil, false, err
		}
	}
	if len(p.page) == 0 {
		return nil, false, nil
	}
	return &p.page[0], true, nil
}

func (p *pages) advance() { p.page = p.page[1:] }

func (p *pages) read(ctx context.Context) error {
	text, args := p.query()
	rows, err := p.db.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	p.page = p.page[:0]
	var id int64
	for rows.Next() {
		var c chunk
		if err := rows.Scan(&id, &c.stream, &c.first, &c.last, &c.seq, &c.count, &c.data); err != nil {
			return err
		}
		p.page = append(p.page, c)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	p.ended = len(p.page) < scanPage
	if len(p.page) > 0 {
		p.from, p.begun = p.page[len(p.page)-1], true
		p.id = id
	}
	return nil
}

// query selects the next page. Its order is that of the index it uses, so that
// nothing is sorted.
func (p *pages) query() (string, []any) {
	text := `SELECT id, stream, first, last, seq, count, data FROM chunks WHERE `
	var args []any
	if p.sel.stream != 0 {
		text += `stream = ?`
		args = append(args, p.sel.stream)
	} else {
		text += `grp = ?`
		args = append(args, p.sel.group)
	}
	text += ` AND first >= ? AND first <= ? AND last >= ?`
	args = append(args, p.in.after.ts-chunkSpan, p.in.before.ts, p.in.after.ts)
	compare, order := `>`, `ASC`
	if p.backward {
		compare, order = `<`, `DESC`
	}
	if p.begun {
		text += ` AND (first, last, stream, id) ` + compare + ` (?, ?, ?, ?)`
		args = append(args, p.from.first, p.from.last, p.from.stream, p.id)
	}
	text += ` ORDER BY first ` + order + `, last ` + order + `, stream ` + order + `, id ` + order + ` LIMIT ?`
	return text, append(args, scanPage)
}
