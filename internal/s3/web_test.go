package s3

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// What a browser reads of each field of a rule, before a request and with its answer.
func TestRulesForPagesOfOtherOrigins(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	b.make(t, "closed")
	b.put(t, "bucket", "k", "text")
	_, err := b.PutBucketCors(t.Context(), &awss3.PutBucketCorsInput{Bucket: aws.String("bucket"), CORSConfiguration: &types.CORSConfiguration{
		CORSRules: []types.CORSRule{
			{
				ID: aws.String("app"), AllowedMethods: []string{"GET", "PUT"}, AllowedOrigins: []string{"https://app.example.com", "http://*.local"},
				AllowedHeaders: []string{"Content-*", "x-amz-date"}, ExposeHeaders: []string{"ETag", "x-amz-version-id"}, MaxAgeSeconds: aws.Int32(600),
			},
			{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"*"}},
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.GetBucketCors(t.Context(), &awss3.GetBucketCorsInput{Bucket: aws.String("bucket")})
	if err != nil || len(got.CORSRules) != 2 || aws.ToString(got.CORSRules[0].ID) != "app" || aws.ToInt32(got.CORSRules[0].MaxAgeSeconds) != 600 {
		t.Errorf("got %+v %v", got, err)
	}
	answers := []string{
		"Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Expose-Headers",
		"Access-Control-Max-Age", "Access-Control-Allow-Credentials", "Vary",
	}
	const vary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
	for _, c := range []struct {
		name, method, path, origin, asks, headers string
		status                                    int
		want                                      []string // of answers; a refusal's text when status is not 200
	}{
		{
			"asks first", "OPTIONS", "/bucket/k", "https://app.example.com", "PUT", "content-type, X-Amz-Date", 200,
			[]string{"https://app.example.com", "GET, PUT", "content-type, x-amz-date", "ETag, x-amz-version-id", "600", "true", vary},
		},
		{"asks about the bucket", "OPTIONS", "/bucket", "http://a.local", "GET", "", 200, []string{"http://a.local", "GET, PUT", "", "ETag, x-amz-version-id", "600", "true", vary}},
		{"anybody", "OPTIONS", "/bucket/none", "https://other.example", "GET", "", 200, []string{"*", "GET", "", "", "", "", vary}},
		{"another header", "OPTIONS", "/bucket/k", "https://app.example.com", "PUT", "x-other", 403, []string{"This CORS request is not allowed", "<Method>PUT</Method><ResourceType>OBJECT</ResourceType>"}},
		{"another method", "OPTIONS", "/bucket/k", "https://app.example.com", "DELETE", "", 403, []string{"AccessForbidden"}},
		{"another origin", "OPTIONS", "/bucket/k", "https://other.example", "PUT", "", 403, []string{"AccessForbidden"}},
		{"no origin", "OPTIONS", "/bucket/k", "", "PUT", "", 400, []string{"Insufficient information. Origin request header needed."}},
		{"no method", "OPTIONS", "/bucket/k", "https://app.example.com", "", "", 400, []string{"Invalid Access-Control-Request-Method: null"}},
		{"not a method", "OPTIONS", "/bucket/k", "https://app.example.com", "PATCH", "", 400, []string{"Invalid Access-Control-Request-Method: PATCH"}},
		{"no rules", "OPTIONS", "/closed/k", "https://app.example.com", "GET", "", 403, []string{"CORSResponse: CORS is not enabled for this bucket."}},
		{"no bucket", "OPTIONS", "/none/k", "https://app.example.com", "GET", "", 403, []string{"CORSResponse: Bucket not found"}},
		{"reads", "GET", "/bucket/k", "http://b.local", "", "", 200, []string{"http://b.local", "GET, PUT", "", "ETag, x-amz-version-id", "600", "true", vary}},
		{"reads what is not there", "GET", "/bucket/none", "https://other.example", "", "", 404, []string{"NoSuchKey"}},
		{"deletes", "DELETE", "/bucket/none", "https://app.example.com", "", "", 204, []string{"", "", "", "", "", "", ""}},
	} {
		header := map[string]string{}
		for name, value := range map[string]string{"Origin": c.origin, "Access-Control-Request-Method": c.asks, "Access-Control-Request-Headers": c.headers} {
			if value != "" {
				header[name] = value
			}
		}
		resp, text := b.send(t, c.method, c.path, "", header)
		if resp.StatusCode != c.status {
			t.Errorf("%s: got %d %s", c.name, resp.StatusCode, text)
		}
		if c.status >= 300 {
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("%s: got %s, want %s", c.name, text, want)
				}
			}
			if c.status == 404 && resp.Header.Get(answers[0]) != "*" {
				t.Errorf("%s: the page may not read the error", c.name)
			}
			continue
		}
		for i, name := range answers {
			if got := resp.Header.Get(name); got != c.want[i] {
				t.Errorf("%s: %s is %q, want %q", c.name, name, got, c.want[i])
			}
		}
	}
}

func TestRulesForPagesThatAreRefused(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	rule := func(inner string) string {
		return `<CORSConfiguration><CORSRule>` + inner + `</CORSRule></CORSConfiguration>`
	}
	const any = `<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>`
	for text, want := range map[string]string{
		`<CORSConfiguration/>`:                                                                                          "MalformedXML",
		rule(`<AllowedOrigin>*</AllowedOrigin>`):                                                                        "MalformedXML",
		rule(any + `<MaxAgeSeconds>soon</MaxAgeSeconds>`):                                                               "MalformedXML",
		rule(`<AllowedOrigin>*</AllowedOrigin><AllowedMethod>PATCH</AllowedMethod>`):                                    "Found unsupported HTTP method in CORS config. Unsupported method is PATCH",
		rule(`<AllowedOrigin>http://*.*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>`):                             "can not have more than one wildcard",
		rule(any + `<AllowedHeader>*-*</AllowedHeader>`):                                                                "can not have more than one wildcard",
		rule(any + `<ExposeHeader>x-*</ExposeHeader>`):                                                                  "contains wildcard. We currently do not support wildcard for ExposeHeader.",
		`<CORSConfiguration>` + strings.Repeat(`<CORSRule>`+any+`</CORSRule>`, corsRulesMax+1) + `</CORSConfiguration>`: "MalformedXML",
	} {
		resp, got := b.send(t, http.MethodPut, "/bucket?cors", text, nil)
		if resp.StatusCode != 400 || !strings.Contains(got, want) {
			t.Errorf("%.200s: got %d %s, want %s", text, resp.StatusCode, got, want)
		}
	}
}

// Buckets by name of the host, as SDKs address them unless they are told otherwise.
func TestBucketsByTheNameOfTheHost(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	b.make(t, "with.dots")
	_, port, err := net.SplitHostPort(strings.TrimPrefix(b.server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	// Names under localhost need not resolve here.
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+port)
	}}
	defer transport.CloseIdleConnections()
	for _, host := range []string{"localhost", "s3.localhost", "s3.us-east-1.localhost"} {
		c := b.client("AKIDGOOD", func(o *awss3.Options) {
			o.UsePathStyle, o.BaseEndpoint, o.HTTPClient = false, aws.String("http://"+host+":"+port), &http.Client{Transport: transport}
		})
		for _, bucket := range []string{"bucket", "with.dots"} {
			for _, key := range []string{"k", "a/b c", "/leading", "double//slash", bucket + "/k"} {
				if _, err := c.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(host)}); err != nil {
					t.Errorf("%s at %s: %v", bucket, host, err)
					continue
				}
				text, _ := b.read(t, &awss3.GetObjectInput{Bucket: &bucket, Key: &key})
				if text != host {
					t.Errorf("%s of %s at %s: got %q", key, bucket, host, text)
				}
			}
			list, err := c.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: &bucket})
			if err != nil || len(list.Contents) != 5 {
				t.Errorf("%s at %s: %+v %v", bucket, host, list, err)
			}
		}
		id := begun(t, c)
		out, err := c.UploadPart(t.Context(), &awss3.UploadPartInput{
			Bucket: aws.String("bucket"), Key: aws.String("ä b"), UploadId: id, PartNumber: aws.Int32(1), Body: strings.NewReader("x"),
		})
		if err != nil {
			t.Fatal(err)
		}
		done, err := c.CompleteMultipartUpload(t.Context(), &awss3.CompleteMultipartUploadInput{
			Bucket: aws.String("bucket"), Key: aws.String("ä b"), UploadId: id,
			MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32}}},
		})
		if want := "http://bucket." + host + ":" + port + "/%C3%A4%20b"; err != nil || aws.ToString(done.Location) != want {
			t.Errorf("the object is at %s, want %s (%v)", aws.ToString(done.Location), want, err)
		}
		if _, err := b.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: aws.String("bucket"), Key: aws.String("ä b")}); err != nil {
			t.Error(err)
		}
	}
}

