package eventbridge

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

var sample = header{
	ID: "i", DetailType: "T", Source: "shop", Account: "1", Region: "r", Time: time.Unix(0, 0), Ingested: time.Unix(60, 0), Resources: []string{"a", "b"},
}

const sampleDetail = `{"state":"running \"fast\"","n":1.50,"ok":true,"none":null,"o":{"k":"v"},"list":[{"x":1},{"x":2},{"y":3}],"a b":"c"}`

func TestWhatATargetReads(t *testing.T) {
	paths := map[string]string{
		"state": "$.detail.state", "n": "$.detail.n", "o": "$.detail.o", "list": "$.detail.list", "absent": "$.detail.absent", "none": "$.detail.none",
	}
	transform := func(template string) targetRecord {
		return targetRecord{Transform: &transformerRecord{Paths: paths, Template: template}}
	}
	tests := []struct {
		name   string
		target targetRecord
		want   string
	}{
		{"a constant", targetRecord{Input: aws.String(`{"a":1}`)}, `{"a":1}`},
		{"a member", targetRecord{InputPath: aws.String("$.detail.n")}, `1.50`},
		{"an element", targetRecord{InputPath: aws.String("$.resources[1]")}, `"b"`},
		{"an element too far", targetRecord{InputPath: aws.String("$.resources[2]")}, `null`},
		{"a member of an element", targetRecord{InputPath: aws.String("$.detail.list[1].x")}, `2`},
		{"a member of all elements", targetRecord{InputPath: aws.String("$.detail.list[*].x")}, `[1,2]`},
		{"all members", targetRecord{InputPath: aws.String("$.detail.o.*")}, `["v"]`},
		{"a member in quotes", targetRecord{InputPath: aws.String("$.detail['a b']")}, `"c"`},
		{"a name with a dash", targetRecord{InputPath: aws.String("$.detail-type")}, `"T"`},
		{"what is not there", targetRecord{InputPath: aws.String("$.nowhere.at.all")}, `null`},
		{"a text", transform(`"it is <state>, <n>, <o>, <absent>."`), `"it is running \"fast\", 1.50, {k:v}, ."`},
		{
			"JSON", transform(`{"s": <state>, "n": <n>, "o": <o>, "l": <list>, "z": <absent>, "0": <none>, "t": "<n> of <state>"}`),
			`{"s": "running \"fast\"", "n": 1.50, "o": {"k":"v"}, "l": [{"x":1},{"x":2},{"y":3}], "z": "", "0": null, "t": "1.50 of running \"fast\""}`,
		},
		{"lines", transform("\"<n>\"\n\"<state>\""), "\"1.50\"\n\"running \\\"fast\\\"\""},
		{"only a variable", transform(`<o>`), `{"k":"v"}`},
		{
			"the rule", transform(`{"r": <aws.events.rule-name>, "a": "<aws.events.rule-arn>", "t": <aws.events.event.ingestion-time>}`),
			`{"r": "x", "a": "arn:aws:events:r:1:rule/x", "t": "1970-01-01T00:01:00Z"}`,
		},
		{
			"the event without its detail", transform(`{"e": <aws.events.event>}`),
			`{"e": {"version":"0","id":"i","detail-type":"T","source":"shop","account":"1","time":"1970-01-01T00:00:00Z","region":"r","resources":["a","b"]}}`,
		},
		{"no variable", transform(`{"a": "<not a variable>"}`), `{"a": "<not a variable>"}`},
	}
	r := &rule{bus: busKey{"1", "r", defaultBus}, record: ruleRecord{Name: "x"}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in, err := newInput(&test.target)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(in.apply(r, &sample, []byte(sampleDetail))); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestTheWholeEventIsTheDefault(t *testing.T) {
	in, err := newInput(&targetRecord{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(in.apply(nil, &sample, []byte(`{}`))), string(sample.encode([]byte(`{}`))); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzInput(f *testing.F) {
	f.Add("$.detail.list[*].x", `{"s":<a>,"t":"<a> <aws.events.event>"}`, sampleDetail)
	f.Add("$['a b'][0]", `"<a>\"<a>`, `{"a":[`)
	r := &rule{bus: busKey{"1", "r", defaultBus}}
	f.Fuzz(func(_ *testing.T, path, template, detail string) {
		text, ok := compact(detail)
		if !ok {
			return
		}
		for _, target := range []targetRecord{
			{InputPath: &path}, {Transform: &transformerRecord{Paths: map[string]string{"a": path}, Template: template}},
		} {
			if in, err := newInput(&target); err == nil {
				in.apply(r, &sample, text)
			}
		}
	})
}

func TestDecisions(t *testing.T) {
	l := limits{retries: 2, age: time.Hour}
	tests := []struct {
		name     string
		age      time.Duration
		attempts int
		final    bool
		spread   float64
		want     verdict
	}{
		{"the first failure", 0, 1, false, 0, verdict{again: true, delay: time.Second}},
		{"waits double", 0, 2, false, 0, verdict{again: true, delay: 2 * time.Second}},
		{"and are spread", 0, 2, false, 1, verdict{again: true, delay: time.Second}},
		{"a refusal for good", 0, 1, true, 0, verdict{}},
		{"one retry too many", 0, 3, false, 0, verdict{condition: endedByRetries}},
		{"too old by then", time.Hour - time.Second, 1, false, 0, verdict{condition: endedByAge}},
	}
	for _, test := range tests {
		if got := decide(test.age, test.attempts, test.final, l, test.spread); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
	if got := backOff(1000, 0); got != backOffMax {
		t.Errorf("the longest wait is %v", got)
	}
}
