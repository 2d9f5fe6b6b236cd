package sigv4

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Signature Version 2 is made with it
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Presigned2 is a URL that was presigned with Signature Version 2, as boto3 still
// does for S3 unless it is told otherwise (S3 user guide, "Signing and
// authenticating REST requests"). Headers signed in this way are not accepted.
type Presigned2 struct {
	AccessKeyID  string
	SessionToken string
	expires      string
	signature    string
}

// ParsePresigned2 reads the claim of such a URL; false when it is none.
func ParsePresigned2(q url.Values) (Presigned2, bool) {
	p := Presigned2{q.Get("AWSAccessKeyId"), q.Get("x-amz-security-token"), q.Get("Expires"), q.Get("Signature")}
	return p, p.AccessKeyID != "" && p.signature != "" && p.expires != ""
}

// subresources2 are the query parameters that the signature covers.
var subresources2 = []string{
	"accelerate", "acl", "cors", "defaultObjectAcl", "location", "logging", "partNumber", "policy", "requestPayment", "torrent",
	"versioning", "versionId", "versions", "website", "uploads", "uploadId", "response-content-type", "response-content-language",
	"response-expires", "response-cache-control", "response-content-disposition", "response-content-encoding", "delete",
	"lifecycle", "tagging", "restore", "storageClass", "notification", "replication", "analytics", "metrics", "inventory",
	"select", "select-type", "object-lock",
}

// Verify says whether the request was signed with secret and has not expired.
// bucket is the bucket of a virtual-hosted request, otherwise empty. Errors are
// *lambda.Error with S3's codes.
func (p Presigned2) Verify(r *http.Request, bucket, secret string, now time.Time) error {
	expires, err := strconv.ParseInt(p.expires, 10, 64)
	if err != nil {
		return lambda.Errorf("AccessDenied", "Invalid date (should be seconds since epoch): %s", p.expires)
	}
	if now.After(time.Unix(expires, 0)) {
		return &lambda.Error{Code: "AccessDenied", Message: "Request has expired"}
	}
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(p.text(r, bucket)))
	want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if subtle.ConstantTimeCompare([]byte(want), []byte(p.signature)) != 1 {
		return s3Error(&lambda.Error{Code: lambda.CodeInvalidSignature})
	}
	return nil
}

// text is what is signed.
func (p Presigned2) text(r *http.Request, bucket string) string {
	query := r.URL.Query()
	var amz []string
	for _, all := range []map[string][]string{r.Header, query} {
		for name, values := range all {
			if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-") {
				amz = append(amz, name+":"+strings.Join(values, ",")+"\n")
			}
		}
	}
	slices.Sort(amz)
	either := func(name string) string {
		if v := r.Header.Get(name); v != "" {
			return v
		}
		return query.Get(strings.ToLower(name))
	}
	resource := r.URL.EscapedPath()
	if bucket != "" {
		resource = "/" + bucket + resource
	}
	var sub []string
	for name, values := range query {
		if !slices.Contains(subresources2, name) {
			continue
		}
		if values[0] != "" {
			name += "=" + values[0]
		}
		sub = append(sub, name)
	}
	if slices.Sort(sub); len(sub) > 0 {
		resource += "?" + strings.Join(sub, "&")
	}
	return strings.Join([]string{r.Method, either("Content-Md5"), either("Content-Type"), p.expires, strings.Join(amz, "") + resource}, "\n")
}
