package node

import (
	"strings"

	"github.com/hearthfaas/hearth/internal/controlplane"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/logs"
)

// lambdaResources shows identity the resource policies and tags of functions.
type lambdaResources struct{ plane *controlplane.Service }

// Policy meets iam.Resources. Only functions have policies here.
func (r lambdaResources) Policy(arn string) (revision int64, document func() string, ok bool) {
	id, qualifier, ok := functionOfARN(arn)
	if !ok {
		return 0, nil, false
	}
	return r.plane.PolicyAt(id, qualifier)
}

// Tags meets iam.Resources.
func (r lambdaResources) Tags(arn string) map[string]string { return r.plane.TagsAt(arn) }

// functionOfARN takes apart arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER].
// Every invoke comes by here, so it makes no garbage.
func functionOfARN(arn string) (id lambda.FunctionID, qualifier string, ok bool) {
	rest, ok := strings.CutPrefix(arn, "arn:aws:lambda:")
	if !ok {
		return lambda.FunctionID{}, "", false
	}
	id.Region, rest, _ = strings.Cut(rest, ":")
	id.Account, rest, _ = strings.Cut(rest, ":")
	if rest, ok = strings.CutPrefix(rest, "function:"); !ok {
		return lambda.FunctionID{}, "", false
	}
	id.Name, qualifier, _ = strings.Cut(rest, ":")
	return id, qualifier, true
}

// logResources shows identity the tags of log groups, which have no policies.
type logResources struct{ logs *logs.Service }

// Policy meets iam.Resources.
func (logResources) Policy(string) (int64, func() string, bool) { return 0, nil, false }

// Tags meets iam.Resources.
func (r logResources) Tags(arn string) map[string]string { return r.logs.TagsAt(arn) }
