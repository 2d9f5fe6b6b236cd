package s3

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hearthfaas/hearth/internal/s3/index"
)

func TestWhatARuleExpires(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 3, 1+n, 0, 0, 0, 0, time.UTC) }
	written := day(0).Add(10 * time.Hour) // so that days count from day(1)
	object := index.Object{Key: "logs/a", Modified: written, Size: 100, Latest: true, Attributes: index.Attributes{Tags: []index.Tag{{Key: "keep", Value: "no"}, {Key: "b", Value: "2"}}}}
	marker := index.Object{Key: "logs/a", Modified: written, Latest: true, DeleteMarker: true}
	older := index.Object{Key: "logs/a", Modified: day(-9), Noncurrent: written, Size: 100}
	for _, c := range []struct {
		name, rule string
		o          index.Object
		newer      int
		alone      bool
		now        time.Time
		want       bool
	}{
		{"a day too early", `<Prefix>logs/</Prefix><Expiration><Days>2</Days></Expiration>`, object, 0, true, day(3).Add(-time.Second), false},
		{"at midnight after the days", `<Prefix>logs/</Prefix><Expiration><Days>2</Days></Expiration>`, object, 0, true, day(3), true},
		{"another prefix", `<Prefix>data/</Prefix><Expiration><Days>2</Days></Expiration>`, object, 0, true, day(9), false},
		{"everything", `<Filter/><Expiration><Days>2</Days></Expiration>`, object, 0, true, day(9), true},
		{"disabled", `<Status>Disabled</Status><Filter/><Expiration><Days>2</Days></Expiration>`, object, 0, true, day(9), false},
		{"a tag", `<Filter><Tag><Key>keep</Key><Value>no</Value></Tag></Filter><Expiration><Days>2</Days></Expiration>`, object, 0, true, day(9), true},
		{"another tag", `<Filter><Tag><Key>keep</Key><Value>yes</Value></Tag></Filter><Expiration><Days>2</Days></Expiration>`, object, 0, true, day(9), false},
		{"both tags and the prefix", `<Filter><And><Prefix>logs/</Prefix><Tag><Key>keep</Key><Value>no</Value></Tag><Tag><Key>b</Key><Value>2</Value></Tag></And></Filter><Expiration><Days>2</Days></Expiration>`, object, 0, true, day(9), true},
		{"one tag of two", `<Filter><And><Prefix>logs/</Prefix><Tag><Key>keep</Key><Value>no</Value></Tag><Tag><Key>c</Key><Value>3</Value></Tag></And></Filter><Expiration><Days>2</Days></Expiration>`, object, 0, true, day(9), false},
		{"larger than its size", `<Filter><ObjectSizeGreaterThan>100</ObjectSizeGreaterThan></Filter><Expiration><Days>2</Days></Expiration>`, object, 0, true, day(9), false},
		{"smaller than more", `<Filter><ObjectSizeLessThan>101</ObjectSizeLessThan></Filter><Expiration><Days>2</Days></Expiration>`, object, 0, true, day(9), true},
		{"before the date", `<Filter/><Expiration><Date>2026-03-05T00:00:00Z</Date></Expiration>`, object, 0, true, day(4).Add(-time.Second), false},
		{"from the date on", `<Filter/><Expiration><Date>2026-03-05T00:00:00Z</Date></Expiration>`, object, 0, true, day(4), true},
		{"a marker that hides something", `<Filter/><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>`, marker, 0, false, day(9), false},
		{"a marker alone", `<Filter/><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>`, marker, 0, true, day(0), true},
		{"a marker alone, by days", `<Filter/><Expiration><Days>2</Days></Expiration>`, marker, 0, true, day(3), true},
		{"an object is no marker", `<Filter/><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>`, object, 0, true, day(9), false},
		{"not current, too early", `<Filter/><NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays></NoncurrentVersionExpiration>`, older, 0, false, day(3).Add(-time.Second), false},
		{"not current", `<Filter/><NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays></NoncurrentVersionExpiration>`, older, 0, false, day(3), true},
		{"one of the newest", `<Filter/><NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions></NoncurrentVersionExpiration>`, older, 1, false, day(9), false},
		{"behind the newest", `<Filter/><NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions></NoncurrentVersionExpiration>`, older, 2, false, day(9), true},
		{"a current one is not", `<Filter/><NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays></NoncurrentVersionExpiration>`, object, 0, true, day(9), false},
		{"what is not current has rules of its own", `<Filter/><Expiration><Days>2</Days></Expiration>`, older, 0, false, day(9), false},
	} {
		r := lifecycleRule{Status: "Enabled"}
		if err := xml.Unmarshal([]byte("<Rule>"+c.rule+"</Rule>"), &r); err != nil {
			t.Fatal(err)
		}
		if err := r.check(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := r.expired(&c.o, c.newer, c.alone, c.now); got != c.want {
			t.Errorf("%s: got %t", c.name, got)
		}
	}
}

