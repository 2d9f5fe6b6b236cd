package index

import (
	"context"
	"fmt"
	"strings"
)

// Query is what a listing asks for.
type Query struct {
	Prefix, Delimiter string
	// After is the last entry of the page before: a key, or a common prefix.
	After string
	// AfterVersion is the last version of the key After that was listed; listings
	// of versions only.
	AfterVersion string
	// Max is how many entries a page has at most; 0 gives an empty page.
	Max int
	// markers says that delete markers are entries, as in listings of versions.
	markers bool
}

// Page is one page of a listing. Objects and Prefixes are in byte order, and
// together at most Query.Max.
type Page struct {
	Objects  []Object
	Prefixes []string
	// Next is the last entry of a page that is not the last, for Query.After;
	// NextVersion is the version when that is one.
	Next, NextVersion string
	Truncated         bool
}

// listRows is how many records are read at a time: a page of a usual listing in
// two or three reads, whatever it skips.
const listRows = 500

// beyond sorts after every key that begins with a prefix: keys are UTF-8, which has
// no such byte.
const beyond = "\xff"

// Objects lists the current versions, without delete markers.
func (x *Index) Objects(ctx context.Context, bucket string, q Query) (Page, error) {
	return x.walk(ctx, bucket, q, func(p *Page, o Object) (bool, error) {
		if !o.DeleteMarker {
			p.Objects = append(p.Objects, o)
		}
		return true, nil
	})
}

// Versions lists all versions and delete markers, the newest of each key first.
func (x *Index) Versions(ctx context.Context, bucket string, q Query) (Page, error) {
	q.markers = true
	var first Page
	if q.AfterVersion != "" && q.Max > 0 {
		// The rest of the key at which the page before broke off.
		full, err := x.restOfKey(ctx, bucket, q, &first)
		if err != nil || full {
			return first, err
		}
		q.Max -= len(first.Objects)
		if q.Max == 0 {
			return x.maybeMore(ctx, bucket, q, first)
		}
	}
	page, err := x.walk(ctx, bucket, q, func(p *Page, o Object) (bool, error) {
		p.Objects = append(p.Objects, o)
		if !o.Older {
			return true, nil
		}
		return x.appendOlder(ctx, bucket, o.Key, "", q.Max-len(p.Prefixes), p)
	})
	page.Objects = append(first.Objects, page.Objects...)
	return page, err
}

// maybeMore finds out whether anything follows a page that is exactly full.
func (x *Index) maybeMore(ctx context.Context, bucket string, q Query, p Page) (Page, error) {
	q.Max, q.AfterVersion = 1, ""
	rest, err := x.Versions(ctx, bucket, q)
	if err == nil && len(rest.Objects)+len(rest.Prefixes) > 0 {
		last := p.Objects[len(p.Objects)-1]
		p.Truncated, p.Next, p.NextVersion = true, last.Key, last.Version
	}
	return p, err
}

func (x *Index) restOfKey(ctx context.Context, bucket string, q Query, p *Page) (full bool, err error) {
	if !strings.HasPrefix(q.After, q.Prefix) {
		return false, nil
	}
	seq, ok := seqOf(q.AfterVersion)
	if !ok {
		o, err := x.Get(ctx, bucket, q.After, q.AfterVersion)
		if err != nil {
			return false, nil //nolint:nilerr // the null version has gone, and where it was: go on with the next key
		}
		seq = o.Seq
	}
	// The version itself may have gone meanwhile, as those who delete page by page do.
	cur, exists, err := x.current(ctx, bucket, q.After)
	if err != nil {
		return false, err
	}
	if exists && cur.Seq < seq {
		p.Objects = append(p.Objects, cur)
	}
	complete, err := x.appendOlder(ctx, bucket, q.After, versionKey(bucket, q.After, seq), q.Max, p)
	return !complete, err
}

// appendOlder adds noncurrent versions of a key until the page has limit objects;
// complete says that it added all.
func (x *Index) appendOlder(ctx context.Context, bucket, key, after string, limit int, p *Page) (complete bool, err error) {
	prefix := objectKey(bucket, key) + "\x00"
	for {
		rows, err := x.versionT.List(ctx, prefix, after, listRows)
		if err != nil {
			return false, fmt.Errorf("list versions of %s/%s: %w", bucket, key, err)
		}
		for _, row := range rows {
			if len(p.Objects) >= limit {
				p.Truncated, p.Next = true, key
				if n := len(p.Objects); n > 0 {
					p.NextVersion = p.Objects[n-1].Version
				}
				return false, nil
			}
			row.Value.Key = key
			p.Objects = append(p.Objects, row.Value)
			after = row.Key
		}
		if len(rows) < listRows {
			return true, nil
		}
	}
}

