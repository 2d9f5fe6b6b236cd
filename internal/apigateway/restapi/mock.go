package restapi

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/hearthfaas/hearth/internal/httpevent"
)

// mock answers by itself: the request's template names a status, which selects a
// response.
func (x *exchange) mock(i *types.Integration) (httpevent.Response, error) {
	template, ok := i.RequestTemplates["application/json"]
	if !ok {
		for _, key := range sortedKeys(i.RequestTemplates) {
			template = i.RequestTemplates[key]
		}
	}
	var asked struct {
		StatusCode json.Number `json:"statusCode"`
	}
	if err := json.Unmarshal([]byte(x.render(template, string(x.body))), &asked); err != nil || asked.StatusCode == "" {
		return httpevent.Response{}, fault("API_CONFIGURATION_ERROR", "InternalServerErrorException", "Internal server error")
	}
	return x.mapped(i, asked.StatusCode.String(), &httpevent.Response{Header: http.Header{}})
}

// mapped is the response that an integration's answer becomes: the one whose pattern
// fits the status, or the one without a pattern.
func (x *exchange) mapped(i *types.Integration, status string, from *httpevent.Response) (httpevent.Response, error) {
	var chosen *types.IntegrationResponse
	for _, key := range sortedKeys(i.IntegrationResponses) {
		r := i.IntegrationResponses[key]
		pattern := aws.ToString(r.SelectionPattern)
		if pattern == "" {
			if chosen == nil {
				chosen = &r
			}
			continue
		}
		if re, err := regexp.Compile("^(?:" + pattern + ")$"); err == nil && re.MatchString(status) {
			chosen = &r
			break
		}
	}
	if chosen == nil {
		return httpevent.Response{}, fault("API_CONFIGURATION_ERROR", "InternalServerErrorException", "Internal server error")
	}
	code, err := strconv.Atoi(aws.ToString(chosen.StatusCode))
	if err != nil || code < 200 {
		return httpevent.Response{}, fault("API_CONFIGURATION_ERROR", "InternalServerErrorException", "Internal server error")
	}
	res := httpevent.Response{Status: code, Header: http.Header{}, Body: from.Body}
	if kind := from.Header.Get("Content-Type"); kind != "" {
		res.Header.Set("Content-Type", kind)
	}
	for target, source := range chosen.ResponseParameters {
		value := ""
		if name, ok := strings.CutPrefix(source, "integration.response.header."); ok {
			value = strings.Join(from.Header.Values(name), ",")
		} else {
			value = x.parameter(source)
		}
		res.Header.Set(strings.TrimPrefix(target, "method.response.header."), value)
	}
	for _, kind := range sortedKeys(chosen.ResponseTemplates) {
		if template := chosen.ResponseTemplates[kind]; template != "" {
			res.Header.Set("Content-Type", kind)
			res.Body = []byte(x.render(template, string(from.Body)))
			break
		}
	}
	return res, nil
}

func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// parameter is what an expression of a mapping stands for: a text in quotes, or a part
// of the request.
func (x *exchange) parameter(source string) string {
	if isStatic(source) {
		return source[1 : len(source)-1]
	}
	if name, ok := strings.CutPrefix(source, "context."); ok {
		return x.contextValue(name)
	}
	if name, ok := strings.CutPrefix(source, "stageVariables."); ok {
		return x.stage.Variables[name]
	}
	place, name, _ := strings.Cut(strings.TrimPrefix(source, "method.request."), ".")
	switch place {
	case "header", "multivalueheader":
		return x.r.Header.Get(name)
	case "querystring", "multivaluequerystring":
		return x.r.URL.Query().Get(name)
	case "path":
		return x.params[name]
	case "body":
		return string(x.body)
	}
	return ""
}

// expression is what templates may contain.
var expression = regexp.MustCompile(`\$!?\{?(context\.[A-Za-z0-9_.]+|stageVariables\.[A-Za-z0-9_]+|input\.body|input\.json\(['"]\$['"]\)|input\.params\(['"][^'"]*['"]\))\}?`)

// render fills a template in.
func (x *exchange) render(template, body string) string {
	if !strings.Contains(template, "$") {
		return template
	}
	return expression.ReplaceAllStringFunc(template, func(s string) string {
		s = strings.Trim(s, "$!{}")
		switch {
		case strings.HasPrefix(s, "context."):
			return x.contextValue(s[len("context."):])
		case strings.HasPrefix(s, "stageVariables."):
			return x.stage.Variables[s[len("stageVariables."):]]
		case strings.HasPrefix(s, "input.params("):
			name := strings.Trim(s[len("input.params("):], `()'"`)
			for _, place := range []string{"path.", "querystring.", "header."} {
				if value := x.parameter("method.request." + place + name); value != "" {
					return value
				}
			}
			return ""
		}
		if body == "" && strings.HasPrefix(s, "input.json") {
			return "{}"
		}
		return body
	})
}

// contextValue are the variables that mappings and templates may use (API Gateway
// developer guide, "Variables for data transformations").
func (x *exchange) contextValue(name string) string {
	switch name {
	case "accountId":
		return x.e.Account
	case "apiId":
		return x.e.ID
	case "domainName":
		return x.domain
	case "domainPrefix":
		return x.e.ID
	case "extendedRequestId":
		return x.extended
	case "httpMethod":
		return x.r.Method
	case "identity.sourceIp":
		return (&httpevent.Request{HTTP: x.r}).SourceIP()
	case "identity.userAgent":
		return x.r.UserAgent()
	case "path":
		return "/" + aws.ToString(x.stage.StageName) + unescape(x.path)
	case "protocol":
		return x.r.Proto
	case "requestId":
		return string(x.id)
	case "requestTimeEpoch":
		return strconv.FormatInt(x.now.UnixMilli(), 10)
	case "stage":
		return aws.ToString(x.stage.StageName)
	case "resourcePath":
		if x.resource != nil {
			return aws.ToString(x.resource.Path)
		}
	case "authorizer.principalId":
		if x.who.verdict != nil {
			return x.who.verdict.PrincipalID
		}
	}
	if key, ok := strings.CutPrefix(name, "authorizer."); ok && x.who.verdict != nil {
		return contextText(x.who.verdict.Context[key])
	}
	return ""
}
