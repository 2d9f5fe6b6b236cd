package s3

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/awsapi/sigv4"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// identify finds out who sent the request. One without a signature is anonymous;
// the policies of buckets decide about it.
func (c *call) identify() error {
	if p, ok := sigv4.ParsePresigned2(c.query); ok && c.r.Header.Get("Authorization") == "" {
		return c.identify2(p)
	}
	claim, err := sigv4.Parse(c.r)
	if e, ok := errors.AsType[*lambda.Error](err); ok {
		if e.Code == lambda.CodeMissingAuthentication {
			c.caller = c.complete(lambda.Caller{Kind: lambda.PrincipalAnonymous}, "")
			return nil
		}
		if c.query.Get("X-Amz-Algorithm") != "" {
			return c.presignFault(e)
		}
		return faultf("AuthorizationHeaderMalformed", "%s", e.Message)
	}
	if err != nil {
		return err
	}
	if claim.Service != "s3" {
		return faultf("AuthorizationHeaderMalformed", "The authorization header is malformed; incorrect service %q. This endpoint belongs to \"s3\".", claim.Service)
	}
	if err := claim.CheckTimeS3(c.s.now()); err != nil {
		return err
	}
	secret, caller, err := c.lookup(claim.AccessKeyID, claim.SessionToken)
	if err != nil {
		return err
	}
	if c.payload, err = c.s.verifier.VerifyS3(c.r, &claim, secret); err != nil {
		return err
	}
	c.caller = c.complete(caller, claim.Region)
	return nil
}

// presignFault is what S3 says of a presigned address that is broken.
func (c *call) presignFault(e *lambda.Error) error {
	text := e.Message
	seconds, err := strconv.ParseInt(c.query.Get("X-Amz-Expires"), 10, 64)
	switch {
	case slices.ContainsFunc(presignParameters, func(name string) bool { return c.query.Get(name) == "" }):
		text = "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
	case c.query.Get("X-Amz-Algorithm") != "AWS4-HMAC-SHA256":
		text = `X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"`
	case err != nil:
		text = "X-Amz-Expires should be a number"
	case seconds < 0:
		text = "X-Amz-Expires must be non-negative"
	case time.Duration(seconds) > sigv4.ExpiresMax/time.Second:
		text = "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
	}
	return &lambda.Error{Code: "AuthorizationQueryParametersError", Message: text}
}

// presignParameters are all there in an address that was presigned with Signature
// Version 4.
var presignParameters = []string{
	"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires",
}

// identify2 is identify for URLs presigned with Signature Version 2.
func (c *call) identify2(p sigv4.Presigned2) error {
	secret, caller, err := c.lookup(p.AccessKeyID, p.SessionToken)
	if err != nil {
		return err
	}
	virtual, _ := bucketOfHost(c.r.Host)
	if err := p.Verify(c.r, virtual, secret, c.s.now()); err != nil {
		return err
	}
	c.caller = c.complete(caller, "")
	return nil
}

func (c *call) lookup(accessKeyID, sessionToken string) (secret string, caller lambda.Caller, err error) {
	secret, caller, err = c.s.cfg.Identities.Lookup(c.ctx(), accessKeyID, sessionToken)
	switch {
	case errors.Is(err, ErrUnknownKey) && sessionToken != "":
		err = fault("InvalidToken")
	case errors.Is(err, ErrUnknownKey):
		err = fault("InvalidAccessKeyId")
	case errors.Is(err, ErrExpired):
		err = fault("ExpiredToken")
	case err != nil:
		err = fmt.Errorf("look up access key: %w", err)
	}
	return secret, caller, err
}

// complete fills in what belongs to the request.
func (c *call) complete(caller lambda.Caller, region string) lambda.Caller {
	caller.Region = region
	if region == "" {
		caller.Region = c.s.cfg.Region
	}
	caller.RequestID = lambda.RequestID(c.id)
	caller.SourceIP = c.r.RemoteAddr
	if at := strings.LastIndexByte(c.r.RemoteAddr, ':'); at >= 0 {
		caller.SourceIP = strings.Trim(c.r.RemoteAddr[:at], "[]")
	}
	caller.BaseURL = "http://" + c.r.Host
	if c.r.TLS != nil {
		caller.BaseURL = "https://" + c.r.Host
	}
	return caller
}

// allow asks whether the caller may do something to an object, or to a bucket when
// key is empty, or at all when bucket is empty too.
func (c *call) allow(action, bucket, key string) error {
	return c.s.allow(c.ctx(), c.caller, action, bucket, key, c.conditionKeys())
}

func (s *Service) allow(ctx context.Context, caller lambda.Caller, action, bucket, key string, keys map[string][]string) error {
	q := Question{Action: action, Resource: "*", Keys: keys}
	if bucket != "" {
		q.Resource = "arn:aws:s3:::" + bucket
		if key != "" {
			q.Resource += "/" + key
		}
		if rec, ok := s.index.Bucket(bucket); ok && action != "s3:CreateBucket" {
			q.Owner, q.Policy = rec.Account, rec.Documents["policy"]
			if anonymous(caller) && publicBlocked(rec, "RestrictPublicBuckets") {
				return fault("AccessDenied")
			}
		}
	}
	// Without a policy of the bucket nobody but its owner has a say about it.
	if (anonymous(caller) || q.Owner != "" && q.Owner != caller.Account) && q.Policy == "" {
		return fault("AccessDenied")
	}
	return denied(s.cfg.Authorizer.Authorize(ctx, caller, q))
}

func anonymous(c lambda.Caller) bool { return c.Kind == lambda.PrincipalAnonymous }

// denied gives a refusal by identity S3's code.
func denied(err error) error {
	if e, ok := errors.AsType[*lambda.Error](err); ok && e.Code == lambda.CodeAccessDenied {
		return &lambda.Error{Code: "AccessDenied", Message: e.Message}
	}
	return err
}

// conditionKeys are S3's own condition keys (service authorization reference, S3).
func (c *call) conditionKeys() map[string][]string {
	keys := map[string][]string{}
	for key, param := range map[string]string{
		"s3:prefix": "prefix", "s3:delimiter": "delimiter", "s3:max-keys": "max-keys", "s3:versionid": "versionId",
	} {
		if v, ok := c.query[param]; ok {
			keys[key] = v[:1]
		}
	}
	for _, header := range []string{"X-Amz-Acl", "X-Amz-Copy-Source", "X-Amz-Metadata-Directive", "X-Amz-Storage-Class", "X-Amz-Server-Side-Encryption"} {
		if v := c.r.Header.Get(header); v != "" {
			keys["s3:"+strings.ToLower(header)] = []string{v}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	return keys
}
