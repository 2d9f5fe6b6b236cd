package sqs

import (
	"context"
	"errors"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

const (
	// batchMax is the most entries of a batch, and batchBytesMax the most bytes that
	// its messages have together (developer guide, "Message quotas").
	batchMax      = 10
	batchBytesMax = 1 << 20
)

var batchIDPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// checkBatch checks what a batch is refused for as a whole. entry is what AWS calls
// its entries.
func checkBatch[E any](entry string, entries []E, idOf func(*E) *string) error {
	switch n := len(entries); {
	case n == 0:
		return lambda.Errorf(codeBatchEmpty, "There should be at least one %s in the request.", entry)
	case n > batchMax:
		return lambda.Errorf(codeBatchEntries, "Maximum number of entries per request are %d. You have sent %d.", batchMax, n)
	}
	seen := map[string]bool{}
	for i := range entries {
		id := aws.ToString(idOf(&entries[i]))
		if !batchIDPattern.MatchString(id) {
			return lambda.Errorf(codeBatchID,
				"A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[id] {
			return lambda.Errorf(codeBatchTwice, "Id %s repeated.", id)
		}
		seen[id] = true
	}
	return nil
}

// queryNames are the codes of entries that failed, which are those of the query
// protocol whatever protocol the batch came by.
var queryNames = map[string]string{
	codeInvalidValue: "InvalidParameterValue",
	codeMissing:      "MissingParameter",
	codeNotInFlight:  "AWS.SimpleQueueService.MessageNotInflight",
	codeUnsupported:  "AWS.SimpleQueueService.UnsupportedOperation",
}

// failed is the entry of a batch that did not succeed; the error is the whole batch's
// when it is none of the caller's.
func failed(_ context.Context, id *string, err error) (types.BatchResultErrorEntry, error) {
	e, ok := errors.AsType[*lambda.Error](err)
	if !ok {
		return types.BatchResultErrorEntry{}, err
	}
	code := e.Code
	if name, ok := queryNames[code]; ok {
		code = name
	}
	return types.BatchResultErrorEntry{Id: id, Code: aws.String(code), Message: aws.String(e.Message), SenderFault: true}, nil
}
