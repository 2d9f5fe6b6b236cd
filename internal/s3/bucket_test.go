package s3

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func TestBucketNames(t *testing.T) {
	for name, want := range map[string]bool{
		"abc": true, "a.b-c1": true, "ab": false, "Abc": false, "a..b": false, "192.168.1.1": false, "-ab": false, "ab-": false,
		"a_b": false, "xn--abc": false, "abc--x-s3": false, strings.Repeat("a", 63): true, strings.Repeat("a", 64): false,
	} {
		if got := validBucketName(name); got != want {
			t.Errorf("%q: got %t", name, got)
		}
	}
}

func TestTheBucketOfAnAddress(t *testing.T) {
	for host, want := range map[string]string{
		"127.0.0.1:4566": "", "localhost:4566": "", "s3.localhost:4566": "", "b.s3.localhost:4566": "b",
		"a.b.s3.eu-west-1.localhost": "a.b", "b.s3.amazonaws.com": "b", "b.s3.us-east-1.amazonaws.com": "b",
		"s3.us-east-1.amazonaws.com": "", "b.localhost:4566": "b", "lambda.us-east-1.amazonaws.com": "", "[::1]:4566": "",
	} {
		got, ok := bucketOfHost(host)
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", host, got, want)
		}
	}
}

func TestBucketsBelongToAnAccount(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	b.make(t, "bucket") // as us-east-1 does
	other := b.client("AKIDOTHER")
	_, err := other.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: aws.String("bucket")})
	if got := code(err); got != "BucketAlreadyExists" {
		t.Errorf("got %s", got)
	}
	if _, err := other.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: aws.String("bucket")}); code(err) != "AccessDenied" {
		t.Errorf("another account's bucket: got %v", err)
	}
	list, err := other.ListBuckets(t.Context(), &awss3.ListBucketsInput{})
	if err != nil || len(list.Buckets) != 0 {
		t.Errorf("another account sees %+v %v", list, err)
	}
	far := b.client("AKIDGOOD", func(o *awss3.Options) { o.Region = "eu-west-1" })
	_, err = far.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: aws.String("far")})
	if got := code(err); got != "IllegalLocationConstraintException" {
		t.Errorf("without a location: got %s", got)
	}
	_, err = far.CreateBucket(t.Context(), &awss3.CreateBucketInput{
		Bucket:                    aws.String("far"),
		CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
	})
	if err != nil {
		t.Error(err)
	}
	where, err := b.GetBucketLocation(t.Context(), &awss3.GetBucketLocationInput{Bucket: aws.String("far")})
	if err != nil || where.LocationConstraint != "eu-west-1" {
		t.Errorf("got %+v %v", where, err)
	}
}

func TestPermissionsAreAskedForTheResource(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	b.put(t, "bucket", "k", "x")
	last := b.gate.asked[len(b.gate.asked)-1]
	if last.Action != "s3:PutObject" || last.Resource != "arn:aws:s3:::bucket/k" || last.Owner != "000000000000" {
		t.Errorf("asked %+v", last)
	}
	b.gate.denied["s3:GetObject"] = true
	if _, err := b.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("k")}); code(err) != "AccessDenied" {
		t.Errorf("got %v", err)
	}
	b.gate.denied["s3:GetObject"], b.gate.denied["s3:ListBucket"] = false, true
	if _, err := b.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("none")}); code(err) != "AccessDenied" {
		t.Errorf("who may not list is told of a missing key: %v", err)
	}
	bad := b.client("AKIDNONE")
	if _, err := bad.ListBuckets(t.Context(), &awss3.ListBucketsInput{}); code(err) != "InvalidAccessKeyId" {
		t.Errorf("got %v", err)
	}
}

func TestConfigurationsThatAreNotThere(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	for query, want := range map[string]string{
		"policy": "NoSuchBucketPolicy", "tagging": "NoSuchTagSet", "cors": "NoSuchCORSConfiguration",
		"lifecycle": "NoSuchLifecycleConfiguration", "website": "NoSuchWebsiteConfiguration",
		"replication": "ReplicationConfigurationNotFoundError", "object-lock": "ObjectLockConfigurationNotFoundError",
		"encryption": "AES256", "publicAccessBlock": "BlockPublicAcls", "ownershipControls": "BucketOwnerEnforced",
		"notification": "NotificationConfiguration", "logging": "BucketLoggingStatus", "accelerate": "AccelerateConfiguration",
		"requestPayment": "BucketOwner", "versioning": "VersioningConfiguration", "acl": "FULL_CONTROL", "torrent": "NotImplemented",
	} {
		if text := b.raw(t, "GET", "/bucket?"+query, nil); !strings.Contains(text, want) {
			t.Errorf("%s: got %s, want %s", query, text, want)
		}
	}
}

