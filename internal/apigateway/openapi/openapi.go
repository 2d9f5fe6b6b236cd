// Package openapi reads the documents that describe APIs, OpenAPI 3 and Swagger 2 in
// JSON or YAML, with API Gateway's extensions.
//
// It decides what a document says. What becomes of it is httpapi's and restapi's.
package openapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document is what a description says.
type Document struct {
	Title       string
	Version     string
	Description string
	BasePath    string // begins with a slash, or is empty

	Cors             *Cors
	BinaryMediaTypes []string
	APIKeySource     string
	Policy           string
	EndpointTypes    []string
	Responses        map[string]GatewayResponse
	Validators       map[string]Validator
	Validator        string // of operations that name none
	Models           map[string]json.RawMessage
	Schemes          map[string]Scheme
	Operations       []Operation // by path and method
}

// Operation is one method of one path.
type Operation struct {
	Path   string
	Method string // ANY for x-amazon-apigateway-any-method
	ID     string
	// Security names the schemes that let a caller in, with scopes; the first counts.
	Security    []map[string][]string
	Parameters  []Parameter
	Responses   map[string]Response
	Validator   string
	Auth        string // x-amazon-apigateway-auth: NONE or AWS_IAM
	Integration *Integration
}

// Parameter is a parameter of an operation.
type Parameter struct {
	Name     string `json:"name"`
	In       string `json:"in"`
	Required bool   `json:"required"`
}

// Response is one of an operation's responses.
type Response struct {
	Headers map[string]json.RawMessage `json:"headers"`
}

// Integration is x-amazon-apigateway-integration.
type Integration struct {
	Type                 string                         `json:"type"`
	URI                  string                         `json:"uri"`
	HTTPMethod           string                         `json:"httpMethod"`
	Credentials          string                         `json:"credentials"`
	ConnectionType       string                         `json:"connectionType"`
	PayloadFormatVersion string                         `json:"payloadFormatVersion"`
	PassthroughBehavior  string                         `json:"passthroughBehavior"`
	ContentHandling      string                         `json:"contentHandling"`
	Subtype              string                         `json:"integrationSubtype"`
	Description          string                         `json:"description"`
	TimeoutInMillis      int32                          `json:"timeoutInMillis"`
	RequestParameters    map[string]string              `json:"requestParameters"`
	RequestTemplates     map[string]string              `json:"requestTemplates"`
	Responses            map[string]IntegrationResponse `json:"responses"`
	Ref                  string                         `json:"$ref"`
}

// IntegrationResponse is a response of an integration, by its pattern.
type IntegrationResponse struct {
	StatusCode         text              `json:"statusCode"`
	ResponseParameters map[string]string `json:"responseParameters"`
	ResponseTemplates  map[string]string `json:"responseTemplates"`
	ContentHandling    string            `json:"contentHandling"`
}

// Scheme is a security scheme.
type Scheme struct {
	Type       string      `json:"type"`
	Name       string      `json:"name"`
	In         string      `json:"in"`
	AuthType   string      `json:"x-amazon-apigateway-authtype"`
	Authorizer *Authorizer `json:"x-amazon-apigateway-authorizer"`
}

// Authorizer is x-amazon-apigateway-authorizer.
type Authorizer struct {
	Type                 string `json:"type"`
	URI                  string `json:"authorizerUri"`
	Credentials          string `json:"authorizerCredentials"`
	PayloadFormatVersion string `json:"authorizerPayloadFormatVersion"`
	ResultTTLInSeconds   *int32 `json:"authorizerResultTtlInSeconds"`
	IdentitySource       texts  `json:"identitySource"`
	Validation           string `json:"identityValidationExpression"`
	EnableSimple         bool   `json:"enableSimpleResponses"`
	JWT                  *struct {
		Issuer   string   `json:"issuer"`
		Audience []string `json:"audience"`
	} `json:"jwtConfiguration"`
}

// GatewayResponse is one of x-amazon-apigateway-gateway-responses.
type GatewayResponse struct {
	StatusCode         text              `json:"statusCode"`
	ResponseParameters map[string]string `json:"responseParameters"`
	ResponseTemplates  map[string]string `json:"responseTemplates"`
}

