package s3

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// childDir names the environment variable that makes the crash test its own child.
const childDir = "HEARTH_S3TEST_DIR"

const (
	crashRounds = 3
	crashLines  = 200     // of a child, until it is killed
	roundSize   = 1 << 20 // the first write of a round has this number times the round's
)

// Goal: after kill -9 in the middle of PutObject, UploadPart and
// CompleteMultipartUpload each key has the last object that was acknowledged or the
// one that was being written, whole; parts that were acknowledged are there; no file
// stays that nothing refers to; and whoever wants to know is told of every object that
// was acknowledged, though it refuses to listen half of the time. Method: a child that writes from several
// goroutines tells what it begins and what was acknowledged, and is killed, several
// times over the same directory. One upload of it stands still, so that there always
// is something to sweep.
func TestUploadsAreWholeOrNotThereWhenTheProcessIsKilled(t *testing.T) {
	if dir := os.Getenv(childDir); dir != "" {
		uploadUntilKilled(t, dir)
		return
	}
	b := newBench(t)
	b.make(t, "bucket")
	_, err := b.PutBucketNotificationConfiguration(t.Context(), &awss3.PutBucketNotificationConfigurationInput{
		Bucket: aws.String("bucket"), NotificationConfiguration: &types.NotificationConfiguration{EventBridgeConfiguration: &types.EventBridgeConfiguration{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	told := diary{began: map[string]int{}, done: map[string]int{}, parts: map[string]string{}, objects: map[string]bool{}, heard: map[string]bool{}}
	for round := 1; round <= crashRounds; round++ {
		if err := b.service.Close(); err != nil {
			t.Fatal(err)
		}
		told.killedChild(t, b.dir, round)
		b.open(t)
		if !b.service.unclean {
			t.Error("the restart does not know that the process was killed")
		}
		left := files(t, b)
		b.service.sweep(t.Context())
		known, err := b.service.index.Referred(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := files(t, b); n != len(known) || n >= left {
			t.Errorf("round %d: %d files before the sweep, %d after, %d blobs", round, left, n, len(known))
		}
		told.check(t, b)
	}
	t.Logf("%d writes were acknowledged, %d objects were told of before a kill", told.acknowledged, len(told.heard))
	told.checkEvents(t, b)
}

// diary is what children told: per key the highest number that was begun, and that
// was acknowledged, and the part of each upload that was acknowledged last, as
// "key etag checksum".
type diary struct {
	began, done  map[string]int
	parts        map[string]string
	acknowledged int
	// objects are those that were acknowledged, and heard those that somebody was told
	// of, as "key etag".
	objects, heard map[string]bool
}

// checkEvents has the rest delivered, and looks for each object.
func (d *diary) checkEvents(t *testing.T, b *bench) {
	t.Helper()
	if left, err := b.service.offerAll(t.Context()); left || err != nil {
		t.Fatal(left, err)
	}
	late := 0
	for _, e := range b.events {
		if object := e.Key + " " + e.ETag; d.objects[object] && !d.heard[object] {
			d.heard[object] = true
			late++
		}
	}
	for object := range d.objects {
		if !d.heard[object] {
			t.Errorf("nobody was told of %s", object)
		}
	}
	t.Logf("%d objects were left to be told of by the kills", late) // which come when they come
}

// content is what a number means as bytes of a key; sizes differ.
func content(key string, n, atLeast int) []byte {
	unit := fmt.Appendf(nil, "%s is %d; ", key, n)
	return bytes.Repeat(unit, (atLeast+n%97*1000)/len(unit)+1)
}

func (d *diary) check(t *testing.T, b *bench) {
	t.Helper()
	for key, began := range d.began {
		done := d.done[key]
		out, err := b.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("bucket"), Key: &key})
		if err != nil {
			if done > 0 {
				t.Errorf("%s: %d was acknowledged; got %v", key, done, err)
			}
			continue
		}
		got, err := io.ReadAll(out.Body)
		out.Body.Close()
		if err != nil {
			t.Errorf("%s: %v", key, err)
		}
		n, _ := strconv.Atoi(out.Metadata["n"])
		if n != done && n != began {
			t.Errorf("%s is %d, want %d or %d", key, n, done, began)
		}
		size := 0
		if strings.HasPrefix(key, "parts") {
			size = partMin
		}
		if !bytes.Equal(got, content(key, n, size)) {
			t.Errorf("%s has other bytes than it was given as %d", key, n)
		}
	}
	for id, part := range d.parts {
		words := strings.Fields(part)
		key, etag, sum := words[0], words[1], words[2]
		out, err := b.ListParts(t.Context(), &awss3.ListPartsInput{Bucket: aws.String("bucket"), Key: &key, UploadId: &id})
		if err != nil || len(out.Parts) != 1 {
			t.Errorf("upload %s: %v, %v", id, out, err)
			continue
		}
		if _, err := b.complete(t, key, &id, types.CompletedPart{PartNumber: aws.Int32(1), ETag: &etag, ChecksumCRC32: &sum}); err != nil {
			t.Errorf("complete with the part that was acknowledged: %v", err)
		}
		text, _ := b.read(t, &awss3.GetObjectInput{Bucket: aws.String("bucket"), Key: &key})
		if text != string(content(key, 1, 0)) {
			t.Errorf("upload %s has other bytes than it was given", id)
		}
		delete(d.parts, id)
	}
}

// uploadUntilKilled is the child.
func uploadUntilKilled(t *testing.T, dir string) {
	first, err := strconv.Atoi(os.Getenv(childDir + "_FIRST"))
	if err != nil {
		t.Fatal(err)
	}
	b := benchAt(t, dir)
	before := files(t, b)
	var wg sync.WaitGroup
	wg.Go(func() { b.standStill(t) })
	for files(t, b) == before {
		runtime.Gosched()
	}
	var out sync.Mutex
	say := func(words ...any) {
		out.Lock()
		defer out.Unlock()
		fmt.Println(append([]any{"child:"}, words...)...)
	}
	var calls atomic.Int64
	b.service.cfg.Events = func(_ context.Context, e Event) error {
		if calls.Add(1)%2 == 0 {
			return errors.New("not now")
		}
		say("told", e.Key, e.ETag)
		return nil
	}
	wg.Go(func() {
		for {
			if _, err := b.service.offerAll(t.Context()); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for worker := range 4 {
		wg.Go(func() {
			key := "put-" + strconv.Itoa(worker)
			for n := first; ; n++ {
				say("began", key, n)
				out, err := b.PutObject(t.Context(), &awss3.PutObjectInput{
					Bucket: aws.String("bucket"), Key: &key, Body: bytes.NewReader(content(key, n, 0)), Metadata: map[string]string{"n": strconv.Itoa(n)},
				})
				if err != nil {
					t.Error(err)
					return
				}
				say("done", key, n, strings.Trim(*out.ETag, `"`))
			}
		})
	}
	for worker := range 2 {
		wg.Go(func() {
			key := "parts-" + strconv.Itoa(worker)
			for n := first; ; n++ {
				say("began", key, n)
				etag, err := b.inParts(t.Context(), key, n)
				if err != nil {
					t.Error(err)
					return
				}
				say("done", key, n, strings.Trim(etag, `"`))
			}
		})
	}
	wg.Go(func() {
		for n := first; ; n++ {
			key := "open-" + strconv.Itoa(n)
			id := b.begin(t, key, types.ChecksumAlgorithmCrc32)
			part := b.part(t, key, id, 1, types.ChecksumAlgorithmCrc32, bytes.NewReader(content(key, 1, 0)))
			say("part", key, *id, *part.ETag, *part.ChecksumCRC32)
		}
	})
	wg.Wait()
}

// inParts makes an object of two parts.
func (b *bench) inParts(ctx context.Context, key string, n int) (etag string, err error) {
	bucket := aws.String("bucket")
	up, err := b.CreateMultipartUpload(ctx, &awss3.CreateMultipartUploadInput{
		Bucket: bucket, Key: &key, Metadata: map[string]string{"n": strconv.Itoa(n)},
	})
	if err != nil {
		return "", err
	}
	text := content(key, n, partMin)
	var parts []types.CompletedPart
	for i, piece := range [][]byte{text[:partMin], text[partMin:]} {
		number := aws.Int32(int32(i) + 1)
		out, err := b.UploadPart(ctx, &awss3.UploadPartInput{
			Bucket: bucket, Key: &key, UploadId: up.UploadId, PartNumber: number, Body: bytes.NewReader(piece),
		})
		if err != nil {
			return "", err
		}
		parts = append(parts, types.CompletedPart{PartNumber: number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32})
	}
	out, err := b.CompleteMultipartUpload(ctx, &awss3.CompleteMultipartUploadInput{
		Bucket: bucket, Key: &key, UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err != nil {
		return "", err
	}
	return *out.ETag, nil
}

// standStill is an upload that comes to its middle and no further.
func (b *bench) standStill(t *testing.T) {
	half, _ := io.Pipe() // which nobody writes to
	c := b.client("AKIDGOOD", func(o *awss3.Options) { o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired })
	_, err := c.PutObject(t.Context(), &awss3.PutObjectInput{
		Bucket: aws.String("bucket"), Key: aws.String("half"), ContentLength: aws.Int64(1 << 20),
		Body: io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<19)), half),
	}, awss3.WithAPIOptions(v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware))
	t.Error("it came to an end:", err)
}

// killedChild runs a child until it has said enough, kills it, and notes what it
// said in lines that it wrote whole.
func (d *diary) killedChild(t *testing.T, dir string, round int) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^"+t.Name()+"$", "-test.count=1")
	cmd.Env = append(os.Environ(), childDir+"="+dir, childDir+"_FIRST="+strconv.Itoa(round*roundSize))
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines, heard := bufio.NewReader(out), 0
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		words := strings.Fields(line)
		if len(words) < 4 || words[0] != "child:" {
			t.Log(line)
			continue
		}
		n, _ := strconv.Atoi(words[3])
		switch words[1] {
		case "began":
			d.began[words[2]] = n
		case "done":
			d.done[words[2]] = n
			d.acknowledged++
			d.objects[words[2]+" "+words[4]] = true
		case "told":
			d.heard[words[2]+" "+words[3]] = true
		case "part":
			d.parts[words[3]] = words[2] + " " + words[4] + " " + words[5]
		}
		if heard++; heard == crashLines {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	if heard < crashLines {
		t.Fatalf("the child ended after %d lines", heard)
	}
}
