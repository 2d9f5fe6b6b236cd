package eventsource

import (
	"maps"
	"slices"
	"testing"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func TestAnswersAreReadAsAWSDocumentsThem(t *testing.T) {
	known := func(id string) bool { return id == "a" || id == "b" }
	for name, c := range map[string]struct {
		payload string
		failed  bool
		items   []string
	}{
		"null":                         {payload: `null`},
		"an empty object":              {payload: `{}`},
		"no list":                      {payload: `{"statusCode":200}`},
		"a null list":                  {payload: `{"batchItemFailures":null}`},
		"an empty list":                {payload: `{"batchItemFailures":[]}`},
		"one":                          {payload: `{"batchItemFailures":[{"itemIdentifier":"a"}]}`, items: []string{"a"}},
		"two, one of them twice":       {payload: `{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"},{"itemIdentifier":"a"}]}`, items: []string{"a", "b"}},
		"white space":                  {payload: " null\n"},
		"nothing":                      {payload: ``, failed: true},
		"no JSON":                      {payload: `ok`, failed: true},
		"a text":                       {payload: `"ok"`, failed: true},
		"a list":                       {payload: `[]`, failed: true},
		"an empty identifier":          {payload: `{"batchItemFailures":[{"itemIdentifier":""}]}`, failed: true},
		"a null identifier":            {payload: `{"batchItemFailures":[{"itemIdentifier":null}]}`, failed: true},
		"a number for an identifier":   {payload: `{"batchItemFailures":[{"itemIdentifier":1}]}`, failed: true},
		"another key":                  {payload: `{"batchItemFailures":[{"foo":"a"}]}`, failed: true},
		"a null item":                  {payload: `{"batchItemFailures":[null]}`, failed: true},
		"texts for items":              {payload: `{"batchItemFailures":["a"]}`, failed: true},
		"a text for the list":          {payload: `{"batchItemFailures":"a"}`, failed: true},
		"an unknown identifier":        {payload: `{"batchItemFailures":[{"itemIdentifier":"c"}]}`, failed: true},
		"a known and an unknown":       {payload: `{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"c"}]}`, failed: true},
		"other members beside the key": {payload: `{"batchItemFailures":[{"itemIdentifier":"a","why":{}}],"x":1}`, items: []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Judge(&lambda.Result{Payload: []byte(c.payload)}, true, known)
			if got.Failed != c.failed || !slices.Equal(slices.Sorted(maps.Keys(got.Items)), c.items) {
				t.Errorf("got %+v", got)
			}
			if got := Judge(&lambda.Result{Payload: []byte(c.payload)}, false, known); got.Failed || len(got.Items) > 0 {
				t.Errorf("without ReportBatchItemFailures: %+v", got)
			}
			if got := Judge(&lambda.Result{Payload: []byte(c.payload), FunctionError: lambda.Unhandled}, true, known); !got.Failed {
				t.Error("a function's error is no success")
			}
		})
	}
}

func FuzzJudge(f *testing.F) {
	f.Add([]byte(`{"batchItemFailures":[{"itemIdentifier":"a"}]}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`{"batchItemFailures":[{"itemIdentifier":"\u0061"}]}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		a := Judge(&lambda.Result{Payload: payload}, true, func(id string) bool { return id == "a" })
		if a.Failed && len(a.Items) > 0 {
			t.Error("failed as a whole and in parts")
		}
		for id := range a.Items {
			if id != "a" {
				t.Errorf("%q is not in the batch", id)
			}
		}
	})
}