// walk visits the current versions in order, rolling keys with a delimiter into
// common prefixes. add puts what it gets on the page; false ends the walk.
func (x *Index) walk(ctx context.Context, bucket string, q Query, add func(p *Page, o Object) (bool, error)) (Page, error) {
	var p Page
	if q.Max <= 0 {
		return p, nil
	}
	base := bucket + "\x00"
	after := q.After
	if q.Delimiter != "" && strings.HasPrefix(after, q.Prefix) && strings.HasSuffix(after, q.Delimiter) {
		if common, ok := commonPrefix(after, q.Prefix, q.Delimiter); ok && common == after {
			after += beyond
		}
	}
	last := "" // entry on the page
	for {
		rows, err := x.objectT.List(ctx, base+q.Prefix, afterRecord(base, after), min(listRows, q.Max+1))
		if err != nil {
			return p, fmt.Errorf("list %s: %w", bucket, err)
		}
		for _, row := range rows {
			o := row.Value
			o.Key, o.Latest = row.Key[len(base):], true
			if strings.HasSuffix(after, beyond) && o.Key <= after {
				continue // inside a common prefix that is on the page
			}
			after = o.Key
			common, rolled := commonPrefix(o.Key, q.Prefix, q.Delimiter)
			if rolled && o.DeleteMarker && !q.markers {
				continue
			}
			before := len(p.Objects) + len(p.Prefixes)
			if before >= q.Max {
				if o.DeleteMarker && !q.markers {
					continue
				}
				p.Truncated = true
				if p.Next == "" {
					p.Next = last
				}
				if n := len(p.Objects); n > 0 && p.Objects[n-1].Key == last {
					p.NextVersion = p.Objects[n-1].Version
				}
				return p, nil
			}
			if rolled {
				p.Prefixes = append(p.Prefixes, common)
				last, after = common, common+beyond
				continue
			}
			goOn, err := add(&p, o)
			if err != nil || !goOn {
				return p, err
			}
			if len(p.Objects)+len(p.Prefixes) > before {
				last = o.Key
			}
		}
		if len(rows) < min(listRows, q.Max+1) {
			return p, nil
		}
	}
}

func afterRecord(base, after string) string {
	if after == "" {
		return ""
	}
	return base + after
}

func commonPrefix(key, prefix, delimiter string) (string, bool) {
	if delimiter == "" {
		return "", false
	}
	at := strings.Index(key[len(prefix):], delimiter)
	if at < 0 {
		return "", false
	}
	return key[:len(prefix)+at+len(delimiter)], true
}

// Uploads lists the uploads of a bucket by key and id. Query.AfterVersion is the
// last upload's id; it needs After.
func (x *Index) Uploads(ctx context.Context, bucket string, q Query) (uploads []Upload, prefixes []string, truncated bool, err error) {
	base := bucket + "\x00"
	after := afterRecord(base, q.After)
	if q.After != "" {
		after += "\x00" + q.AfterVersion
		if q.AfterVersion == "" {
			after += beyond
		}
	}
	skip := ""
	for {
		rows, err := x.uploadT.List(ctx, base+q.Prefix, after, listRows)
		if err != nil {
			return nil, nil, false, fmt.Errorf("list uploads of %s: %w", bucket, err)
		}
		for _, row := range rows {
			after = row.Key
			u := row.Value
			u.Key = keyOf(row.Key)
			common, rolled := commonPrefix(u.Key, q.Prefix, q.Delimiter)
			if rolled && (common == skip || common == q.After) {
				continue
			}
			if len(uploads)+len(prefixes) >= q.Max {
				return uploads, prefixes, true, nil
			}
			if rolled {
				prefixes, skip = append(prefixes, common), common
				continue
			}
			uploads = append(uploads, u)
		}
		if len(rows) < listRows {
			return uploads, prefixes, false, nil
		}
	}
}
