package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/hearthfaas/hearth/internal/apigateway/door"
	"github.com/hearthfaas/hearth/internal/httpevent"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// authorized is who a route's authorizer found the caller to be; at most one member is
// set.
type authorized struct {
	iam     *lambda.Caller
	token   *door.Token
	verdict *verdict
}

// v2 is the authorizer of an event of format 2.0.
func (a *authorized) v2() *httpevent.V2Authorizer {
	switch {
	case a.iam != nil:
		return &httpevent.V2Authorizer{IAM: &httpevent.V2IAM{
			AccessKey: a.iam.AccessKeyID, AccountID: a.iam.Account, CallerID: a.iam.UserID, UserARN: a.iam.ARN, UserID: a.iam.UserID,
		}}
	case a.token != nil:
		return &httpevent.V2Authorizer{JWT: &httpevent.V2JWT{Claims: a.token.Claims, Scopes: a.token.Scopes}}
	case a.verdict != nil:
		context := a.verdict.Context
		if context == nil {
			context = map[string]any{}
		}
		return &httpevent.V2Authorizer{Lambda: context}
	}
	return nil
}

// v1 is the authorizer of an event of format 1.0.
func (a *authorized) v1() map[string]any {
	switch {
	case a.token != nil:
		return map[string]any{"claims": a.token.Claims, "scopes": a.token.Scopes}
	case a.verdict != nil:
		out := map[string]any{}
		maps.Copy(out, a.verdict.Context)
		if a.verdict.PrincipalID != "" {
			out["principalId"] = a.verdict.PrincipalID
		}
		return out
	}
	return nil
}

// identity is the identity of an event of format 1.0.
func (a *authorized) identity() httpevent.V1Identity {
	if a.iam == nil {
		return httpevent.V1Identity{}
	}
	return httpevent.V1Identity{AccessKey: &a.iam.AccessKeyID, AccountID: &a.iam.Account, Caller: &a.iam.UserID, UserARN: &a.iam.ARN, User: &a.iam.UserID}
}

// authorize asks the route's authorizer.
func (x *exchange) authorize() error {
	switch x.route.AuthorizationType {
	case types.AuthorizationTypeAwsIam:
		return x.authorizeIAM()
	case types.AuthorizationTypeJwt:
		return x.authorizeToken()
	case types.AuthorizationTypeCustom:
		return x.authorizeLambda()
	case types.AuthorizationTypeNone:
	}
	return nil
}

// arn is the ARN by which policies know this request.
func (x *exchange) arn() string {
	return x.api.ARN(aws.ToString(x.stage.StageName), x.r.Method, x.path)
}

func (x *exchange) authorizeIAM() error {
	c, err := x.cfg.Door.Signatures.Caller(x.r, "execute-api", x.e.Region, x.body, x.invoke)
	if err == nil {
		err = x.cfg.Door.Authorizer.AuthorizeWith(x.withCaller(c), c, "execute-api:Invoke", x.arn(), "")
	}
	if _, refused := errors.AsType[*lambda.Error](err); refused {
		return errForbidden
	}
	x.who.iam = &c
	return err
}

func (x *exchange) authorizeToken() error {
	a := x.route.authorizer
	if a == nil || a.JwtConfiguration == nil || len(a.IdentitySource) == 0 {
		return errInternal
	}
	raw := x.value(a.IdentitySource[0])
	if raw == "" {
		return errUnauthorized
	}
	token, err := x.cfg.Door.CheckToken(x.r.Context(), raw, door.TokenRules{
		Issuer: aws.ToString(a.JwtConfiguration.Issuer), Audiences: a.JwtConfiguration.Audience, Scopes: x.route.AuthorizationScopes,
	})
	switch {
	case errors.Is(err, door.ErrTokenScope):
		return &failure{http.StatusForbidden, "Forbidden", challenge("insufficient_scope", "the token does not have the scopes that the route needs")}
	case err != nil:
		return &failure{http.StatusUnauthorized, "Unauthorized", challenge("invalid_token", "the token is not valid for this API")}
	}
	x.who.token = token
	return nil
}

func challenge(code, text string) map[string]string {
	return map[string]string{"Www-Authenticate": fmt.Sprintf(`Bearer error="%s" error_description="%s"`, code, text)}
}

