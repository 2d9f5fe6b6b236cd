package restapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/hearthfaas/hearth/internal/apigateway/door"
	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
	"github.com/hearthfaas/hearth/internal/httpevent"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// authorized is who the method's authorizer found the caller to be.
type authorized struct {
	iam     *lambda.Caller
	verdict *verdict
	key     *shelf.Entry[Key] // that the request brought, when the method asks for one
}

// identity is the identity of an event.
func (a *authorized) identity() httpevent.V1Identity {
	var out httpevent.V1Identity
	if c := a.iam; c != nil {
		out.AccessKey, out.AccountID, out.Caller, out.UserARN, out.User = &c.AccessKeyID, &c.Account, &c.UserID, &c.ARN, &c.UserID
	}
	if a.key != nil {
		out.APIKey, out.APIKeyID = a.key.Doc.Value, a.key.Doc.Id
	}
	return out
}

// context is the authorizer of an event.
func (a *authorized) context() map[string]any {
	if a.verdict == nil {
		return nil
	}
	out := map[string]any{"principalId": a.verdict.PrincipalID}
	for name, value := range a.verdict.Context {
		out[name] = contextText(value)
	}
	return out
}

// contextText is a value of an authorizer's context, which events have as text.
func contextText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return fmt.Sprint(v)
}

// authorize asks the API's policy and the method's authorizer.
func (x *exchange) authorize() error {
	switch aws.ToString(x.method.AuthorizationType) {
	case "AWS_IAM":
		return x.authorizeIAM()
	case "CUSTOM":
		if err := x.authorizeLambda(); err != nil {
			return err
		}
	}
	if policy := aws.ToString(x.tree.API.Policy); policy != "" {
		nobody := lambda.Caller{
			Kind: lambda.PrincipalAnonymous, ARN: "anonymous", Region: x.e.Region, RequestID: x.id,
			SourceIP: x.request().SourceIP(), UserAgent: x.r.UserAgent(), BaseURL: "http://" + x.r.Host,
		}
		return x.refused(x.cfg.Door.Authorizer.AuthorizeWith(lambda.WithCaller(x.r.Context(), nobody), nobody, "execute-api:Invoke", x.arn(), policy))
	}
	return nil
}

func (x *exchange) authorizeIAM() error {
	c, err := x.cfg.Door.Signatures.Caller(x.r, "execute-api", x.e.Region, x.body, x.id)
	if err == nil {
		x.who.iam = &c
		err = x.cfg.Door.Authorizer.AuthorizeWith(lambda.WithCaller(x.r.Context(), c), c, "execute-api:Invoke", x.arn(), aws.ToString(x.tree.API.Policy))
	}
	return x.refused(err)
}

// refused is what the client sees of a refusal by identity.
func (x *exchange) refused(err error) error {
	known, ok := errors.AsType[*lambda.Error](err)
	if !ok {
		return err
	}
	switch known.Code {
	case lambda.CodeMissingAuthentication:
		return fault("MISSING_AUTHENTICATION_TOKEN", known.Code, "Missing Authentication Token")
	case lambda.CodeExpiredToken:
		return fault("EXPIRED_TOKEN", known.Code, known.Message)
	case lambda.CodeAccessDenied:
		return fault("ACCESS_DENIED", known.Code, known.Message)
	}
	return fault("INVALID_SIGNATURE", known.Code, known.Message)
}

// verdict is what a Lambda authorizer returned.
type verdict struct {
	PrincipalID string          `json:"principalId"`
	Policy      json.RawMessage `json:"policyDocument"`
	Context     map[string]any  `json:"context"`
	UsageKey    string          `json:"usageIdentifierKey"`
}

// authorizerTimeout bounds an authorizer's function, like an integration's.
const authorizerTimeout = timeoutDefaultMillis * time.Millisecond

func unauthorized() error { return fault("UNAUTHORIZED", "UnauthorizedException", "Unauthorized") }

func misconfigured() error {
	return &failure{kind: "AUTHORIZER_CONFIGURATION_ERROR", code: "AuthorizerConfigurationException", null: true}
}

func (x *exchange) authorizeLambda() error {
	a, ok := x.tree.Authorizers[aws.ToString(x.method.AuthorizerId)]
	if !ok {
		return misconfigured()
	}
	identity, ok := x.identity(&a)
	if !ok {
		return unauthorized()
	}
	v, err := x.verdict(&a, identity)
	if err != nil {
		return err
	}
	allowed, denied, err := x.cfg.Door.Policies.Allows(string(v.Policy), "execute-api:Invoke", x.arn(), map[string][]string{"aws:sourceip": {x.request().SourceIP()}})
	switch {
	case err != nil:
		return misconfigured()
	case denied:
		return fault("ACCESS_DENIED", lambda.CodeAccessDenied, "User is not authorized to access this resource with an explicit deny in an identity-based policy")
	case !allowed:
		return fault("ACCESS_DENIED", lambda.CodeAccessDenied, "User is not authorized to access this resource")
	}
	x.who.verdict = v
	return nil
}

// identity is by what the authorizer knows the caller; false when a part is missing.
func (x *exchange) identity(a *types.Authorizer) ([]string, bool) {
	var out []string
	for source := range strings.SplitSeq(aws.ToString(a.IdentitySource), ",") {
		if source = strings.TrimSpace(source); source == "" {
			continue
		}
		value := x.parameter(source)
		if value == "" {
			return nil, false
		}
		out = append(out, value)
	}
	if e := aws.ToString(a.IdentityValidationExpression); a.Type == types.AuthorizerTypeToken && e != "" {
		if re, err := regexp.Compile("^(?:" + e + ")$"); err != nil || len(out) == 0 || !re.MatchString(out[0]) {
			return nil, false
		}
	}
	return out, true
}

