package wire

import (
	"cmp"
	"net/http"
	"reflect"
	"strconv"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// queryCodes are the names that awsQuery services give to errors which the JSON
// services call otherwise (IAM and STS: Common Errors; SQS: what its query protocol
// answers with and no model has).
var queryCodes = map[string]string{
	lambda.CodeAccessDenied:          "AccessDenied",
	lambda.CodeExpiredToken:          "ExpiredToken",
	lambda.CodeIncompleteSignature:   "IncompleteSignature",
	lambda.CodeInvalidParameterValue: "InvalidParameterValue",
	lambda.CodeInvalidSignature:      "SignatureDoesNotMatch",
	lambda.CodeMissingAuthentication: "MissingAuthenticationToken",
	lambda.CodeSerialization:         "MalformedInput",
	lambda.CodeService:               "InternalFailure",
	lambda.CodeTooManyRequests:       "Throttling",
	lambda.CodeUnknownOperation:      "InvalidAction",
	lambda.CodeUnrecognizedClient:    "InvalidClientTokenId",
	lambda.CodeValidation:            "ValidationError",

	"MissingRequiredParameterException": "MissingParameter",
}

// WriteError answers with e in the envelope of the service's protocol. The caller
// has set the headers that every answer has.
func (c *Codec) WriteError(w http.ResponseWriter, requestID string, e *lambda.Error) {
	f := c.failure(e)
	fault := "Sender"
	if f.status >= http.StatusInternalServerError {
		fault = "Receiver"
	}
	if f.queryCode != "" {
		w.Header().Set("x-amzn-query-error", f.queryCode+";"+fault)
	}
	switch c.service.Protocol {
	case AWSQuery:
		send(w, f.status, "text/xml", queryError(c.service.Namespace, fault, f.code, e.Message, requestID))
	case AWSJSON10, AWSJSON11:
		body := append([]byte(`{"__type":`), appendJSONString(nil, f.typePrefix+f.code)...)
		body = append(body, ',')
		body = appendMember(body, cmp.Or(f.shape.Member, "message"), e.Message)
		send(w, f.status, c.contentType(), append(c.appendDetail(body, e.Detail), '}'))
	case RPCv2CBOR:
		body := cbor.Map{
			"__type":                          cbor.String(f.typePrefix + f.code),
			cmp.Or(f.shape.Member, "message"): cbor.String(e.Message),
		}
		if s, v, ok := c.detail(e.Detail); ok {
			if value, err := encodeCBOR(s, v); err == nil {
				for name, member := range value.(cbor.Map) {
					if !isMessage(name) {
						body[name] = member
					}
				}
			}
		}
		w.Header().Set(protocolHeader, rpcMark)
		send(w, f.status, c.contentType(), cbor.Encode(body))
	default:
		w.Header().Set("x-amzn-ErrorType", f.code)
		body := restError(e, f.shape, f.status, f.modelled)
		send(w, f.status, c.contentType(), append(c.appendDetail(body, e.Detail), '}'))
	}
}

// failure is an error as the service's protocol shows it.
type failure struct {
	code       string
	typePrefix string // before the code in __type
	queryCode  string // for the header of services that once spoke awsQuery
	shape      ErrorShape
	status     int
	modelled   bool // it is one of the service's own
}

// frontDoorPrefix stands in __type before the errors that are raised before a service
// is reached.
const frontDoorPrefix = "com.amazon.coral.service#"

func (c *Codec) failure(e *lambda.Error) failure {
	f := failure{code: e.Code}
	f.shape, f.modelled = c.service.Errors[f.code]
	if !f.modelled {
		if name, ok := c.byQueryCode[f.code]; ok {
			f.code, f.modelled = name, true
			f.shape = c.service.Errors[name]
		}
	}
	query := cmp.Or(f.shape.QueryCode, queryCodes[f.code], f.code)
	switch c.service.Protocol {
	case AWSQuery:
		if c.service.Model == "sns" && query == "AccessDenied" {
			query = "AuthorizationError" // as that service alone calls it
		}
		if f.code = query; !f.modelled {
			f.shape, f.modelled = c.service.Errors[f.code]
		}
		if name, ok := c.byQueryCode[f.code]; ok && !f.modelled {
			f.shape, f.modelled = c.service.Errors[name]
		}
	case RestJSON1: // uses the names as they are
	default:
		if f.code == lambda.CodeService {
			f.code = "InternalFailure"
			f.shape, f.modelled = c.service.Errors[f.code]
		}
		if c.queryCompatible {
			f.queryCode = query
		}
		if f.typePrefix = c.service.TypePrefix; f.typePrefix != "" && !f.modelled {
			f.typePrefix = frontDoorPrefix
		}
	}
	if !f.modelled {
		f.shape = frontDoor[f.code]
		if f.shape.Status < http.StatusRequestEntityTooLarge && c.plainJSON() {
			f.shape.Status = http.StatusBadRequest
		}
	}
	f.status = cmp.Or(e.Status, f.shape.Status, http.StatusBadRequest)
	return f
}

// plainJSON says that the caller's faults are all a 400, those of the front door
// included: the services that have spoken nothing but awsJson.
func (c *Codec) plainJSON() bool {
	return (c.service.Protocol == AWSJSON10 || c.service.Protocol == AWSJSON11) && c.service.Name != "" && !c.queryCompatible
}

// appendDetail prints what an exception carries beside its message.
func (c *Codec) appendDetail(b []byte, detail any) []byte {
	s, v, ok := c.detail(detail)
	if !ok {
		return b
	}
	for _, m := range s.members {
		if isMessage(m.name) || m.place != inBody || absent(v.Field(m.field)) {
			continue
		}
		was := len(b)
		b = append(appendJSONString(append(b, ','), m.name), ':')
		var err error
		if b, err = appendJSON(b, m.shape, v.Field(m.field), m.stamp); err != nil {
			b = b[:was]
		}
	}
	return b
}

func isMessage(name string) bool { return name == "message" || name == "Message" }

// detail compiles the exception that an error carries.
func (c *Codec) detail(detail any) (*shape, reflect.Value, bool) {
	v := reflect.ValueOf(detail)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Type().Elem().Kind() != reflect.Struct {
		return nil, reflect.Value{}, false
	}
	s, err := c.types.top(detail)
	return s, v.Elem(), err == nil
}

// restError is the body of a restJson1 error as Lambda writes it, still open. Only
// exceptions of the service's model have the member Type.
func restError(e *lambda.Error, shape ErrorShape, status int, modelled bool) []byte {
	body := []byte{'{'}
	if modelled && !shape.Bare && !e.Bare {
		fault := "User"
		if status >= http.StatusInternalServerError {
			fault = "Service"
		}
		body = append(appendMember(body, "Type", fault), ',')
	}
	if e.Message == "" && e.Code == lambda.CodeAccessDenied {
		body = append(appendJSONString(body, cmp.Or(shape.Member, "message")), ":null"...)
	} else {
		body = appendMember(body, cmp.Or(shape.Member, "message"), e.Message)
	}
	if e.Reason != "" {
		body = appendMember(append(body, ','), "Reason", e.Reason)
	}
	return body
}

func appendMember(b []byte, name, text string) []byte {
	b = appendJSONString(b, name)
	b = append(b, ':')
	return appendJSONString(b, text)
}

// frontDoor is how the errors look that are raised before a service is reached,
// and so belong to no service's model.
var frontDoor = map[string]ErrorShape{
	lambda.CodeAccessDenied:          {Status: http.StatusForbidden, Member: "Message"},
	lambda.CodeExpiredToken:          {Status: http.StatusForbidden, Member: "message"},
	lambda.CodeIncompleteSignature:   {Status: http.StatusForbidden, Member: "message"},
	lambda.CodeInvalidSignature:      {Status: http.StatusForbidden, Member: "message"},
	lambda.CodeMissingAuthentication: {Status: http.StatusForbidden, Member: "message"},
	lambda.CodeUnrecognizedClient:    {Status: http.StatusForbidden, Member: "message"},
	lambda.CodeNotImplemented:        {Status: http.StatusNotImplemented, Member: "message"},
	lambda.CodeRequestEntityTooLarge: {Status: http.StatusRequestEntityTooLarge, Member: "message"},
	lambda.CodeSerialization:         {Status: http.StatusBadRequest, Member: "message"},
	lambda.CodeUnknownOperation:      {Status: http.StatusNotFound, Member: "message"},
	lambda.CodeValidation:            {Status: http.StatusBadRequest, Member: "message"},
	lambda.CodeService:               {Status: http.StatusInternalServerError, Member: "Message"},

	"InternalFailure":            {Status: http.StatusInternalServerError, Member: "message"},
	"AccessDenied":               {Status: http.StatusForbidden},
	"ExpiredToken":               {Status: http.StatusForbidden},
	"IncompleteSignature":        {Status: http.StatusBadRequest},
	"InvalidAction":              {Status: http.StatusBadRequest},
	"InvalidClientTokenId":       {Status: http.StatusForbidden},
	"MalformedInput":             {Status: http.StatusBadRequest},
	"MissingAuthenticationToken": {Status: http.StatusForbidden},
	"SignatureDoesNotMatch":      {Status: http.StatusForbidden},
	"Throttling":                 {Status: http.StatusBadRequest},
	"ValidationError":            {Status: http.StatusBadRequest},
}

// send writes a whole answer. Statuses without a body get none, and no content
// type either.
func send(w http.ResponseWriter, status int, contentType string, body []byte) {
	if len(body) > 0 {
		if w.Header().Get("Content-Type") == "" { // else a member of the output names it
			w.Header().Set("Content-Type", contentType)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the caller has gone; there is nobody to tell
}
