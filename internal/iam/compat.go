package iam

import "github.com/hearthfaas/hearth/internal/wire"

// Notes say where operations of IAM and STS differ from AWS's. One without a note
// does not, as far as is known.
var Notes = map[string]wire.Note{
	"AssumeRoleWithWebIdentity":   {Support: wire.Differs, Text: "Tokens are checked with keys that the installation was given; none are fetched from elsewhere by default."},
	"ListInstanceProfilesForRole": {Support: wire.Differs, Text: "There are no instance profiles: the list is empty."},
}
