package s3

import "github.com/hearthfaas/hearth/internal/wire"

// Names are the operations that are served. Forms (POST Object) are served too; they
// are no operation of AWS's SDKs.
func Names() []string {
	names := make([]string, len(operations))
	for i := range operations {
		names[i] = operations[i].name
	}
	return names
}

const (
	classesAlike   = "Storage classes are kept and shown, all objects lie alike; those that need a restore (GLACIER, DEEP_ARCHIVE) are refused. Server-side encryption is shown as asked for and done by nobody; keys of the customer (SSE-C), Object Lock and ACLs that grant something are refused."
	wholeListOnly  = "ACLs are not evaluated: it has the owner's FULL_CONTROL alone."
	ownerAlone     = "Only what grants the owner FULL_CONTROL and nobody else anything is accepted; bucket policies grant."
	neverThere     = "There is none."
	nothingFollows = "Kept and shown; nothing follows from it."
)

// Notes say where operations differ from AWS's. One without a note does not, as far
// as is known.
var Notes = map[string]wire.Note{
	"CreateBucket":                       {Support: wire.Differs, Text: "With Object Lock it is refused; directory buckets are not served. A bucket answers requests that were signed for another region, where AWS redirects them."},
	"CopyObject":                         {Support: wire.Differs, Text: classesAlike},
	"CreateMultipartUpload":              {Support: wire.Differs, Text: classesAlike},
	"PutObject":                          {Support: wire.Differs, Text: classesAlike},
	"CompleteMultipartUpload":            {Support: wire.Differs, Text: "A completion that is sent again is answered as the first for an hour, then NoSuchUpload; AWS does not say for how long."},
	"GetBucketAcl":                       {Support: wire.Differs, Text: wholeListOnly},
	"GetObjectAcl":                       {Support: wire.Differs, Text: wholeListOnly},
	"PutBucketAcl":                       {Support: wire.Differs, Text: ownerAlone},
	"PutObjectAcl":                       {Support: wire.Differs, Text: ownerAlone},
	"PutBucketVersioning":                {Support: wire.Differs, Text: "MFA delete is refused."},
	"PutBucketLifecycleConfiguration":    {Support: wire.Differs, Text: "Expirations, noncurrent versions and unfinished uploads are acted on, every hour where AWS does it once a day; transitions are kept and have no effect."},
	"PutBucketNotificationConfiguration": {Support: wire.Differs, Text: "Events of restores, replication, transitions and intelligent tiering can be asked for and do not happen."},
	"GetBucketReplication":               {Support: wire.Unavailable, Text: neverThere},
	"GetObjectLockConfiguration":         {Support: wire.Unavailable, Text: neverThere},
	"PutBucketEncryption":                {Support: wire.Recorded, Text: nothingFollows},
	"PutBucketWebsite":                   {Support: wire.Recorded, Text: nothingFollows},
	"PutBucketLogging":                   {Support: wire.Recorded, Text: nothingFollows},
	"PutBucketAccelerateConfiguration":   {Support: wire.Recorded, Text: nothingFollows},
	"PutBucketRequestPayment":            {Support: wire.Recorded, Text: nothingFollows},
	"PutBucketOwnershipControls":         {Support: wire.Differs, Text: "Says whether a grant by ACL is refused in AWS's words or as not served."},
	"PutPublicAccessBlock":               {Support: wire.Differs, Text: "BlockPublicPolicy and RestrictPublicBuckets are held to; there are no public ACLs to block."},
}
