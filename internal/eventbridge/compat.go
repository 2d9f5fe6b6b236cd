package eventbridge

import "github.com/hearthfaas/hearth/internal/wire"

const (
	noteBus     = "Keys of KMS and partner event sources are refused; log and dead-letter settings are recorded only, as nothing is encrypted or logged."
	noteRule    = "A bus may have 10,000 rules where AWS begins with 300. The most alternatives that $or may make is 1,000; a rate counts from when it was set."
	noteTargets = "Targets are functions, SQS queues, SNS topics, event buses and log groups; others, API destinations among them, are refused. Log groups need to be the account's own and no resource policy."
	noteArchive = "The managed rule that AWS makes beside an archive is not there; keys of KMS are refused."
	noteReplay  = "Events come in the order of their times, one replay after another."
	notePut     = "Sources that begin with aws. are for this installation's own services; global endpoints are refused."
)

// Notes say where operations differ from AWS's. One without a note does not, as far
// as is known.
var Notes = map[string]wire.Note{
	"CreateEventBus": {Support: wire.Differs, Text: noteBus},
	"UpdateEventBus": {Support: wire.Differs, Text: noteBus},
	"PutRule":        {Support: wire.Differs, Text: noteRule},
	"PutTargets":     {Support: wire.Differs, Text: noteTargets},
	"PutEvents":      {Support: wire.Differs, Text: notePut},
	"CreateArchive":  {Support: wire.Differs, Text: noteArchive},
	"UpdateArchive":  {Support: wire.Differs, Text: noteArchive},
	"StartReplay":    {Support: wire.Differs, Text: noteReplay},
	"PutPermission":  {Support: wire.Differs, Text: "All accounts are in the organization that the configuration names, if any: aws:PrincipalOrgID is its id."},
}
