package disk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// reads are the statements of readers.
type reads struct {
	get            *sql.Stmt
	up, down       *sql.Stmt
	upOpen, dnOpen *sql.Stmt // without an end
}

const selectRange = `SELECT key, value FROM kv WHERE space = ? AND key >= ?`

func (r *reads) prepare(ctx context.Context, db *sql.DB) (err error) {
	for _, p := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&r.get, `SELECT value FROM kv WHERE space = ? AND key = ?`},
		{&r.up, selectRange + ` AND key < ? ORDER BY key`},
		{&r.down, selectRange + ` AND key < ? ORDER BY key DESC`},
		{&r.upOpen, selectRange + ` ORDER BY key`},
		{&r.dnOpen, selectRange + ` ORDER BY key DESC`},
	} {
		if *p.stmt, err = db.PrepareContext(ctx, p.text); err != nil {
			return fmt.Errorf("prepare %s: %w", p.text, err)
		}
	}
	return nil
}

// Get returns the value of a key as of the last commit; nil when there is none.
func (s *Store) Get(ctx context.Context, space Space, key []byte) ([]byte, error) {
	// A point read is shorter than what it costs to make it stoppable.
	return get(context.WithoutCancel(ctx), s.reads.get, space, key)
}

func get(ctx context.Context, stmt *sql.Stmt, space Space, key []byte) ([]byte, error) {
	var value []byte
	switch err := stmt.QueryRowContext(ctx, int64(space), key).Scan(&value); {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read: %w", err)
	}
	if value == nil {
		value = []byte{}
	}
	return value, nil
}

// Range calls fn for the keys from from to before to, in their order or the other
// way round, until fn returns false. A nil to is the end of the space. Key and value
// are valid only during the call. All of it is read as of one commit.
func (s *Store) Range(ctx context.Context, space Space, from, to []byte, down bool, fn func(key, value []byte) (more bool, err error)) error {
	if from == nil {
		from = []byte{}
	}
	args := []any{int64(space), from}
	stmt := s.reads.upOpen
	switch {
	case to == nil && down:
		stmt = s.reads.dnOpen
	case to != nil:
		args = append(args, to)
		stmt = s.reads.up
		if down {
			stmt = s.reads.down
		}
	}
	rows, err := stmt.QueryContext(context.WithoutCancel(ctx), args...)
	if err != nil {
		return fmt.Errorf("read a range: %w", err)
	}
	defer rows.Close()
	var key, value sql.RawBytes
	into := []any{&key, &value}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("read a range: %w", err)
		}
		if more, err := fn(key, value); err != nil || !more {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read a range: %w", err)
	}
	return nil
}

// Key is a key of a space.
type Key struct {
	Space Space
	Key   []byte
}

// GetAll returns the values of many keys, all as of one commit.
func (s *Store) GetAll(ctx context.Context, keys []Key) ([][]byte, error) {
	ctx = context.WithoutCancel(ctx)
	tx, err := s.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	defer tx.Rollback()
	stmt := tx.StmtContext(ctx, s.reads.get)
	out := make([][]byte, len(keys))
	for i, k := range keys {
		if out[i], err = get(ctx, stmt, k.Space, k.Key); err != nil {
			return nil, err
		}
	}
	return out, nil
}
