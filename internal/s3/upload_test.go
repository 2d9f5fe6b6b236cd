package s3

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// A client whose answer was lost asks once more: it is told the same. Later, and
// with other parts, the upload is one that does not exist.
func TestAnUploadCanBeCompletedTwice(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	b.versioning(t, types.BucketVersioningStatusEnabled)
	id := b.begin(t, "k", types.ChecksumAlgorithmCrc32)
	part := b.part(t, "k", id, 1, types.ChecksumAlgorithmCrc32, strings.NewReader("text"))
	first, err := b.complete(t, "k", id, part)
	if err != nil {
		t.Fatal(err)
	}
	b.reopen(t)
	in := &awss3.CompleteMultipartUploadInput{
		Bucket: aws.String("bucket"), Key: aws.String("k"), UploadId: id, IfNoneMatch: aws.String("*"),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{part}},
	}
	second, err := b.CompleteMultipartUpload(t.Context(), in)
	if err != nil || aws.ToString(second.ETag) != aws.ToString(first.ETag) || aws.ToString(second.VersionId) != aws.ToString(first.VersionId) ||
		aws.ToString(second.ChecksumCRC32) != aws.ToString(first.ChecksumCRC32) {
		t.Errorf("got %+v %v, want %+v", second, err, first)
	}
	if got := b.versions(t, 1000); len(got) != 1 {
		t.Errorf("the second time made another version: %q", got)
	}
	other := part
	other.PartNumber = aws.Int32(2)
	if _, err := b.complete(t, "k", id, other); code(err) != "NoSuchUpload" {
		t.Errorf("with other parts: got %v", err)
	}
	if _, err := b.AbortMultipartUpload(t.Context(), &awss3.AbortMultipartUploadInput{Bucket: in.Bucket, Key: in.Key, UploadId: id}); code(err) != "NoSuchUpload" {
		t.Errorf("abort: got %v", err)
	}
	// The answer outlives the object, but not long.
	b.remove(t, "k", "")
	if _, err := b.complete(t, "k", id, part); err != nil {
		t.Errorf("after a deletion: %v", err)
	}
	if err := b.service.index.Forget(t.Context(), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.complete(t, "k", id, part); code(err) != "NoSuchUpload" {
		t.Errorf("after it was forgotten: got %v", err)
	}
}

// sums is a part's checksum of any algorithm, as the SDK shows it.
func sums(a types.ChecksumAlgorithm, v string) (c types.CompletedPart) {
	switch a {
	case types.ChecksumAlgorithmCrc32:
		c.ChecksumCRC32 = &v
	case types.ChecksumAlgorithmCrc32c:
		c.ChecksumCRC32C = &v
	case types.ChecksumAlgorithmCrc64nvme:
		c.ChecksumCRC64NVME = &v
	case types.ChecksumAlgorithmSha1:
		c.ChecksumSHA1 = &v
	case types.ChecksumAlgorithmSha256:
		c.ChecksumSHA256 = &v
	case types.ChecksumAlgorithmSha512:
		c.ChecksumSHA512 = &v
	case types.ChecksumAlgorithmMd5:
		c.ChecksumMD5 = &v
	case types.ChecksumAlgorithmXxhash64:
		c.ChecksumXXHASH64 = &v
	case types.ChecksumAlgorithmXxhash3:
		c.ChecksumXXHASH3 = &v
	case types.ChecksumAlgorithmXxhash128:
		c.ChecksumXXHASH128 = &v
	}
	return c
}

