package sigv4

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// S3SkewMax is how far the signer's clock may be from ours with S3, which allows
// more than the other services (S3 API reference, RequestTimeTooSkewed).
const S3SkewMax = 15 * time.Minute

// The values of X-Amz-Content-Sha256 that are no hash (S3 API reference, "Signature
// Calculations: Transferring Payload in Multiple Chunks").
const (
	streamingSigned          = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamingSignedTrailer   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	streamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// Payload says how the body of an S3 request is covered by its signature.
type Payload struct {
	// Hash is the SHA-256 that the body must have, in hex; empty when the signature
	// does not cover the body as a whole.
	Hash string
	// Chunked says that the body is aws-chunked: NewChunkedReader reads it.
	Chunked bool
	// Trailer says that headers follow the last chunk.
	Trailer bool
	chain   *chain // of chunk signatures; nil when chunks are unsigned
}

// CheckTimeS3 is CheckTime with S3's codes and texts: RequestTimeTooSkewed, or
// AccessDenied for a presigned request that has expired.
func (c *Claim) CheckTimeS3(now time.Time) error {
	early, late := c.time.Add(-S3SkewMax), c.time.Add(S3SkewMax)
	if c.Presigned {
		if now.After(c.time.Add(c.expires)) {
			return &lambda.Error{Code: "AccessDenied", Message: "Request has expired"}
		}
		late = now
	}
	if now.Before(early) || now.After(late) {
		return &lambda.Error{
			Code:    "RequestTimeTooSkewed",
			Message: "The difference between the request time and the current time is too large.",
		}
	}
	return nil
}

// VerifyS3 is Verify as S3 does it: the path is encoded once, every x-amz- header
// must be signed, and the body is checked later, by whoever reads it, as Payload
// says. Errors are *lambda.Error with S3's codes.
func (v *Verifier) VerifyS3(r *http.Request, c *Claim, secret string) (Payload, error) {
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Amz-") && !signs(c.signedHeaders, name) && (!c.Presigned || name != "X-Amz-Content-Sha256") {
			return Payload{}, &lambda.Error{
				Code:    "AccessDenied",
				Message: "There were headers present in the request which were not signed",
			}
		}
	}
	claimed := r.Header.Get("X-Amz-Content-Sha256")
	if c.Presigned {
		if claimed = queryHash(r); claimed == "" && signs(c.signedHeaders, "X-Amz-Content-Sha256") {
			claimed = r.Header.Get("X-Amz-Content-Sha256")
		}
		if claimed == "" {
			claimed = unsignedPayload
		}
	}
	p, err := payloadOf(claimed)
	if err != nil {
		return Payload{}, err
	}
	c.once = true
	err = v.compare(r, c, secret, claimed, byEncoded)
	if err != nil && strings.Contains(r.URL.RawQuery, "&") {
		err = v.compare(r, c, secret, claimed, byDecoded)
	}
	if err != nil {
		return Payload{}, s3Error(err)
	}
	if p.Chunked && claimed != streamingUnsignedTrailer {
		p.chain = &chain{verifier: v, claim: c, secret: secret, previous: c.signature}
	}
	return p, nil
}

func payloadOf(claimed string) (Payload, error) {
	switch claimed {
	case "":
		return Payload{}, &lambda.Error{
			Code:    "InvalidRequest",
			Message: "Missing required header for this request: x-amz-content-sha256",
		}
	case unsignedPayload:
		return Payload{}, nil
	case streamingSigned:
		return Payload{Chunked: true}, nil
	case streamingSignedTrailer, streamingUnsignedTrailer:
		return Payload{Chunked: true, Trailer: true}, nil
	}
	if _, err := hex.DecodeString(claimed); err != nil || len(claimed) != 2*sha256.Size {
		return Payload{}, &lambda.Error{Code: "InvalidArgument", Message: "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, " +
			"STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, or a valid sha256 value."}
	}
	return Payload{Hash: strings.ToLower(claimed)}, nil
}

// s3Error gives a refusal of this package S3's code.
func s3Error(err error) error {
	e, ok := err.(*lambda.Error) //nolint:errorlint // compare returns it bare
	if !ok {
		return err
	}
	if e.Code == lambda.CodeIncompleteSignature {
		return &lambda.Error{Code: "AuthorizationHeaderMalformed", Message: e.Message}
	}
	return &lambda.Error{Code: "SignatureDoesNotMatch", Message: "The request signature we calculated does not match the signature you provided. Check your key and signing method."}
}

// chain is the sequence of chunk signatures, each of which signs the one before.
type chain struct {
	verifier *Verifier
	claim    *Claim
	secret   string
	previous string
}

var emptyHash = sha256.Sum256(nil)

// chunk checks the signature of a chunk with this hash.
func (c *chain) chunk(hash []byte, signature string) error {
	b := hex.AppendEncode(c.head("AWS4-HMAC-SHA256-PAYLOAD"), emptyHash[:])
	return c.check(hex.AppendEncode(append(b, '\n'), hash), signature)
}

// trailer checks the signature of the trailing headers in their canonical form.
func (c *chain) trailer(canonical []byte, signature string) error {
	hash := sha256.Sum256(canonical)
	return c.check(hex.AppendEncode(c.head("AWS4-HMAC-SHA256-TRAILER"), hash[:]), signature)
}

func (c *chain) head(name string) []byte {
	s := strings.Join([]string{
		name, c.claim.stamp,
		c.claim.date + "/" + c.claim.Region + "/" + c.claim.Service + "/" + terminator, c.previous, "",
	}, "\n")
	return slices.Grow([]byte(s), 2*2*sha256.Size+1)
}

func (c *chain) check(text []byte, signature string) error {
	var sum [sha256.Size]byte
	c.verifier.keys.sign(&sum, scope{c.claim.date, c.claim.Region, c.claim.Service, c.secret}, text)
	want := hex.EncodeToString(sum[:])
	if subtle.ConstantTimeCompare([]byte(want), []byte(signature)) != 1 {
		return s3Error(&lambda.Error{Code: lambda.CodeInvalidSignature})
	}
	c.previous = want
	return nil
}
