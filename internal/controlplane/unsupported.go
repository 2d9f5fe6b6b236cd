package controlplane

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// extras are the parts of a configuration that refer to things outside Lambda. None
// of these exist here, so a request that names one gets AWS's answer for a thing
// that does not exist.
type extras struct {
	vpc          *types.VpcConfig
	fileSystems  []types.FileSystemConfig
	kmsKey       string
	durable      *types.DurableConfig
	imageConfig  *types.ImageConfig
	capacity     *types.CapacityProviderConfig
	publishTo    types.FunctionVersionLatestPublished
	sourceKMSKey string
}

func (x extras) check() error {
	if x.vpc != nil {
		if len(x.vpc.SecurityGroupIds) > 0 {
			return invalid("Error occurred while DescribeSecurityGroups. EC2 Error Code: InvalidGroup.NotFound. EC2 Error Message: The security group '%s' does not exist", x.vpc.SecurityGroupIds[0])
		}
		if len(x.vpc.SubnetIds) > 0 {
			return invalid("Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. EC2 Error Message: The subnet ID '%s' does not exist", x.vpc.SubnetIds[0])
		}
	}
	if len(x.fileSystems) > 0 {
		return invalid("Function must be configured to execute in a VPC to reference access point %s.", value(x.fileSystems[0].Arn))
	}
	for _, key := range []string{x.kmsKey, x.sourceKMSKey} {
		if key != "" {
			return invalid("Lambda was unable to configure access to your environment variables because the KMS key is invalid. Please check your KMS key settings. KMS Exception: NotFoundException KMS Message: Key '%s' does not exist", key)
		}
	}
	switch {
	case x.durable != nil:
		return invalid("Durable functions are not supported on this host.")
	case x.imageConfig != nil:
		return invalid("ImageConfig is not supported for functions created with deployment packages.")
	case x.capacity != nil:
		return invalid("CapacityProviderConfig isn't supported for Lambda Default functions.")
	case x.publishTo != "":
		return invalid("PublishTo isn't supported for Lambda Default functions.")
	}
	return nil
}

// checkMemoryAndTime applies the limits of ordinary functions; the model's are
// those of managed instances.
func checkMemoryAndTime(s settings) error {
	var wrong []string
	over := func(member string, v, limit int) {
		if v > limit {
			wrong = append(wrong, fmt.Sprintf("'%s' value failed to satisfy constraint: Member must have value less than or equal to %d", member, limit))
		}
	}
	over("MemorySize", s.MemoryMB, lambda.MemoryMaxMB)
	over("Timeout", s.TimeoutSec, lambda.TimeoutMaxSec)
	if len(wrong) > 0 {
		return invalid("%s", strings.Join(wrong, "; "))
	}
	return nil
}
