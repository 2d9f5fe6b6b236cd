package e2e

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hearthfaas/hearth/internal/harness"
)

func TestRootCodeAndLayersComeFromABucket(t *testing.T) {
	h := up(t, "")
	objects := s3.NewFromConfig(h.aws, func(o *s3.Options) { o.UsePathStyle = true })
	bucket := aws.String("code")
	if _, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	upload := func(key string, files map[string]string) {
		t.Helper()
		zip, err := harness.ZipFiles(files)
		if err == nil {
			_, err = objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: bytes.NewReader(zip)})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	upload("layers/greet.zip", map[string]string{"nodejs/node_modules/greet/index.js": `module.exports = 'from the bucket'`})
	upload("functions/new.zip", map[string]string{"index.js": `exports.handler = async () => require('greet')`})
	layer, err := h.lambda.PublishLayerVersion(t.Context(), &lambda.PublishLayerVersionInput{
		LayerName: aws.String("greet"), Content: &types.LayerVersionContentInput{S3Bucket: bucket, S3Key: aws.String("layers/greet.zip")},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.function(t, "f", `exports.handler = async () => 'old'`)
	h.useLayers(t, "f", *layer.LayerVersionArn)
	update := func(key string) error {
		_, err := h.lambda.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), S3Bucket: bucket, S3Key: &key})
		return err
	}
	const want = "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."
	if err := update("functions/none.zip"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := update("functions/new.zip"); err != nil {
		t.Fatal(err)
	}
	if err := harness.WaitActive(t.Context(), h.lambda, "f"); err != nil {
		t.Fatal(err)
	}
	if got, want := h.answers(t, "f", `{}`), `"from the bucket"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
