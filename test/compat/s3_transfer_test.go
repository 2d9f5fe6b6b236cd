package compat

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	transfer "github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hearthfaas/hearth/internal/harness"
)

// transferSizes are of none, one, two and three parts.
var transferSizes = []int{0, 1, 5<<20 + 1, 11 << 20}

// transferPart is the smallest part that there is.
const transferPart = 5 << 20

// noise are bytes that no compression and no repetition makes shorter.
func noise(seed uint64, size int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	data := make([]byte, size)
	for at := 0; at < size; at += 8 {
		v := r.Uint64()
		for i := at; i < min(at+8, size); i++ {
			data[i] = byte(v >> (8 * (i - at)))
		}
	}
	return data
}

func objectsOf(t *testing.T, h *harness.Hearth) *s3.Client {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("us-east-1"), config.WithBaseEndpoint(h.Endpoint),
		config.WithSharedConfigFiles(nil), config.WithSharedCredentialsFiles(nil),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")))
	if err != nil {
		t.Fatal(err)
	}
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle, o.DisableLogOutputChecksumValidationSkipped = true, true
	})
}

// TestS3WithTheTransferManagersForGo uploads and downloads with both that AWS's SDK
// for Go has, in one piece and in parts, by parts and by ranges; and in two parts with
// every checksum that they compute.
func TestS3WithTheTransferManagersForGo(t *testing.T) {
	t.Parallel()
	h := up(t)
	c := objectsOf(t, h)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	bucket := aws.String("transfers")
	if _, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	m := transfermanager.New(c, func(o *transfermanager.Options) {
		o.PartSizeBytes, o.MultipartUploadThreshold = transferPart, transferPart+1
	})
	uploads := map[string]func(key string, data []byte) error{
		"manager": func(key string, data []byte) error {
			_, err := manager.NewUploader(c).Upload(ctx, &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: bytes.NewReader(data)}) //nolint:staticcheck // still in use everywhere
			return err
		},
	}
	for _, a := range append([]transfer.ChecksumAlgorithm{""}, transferSums...) {
		uploads["transfermanager "+string(a)] = func(key string, data []byte) error {
			_, err := m.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: bucket, Key: &key, Body: bytes.NewReader(data), ChecksumAlgorithm: a})
			return err
		}
	}
	downloads := map[string]func(key string) ([]byte, error){
		"manager": func(key string) ([]byte, error) {
			w := manager.NewWriteAtBuffer(nil)
			_, err := manager.NewDownloader(c).Download(ctx, w, &s3.GetObjectInput{Bucket: bucket, Key: &key}) //nolint:staticcheck // likewise
			return w.Bytes(), err
		},
	}
	for _, kind := range []transfer.GetObjectType{transfer.GetObjectParts, transfer.GetObjectRanges} {
		downloads["transfermanager by "+string(kind)] = func(key string) ([]byte, error) {
			out, err := m.GetObject(ctx, &transfermanager.GetObjectInput{Bucket: bucket, Key: &key, ChecksumMode: transfer.ChecksumModeEnabled},
				func(o *transfermanager.Options) { o.GetObjectType = kind })
			if err != nil {
				return nil, err
			}
			return io.ReadAll(out.Body)
		}
	}
	there := func(upload string, size int, ways ...string) {
		t.Helper()
		key, data := fmt.Sprintf("%s/%d", upload, size), noise(uint64(size), size)
		if err := uploads[upload](key, data); err != nil {
			t.Errorf("%s of %d bytes: %v", upload, size, err)
			return
		}
		for _, way := range ways {
			if got, err := downloads[way](key); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s of %d bytes, then %s: got %d bytes, %v", upload, size, way, len(got), err)
			}
		}
	}
	for _, size := range transferSizes {
		there("manager", size, "manager", "transfermanager by PART")
		there("transfermanager ", size, "manager", "transfermanager by PART", "transfermanager by RANGE")
	}
	for _, a := range transferSums {
		there("transfermanager "+string(a), transferPart+1, "transfermanager by PART")
	}
}

