package iam

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/iam/policy"
)

const administratorAccess = "arn:aws:iam::aws:policy/AdministratorAccess"

// awsCreated is shown as the creation date of all AWS-managed policies; the real
// ones differ and nothing depends on them.
var awsCreated = time.Date(2015, 2, 6, 18, 39, 46, 0, time.UTC)

type awsStatement struct {
	Effect    string
	Action    []string `json:",omitempty"`
	NotAction []string `json:",omitempty"`
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

type awsPolicy struct {
	path, name string
	statements []awsStatement
}

func allow(actions ...string) awsStatement {
	return awsStatement{Effect: "Allow", Action: actions, Resource: "*"}
}

func allowOn(resource string, actions ...string) awsStatement {
	return awsStatement{Effect: "Allow", Action: actions, Resource: resource}
}

// passRoleTo is iam:PassRole for the roles of one service.
func passRoleTo(service string) awsStatement {
	st := allow("iam:PassRole")
	st.Condition = map[string]map[string]string{"StringEquals": {"iam:PassedToService": service}}
	return st
}

// awsManaged is the AWS-managed policies by ARN, made when first needed.
var awsManaged = sync.OnceValue(func() map[string]*managed {
	out := make(map[string]*managed, len(awsPolicies))
	for _, p := range awsPolicies {
		document := p.document()
		rec := policyRecord{
			Name: p.name, Path: p.path, ID: awsPolicyID(p.name),
			Created: awsCreated, Updated: awsCreated, Default: "v1", Last: 1,
			Versions: []versionRecord{{ID: "v1", Document: document, Created: awsCreated}},
		}
		arn := policyARN(awsAccount, p.path, p.name)
		out[arn] = &managed{
			policyRecord: rec, account: awsAccount, arn: arn,
			current: compile(policy.Identity, document),
		}
	}
	return out
})

func (p awsPolicy) document() string {
	text, err := json.MarshalIndent(struct {
		Version   string
		Statement []awsStatement
	}{"2012-10-17", p.statements}, "", "    ")
	if err != nil {
		panic(fmt.Sprintf("iam: built-in policy %s has no JSON form: %v", p.name, err))
	}
	return string(text)
}

// awsPolicyID is made from the name, so that it is the same on every node.
func awsPolicyID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "ANPA" + strings.TrimRight(base32.StdEncoding.EncodeToString(sum[:]), "=")[:17]
}
