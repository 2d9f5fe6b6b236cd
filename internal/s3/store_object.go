package s3

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Put writes an object for another part of this node, as the caller in ctx, who must
// be allowed to. Errors are *lambda.Error
// with S3's code and text.
func (s *Service) Put(ctx context.Context, bucket, key string, body []byte) error {
	c := &call{s: s, w: &noAnswer{header: http.Header{}}, id: newRequestID(), bucket: bucket, key: key, caller: lambda.CallerFrom(ctx), query: url.Values{}}
	rec, ok := s.index.Bucket(bucket)
	if !ok {
		return fault("NoSuchBucket")
	}
	if key == "" || len(key) > keyMax || !validKey(key) {
		return fault("InvalidURI")
	}
	target := (&url.URL{Scheme: "http", Host: "s3", Path: "/" + bucket + "/" + key}).String()
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, target, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("put an object: %w", err)
	}
	c.r, c.rec = r, rec
	if err := c.route(); err != nil {
		return err
	}
	if err := c.allow(c.action(), bucket, key); err != nil {
		return err
	}
	if err := c.op.do(c); err != nil {
		return toFault(err)
	}
	return nil
}

// noAnswer is where the answer of an operation goes that nobody sent.
type noAnswer struct{ header http.Header }

func (a *noAnswer) Header() http.Header         { return a.header }
func (a *noAnswer) Write(b []byte) (int, error) { return io.Discard.Write(b) }
func (a *noAnswer) WriteHeader(int)             {}

// HasBucket says whether there is a bucket of a name.
func (s *Service) HasBucket(name string) bool {
	_, ok := s.index.Bucket(name)
	return ok
}
