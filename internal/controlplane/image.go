package controlplane

import (
	"regexp"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// imageURI is what Lambda takes as the name of a container image: a repository of
// Amazon ECR with a tag or a digest.
var imageURI = regexp.MustCompile(`^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.[a-z0-9.-]+/[a-z0-9._/-]+(:[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64})$`)

// checkPackageType says whether what a request gives fits the kind of package that
// it asks for. A container image that is well described is refused because this host
// has nothing that could fetch or unpack one.
func checkPackageType(in *awslambda.CreateFunctionInput) error {
	var c types.FunctionCode
	if in.Code != nil {
		c = *in.Code
	}
	image := value(c.ImageUri)
	if in.PackageType != types.PackageTypeImage {
		if image != "" {
			return invalid("Please don't provide ImageUri when creating a function with packageType Zip.")
		}
		return nil
	}
	switch {
	case in.Runtime != "" || value(in.Handler) != "" || len(in.Layers) > 0:
		return invalid("Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.")
	case image == "":
		return invalid("Please provide ImageUri when creating a function with packageType Image.")
	case c.ZipFile != nil || value(c.S3Bucket) != "" || value(c.S3Key) != "":
		return invalid("Please do not provide other FunctionCode parameters when providing an ImageUri.")
	case !imageURI.MatchString(image):
		return invalid("Source image %s is not valid. Provide a valid source image.", image)
	}
	return invalid("Source image %s cannot be used on this host: it has neither a registry of images (Amazon ECR) nor what unpacks their layers into an execution environment. Provide a deployment package (PackageType Zip).", image)
}
