package logs

import "github.com/hearthfaas/hearth/internal/wire"

// Notes say where operations differ from AWS's. One without a note does not, as far
// as is known.
var Notes = map[string]wire.Note{
	"DeleteRetentionPolicy": {Support: wire.Differs, Text: "A group without a policy has the installation's own retention (log_retention), where AWS keeps events for good."},
}
