package relay_test

import (
	"bytes"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// A client must not be able to tell a frontend process from the control process: status,
// headers and body are compared between the two.
func TestAnswersAreThoseOfADirectCall(t *testing.T) {
	h := open(t)
	trace := "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0"
	with := func(pairs ...string) map[string]string {
		m := map[string]string{"X-Amzn-Trace-Id": trace}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	large := []byte(`"` + strings.Repeat("x", lambda.PayloadMax-2) + `"`)
	cases := []struct {
		name   string
		call   call
		status int
	}{
		{"a result", call{path: invocations("f"), payload: []byte(`{"n": 1.0}`)}, 200},
		{"of an environment of the control process", call{path: invocations("local"), payload: []byte(`{"n":2}`)}, 200},
		{"no payload", call{path: invocations("f")}, 200},
		{"no payload, locally", call{path: invocations("local")}, 200},
		{"no answer", call{path: invocations("silent"), payload: []byte(`1`)}, 200},
		{"no answer, locally", call{path: invocations("local-silent"), payload: []byte(`1`)}, 200},
		{"a payload of unknown length", call{path: invocations("f"), payload: []byte(`{"n":3}`), chunked: true}, 200},
		{"the largest payload", call{path: invocations("f"), payload: large}, 200},
		{"the largest payload, locally", call{path: invocations("local"), payload: large}, 200},
		{"a failed function", call{path: invocations("failing"), payload: []byte(`{}`)}, 200},
		{"a failed function, locally", call{path: invocations("local-failing"), payload: []byte(`{}`)}, 200},
		{"a cold start", call{path: invocations("cold"), payload: []byte(`{}`)}, 200},
		{"a log tail and a client context", call{path: invocations("f"), payload: []byte(`{}`), header: with("X-Amz-Log-Type", "Tail", "X-Amz-Client-Context", "eyJhIjoiXHUwMGU0In0=")}, 200},
		{"a qualifier", call{path: invocations("f") + "?Qualifier=$LATEST", payload: []byte(`{}`)}, 200},
		{"the explicit type", call{path: invocations("f"), payload: []byte(`{}`), header: with("X-Amz-Invocation-Type", "RequestResponse")}, 200},
		{"the slash of older SDKs", call{path: invocations("f") + "/", payload: []byte(`{}`)}, 200},
		{"a full ARN", call{path: invocations("arn%3Aaws%3Alambda%3Aeu-west-1%3A000000000000%3Afunction%3Af"), payload: []byte(`{}`)}, 200},
		{"an event", call{path: invocations("f"), payload: []byte(`{"e":1}`), header: with("X-Amz-Invocation-Type", "Event")}, 202},
		{"a dry run", call{path: invocations("f"), payload: []byte(`{}`), header: with("X-Amz-Invocation-Type", "DryRun")}, 204},
		{"no such type", call{path: invocations("f"), payload: []byte(`{}`), header: with("X-Amz-Invocation-Type", "Never")}, 400},
		{"no such log type", call{path: invocations("f"), payload: []byte(`{}`), header: with("X-Amz-Log-Type", "All")}, 400},
		{"no JSON", call{path: invocations("f"), payload: []byte("{\n  nope")}, 400},
		{"JSON that breaks off", call{path: invocations("f"), payload: []byte(`{"a":`)}, 400},
		{"a payload of bytes that are no text", call{path: invocations("f"), payload: []byte{0xff, 0xfe}}, 400},
		{"too large a payload", call{path: invocations("f"), payload: append(large, ' ')}, 413},
		{"much too large a payload", call{path: invocations("f"), payload: bytes.Repeat([]byte(" "), lambda.PayloadMax+3<<20)}, 413},
		{"much too large and of unknown length", call{path: invocations("f"), payload: bytes.Repeat([]byte(" "), lambda.PayloadMax+3<<20), chunked: true}, 413},
		{"a bad client context", call{path: invocations("f"), payload: []byte(`{}`), header: with("X-Amz-Client-Context", "!")}, 400},
		{"a throttled function", call{path: invocations("throttled"), payload: []byte(`{}`)}, 429},
		{"a missing function", call{path: invocations("missing"), payload: []byte(`{}`)}, 404},
		{"a forbidden function", call{path: invocations("secret"), payload: []byte(`{}`)}, 403},
		{"a name that is none", call{path: invocations("no%20name"), payload: []byte(`{}`)}, 400},
		{"another region", call{path: invocations("arn%3Aaws%3Alambda%3Aus-west-2%3A000000000000%3Afunction%3Af"), payload: []byte(`{}`)}, 404},
		{"a platform that fails", call{path: invocations("broken"), payload: []byte(`{}`)}, 500},
		{"a worker that does not take it", call{path: invocations("undelivered"), payload: []byte(`{}`)}, 500},
		{"a wrong signature", call{path: invocations("f"), payload: []byte(`{}`), secret: "wrong"}, 403},
		{"a payload that was changed", call{path: invocations("f"), payload: []byte(`{}`), tamper: func(r *http.Request) {
			r.Header.Set("X-Amz-Date", "20200101T000000Z")
		}}, 403},
		{"a hash of another payload", call{path: invocations("f"), payload: []byte(`{}`), header: with("X-Amz-Content-Sha256", strings.Repeat("0", 64))}, 403},
		{"a payload that is not signed", call{path: invocations("f"), payload: []byte(`{}`), unsigned: true}, 403},
		{"headers of other proxies", call{path: invocations("f"), payload: []byte(`{}`), header: with("X-Forwarded-For", "9.9.9.9", "Forwarded", "for=8.8.8.8", "Hearth-Client", "7.7.7.7:1")}, 200},
		{"a header that is no UTF-8", call{path: invocations("f"), payload: []byte(`{}`), header: with("X-Other", "\xe4\xff")}, 200},
		{"a site", call{path: "/some//where/%2Fa?b=1&a=2;c", payload: []byte("plain"), host: "site.test", header: with("X-Forwarded-For", "9.9.9.9")}, 200},
		{"a site at the path of an invoke", call{path: invocations("f"), payload: []byte("no JSON"), host: "site.test"}, 200},
		{"a site at that path with much", call{path: invocations("f"), payload: bytes.Repeat([]byte("x"), 9<<20), host: "site.test"}, 200},
		{"a site at that path with much in pieces", call{path: invocations("f"), payload: bytes.Repeat([]byte("x"), 9<<20), host: "site.test", chunked: true}, 200},
		{"another operation", call{method: "GET", path: "/2015-03-31/functions/f/configuration"}, 501},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.call.header == nil {
				c.call.header = with()
			}
			want, got := c.call.send(t, h.direct), c.call.send(t, h.via)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("through a frontend:\n%+v\ndirect:\n%+v", short(got), short(want))
			}
			if got.Status != c.status {
				t.Errorf("status %d, want %d: %+v", got.Status, c.status, short(got))
			}
		})
	}
}

func short(r result) result {
	r.Body = r.Body[:min(len(r.Body), 500)]
	return r
}
