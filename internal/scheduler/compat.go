package scheduler

import "github.com/hearthfaas/hearth/internal/wire"

const targetsNote = "Targets are functions, queues, topics, event buses, and universal targets of the services that this node serves; others are refused. A KMS key is recorded and encrypts nothing."

// Notes say where operations differ from AWS's. One without a note does not, as far
// as is known.
var Notes = map[string]wire.Note{
	"CreateSchedule": {Support: wire.Differs, Text: targetsNote + " Of the moments that pass while Hearth is not running the last is run at the next start, once, unless it is older than MaximumEventAgeInSeconds."},
	"UpdateSchedule": {Support: wire.Differs, Text: targetsNote},
}
