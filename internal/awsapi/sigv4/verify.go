package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const unsignedPayload = "UNSIGNED-PAYLOAD"

const mismatchText = "The request signature we calculated does not match the signature you provided. " +
	"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

// mustSign are the headers that decide what a request means or how it is checked.
// When one is there it has to be under the signature.
var mustSign = []string{"X-Amz-Content-Sha256", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Target"}

// Verifier checks signatures. It keeps signing keys, which take four hashes to
// derive and are good for a day. It is safe for concurrent use.
type Verifier struct {
	keys    keyCache
	scratch sync.Pool // *[]byte, for canonical requests
}

// NewVerifier makes a Verifier with an empty cache.
func NewVerifier() *Verifier {
	return &Verifier{scratch: sync.Pool{New: func() any {
		b := make([]byte, 0, 2048)
		return &b
	}}}
}

// CheckTime says whether the claim may still, and may already, be used at now. It
// needs no secret, so it can refuse before any body is read. Errors are
// *lambda.Error InvalidSignatureException with AWS's texts.
func (c *Claim) CheckTime(now time.Time) error {
	now = now.UTC()
	if c.time.After(now.Add(SkewMax)) {
		return lambda.Errorf(lambda.CodeInvalidSignature, "Signature not yet current: %s is still later than %s (%s + 5 min.)",
			c.stamp, now.Add(SkewMax).Format(timeFormat), now.Format(timeFormat))
	}
	valid := SkewMax
	if c.Presigned {
		valid = c.expires
	}
	if !now.After(c.time.Add(valid)) {
		return nil
	}
	if c.Presigned {
		return lambda.Errorf(lambda.CodeInvalidSignature, "Signature expired: %s is now earlier than %s",
			c.time.Add(valid).Format(timeFormat), now.Format(timeFormat))
	}
	return lambda.Errorf(lambda.CodeInvalidSignature, "Signature expired: %s is now earlier than %s (%s - 5 min.)",
		c.stamp, now.Add(-SkewMax).Format(timeFormat), now.Format(timeFormat))
}

// Verify says whether r with this body was signed as the claim says with secret.
// The time is checked apart, by CheckTime. Errors are *lambda.Error:
// InvalidSignatureException or IncompleteSignatureException.
func (v *Verifier) Verify(r *http.Request, c *Claim, secret string, body []byte) error {
	return v.verify(r, c, secret, func() [sha256.Size]byte { return sha256.Sum256(body) })
}

// VerifyHashed is Verify for a body that is elsewhere: sum is its SHA-256, by somebody
// whose word is as good as having read it.
func (v *Verifier) VerifyHashed(r *http.Request, c *Claim, secret string, sum [sha256.Size]byte) error {
	return v.verify(r, c, secret, func() [sha256.Size]byte { return sum })
}

func (v *Verifier) verify(r *http.Request, c *Claim, secret string, sum func() [sha256.Size]byte) error {
	for _, name := range mustSign {
		if len(r.Header[name]) > 0 && !signs(c.signedHeaders, name) {
			return incomplete("'%s' must be a 'SignedHeader' in the AWS Authorization.", name)
		}
	}
	hash, err := payloadHash(r, sum)
	if err != nil {
		return err
	}
	err = v.compare(r, c, secret, hash, byEncoded)
	if err != nil && strings.Contains(r.URL.RawQuery, "&") {
		err = v.compare(r, c, secret, hash, byDecoded)
	}
	return err
}

// compare signs the request again and compares, in constant time.
func (v *Verifier) compare(r *http.Request, c *Claim, secret, hash string, order queryOrder) error {
	buf, _ := v.scratch.Get().(*[]byte)
	defer v.scratch.Put(buf)
	b, err := appendCanonical((*buf)[:0], r, c, hash, order)
	*buf = b[:0]
	if err != nil {
		return err
	}
	canonical := sha256.Sum256(b)

	b = append(b[:0], algorithm...)
	b = append(b, '\n')
	b = append(b, c.stamp...)
	b = append(b, '\n')
	for _, part := range [...]string{c.date, c.Region, c.Service} {
		b = append(b, part...)
		b = append(b, '/')
	}
	b = append(b, terminator...)
	b = append(b, '\n')
	b = hex.AppendEncode(b, canonical[:])

	var sum [sha256.Size]byte
	var want [2 * sha256.Size]byte
	v.keys.sign(&sum, scope{c.date, c.Region, c.Service, secret}, b)
	hex.Encode(want[:], sum[:])
	if subtle.ConstantTimeCompare(want[:], []byte(c.signature)) != 1 {
		return &lambda.Error{Code: lambda.CodeInvalidSignature, Message: mismatchText}
	}
	return nil
}

// signs says whether the header is in the list, which is in lower case.
func signs(signedHeaders, header string) bool {
	for name := range strings.SplitSeq(signedHeaders, ";") {
		if strings.EqualFold(name, header) {
			return true
		}
	}
	return false
}

// payloadHash is the last line of the canonical request: what the signer said the
// body's hash is, once that is known to be true, or the hash itself when it said
// nothing.
func payloadHash(r *http.Request, of func() [sha256.Size]byte) (string, error) {
	claimed := r.Header.Get("X-Amz-Content-Sha256")
	if claimed == "" {
		claimed = queryHash(r)
	}
	if claimed == unsignedPayload {
		return unsignedPayload, nil
	}
	sum := of()
	var text [2 * sha256.Size]byte
	hex.Encode(text[:], sum[:])
	if claimed != "" && subtle.ConstantTimeCompare(text[:], []byte(claimed)) != 1 {
		return "", &lambda.Error{
			Code:    lambda.CodeInvalidSignature,
			Message: "The value of the header x-amz-content-sha256 is not the hash of the request's body.",
		}
	}
	return string(text[:]), nil
}

// queryHash is the hash that a presigned request may name in its query.
func queryHash(r *http.Request) string {
	if !strings.Contains(r.URL.RawQuery, "X-Amz-Content-Sha256=") {
		return ""
	}
	return r.URL.Query().Get("X-Amz-Content-Sha256")
}

// scope is what a signing key is derived from.
type scope struct{ date, region, service, secret string }

// keysMax bounds the cache: one key for each access key, region, service and day
// in use. It is emptied when full; deriving a key anew costs microseconds.
const keysMax = 4096

type keyCache struct {
	mu   sync.RWMutex
	keys map[scope]*signer
}

// signer holds HMAC states with the key already absorbed.
type signer struct {
	key    []byte
	states sync.Pool // hash.Hash
}

// sign puts the signature of text into sum.
func (k *keyCache) sign(sum *[sha256.Size]byte, s scope, text []byte) {
	k.mu.RLock()
	sg := k.keys[s]
	k.mu.RUnlock()
	if sg == nil {
		sg = &signer{key: deriveKey(s)}
		k.mu.Lock()
		if k.keys == nil || len(k.keys) >= keysMax {
			k.keys = make(map[scope]*signer)
		}
		// The strings come from a request: a copy keeps the request's memory free.
		k.keys[scope{strings.Clone(s.date), strings.Clone(s.region), strings.Clone(s.service), strings.Clone(s.secret)}] = sg
		k.mu.Unlock()
	}
	mac, ok := sg.states.Get().(hash.Hash)
	if !ok {
		mac = hmac.New(sha256.New, sg.key)
	}
	mac.Reset()
	mac.Write(text)
	mac.Sum(sum[:0])
	sg.states.Put(mac)
}

// deriveKey makes the signing key of a scope (same page, step 3).
func deriveKey(s scope) []byte {
	key := slices.Concat([]byte("AWS4"), []byte(s.secret))
	for _, part := range [...]string{s.date, s.region, s.service, terminator} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return key
}