func begun(t *testing.T, c *awss3.Client) *string {
	t.Helper()
	out, err := c.CreateMultipartUpload(t.Context(), &awss3.CreateMultipartUploadInput{Bucket: aws.String("bucket"), Key: aws.String("ä b")})
	if err != nil {
		t.Fatal(err)
	}
	return out.UploadId
}

// What AWS answers to requests that are wrong, and says with it.
func TestBadRequests(t *testing.T) {
	b := newBench(t)
	b.make(t, "bucket")
	b.put(t, "bucket", "k", "0123456789")
	for _, c := range []struct {
		name, method, target, body string
		header                     map[string]string
		status                     int
		want                       string
	}{
		{"no such key", "GET", "/bucket/none", "", nil, 404, "<Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>none</Key>"},
		{"no such bucket", "GET", "/none/k", "", nil, 404, "<BucketName>none</BucketName>"},
		{"no such upload", "GET", "/bucket/k?uploadId=x", "", nil, 404, "<UploadId>x</UploadId>"},
		{"a part of no upload", "PUT", "/bucket/k?uploadId=x&partNumber=1", "x", nil, 404, "NoSuchUpload"},
		{"part 0", "PUT", "/bucket/k?uploadId=x&partNumber=0", "x", nil, 400, "<ArgumentName>partNumber</ArgumentName><ArgumentValue>0</ArgumentValue>"},
		{"a range behind the end", "GET", "/bucket/k", "", map[string]string{"Range": "bytes=10-"}, 416, "<ActualObjectSize>10</ActualObjectSize><RangeRequested>bytes=10-</RangeRequested>"},
		{"a range of a part", "GET", "/bucket/k?partNumber=1", "", map[string]string{"Range": "bytes=1-2"}, 400, "Cannot specify both Range header and partNumber query parameter"},
		{"no version", "GET", "/bucket/k?versionId=", "", nil, 400, "Version id cannot be the empty string"},
		{"not a version", "GET", "/bucket/k?versionId=x", "", nil, 400, "<Message>Invalid version id specified</Message><ArgumentName>versionId</ArgumentName><ArgumentValue>x</ArgumentValue>"},
		{"two conditions", "PUT", "/bucket/k", "x", map[string]string{"If-Match": `"x"`, "If-None-Match": "*"}, 501, "<Header>If-Match,If-None-Match</Header>"},
		{"a condition of reads", "PUT", "/bucket/k", "x", map[string]string{"If-None-Match": `"x"`}, 501, "<Header>If-None-Match</Header>"},
		{"a condition that fails", "PUT", "/bucket/k", "x", map[string]string{"If-None-Match": "*"}, 412, "<Condition>If-None-Match</Condition>"},
		{"a delete that fails", "DELETE", "/bucket/k", "", map[string]string{"If-Match": `"x"`}, 412, "<Condition>If-Match</Condition>"},
		{"max-keys", "GET", "/bucket?list-type=2&max-keys=many", "", nil, 400, "InvalidArgument"},
		{"an encoding", "GET", "/bucket?list-type=2&encoding-type=base64", "", nil, 400, "Invalid Encoding Method specified in Request"},
		{"a token", "GET", "/bucket?list-type=2&continuation-token=%21", "", nil, 400, "The continuation token provided is incorrect"},
		{"a list", "GET", "/bucket?list-type=3", "", nil, 400, "Invalid List Type specified in Request"},
		{"a marker of versions alone", "GET", "/bucket?versions&version-id-marker=x", "", nil, 400, "A version-id marker cannot be specified without a key marker."},
		{"a long key", "PUT", "/bucket/" + strings.Repeat("k", keyMax+1), "x", nil, 400, "<Size>1025</Size><MaxSizeAllowed>1024</MaxSizeAllowed>"},
		{"a key that is no text", "PUT", "/bucket/%ff", "x", nil, 400, "InvalidURI"},
		{"a digest", "PUT", "/bucket/x", "x", map[string]string{"Content-Md5": "nonsense"}, 400, "InvalidDigest"},
		{"another digest", "PUT", "/bucket/x", "x", map[string]string{"Content-Md5": "AAAAAAAAAAAAAAAAAAAAAA=="}, 400, "BadDigest"},
		{"much metadata", "PUT", "/bucket/x", "x", map[string]string{"X-Amz-Meta-A": strings.Repeat("x", metaMax)}, 400, "MetadataTooLarge"},
		{"tags twice", "PUT", "/bucket/x", "x", map[string]string{"X-Amz-Tagging": "a=1&a=2"}, 400, "InvalidArgument"},
		{"tags of other characters", "PUT", "/bucket/x", "x", map[string]string{"X-Amz-Tagging": "a%3F=1"}, 400, "InvalidTag"},
		{"a class", "PUT", "/bucket/x", "x", map[string]string{"X-Amz-Storage-Class": "SHELF"}, 400, "InvalidStorageClass"},
		{"an ACL", "PUT", "/bucket/x", "x", map[string]string{"X-Amz-Acl": "public-read"}, 400, "AccessControlListNotSupported"},
		{"a directive", "PUT", "/bucket/x", "", map[string]string{"X-Amz-Copy-Source": "bucket/k", "X-Amz-Metadata-Directive": "KEEP"}, 400, "Unknown metadata directive."},
		{"tags that are none", "PUT", "/bucket/k?tagging", "<Tags/>", nil, 400, "MalformedXML"},
		{"many tags", "PUT", "/bucket/k?tagging", "<Tagging><TagSet>" + tagsOf(11) + "</TagSet></Tagging>", nil, 400, "Object tags cannot be greater than 10"},
		{"no parts", "POST", "/bucket/k?uploadId=x", "<CompleteMultipartUpload/>", nil, 400, "MalformedXML"},
		{"a part without an ETag", "POST", "/bucket/k?uploadId=x", "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>", nil, 400, "MalformedXML"},
		{"a delete of nothing", "POST", "/bucket?delete", "<Delete/>", nil, 400, "MalformedXML"},
		{"versioning", "PUT", "/bucket?versioning", "<VersioningConfiguration><Status>On</Status></VersioningConfiguration>", nil, 400, "IllegalVersioningConfigurationException"},
		{"torrent", "GET", "/bucket/k?torrent", "", nil, 501, "NotImplemented"},
		{"a method", "PATCH", "/bucket/k", "", nil, 405, "<Method>PATCH</Method><ResourceType>OBJECT</ResourceType>"},
	} {
		resp, got := b.send(t, c.method, c.target, c.body, c.header)
		if resp.StatusCode != c.status || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %d %s, want %d %s", c.name, resp.StatusCode, got, c.status, c.want)
		}
	}
	list, err := b.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: aws.String("bucket")})
	if err != nil || len(list.Contents) != 1 || files(t, b) != 1 {
		t.Errorf("something was written: %+v %v, %d files", list, err, files(t, b))
	}
}

func tagsOf(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("<Tag><Key>" + strings.Repeat("k", i+1) + "</Key><Value>v</Value></Tag>")
	}
	return b.String()
}
