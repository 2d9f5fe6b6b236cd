package s3

import (
	"context"
	"io"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Get opens an object for another part of this node, such as the control plane that
// wants a function's code. When ctx carries a caller, the caller must be allowed to
// read it. version may be empty, and so may region: otherwise the bucket must be in
// it. Errors are *lambda.Error with S3's code and text; an object of more than max
// bytes is EntityTooLarge. The reader must be closed.
func (s *Service) Get(ctx context.Context, region, bucket, key, version string, max int64) (io.ReadCloser, error) {
	rec, ok := s.index.Bucket(bucket)
	if !ok {
		return nil, fault("NoSuchBucket")
	}
	if region != "" && rec.Region != region {
		return nil, faultf("PermanentRedirect", "The bucket is in this region: %s. Please use this region to retry the request", rec.Region)
	}
	if caller, ok := lambda.CallerIn(ctx); ok {
		action := "s3:GetObject"
		if version != "" {
			action = versioned[action]
		}
		if err := s.allow(ctx, caller, action, bucket, key, nil); err != nil {
			return nil, err
		}
	}
	o, err := s.openObject(ctx, bucket, key, version)
	if err != nil {
		return nil, toFault(err)
	}
	switch {
	case o.DeleteMarker && version != "":
		err = fault("MethodNotAllowed")
	case o.DeleteMarker:
		err = fault("NoSuchKey")
	case o.Size > max:
		err = fault("EntityTooLarge")
	}
	if err != nil {
		o.done()
		return nil, err
	}
	return o, nil
}
