// Command thumbnail is a Lambda function that S3 invokes for each new picture: it
// makes a small JPEG of it and puts that into another bucket, under the same key.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // registers what image.Decode can read
	"image/jpeg"
	_ "image/png"
	"io"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	side      = 128      // pixels of a thumbnail's longer side
	fileMax   = 32 << 20 // bytes of a picture, which is held in memory
	pixelsMax = 24 << 20 // of a picture, 12 bytes each at worst when decoded; a small file can claim any size
)

// thumbnailer is what stays between invokes: the client with its connections.
type thumbnailer struct {
	objects *s3.Client
	to      string // the bucket of the thumbnails
}

func main() {
	to := os.Getenv("THUMBNAILS")
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err == nil && to == "" {
		err = errors.New("THUMBNAILS names no bucket")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	t := &thumbnailer{objects: s3.NewFromConfig(cfg), to: to}
	lambda.Start(t.handle)
}

// handle returns an error for what is to be tried again.
func (t *thumbnailer) handle(ctx context.Context, e events.S3Event) error {
	for _, r := range e.Records {
		// Keys in events are URL encoded: "a cat.png" is "a+cat.png".
		if err := t.one(ctx, r.S3.Bucket.Name, r.S3.Object.URLDecodedKey); err != nil {
			return fmt.Errorf("s3://%s/%s: %w", r.S3.Bucket.Name, r.S3.Object.URLDecodedKey, err)
		}
	}
	return nil
}

func (t *thumbnailer) one(ctx context.Context, bucket, key string) error {
	got, err := t.objects.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return err
	}
	defer got.Body.Close()
	if n := aws.ToInt64(got.ContentLength); n > fileMax {
		fmt.Printf("skipped %s: %d bytes are more than %d\n", key, n, fileMax)
		return nil
	}
	file, err := io.ReadAll(got.Body)
	if err != nil {
		return err
	}
	from, err := decode(file)
	if err != nil {
		fmt.Printf("skipped %s: %v\n", key, err) // to try again would change nothing
		return nil
	}
	small := shrink(from, side)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, small, &jpeg.Options{Quality: 85}); err != nil {
		return err
	}
	_, err = t.objects.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &t.to, Key: &key, Body: bytes.NewReader(out.Bytes()), ContentType: aws.String("image/jpeg"),
	})
	if err != nil {
		return err
	}
	fmt.Printf("made %s: %v of %v\n", key, small.Bounds().Size(), from.Bounds().Size())
	return nil
}

// decode looks at the size that a picture claims before it decodes it.
func decode(file []byte) (image.Image, error) {
	claim, format, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	if claim.Width <= 0 || claim.Height <= 0 || claim.Width > pixelsMax/claim.Height {
		return nil, fmt.Errorf("a %s of %d x %d pixels", format, claim.Width, claim.Height)
	}
	picture, _, err := image.Decode(bytes.NewReader(file))
	return picture, err
}
