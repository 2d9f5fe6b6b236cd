package httpevent

import (
	"maps"
	"slices"
	"strings"
)

// V2 is an event of payload format 2.0 (API Gateway developer guide, "Working with
// AWS Lambda proxy integrations for HTTP APIs"). Members without a value are absent.
type V2 struct {
	Version string `json:"version"`
	V2Request
	Body            *string `json:"body,omitempty"`
	IsBase64Encoded bool    `json:"isBase64Encoded"`
}

// V2Request is what a function and an authorizer both see of a request.
type V2Request struct {
	RouteKey       string            `json:"routeKey"`
	RawPath        string            `json:"rawPath"`
	RawQueryString string            `json:"rawQueryString"`
	Cookies        []string          `json:"cookies,omitempty"`
	Headers        map[string]string `json:"headers"`
	Query          map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext V2Context         `json:"requestContext"`
	PathParameters map[string]string `json:"pathParameters,omitempty"`
	StageVariables map[string]string `json:"stageVariables,omitempty"`
}

// V2Context is what the front door knows of a request.
type V2Context struct {
	AccountID    string        `json:"accountId"`
	APIID        string        `json:"apiId"`
	Authorizer   *V2Authorizer `json:"authorizer,omitempty"`
	DomainName   string        `json:"domainName"`
	DomainPrefix string        `json:"domainPrefix"`
	HTTP         V2HTTP        `json:"http"`
	RequestID    string        `json:"requestId"`
	RouteKey     string        `json:"routeKey"`
	Stage        string        `json:"stage"`
	Time         string        `json:"time"`
	TimeEpoch    int64         `json:"timeEpoch"`
}

// V2HTTP is the request line and the peer.
type V2HTTP struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

// V2Authorizer is who the front door found the caller to be; one member is set.
type V2Authorizer struct {
	IAM    *V2IAM         `json:"iam,omitempty"`
	JWT    *V2JWT         `json:"jwt,omitempty"`
	Lambda map[string]any `json:"lambda,omitempty"`
}

// V2IAM is a caller with a signature.
type V2IAM struct {
	AccessKey       string  `json:"accessKey"`
	AccountID       string  `json:"accountId"`
	CallerID        string  `json:"callerId"`
	CognitoIdentity *string `json:"cognitoIdentity"`
	PrincipalOrgID  *string `json:"principalOrgId"`
	UserARN         string  `json:"userArn"`
	UserID          string  `json:"userId"`
}

// V2JWT is a caller with a token. Scopes is null when the route asks for none.
type V2JWT struct {
	Claims map[string]string `json:"claims"`
	Scopes []string          `json:"scopes"`
}

// V2 makes the event of a request. The authorizer is nil for a caller without one.
func (r *Request) V2(authorizer *V2Authorizer) *V2 {
	path := r.StagePath
	if path == "" {
		path = r.Path
	}
	e := &V2{Version: "2.0", V2Request: V2Request{
		RouteKey: r.RouteKey,
		RawPath:  path, RawQueryString: r.HTTP.URL.RawQuery,
		Headers: map[string]string{},
		RequestContext: V2Context{
			AccountID: r.Account, APIID: r.APIID, Authorizer: authorizer,
			DomainName: r.Domain, DomainPrefix: r.DomainPrefix(),
			HTTP: V2HTTP{
				Method: r.HTTP.Method, Path: path, Protocol: r.HTTP.Proto,
				SourceIP: r.SourceIP(), UserAgent: r.HTTP.UserAgent(),
			},
			RequestID: r.RequestID, RouteKey: r.RouteKey, Stage: r.Stage,
			Time: requestTime(r.Time), TimeEpoch: r.Time.UnixMilli(),
		},
		PathParameters: some(r.PathParameters), StageVariables: some(r.StageVariables),
	}}
	for name, values := range r.headers() {
		if name == "Cookie" {
			e.Cookies = cookies(values)
			continue
		}
		e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	if q := query(r.HTTP.URL.RawQuery); len(q) > 0 {
		e.Query = make(map[string]string, len(q))
		for name, values := range q {
			e.Query[name] = strings.Join(values, ",")
		}
	}
	e.Body, e.IsBase64Encoded = text(r.Body, !isText(r.HTTP.Header.Get("Content-Type")))
	return e
}

// V2AuthorizerEvent is the event of a Lambda authorizer, which sees no body (API Gateway
// developer guide, "Control access to HTTP APIs with AWS Lambda authorizers").
type V2AuthorizerEvent struct {
	Version        string   `json:"version"`
	Type           string   `json:"type"`
	RouteARN       string   `json:"routeArn"`
	IdentitySource []string `json:"identitySource"`
	V2Request
}

// Authorizer makes the event of the same request for a Lambda authorizer.
func (e *V2) Authorizer(routeARN string, identity []string) *V2AuthorizerEvent {
	return &V2AuthorizerEvent{Version: e.Version, Type: "REQUEST", RouteARN: routeARN, IdentitySource: identity, V2Request: e.V2Request}
}

// cookies are the single cookies of the Cookie headers.
func cookies(values []string) []string {
	var out []string
	for _, v := range values {
		for c := range strings.SplitSeq(v, ";") {
			if c = strings.TrimSpace(c); c != "" {
				out = append(out, c)
			}
		}
	}
	return out
}

// some is nil for an empty map, which encodes to nothing or to null.
func some(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	return m
}

// sortedKeys are the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
