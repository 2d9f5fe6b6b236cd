package httpapi

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/httpevent"
)

// requestKey and responseKey are what parameter mappings may change (API Gateway
// developer guide, "Transform API requests and responses for HTTP APIs").
var (
	requestKey  = regexp.MustCompile(`^((append|overwrite|remove):(header|querystring)\.[^\s]+|overwrite:path)$`)
	responseKey = regexp.MustCompile(`^((append|overwrite|remove):header\.[^\s]+|overwrite:statuscode)$`)
	// variable is a value in a mapping: $request.header.x, or ${request.header.x} within
	// a text.
	variable = regexp.MustCompile(`\$\{[^}]+\}|\$(request|response|context|stageVariables)(\.[A-Za-z0-9_$-]+)+`)
)

// checkMapping refuses mappings that are none and those that need a body.
func checkMapping(i *types.Integration) error {
	for key, value := range i.RequestParameters {
		if !requestKey.MatchString(key) {
			return desk.BadRequest("Invalid mapping expression specified: %s", key)
		}
		if strings.Contains(value, "request.body") {
			return desk.NotServed("mappings from the body of a request")
		}
	}
	for status, mappings := range i.ResponseParameters {
		if n, err := strconv.Atoi(status); err != nil || n < 200 || n > 599 {
			return desk.BadRequest("Invalid status code in response parameters: %s", status)
		}
		for key, value := range mappings {
			if !responseKey.MatchString(key) {
				return desk.BadRequest("Invalid mapping expression specified: %s", key)
			}
			if strings.Contains(value, "body") {
				return desk.NotServed("mappings from the body of a response")
			}
		}
	}
	return nil
}

// identitySource says whether an authorizer may take its caller's identity from there.
func identitySource(s string) bool {
	for _, prefix := range []string{"$request.header.", "$request.querystring.", "$context.", "$stageVariables."} {
		if rest, ok := strings.CutPrefix(s, prefix); ok && rest != "" {
			return true
		}
	}
	return false
}

// value is what an expression such as $request.header.Authorization stands for; empty
// when there is none.
func (x *exchange) value(expression string) string {
	place, name, _ := strings.Cut(strings.TrimPrefix(expression, "$"), ".")
	switch place {
	case "request":
		return x.requestValue(name)
	case "stageVariables":
		return x.stage.StageVariables[name]
	case "context":
		return x.contextValue(name)
	}
	return ""
}

func (x *exchange) requestValue(name string) string {
	part, name, _ := strings.Cut(name, ".")
	switch part {
	case "header":
		return strings.Join(x.r.Header.Values(name), ",")
	case "querystring":
		return strings.Join(x.r.URL.Query()[name], ",")
	case "path":
		if name == "" {
			return unescape(x.path)
		}
		return x.params[name]
	}
	return ""
}

// contextValue are the variables of HTTP APIs that are known before an answer (API
// Gateway developer guide, "Logging variables").
func (x *exchange) contextValue(name string) string {
	q := x.request()
	switch name {
	case "accountId":
		return x.e.Account
	case "apiId":
		return x.e.ID
	case "domainName":
		return x.domain
	case "domainPrefix":
		return q.DomainPrefix()
	case "httpMethod":
		return x.r.Method
	case "identity.sourceIp":
		return q.SourceIP()
	case "identity.userAgent":
		return x.r.UserAgent()
	case "path":
		return unescape(x.path)
	case "protocol":
		return x.r.Proto
	case "requestId", "extendedRequestId":
		return x.id
	case "requestTimeEpoch":
		return strconv.FormatInt(x.now.UnixMilli(), 10)
	case "routeKey":
		return x.route.key
	case "stage":
		return aws.ToString(x.stage.StageName)
	}
	if claim, ok := strings.CutPrefix(name, "authorizer.claims."); ok && x.who.token != nil {
		return x.who.token.Claims[claim]
	}
	if key, ok := strings.CutPrefix(name, "authorizer."); ok && x.who.verdict != nil {
		if key == "principalId" {
			return x.who.verdict.PrincipalID
		}
		text, _ := x.who.verdict.Context[key].(string)
		return text
	}
	return ""
}

// mapRequest changes the request before its integration sees it.
func (x *exchange) mapRequest(mappings map[string]string) {
	if len(mappings) == 0 {
		return
	}
	changed := x.r.Clone(x.r.Context())
	query := changed.URL.Query()
	path := x.path
	for _, key := range slices.Sorted(maps.Keys(mappings)) {
		value := variable.ReplaceAllStringFunc(mappings[key], func(v string) string {
			return x.value("$" + strings.Trim(v, "${}"))
		})
		verb, target, _ := strings.Cut(key, ":")
		part, name, _ := strings.Cut(target, ".")
		switch part {
		case "header":
			change(changed.Header, verb, http.CanonicalHeaderKey(name), value)
		case "querystring":
			change(query, verb, name, value)
		case "path":
			path = "/" + strings.TrimPrefix(value, "/")
		}
	}
	changed.URL.RawQuery = query.Encode()
	x.r, x.path = changed, path
}

func change(values map[string][]string, verb, name, value string) {
	switch verb {
	case "append":
		values[name] = append(values[name], value)
	case "overwrite":
		values[name] = []string{value}
	case "remove":
		delete(values, name)
	}
}

// mapResponse changes an integration's answer by the mappings of its status.
func (x *exchange) mapResponse(res *httpevent.Response, mappings map[string]map[string]string) error {
	of := mappings[strconv.Itoa(res.Status)]
	for _, key := range slices.Sorted(maps.Keys(of)) {
		value := variable.ReplaceAllStringFunc(of[key], func(v string) string {
			v = strings.Trim(v, "${}")
			if name, ok := strings.CutPrefix(v, "response.header."); ok {
				return strings.Join(res.Header.Values(name), ",")
			}
			if v == "response.statuscode" {
				return strconv.Itoa(res.Status)
			}
			return x.value("$" + v)
		})
		verb, target, _ := strings.Cut(key, ":")
		if target == "statuscode" {
			status, err := strconv.Atoi(value)
			if err != nil || status < 200 || status > 599 {
				return errInternal
			}
			res.Status = status
			continue
		}
		_, name, _ := strings.Cut(target, ".")
		change(res.Header, verb, http.CanonicalHeaderKey(name), value)
	}
	return nil
}

// withPath replaces the path of a URI.
func withPath(uri, path string) string {
	to, err := url.Parse(uri)
	if err != nil {
		return uri
	}
	to.Path, to.RawPath = unescape(path), ""
	return to.String()
}
