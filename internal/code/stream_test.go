package code

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"testing/iotest"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func TestAStreamedPackageIsTheSameAsAnUploadedOne(t *testing.T) {
	p, _ := openPackages(t, nil)
	data := zipOf(t, entryOf{name: "index.js", body: "x"})
	streamed, err := p.PutFrom(t.Context(), iotest.OneByteReader(bytes.NewReader(data)))
	if err != nil {
		t.Fatal(err)
	}
	uploaded, err := p.Put(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	if streamed != uploaded {
		t.Errorf("streamed %+v, uploaded %+v", streamed, uploaded)
	}
	again, err := p.PutFrom(t.Context(), bytes.NewReader(data))
	if err != nil || again != uploaded {
		t.Errorf("streamed again: %+v, %v", again, err)
	}
	r, err := p.Open(t.Context(), streamed.Digest)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
		t.Errorf("stored %d bytes, %v; want %d", len(got), err, len(data))
	}
}

func TestAStreamThatIsNoPackageLeavesNothing(t *testing.T) {
	broken := errors.New("connection lost")
	for _, tc := range []struct {
		name string
		r    io.Reader
		want error
	}{
		{"empty", bytes.NewReader(nil), errEmpty},
		{"not a zip", bytes.NewReader([]byte("not a zip")), errNotAZip},
		{"larger than any package may be", io.LimitReader(zeros{}, StreamMax+1), errUnzippedLimit},
		{"broken off", iotest.ErrReader(broken), broken},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, _ := openPackages(t, nil)
			if _, err := p.PutFrom(t.Context(), tc.r); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			for _, dir := range []string{p.blobs, p.tmp} {
				if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
					t.Errorf("%s holds %v, %v", dir, left, err)
				}
			}
		})
	}
}

func TestAPackageLargerThanARequestIsUnpackedFromAStream(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 100 MB")
	}
	p, _ := openPackages(t, nil)
	data := zipOf(t, entryOf{name: "big", body: string(make([]byte, lambda.ZipMax+1))})
	pkg, err := p.PutFrom(t.Context(), bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := mustCache(t, t.TempDir(), 1<<30, p)
	defer mustAcquire(t, c, pkg.Digest).Release()
}

// zeros is endless.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
