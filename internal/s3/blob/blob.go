// Package blob keeps the bytes of objects as files that never change, under ids of
// their own.
//
// It decides when bytes are durable and when a file that nobody refers to any more
// may go: not while somebody reads it. Who refers to what is the index's affair.
package blob

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Store is a directory of blobs. It is safe for concurrent use by one process.
type Store struct {
	dir string

	mu     sync.Mutex // guards what follows
	pins   map[string]int
	doomed map[string][]string // pinned group → ids to remove after
}

// Open opens the directory, making it when it does not exist.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the objects: %w", err)
	}
	return &Store{dir: dir, pins: map[string]int{}, doomed: map[string][]string{}}, nil
}

// idLength is that of an id: twelve digits of the time in milliseconds, so that a
// sweep can tell old from new, and twenty random ones.
const idLength = 12 + 20

// IDAt is the smallest id that is made at t or later.
func IDAt(t time.Time) string { return fmt.Sprintf("%012x", t.UnixMilli()) }

func newID() string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails, as crypto/rand says
	return IDAt(time.Now()) + hex.EncodeToString(b[:])
}

// path spreads the files over 256 directories by the last random digits.
func (s *Store) path(id string) string {
	return filepath.Join(s.dir, id[len(id)-2:], id)
}

// Writer is a blob that is being written. It ends with Commit or Abort.
type Writer struct {
	store *Store
	id    string
	file  *os.File
}

// Create begins a blob.
func (s *Store) Create() (*Writer, error) {
	id := newID()
	path := s.path(id)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err = s.makeDir(filepath.Dir(path)); err == nil {
			f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("create an object's file: %w", err)
	}
	return &Writer{store: s, id: id, file: f}, nil
}

func (s *Store) makeDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(s.dir)
}

// Write appends to the blob.
func (w *Writer) Write(p []byte) (int, error) { return w.file.Write(p) }

// ReadFrom appends all of r; the file's own way may copy inside the kernel.
func (w *Writer) ReadFrom(r io.Reader) (int64, error) { return w.file.ReadFrom(r) }

// Commit makes the blob durable and returns its id.
func (w *Writer) Commit() (string, error) {
	err := w.file.Sync()
	err = errors.Join(err, w.file.Close())
	if err == nil {
		err = syncDir(filepath.Dir(w.store.path(w.id)))
	}
	if err != nil {
		os.Remove(w.store.path(w.id))
		return "", fmt.Errorf("make an object's file durable: %w", err)
	}
	return w.id, nil
}

// Abort forgets the blob.
func (w *Writer) Abort() {
	w.file.Close()
	os.Remove(w.store.path(w.id))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Copy makes a second blob with the same bytes. It shares the file when the file
// system can, and is durable when it returns.
func (s *Store) Copy(id string) (string, error) {
	other := newID()
	to := s.path(other)
	if err := s.makeDir(filepath.Dir(to)); err != nil {
		return "", fmt.Errorf("copy an object's file: %w", err)
	}
	if os.Link(s.path(id), to) == nil {
		if err := syncDir(filepath.Dir(to)); err != nil {
			return "", fmt.Errorf("copy an object's file: %w", err)
		}
		return other, nil
	}
	from, err := s.Open(id)
	if err != nil {
		return "", err
	}
	defer from.Close()
	w, err := s.Create()
	if err != nil {
		return "", err
	}
	if _, err := w.ReadFrom(from); err != nil {
		w.Abort()
		return "", fmt.Errorf("copy an object's file: %w", err)
	}
	return w.Commit()
}

// Open opens a blob for reading.
func (s *Store) Open(id string) (*os.File, error) {
	if len(id) != idLength {
		return nil, fmt.Errorf("open an object's file: %q is no id", id)
	}
	f, err := os.Open(s.path(id))
	if err != nil {
		return nil, fmt.Errorf("open an object's file: %w", err)
	}
	return f, nil
}

// Pin keeps the blobs of a group (those of one object) from being removed until
// the returned release is called.
func (s *Store) Pin(group string) (release func()) {
	s.mu.Lock()
	s.pins[group]++
	s.mu.Unlock()
	return sync.OnceFunc(func() {
		s.mu.Lock()
		var ids []string
		if s.pins[group]--; s.pins[group] == 0 {
			ids = s.doomed[group]
			delete(s.pins, group)
			delete(s.doomed, group)
		}
		s.mu.Unlock()
		s.removeNow(ids)
	})
}

// Remove removes the blobs of a group once nobody has it pinned.
func (s *Store) Remove(group string, ids []string) {
	s.mu.Lock()
	pinned := s.pins[group] > 0
	if pinned {
		s.doomed[group] = append(s.doomed[group], ids...)
	}
	s.mu.Unlock()
	if !pinned {
		s.removeNow(ids)
	}
}

// removeNow leaves what it cannot remove to a sweep.
func (s *Store) removeNow(ids []string) {
	for _, id := range ids {
		if len(id) == idLength {
			os.Remove(s.path(id))
		}
	}
}

// Sweep removes the blobs with ids below before that keep refuses, and returns how
// many they were.
func (s *Store) Sweep(before string, keep func(id string) bool) (removed int, err error) {
	err = filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if id := d.Name(); len(id) == idLength && id < before && !keep(id) {
			removed++
			return os.Remove(path)
		}
		return nil
	})
	if err != nil {
		return removed, fmt.Errorf("sweep the objects: %w", err)
	}
	return removed, nil
}