func TestRulesThatAreRefused(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	const days, tag = `<Expiration><Days>1</Days></Expiration>`, `<Tag><Key>a</Key><Value>1</Value></Tag>`
	for rule, want := range map[string]string{
		`<Status>Enabled</Status>` + days:                                                                           "MalformedXML",
		`<Status>On</Status><Filter/>` + days:                                                                       "MalformedXML",
		`<Status>Enabled</Status><Filter/><Prefix>a</Prefix>` + days:                                                "MalformedXML",
		`<Status>Enabled</Status><Filter><Prefix>a</Prefix>` + tag + `</Filter>` + days:                             "MalformedXML",
		`<Status>Enabled</Status><Filter/>`:                                                                         "At least one action needs to be specified in a rule",
		`<Status>Enabled</Status><Filter/><Expiration><Days>0</Days></Expiration>`:                                  "'Days' for Expiration action must be a positive integer",
		`<Status>Enabled</Status><Filter/><Expiration><Days>1</Days><Date>2026-03-05T00:00:00Z</Date></Expiration>`: "MalformedXML",
		`<Status>Enabled</Status><Filter/><Expiration><Date>2026-03-05T01:00:00Z</Date></Expiration>`:               "'Date' must be at midnight GMT",
		`<Status>Enabled</Status><Filter>` + tag + `</Filter><AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>`: "AbortIncompleteMultipartUpload cannot be specified with Tags.",
		`<Status>Enabled</Status><Filter/><AbortIncompleteMultipartUpload><DaysAfterInitiation>0</DaysAfterInitiation></AbortIncompleteMultipartUpload>`:                    "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer",
		`<Status>Enabled</Status><Filter/><NoncurrentVersionExpiration><NoncurrentDays>0</NoncurrentDays></NoncurrentVersionExpiration>`:                                    "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer",
		`<ID>` + strings.Repeat("x", ruleIDMax+1) + `</ID><Status>Enabled</Status><Filter/>` + days:                                                                         "ID length should not exceed allowed limit of 255",
	} {
		resp, got := b.send(t, http.MethodPut, "/bucket?lifecycle", "<LifecycleConfiguration><Rule>"+rule+"</Rule></LifecycleConfiguration>", nil)
		if want = strings.ReplaceAll(want, "'", "&#39;"); resp.StatusCode != 400 || !strings.Contains(got, want) {
			t.Errorf("%.200s: got %d %s, want %s", rule, resp.StatusCode, got, want)
		}
	}
}

