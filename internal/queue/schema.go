package queue

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
)

// schemaVersion is what user_version says of a file with this schema.
const schemaVersion = 1

// Times are milliseconds since 1970. A message of a FIFO queue has a grp; the
// partial indexes keep the two kinds of queue from paying for one another. due is
// when the message may be handed out (next); leased says that somebody got it and
// has neither deleted nor returned it. moved is how many receives it had when it
// came to this queue as a dead letter. fifo_groups has the one row for each group
// that says when its first message may be handed out.
const schema = `
CREATE TABLE secrets (id INTEGER PRIMARY KEY CHECK (id = 1), receipt_key BLOB NOT NULL);
CREATE TABLE queues (
	id INTEGER PRIMARY KEY,
	account TEXT NOT NULL, region TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
	lane INTEGER NOT NULL,
	settings BLOB NOT NULL,
	UNIQUE (account, region, kind, name)
);
CREATE TABLE trash (lane INTEGER PRIMARY KEY);
CREATE TABLE messages (
	seq INTEGER PRIMARY KEY,
	lane INTEGER NOT NULL,
	due INTEGER NOT NULL,
	leased INTEGER NOT NULL,
	receives INTEGER NOT NULL,
	moved INTEGER NOT NULL,
	sent INTEGER NOT NULL,
	first INTEGER NOT NULL,
	id TEXT NOT NULL,
	grp TEXT,
	attributes BLOB,
	origin BLOB,
	file TEXT,
	body BLOB
);
CREATE INDEX messages_due ON messages (lane, due, leased) WHERE grp IS NULL;
CREATE INDEX messages_group ON messages (lane, grp, seq) WHERE grp IS NOT NULL;
CREATE INDEX messages_held ON messages (lane, grp, due) WHERE grp IS NOT NULL AND leased = 1;
CREATE INDEX messages_file ON messages (file) WHERE file IS NOT NULL;
CREATE TABLE fifo_groups (
	lane INTEGER NOT NULL, grp TEXT NOT NULL, due INTEGER NOT NULL, head INTEGER NOT NULL,
	PRIMARY KEY (lane, grp)
) WITHOUT ROWID;
CREATE INDEX fifo_groups_due ON fifo_groups (lane, due, head);
CREATE TABLE dedup (
	lane INTEGER NOT NULL, id TEXT NOT NULL, until INTEGER NOT NULL, seq INTEGER NOT NULL, message TEXT NOT NULL,
	PRIMARY KEY (lane, id)
) WITHOUT ROWID;
CREATE INDEX dedup_until ON dedup (until);
`

// statements are what the writer has prepared, on its one connection.
type statements struct {
	begin, commit, rollback *sql.Stmt

	insert, due, nextDue, lease, find, remove, place, put, toLane, leased, get, sendOn *sql.Stmt

	groups, nextGroup, inGroup, groupOf, putGroup, dropGroup *sql.Stmt

	dedupFind, dedupPut, dedupPrune *sql.Stmt

	old, trash, trashGroups, trashDedup, trashDone *sql.Stmt
}

const columns = `seq, due, leased, receives, moved, sent, first, id, grp, attributes, origin, file, body`

