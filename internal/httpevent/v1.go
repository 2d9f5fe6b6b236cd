package httpevent

import "strings"

// V1 is an event of payload format 1.0 (API Gateway developer guide, "Lambda proxy
// integrations in API Gateway"). Members without a value are null.
type V1 struct {
	// Version is "1.0" for HTTP APIs and absent for REST APIs.
	Version string `json:"version,omitempty"`

	Resource          string              `json:"resource"`
	Path              string              `json:"path"`
	HTTPMethod        string              `json:"httpMethod"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Query             map[string]string   `json:"queryStringParameters"`
	MultiValueQuery   map[string][]string `json:"multiValueQueryStringParameters"`
	PathParameters    map[string]string   `json:"pathParameters"`
	StageVariables    map[string]string   `json:"stageVariables"`
	RequestContext    V1Context           `json:"requestContext"`
	Body              *string             `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

// V1Context is what the front door knows of a request.
type V1Context struct {
	ResourceID        string         `json:"resourceId"`
	Authorizer        map[string]any `json:"authorizer,omitempty"`
	ResourcePath      string         `json:"resourcePath"`
	HTTPMethod        string         `json:"httpMethod"`
	ExtendedRequestID string         `json:"extendedRequestId"`
	RequestTime       string         `json:"requestTime"`
	Path              string         `json:"path"`
	AccountID         string         `json:"accountId"`
	Protocol          string         `json:"protocol"`
	Stage             string         `json:"stage"`
	DomainPrefix      string         `json:"domainPrefix"`
	RequestTimeEpoch  int64          `json:"requestTimeEpoch"`
	RequestID         string         `json:"requestId"`
	Identity          V1Identity     `json:"identity"`
	DomainName        string         `json:"domainName"`
	DeploymentID      string         `json:"deploymentId,omitempty"`
	APIID             string         `json:"apiId"`
}

// V1Identity is who the caller is; what is not known is null.
type V1Identity struct {
	CognitoIdentityPoolID         *string `json:"cognitoIdentityPoolId"`
	AccountID                     *string `json:"accountId"`
	CognitoIdentityID             *string `json:"cognitoIdentityId"`
	Caller                        *string `json:"caller"`
	SourceIP                      string  `json:"sourceIp"`
	PrincipalOrgID                *string `json:"principalOrgId"`
	AccessKey                     *string `json:"accessKey"`
	CognitoAuthenticationType     *string `json:"cognitoAuthenticationType"`
	CognitoAuthenticationProvider *string `json:"cognitoAuthenticationProvider"`
	UserARN                       *string `json:"userArn"`
	UserAgent                     *string `json:"userAgent"`
	User                          *string `json:"user"`
	// APIKey and APIKeyID are there when the method asks for a key.
	APIKey   *string `json:"apiKey,omitempty"`
	APIKeyID *string `json:"apiKeyId,omitempty"`
}

// V1 makes the event of a request. identity has what the front door found out beside
// the address and the agent; authorizer is nil for a caller without one.
func (r *Request) V1(identity V1Identity, authorizer map[string]any) *V1 {
	stagePath := r.StagePath
	if stagePath == "" {
		stagePath = r.Path
	}
	identity.SourceIP = r.SourceIP()
	if agent := r.HTTP.UserAgent(); agent != "" {
		identity.UserAgent = &agent
	}
	e := &V1{
		Resource: r.Resource, Path: r.Path, HTTPMethod: r.HTTP.Method,
		Headers: map[string]string{}, MultiValueHeaders: map[string][]string{},
		PathParameters: some(r.PathParameters), StageVariables: some(r.StageVariables),
		RequestContext: V1Context{
			ResourceID: r.ResourceID, ResourcePath: r.Resource, HTTPMethod: r.HTTP.Method,
			ExtendedRequestID: r.ExtendedID, RequestTime: requestTime(r.Time), Path: stagePath,
			AccountID: r.Account, Protocol: r.HTTP.Proto, Stage: r.Stage, DomainPrefix: r.DomainPrefix(),
			RequestTimeEpoch: r.Time.UnixMilli(), RequestID: r.RequestID, Identity: identity,
			DomainName: r.Domain, DeploymentID: r.DeploymentID, APIID: r.APIID, Authorizer: authorizer,
		},
	}
	for name, values := range r.headers() {
		if len(values) > 0 {
			e.Headers[name], e.MultiValueHeaders[name] = values[len(values)-1], values
		}
	}
	if q := query(r.HTTP.URL.RawQuery); len(q) > 0 {
		e.Query, e.MultiValueQuery = map[string]string{}, q
		for name, values := range q {
			e.Query[name] = values[len(values)-1]
		}
	}
	e.Body, e.IsBase64Encoded = text(r.Body, r.Binary)
	return e
}

// HTTPAPI makes the event that of an HTTP API, which names the format's version.
func (e *V1) HTTPAPI() *V1 {
	e.Version = "1.0"
	return e
}

// V1Authorizer is the event of a REQUEST authorizer, which has no body.
type V1Authorizer struct {
	Type               string              `json:"type"`
	MethodARN          string              `json:"methodArn"`
	Version            string              `json:"version,omitempty"`
	IdentitySource     string              `json:"identitySource,omitempty"`
	AuthorizationToken string              `json:"authorizationToken,omitempty"`
	Resource           string              `json:"resource"`
	Path               string              `json:"path"`
	HTTPMethod         string              `json:"httpMethod"`
	Headers            map[string]string   `json:"headers"`
	MultiValueHeaders  map[string][]string `json:"multiValueHeaders"`
	Query              map[string]string   `json:"queryStringParameters"`
	MultiValueQuery    map[string][]string `json:"multiValueQueryStringParameters"`
	PathParameters     map[string]string   `json:"pathParameters"`
	StageVariables     map[string]string   `json:"stageVariables"`
	RequestContext     V1Context           `json:"requestContext"`
}

// Authorizer makes the event of the same request for a REQUEST authorizer. Maps that
// are null for a function are empty for an authorizer.
func (e *V1) Authorizer(methodARN string, identity []string) *V1Authorizer {
	out := &V1Authorizer{
		Type: "REQUEST", MethodARN: methodARN, Version: e.Version,
		Resource: e.Resource, Path: e.Path, HTTPMethod: e.HTTPMethod,
		Headers: e.Headers, MultiValueHeaders: e.MultiValueHeaders,
		Query: e.Query, MultiValueQuery: e.MultiValueQuery,
		PathParameters: e.PathParameters, StageVariables: e.StageVariables, RequestContext: e.RequestContext,
	}
	if e.Version != "" {
		out.IdentitySource = strings.Join(identity, ",")
		out.AuthorizationToken = out.IdentitySource
	}
	if out.Query == nil {
		out.Query, out.MultiValueQuery = map[string]string{}, map[string][]string{}
	}
	if out.PathParameters == nil {
		out.PathParameters = map[string]string{}
	}
	if out.StageVariables == nil {
		out.StageVariables = map[string]string{}
	}
	return out
}
