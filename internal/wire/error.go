package wire

import (
	"cmp"
	"net/http"
	"strconv"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// queryCodes are the names that awsQuery services give to errors which the JSON
// services call otherwise (IAM and STS: Common Errors).
var queryCodes = map[string]string{
	lambda.CodeAccessDenied:          "AccessDenied",
	lambda.CodeExpiredToken:          "ExpiredToken",
	lambda.CodeIncompleteSignature:   "IncompleteSignature",
	lambda.CodeInvalidSignature:      "SignatureDoesNotMatch",
	lambda.CodeMissingAuthentication: "MissingAuthenticationToken",
	lambda.CodeSerialization:         "MalformedInput",
	lambda.CodeService:               "InternalFailure",
	lambda.CodeTooManyRequests:       "Throttling",
	lambda.CodeUnknownOperation:      "InvalidAction",
	lambda.CodeUnrecognizedClient:    "InvalidClientTokenId",
	lambda.CodeValidation:            "ValidationError",
}

// WriteError answers with e in the envelope of the service's protocol. The caller
// has set the headers that every answer has.
func (c *Codec) WriteError(w http.ResponseWriter, requestID string, e *lambda.Error) {
	code := e.Code
	switch c.service.Protocol {
	case AWSQuery:
		code = cmp.Or(queryCodes[code], code)
	case AWSJSON10, AWSJSON11:
		if code == lambda.CodeService {
			code = "InternalFailure"
		}
	default: // restJson1 uses the names as they are
	}
	shape, ok := c.service.Errors[code]
	if !ok {
		shape = frontDoor[code]
	}
	status := cmp.Or(e.Status, shape.Status, http.StatusBadRequest)
	switch c.service.Protocol {
	case AWSQuery:
		fault := "Sender"
		if status >= http.StatusInternalServerError {
			fault = "Receiver"
		}
		send(w, status, "text/xml", queryError(c.service.Namespace, fault, code, e.Message, requestID))
	case AWSJSON10, AWSJSON11:
		body := append([]byte(`{"__type":`), appendJSONString(nil, code)...)
		body = append(body, ',')
		body = appendMember(body, cmp.Or(shape.Member, "message"), e.Message)
		send(w, status, c.contentType(), append(body, '}'))
	default:
		w.Header().Set("x-amzn-ErrorType", code)
		send(w, status, c.contentType(), restError(e, shape, status, ok))
	}
}

// restError is the body of a restJson1 error as Lambda writes it. Only exceptions
// of the service's model have the member Type.
func restError(e *lambda.Error, shape ErrorShape, status int, modelled bool) []byte {
	body := []byte{'{'}
	if modelled && !shape.Bare && !e.Bare {
		fault := "User"
		if status >= http.StatusInternalServerError {
			fault = "Service"
		}
		body = append(appendMember(body, "Type", fault), ',')
	}
	body = appendMember(body, cmp.Or(shape.Member, "message"), e.Message)
	if e.Reason != "" {
		body = appendMember(append(body, ','), "Reason", e.Reason)
	}
	return append(body, '}')
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
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the caller has gone; there is nobody to tell
}
