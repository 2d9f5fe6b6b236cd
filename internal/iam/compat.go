package iam

import "github.com/hearthfaas/hearth/internal/wire"

// Notes say where operations of IAM and STS differ from AWS's. One without a note
// does not, as far as is known.
var Notes = map[string]wire.Note{
	"DecodeAuthorizationMessage":  {Support: wire.Differs, Text: "Every refusal carries its message in the header X-Hearth-Authorization-Message; a matched statement is told by policy and place."},
	"AssumeRoleWithWebIdentity":   {Support: wire.Differs, Text: "The signing keys of an issuer can be given in a file, so that it need not be reachable."},
	"ListInstanceProfilesForRole": {Support: wire.Differs, Text: "There are no instance profiles: the list is empty."},
}
