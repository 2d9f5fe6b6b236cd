package s3

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func (b *bench) versioning(t *testing.T, status types.BucketVersioningStatus) {
	t.Helper()
	_, err := b.PutBucketVersioning(t.Context(), &awss3.PutBucketVersioningInput{
		Bucket: aws.String("bucket"), VersioningConfiguration: &types.VersioningConfiguration{Status: status},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// versions lists all versions in pages of a size: key, version, whether latest.
func (b *bench) versions(t *testing.T, page int32) []string {
	t.Helper()
	var out []string
	in := &awss3.ListObjectVersionsInput{Bucket: aws.String("bucket"), MaxKeys: &page}
	for range 100 {
		got, err := b.ListObjectVersions(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(got.Versions) + len(got.DeleteMarkers); n > int(page) {
			t.Errorf("%d entries on a page of %d", n, page)
		}
		for _, v := range got.Versions {
			out = append(out, entry(v.Key, v.VersionId, v.IsLatest, "object"))
		}
		for _, v := range got.DeleteMarkers {
			out = append(out, entry(v.Key, v.VersionId, v.IsLatest, "marker"))
		}
		if !aws.ToBool(got.IsTruncated) {
			slices.Sort(out)
			return out
		}
		in.KeyMarker, in.VersionIdMarker = got.NextKeyMarker, got.NextVersionIdMarker
	}
	t.Fatal("the listing does not end")
	return nil
}

func entry(key, version *string, latest *bool, kind string) string {
	text := aws.ToString(key) + " " + aws.ToString(version) + " " + kind
	if aws.ToBool(latest) {
		text += " latest"
	}
	return text
}

func (b *bench) remove(t *testing.T, key, version string) *awss3.DeleteObjectOutput {
	t.Helper()
	in := &awss3.DeleteObjectInput{Bucket: aws.String("bucket"), Key: &key}
	if version != "" {
		in.VersionId = &version
	}
	out, err := b.DeleteObject(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestVersionsComeAndGo(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	b.put(t, "bucket", "k", "before")
	b.versioning(t, types.BucketVersioningStatusEnabled)
	one := aws.ToString(b.put(t, "bucket", "k", "one").VersionId)
	two := aws.ToString(b.put(t, "bucket", "k", "two").VersionId)
	other := aws.ToString(b.put(t, "bucket", "l", "other").VersionId)
	marker := aws.ToString(b.remove(t, "k", "").VersionId)
	want := []string{
		"k " + marker + " marker latest", "k " + one + " object", "k " + two + " object", "k null object", "l " + other + " object latest",
	}
	slices.Sort(want)
	for _, page := range []int32{1, 2, 3, 4, 5, 1000} {
		if got := b.versions(t, page); !slices.Equal(got, want) {
			t.Errorf("in pages of %d: got %q, want %q", page, got, want)
		}
	}
	read := func(version string) string {
		in := &awss3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("k")}
		if version != "" {
			in.VersionId = &version
		}
		out, err := b.GetObject(t.Context(), in)
		if err != nil {
			return code(err)
		}
		text := make([]byte, 10)
		n, _ := out.Body.Read(text)
		return string(text[:n])
	}
	for _, c := range []struct{ version, want string }{
		{"", "NoSuchKey"}, {marker, "MethodNotAllowed"}, {one, "one"}, {two, "two"}, {"null", "before"}, {other, "NoSuchVersion"},
	} {
		if got := read(c.version); got != c.want {
			t.Errorf("version %q: got %s, want %s", c.version, got, c.want)
		}
	}
	if out := b.remove(t, "k", marker); !aws.ToBool(out.DeleteMarker) {
		t.Error("the deletion of a marker does not say so")
	}
	if got := read(""); got != "two" {
		t.Errorf("without the marker: got %s", got)
	}
	b.remove(t, "k", two)
	if got := read(""); got != "one" {
		t.Errorf("without the newest: got %s", got)
	}
	b.versioning(t, types.BucketVersioningStatusSuspended)
	b.put(t, "bucket", "k", "suspended")
	if got := read("null"); got != "suspended" {
		t.Errorf("the null version: got %s", got)
	}
	want = []string{"k " + one + " object", "k null object latest", "l " + other + " object latest"}
	slices.Sort(want)
	b.reopen(t)
	if got := b.versions(t, 1000); !slices.Equal(got, want) {
		t.Errorf("after a null version took the place of the first: got %q, want %q", got, want)
	}
	if n := files(t, b); n != 3 {
		t.Errorf("%d files, want 3", n)
	}
	b.remove(t, "k", "null")
	b.remove(t, "k", one)
	b.remove(t, "l", other)
	if _, err := b.DeleteBucket(t.Context(), &awss3.DeleteBucketInput{Bucket: aws.String("bucket")}); err != nil {
		t.Error(err)
	}
}

// Those who empty a bucket delete each page before they ask for the next, boto3's
// object_versions.delete for one: no version is skipped for that.
func TestVersionsAreListedWhileTheyAreDeleted(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	b.versioning(t, types.BucketVersioningStatusEnabled)
	for range 7 {
		b.put(t, "bucket", "k", "x")
		b.put(t, "bucket", "l", "x")
	}
	b.remove(t, "k", "")
	in := &awss3.ListObjectVersionsInput{Bucket: aws.String("bucket"), MaxKeys: aws.Int32(3)}
	for pages := 1; ; pages++ {
		got, err := b.ListObjectVersions(t.Context(), in)
		if err != nil || pages > 10 {
			t.Fatal(pages, err)
		}
		for _, v := range got.Versions {
			b.remove(t, aws.ToString(v.Key), aws.ToString(v.VersionId))
		}
		for _, v := range got.DeleteMarkers {
			b.remove(t, aws.ToString(v.Key), aws.ToString(v.VersionId))
		}
		if !aws.ToBool(got.IsTruncated) {
			break
		}
		in.KeyMarker, in.VersionIdMarker = got.NextKeyMarker, got.NextVersionIdMarker
	}
	if left := b.versions(t, 1000); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
	if _, err := b.DeleteBucket(t.Context(), &awss3.DeleteBucketInput{Bucket: aws.String("bucket")}); err != nil {
		t.Error(err)
	}
}
