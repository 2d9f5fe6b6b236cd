package controlplane

import (
	"encoding/json"
	"strings"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// statement is one statement of a resource policy. The order of its members, here
// and below, is the order in which AWS prints them.
type statement struct {
	Sid       string          `json:"Sid"`
	Effect    string          `json:"Effect"`
	Principal json.RawMessage `json:"Principal"`
	Action    string          `json:"Action"`
	Resource  string          `json:"Resource"`
	Condition *condition      `json:"Condition,omitempty"`
}

type condition struct {
	StringEquals *stringEquals `json:"StringEquals,omitempty"`
	Bool         *boolEquals   `json:"Bool,omitempty"`
	ArnLike      *arnLike      `json:"ArnLike,omitempty"`
}

type stringEquals struct {
	SourceAccount       string `json:"AWS:SourceAccount,omitempty"`
	PrincipalOrgID      string `json:"aws:PrincipalOrgID,omitempty"`
	FunctionURLAuthType string `json:"lambda:FunctionUrlAuthType,omitempty"`
	EventSourceToken    string `json:"lambda:EventSourceToken,omitempty"`
}

type boolEquals struct {
	InvokedViaFunctionURL string `json:"lambda:InvokedViaFunctionUrl"`
}

type arnLike struct {
	SourceARN string `json:"AWS:SourceArn"`
}

// policyDocument is what GetPolicy returns as text.
type policyDocument struct {
	Version   string            `json:"Version"`
	ID        string            `json:"Id,omitempty"`
	Statement []policyStatement `json:"Statement"`
}

func (p policyRecord) document() string {
	d := policyDocument{Version: p.Version, ID: p.ID, Statement: p.Statements}
	if d.Version == "" {
		d.Version, d.ID = policyVersion, "default"
	}
	return compactJSON(d)
}

// policyVersion is the version of the policy language that AddPermission writes.
const policyVersion = "2012-10-17"

// newStatement makes the statement that AddPermission adds to the policy of arn.
func newStatement(in *awslambda.AddPermissionInput, arn string) (statement, error) {
	who, ok := principal(value(in.Principal))
	if !ok {
		return statement{}, invalid("The provided principal was invalid. Please check the principal and try again.")
	}
	st := statement{
		Sid:       value(in.StatementId),
		Effect:    "Allow",
		Principal: who,
		Action:    value(in.Action),
		Resource:  arn,
	}
	var c condition
	equals := stringEquals{
		SourceAccount:       value(in.SourceAccount),
		PrincipalOrgID:      value(in.PrincipalOrgID),
		FunctionURLAuthType: string(in.FunctionUrlAuthType),
		EventSourceToken:    value(in.EventSourceToken),
	}
	if equals != (stringEquals{}) {
		c.StringEquals = &equals
	}
	if value(in.InvokedViaFunctionUrl) {
		c.Bool = &boolEquals{"true"}
	}
	if source := value(in.SourceArn); source != "" {
		c.ArnLike = &arnLike{source}
	}
	if c != (condition{}) {
		st.Condition = &c
	}
	return st, nil
}

// principal is the Principal member for what a caller wrote: a service, an account,
// an IAM ARN, or everyone.
func principal(given string) (json.RawMessage, bool) {
	switch {
	case given == "*":
		return json.RawMessage(`"*"`), true
	case isNumber(given) && len(given) == 12:
		return json.RawMessage(compactJSON(map[string]string{"AWS": "arn:aws:iam::" + given + ":root"})), true
	case isPrincipalARN(given):
		return json.RawMessage(compactJSON(map[string]string{"AWS": given})), true
	case isServiceName(given):
		return json.RawMessage(compactJSON(map[string]string{"Service": given})), true
	}
	return nil, false
}

// isPrincipalARN says whether s is an ARN of IAM or STS with something after its
// account.
func isPrincipalARN(s string) bool {
	f := strings.SplitN(s, ":", 6)
	return len(f) == 6 && f[0] == "arn" && (f[2] == "iam" || f[2] == "sts") &&
		f[3] == "" && len(f[4]) == 12 && isNumber(f[4]) && f[5] != ""
}

// isServiceName says whether s has the form of a service principal, such as
// s3.amazonaws.com, or alexa-appkit.amazon.com.
func isServiceName(s string) bool {
	name, ok := strings.CutSuffix(s, ".amazonaws.com")
	if !ok {
		name, ok = strings.CutSuffix(s, ".amazon.com")
	}
	return ok && name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == ""
}

// policyMax bounds a resource policy (Lambda quotas page).
const policyMax = 20480

func (p policyRecord) checkSize() error {
	if n := len(p.document()); n > policyMax {
		return lambda.Errorf("PolicyLengthExceededException", "The final policy size (%d) is bigger than the limit (%d).", n, policyMax)
	}
	return nil
}
