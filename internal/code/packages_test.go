package code

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func openPackages(t testing.TB, now func() time.Time) (*Packages, string) {
	t.Helper()
	dir := t.TempDir()
	p, err := Open(Config{Dir: dir, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return p, dir
}

// filesBelow counts what lies below dir, directories aside.
func filesBelow(t testing.TB, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPutStoresAPackageUnderItsDigest(t *testing.T) {
	p, _ := openPackages(t, nil)
	data := zipOf(t,
		entryOf{name: "index.js", body: "exports.handler = 1"},
		entryOf{name: "lib/", mode: fs.ModeDir | 0o755},
		entryOf{name: "lib/a.js", body: "aaa", method: zip.Deflate},
	)
	got, err := p.Put(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	want := Package{
		Digest:       lambda.CodeDigest(hex.EncodeToString(sum[:])),
		Base64SHA256: base64.StdEncoding.EncodeToString(sum[:]),
		Size:         int64(len(data)), UnpackedSize: 22, Files: 2,
	}
	if got != want {
		t.Errorf("Put = %+v, want %+v", got, want)
	}
	if again, err := p.Put(t.Context(), data); err != nil || again != want {
		t.Errorf("second Put = %+v, %v, want the same", again, err)
	}
	r, err := p.Open(t.Context(), got.Digest)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if back, err := io.ReadAll(r); err != nil || !bytes.Equal(back, data) {
		t.Errorf("Open gives %d bytes and %v, want the %d that were put", len(back), err, len(data))
	}
}

// declare makes the headers of a package's last entry say that it unpacks to so many
// bytes: the size stands at offset 24 of its central directory entry (APPNOTE 4.3.12).
func declare(data []byte, size uint32) []byte {
	at := bytes.LastIndex(data, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(data[at+24:], size)
	return data
}

func TestUnpackingStopsAtTheLimitWhateverHeadersSay(t *testing.T) {
	data := zipOf(t, entryOf{name: "a", body: "0123456789", method: zip.Deflate})
	for _, tc := range []struct {
		name     string
		declared uint32
		limit    int64
		want     error
	}{
		{"all that is allowed", 10, 10, nil},
		{"one byte more", 10, 9, errUnzippedLimit},
		{"more than the header says", 5, 10, errNotAZip},
		{"more than the header says and than is allowed", 5, 4, errUnzippedLimit},
		{"less than the header says", 11, 100, errNotAZip},
	} {
		zr, err := zip.NewReader(bytes.NewReader(declare(bytes.Clone(data), tc.declared)), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		_, err = copyEntry(&out, zr.File[0], tc.limit)
		if !errors.Is(err, tc.want) || int64(out.Len()) > tc.limit+1 {
			t.Errorf("%s: %v after %d bytes, want %v", tc.name, err, out.Len(), tc.want)
		}
	}
}

func TestPutRefusesWhatIsNoPackage(t *testing.T) {
	notAZip := "InvalidParameterValueException: " + msgNotAZip
	good := zipOf(t, entryOf{name: "index.js", body: strings.Repeat("exports", 100)})
	damaged := bytes.Clone(good)
	damaged[len("PK0304")+60] ^= 0xff
	encrypted := bytes.Clone(good)
	binary.LittleEndian.PutUint16(encrypted[bytes.LastIndex(encrypted, []byte("PK\x01\x02"))+8:], 1)
	unknownMethod := bytes.Clone(good)
	binary.LittleEndian.PutUint16(unknownMethod[bytes.LastIndex(unknownMethod, []byte("PK\x01\x02"))+10:], 99)
	deep := strings.Repeat("d/", depthMax+1) + "f"

	for _, tc := range []struct {
		name string
		zip  []byte
		want string
	}{
		{"text", []byte("exports.handler = 1"), notAZip},
		{"nothing", nil, "InvalidParameterValueException: " + msgEmpty},
		{"a zip without entries", zipOf(t), "InvalidParameterValueException: " + msgEmpty},
		{"half a zip", good[:len(good)/2], notAZip},
		{"a zip with a damaged entry", damaged, notAZip},
		{"an encrypted entry", encrypted, notAZip},
		{"an unknown compression", unknownMethod, notAZip},
		{"a name that climbs", zipOf(t, entryOf{name: "../evil"}), notAZip},
		{"a name that climbs in its middle", zipOf(t, entryOf{name: "a/../../evil"}), notAZip},
		{"an absolute name", zipOf(t, entryOf{name: "/etc/passwd"}), notAZip},
		{"a NUL in a name", zipOf(t, entryOf{name: "a\x00b"}), notAZip},
		{"a name too long for a file system", zipOf(t, entryOf{name: strings.Repeat("n", 256)}), notAZip},
		{"directories too deep", zipOf(t, entryOf{name: deep}), notAZip},
		{"one name twice", zipOf(t, entryOf{name: "a"}, entryOf{name: "./a"}), notAZip},
		{"a file where a directory is", zipOf(t, entryOf{name: "a/", mode: fs.ModeDir | 0o755}, entryOf{name: "a"}), notAZip},
		{"an entry below a file", zipOf(t, entryOf{name: "a"}, entryOf{name: "a/b"}), notAZip},
		{"an entry below a link", zipOf(t, entryOf{name: "a/b"}, entryOf{name: "a", body: "c", mode: fs.ModeSymlink | 0o777}), notAZip},
		{"a link to an absolute path", zipOf(t, entryOf{name: "l", body: "/etc", mode: fs.ModeSymlink | 0o777}), notAZip},
		{"a link outside", zipOf(t, entryOf{name: "d/l", body: "../../etc", mode: fs.ModeSymlink | 0o777}), notAZip},
		{"a link that climbs after another's name", zipOf(t, entryOf{name: "d/l", body: "x/../../y", mode: fs.ModeSymlink | 0o777}), notAZip},
		{"an empty link", zipOf(t, entryOf{name: "l", mode: fs.ModeSymlink | 0o777}), notAZip},
		{"a device", zipOf(t, entryOf{name: "null", mode: fs.ModeDevice | fs.ModeCharDevice | 0o666}), notAZip},
		{"a pipe", zipOf(t, entryOf{name: "pipe", mode: fs.ModeNamedPipe | 0o666}), notAZip},
		{"a socket", zipOf(t, entryOf{name: "sock", mode: fs.ModeSocket | 0o666}), notAZip},
		{"a bomb that lies about its size", declare(zipOf(t, entryOf{name: "bomb", body: strings.Repeat("0", 1<<20), method: zip.Deflate}), 10), notAZip},
		{
			"too much inside", declare(zipOf(t, entryOf{name: "a", body: "0", method: zip.Deflate}), lambda.UnzippedMax+1),
			"InvalidParameterValueException: " + msgUnzippedLimit,
		},
		{"a zip that is too large", make([]byte, lambda.ZipMax+1), "RequestEntityTooLargeException: " + msgZippedLimit},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, dir := openPackages(t, nil)
			_, err := p.Put(t.Context(), tc.zip)
			if _, ok := errors.AsType[*lambda.Error](err); !ok || err.Error() != tc.want {
				t.Errorf("Put = %v, want %s", err, tc.want)
			}
			if n := filesBelow(t, dir); n != 0 {
				t.Errorf("%d files are left behind", n)
			}
		})
	}
}

func TestPutTakesWhatRealPackagesContain(t *testing.T) {
	for _, tc := range []struct {
		name    string
		entries []entryOf
	}{
		{"names that begin with ./", []entryOf{{name: "./index.js"}}},
		{"an entry for the root", []entryOf{{name: "./", mode: fs.ModeDir | 0o755}, {name: "index.js"}}},
		{"a directory twice", []entryOf{{name: "a/", mode: fs.ModeDir | 0o755}, {name: "a/", mode: fs.ModeDir | 0o755}, {name: "a/b"}}},
		{"a directory after what it holds", []entryOf{{name: "a/b"}, {name: "a/", mode: fs.ModeDir | 0o755}}},
		{"a link within node_modules", []entryOf{
			{name: "node_modules/.bin/semver", body: "../semver/bin/semver.js", mode: fs.ModeSymlink | 0o777},
			{name: "node_modules/semver/bin/semver.js"},
		}},
		{"dots in names", []entryOf{{name: "..a/b..c/..."}}},
		{"names that are not ASCII", []entryOf{{name: "größe/файл.py"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, _ := openPackages(t, nil)
			pkg, err := p.Put(t.Context(), zipOf(t, tc.entries...))
			if err != nil {
				t.Fatal(err)
			}
			c, err := NewCache(CacheConfig{Dir: t.TempDir(), MaxBytes: 1 << 20}, p)
			if err != nil {
				t.Fatal(err)
			}
			e, err := c.Acquire(t.Context(), pkg.Digest)
			if err != nil {
				t.Fatal(err)
			}
			if got := filesBelow(t, e.Dir); got != pkg.Files {
				t.Errorf("%d files are unpacked, want %d", got, pkg.Files)
			}
		})
	}
}

func TestPutStopsWhenCalledOff(t *testing.T) {
	p, dir := openPackages(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Put(ctx, zipOf(t, entryOf{name: "a"})); !errors.Is(err, context.Canceled) {
		t.Errorf("Put = %v, want context.Canceled", err)
	}
	if n := filesBelow(t, dir); n != 0 {
		t.Errorf("%d files are left behind", n)
	}
}

func TestOpenRemovesWhatAnInterruptedPutLeft(t *testing.T) {
	_, dir := openPackages(t, nil)
	left := filepath.Join(dir, "tmp", "half-written")
	if err := os.WriteFile(left, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	if n := filesBelow(t, dir); n != 0 {
		t.Errorf("%d files are left, want none", n)
	}
}

func TestOpenKnowsOnlyDigests(t *testing.T) {
	p, _ := openPackages(t, nil)
	for _, digest := range []lambda.CodeDigest{"", "../../etc/passwd", "abc", lambda.CodeDigest(strings.Repeat("A", 64)), lambda.CodeDigest(strings.Repeat("a", 64))} {
		if _, err := p.Open(t.Context(), digest); !errors.Is(err, ErrNotFound) {
			t.Errorf("Open(%q) = %v, want ErrNotFound", digest, err)
		}
		if err := p.Delete(t.Context(), digest); err != nil {
			t.Errorf("Delete(%q) = %v, want nil", digest, err)
		}
	}
}

func TestSweepRemovesOldPackagesThatNothingRefersTo(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p, _ := openPackages(t, func() time.Time { return now })
	put := func(name string) lambda.CodeDigest {
		t.Helper()
		pkg, err := p.Put(t.Context(), zipOf(t, entryOf{name: name}))
		if err != nil {
			t.Fatal(err)
		}
		return pkg.Digest
	}
	used, unused, again := put("used"), put("unused"), put("again")
	sweep := func() int {
		t.Helper()
		n, err := p.Sweep(func(d lambda.CodeDigest) bool { return d == used })
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := sweep(); n != 0 {
		t.Errorf("a sweep right after removes %d packages, want 0", n)
	}
	now = now.Add(SweepGrace)
	fresh := put("fresh")
	if put("again") != again {
		t.Fatal("the same package has another digest")
	}
	if n := sweep(); n != 1 {
		t.Errorf("a later sweep removes %d packages, want 1", n)
	}
	for digest, want := range map[lambda.CodeDigest]error{used: nil, fresh: nil, again: nil, unused: ErrNotFound} {
		r, err := p.Open(t.Context(), digest)
		if !errors.Is(err, want) {
			t.Errorf("Open(%s) = %v, want %v", digest, err, want)
		}
		if err == nil {
			r.Close()
		}
	}
}

func FuzzPut(f *testing.F) {
	f.Add(zipOf(f, entryOf{name: "index.js", body: "exports"}))
	f.Add(zipOf(f, entryOf{name: "a/l", body: "../b", mode: fs.ModeSymlink | 0o777}, entryOf{name: "b", method: zip.Deflate, body: "bb"}))
	f.Add(zipOf(f, entryOf{name: "../x"}, entryOf{name: "/y"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, dir := openPackages(t, nil)
		pkg, err := p.Put(t.Context(), data)
		if err != nil {
			if _, ok := errors.AsType[*lambda.Error](err); !ok {
				t.Errorf("Put = %v, which is no answer to the caller", err)
			}
			if n := filesBelow(t, dir); n != 0 {
				t.Errorf("%d files are left behind", n)
			}
			return
		}
		// What Put takes must unpack, and stay inside.
		out := t.TempDir()
		c, err := NewCache(CacheConfig{Dir: filepath.Join(out, "cache")}, p)
		if err != nil {
			t.Fatal(err)
		}
		e, err := c.Acquire(t.Context(), pkg.Digest)
		if err != nil {
			t.Fatalf("Acquire of what Put took: %v", err)
		}
		e.Release()
		if left, err := os.ReadDir(out); err != nil || len(left) != 1 {
			t.Errorf("beside the cache there is %v (%v)", left, err)
		}
	})
}
