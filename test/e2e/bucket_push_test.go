package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// S3 invokes the function when something happens in the bucket, once the function's
// policy lets it, and only for what the configuration names.
func TestRootAnUploadInvokesTheFunction(t *testing.T) {
	h := up(t, "")
	objects := s3.NewFromConfig(h.aws, func(o *s3.Options) { o.UsePathStyle = true })
	bucket, name := aws.String("pictures"), aws.String("thumb")
	if _, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	h.function(t, *name, `exports.handler = async (e) => {
		for (const r of e.Records) console.log("saw", r.eventName, r.s3.bucket.name, r.s3.object.key);
	}`)
	got, err := h.lambda.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: name})
	if err != nil {
		t.Fatal(err)
	}
	configure := func() error {
		_, err := objects.PutBucketNotificationConfiguration(t.Context(), &s3.PutBucketNotificationConfigurationInput{
			Bucket: bucket,
			NotificationConfiguration: &types.NotificationConfiguration{LambdaFunctionConfigurations: []types.LambdaFunctionConfiguration{{
				LambdaFunctionArn: got.Configuration.FunctionArn,
				Events:            []types.Event{"s3:ObjectCreated:*"},
				Filter: &types.NotificationConfigurationFilter{Key: &types.S3KeyFilter{FilterRules: []types.FilterRule{
					{Name: types.FilterRuleNameSuffix, Value: aws.String(".png")},
				}}},
			}}},
		})
		return err
	}
	if err := configure(); err == nil || !strings.Contains(err.Error(), "Unable to validate the following destination configurations") {
		t.Errorf("without the function's permission: got %v, want a refusal", err)
	}
	_, err = h.lambda.AddPermission(t.Context(), &lambda.AddPermissionInput{
		FunctionName: name, StatementId: aws.String("s3"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("s3.amazonaws.com"), SourceArn: aws.String("arn:aws:s3:::pictures"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := configure(); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"notes.txt", "a cat.png"} {
		if _, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader("x")}); err != nil {
			t.Fatal(err)
		}
	}
	logs := cloudwatchlogs.NewFromConfig(h.aws)
	var lines []string
	eventually(t, 20*time.Second, "the function has seen the upload", func() bool {
		lines = nil
		out, err := logs.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{
			LogGroupName: aws.String("/aws/lambda/thumb"), FilterPattern: aws.String("saw"),
		})
		if err != nil {
			return false // no log group yet
		}
		for _, e := range out.Events {
			_, text, _ := strings.Cut(*e.Message, "saw ")
			lines = append(lines, strings.TrimSpace(text))
		}
		return len(lines) > 0
	})
	if want := "ObjectCreated:Put pictures a+cat.png"; len(lines) != 1 || lines[0] != want {
		t.Errorf("got %q, want one line %q", lines, want)
	}
}
