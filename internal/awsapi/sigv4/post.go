package sigv4

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Signature Version 2 is made with it
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Post is the claim of a form that uploads to S3: what is signed is the policy in it
// (S3 API reference, "Browser-Based Uploads Using POST").
type Post struct {
	Claim
	// old says that it was signed with Signature Version 2, as boto3 still does
	// unless it is told otherwise.
	old bool
}

// ParsePost reads the claim from a form's fields, whose names are in lower case.
// missing is the field that the form lacks, for AWS's text; signed is false when it
// has none of them. Errors are *lambda.Error.
func ParsePost(fields map[string]string) (p Post, signed bool, missing string, err error) {
	if id := fields["awsaccesskeyid"]; id != "" {
		p = Post{Claim: Claim{AccessKeyID: id, SessionToken: fields["x-amz-security-token"], signature: fields["signature"]}, old: true}
		if p.signature == "" {
			missing = "Signature"
		}
		return p, true, missing, nil
	}
	for _, f := range [...]struct{ key, name string }{
		{"x-amz-algorithm", "X-Amz-Algorithm"},
		{"x-amz-credential", "X-Amz-Credential"},
		{"x-amz-date", "X-Amz-Date"},
		{"x-amz-signature", "X-Amz-Signature"},
	} {
		if fields[f.key] != "" {
			signed = true
		} else if missing == "" {
			missing = f.name
		}
	}
	if !signed || missing != "" {
		return p, signed, missing, nil
	}
	if got := fields["x-amz-algorithm"]; got != algorithm {
		return p, true, "", &lambda.Error{Code: "InvalidArgument", Message: "X-Amz-Algorithm only supports \"" + algorithm + "\""}
	}
	p.Claim = Claim{SessionToken: fields["x-amz-security-token"], stamp: fields["x-amz-date"], signature: fields["x-amz-signature"]}
	return p, true, "", p.finish(fields["x-amz-credential"])
}

// VerifyPost says whether the policy, in base64 as it came, was signed with secret.
// Errors are *lambda.Error with S3's codes. When the policy ends is for its reader.
func (v *Verifier) VerifyPost(p *Post, policy, secret string) error {
	var want string
	if p.old {
		mac := hmac.New(sha1.New, []byte(secret))
		mac.Write([]byte(policy))
		want = base64.StdEncoding.EncodeToString(mac.Sum(nil))
	} else {
		var sum [sha256.Size]byte
		v.keys.sign(&sum, scope{p.date, p.Region, p.Service, secret}, []byte(policy))
		want = hex.EncodeToString(sum[:])
	}
	if subtle.ConstantTimeCompare([]byte(want), []byte(p.signature)) != 1 {
		return s3Error(&lambda.Error{Code: lambda.CodeInvalidSignature})
	}
	return nil
}