// raw sends a request that is presigned here and returns the body.
func (b *bench) raw(t *testing.T, method, target string, header map[string]string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, b.server.URL+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	if method != http.MethodOptions {
		sign(t, r)
	}
	resp, err := b.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.Status + " " + resp.Header.Get("Access-Control-Allow-Origin") + " " + string(text)
}

func TestCORS(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	_, err := b.PutBucketCors(t.Context(), &awss3.PutBucketCorsInput{Bucket: aws.String("bucket"), CORSConfiguration: &types.CORSConfiguration{
		CORSRules: []types.CORSRule{{AllowedMethods: []string{"PUT"}, AllowedOrigins: []string{"https://*.example.com"}, AllowedHeaders: []string{"x-*"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(origin, method, headers string) string {
		return b.raw(t, "OPTIONS", "/bucket/k", map[string]string{
			"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers,
		})
	}
	if got := ask("https://a.example.com", "PUT", "X-One, x-two"); !strings.HasPrefix(got, "200 OK https://a.example.com") {
		t.Errorf("got %s", got)
	}
	for _, c := range [][3]string{{"https://example.org", "PUT", ""}, {"https://a.example.com", "GET", ""}, {"https://a.example.com", "PUT", "y"}} {
		if got := ask(c[0], c[1], c[2]); !strings.HasPrefix(got, "403") || !strings.Contains(got, "AccessForbidden") {
			t.Errorf("%q: got %s", c, got)
		}
	}
}

func TestAnonymousReadersNeedAPolicy(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	b.put(t, "bucket", "k", "public")
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}]}`
	put := func() error {
		_, err := b.PutBucketPolicy(t.Context(), &awss3.PutBucketPolicyInput{Bucket: aws.String("bucket"), Policy: &policy})
		return err
	}
	get := func() int {
		resp, err := b.server.Client().Get(b.server.URL + "/bucket/k")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := code(put()); got != "AccessDenied" {
		t.Errorf("a public policy on a new bucket: got %q", got)
	}
	if got := get(); got != 403 {
		t.Errorf("without a policy: got %d", got)
	}
	if _, err := b.DeletePublicAccessBlock(t.Context(), &awss3.DeletePublicAccessBlockInput{Bucket: aws.String("bucket")}); err != nil {
		t.Fatal(err)
	}
	if err := put(); err != nil {
		t.Fatal(err)
	}
	if got := get(); got != 200 {
		t.Errorf("with the policy: got %d", got)
	}
	if !b.service.Claims(mustRequest(t, "http://127.0.0.1/bucket/k")) || b.service.Claims(mustRequest(t, "http://127.0.0.1/2015-03-31/functions")) {
		t.Error("the edge does not tell the bucket's requests from others")
	}
}

func mustRequest(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNotificationsAreDeliveredOnceAlsoAfterARestart(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	_, err := b.PutBucketNotificationConfiguration(t.Context(), &awss3.PutBucketNotificationConfigurationInput{
		Bucket: aws.String("bucket"), NotificationConfiguration: &types.NotificationConfiguration{
			LambdaFunctionConfigurations: []types.LambdaFunctionConfiguration{{
				Id: aws.String("cfg"), LambdaFunctionArn: aws.String("arn:aws:lambda:us-east-1:000000000000:function:f"),
				Events: []types.Event{"s3:ObjectCreated:*", "s3:ObjectRemoved:Delete"},
				Filter: &types.NotificationConfigurationFilter{Key: &types.S3KeyFilter{FilterRules: []types.FilterRule{
					{Name: types.FilterRuleNamePrefix, Value: aws.String("in/")}, {Name: types.FilterRuleNameSuffix, Value: aws.String(".txt")},
				}}},
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	conf, err := b.GetBucketNotificationConfiguration(t.Context(), &awss3.GetBucketNotificationConfigurationInput{Bucket: aws.String("bucket")})
	if err != nil || len(conf.LambdaFunctionConfigurations) != 1 || len(conf.LambdaFunctionConfigurations[0].Filter.Key.FilterRules) != 2 {
		t.Errorf("got %+v %v", conf, err)
	}
	b.put(t, "bucket", "in/a b.txt", "text")
	b.put(t, "bucket", "out/a.txt", "text")
	b.put(t, "bucket", "in/a.bin", "text")
	b.reopen(t)
	b.refuse = true
	if left, err := b.service.offerAll(t.Context()); !left || err != nil {
		t.Errorf("refused: %t %v", left, err)
	}
	b.refuse = false
	b.remove(t, "in/a b.txt", "")
	for range 2 {
		if left, err := b.service.offerAll(t.Context()); left || err != nil {
			t.Errorf("taken: %t %v", left, err)
		}
	}
	if len(b.events) != 2 || b.events[0].Name != "ObjectCreated:Put" || b.events[1].Name != "ObjectRemoved:Delete" ||
		b.events[0].Sequencer >= b.events[1].Sequencer {
		t.Fatalf("got %+v", b.events)
	}
	payload, err := b.events[0].Payload()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Records []struct {
			EventName string
			S3        struct {
				ConfigurationID string
				Object          struct {
					Key  string
					Size int
					ETag string
				}
			}
		}
	}
	if err := json.Unmarshal(payload, &got); err != nil || len(got.Records) != 1 || got.Records[0].S3.Object.Key != "in%2Fa+b.txt" ||
		got.Records[0].S3.Object.Size != 4 || got.Records[0].EventName != "ObjectCreated:Put" {
		t.Errorf("got %s %v", payload, err)
	}
}

func TestLifecycleExpiresWhatIsOld(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	rule := types.LifecycleRule{
		Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("old/")},
		Expiration: &types.LifecycleExpiration{Days: aws.Int32(2)},
	}
	_, err := b.PutBucketLifecycleConfiguration(t.Context(), &awss3.PutBucketLifecycleConfigurationInput{
		Bucket: aws.String("bucket"), LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{rule}},
	})
	if err != nil {
		t.Fatal(err)
	}
	conf, err := b.GetBucketLifecycleConfiguration(t.Context(), &awss3.GetBucketLifecycleConfigurationInput{Bucket: aws.String("bucket")})
	if err != nil || aws.ToString(conf.Rules[0].ID) == "" {
		t.Errorf("the rule has no ID: %+v %v", conf, err)
	}
	b.put(t, "bucket", "old/1", "x")
	b.put(t, "bucket", "new/1", "x")
	count := func(after time.Duration) int {
		t.Helper()
		b.mu.Lock()
		b.now = time.Now().Add(after)
		b.mu.Unlock()
		rec, _ := b.service.index.Bucket("bucket")
		if err := b.service.expire(context.Background(), rec); err != nil {
			t.Fatal(err)
		}
		return files(t, b)
	}
	if got := count(47 * time.Hour); got != 2 {
		t.Errorf("before: %d objects", got)
	}
	if got := count(73 * time.Hour); got != 1 {
		t.Errorf("after: %d objects", got)
	}
}

func TestOtherPartsOfTheNodeRead(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	b.put(t, "bucket", "k", "code")
	for _, c := range []struct{ region, bucket, key, want string }{
		{"us-east-1", "bucket", "k", "code"},
		{"", "bucket", "none", "NoSuchKey"},
		{"", "none", "k", "NoSuchBucket"},
		{"eu-west-1", "bucket", "k", "PermanentRedirect"},
	} {
		r, err := b.service.Get(t.Context(), c.region, c.bucket, c.key, "", 4)
		got := ""
		if err == nil {
			text, _ := io.ReadAll(r)
			r.Close()
			got = string(text)
		} else if e, ok := errors.AsType[*lambda.Error](err); ok {
			got = e.Code
		}
		if got != c.want {
			t.Errorf("%+v: got %q", c, got)
		}
	}
	if _, err := b.service.Get(t.Context(), "", "bucket", "k", "", 3); err == nil {
		t.Error("an object over the limit is read")
	}
}
