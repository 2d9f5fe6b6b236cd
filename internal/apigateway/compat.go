package apigateway

import "github.com/hearthfaas/hearth/internal/wire"

const (
	noteAddress  = "APIs answer at http://<id>.execute-api.<region>.localhost:<port>/<stage>/ and at /_aws/execute-api/<id>/<stage>/ of this installation, without TLS."
	noteLogs     = "Access logs, detailed metrics and tracing are recorded and not written."
	noteModels   = "Models are kept and shown; bodies are not compared with them."
	noteValidate = "Parameters are checked, bodies are not."
	noteTypes    = "AWS_PROXY invokes functions, HTTP_PROXY reaches other servers: public addresses, and those of this machine when it listens on loopback only. Other AWS services and VPC links are refused."
	noteVelocity = "Templates are filled in, not run: $input.body, $input.json('$'), $input.params('…'), $context.… and $stageVariables.…; others are refused."
)

// NotesV2 say where the operations on HTTP APIs differ from AWS's. One without a note
// does not, as far as is known.
var NotesV2 = map[string]wire.Note{
	"CreateApi":         {Support: wire.Differs, Text: noteAddress + " WebSocket APIs are refused."},
	"CreateIntegration": {Support: wire.Differs, Text: noteTypes + " Mappings from bodies are refused."},
	"UpdateIntegration": {Support: wire.Differs, Text: noteTypes},
	"CreateStage":       {Support: wire.Differs, Text: noteLogs},
	"UpdateStage":       {Support: wire.Differs, Text: noteLogs},
	"CreateAuthorizer":  {Support: wire.Differs, Text: "Keys of issuers are found by discovery over https, or where oidc_keys of the configuration says."},
	"ImportApi":         {Support: wire.Differs, Text: "OpenAPI 3 and Swagger 2 in JSON or YAML; models are passed over."},
	"ReimportApi":       {Support: wire.Differs, Text: "OpenAPI 3 and Swagger 2 in JSON or YAML; models are passed over."},
}

// NotesV1 say the same of the operations on REST APIs.
var NotesV1 = map[string]wire.Note{
	"CreateRestApi":             {Support: wire.Differs, Text: noteAddress + " Names of headers in events are spelt Like-This whatever the client wrote. Private endpoints are refused; answers are not compressed."},
	"PutIntegration":            {Support: wire.Differs, Text: noteTypes + " AWS (with mappings) is refused, MOCK and HTTP have simple templates. " + noteVelocity},
	"UpdateIntegration":         {Support: wire.Differs, Text: noteTypes + " " + noteVelocity},
	"PutIntegrationResponse":    {Support: wire.Differs, Text: noteVelocity},
	"UpdateIntegrationResponse": {Support: wire.Differs, Text: noteVelocity},
	"CreateStage":               {Support: wire.Differs, Text: noteLogs + " Caches and canary releases are refused."},
	"UpdateStage":               {Support: wire.Differs, Text: noteLogs + " Caches and canary releases are refused."},
	"CreateDeployment":          {Support: wire.Differs, Text: "Canary releases are refused."},
	"FlushStageCache":           {Support: wire.Differs, Text: "There are no caches of answers; nothing is to be flushed."},
	"CreateAuthorizer":          {Support: wire.Differs, Text: "TOKEN and REQUEST; Cognito user pools are refused."},
	"CreateModel":               {Support: wire.Recorded, Text: noteModels},
	"UpdateModel":               {Support: wire.Recorded, Text: noteModels},
	"CreateRequestValidator":    {Support: wire.Differs, Text: noteValidate},
	"UpdateRequestValidator":    {Support: wire.Differs, Text: noteValidate},
	"CreateUsagePlan":           {Support: wire.Differs, Text: "What is used of a quota is written every 5 seconds; a crash forgets that much."},
	"UpdateAccount":             {Support: wire.Recorded, Text: noteLogs},
	"ImportRestApi":             {Support: wire.Differs, Text: "Swagger 2 and OpenAPI 3 in JSON or YAML; documentation is passed over."},
	"PutRestApi":                {Support: wire.Differs, Text: "Swagger 2 and OpenAPI 3 in JSON or YAML; documentation is passed over."},
}