// transferSums are the checksums that the transfer manager computes.
var transferSums = []transfer.ChecksumAlgorithm{"CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"}

// TestS3DirectoriesWithTheTransferManagerForGo uploads a tree and downloads it.
func TestS3DirectoriesWithTheTransferManagerForGo(t *testing.T) {
	t.Parallel()
	h := up(t)
	c := objectsOf(t, h)
	dir := t.TempDir()
	tree(t, filepath.Join(dir, "from"), 300)
	bucket := aws.String("tree")
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	m := transfermanager.New(c)
	up, err := m.UploadDirectory(t.Context(), &transfermanager.UploadDirectoryInput{
		Bucket: bucket, Source: aws.String(filepath.Join(dir, "from")), Recursive: aws.Bool(true), KeyPrefix: aws.String("t"),
	})
	if err != nil || up.ObjectsUploaded != 300 {
		t.Fatalf("uploaded %+v, %v", up, err)
	}
	down, err := m.DownloadDirectory(t.Context(), &transfermanager.DownloadDirectoryInput{
		Bucket: bucket, Destination: aws.String(filepath.Join(dir, "to")), KeyPrefix: aws.String("t/"),
	})
	if err != nil || down.ObjectsDownloaded != 300 {
		t.Fatalf("downloaded %+v, %v", down, err)
	}
	sameTree(t, filepath.Join(dir, "from"), filepath.Join(dir, "to"))
}

// tree makes files of a few bytes, in folders of which some are named like a file.
func tree(t *testing.T, dir string, files int) {
	t.Helper()
	for n := range files {
		path := filepath.Join(dir, fmt.Sprintf("%d/%d/file %d.txt", n%7, n%31, n))
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, []byte(strings.Repeat(fmt.Sprintf("%d\n", n), n%50)), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// sameTree compares two directories, names and contents.
func sameTree(t *testing.T, a, b string) {
	t.Helper()
	want, got := digests(t, a), digests(t, b)
	if len(want) != len(got) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
	for name, digest := range want {
		if got[name] != digest {
			t.Errorf("%s differs", name)
		}
	}
}

// digests are the SHA-256 of a directory's files.
func digests(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		sum := sha256.Sum256(text)
		name, _ := filepath.Rel(dir, path)
		out[name] = hex.EncodeToString(sum[:])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestS3ByTheNameOfTheHost addresses a bucket as SDKs do unless they are told
// otherwise, and as the browser of a page does before it uploads.
func TestS3ByTheNameOfTheHost(t *testing.T) {
	h := up(t)
	c := objectsOf(t, h)
	bucket, key := aws.String("by-name"), aws.String("a/b c")
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	_, err := c.PutBucketCors(t.Context(), &s3.PutBucketCorsInput{Bucket: bucket, CORSConfiguration: &types.CORSConfiguration{
		CORSRules: []types.CORSRule{{AllowedMethods: []string{"PUT"}, AllowedOrigins: []string{"https://page.example"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(h.Endpoint, "http://")
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	// Names under localhost do not resolve everywhere.
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for _, host := range []string{"localhost:" + port, "s3.us-east-1.localhost:" + port} {
		named := s3.New(c.Options(), func(o *s3.Options) {
			o.UsePathStyle, o.BaseEndpoint, o.HTTPClient = false, aws.String("http://"+host), client
		})
		if _, err := named.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader(host)}); err != nil {
			t.Fatal(err)
		}
		out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(out.Body); err != nil || string(text) != host {
			t.Errorf("%s: got %q, %v", host, text, err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, "http://by-name."+host+"/k", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", "https://page.example")
		r.Header.Set("Access-Control-Request-Method", "PUT")
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Access-Control-Allow-Origin"); resp.StatusCode != http.StatusOK || got != "https://page.example" {
			t.Errorf("%s: a page asks: %s, %q", host, resp.Status, got)
		}
	}
}
