package metrics

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"sync"

	"github.com/hearthfaas/hearth/internal/store/filelock"
	"github.com/hearthfaas/hearth/internal/store/newfile"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// The two resolutions that are kept (CloudWatch user guide, "Metrics retention"; its
// five minutes for 63 days are not kept).
const (
	minutesKept = 15 * 24 * 60  // in minutes: 15 days
	hoursKept   = 455 * 24 * 60 // in minutes: 455 days
)

// seriesMax bounds the series of an installation, which memory holds the names of:
// some 30 MB.
const seriesMax = 100_000

const schema = `
CREATE TABLE IF NOT EXISTS series (
	id INTEGER PRIMARY KEY,
	account TEXT NOT NULL, region TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
	dimensions TEXT NOT NULL, unit TEXT NOT NULL,
	last INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS minutes (
	series INTEGER NOT NULL, at INTEGER NOT NULL,
	count REAL NOT NULL, sum REAL NOT NULL, min REAL NOT NULL, max REAL NOT NULL, sketch BLOB,
	PRIMARY KEY (series, at)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hours (
	series INTEGER NOT NULL, at INTEGER NOT NULL,
	count REAL NOT NULL, sum REAL NOT NULL, min REAL NOT NULL, max REAL NOT NULL, sketch BLOB,
	PRIMARY KEY (series, at)
) WITHOUT ROWID;
`

// table is the statements of one resolution.
type table struct{ one, put, span string }

var (
	byMinute = &table{
		one:  `SELECT count, sum, min, max, sketch FROM minutes WHERE series = ? AND at = ?`,
		put:  `INSERT OR REPLACE INTO minutes VALUES (?, ?, ?, ?, ?, ?, ?)`,
		span: `SELECT at, count, sum, min, max, sketch FROM minutes WHERE series = ? AND at >= ? AND at < ? ORDER BY at`,
	}
	byHour = &table{
		one:  `SELECT count, sum, min, max, sketch FROM hours WHERE series = ? AND at = ?`,
		put:  `INSERT OR REPLACE INTO hours VALUES (?, ?, ?, ?, ?, ?, ?)`,
		span: `SELECT at, count, sum, min, max, sketch FROM hours WHERE series = ? AND at >= ? AND at < ? ORDER BY at`,
	}
)

// seriesInfo is what memory holds of a series.
type seriesInfo struct {
	id   int64
	last int64 // the latest minute that it has a point of
}

// disk is the file of the series. Points are merged into what is there, so that the
// parts of a minute may come in any number of writes.
type disk struct {
	db   *sql.DB
	lock *filelock.Lock

	mu     sync.RWMutex // guards series
	series map[key]seriesInfo
	next   int64 // the id of the next series; the writer's
	write  sync.Mutex
}

func openDisk(ctx context.Context, dir string) (*disk, error) {
	path, err := filepath.Abs(filepath.Join(dir, "metrics.db"))
	if err != nil {
		return nil, err
	}
	lock, err := filelock.Acquire(path + ".lock")
	if err != nil {
		return nil, err
	}
	d := &disk{lock: lock, series: map[key]seriesInfo{}}
	if err := newfile.Make(ctx, path, schema); err != nil {
		return nil, errors.Join(err, d.close())
	}
	q := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)"}}
	d.db, err = sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	if err == nil {
		d.db.SetMaxOpenConns(3) // the writer and two who ask
		err = d.load(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *disk) load(ctx context.Context) error {
	if _, err := d.db.ExecContext(ctx, schema); err != nil {
		return err
	}
	rows, err := d.db.QueryContext(ctx, `SELECT id, account, region, namespace, name, dimensions, unit, last FROM series`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k key
		var info seriesInfo
		if err := rows.Scan(&info.id, &k.account, &k.region, &k.namespace, &k.name, &k.dimensions, &k.unit, &info.last); err != nil {
			return err
		}
		d.series[k] = info
		d.next = max(d.next, info.id+1)
	}
	return rows.Err()
}

func (d *disk) close() error {
	var err error
	if d.db != nil {
		err = d.db.Close()
	}
	return errors.Join(err, d.lock.Release())
}

// errTooManySeries says that a point was for one series more than seriesMax.
var errTooManySeries = errors.New("metrics: too many series")

// room says whether the points fit under seriesMax.
func (d *disk) room(points []point) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	fresh := map[key]bool{}
	for i := range points {
		if _, known := d.series[points[i].key]; !known {
			fresh[points[i].key] = true
		}
	}
	return len(d.series)+len(fresh) <= seriesMax
}

