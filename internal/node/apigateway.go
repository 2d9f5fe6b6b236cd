package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/hearthfaas/hearth/internal/apigateway"
	"github.com/hearthfaas/hearth/internal/apigateway/door"
	"github.com/hearthfaas/hearth/internal/awsapi"
	"github.com/hearthfaas/hearth/internal/frontend"
	"github.com/hearthfaas/hearth/internal/iam"
	"github.com/hearthfaas/hearth/internal/iam/policy"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// openGateway opens API Gateway, which needs whom it invokes.
func (n *Node) openGateway(ctx context.Context, p *parts, addr string, signatures *awsapi.Authenticator) error {
	var err error
	p.gateway, err = apigateway.Open(ctx, apigateway.Config{
		Store: p.store, Endpoint: apiEndpoint(addr), Now: time.Now, Log: n.log,
		PassRole: func(ctx context.Context, arn string) error { return p.iam.CanPassRole(ctx, arn, gatewayService) },
		Peers: door.Peers{
			Invoker: apiInvoker{p.invoker, p.iam}, Authorizer: apiAuthorizer{p.iam}, Signatures: signatures,
			Policies: apiPolicies{}, Keys: p.iam, Client: door.NewClient(n.cfg.Loopback()), Now: time.Now, Log: n.log,
		},
	})
	if err != nil {
		return fmt.Errorf("open API Gateway: %w", err)
	}
	p.closers = append(p.closers, func() error { p.gateway.Close(); return nil })
	p.iam.UseResources("apigateway", p.gateway)
	return nil
}

// apiEndpoint is where an API is reached on this node.
func apiEndpoint(addr string) func(id, region string) string {
	port := ""
	if _, p, err := net.SplitHostPort(addr); err == nil {
		port = ":" + p
	}
	return func(id, region string) string { return "http://" + id + ".execute-api." + region + ".localhost" + port }
}

// apiInvoker shows the frontend to API Gateway.
type apiInvoker struct {
	invoker
	iam *iam.Service
}

// Invoke meets door.Invoker.
func (a apiInvoker) Invoke(ctx context.Context, c lambda.Caller, functionARN, traceID string, payload []byte) (lambda.Result, error) {
	out, err := a.frontend.Invoke(ctx, frontend.Input{
		Caller: c, FunctionName: functionARN, Type: lambda.RequestResponse, TraceID: traceID, Payload: payload,
	})
	if err != nil {
		return lambda.Result{}, invokeError(err)
	}
	return out.Result, nil
}

// integrationSession is how long the keys of an integration's role are good for: they
// are made for one invoke and used at once.
const integrationSession = 15 * time.Minute

// gatewayService is the principal of API Gateway.
const gatewayService = "apigateway.amazonaws.com"

// As meets door.Invoker.
func (a apiInvoker) As(ctx context.Context, api door.API, source, roleARN string) (lambda.Caller, error) {
	ok, err := a.iam.CanServiceAssume(ctx, gatewayService, roleARN, api.Account, source)
	if err != nil {
		return lambda.Caller{}, err
	}
	if !ok {
		return lambda.Caller{}, lambda.Errorf(lambda.CodeAccessDenied, "API Gateway does not have permission to assume the provided role %s", roleARN)
	}
	keys, err := a.iam.MintRoleSession(ctx, roleARN, "APIGateway", integrationSession)
	if err != nil {
		return lambda.Caller{}, err
	}
	id, err := a.iam.Lookup(ctx, keys.AccessKeyID, keys.SessionToken)
	return id.Caller, err
}

// apiAuthorizer asks iam on behalf of API Gateway, with the policies of APIs.
type apiAuthorizer struct{ iam *iam.Service }

// AuthorizeWith meets door.Authorizer.
func (a apiAuthorizer) AuthorizeWith(ctx context.Context, c lambda.Caller, action, resource, resourcePolicy string) error {
	r := iam.Request{Action: action, Resource: resource}
	if resourcePolicy != "" {
		p, err := policy.Parse(policy.Resource, resourcePolicy)
		if err != nil {
			return fmt.Errorf("read the policy of an API: %w", err)
		}
		r.ResourcePolicy = p
	}
	return a.iam.Check(ctx, c, r)
}

// apiPolicies evaluates what authorizers return.
type apiPolicies struct{}

// Allows meets door.Policies.
func (apiPolicies) Allows(document, action, resource string, keys map[string][]string) (allowed, denied bool, err error) {
	p, err := policy.Parse(policy.Identity, document)
	if err != nil {
		return false, false, errors.Join(errors.New("the authorizer's policy cannot be read"), err)
	}
	d := policy.Evaluate([]policy.Source{{Name: "authorizer", Policy: p}}, &policy.Request{
		Action: action, Resource: resource, Context: policy.Values(keys),
	})
	return d.Effect == policy.Allow, d.Effect == policy.Deny, nil
}
