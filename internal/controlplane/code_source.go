package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/code"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// Objects is where packages in Amazon S3 are read from.
type Objects interface {
	// Get opens an object of at most max bytes with the permissions of the caller in
	// ctx, as AWS does; an empty version means the current one. What S3 refuses is a
	// *lambda.Error with S3's code and message, such as NoSuchKey and "The specified
	// key does not exist.", AccessDenied, or EntityTooLarge for more than max bytes.
	Get(ctx context.Context, region, bucket, key, version string, max int64) (io.ReadCloser, error)
}

// codeSource is where a request says that a zip is: in the request or in S3.
type codeSource struct {
	zip                  []byte
	bucket, key, version string
}

func sourceOf(c types.FunctionCode) codeSource {
	return codeSource{zip: c.ZipFile, bucket: value(c.S3Bucket), key: value(c.S3Key), version: value(c.S3ObjectVersion)}
}

// check says whether a request names exactly one place; what is what it is wanted
// for, such as "function code".
func (c codeSource) check(what string) error {
	inS3 := c.bucket != "" || c.key != ""
	switch {
	case c.zip != nil && inS3:
		return invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
	case inS3 && (c.bucket == "" || c.key == ""):
		return invalid("Please provide both S3Bucket and S3Key.")
	case c.zip == nil && !inS3:
		return invalid("Please provide a source for %s.", what)
	}
	return nil
}

// fetch reads a package from where a checked source says, verifies and stores it.
func (s *Service) fetch(ctx context.Context, region string, c codeSource) (packageRecord, error) {
	if c.bucket == "" {
		p, err := s.cfg.Codes.Put(ctx, c.zip)
		return recordOf(p), err
	}
	object, err := s.openObject(ctx, region, c)
	if err != nil {
		return packageRecord{}, err
	}
	defer object.Close()
	p, err := s.cfg.Codes.PutFrom(ctx, object)
	return recordOf(p), err
}

func (s *Service) openObject(ctx context.Context, region string, c codeSource) (io.ReadCloser, error) {
	if s.cfg.Objects == nil {
		return nil, invalid(msgGetObject, "NoSuchBucket", "The specified bucket does not exist")
	}
	object, err := s.cfg.Objects.Get(ctx, region, c.bucket, c.key, c.version, code.StreamMax)
	if refused, ok := errors.AsType[*lambda.Error](err); ok {
		return nil, c.refusal(refused)
	}
	if err != nil {
		return nil, fmt.Errorf("read the package s3://%s/%s: %w", c.bucket, c.key, err)
	}
	return object, nil
}

// refusal is what S3 said as Lambda passes it on.
func (c codeSource) refusal(by *lambda.Error) *lambda.Error {
	switch by.Code {
	case "AccessDenied":
		return lambda.Errorf(lambda.CodeAccessDenied,
			"Your access has been denied by S3, please make sure your request credentials have permission to GetObject for %s/%s. S3 Error Code: AccessDenied. S3 Error Message: Access Denied",
			c.bucket, c.key)
	case "EntityTooLarge":
		return invalid("Unzipped size must be smaller than %d bytes", code.StreamMax)
	}
	return invalid(msgGetObject, by.Code, by.Message)
}

const msgGetObject = "Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s"

func recordOf(p code.Package) packageRecord {
	return packageRecord{Digest: p.Digest, Base64SHA256: p.Base64SHA256, Size: p.Size, UnpackedSize: p.UnpackedSize}
}
