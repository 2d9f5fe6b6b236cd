// Package newfile makes SQLite files that are new. SQLite makes one in seven syncs, for
// each of the steps by which an empty file gets a log and its tables; made in memory and
// written at once it takes one.
//
// It decides how a file comes to be. What is in it is its user's, and so is what happens
// to a file that is there already.
package newfile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Make makes the file at path, in WAL mode, with what the script makes, unless there is
// one. The file has its name only once it is whole and on disk. The name itself is on
// disk no later than the first commit: SQLite syncs the directory when it makes the log.
// The caller keeps others from doing the same meanwhile.
func Make(ctx context.Context, path, script string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	image, err := build(ctx, script)
	if err != nil {
		return fmt.Errorf("make %s: %w", filepath.Base(path), err)
	}
	// A log without its file is of one that was removed, and would be played into the new
	// one. SQLite removes it, too, where it finds an empty file.
	for _, stale := range []string{"-wal", "-shm", "-journal"} {
		if err := os.Remove(path + stale); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("make %s: %w", filepath.Base(path), err)
		}
	}
	if err := write(path, image); err != nil {
		return fmt.Errorf("make %s: %w", filepath.Base(path), err)
	}
	return nil
}

// Where a file's header says that it has a log (SQLite, "Database File Format",
// 1.3.3 File format version numbers).
const (
	writeVersion = 18
	readVersion  = 19
	walVersion   = 2
)

// build runs the script on an empty database and returns the file that it would be.
func build(ctx context.Context, script string) (image []byte, err error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx) // the one connection: each has a memory of its own
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, script); err != nil {
		return nil, err
	}
	err = conn.Raw(func(c any) error {
		s, ok := c.(interface{ Serialize() ([]byte, error) })
		if !ok {
			return fmt.Errorf("the driver's %T cannot be serialized", c)
		}
		image, err = s.Serialize()
		return err
	})
	if err != nil {
		return nil, err
	}
	image[writeVersion], image[readVersion] = walVersion, walVersion
	return image, nil
}

// unfinished is added to the name of a file that is not whole yet.
const unfinished = ".new"

// write makes the file under another name and renames it.
func write(path string, image []byte) error {
	part := path + unfinished
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(image)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return os.Rename(part, path)
}
