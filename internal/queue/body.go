package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// bodies keeps the large bodies, each in a file with a name of its own: a file
// belongs to one message, is on disk before the message is, and goes after it.
type bodies struct{ dir string }

// open makes the directory and removes files that no message has: of messages that
// were never acknowledged, or that were deleted right before the process ended.
func (b bodies) open(ctx context.Context, conn *sql.Conn) error {
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return fmt.Errorf("make the directory of large bodies: %w", err)
	}
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		return fmt.Errorf("read the directory of large bodies: %w", err)
	}
	for _, entry := range entries {
		var n int
		if err := conn.QueryRowContext(ctx, `SELECT count(*) FROM messages WHERE file = ?`, entry.Name()).Scan(&n); err != nil {
			return fmt.Errorf("look for the message of a body: %w", err)
		}
		if n == 0 {
			os.Remove(filepath.Join(b.dir, entry.Name()))
		}
	}
	return nil
}

// write stores a body durably and returns its file's name.
func (b bodies) write(body []byte) (name string, err error) {
	name = lambda.NewUUID()
	path := filepath.Join(b.dir, name)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("store a large body: %w", err)
	}
	_, err = f.Write(body)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = syncDir(b.dir)
	}
	if err != nil {
		os.Remove(path)
		return "", fmt.Errorf("store a large body: %w", err)
	}
	return name, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// read returns a body; ok is false when its message has been deleted since.
func (b bodies) read(name string) (body []byte, ok bool, err error) {
	body, err = os.ReadFile(filepath.Join(b.dir, name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("read a large body: %w", err)
	}
	return body, true, nil
}

// remove takes files away; one that cannot be removed now is removed by the next
// start.
func (b bodies) remove(names []string) {
	for _, name := range names {
		os.Remove(filepath.Join(b.dir, name))
	}
}