// A bucket with versions and uploads grows old: each rule takes what is its own, says
// before when it will, and tells who wants to know.
func TestALifecycleOverWeeks(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	// Clients sign with the real clock, so it begins today, but not at midnight.
	today := time.Now().UTC().Truncate(24 * time.Hour)
	b.now = time.Now().UTC()
	if b.now.Sub(today) < time.Minute {
		b.now = b.now.Add(time.Minute)
	}
	b.versioning(t, types.BucketVersioningStatusEnabled)
	_, err := b.PutBucketNotificationConfiguration(t.Context(), &awss3.PutBucketNotificationConfigurationInput{
		Bucket: aws.String("bucket"), NotificationConfiguration: &types.NotificationConfiguration{QueueConfigurations: []types.QueueConfiguration{{
			QueueArn: aws.String("arn:aws:sqs:us-east-1:000000000000:q"), Events: []types.Event{"s3:LifecycleExpiration:*"},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	on := types.ExpirationStatusEnabled
	_, err = b.PutBucketLifecycleConfiguration(t.Context(), &awss3.PutBucketLifecycleConfigurationInput{
		Bucket: aws.String("bucket"), LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{
			{ID: aws.String("slow"), Status: on, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("logs/")}, Expiration: &types.LifecycleExpiration{Days: aws.Int32(30)}},
			{ID: aws.String("logs"), Status: on, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("logs/")}, Expiration: &types.LifecycleExpiration{Days: aws.Int32(7)}},
			{
				ID: aws.String("versions"), Status: on, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")},
				NoncurrentVersionExpiration:    &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(3)},
				AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(2)},
				Expiration:                     &types.LifecycleExpiration{ExpiredObjectDeleteMarker: aws.Bool(true)},
			},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	put := b.put(t, "bucket", "logs/a", "1")
	if got, want := aws.ToString(put.Expiration), `expiry-date="`+today.AddDate(0, 0, 8).Format(http.TimeFormat)+`", rule-id="logs"`; got != want {
		t.Errorf("put: expires %s, want %s", got, want)
	}
	if _, got := b.read(t, &awss3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("logs/a")}); aws.ToString(got.Expiration) != aws.ToString(put.Expiration) {
		t.Errorf("get: expires %s", aws.ToString(got.Expiration))
	}
	if got := b.put(t, "bucket", "data/a", "1"); got.Expiration != nil {
		t.Errorf("data/a expires %s", *got.Expiration)
	}
	for range 3 {
		b.put(t, "bucket", "data/a", "again")
	}
	id := b.begin(t, "data/upload", types.ChecksumAlgorithmCrc32)
	b.part(t, "data/upload", id, 1, types.ChecksumAlgorithmCrc32, strings.NewReader("part"))
	for _, step := range []struct {
		days    int
		want    []string // objects and markers
		uploads int
		files   int
	}{
		{2, []string{"data/a", "data/a", "data/a", "data/a", "logs/a"}, 1, 6},
		{3, []string{"data/a", "data/a", "data/a", "data/a", "logs/a"}, 0, 5},
		{4, []string{"data/a", "logs/a"}, 0, 2},
		{8, []string{"data/a", "logs/a", "logs/a marker"}, 0, 2},
		{10, []string{"data/a", "logs/a", "logs/a marker"}, 0, 2},
		{11, []string{"data/a", "logs/a marker"}, 0, 1},
		{12, []string{"data/a"}, 0, 1},
	} {
		b.mu.Lock()
		b.now = today.AddDate(0, 0, step.days)
		b.mu.Unlock()
		rec, _ := b.service.index.Bucket("bucket")
		if err := b.service.expire(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		page, err := b.service.index.Versions(t.Context(), "bucket", index.Query{Max: pageMax})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range page.Objects {
			if o.DeleteMarker {
				o.Key += " marker"
			}
			got = append(got, o.Key)
		}
		uploads, _, _, err := b.service.index.Uploads(t.Context(), "bucket", index.Query{Max: pageMax})
		if slices.Sort(got); err != nil || !slices.Equal(got, step.want) || len(uploads) != step.uploads || files(t, b) != step.files {
			t.Errorf("on day %d: got %q, %d uploads, %d files (%v); want %q, %d, %d", step.days, got, len(uploads), files(t, b), err, step.want, step.uploads, step.files)
		}
	}
	if _, err := b.service.offerAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	told := map[string]int{}
	for _, e := range b.events {
		told[e.Name]++
	}
	if told["LifecycleExpiration:DeleteMarkerCreated"] != 1 || told["LifecycleExpiration:Delete"] != 5 {
		t.Errorf("told %v", told)
	}
}
