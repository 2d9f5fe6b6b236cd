package s3

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func (b *bench) begin(t *testing.T, key string, a types.ChecksumAlgorithm) *string {
	t.Helper()
	out, err := b.CreateMultipartUpload(t.Context(), &awss3.CreateMultipartUploadInput{
		Bucket: aws.String("bucket"), Key: &key, ChecksumAlgorithm: a, Metadata: map[string]string{"m": "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.UploadId
}

func (b *bench) part(t *testing.T, key string, id *string, number int32, a types.ChecksumAlgorithm, body io.ReadSeeker) types.CompletedPart {
	t.Helper()
	out, err := b.UploadPart(t.Context(), &awss3.UploadPartInput{
		Bucket: aws.String("bucket"), Key: &key, UploadId: id, PartNumber: &number, Body: body, ChecksumAlgorithm: a,
	})
	if err != nil {
		t.Fatal(err)
	}
	return types.CompletedPart{
		PartNumber: &number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32, ChecksumSHA256: out.ChecksumSHA256,
		ChecksumCRC64NVME: out.ChecksumCRC64NVME,
	}
}

func (b *bench) complete(t *testing.T, key string, id *string, parts ...types.CompletedPart) (*awss3.CompleteMultipartUploadOutput, error) {
	t.Helper()
	return b.CompleteMultipartUpload(t.Context(), &awss3.CompleteMultipartUploadInput{
		Bucket: aws.String("bucket"), Key: &key, UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
}

func TestAnUploadInParts(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	large := bytes.Repeat([]byte("0123456789abcdef"), partMin/16)
	for _, a := range []types.ChecksumAlgorithm{types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmSha256, types.ChecksumAlgorithmCrc64nvme} {
		id := b.begin(t, "k", a)
		first := b.part(t, "k", id, 1, a, bytes.NewReader(large))
		b.part(t, "k", id, 5, a, strings.NewReader("replaced"))
		last := b.part(t, "k", id, 5, a, strings.NewReader("the end"))
		b.part(t, "k", id, 9, a, strings.NewReader("left out"))
		listed, err := b.ListParts(t.Context(), &awss3.ListPartsInput{
			Bucket: aws.String("bucket"), Key: aws.String("k"), UploadId: id, MaxParts: aws.Int32(2),
		})
		if err != nil || len(listed.Parts) != 2 || !aws.ToBool(listed.IsTruncated) || aws.ToString(listed.NextPartNumberMarker) != "5" {
			t.Errorf("%s: parts: %+v %v", a, listed, err)
		}
		if _, err := b.complete(t, "k", id, last, first); code(err) != "InvalidPartOrder" {
			t.Errorf("%s: out of order: got %v", a, err)
		}
		out, err := b.complete(t, "k", id, first, last)
		if err != nil {
			t.Fatalf("%s: %v", a, err)
		}
		if !strings.HasSuffix(aws.ToString(out.ETag), `-2"`) {
			t.Errorf("%s: ETag %s", a, aws.ToString(out.ETag))
		}
		text, got := b.read(t, &awss3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("k")})
		if text != string(large)+"the end" || got.Metadata["m"] != "1" {
			t.Errorf("%s: got %d bytes, %v", a, len(text), got.Metadata)
		}
		across := "bytes=5242876-5242883"
		if text, _ := b.read(t, &awss3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("k"), Range: &across}); text != "cdefthe " {
			t.Errorf("%s: across the parts: got %q", a, text)
		}
		if text, _ := b.read(t, &awss3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("k"), PartNumber: aws.Int32(2)}); text != "the end" {
			t.Errorf("%s: the second part: got %q", a, text)
		}
		if n := files(t, b); n != 2 {
			t.Errorf("%s: %d files, want the 2 parts", a, n)
		}
	}
}

func TestUploadsThatAreRefusedOrAborted(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	id := b.begin(t, "k", types.ChecksumAlgorithmCrc32)
	small := b.part(t, "k", id, 1, types.ChecksumAlgorithmCrc32, strings.NewReader("small"))
	last := b.part(t, "k", id, 2, types.ChecksumAlgorithmCrc32, strings.NewReader("last"))
	if _, err := b.complete(t, "k", id, small, last); code(err) != "EntityTooSmall" {
		t.Errorf("a part that is too small: got %v", err)
	}
	if _, err := b.complete(t, "k", id, types.CompletedPart{PartNumber: aws.Int32(3), ETag: small.ETag}); code(err) != "InvalidPart" {
		t.Errorf("a part that is not there: got %v", err)
	}
	uploads, err := b.ListMultipartUploads(t.Context(), &awss3.ListMultipartUploadsInput{Bucket: aws.String("bucket")})
	if err != nil || len(uploads.Uploads) != 1 || aws.ToString(uploads.Uploads[0].UploadId) != aws.ToString(id) {
		t.Errorf("uploads: %+v %v", uploads, err)
	}
	abort := &awss3.AbortMultipartUploadInput{Bucket: aws.String("bucket"), Key: aws.String("k"), UploadId: id}
	if _, err := b.AbortMultipartUpload(t.Context(), abort); err != nil {
		t.Error(err)
	}
	if _, err := b.AbortMultipartUpload(t.Context(), abort); code(err) != "NoSuchUpload" {
		t.Errorf("a second time: got %v", err)
	}
	if n := files(t, b); n != 0 {
		t.Errorf("%d files are left over", n)
	}
}

// largeVariable sets how many parts of 40 MB the large upload has: 128 are 5 GB.
const largeVariable = "HEARTH_S3_LARGE_PARTS"

// TestALargeUploadNeedsLittleMemory uploads 280 MB in parts of 40 MB and reads them
// back, client and server in this one process, and watches the heap: bodies stream
// to disk, so it stays far below one part, however many there are.
func TestALargeUploadNeedsLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 280 MB: not with -short")
	}
	const partSize, heapMax = 40 << 20, 24 << 20
	parts := 7
	if text := os.Getenv(largeVariable); text != "" {
		var err error
		if parts, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	b := newBench(t)
	b.make(t, "bucket")
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	var peak atomic.Uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				peak.Store(max(peak.Load(), now.HeapInuse))
			}
		}
	}()
	id := b.begin(t, "k", types.ChecksumAlgorithmCrc32)
	want := sha256.New()
	var done []types.CompletedPart
	for i := range int32(parts) {
		body := &repeating{seed: byte(i), size: partSize}
		done = append(done, b.part(t, "k", id, i+1, types.ChecksumAlgorithmCrc32, body))
		if _, err := body.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		drainInto(t, want, body)
	}
	if _, err := b.complete(t, "k", id, done...); err != nil {
		t.Fatal(err)
	}
	out, err := b.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	got := sha256.New()
	drainInto(t, got, out.Body)
	close(stop)
	<-stopped
	if !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
		t.Error("the bytes came back changed")
	}
	if grown := int64(peak.Load()) - int64(before.HeapInuse); grown > heapMax {
		t.Errorf("the heap grew by %d MB for %d MB, want at most %d", grown>>20, parts*partSize>>20, heapMax>>20)
	} else {
		t.Logf("the heap grew by %d KB for %d MB", grown>>10, parts*partSize>>20)
	}
}

func drainInto(t *testing.T, h hash.Hash, r io.Reader) {
	t.Helper()
	if _, err := io.Copy(h, r); err != nil {
		t.Fatal(err)
	}
}

// repeating is a body that is computed as it is read.
type repeating struct {
	seed     byte
	size, at int64
}

func (r *repeating) Read(p []byte) (int, error) {
	if r.at >= r.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), r.size-r.at))
	for i := range p[:n] {
		at := r.at + int64(i)
		p[i] = byte(at>>16) ^ byte(at) ^ r.seed
	}
	r.at += int64(n)
	return n, nil
}

func (r *repeating) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		r.at = offset
	case io.SeekCurrent:
		r.at += offset
	case io.SeekEnd:
		r.at = r.size + offset
	}
	return r.at, nil
}
