package controlplane

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// shelf is the objects of one bucket, by key and version as "key?version".
type shelf map[string][]byte

func (s shelf) Get(_ context.Context, region, bucket, key, version string, _ int64) (io.ReadCloser, error) {
	switch {
	case region != testRegion || bucket == "elsewhere":
		return nil, lambda.Errorf("PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.")
	case bucket != "b":
		return nil, lambda.Errorf("NoSuchBucket", "The specified bucket does not exist")
	case key == "secret":
		return nil, lambda.Errorf("AccessDenied", "User: somebody is not authorized to perform: s3:GetObject")
	case key == "huge":
		return nil, lambda.Errorf("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size.")
	case key == "broken":
		return nil, errors.New("disk on fire")
	}
	if version != "" {
		key += "?" + version
	}
	data, ok := s[key]
	if !ok {
		return nil, lambda.Errorf("NoSuchKey", "The specified key does not exist.")
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func TestPackagesComeFromS3(t *testing.T) {
	h := start(t, func(c *Config) {
		c.Objects = shelf{"k": zipWith("now"), "k?old": zipWith("then"), "text": []byte("no zip")}
	})
	h.create("f", func(in *awslambda.CreateFunctionInput) {
		in.Code = &types.FunctionCode{S3Bucket: new("b"), S3Key: new("k")}
	})
	h.create("direct", func(in *awslambda.CreateFunctionInput) { in.Code.ZipFile = zipWith("now") })
	if got, want := *h.config("f").CodeSha256, *h.config("direct").CodeSha256; got != want {
		t.Errorf("CodeSha256 from S3 is %s, from the request %s", got, want)
	}
	must(h.UpdateFunctionCode(h.ctx, &awslambda.UpdateFunctionCodeInput{
		FunctionName: new("f"), S3Bucket: new("b"), S3Key: new("k"), S3ObjectVersion: new("old"),
	}))
	h.awaitSettled("f")
	h.updateCode("direct", "then")
	if got, want := *h.config("f").CodeSha256, *h.config("direct").CodeSha256; got != want {
		t.Errorf("CodeSha256 of an object version is %s, want %s", got, want)
	}
	layer := must(h.PublishLayerVersion(h.ctx, &awslambda.PublishLayerVersionInput{
		LayerName: new("l"), Content: &types.LayerVersionContentInput{S3Bucket: new("b"), S3Key: new("k")},
	}))
	if layer.Content.CodeSize != int64(len(zipWith("now"))) {
		t.Errorf("a layer from S3 has %d bytes", layer.Content.CodeSize)
	}

	const prefix = ipv + "Error occurred while GetObject. S3 Error Code: "
	for _, tc := range []struct {
		name string
		code types.FunctionCode
		want string
	}{
		{"no such bucket", types.FunctionCode{S3Bucket: new("c"), S3Key: new("k")}, prefix + "NoSuchBucket. S3 Error Message: The specified bucket does not exist"},
		{"no such key", types.FunctionCode{S3Bucket: new("b"), S3Key: new("none")}, prefix + "NoSuchKey. S3 Error Message: The specified key does not exist."},
		{
			"another region's bucket",
			types.FunctionCode{S3Bucket: new("elsewhere"), S3Key: new("k")},
			prefix + "PermanentRedirect. S3 Error Message: The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
		},
		{"an object that is no zip", types.FunctionCode{S3Bucket: new("b"), S3Key: new("text")}, ipv + "Could not unzip uploaded file. Please check your file, then try to upload again."},
		{"a bucket without a key", types.FunctionCode{S3Bucket: new("b")}, ipv + "Please provide both S3Bucket and S3Key."},
		{"both places", types.FunctionCode{S3Bucket: new("b"), S3Key: new("k"), ZipFile: zipWith("x")}, ipv + "Please do not provide other FunctionCode parameters when providing a ZipFile."},
		{"neither", types.FunctionCode{}, ipv + "Please provide a source for function code."},
		{
			"an object that the caller may not read",
			types.FunctionCode{S3Bucket: new("b"), S3Key: new("secret")},
			"AccessDeniedException: Your access has been denied by S3, please make sure your request credentials have permission to GetObject for b/secret. S3 Error Code: AccessDenied. S3 Error Message: Access Denied",
		},
		{
			"an object larger than any package",
			types.FunctionCode{S3Bucket: new("b"), S3Key: new("huge")},
			ipv + "Unzipped size must be smaller than 262144000 bytes",
		},
		{"a fault of the store", types.FunctionCode{S3Bucket: new("b"), S3Key: new("broken")}, "not for the caller: read the package s3://b/broken: disk on fire"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := createInput("g")
			in.Code = &tc.code
			_, err := h.CreateFunction(h.ctx, in)
			shows(t, err, tc.want)
		})
	}
}

func TestContainerImages(t *testing.T) {
	h := start(t)
	const uri = "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:latest"
	for _, tc := range []struct {
		name   string
		change func(*awslambda.CreateFunctionInput)
		want   string
	}{
		{
			"with a runtime", func(in *awslambda.CreateFunctionInput) { in.Runtime = "nodejs20.x" },
			ipv + "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.",
		},
		{
			"with a layer", func(in *awslambda.CreateFunctionInput) { in.Layers = []string{lARN + ":1"} },
			ipv + "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.",
		},
		{
			"without an image", func(in *awslambda.CreateFunctionInput) { in.Code = &types.FunctionCode{} },
			ipv + "Please provide ImageUri when creating a function with packageType Image.",
		},
		{
			"with a zip beside", func(in *awslambda.CreateFunctionInput) { in.Code.ZipFile = zipWith("x") },
			ipv + "Please do not provide other FunctionCode parameters when providing an ImageUri.",
		},
		{"without a tag", func(in *awslambda.CreateFunctionInput) {
			in.Code.ImageUri = new(strings.TrimSuffix(uri, ":latest"))
		}, ipv + "Source image " + strings.TrimSuffix(uri, ":latest") + " is not valid. Provide a valid source image."},
		{
			"well described", func(*awslambda.CreateFunctionInput) {},
			ipv + "Source image " + uri + " cannot be used on this host: it has neither a registry of images (Amazon ECR) nor what unpacks their layers into an execution environment. Provide a deployment package (PackageType Zip).",
		},
		{
			"as a zip", func(in *awslambda.CreateFunctionInput) { in.PackageType = types.PackageTypeZip },
			ipv + "Please don't provide ImageUri when creating a function with packageType Zip.",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := createInput("f")
			in.PackageType, in.Runtime, in.Handler = types.PackageTypeImage, "", nil
			in.Code = &types.FunctionCode{ImageUri: new(uri)}
			tc.change(in)
			_, err := h.CreateFunction(h.ctx, in)
			shows(t, err, tc.want)
		})
	}
}

func TestArchitecturesThatTheHostCannotRun(t *testing.T) {
	arm := []types.Architecture{types.ArchitectureArm64}
	const refused = ipv + "Architecture arm64 cannot run on this host. Architectures that can: x86_64."
	h := start(t, func(c *Config) { c.Architectures = []string{"x86_64"} })
	in := createInput("f")
	in.Architectures = arm
	_, err := h.CreateFunction(h.ctx, in)
	shows(t, err, refused)
	h.create("f")
	_, err = h.UpdateFunctionCode(h.ctx, &awslambda.UpdateFunctionCodeInput{FunctionName: new("f"), ZipFile: zipWith("x"), Architectures: arm})
	shows(t, err, refused)
	if got := h.config("f").Architectures; len(got) != 1 || got[0] != types.ArchitectureX8664 {
		t.Errorf("the default is %v, want x86_64", got)
	}

	h = start(t, func(c *Config) { c.Architectures = []string{"arm64"} })
	h.create("f")
	if got := h.config("f").Architectures; len(got) != 1 || got[0] != types.ArchitectureArm64 {
		t.Errorf("the default of an arm64 host is %v, want arm64", got)
	}
}