// Validator is one of x-amazon-apigateway-request-validators.
type Validator struct {
	Body       bool `json:"validateRequestBody"`
	Parameters bool `json:"validateRequestParameters"`
}

// Cors is x-amazon-apigateway-cors.
type Cors struct {
	AllowOrigins     []string `json:"allowOrigins"`
	AllowMethods     []string `json:"allowMethods"`
	AllowHeaders     []string `json:"allowHeaders"`
	ExposeHeaders    []string `json:"exposeHeaders"`
	MaxAge           *int32   `json:"maxAge"`
	AllowCredentials *bool    `json:"allowCredentials"`
}

// text is a string or a number.
type text string

// UnmarshalJSON meets json.Unmarshaler.
func (t *text) UnmarshalJSON(raw []byte) error {
	*t = text(strings.Trim(string(raw), `"`))
	return nil
}

// texts is a list, or a text of parts between commas.
type texts []string

// UnmarshalJSON meets json.Unmarshaler.
func (t *texts) UnmarshalJSON(raw []byte) error {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		*t = list
		return nil
	}
	var one string
	if err := json.Unmarshal(raw, &one); err != nil {
		return err
	}
	for part := range strings.SplitSeq(one, ",") {
		if part = strings.TrimSpace(part); part != "" {
			*t = append(*t, part)
		}
	}
	return nil
}

// file is a document as it is written, in either version.
type file struct {
	OpenAPI  string `json:"openapi"`
	Swagger  string `json:"swagger"`
	BasePath string `json:"basePath"`
	Info     struct {
		Title       string `json:"title"`
		Version     text   `json:"version"`
		Description string `json:"description"`
	} `json:"info"`
	Servers []struct {
		URL       string `json:"url"`
		Variables map[string]struct {
			Default string `json:"default"`
		} `json:"variables"`
	} `json:"servers"`
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Security   []map[string][]string                 `json:"security"`
	Components struct {
		Schemes      map[string]Scheme          `json:"securitySchemes"`
		Schemas      map[string]json.RawMessage `json:"schemas"`
		Integrations map[string]*Integration    `json:"x-amazon-apigateway-integrations"`
	} `json:"components"`
	Definitions map[string]json.RawMessage `json:"definitions"`
	Schemes     map[string]Scheme          `json:"securityDefinitions"`

	Cors       *Cors                      `json:"x-amazon-apigateway-cors"`
	Binary     []string                   `json:"x-amazon-apigateway-binary-media-types"`
	KeySource  string                     `json:"x-amazon-apigateway-api-key-source"`
	Policy     json.RawMessage            `json:"x-amazon-apigateway-policy"`
	Responses  map[string]GatewayResponse `json:"x-amazon-apigateway-gateway-responses"`
	Validators map[string]Validator       `json:"x-amazon-apigateway-request-validators"`
	Validator  string                     `json:"x-amazon-apigateway-request-validator"`
	Endpoint   struct {
		Types []string `json:"types"`
	} `json:"x-amazon-apigateway-endpoint-configuration"`
}

// operation is an operation as it is written.
type operation struct {
	ID          string                `json:"operationId"`
	Security    []map[string][]string `json:"security"`
	Parameters  []Parameter           `json:"parameters"`
	Responses   map[string]Response   `json:"responses"`
	Validator   string                `json:"x-amazon-apigateway-request-validator"`
	Integration *Integration          `json:"x-amazon-apigateway-integration"`
	Auth        struct {
		Type string `json:"type"`
	} `json:"x-amazon-apigateway-auth"`
}

// methods are the members of a path that are methods.
var methods = map[string]string{
	"get": "GET", "put": "PUT", "post": "POST", "delete": "DELETE", "options": "OPTIONS", "head": "HEAD", "patch": "PATCH",
	"x-amazon-apigateway-any-method": "ANY",
}

// Parse reads a document.
func Parse(body []byte) (*Document, error) {
	var tree any
	if err := yaml.Unmarshal(body, &tree); err != nil { // JSON is YAML, too
		return nil, fmt.Errorf("the document is neither JSON nor YAML: %w", err)
	}
	raw, err := json.Marshal(plain(tree))
	if err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	var f file
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	if !strings.HasPrefix(f.OpenAPI, "3.") && f.Swagger != "2.0" {
		return nil, errors.New("the document is neither OpenAPI 3 nor Swagger 2.0")
	}
	return f.document()
}