// put merges points durably. Points of series beyond seriesMax are left out, and the
// error is then errTooManySeries.
func (d *disk) put(ctx context.Context, points []point) error {
	if len(points) == 0 {
		return nil
	}
	d.write.Lock()
	defer d.write.Unlock()
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	w, err := newWriter(ctx, tx)
	if err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	changed := map[key]seriesInfo{}
	next, refused := d.next, false
	for i := range points {
		p := &points[i]
		info, ok := changed[p.key]
		if !ok {
			if info, ok = d.known(p.key); !ok {
				if len(d.series)+len(changed) >= seriesMax {
					refused = true
					continue
				}
				info = seriesInfo{id: next, last: p.minute}
				next++
			}
		}
		info.last = max(info.last, p.minute)
		changed[p.key] = info
		if err := w.merge(ctx, byMinute, info.id, p.minute, p); err != nil {
			return fmt.Errorf("write metrics: %w", err)
		}
		if err := w.merge(ctx, byHour, info.id, p.minute-p.minute%60, p); err != nil {
			return fmt.Errorf("write metrics: %w", err)
		}
	}
	for k, info := range changed {
		if _, err := w.series.ExecContext(ctx, info.id, k.account, k.region, k.namespace, k.name, k.dimensions, k.unit, info.last); err != nil {
			return fmt.Errorf("write metrics: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	d.next = next
	d.mu.Lock()
	maps.Copy(d.series, changed)
	d.mu.Unlock()
	if refused {
		return errTooManySeries
	}
	return nil
}

func (d *disk) known(k key) (seriesInfo, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	info, ok := d.series[k]
	return info, ok
}

// writer is the statements of one transaction.
type writer struct {
	series *sql.Stmt
	read   map[*table]*sql.Stmt
	put    map[*table]*sql.Stmt
}

func newWriter(ctx context.Context, tx *sql.Tx) (*writer, error) {
	w := &writer{read: map[*table]*sql.Stmt{}, put: map[*table]*sql.Stmt{}}
	var err error
	for _, t := range []*table{byMinute, byHour} {
		if w.read[t], err = tx.PrepareContext(ctx, t.one); err != nil {
			return nil, err
		}
		if w.put[t], err = tx.PrepareContext(ctx, t.put); err != nil {
			return nil, err
		}
	}
	w.series, err = tx.PrepareContext(ctx, `INSERT OR REPLACE INTO series VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
	return w, err
}

func (w *writer) merge(ctx context.Context, t *table, series, at int64, p *point) error {
	var s stat
	err := scanStat(w.read[t].QueryRowContext(ctx, series, at), &s)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if p.gauge && t == byMinute {
		s.raise(p.stat)
	} else {
		s.merge(p.stat)
	}
	_, err = w.put[t].ExecContext(ctx, series, at, s.count, s.sum, s.min, s.max, s.sketch.encode())
	return err
}

// scanStat reads the columns count, sum, min, max and sketch, after others.
func scanStat(row interface{ Scan(...any) error }, s *stat, before ...any) error {
	var raw []byte
	if err := row.Scan(append(before, &s.count, &s.sum, &s.min, &s.max, &raw)...); err != nil {
		return err
	}
	var err error
	s.sketch, err = decodeSketch(raw)
	return err
}

// find lists the series that match.
func (d *disk) find(match func(key, seriesInfo) bool) map[key]seriesInfo {
	d.mu.RLock()
	defer d.mu.RUnlock()
	out := map[key]seriesInfo{}
	for k, info := range d.series {
		if match(k, info) {
			out[k] = info
		}
	}
	return out
}

// exactly lists the series of one metric: those of its units.
func (d *disk) exactly(k key) map[key]seriesInfo {
	out := map[key]seriesInfo{}
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, unit := range units {
		k.unit = unit
		if info, ok := d.series[k]; ok {
			out[k] = info
		}
	}
	return out
}

// read calls fn with the points of a series in [from, to), in order.
func (d *disk) read(ctx context.Context, t *table, series, from, to int64, fn func(at int64, s stat)) error {
	rows, err := d.db.QueryContext(ctx, t.span, series, from, to)
	if err != nil {
		return fmt.Errorf("read metrics: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var at int64
		var s stat
		if err := scanStat(rows, &s, &at); err != nil {
			return fmt.Errorf("read metrics: %w", err)
		}
		fn(at, s)
	}
	return rows.Err()
}

// sweepSeries is how many series are swept in one transaction; writers wait meanwhile.
const sweepSeries = 500

// sweep deletes what is older than is kept, and the series of which nothing is left.
func (d *disk) sweep(ctx context.Context, now int64) error {
	all := d.find(func(key, seriesInfo) bool { return true })
	batch := make([]key, 0, sweepSeries)
	for k := range all {
		if batch = append(batch, k); len(batch) == sweepSeries {
			if err := d.sweepSome(ctx, batch, now); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return d.sweepSome(ctx, batch, now)
}

func (d *disk) sweepSome(ctx context.Context, batch []key, now int64) error {
	d.write.Lock()
	defer d.write.Unlock()
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("sweep metrics: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	var gone []key
	for _, k := range batch {
		info, ok := d.known(k)
		if !ok {
			continue
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM minutes WHERE series = ? AND at < ?`, info.id, now-minutesKept); err != nil {
			return fmt.Errorf("sweep metrics: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM hours WHERE series = ? AND at < ?`, info.id, now-hoursKept); err != nil {
			return fmt.Errorf("sweep metrics: %w", err)
		}
		if info.last < now-hoursKept {
			if _, err := tx.ExecContext(ctx, `DELETE FROM series WHERE id = ?`, info.id); err != nil {
				return fmt.Errorf("sweep metrics: %w", err)
			}
			gone = append(gone, k)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("sweep metrics: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, k := range gone {
		delete(d.series, k)
	}
	return nil
}
