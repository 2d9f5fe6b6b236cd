package e2e

import (
	"bytes"
	"image"
	_ "image/jpeg" // of the thumbnails
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// The thumbnail example runs as its README says: the thumbnails have the right size
// in pixels, what is no picture is skipped, and without its permission the function
// writes nothing.
func TestRootTheThumbnailExampleMakesThumbnailsOfUploads(t *testing.T) {
	h := up(t, "")
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("the example's script uses the aws CLI")
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the function's log:\n%s", strings.Join(h.logged(t, "thumbnail", ""), "\n"))
		}
	})
	example, err := filepath.Abs(filepath.Join("..", "..", "examples", "thumbnail"))
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), filepath.Join(example, "run.sh"))
	run.Dir = t.TempDir()
	run.Env = append(os.Environ(), "HEARTH="+path, "AWS_ENDPOINT_URL="+h.Endpoint)
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("run.sh: %v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(run.Dir, "thumbnail.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	size := func(text []byte) image.Point {
		t.Helper()
		claim, format, err := image.DecodeConfig(bytes.NewReader(text))
		if err != nil || format != "jpeg" {
			t.Fatalf("a thumbnail is a %s, %v", format, err)
		}
		return image.Pt(claim.Width, claim.Height)
	}
	if got, want := size(text), image.Pt(128, 96); got != want {
		t.Errorf("the example's picture of 800 x 600: got a thumbnail of %v, want %v", got, want)
	}

	objects := s3.NewFromConfig(h.aws, func(o *s3.Options) { o.UsePathStyle = true })
	put := func(key string, body []byte) {
		t.Helper()
		if _, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: new("pictures"), Key: &key, Body: bytes.NewReader(body)}); err != nil {
			t.Fatal(err)
		}
	}
	thumbnail := func(key string) []byte {
		got, err := objects.GetObject(t.Context(), &s3.GetObjectInput{Bucket: new("thumbnails"), Key: &key})
		if err != nil {
			return nil
		}
		defer got.Body.Close()
		var b bytes.Buffer
		if _, err := b.ReadFrom(got.Body); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	var tall bytes.Buffer
	if err := png.Encode(&tall, image.NewGray(image.Rect(0, 0, 150, 600))); err != nil {
		t.Fatal(err)
	}
	put("zoo/a tall ü.png", tall.Bytes())
	eventually(t, 20*time.Second, "the second thumbnail", func() bool { return thumbnail("zoo/a tall ü.png") != nil })
	if got, want := size(thumbnail("zoo/a tall ü.png")), image.Pt(32, 128); got != want {
		t.Errorf("a picture of 150 x 600: got a thumbnail of %v, want %v", got, want)
	}

	put("notes.txt", []byte("no picture"))
	eventually(t, 20*time.Second, "what is no picture is skipped", func() bool { return len(h.logged(t, "thumbnail", "skipped")) > 0 })

	h.grantAs(t, "thumbnail", "thumbnail", readPolicy(t, filepath.Join(example, "policy.json"), "WriteThumbnails"))
	put("refused.png", tall.Bytes())
	eventually(t, 30*time.Second, "the function is refused", func() bool {
		return slices.ContainsFunc(h.logged(t, "thumbnail", ""), func(line string) bool {
			return strings.Contains(line, "refused.png") && strings.Contains(line, "is not authorized to perform: s3:PutObject")
		})
	})
	for _, key := range []string{"notes.txt", "refused.png"} {
		if thumbnail(key) != nil {
			t.Errorf("%s has a thumbnail", key)
		}
	}
}
