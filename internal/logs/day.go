package logs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// day counts UTC days since 1970.
type day int64

const dayMilli = 24 * 60 * 60 * 1000

func dayOf(ts int64) day { return day(ts / dayMilli) }

// end is the first millisecond after the day.
func (d day) end() int64 { return (int64(d) + 1) * dayMilli }

const (
	dayFilePrefix = "events-"
	dayFileSuffix = ".db"
)

func (d day) file() string {
	return dayFilePrefix + time.UnixMilli(int64(d)*dayMilli).UTC().Format(time.DateOnly) + dayFileSuffix
}

func parseDayFile(name string) (day, bool) {
	date, ok := strings.CutPrefix(name, dayFilePrefix)
	if !ok {
		return 0, false
	}
	if date, ok = strings.CutSuffix(date, dayFileSuffix); !ok {
		return 0, false
	}
	t, err := time.Parse(time.DateOnly, date)
	return dayOf(t.UnixMilli()), err == nil && t.UnixMilli() >= 0
}

const daySchema = `
CREATE TABLE IF NOT EXISTS chunks (
	id INTEGER PRIMARY KEY,
	grp INTEGER NOT NULL,
	stream INTEGER NOT NULL,
	first INTEGER NOT NULL,
	last INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	count INTEGER NOT NULL,
	data BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS by_stream ON chunks (stream, first, last);
CREATE INDEX IF NOT EXISTS by_group ON chunks (grp, first, last, stream);
CREATE TABLE IF NOT EXISTS stats (
	stream INTEGER PRIMARY KEY,
	first INTEGER NOT NULL,
	last INTEGER NOT NULL,
	ingested INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	count INTEGER NOT NULL,
	seq INTEGER NOT NULL
);
`

const (
	// dayConns bounds the connections to one day's file: the writer and a few
	// readers, each with a page cache of up to 2 MB.
	dayConns = 4
	// dayConnIdle is how long an unused connection is kept; days that nobody reads
	// then hold no file open.
	dayConnIdle = 30 * time.Second
)

// days is the day files.
type days struct {
	dir string
	// mu guards open.
	mu   sync.Mutex
	open map[day]*sql.DB
}

func newDays(dir string) *days { return &days{dir: dir, open: map[day]*sql.DB{}} }

// load finds the files and reports the stats in them, in order of their days. A
// file that is damaged is put aside: a machine that lost a day's logs must still
// start.
func (ds *days) load(ctx context.Context, log *slog.Logger, report func(stream int64, st dayStats)) error {
	names, err := os.ReadDir(ds.dir) // sorted, and so are the dates in the names
	if err != nil {
		return err
	}
	for _, entry := range names {
		d, ok := parseDayFile(entry.Name())
		if !ok {
			continue
		}
		err := ds.loadOne(ctx, d, report)
		if damaged(err) {
			log.ErrorContext(ctx, "damaged log file put aside", "file", d.file()+damagedSuffix, "error", err)
			err = ds.putAside(d)
		}
		if err != nil {
			return fmt.Errorf("load %s: %w", entry.Name(), err)
		}
	}
	return nil
}

func (ds *days) loadOne(ctx context.Context, d day, report func(int64, dayStats)) error {
	db, err := ds.get(ctx, d)
	if err != nil {
		return err
	}
	rows, err := db.QueryContext(ctx, `SELECT stream, first, last, ingested, bytes, count, seq FROM stats`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		st := dayStats{day: d}
		if err := rows.Scan(&id, &st.first, &st.last, &st.ingested, &st.bytes, &st.count, &st.seq); err != nil {
			return err
		}
		report(id, st)
	}
	return rows.Err()
}

// get is the day's file, made when it does not exist. NORMAL means that a killed
// process loses nothing that was written and a power failure the last moments.
func (ds *days) get(ctx context.Context, d day) (*sql.DB, error) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if db := ds.open[d]; db != nil {
		return db, nil
	}
	path, err := filepath.Abs(filepath.Join(ds.dir, d.file()))
	if err != nil {
		return nil, err
	}
	q := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(NORMAL)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(dayConns)
	db.SetMaxIdleConns(dayConns)
	db.SetConnMaxIdleTime(dayConnIdle)
	if _, err := db.ExecContext(ctx, daySchema); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	ds.open[d] = db
	return db, nil
}

// between is the days that have files, from one to another, in order.
func (ds *days) between(from, to day) []day {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	var out []day
	for d := range ds.open {
		if from <= d && d <= to {
			out = append(out, d)
		}
	}
	slices.Sort(out)
	return out
}

// existing is the day's file, or nil when there is none.
func (ds *days) existing(d day) *sql.DB {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	return ds.open[d]
}

// damagedSuffix is added to the name of a file that cannot be read.
const damagedSuffix = ".damaged"

// damaged says that the engine takes the file for broken or for none of its own.
func damaged(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (e.Code()&0xff == sqlite3.SQLITE_CORRUPT || e.Code()&0xff == sqlite3.SQLITE_NOTADB)
}

// putAside renames the day's file, so that the day begins again with an empty one.
func (ds *days) putAside(d day) error {
	ds.mu.Lock()
	db := ds.open[d]
	delete(ds.open, d)
	ds.mu.Unlock()
	if db != nil {
		if err := db.Close(); err != nil {
			return err
		}
	}
	path := filepath.Join(ds.dir, d.file())
	for _, suffix := range fileSuffixes {
		if err := os.Rename(path+suffix, path+damagedSuffix+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// fileSuffixes are the files that SQLite keeps for a database.
var fileSuffixes = []string{"", "-wal", "-shm"}

// drop removes the day's file. A reader in the middle of it ends with an error
// that gone recognises.
func (ds *days) drop(d day) error {
	ds.mu.Lock()
	db := ds.open[d]
	delete(ds.open, d)
	ds.mu.Unlock()
	if db == nil {
		return nil
	}
	err := db.Close()
	path := filepath.Join(ds.dir, d.file())
	for _, suffix := range fileSuffixes {
		if rmErr := os.Remove(path + suffix); rmErr != nil && !errors.Is(rmErr, os.ErrNotExist) {
			err = errors.Join(err, rmErr)
		}
	}
	return err
}

// gone says that err is because the day's file was dropped meanwhile.
func (ds *days) gone(d day, err error) bool { return err != nil && ds.existing(d) == nil }

func (ds *days) close() error {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	var errs []error
	for _, db := range ds.open {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}
