package s3

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// formBody is a form as a browser sends it.
func formBody(t *testing.T, fields [][2]string, filename, text string) (body, kind string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		if err := w.WriteField(f[0], f[1]); err != nil {
			t.Fatal(err)
		}
	}
	if filename != "" {
		file, err := w.CreateFormFile("file", filename)
		if err == nil {
			_, err = file.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

// presignedForm are the fields that AWS's SDK presigns for a key, with conditions.
func (b *bench) presignedForm(t *testing.T, key string, conditions ...any) [][2]string {
	t.Helper()
	out, err := awss3.NewPresignClient(b.Client).PresignPostObject(t.Context(), &awss3.PutObjectInput{Bucket: aws.String("bucket"), Key: &key},
		func(o *awss3.PresignPostOptions) { o.Conditions, o.Expires = conditions, time.Hour })
	if err != nil {
		t.Fatal(err)
	}
	var fields [][2]string
	for name, value := range out.Values {
		fields = append(fields, [2]string{name, value})
	}
	return fields
}

func TestFormsUpload(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	_, err := b.PutBucketNotificationConfiguration(t.Context(), &awss3.PutBucketNotificationConfigurationInput{
		Bucket: aws.String("bucket"), NotificationConfiguration: &types.NotificationConfiguration{EventBridgeConfiguration: &types.EventBridgeConfiguration{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	policy := []any{
		[]any{"starts-with", "$Content-Type", "image/"},
		[]any{"eq", "$x-amz-meta-user", "jo"},
		[]any{"content-length-range", 1, 10},
		[]any{"starts-with", "$success_action_status", ""},
		[]any{"starts-with", "$success_action_redirect", ""},
		[]any{"starts-with", "$tagging", ""},
	}
	signed := b.presignedForm(t, "in/${filename}", policy...)
	extra := func(more ...string) [][2]string {
		fields := append([][2]string{{"Content-Type", "image/png"}, {"x-amz-meta-user", "jo"}, {"x-ignore-me", "x"}}, signed...)
		for i := 0; i < len(more); i += 2 {
			fields = append(fields, [2]string{more[i], more[i+1]})
		}
		return fields
	}
	other := func(name, value string) [][2]string {
		fields := extra()
		for i, f := range fields {
			if strings.EqualFold(f[0], name) {
				fields[i][1] = value
			}
		}
		return fields
	}
	tags := `<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>`
	for _, c := range []struct {
		name   string
		fields [][2]string
		text   string
		status int
		want   string // in the answer
	}{
		{"no content", extra(), "picture", 204, ""},
		{"created", extra("success_action_status", "201", "tagging", tags), "picture", 201, "<Key>in/cat.png</Key>"},
		{"ok", extra("success_action_status", "200"), "picture", 200, ""},
		{"another status is 204", extra("success_action_status", "299"), "picture", 204, ""},
		{"redirected", extra("success_action_redirect", "http://page/?x=1"), "picture", 303, ""},
		{"too long", extra(), "a larger picture", 400, "EntityTooLarge"},
		{"too short", extra(), "", 400, "EntityTooSmall"},
		{"another field", extra("acl", "private"), "x", 403, "Invalid according to Policy: Extra input fields: acl"},
		{"another type", other("Content-Type", "text/html"), "x", 403, `Policy Condition failed: [&#34;starts-with&#34;, &#34;$content-type&#34;, &#34;image/&#34;]`},
		{"another key", other("key", "out/x"), "x", 403, "Policy Condition failed"},
		{"another user", other("x-amz-meta-user", "al"), "x", 403, `[&#34;eq&#34;, &#34;$x-amz-meta-user&#34;, &#34;jo&#34;]`},
		{"another signature", other("X-Amz-Signature", strings.Repeat("0", 64)), "x", 403, "SignatureDoesNotMatch"},
		{"no signature", other("X-Amz-Signature", ""), "x", 400, "must contain a field named &#39;X-Amz-Signature&#39;"},
		{"no policy", other("policy", ""), "x", 400, "must contain a field named &#39;policy&#39;"},
		{"no key", other("key", ""), "x", 400, "must contain a field named &#39;key&#39;"},
		{"an unknown access key", other("X-Amz-Credential", "AKIDNONE/20260101/us-east-1/s3/aws4_request"), "x", 400, "Date in Credential scope"},
		{"nobody", [][2]string{{"key", "k"}}, "x", 403, "AccessDenied"},
		{"long fields", extra("x-ignore-long", strings.Repeat("x", fieldsMax)), "x", 400, "MaxPostPreDataLengthExceeded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			body, kind := formBody(t, c.fields, "C:\\pictures\\cat.png", c.text)
			resp, text := b.send(t, http.MethodPost, "/bucket", body, map[string]string{"Content-Type": kind})
			if resp.StatusCode != c.status || !strings.Contains(text, c.want) {
				t.Fatalf("got %d %s, want %d %s", resp.StatusCode, text, c.status, c.want)
			}
			if c.status == 303 && !strings.HasPrefix(resp.Header.Get("Location"), "http://page/?bucket=bucket&etag=%22") {
				t.Errorf("redirected to %s", resp.Header.Get("Location"))
			}
			if c.status < 300 && resp.Header.Get("Location") != b.server.URL+"/bucket/in/cat.png" {
				t.Errorf("the object is at %s", resp.Header.Get("Location"))
			}
		})
	}
	text, got := b.read(t, &awss3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("in/cat.png")})
	if text != "picture" || aws.ToString(got.ContentType) != "image/png" || got.Metadata["user"] != "jo" {
		t.Errorf("got %q %+v", text, got)
	}
	if n := files(t, b); n != 1 {
		t.Errorf("%d files, want 1", n)
	}
	if _, err := b.service.offerAll(t.Context()); err != nil || len(b.events) == 0 || b.events[0].Name != "ObjectCreated:Post" {
		t.Errorf("events %+v %v", b.events, err)
	}
	b.mu.Lock()
	b.now = b.now.Add(2 * time.Hour)
	b.mu.Unlock()
	body, kind := formBody(t, extra(), "x", "x")
	if resp, text := b.send(t, http.MethodPost, "/bucket", body, map[string]string{"Content-Type": kind}); resp.StatusCode != 403 || !strings.Contains(text, "Policy expired.") {
		t.Errorf("expired: got %d %s", resp.StatusCode, text)
	}
}

func TestFormsThatAreNone(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	noFile, kind := formBody(t, [][2]string{{"key", "k"}}, "", "")
	cut, cutKind := formBody(t, [][2]string{{"key", "k"}}, "x", "text")
	for _, c := range []struct {
		name, body, kind string
		status           int
		want             string
	}{
		{"no file", noFile, kind, 400, "POST requires exactly one file upload per request."},
		{"another type", "key=k", "application/x-www-form-urlencoded", 412, "Bucket POST must be of the enclosure-type multipart/form-data"},
		{"no boundary", "x", "multipart/form-data", 400, "MalformedPOSTRequest"},
		{"no parts", "x", kind, 400, "POST requires exactly one file upload per request."},
		{"cut in the fields", cut[:strings.Index(cut, "\r\n\r\n")+5], cutKind, 400, "MalformedPOSTRequest"},
	} {
		resp, text := b.send(t, http.MethodPost, "/bucket", c.body, map[string]string{"Content-Type": c.kind})
		if resp.StatusCode != c.status || !strings.Contains(text, c.want) {
			t.Errorf("%s: got %d %s, want %d %s", c.name, resp.StatusCode, text, c.status, c.want)
		}
	}
	if n := files(t, b); n != 0 {
		t.Errorf("%d files are left over", n)
	}
}

func TestPoliciesOfForms(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		`{"expiration":"2026-01-02T00:00:00Z","conditions":[]}`:                               "",
		`{"expiration":"2026-01-01T00:00:00.000Z","conditions":[]}`:                           "Policy expired.",
		`{"expiration":"2026-01-02T00:00:00Z","conditions":[{"bucket":"b"},{"key":"k"}]}`:     "",
		`{"expiration":"2026-01-02T00:00:00Z","conditions":[{"bucket":"c"}]}`:                 `["eq", "$bucket", "c"]`,
		`{"expiration":"2026-01-02T00:00:00Z","conditions":[["starts-with","$Key",""]]}`:      "",
		`{"expiration":"2026-01-02T00:00:00Z","conditions":[["content-length-range","a",2]]}`: "Invalid content-length-range.",
		`{"expiration":"2026-01-02T00:00:00Z","conditions":[["content-length-range",3,2]]}`:   "Invalid content-length-range.",
		`{"expiration":"2026-01-02T00:00:00Z","conditions":[["matches","$key","k"]]}`:         "Invalid Condition.",
		`{"expiration":"2026-01-02T00:00:00Z","conditions":[["eq","key","k"]]}`:               "Invalid Condition.",
		`{"expiration":"2026-01-02T00:00:00Z","conditions":[{"a":"1","b":"2"}]}`:              "exactly one property",
		`{"expiration":"2026-01-02T00:00:00Z","conditions":["key"]}`:                          "Invalid Condition.",
		`{"expiration":"tomorrow","conditions":[]}`:                                           "Invalid 'expiration' value",
		`{"conditions":[]}`:                     "Policy missing expiration.",
		`{"expiration":"2026-01-02T00:00:00Z"}`: "Policy missing conditions.",
		`nonsense`:                              "Invalid JSON.",
	} {
		p, err := parsePostPolicy(base64.StdEncoding.EncodeToString([]byte(text)))
		if err == nil {
			_, err = p.check("b", map[string]string{"policy": "x", "key": "k"}, now)
			if err != nil && strings.Contains(err.Error(), "Extra input fields: key") {
				err = nil
			}
		}
		if got := fmt.Sprint(err); (want == "") != (err == nil) || !strings.Contains(got, want) && want != "" {
			t.Errorf("%s: got %s, want %q", text, got, want)
		}
	}
}

func FuzzPostPolicy(f *testing.F) {
	for _, text := range []string{
		`{"expiration":"2026-01-02T00:00:00Z","conditions":[{"bucket":"b"},["starts-with","$key","user/"],["content-length-range",1,10]]}`,
		`{"expiration":"2026-01-02T00:00:00Z","conditions":[["eq","$acl","public-read"],["content-length-range","1","10"]]}`, `{}`, `[]`, ``,
	} {
		f.Add(base64.StdEncoding.EncodeToString([]byte(text)), "key", "user/x")
	}
	f.Fuzz(func(t *testing.T, policy, name, value string) {
		p, err := parsePostPolicy(policy)
		if err != nil {
			return
		}
		limits, err := p.check("b", map[string]string{name: value, "policy": policy}, time.Unix(0, 0))
		if err == nil && (limits.min < 0 || limits.max < 0) {
			t.Errorf("limits %+v", limits)
		}
	})
}
