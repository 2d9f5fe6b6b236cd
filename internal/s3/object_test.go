package s3

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func (b *bench) read(t *testing.T, in *awss3.GetObjectInput) (string, *awss3.GetObjectOutput) {
	t.Helper()
	out, err := b.GetObject(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	text, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), out
}

func TestAnObjectComesBackAsItWasPut(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	key := "a b/ä+%20*~(1)'&=;@.txt"
	in := &awss3.PutObjectInput{
		Bucket: aws.String("bucket"), Key: &key, Body: strings.NewReader("Hello, world"), ContentType: aws.String("text/plain"),
		CacheControl: aws.String("max-age=5"), Metadata: map[string]string{"colour": "blue"}, Tagging: aws.String("a=1&b=2%203"),
	}
	put, err := b.PutObject(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := aws.ToString(put.ETag), `"bc6e6f16b8a077ef5fbc8d59d0b931b9"`; got != want {
		t.Errorf("ETag: got %s, want %s", got, want)
	}
	b.reopen(t)
	text, got := b.read(t, &awss3.GetObjectInput{Bucket: in.Bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
	if text != "Hello, world" || aws.ToString(got.ContentType) != "text/plain" || aws.ToString(got.CacheControl) != "max-age=5" ||
		got.Metadata["colour"] != "blue" || aws.ToInt32(got.TagCount) != 2 || aws.ToString(got.ChecksumCRC32) == "" {
		t.Errorf("got %q %+v", text, got)
	}
	tags, err := b.GetObjectTagging(t.Context(), &awss3.GetObjectTaggingInput{Bucket: in.Bucket, Key: &key})
	if err != nil || len(tags.TagSet) != 2 || aws.ToString(tags.TagSet[1].Value) != "2 3" {
		t.Errorf("tags: %+v %v", tags, err)
	}
	list, err := b.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: in.Bucket})
	if err != nil || len(list.Contents) != 1 || aws.ToString(list.Contents[0].Key) != key {
		t.Errorf("list: %+v %v", list, err)
	}
	if _, err := b.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: in.Bucket, Key: &key}); err != nil {
		t.Error(err)
	}
	_, err = b.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: in.Bucket, Key: &key})
	if got := code(err); got != "NoSuchKey" {
		t.Errorf("after the deletion: got %s", got)
	}
	if n := files(t, b); n != 0 {
		t.Errorf("%d files are left over", n)
	}
}

