package controlplane

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// layerARN matches a layer's ARN; its groups are region, account, name and version,
// the last one empty for the layer as a whole.
var layerARN = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:lambda:([a-z0-9-]+):(\d{12}):layer:([a-zA-Z0-9-_]+)(?::(\d+))?$`)

// parseLayerARN takes a layer's ARN apart; the version is 0 when it has none, and
// the highest number when it is too large for any layer to have it.
func parseLayerARN(arn string) (id layerID, version int64, versioned, ok bool) {
	m := layerARN.FindStringSubmatch(arn)
	if m == nil {
		return layerID{}, 0, false, false
	}
	id = layerID{Region: m[1], Account: m[2], Name: m[3]}
	version, _ = strconv.ParseInt(m[4], 10, 64) // out of range gives the largest
	return id, version, m[4] != "", true
}

// resolveLayer finds which layer a request means by LayerName, which is a name or an
// ARN. Names belong to the account and region that the request was signed for.
func resolveLayer(c lambda.Caller, given *string) (layerID, error) {
	name := value(given)
	if !strings.HasPrefix(name, "arn:") {
		return layerID{Account: c.Account, Region: c.Region, Name: name}, nil
	}
	id, _, versioned, ok := parseLayerARN(name)
	if !ok || versioned {
		return layerID{}, invalid("Invalid Layer name: %s", name)
	}
	return id, checkLayerRegion(c, id)
}

func checkLayerRegion(c lambda.Caller, id layerID) error {
	if id.Region == c.Region {
		return nil
	}
	return lambda.Errorf(lambda.CodeResourceNotFound,
		"Layers from '%s' are not reachable in this region ('%s')", id.Region, c.Region)
}

// resolveOwnLayer is resolveLayer for operations that only the layer's own account
// may carry out.
func resolveOwnLayer(c lambda.Caller, op string, given *string) (layerID, error) {
	id, err := resolveLayer(c, given)
	if err == nil && id.Account != c.Account {
		err = foreignLayer(c, op, id.arn())
	}
	return id, err
}

// resolveLayerVersion is resolveOwnLayer for an operation on one version.
func resolveLayerVersion(c lambda.Caller, op string, name *string, version *int64) (layerID, int64, error) {
	id, err := resolveOwnLayer(c, op, name)
	if err == nil && value(version) < 1 {
		err = invalid(msgLayerVersionBelowOne)
	}
	return id, value(version), err
}

func foreignLayer(c lambda.Caller, op, arn string) *lambda.Error {
	return lambda.Errorf(lambda.CodeAccessDenied,
		"User: %s is not authorized to perform: lambda:%s on resource: %s because no resource-based policy allows the lambda:%s action",
		c.ARN, op, arn, op)
}

// layerResource is what authorization asks about for a LayerName and VersionNumber
// in a request; a nil version asks about the layer as a whole.
func layerResource(c lambda.Caller, name *string, version *int64) string {
	arn := value(name)
	if !strings.HasPrefix(arn, "arn:") {
		arn = layerID{Account: c.Account, Region: c.Region, Name: arn}.arn()
	}
	if version != nil {
		arn += ":" + strconv.FormatInt(*version, 10)
	}
	return arn
}

// AWS's texts on layers that more than one operation answers with.
const (
	msgLayerVersionBelowOne = "Layer Version Cannot be less than 1"
	msgLayerPolicyRevision  = "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the latest Revision Id"
	msgNoPolicy             = "No policy is associated with the given resource."
	msgNoStatement          = "Statement %s is not found in resource policy."
	msgStatementExists      = "The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement."
)
