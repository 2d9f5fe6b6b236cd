// Package admin is Hearth's own API, for what AWS has no API for on one's own
// machine: the accounts of a node, why a principal may do something, and what a
// role was used for.
//
// It decides who may ask and what the answers look like. The edge checks the
// signatures, and the answers are iam's.
package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/hearthfaas/hearth/internal/awsapi"
	"github.com/hearthfaas/hearth/internal/iam"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// API answers the requests below /_hearth/ that are signed.
type API struct{ iam *iam.Service }

// New makes an API that answers from identity's records.
func New(identity *iam.Service) *API { return &API{identity} }

// Account is an account as the API shows it.
type Account struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	First   bool      `json:"first"`
}

// NewAccount is an account that was just made, with the one and only showing of its
// root user's key.
type NewAccount struct {
	Account
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
}

// Explanation is why a principal may, or may not, do something.
type Explanation struct {
	Principal   string `json:"principal"`
	Action      string `json:"action"`
	Resource    string `json:"resource"`
	Allowed     bool   `json:"allowed"`
	Because     string `json:"because"`
	Policy      string `json:"policy,omitempty"`
	Sid         string `json:"sid,omitempty"`
	Statement   int    `json:"statement,omitempty"` // counted from 1
	Conditional bool   `json:"conditional"`
	Text        string `json:"text"`
}

// Suggestion is what a role's sessions of one name used, and the least policy for it.
type Suggestion struct {
	Used   []Used `json:"used"`
	More   bool   `json:"more"` // it was too much to remember all
	Policy string `json:"policy"`
}

// Used is one action on one resource.
type Used struct {
	Action   string    `json:"action"`
	Resource string    `json:"resource"`
	Allowed  bool      `json:"allowed"`
	Last     time.Time `json:"last"`
}

// Serves implements awsapi.OwnAPI.
func (a *API) Serves(path string) bool {
	switch path {
	case "accounts", "iam/explain", "iam/suggest":
		return true
	}
	return false
}

// Do implements awsapi.OwnAPI.
func (a *API) Do(ctx context.Context, c lambda.Caller, r awsapi.OwnRequest) (any, error) {
	switch r.Method + " " + r.Path {
	case http.MethodGet + " accounts":
		return a.accounts(c)
	case http.MethodPost + " accounts":
		return a.createAccount(ctx, c, r.Body)
	case http.MethodGet + " iam/explain":
		return a.explain(ctx, c, r.Query.Get("principal"), r.Query.Get("action"), r.Query.Get("resource"))
	case http.MethodGet + " iam/suggest":
		return a.suggest(ctx, c, r.Query.Get("role"), r.Query.Get("session"))
	}
	return nil, &lambda.Error{Code: lambda.CodeValidation, Status: http.StatusMethodNotAllowed, Message: "This method is not for this path."}
}

// onlyFirstRoot keeps the accounts to the root user of the first one.
func (a *API) onlyFirstRoot(c lambda.Caller) error {
	if a.iam.IsFirstRoot(c) {
		return nil
	}
	return lambda.Errorf(lambda.CodeAccessDenied, "User: %s is not authorized to manage the accounts of this node; the root user of its first account is", c.ARN)
}

func (a *API) accounts(c lambda.Caller) (any, error) {
	if err := a.onlyFirstRoot(c); err != nil {
		return nil, err
	}
	out := []Account{}
	for _, acc := range a.iam.Accounts() {
		out = append(out, Account(acc))
	}
	return map[string]any{"accounts": out}, nil
}

func (a *API) createAccount(ctx context.Context, c lambda.Caller, body []byte) (any, error) {
	if err := a.onlyFirstRoot(c); err != nil {
		return nil, err
	}
	var in struct{ Name, ID string }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, lambda.Errorf(lambda.CodeSerialization, "The body is no JSON with a name.")
	}
	acc, id, secret, err := a.iam.CreateAccount(ctx, in.Name, in.ID)
	if err != nil {
		return nil, err
	}
	return NewAccount{Account(acc), id, secret}, nil
}

// mayAskAbout asks for what AWS asks for when somebody simulates a principal's
// policies: whoever may do that may learn what these tell.
func (a *API) mayAskAbout(ctx context.Context, c lambda.Caller, principal string) error {
	if a.iam.IsFirstRoot(c) {
		return nil
	}
	return a.iam.Authorize(ctx, c, "iam:SimulatePrincipalPolicy", principal)
}

func (a *API) explain(ctx context.Context, c lambda.Caller, principal, action, resource string) (any, error) {
	e, err := a.iam.ExplainFor(ctx, c.Account, principal, action, resource)
	if err == nil {
		principal = e.Principal
	}
	if refused := a.mayAskAbout(ctx, c, principal); refused != nil {
		return nil, refused
	}
	if err != nil {
		return nil, err
	}
	return Explanation{e.Principal, e.Action, e.Resource, e.Allowed, e.Because, e.Policy, e.Sid, e.Statement, e.Conditional, e.String()}, nil
}

func (a *API) suggest(ctx context.Context, c lambda.Caller, role, session string) (any, error) {
	if err := a.mayAskAbout(ctx, c, role); err != nil {
		return nil, err
	}
	used, more := a.iam.UsedBy(role, session)
	text, err := iam.Suggest(used)
	if err != nil {
		return nil, err
	}
	out := Suggestion{Used: []Used{}, More: more, Policy: text}
	for _, u := range used {
		out.Used = append(out.Used, Used(u))
	}
	return out, nil
}