// Every algorithm that AWS's SDK knows, in parts of both types: the answer to
// Complete, HEAD of the whole and of a part, and GetObjectAttributes agree.
func TestChecksumsOfUploadsInParts(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	pieces := [][]byte{bytes.Repeat([]byte("0123456789abcdef"), partMin/16), []byte("the end")}
	for _, a := range types.ChecksumAlgorithm("").Values() {
		ours, ok := checksumNamed(a)
		if !ok {
			t.Errorf("%s is not known", a)
			continue
		}
		for _, kind := range types.ChecksumType("").Values() {
			begun, err := b.CreateMultipartUpload(t.Context(), &awss3.CreateMultipartUploadInput{
				Bucket: aws.String("bucket"), Key: aws.String("k"), ChecksumAlgorithm: a, ChecksumType: kind,
			})
			if allowed := kind == types.ChecksumTypeFullObject && ours.Joins() || kind == types.ChecksumTypeComposite && a != types.ChecksumAlgorithmCrc64nvme; !allowed {
				if code(err) != "InvalidRequest" {
					t.Errorf("%s %s: got %v, want a refusal", a, kind, err)
				}
				continue
			}
			if err != nil || begun.ChecksumAlgorithm != a || begun.ChecksumType != kind {
				t.Fatalf("%s %s: %+v %v", a, kind, begun, err)
			}
			var done []types.CompletedPart
			all := ours.New()
			composite := ours.New()
			for i, piece := range pieces {
				h := ours.New()
				h.Write(piece)
				all.Write(piece)
				composite.Write(h.Sum(nil))
				number, sum := aws.Int32(int32(i)+1), encode(h)
				out, err := b.UploadPart(t.Context(), partWith(a, sum, &awss3.UploadPartInput{
					Bucket: aws.String("bucket"), Key: aws.String("k"), UploadId: begun.UploadId, PartNumber: number, Body: bytes.NewReader(piece),
				}))
				if err != nil {
					t.Fatalf("%s %s: %v", a, kind, err)
				}
				part := sums(a, sum)
				part.PartNumber, part.ETag = number, out.ETag
				done = append(done, part)
			}
			want, shown := encode(all), encode(all)
			if kind == types.ChecksumTypeComposite {
				want, shown = encode(composite)+"-2", encode(composite)
			}
			if _, err := b.CompleteMultipartUpload(t.Context(), &awss3.CompleteMultipartUploadInput{
				Bucket: aws.String("bucket"), Key: aws.String("k"), UploadId: begun.UploadId, ChecksumType: kind,
				MultipartUpload: &types.CompletedMultipartUpload{Parts: done},
			}); err != nil {
				t.Fatalf("%s %s: %v", a, kind, err)
			}
			head := map[string]string{"X-Amz-Checksum-Mode": "ENABLED"}
			if got := b.header(t, "HEAD", "/bucket/k", head).Get(ours.Header()); got != want {
				t.Errorf("%s %s: HEAD says %s, want %s", a, kind, got, want)
			}
			h := b.header(t, "HEAD", "/bucket/k?partNumber=2", head)
			if got := h.Get(ours.Header()); got != encode(hashOf(ours, pieces[1])) || h.Get("X-Amz-Mp-Parts-Count") != "2" {
				t.Errorf("%s %s: HEAD of the second part says %s", a, kind, got)
			}
			got := b.raw(t, "GET", "/bucket/k?attributes", map[string]string{"X-Amz-Object-Attributes": "Checksum,ObjectParts"})
			for _, text := range []string{">" + shown + "</", "<ChecksumType>" + string(kind) + "</", "<PartsCount>2</"} {
				if !strings.Contains(got, text) {
					t.Errorf("%s %s: the attributes %s lack %s", a, kind, got, text)
				}
			}
		}
	}
}

// partWith names the checksum itself: AWS's SDK for Go computes six of ten.
func partWith(a types.ChecksumAlgorithm, sum string, in *awss3.UploadPartInput) *awss3.UploadPartInput {
	c := sums(a, sum)
	in.ChecksumCRC32, in.ChecksumCRC32C, in.ChecksumCRC64NVME = c.ChecksumCRC32, c.ChecksumCRC32C, c.ChecksumCRC64NVME
	in.ChecksumSHA1, in.ChecksumSHA256, in.ChecksumSHA512, in.ChecksumMD5 = c.ChecksumSHA1, c.ChecksumSHA256, c.ChecksumSHA512, c.ChecksumMD5
	in.ChecksumXXHASH64, in.ChecksumXXHASH3, in.ChecksumXXHASH128 = c.ChecksumXXHASH64, c.ChecksumXXHASH3, c.ChecksumXXHASH128
	return in
}