// verdict is what a Lambda authorizer returned.
type verdict struct {
	IsAuthorized *bool           `json:"isAuthorized"`
	PrincipalID  string          `json:"principalId"`
	Policy       json.RawMessage `json:"policyDocument"`
	Context      map[string]any  `json:"context"`
}

// authorizerTimeout bounds an authorizer's function (API Gateway quotas, "HTTP API
// quotas").
const authorizerTimeout = 10 * time.Second

func (x *exchange) authorizeLambda() error {
	a := x.route.authorizer
	if a == nil {
		return errInternal
	}
	var identity []string
	for _, source := range a.IdentitySource {
		value := x.value(source)
		if value == "" {
			return &failure{status: http.StatusUnauthorized, message: "Unauthorized"}
		}
		identity = append(identity, value)
	}
	v, err := x.verdict(a, identity)
	if err != nil {
		return err
	}
	allowed, err := x.allows(a, v)
	switch {
	case err != nil:
		return errInternal
	case !allowed:
		return errForbidden
	}
	x.who.verdict = v
	return nil
}

// allows reads a verdict for this request.
func (x *exchange) allows(a *types.Authorizer, v *verdict) (bool, error) {
	if aws.ToBool(a.EnableSimpleResponses) {
		if v.IsAuthorized == nil {
			return false, errors.New("the authorizer's answer has no isAuthorized")
		}
		return *v.IsAuthorized, nil
	}
	allowed, _, err := x.cfg.Door.Policies.Allows(string(v.Policy), "execute-api:Invoke", x.arn(), map[string][]string{"aws:sourceip": {x.request().SourceIP()}})
	return allowed, err
}

// verdict is what the authorizer says of an identity, or said a while ago.
func (x *exchange) verdict(a *types.Authorizer, identity []string) (*verdict, error) {
	ttl := time.Duration(aws.ToInt32(a.AuthorizerResultTtlInSeconds)) * time.Second
	return door.Remembered(x.cfg.Door.Verdicts, door.VerdictPrefix(x.e.ID, aws.ToString(x.stage.StageName))+aws.ToString(a.AuthorizerId), identity, x.now, ttl, func() (*verdict, error) {
		return x.ask(a, identity)
	})
}

// ask runs the authorizer's function.
func (x *exchange) ask(a *types.Authorizer, identity []string) (*verdict, error) {
	arn, ok := door.FunctionARN(door.Variables(aws.ToString(a.AuthorizerUri), x.stage.StageVariables))
	if !ok {
		return nil, errInternal
	}
	var event any
	if aws.ToString(a.AuthorizerPayloadFormatVersion) == "1.0" {
		event = x.request().V1(httpevent.V1Identity{}, nil).HTTPAPI().Authorizer(x.arn(), identity)
	} else {
		event = x.request().V2(nil).Authorizer(x.arn(), identity)
	}
	payload, err := marshal(event)
	if err != nil {
		return nil, fmt.Errorf("encode the authorizer's event: %w", err)
	}
	result, err := x.cfg.Door.Invoke(x.r.Context(), door.Call{
		API: x.api, Source: "arn:aws:execute-api:" + x.api.Region + ":" + x.api.Account + ":" + x.api.ID + "/authorizers/" + aws.ToString(a.AuthorizerId),
		Role: aws.ToString(a.AuthorizerCredentialsArn), ID: lambda.NewRequestID(), TraceID: x.trace, Timeout: authorizerTimeout,
	}, arn, payload)
	if err != nil {
		err = x.invokeFailure(err)
		if errors.Is(err, errUnavailable) {
			err = errInternal
		}
		return nil, err
	}
	if unauthorized(&result) {
		return nil, &failure{status: http.StatusUnauthorized, message: "Unauthorized"}
	}
	v := &verdict{}
	if result.FunctionError != "" || json.Unmarshal(result.Payload, v) != nil {
		return nil, errInternal
	}
	return v, nil
}

// unauthorized says whether a function refused by throwing the one error that counts
// as a refusal.
func unauthorized(r *lambda.Result) bool {
	var e struct {
		Message string `json:"errorMessage"`
	}
	return r.FunctionError != "" && json.Unmarshal(r.Payload, &e) == nil && e.Message == "Unauthorized"
}
