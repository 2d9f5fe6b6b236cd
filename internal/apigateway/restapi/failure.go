package restapi

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/hearthfaas/hearth/internal/httpevent"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// failure is an answer that the API gives instead of its integration: one of the
// gateway responses.
type failure struct {
	status  int    // 0 is the response's own
	kind    string // of gateway response
	code    string // x-amzn-ErrorType
	message string
	null    bool // AWS says nothing: the message is null
}

func (f *failure) Error() string { return f.kind + ": " + f.message }

func fault(kind, code, message string) *failure {
	return &failure{kind: kind, code: code, message: message}
}

// bodyDenied is how the verdicts of policies and authorizers look where no gateway
// response was put for them: as those of AWS's own APIs.
const bodyDenied = `{"Message":$context.error.messageString}`

// fail answers with an error as the API's gateway responses say; what is a fault of
// ours is logged here, once.
func (x *exchange) fail(err error) {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		x.cfg.Log.ErrorContext(x.r.Context(), "a request to a REST API failed", "request_id", x.id, "api_id", x.e.ID, "error", err)
		f = &failure{status: http.StatusInternalServerError, kind: "DEFAULT_5XX", code: "InternalServerErrorException", message: "Internal server error"}
	}
	var set map[string]types.GatewayResponse
	if x.tree != nil {
		set = x.tree.Responses
	}
	r := responseOf(set, f.kind)
	res := httpevent.Response{Status: f.status, Header: http.Header{}}
	if n, err := strconv.Atoi(aws.ToString(r.StatusCode)); err == nil && (f.status == 0 || !r.DefaultResponse) {
		res.Status = n
	}
	kind, template := "application/json", bodyDefault
	for _, name := range []string{"application/json", "text/plain", "text/html", "application/xml"} {
		if t, ok := r.ResponseTemplates[name]; ok {
			kind, template = name, t
			break
		}
	}
	if f.code == lambda.CodeAccessDenied && r.DefaultResponse && template == bodyDefault {
		template = bodyDenied
	}
	res.Header.Set("Content-Type", kind)
	res.Header.Set("X-Amzn-Errortype", f.code)
	for name, source := range r.ResponseParameters {
		if value := x.parameter(source); value != "" {
			res.Header.Set(strings.TrimPrefix(name, "gatewayresponse.header."), value)
		}
	}
	quoted := "null"
	if !f.null {
		text, err := marshal(f.message)
		if err == nil {
			quoted = string(text)
		}
	}
	template = strings.NewReplacer(
		"$context.error.messageString", quoted, "$context.error.message", f.message, "$context.error.responseType", f.kind,
	).Replace(template)
	res.Body = []byte(x.render(template, ""))
	res.Write(x.w)
}