func TestChecksumsOfUploadsThatAreRefused(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	id := b.begin(t, "k", types.ChecksumAlgorithmSha256)
	part := b.part(t, "k", id, 1, types.ChecksumAlgorithmSha256, strings.NewReader("text"))
	_, err := b.UploadPart(t.Context(), &awss3.UploadPartInput{
		Bucket: aws.String("bucket"), Key: aws.String("k"), UploadId: id, PartNumber: aws.Int32(1), Body: strings.NewReader("text"),
	})
	if err == nil || !strings.Contains(err.Error(), "Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: crc32") {
		t.Errorf("a part with another checksum: got %v", err)
	}
	bare := types.CompletedPart{PartNumber: part.PartNumber, ETag: part.ETag}
	if _, err := b.complete(t, "k", id, bare); err == nil || !strings.Contains(err.Error(), "It was missing for part 1 in the request.") {
		t.Errorf("without the part's checksum: got %v", err)
	}
	wrong := sums(types.ChecksumAlgorithmSha256, encode(hashOf("SHA256", []byte("other"))))
	wrong.PartNumber, wrong.ETag = part.PartNumber, part.ETag
	if _, err := b.complete(t, "k", id, wrong); code(err) != "InvalidPart" {
		t.Errorf("with another part's checksum: got %v", err)
	}
	for name, header := range map[string]map[string]string{
		"Expecting a single x-amz-checksum- header": {"X-Amz-Checksum-Crc32": "AAAAAA==", "X-Amz-Checksum-Crc32c": "AAAAAA=="},
		"Value for x-amz-checksum-sha1 header":      {"X-Amz-Checksum-Sha1": "short"},
		"but no corresponding x-amz-checksum-*":     {"X-Amz-Sdk-Checksum-Algorithm": "CRC32"},
		"Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32 CRC32C": {"X-Amz-Sdk-Checksum-Algorithm": "CRC31"},
		"The CRC32 you specified did not match": {"X-Amz-Checksum-Crc32": "AAAAAQ=="},
		"x-amz-trailer header is not supported": {"X-Amz-Trailer": "x-amz-checksum-crc31"},
	} {
		if got := b.raw(t, http.MethodPut, "/bucket/refused", header); !strings.HasPrefix(got, "400") || !strings.Contains(got, name) {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

// Restoring what was: an older version is copied onto its own key.
func TestAnOlderVersionIsCopiedOntoItsKey(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	b.versioning(t, types.BucketVersioningStatusEnabled)
	old := aws.ToString(b.put(t, "bucket", "k", "old").VersionId)
	b.put(t, "bucket", "k", "new")
	out, err := b.CopyObject(t.Context(), &awss3.CopyObjectInput{
		Bucket: aws.String("bucket"), Key: aws.String("k"), CopySource: aws.String("bucket/k?versionId=" + old),
	})
	if err != nil || aws.ToString(out.CopySourceVersionId) != old {
		t.Fatalf("got %+v %v", out, err)
	}
	if text, _ := b.read(t, &awss3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("k")}); text != "old" {
		t.Errorf("got %q", text)
	}
	for source, want := range map[string]string{
		"bucket/k?versionId=nonsense": "InvalidArgument", "bucket/k?versionId=null": "NoSuchVersion", "bucket/none": "NoSuchKey",
		"none/k": "NoSuchBucket", "bucket": "InvalidArgument",
	} {
		_, err := b.CopyObject(t.Context(), &awss3.CopyObjectInput{Bucket: aws.String("bucket"), Key: aws.String("x"), CopySource: &source})
		if code(err) != want {
			t.Errorf("%s: got %v, want %s", source, err, want)
		}
	}
}

func TestPartsAreCopiedFromRanges(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	b.put(t, "bucket", "source", "0123456789")
	id := b.begin(t, "k", types.ChecksumAlgorithmCrc32)
	in := &awss3.UploadPartCopyInput{
		Bucket: aws.String("bucket"), Key: aws.String("k"), UploadId: id, PartNumber: aws.Int32(1), CopySource: aws.String("/bucket/source"),
	}
	for text, want := range map[string]string{
		"bytes=2-":   "must be of the form bytes=first-last",
		"2-4":        "must be of the form bytes=first-last",
		"bytes=4-2":  "must be of the form bytes=first-last",
		"bytes=2-10": "Range specified is not valid for source object of size: 10",
	} {
		in.CopySourceRange = &text
		if _, err := b.UploadPartCopy(t.Context(), in); code(err) != "InvalidArgument" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", text, err)
		}
	}
	in.CopySourceRange, in.CopySourceIfMatch = aws.String("bytes=2-4"), aws.String(`"other"`)
	if _, err := b.UploadPartCopy(t.Context(), in); code(err) != "PreconditionFailed" {
		t.Errorf("another ETag: got %v", err)
	}
	in.CopySourceIfMatch = nil
	out, err := b.UploadPartCopy(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	done := types.CompletedPart{PartNumber: aws.Int32(1), ETag: out.CopyPartResult.ETag, ChecksumCRC32: out.CopyPartResult.ChecksumCRC32}
	if _, err := b.complete(t, "k", id, done); err != nil {
		t.Fatal(err)
	}
	if text, _ := b.read(t, &awss3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("k")}); text != "234" {
		t.Errorf("got %q", text)
	}
}

// Who copies an object with tags has to be allowed to read and to write them.
func TestTagsAreCopiedOnlyAsPermitted(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	_, err := b.PutObject(t.Context(), &awss3.PutObjectInput{
		Bucket: aws.String("bucket"), Key: aws.String("tagged"), Body: strings.NewReader("x"), Tagging: aws.String("a=1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, action := range []string{"s3:GetObjectTagging", "s3:PutObjectTagging"} {
		b.gate.denied = map[string]bool{action: true}
		in := &awss3.CopyObjectInput{Bucket: aws.String("bucket"), Key: aws.String("copy"), CopySource: aws.String("bucket/tagged")}
		if _, err := b.CopyObject(t.Context(), in); code(err) != "AccessDenied" {
			t.Errorf("without %s: got %v", action, err)
		}
		in.TaggingDirective = types.TaggingDirectiveReplace
		if _, err := b.CopyObject(t.Context(), in); err != nil {
			t.Errorf("without %s and without the tags: %v", action, err)
		}
	}
	_, err = b.CreateMultipartUpload(t.Context(), &awss3.CreateMultipartUploadInput{Bucket: aws.String("bucket"), Key: aws.String("k"), Tagging: aws.String("a=1")})
	if code(err) != "AccessDenied" {
		t.Errorf("an upload with tags: got %v", err)
	}
}
