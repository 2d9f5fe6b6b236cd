package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const (
	rolePrefix = "hearth-"
	roleMax    = 64 // characters of a role's name (IAM API, CreateRole)
	// roleOfOurs marks the roles that deploy made, so that rm removes no other.
	roleOfOurs = "made by hearth deploy"
	trustOfAWS = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	logsPolicy = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
)

// roleName is the role that belongs to a function; a name that would be too long
// ends in a digest instead.
func roleName(function string) string {
	name := rolePrefix + function
	if len(name) <= roleMax {
		return name
	}
	sum := sha256.Sum256([]byte(function))
	return name[:roleMax-9] + "-" + hex.EncodeToString(sum[:4])
}

// roleARN is the role that the flags name, or the function's own, made now when it
// does not exist.
func (d *deployer) roleARN(ctx context.Context) (string, error) {
	switch {
	case strings.HasPrefix(d.flags.role, "arn:"):
		return d.flags.role, nil
	case d.flags.role != "":
		who, err := d.clients.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			return "", fmt.Errorf("find the account of role %s: %w", d.flags.role, err)
		}
		return "arn:aws:iam::" + aws.ToString(who.Account) + ":role/" + d.flags.role, nil
	}
	name := roleName(d.plan.Name)
	var arn string
	made, err := d.clients.iam.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: &name, AssumeRolePolicyDocument: aws.String(trustOfAWS), Description: aws.String(roleOfOurs),
	})
	var exists *iamtypes.EntityAlreadyExistsException
	switch {
	case errors.As(err, &exists):
		got, err := d.clients.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
		if err != nil {
			return "", fmt.Errorf("read role %s: %w", name, err)
		}
		arn = aws.ToString(got.Role.Arn)
	case err != nil:
		return "", fmt.Errorf("make role %s: %w", name, err)
	default:
		arn = aws.ToString(made.Role.Arn)
	}
	_, err = d.clients.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: aws.String(logsPolicy)})
	if err != nil {
		return "", fmt.Errorf("let role %s write logs: %w", name, err)
	}
	return arn, nil
}

// removeRole deletes a function's own role, when deploy made it and nothing of the
// user's hangs on it. A role that is not there is no error.
func (c clients) removeRole(ctx context.Context, function string) (removed bool, err error) {
	name := roleName(function)
	got, err := c.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	var none *iamtypes.NoSuchEntityException
	switch {
	case errors.As(err, &none):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read role %s: %w", name, err)
	case aws.ToString(got.Role.Description) != roleOfOurs:
		return false, nil
	}
	_, err = c.iam.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &name, PolicyArn: aws.String(logsPolicy)})
	if err != nil && !errors.As(err, &none) {
		return false, fmt.Errorf("detach the logs policy of role %s: %w", name, err)
	}
	_, err = c.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &name})
	if _, conflict := errors.AsType[*iamtypes.DeleteConflictException](err); conflict {
		return false, nil // the user attached policies of their own: it is theirs now
	}
	if err != nil {
		return false, fmt.Errorf("delete role %s: %w", name, err)
	}
	return true, nil
}