func TestRangesAndConditions(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	etag := aws.ToString(b.put(t, "bucket", "k", "0123456789").ETag)
	past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	cases := []struct {
		name       string
		in         awss3.GetObjectInput
		want, fail string
	}{
		{name: "the first bytes", in: awss3.GetObjectInput{Range: aws.String("bytes=0-3")}, want: "0123"},
		{name: "from the middle", in: awss3.GetObjectInput{Range: aws.String("bytes=7-")}, want: "789"},
		{name: "the last bytes", in: awss3.GetObjectInput{Range: aws.String("bytes=-2")}, want: "89"},
		{name: "more than there is", in: awss3.GetObjectInput{Range: aws.String("bytes=8-100")}, want: "89"},
		{name: "beyond the end", in: awss3.GetObjectInput{Range: aws.String("bytes=10-")}, fail: "InvalidRange"},
		{name: "several ranges give the whole", in: awss3.GetObjectInput{Range: aws.String("bytes=0-1,3-4")}, want: "0123456789"},
		{name: "part 1 is the whole", in: awss3.GetObjectInput{PartNumber: aws.Int32(1)}, want: "0123456789"},
		{name: "part 2 is not there", in: awss3.GetObjectInput{PartNumber: aws.Int32(2)}, fail: "InvalidPartNumber"},
		{name: "If-Match holds", in: awss3.GetObjectInput{IfMatch: &etag}, want: "0123456789"},
		{name: "If-Match fails", in: awss3.GetObjectInput{IfMatch: aws.String(`"x"`)}, fail: "PreconditionFailed"},
		{name: "If-None-Match fails", in: awss3.GetObjectInput{IfNoneMatch: &etag}, fail: "NotModified"},
		{name: "not modified since", in: awss3.GetObjectInput{IfModifiedSince: &future}, fail: "NotModified"},
		{name: "modified since", in: awss3.GetObjectInput{IfUnmodifiedSince: &past}, fail: "PreconditionFailed"},
		{name: "If-Match goes before the date", in: awss3.GetObjectInput{IfUnmodifiedSince: &past, IfMatch: &etag}, want: "0123456789"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.in.Bucket, c.in.Key = aws.String("bucket"), aws.String("k")
			out, err := b.GetObject(t.Context(), &c.in)
			if c.fail != "" {
				if got := code(err); !strings.Contains(got, c.fail) && (c.fail != "NotModified" || !strings.Contains(err.Error(), "304")) {
					t.Errorf("got %v, want %s", err, c.fail)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(out.Body)
			if string(text) != c.want {
				t.Errorf("got %q, want %q", text, c.want)
			}
		})
	}
}

func TestConditionalWrites(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	put := func(match, noneMatch string) error {
		in := &awss3.PutObjectInput{Bucket: aws.String("bucket"), Key: aws.String("k"), Body: strings.NewReader("x" + match)}
		if match != "" {
			in.IfMatch = &match
		}
		if noneMatch != "" {
			in.IfNoneMatch = &noneMatch
		}
		_, err := b.PutObject(t.Context(), in)
		return err
	}
	if got := code(put(`"x"`, "")); got != "NoSuchKey" {
		t.Errorf("If-Match on nothing: got %q", got)
	}
	if got := code(put("", "*")); got != "" {
		t.Errorf("If-None-Match on nothing: got %q", got)
	}
	if got := code(put("", "*")); got != "PreconditionFailed" {
		t.Errorf("If-None-Match on an object: got %q", got)
	}
	if got := code(put(`"9dd4e461268c8034f5c8564e155c67a6"`, "")); got != "" {
		t.Errorf("If-Match on the object: got %q", got)
	}
	if n := files(t, b); n != 1 {
		t.Errorf("%d files, want 1", n)
	}
}

func TestListingsRollUpAndTurnPages(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	keys := []string{"a", "a/1", "a/2", "a/3", "b", "b/1", "c", "d/1", "d/2", "e", "ä"}
	for _, k := range keys {
		b.put(t, "bucket", k, k)
	}
	all := func(prefix, delimiter, start string, page int32) []string {
		t.Helper()
		var out []string
		in := &awss3.ListObjectsV2Input{Bucket: aws.String("bucket"), MaxKeys: &page, Prefix: &prefix}
		if delimiter != "" {
			in.Delimiter = &delimiter
		}
		if start != "" {
			in.StartAfter = &start
		}
		for range 100 {
			got, err := b.ListObjectsV2(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(got.Contents) + len(got.CommonPrefixes); n != int(aws.ToInt32(got.KeyCount)) || n > int(page) {
				t.Errorf("a page of %d has %d entries and says %d", page, n, aws.ToInt32(got.KeyCount))
			}
			var entries []string
			for _, o := range got.Contents {
				entries = append(entries, aws.ToString(o.Key))
			}
			for _, p := range got.CommonPrefixes {
				entries = append(entries, aws.ToString(p.Prefix))
			}
			slices.Sort(entries)
			out = append(out, entries...)
			if !aws.ToBool(got.IsTruncated) {
				return out
			}
			in.ContinuationToken = got.NextContinuationToken
		}
		t.Fatal("the listing does not end")
		return nil
	}
	for _, c := range []struct {
		name, prefix, delimiter, start string
		want                           []string
	}{
		{"everything", "", "", "", keys},
		{"rolled up", "", "/", "", []string{"a", "a/", "b", "b/", "c", "d/", "e", "ä"}},
		{"below a prefix", "a/", "/", "", []string{"a/1", "a/2", "a/3"}},
		{"a prefix within a name", "d", "/", "", []string{"d/"}},
		{"after a key", "", "", "b/1", []string{"c", "d/1", "d/2", "e", "ä"}},
		{"after a key, rolled up", "", "/", "d/1", []string{"d/", "e", "ä"}},
		{"another delimiter", "", "1", "", []string{"a", "a/1", "a/2", "a/3", "b", "b/1", "c", "d/1", "d/2", "e", "ä"}},
		{"nothing", "x", "", "", nil},
	} {
		for _, page := range []int32{1, 2, 3, 1000} {
			if got := all(c.prefix, c.delimiter, c.start, page); !slices.Equal(got, c.want) {
				t.Errorf("%s in pages of %d: got %q, want %q", c.name, page, got, c.want)
			}
		}
	}
	v1, err := b.ListObjects(t.Context(), &awss3.ListObjectsInput{
		Bucket: aws.String("bucket"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(2),
	})
	if err != nil || aws.ToString(v1.NextMarker) != "a/" {
		t.Errorf("version 1: got %+v %v", v1, err)
	}
}

func TestDeleteManyAtOnce(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	var ids []types.ObjectIdentifier
	for _, k := range []string{"x", "y", "<&>", "not there"} {
		if k != "not there" {
			b.put(t, "bucket", k, k)
		}
		ids = append(ids, types.ObjectIdentifier{Key: aws.String(k)})
	}
	got, err := b.DeleteObjects(t.Context(), &awss3.DeleteObjectsInput{Bucket: aws.String("bucket"), Delete: &types.Delete{Objects: ids}})
	if err != nil || len(got.Deleted) != 4 || len(got.Errors) != 0 {
		t.Errorf("got %+v %v", got, err)
	}
	if _, err := b.DeleteBucket(t.Context(), &awss3.DeleteBucketInput{Bucket: aws.String("bucket")}); err != nil {
		t.Errorf("the bucket is not empty: %v", err)
	}
}

func TestCopies(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	b.make(t, "other")
	_, err := b.PutObject(t.Context(), &awss3.PutObjectInput{
		Bucket: aws.String("bucket"), Key: aws.String("a b/ü"),
		Body: strings.NewReader("text"), Metadata: map[string]string{"m": "1"}, Tagging: aws.String("t=1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := b.CopyObject(t.Context(), &awss3.CopyObjectInput{
		Bucket: aws.String("other"), Key: aws.String("copy"), CopySource: aws.String("bucket/a%20b/%C3%BC"),
	})
	if err != nil || out.CopyObjectResult.ETag == nil {
		t.Fatalf("got %+v %v", out, err)
	}
	if _, err := b.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: aws.String("bucket"), Key: aws.String("a b/ü")}); err != nil {
		t.Fatal(err)
	}
	text, got := b.read(t, &awss3.GetObjectInput{Bucket: aws.String("other"), Key: aws.String("copy")})
	if text != "text" || got.Metadata["m"] != "1" || aws.ToInt32(got.TagCount) != 1 {
		t.Errorf("got %q %+v", text, got)
	}
	_, err = b.CopyObject(t.Context(), &awss3.CopyObjectInput{
		Bucket: aws.String("other"), Key: aws.String("copy"), CopySource: aws.String("other/copy"),
	})
	if got := code(err); got != "InvalidRequest" {
		t.Errorf("onto itself: got %s", got)
	}
	_, err = b.CopyObject(t.Context(), &awss3.CopyObjectInput{
		Bucket: aws.String("other"), Key: aws.String("copy"), CopySource: aws.String("other/copy"),
		MetadataDirective: types.MetadataDirectiveReplace, Metadata: map[string]string{"n": "2"},
	})
	if err != nil {
		t.Errorf("onto itself with other metadata: %v", err)
	}
	if text, got := b.read(t, &awss3.GetObjectInput{Bucket: aws.String("other"), Key: aws.String("copy")}); text != "text" || got.Metadata["n"] != "2" {
		t.Errorf("got %q %+v", text, got.Metadata)
	}
}

func TestChecksumsAreChecked(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	for _, a := range types.ChecksumAlgorithm("").Values() {
		_, err := b.PutObject(t.Context(), &awss3.PutObjectInput{
			Bucket: aws.String("bucket"), Key: aws.String("k"), Body: strings.NewReader("text"), ChecksumAlgorithm: a,
		})
		if a == types.ChecksumAlgorithmCrc32 || a == types.ChecksumAlgorithmCrc32c || a == types.ChecksumAlgorithmSha1 ||
			a == types.ChecksumAlgorithmSha256 || a == types.ChecksumAlgorithmCrc64nvme {
			if err != nil {
				t.Errorf("%s: %v", a, err)
			}
		}
	}
	_, err := b.PutObject(t.Context(), &awss3.PutObjectInput{
		Bucket: aws.String("bucket"), Key: aws.String("k"), Body: strings.NewReader("text"), ChecksumCRC32: aws.String("AAAAAA=="),
	})
	if got := code(err); got != "BadDigest" {
		t.Errorf("a wrong CRC32: got %s", got)
	}
	_, err = b.PutObject(t.Context(), &awss3.PutObjectInput{
		Bucket: aws.String("bucket"), Key: aws.String("k"), Body: strings.NewReader("text"), ContentMD5: aws.String("AAAAAAAAAAAAAAAAAAAAAA=="),
	})
	if got := code(err); got != "BadDigest" {
		t.Errorf("a wrong MD5: got %s", got)
	}
	if n := files(t, b); n != 1 {
		t.Errorf("%d files, want 1", n)
	}
}

func TestPresignedRequests(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	p := awss3.NewPresignClient(b.Client)
	put, err := p.PresignPutObject(t.Context(), &awss3.PutObjectInput{Bucket: aws.String("bucket"), Key: aws.String("a b")})
	if err != nil {
		t.Fatal(err)
	}
	do := func(method, url, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := b.server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text)
	}
	if status, text := do("PUT", put.URL, "presigned"); status != 200 {
		t.Fatalf("put: %d %s", status, text)
	}
	get, err := p.PresignGetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("a b")},
		awss3.WithPresignExpires(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if status, text := do("GET", get.URL, ""); status != 200 || text != "presigned" {
		t.Errorf("get: %d %s", status, text)
	}
	if status, text := do("GET", strings.Replace(get.URL, "a%20b", "a%20c", 1), ""); status != 403 || !strings.Contains(text, "SignatureDoesNotMatch") {
		t.Errorf("another key: %d %s", status, text)
	}
	for change, want := range map[[2]string]string{
		{"X-Amz-Expires=60", "X-Amz-Expires=604801"}:              "X-Amz-Expires must be less than a week (in seconds)",
		{"X-Amz-Expires=60", "X-Amz-Expires=-1"}:                  "X-Amz-Expires must be non-negative",
		{"X-Amz-Expires=60", "X-Amz-Expires=soon"}:                "X-Amz-Expires should be a number",
		{"X-Amz-Signature=", "X-Amz-Signed="}:                     "Query-string authentication version 4 requires",
		{"X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=x"}: "X-Amz-Algorithm only supports",
	} {
		status, text := do("GET", strings.Replace(get.URL, change[0], change[1], 1), "")
		if status != 400 || !strings.Contains(text, "AuthorizationQueryParametersError") || !strings.Contains(text, want) {
			t.Errorf("%q: %d %s, want %s", change[1], status, text, want)
		}
	}
	b.mu.Lock()
	b.now = b.now.Add(2 * time.Minute)
	b.mu.Unlock()
	if status, text := do("GET", get.URL, ""); status != 403 || !strings.Contains(text, "Request has expired") {
		t.Errorf("expired: %d %s", status, text)
	}
	if status, _ := do("GET", b.server.URL+"/bucket/a%20b", ""); status != 403 {
		t.Errorf("anonymous: %d", status)
	}
}

// Clients that ask before they send a body hear 100 Continue, also for an empty one:
// without it botocore takes the next answer on the connection for another.
func TestBodiesThatAreAnnouncedAreAskedFor(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	for _, text := range []string{"", "text"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, b.server.URL+"/bucket/key", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		sign(t, r)
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", r.URL.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		var head strings.Builder
		fmt.Fprintf(&head, "PUT /bucket/key HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n", r.URL.Host, len(text))
		if err := r.Header.Write(&head); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, head.String()+"\r\n"); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(conn)
		if got, err := lines.ReadString('\n'); err != nil || got != "HTTP/1.1 100 Continue\r\n" {
			t.Errorf("a body of %d bytes: got %q, %v", len(text), got, err)
		}
		for line := "-"; err == nil && line != "\r\n"; {
			line, err = lines.ReadString('\n')
		}
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
		if got, err := lines.ReadString('\n'); err != nil || got != "HTTP/1.1 200 OK\r\n" {
			t.Errorf("a body of %d bytes: then got %q, %v", len(text), got, err)
		}
	}
}
