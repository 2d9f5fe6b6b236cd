package functionurl

import (
	"net/http"
	"strconv"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// forbidden is AWS's one answer to whoever may not.
const forbidden = `{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}`

// functionFailed is AWS's answer for a function that failed or answered no response.
const functionFailed = "Internal Server Error"

// refusal is the status and body for an error before the function ran.
func refusal(e *lambda.Error) (status int, body string) {
	switch e.Code {
	case lambda.CodeAccessDenied, lambda.CodeMissingAuthentication, lambda.CodeUnrecognizedClient:
		return http.StatusForbidden, forbidden
	case lambda.CodeInvalidSignature, lambda.CodeIncompleteSignature, lambda.CodeExpiredToken:
		return http.StatusForbidden, object("message", e.Message)
	case lambda.CodeResourceNotFound: // the function went while its URL was called
		return http.StatusForbidden, `{"Message":null}`
	case lambda.CodeTooManyRequests:
		return http.StatusTooManyRequests, `{"Reason":` + quote(e.Reason) + `,"Type":"User","message":` + quote(e.Message) + `}`
	case lambda.CodeRequestEntityTooLarge:
		return http.StatusRequestEntityTooLarge, object("Message", errTooLarge.Message)
	case lambda.CodeSerialization:
		return http.StatusBadRequest, object("Message", e.Message)
	case lambda.CodeService:
		return http.StatusInternalServerError, `{"Message":null}`
	}
	return http.StatusBadGateway, functionFailed // it can not run now: being made, inactive, failed
}

func object(name, text string) string { return `{` + quote(name) + `:` + quote(text) + `}` }

func quote(s string) string {
	text, err := marshal(s)
	if err != nil {
		panic("functionurl: a string did not encode: " + err.Error())
	}
	return string(text)
}

// refuse answers without a function's doing.
func refuse(w http.ResponseWriter, status int, code, body string) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if code != "" {
		h.Set("X-Amzn-Errortype", code)
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body)) // the caller has gone; there is nobody to tell
}