// plain turns YAML's maps, whose keys may be numbers, into JSON's.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			v[key] = plain(value)
		}
		return v
	case map[any]any:
		out := map[string]any{}
		for key, value := range v {
			out[fmt.Sprint(key)] = plain(value)
		}
		return out
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
		return v
	}
	return v
}

func (f *file) document() (*Document, error) {
	d := &Document{
		Title: f.Info.Title, Version: string(f.Info.Version), Description: f.Info.Description, BasePath: f.basePath(),
		Cors: f.Cors, BinaryMediaTypes: f.Binary, APIKeySource: f.KeySource, EndpointTypes: f.Endpoint.Types,
		Responses: f.Responses, Validators: f.Validators, Validator: f.Validator, Models: f.Components.Schemas, Schemes: f.Components.Schemes,
	}
	if f.Swagger != "" {
		d.Models, d.Schemes = f.Definitions, f.Schemes
	}
	if p := string(f.Policy); p != "" && p != "null" {
		d.Policy = p
		var quoted string
		if json.Unmarshal(f.Policy, &quoted) == nil {
			d.Policy = quoted
		}
	}
	for path, members := range f.Paths {
		if !strings.HasPrefix(path, "/") {
			return nil, fmt.Errorf("the path %q does not begin with a slash", path)
		}
		var shared []Parameter
		if raw, ok := members["parameters"]; ok {
			if err := json.Unmarshal(raw, &shared); err != nil {
				return nil, fmt.Errorf("read the parameters of %s: %w", path, err)
			}
		}
		for name, raw := range members {
			method, ok := methods[name]
			if !ok {
				continue
			}
			op, err := f.operation(path, method, raw, shared)
			if err != nil {
				return nil, err
			}
			d.Operations = append(d.Operations, *op)
		}
	}
	slices.SortFunc(d.Operations, func(a, b Operation) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
	return d, nil
}

// integrationsRef is where integrations that several operations share are.
const integrationsRef = "#/components/x-amazon-apigateway-integrations/"

func (f *file) operation(path, method string, raw json.RawMessage, shared []Parameter) (*Operation, error) {
	var o operation
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, fmt.Errorf("read %s %s: %w", method, path, err)
	}
	out := &Operation{
		Path: path, Method: method, ID: o.ID, Security: o.Security, Parameters: append(slices.Clip(shared), o.Parameters...),
		Responses: o.Responses, Validator: o.Validator, Auth: o.Auth.Type, Integration: o.Integration,
	}
	if o.Security == nil {
		out.Security = f.Security
	}
	if i := o.Integration; i != nil && i.Ref != "" {
		name, ok := strings.CutPrefix(i.Ref, integrationsRef)
		if out.Integration = f.Components.Integrations[name]; !ok || out.Integration == nil {
			return nil, fmt.Errorf("%s %s refers to %s, which is not there", method, path, i.Ref)
		}
	}
	return out, nil
}

// basePath is the path that all paths of the document begin with.
func (f *file) basePath() string {
	path := f.BasePath
	if len(f.Servers) > 0 {
		s := f.Servers[0]
		if v, ok := s.Variables["basePath"]; ok {
			path = v.Default
		} else if _, rest, ok := strings.Cut(s.URL, "://"); ok {
			_, path, _ = strings.Cut(rest, "/")
		} else {
			path = s.URL
		}
	}
	if path = strings.Trim(path, "/"); path == "" || strings.Contains(path, "{") {
		return ""
	}
	return "/" + path
}

// Based is an operation's path under one of AWS's three ways to read a base path:
// ignore it, prepend it, or split it, which prepends all but its first part.
func (d *Document) Based(path, how string) (string, error) {
	base := d.BasePath
	switch how {
	case "", "ignore":
		return path, nil
	case "prepend":
	case "split":
		_, rest, _ := strings.Cut(strings.TrimPrefix(base, "/"), "/")
		if base = "/" + rest; rest == "" {
			base = ""
		}
	default:
		return "", fmt.Errorf("basepath is one of ignore, prepend and split, not %q", how)
	}
	if path == "/" && base != "" {
		return base, nil
	}
	return base + path, nil
}
