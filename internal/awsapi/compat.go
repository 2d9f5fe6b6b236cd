package awsapi

import "github.com/hearthfaas/hearth/internal/wire"

// Invokes are the operations of Lambda that the edge serves by hand and no list of
// operations has.
var Invokes = []string{"Invoke", "InvokeWithResponseStream"}

// Notes say where the invoke operations differ from AWS's.
var Notes = map[string]wire.Note{
	"Invoke":      {Support: wire.Differs, Text: "A cold start's parts are told in the header X-Hearth-Coldstart. There are no durable executions."},
	"InvokeAsync": {Support: wire.Differs, Text: "The same as Invoke with the type Event; the permission is lambda:InvokeFunction."},
}