func (s *statements) texts() []struct {
	stmt **sql.Stmt
	text string
} {
	return []struct {
		stmt **sql.Stmt
		text string
	}{
		{&s.begin, `BEGIN IMMEDIATE`},
		{&s.commit, `COMMIT`},
		{&s.rollback, `ROLLBACK`},

		{&s.insert, `INSERT INTO messages (seq, lane, due, leased, receives, moved, sent, first, id, grp, attributes, file, body)
			VALUES (?, ?, ?, 0, 0, 0, ?, 0, ?, ?, ?, ?, ?)`},
		{&s.due, `SELECT ` + columns + ` FROM messages WHERE lane = ? AND grp IS NULL AND due <= ? ORDER BY due LIMIT ?`},
		{&s.nextDue, `SELECT due FROM messages WHERE lane = ? AND grp IS NULL ORDER BY due LIMIT 1`},
		{&s.lease, `UPDATE messages SET due = ?, leased = 1, receives = ?, first = ? WHERE seq = ?`},
		{&s.find, `SELECT due, leased, receives, grp FROM messages WHERE seq = ? AND lane = ?`},
		{&s.remove, `DELETE FROM messages WHERE seq = ? AND lane = ? AND receives = ? RETURNING due, leased, grp, file`},
		{&s.place, `UPDATE messages SET due = ?, leased = ? WHERE seq = ?`},
		{&s.put, `UPDATE messages SET due = ?, leased = 0, attributes = ? WHERE seq = ?`},
		{&s.toLane, `UPDATE messages SET seq = ?, lane = ?, due = ?, leased = 0, moved = receives, sent = ?, origin = ? WHERE seq = ?`},
		{&s.leased, `SELECT seq, due, grp FROM messages WHERE lane = ?1 AND grp IS NULL AND due > ?2 AND leased = 1
			UNION ALL SELECT seq, due, grp FROM messages WHERE lane = ?1 AND grp IS NOT NULL AND due > ?2 AND leased = 1`},

		{&s.get, `SELECT ` + columns + ` FROM messages WHERE seq = ? AND lane = ?`},
		{&s.sendOn, `UPDATE messages SET seq = ?, lane = ?, due = ?, leased = 0, receives = 0, moved = 0, sent = ?, first = 0, id = ?, origin = NULL
			WHERE seq = ?`},

		{&s.groups, `SELECT grp FROM fifo_groups WHERE lane = ? AND due <= ? ORDER BY due, head LIMIT ?`},
		{&s.nextGroup, `SELECT due FROM fifo_groups WHERE lane = ? ORDER BY due LIMIT 1`},
		{&s.inGroup, `SELECT ` + columns + ` FROM messages WHERE lane = ? AND grp = ? ORDER BY seq LIMIT ?`},
		{&s.groupOf, `SELECT
			(SELECT seq FROM messages WHERE lane = ?1 AND grp = ?2 ORDER BY seq LIMIT 1),
			(SELECT due FROM messages WHERE lane = ?1 AND grp = ?2 ORDER BY seq LIMIT 1),
			(SELECT max(due) FROM messages WHERE lane = ?1 AND grp = ?2 AND leased = 1)`},
		{&s.putGroup, `INSERT INTO fifo_groups (lane, grp, due, head) VALUES (?, ?, ?, ?)
			ON CONFLICT (lane, grp) DO UPDATE SET due = excluded.due, head = excluded.head`},
		{&s.dropGroup, `DELETE FROM fifo_groups WHERE lane = ? AND grp = ?`},

		{&s.dedupFind, `SELECT seq, message FROM dedup WHERE lane = ? AND id = ? AND until > ?`},
		{&s.dedupPut, `INSERT OR REPLACE INTO dedup (lane, id, until, seq, message) VALUES (?, ?, ?, ?, ?)`},
		{&s.dedupPrune, `DELETE FROM dedup WHERE (lane, id) IN (SELECT lane, id FROM dedup WHERE until <= ? LIMIT ?)`},

		{&s.old, `SELECT seq, lane, sent, due, leased, receives, grp, file FROM messages WHERE seq > ? ORDER BY seq LIMIT ?`},
		{&s.trash, `DELETE FROM messages WHERE seq IN (SELECT seq FROM messages WHERE lane = ? AND grp IS NULL LIMIT ?) RETURNING file`},
		{&s.trashGroups, `DELETE FROM messages WHERE seq IN (SELECT seq FROM messages WHERE lane = ? AND grp IS NOT NULL LIMIT ?) RETURNING file`},
		{&s.trashDedup, `DELETE FROM dedup WHERE lane = ?`},
		{&s.trashDone, `DELETE FROM trash WHERE lane = ?`},
	}
}

// dsn names the file for the driver, with what every connection is set to.
func dsn(path string) string {
	q := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)"}}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String()
}

// script makes the schema and the key of the receipts' codes.
func script() string {
	return fmt.Sprintf("%sINSERT INTO secrets VALUES (1, randomblob(32));PRAGMA user_version = %d;", schema, schemaVersion)
}

func migrate(ctx context.Context, conn *sql.Conn) error {
	var version int
	if err := conn.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return err
	}
	switch version {
	case schemaVersion:
		return nil
	case 0:
		_, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE;"+script()+"COMMIT")
		return err
	default:
		return fmt.Errorf("the file has schema version %d, this program knows %d", version, schemaVersion)
	}
}