// verdict is what the authorizer says of an identity, or said a while ago.
func (x *exchange) verdict(a *types.Authorizer, identity []string) (*verdict, error) {
	ttl := time.Duration(aws.ToInt32(a.AuthorizerResultTtlInSeconds)) * time.Second
	return door.Remembered(x.cfg.Door.Verdicts, door.VerdictPrefix(x.e.ID, *x.stage.StageName)+*a.Id, identity, x.now, ttl, func() (*verdict, error) {
		return x.ask(a, identity)
	})
}

// tokenEvent is what a TOKEN authorizer sees.
type tokenEvent struct {
	Type      string `json:"type"`
	MethodARN string `json:"methodArn"`
	Token     string `json:"authorizationToken"`
}

// ask runs the authorizer's function.
func (x *exchange) ask(a *types.Authorizer, identity []string) (*verdict, error) {
	arn, ok := door.FunctionARN(door.Variables(aws.ToString(a.AuthorizerUri), x.stage.Variables))
	if !ok {
		return nil, misconfigured()
	}
	var event any = x.request().V1(httpevent.V1Identity{}, nil).Authorizer(x.arn(), nil)
	if a.Type == types.AuthorizerTypeToken {
		event = tokenEvent{"TOKEN", x.arn(), identity[0]}
	}
	payload, err := marshal(event)
	if err != nil {
		return nil, fmt.Errorf("encode the authorizer's event: %w", err)
	}
	result, err := x.cfg.Door.Invoke(x.r.Context(), door.Call{
		API: x.api, Source: "arn:aws:execute-api:" + x.api.Region + ":" + x.api.Account + ":" + x.api.ID + "/authorizers/" + *a.Id,
		Role: aws.ToString(a.AuthorizerCredentials), ID: lambda.NewRequestID(), TraceID: x.trace, Timeout: authorizerTimeout,
	}, arn, payload)
	if err != nil {
		if _, ok := errors.AsType[*lambda.Error](err); !ok && !errors.Is(err, door.ErrTimeout) {
			return nil, err
		}
		x.cfg.Log.WarnContext(x.r.Context(), "a REST API cannot ask its authorizer", "request_id", x.id, "api_id", x.e.ID, "error", err)
		return nil, misconfigured()
	}
	if refuses(&result) {
		return nil, unauthorized()
	}
	v := &verdict{}
	if result.FunctionError != "" || json.Unmarshal(result.Payload, v) != nil || v.PrincipalID == "" {
		return nil, misconfigured()
	}
	return v, nil
}

// refuses says whether a function refused by throwing the one error that counts as a
// refusal.
func refuses(r *lambda.Result) bool {
	var e struct {
		Message string `json:"errorMessage"`
	}
	return r.FunctionError != "" && json.Unmarshal(r.Payload, &e) == nil && e.Message == "Unauthorized"
}

// checkKey asks for an API key where the method needs one, and counts the request in
// the key's usage plan.
func (x *exchange) checkKey() error {
	if !aws.ToBool(x.method.ApiKeyRequired) {
		return nil
	}
	forbidden := fault("INVALID_API_KEY", "ForbiddenException", "Forbidden")
	value := x.r.Header.Get("X-Api-Key")
	if x.tree.API.ApiKeySource == types.ApiKeySourceTypeAuthorizer {
		value = ""
		if x.who.verdict != nil {
			value = x.who.verdict.UsageKey
		}
	}
	if value == "" {
		return forbidden
	}
	k, ok := x.keyOfValue(x.e.Account, x.e.Region, value)
	if !ok || !k.Doc.Enabled {
		return forbidden
	}
	x.who.key = k
	plan, st := x.planOf(k.ID)
	if plan == nil {
		return forbidden
	}
	if t := x.keyLimit(plan, st); t != nil && t.BurstLimit+int32(t.RateLimit) > 0 {
		limit := door.Limit{Rate: t.RateLimit, Burst: max(1, int(t.BurstLimit))}
		if !x.cfg.Door.Buckets.Take("plan/"+plan.ID+"/"+k.ID+"/"+x.e.ID+"/"+*x.stage.StageName, limit, x.now) {
			return fault("THROTTLED", "TooManyRequestsException", "Too Many Requests")
		}
	}
	if !x.spend(usagePlace(plan.Place, k.ID), plan.Doc.Quota, x.now) {
		return &failure{status: http.StatusTooManyRequests, kind: "QUOTA_EXCEEDED", code: "LimitExceededException", message: "Limit Exceeded"}
	}
	return nil
}

// planOf is the usage plan by which a key may call this stage.
func (x *exchange) planOf(key string) (*shelf.Entry[Plan], *types.ApiStage) {
	for _, plan := range x.plans.List(x.e.Account, x.e.Region) {
		if !plan.Doc.Keys[key] {
			continue
		}
		for i, st := range plan.Doc.ApiStages {
			if aws.ToString(st.ApiId) == x.e.ID && aws.ToString(st.Stage) == *x.stage.StageName {
				return plan, &plan.Doc.ApiStages[i]
			}
		}
	}
	return nil, nil
}

// keyLimit is the rate of a key: the method's own, or the plan's.
func (x *exchange) keyLimit(plan *shelf.Entry[Plan], st *types.ApiStage) *types.ThrottleSettings {
	if t, ok := st.Throttle[aws.ToString(x.resource.Path)+"/"+aws.ToString(x.method.HttpMethod)]; ok {
		return &t
	}
	return plan.Doc.Throttle
}
