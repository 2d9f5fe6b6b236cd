package sqs

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// A URL of a queue leads to the queue of the URL's path and no other.
func FuzzQueueURL(f *testing.F) {
	for _, s := range []string{"http://h/123456789012/q", "q", "123456789012/q", "/", "http://", "://", "http://h//q", "http://h/queue/eu/123456789012/q/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, url string) {
		n, ok := parseURL(caller(account), url)
		if !ok {
			return
		}
		if n.Name == "" || strings.Contains(n.Name, "/") || !accountPattern.MatchString(n.Account) || n.Region != region {
			t.Fatalf("%q is %+v", url, n)
		}
		again, ok := parseURL(caller(account), *urlOf(caller(account), n))
		if !ok || again != n {
			t.Fatalf("%q is %+v, and its URL %+v", url, n, again)
		}
		if parsed, ok := parseARN(arnOf(n)); ok && parsed != n {
			t.Fatalf("%+v has the ARN of %+v", n, parsed)
		}
	})
}

// What is read back of a redrive policy means the same as what was set.
func FuzzRedrivePolicy(f *testing.F) {
	for _, s := range []string{redriveTo("dead", 3), `{"maxReceiveCount":3,"deadLetterTargetArn":"arn:aws:sqs:a:b:c"}`, "{}", "null", `{"maxReceiveCount":"\"3"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parseAllow(text)
		p, reason := parseRedrive(text)
		if (p == nil) == (reason == "") {
			t.Fatalf("%q: %v, %q", text, p, reason)
		}
		if p == nil {
			return
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again, reason := parseRedrive(string(b))
		if reason != "" || *again != *p {
			t.Fatalf("%q is %+v, and %s is %+v, %s", text, p, b, again, reason)
		}
	})
}

// A handle names a task or is refused.
func FuzzTaskHandle(f *testing.F) {
	f.Add(*(&task{ID: "x"}).handle())
	f.Add("e30=")
	f.Fuzz(func(t *testing.T, text string) {
		if source, id, ok := parseHandle(text); ok && (source == "" || id == "") {
			t.Fatalf("%q: %q, %q", text, source, id)
		}
	})
}

// Attributes that are accepted are counted and digested whole.
func FuzzAttributes(f *testing.F) {
	f.Add("name", "String", "value")
	f.Add("n.of", "Number.int", "-1e5")
	f.Add("AWS.x", "Binary", "")
	f.Fuzz(func(t *testing.T, name, dataType, value string) {
		in := map[string]types.MessageAttributeValue{name: {DataType: &dataType, StringValue: &value}}
		if isBinary(dataType) {
			in[name] = types.MessageAttributeValue{DataType: &dataType, BinaryValue: []byte(value)}
		}
		out, size, err := readAttributes(in)
		if err != nil {
			return
		}
		if size != len(name)+len(dataType)+len(value) || string(out[name].Value) != value || len(*md5OfAttributes(out)) != 32 {
			t.Fatalf("%q %q %q: %d %+v", name, dataType, value, size, out)
		}
		if strings.HasPrefix(name, ownPrefix) {
			t.Fatalf("%q is SQS's own", name)
		}
	})
}
