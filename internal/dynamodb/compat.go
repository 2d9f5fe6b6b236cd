package dynamodb

import "github.com/hearthfaas/hearth/internal/wire"

const (
	noThrottling = "Provisioned and on-demand limits of throughput are kept and shown; nothing is throttled by them."
	alwaysFresh  = "Reads are always consistent; one that does not ask for it is counted at half the units."
)

// Notes say where operations differ from AWS's. One without a note does not, as far as
// is known.
var Notes = map[string]wire.Note{
	"CreateTable":               {Support: wire.Differs, Text: "The table can be used at once. " + noThrottling + " Encryption with a KMS key is kept and shown. Replicas and vector indexes are answered NotImplementedException."},
	"UpdateTable":               {Support: wire.Differs, Text: "Settings change at once; a new index is built in the background. " + noThrottling + " Replicas are answered NotImplementedException."},
	"GetItem":                   {Support: wire.Differs, Text: alwaysFresh},
	"BatchGetItem":              {Support: wire.Differs, Text: alwaysFresh + " Keys are left unprocessed only when the answer reaches 16 MB."},
	"BatchWriteItem":            {Support: wire.Differs, Text: "The whole batch is one transaction, and nothing is left unprocessed."},
	"Query":                     {Support: wire.Differs, Text: alwaysFresh + " Global indexes are never behind their table."},
	"Scan":                      {Support: wire.Differs, Text: alwaysFresh + " Global indexes are never behind their table."},
	"TransactWriteItems":        {Support: wire.Differs, Text: "Transactions wait for one another, so none is cancelled for a conflict."},
	"PutItem":                   {Support: wire.Differs, Text: "The size of an item collection is always estimated as less than 1 GB; there is no limit of 10 GB."},
	"UpdateItem":                {Support: wire.Differs, Text: "The size of an item collection is always estimated as less than 1 GB; there is no limit of 10 GB."},
	"DeleteItem":                {Support: wire.Differs, Text: "The size of an item collection is always estimated as less than 1 GB."},
	"UpdateTimeToLive":          {Support: wire.Differs, Text: "Items go within a minute of their time; AWS takes up to days. It can be changed again at once."},
	"DescribeContinuousBackups": {Support: wire.Differs, Text: "There are no backups: it says that they are disabled."},
	"UpdateContinuousBackups":   {Support: wire.Differs, Text: "Point-in-time recovery cannot be enabled; disabling it is accepted."},
	"PutResourcePolicy":         {Support: wire.Differs, Text: "A policy that would lock its own author out is not refused."},
	"DescribeLimits":            {Support: wire.Differs, Text: "AWS's usual quotas; nothing is throttled by them."},
	"DescribeEndpoints":         {Support: wire.Differs, Text: "The address by which the caller reached Hearth."},
	"DescribeStream":            {Support: wire.Differs, Text: "A stream has one open shard, which is closed and followed by another after four hours."},
}
