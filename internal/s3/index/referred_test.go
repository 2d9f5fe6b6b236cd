package index

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/store"
	"github.com/hearthfaas/hearth/internal/store/mem"
)

// interrupted is a store in which something happens once, just before records of a
// kind are listed.
type interrupted struct {
	store.Store
	kind string
	what func()
}

func (s *interrupted) List(ctx context.Context, kind, prefix, after string, limit int) ([]store.Record, error) {
	if what := s.what; what != nil && kind == s.kind {
		s.what = nil
		what()
	}
	return s.Store.List(ctx, kind, prefix, after, limit)
}

func newIndex(t *testing.T, s store.Store, versioning Versioning) *Index {
	t.Helper()
	x, err := Open(t.Context(), s)
	if err == nil {
		err = x.CreateBucket(t.Context(), Bucket{Name: "bucket", Versioning: versioning})
	}
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func (x *Index) mustPut(t *testing.T, w Write) Object {
	t.Helper()
	o, _, err := x.Put(t.Context(), "bucket", "key", w)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// uploaded begins an upload with one part.
func (x *Index) uploaded(t *testing.T, id, blob string) {
	t.Helper()
	err := x.CreateUpload(t.Context(), "bucket", "key", Upload{ID: id, Initiated: time.Now()})
	if err == nil {
		_, err = x.PutPart(t.Context(), "bucket", "key", id, Part{Number: 1, Blob: blob})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A sweep must not take what a change moves past it: each move from records that are
// still to be read to records that were read already happens just between the two.
func TestWhatMovesWhileASweepReadsIsReferredTo(t *testing.T) {
	completed := func(blob string) Write {
		return Write{Object: Object{Data: blob, Parts: 1}, Segments: []Segment{{Number: 1, Blob: blob}}, Upload: "upload"}
	}
	t.Run("from a part to an object", func(t *testing.T) {
		s := &interrupted{Store: mem.New(), kind: kindPart}
		x := newIndex(t, s, Off)
		x.uploaded(t, "upload", "moved")
		s.what = func() { x.mustPut(t, completed("moved")) }
		if known, err := x.Referred(t.Context()); err != nil || !has(known, "moved") {
			t.Errorf("got %v, %v", known, err)
		}
	})
	t.Run("from an older version to the current one", func(t *testing.T) {
		s := &interrupted{Store: mem.New(), kind: kindVersion}
		x := newIndex(t, s, Enabled)
		x.mustPut(t, Write{Object: Object{Data: "moved"}})
		newer := x.mustPut(t, Write{Object: Object{Data: "newer"}})
		s.what = func() {
			if _, err := x.Delete(t.Context(), "bucket", "key", Removal{Version: newer.Version}); err != nil {
				t.Error(err)
			}
		}
		if known, err := x.Referred(t.Context()); err != nil || !has(known, "moved") {
			t.Errorf("got %v, %v", known, err)
		}
	})
	t.Run("and from the current version to an older one", func(t *testing.T) {
		s := &interrupted{Store: mem.New(), kind: kindObject}
		x := newIndex(t, s, Enabled)
		x.mustPut(t, Write{Object: Object{Data: "moved"}})
		s.what = func() { x.mustPut(t, Write{Object: Object{Data: "newer"}}) }
		if known, err := x.Referred(t.Context()); err != nil || !has(known, "moved") {
			t.Errorf("got %v, %v", known, err)
		}
	})
}

func has(known map[string]struct{}, id string) bool { _, ok := known[id]; return ok }

// A part that is uploaded again while its upload is completed takes its bytes away:
// the object must not refer to them.
func TestAnUploadIsNotCompletedWithAPartThatWasReplaced(t *testing.T) {
	x := newIndex(t, mem.New(), Off)
	x.uploaded(t, "upload", "first")
	garbage, err := x.PutPart(t.Context(), "bucket", "key", "upload", Part{Number: 1, Blob: "second"})
	if err != nil || len(garbage) != 1 || garbage[0].Blobs[0] != "first" {
		t.Fatalf("got %v, %v", garbage, err)
	}
	write := func(blob string) error {
		_, _, err := x.Put(t.Context(), "bucket", "key", Write{
			Object: Object{Data: blob, Parts: 1}, Segments: []Segment{{Number: 1, Blob: blob}}, Upload: "upload",
		})
		return err
	}
	if err := write("first"); !errors.Is(err, ErrPartGone) {
		t.Errorf("with the part as it was: got %v", err)
	}
	if _, err := x.Get(t.Context(), "bucket", "key", ""); !errors.Is(err, ErrNoObject) {
		t.Errorf("got %v, want no object", err)
	}
	if err := write("second"); err != nil {
		t.Errorf("with the part as it is: got %v", err)
	}
}
