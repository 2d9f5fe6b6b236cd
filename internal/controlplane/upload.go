package controlplane

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// checkSource says whether a request's code is something that can be a package
// here: a zip in the request.
func checkSource(c types.FunctionCode, packageType types.PackageType) error {
	inS3 := value(c.S3Bucket) != "" || value(c.S3Key) != ""
	switch {
	case packageType == types.PackageTypeImage:
		return invalid("Container images are not supported by this host's isolation. Please provide a deployment package.")
	case value(c.ImageUri) != "":
		return invalid("Please don't provide ImageUri when creating a function with packageType Zip.")
	case c.ZipFile != nil && inS3:
		return invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
	case inS3:
		return invalid(msgNoSuchBucket)
	case c.ZipFile == nil:
		return invalid("Please provide a source for function code.")
	}
	return nil
}

// upload stores a package.
func (s *Service) upload(ctx context.Context, zip []byte) (packageRecord, error) {
	p, err := s.cfg.Codes.Put(ctx, zip)
	if err != nil {
		return packageRecord{}, err
	}
	return packageRecord{Digest: p.Digest, Base64SHA256: p.Base64SHA256, Size: p.Size}, nil
}

// claimStorage sets bytes of an account's code storage aside for a change under
// way, or answers CodeStorageExceededException. The caller gives them back with
// release once the change is committed, and counted, or has failed.
func (s *Service) claimStorage(id lambda.FunctionID, bytes int64) (release func(), err error) {
	s.view.mu.Lock()
	defer s.view.mu.Unlock()
	r := s.view.region(homeOf(id))
	if r.codeBytes+r.claimed+bytes > lambda.CodeStorageMax {
		return nil, &lambda.Error{Code: lambda.CodeCodeStorageExceeded, Message: "Code storage limit exceeded."}
	}
	r.claimed += bytes
	return func() {
		s.view.mu.Lock()
		defer s.view.mu.Unlock()
		r.claimed -= bytes
	}, nil
}
