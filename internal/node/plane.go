package node

import (
	"context"
	"fmt"
	"net"
	"runtime"

	"github.com/hearthfaas/hearth/internal/iam"
	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// allow lets the control plane ask whether the caller in ctx may do something to a
// resource that has a policy of its own, such as a layer version.
func allow(identities *iam.Service) func(ctx context.Context, action, resource, resourcePolicy string) error {
	return func(ctx context.Context, action, resource, resourcePolicy string) error {
		r := iam.Request{Action: action, Resource: resource}
		if resourcePolicy != "" {
			p, err := policy.Parse(policy.Resource, resourcePolicy)
			if err != nil {
				return fmt.Errorf("read the policy of %s: %w", resource, err)
			}
			r.ResourcePolicy = p
		}
		return identities.Check(ctx, lambda.CallerFrom(ctx), r)
	}
}

// functionURL is where a function URL is reached on this node. AWS's names end in
// on.aws and lead to AWS; names below localhost lead to this machine everywhere, and
// the port is the node's own.
func functionURL(addr string) func(id, region string) string {
	port := ""
	if _, p, err := net.SplitHostPort(addr); err == nil {
		port = ":" + p
	}
	return func(id, region string) string {
		return "http://" + id + ".lambda-url." + region + ".localhost" + port + "/"
	}
}

// architectures are what this host's processor runs, by AWS's names; none when AWS
// has no such processor.
func architectures() []string {
	switch runtime.GOARCH {
	case "amd64":
		return []string{"x86_64"}
	case "arm64":
		return []string{"arm64"}
	}
	return nil
}
