package eventsource

import (
	"bytes"
	"encoding/json"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Answer is what a function's result says of its batch.
type Answer struct {
	// Failed says that the batch as a whole failed.
	Failed bool
	// Items are the identifiers that the function reported as failed, each known to
	// the batch and named once; the others succeeded. It is empty when Failed is set.
	Items map[string]bool
}

// Judge reads a result. partial is ReportBatchItemFailures, without which an answer
// means nothing; known says whether a record of the batch has an identifier. What
// cannot be understood is the failure of all (Lambda developer guide, "Success and
// failure conditions").
func Judge(r *lambda.Result, partial bool, known func(id string) bool) Answer {
	if r.FunctionError != "" {
		return Answer{Failed: true}
	}
	if !partial {
		return Answer{}
	}
	items, ok := reported(r.Payload)
	if !ok {
		return Answer{Failed: true}
	}
	a := Answer{Items: make(map[string]bool, len(items))}
	for _, id := range items {
		if !known(id) {
			return Answer{Failed: true}
		}
		a.Items[id] = true
	}
	return a
}

// reported are the identifiers in an answer such as
// {"batchItemFailures":[{"itemIdentifier":"id"}]}; ok is false when it has not the
// shape.
func reported(payload []byte) (ids []string, ok bool) {
	if bytes.Equal(bytes.TrimSpace(payload), []byte("null")) {
		return nil, true
	}
	var answer map[string]json.RawMessage
	if json.Unmarshal(payload, &answer) != nil {
		return nil, false
	}
	failures, ok := answer["batchItemFailures"]
	if !ok {
		return nil, true
	}
	var items []map[string]any
	if json.Unmarshal(failures, &items) != nil {
		return nil, false
	}
	for _, item := range items {
		id, _ := item["itemIdentifier"].(string) // missing, null and other types are as empty
		if id == "" {
			return nil, false
		}
		ids = append(ids, id)
	}
	return ids, true
}
