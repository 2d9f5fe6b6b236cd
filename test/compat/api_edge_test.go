package compat

import (
	"net/http"
	"strings"
	"testing"
)

// TestAPITakesWhatClientsSend has requests in forms that clients other than this SDK
// use.
func TestAPITakesWhatClientsSend(t *testing.T) {
	a := serve(t)
	a.function("f")
	for _, tc := range []struct {
		name   string
		in     request
		status int
	}{
		{"a slash at the end", request{"GET", "/2015-03-31/functions/", ""}, 200},
		{"no slash at the end", request{"GET", "/2015-03-31/functions", ""}, 200},
		{"an encoded ARN", request{"GET", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af", ""}, 200},
		{"a plain ARN", request{"GET", "/2015-03-31/functions/" + apiPrefix + "function:f", ""}, 200},
		{"a partial ARN", request{"GET", "/2015-03-31/functions/000000000000:function:f", ""}, 200},
		{"a region and no ARN", request{"GET", "/2015-03-31/functions/us-east-1:000000000000:function:f", ""}, 200},
		{"function: and a name", request{"GET", "/2015-03-31/functions/function:f", ""}, 200},
		{"members that are null or unknown", request{"PUT", "/2017-10-31/functions/f/concurrency", `{"ReservedConcurrentExecutions":1,"Unknown":{"a":[1]},"FunctionName":null}`}, 200},
		{"a body where none belongs", request{"GET", "/2019-09-30/functions/f/concurrency", `{"a":1}`}, 200},
		{"tag keys that need encoding", request{"DELETE", "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af?tagKeys=a%2Fb&tagKeys=c+d", ""}, 204},
		{"find=LayerVersion, which is another operation on the path of ListLayers", request{"GET", "/2018-10-31/layers?find=LayerVersion&Arn=arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Alayer%3Al%3A1", ""}, 404},
		{"List=ALL, which is another operation on the path of GetProvisionedConcurrencyConfig", request{"GET", "/2019-09-30/functions/f/provisioned-concurrency?List=ALL", ""}, 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := a.call(tc.in); a.wire.answer().status != tc.status {
				t.Errorf("status %d (%v), want %d\n%s", a.wire.answer().status, err, tc.status, a.wire.answer().body)
			}
			headers(t, a.wire.answer())
		})
	}
}

func TestAPIRefusesWhatIsNoRequest(t *testing.T) {
	a := serve(t)
	a.function("f")
	for _, tc := range []struct {
		name   string
		in     request
		status int
		code   string
	}{
		{"half a body", request{"POST", "/2015-03-31/functions", `{"FunctionName":`}, 400, "SerializationException"},
		{"a list for a body", request{"POST", "/2015-03-31/functions", `[]`}, 400, "SerializationException"},
		{"text for a number", request{"PUT", "/2017-10-31/functions/f/concurrency", `{"ReservedConcurrentExecutions":"many"}`}, 400, "SerializationException"},
		{"a package that is not base64", request{"PUT", "/2015-03-31/functions/f/code", `{"ZipFile":"%%%"}`}, 400, "SerializationException"},
		{"no number in the query", request{"GET", "/2015-03-31/functions?MaxItems=x", ""}, 400, "SerializationException"},
		{"too many items", request{"GET", "/2015-03-31/functions?MaxItems=10001", ""}, 400, "ValidationException"},
		{"a marker that is none", request{"GET", "/2015-03-31/functions?Marker=%25", ""}, 400, "InvalidParameterValueException"},
		{"a path that is none", request{"GET", "/2015-03-31/nothing", ""}, 404, "UnknownOperationException"},
		{"a method that is none", request{"PATCH", "/2015-03-31/functions", ""}, 405, "UnknownOperationException"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := a.call(tc.in); err == nil {
				t.Fatalf("went well: %s", a.wire.answer().body)
			}
			got := a.wire.answer()
			if code := got.header.Get("X-Amzn-Errortype"); got.status != tc.status || code != tc.code {
				t.Errorf("got %d %s, want %d %s\n%s", got.status, code, tc.status, tc.code, got.body)
			}
			headers(t, got)
		})
	}
	t.Run("no signature", func(t *testing.T) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.endpoint+"/2015-03-31/functions", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.wire.Do(req); err != nil {
			t.Fatal(err)
		}
		got := a.wire.answer()
		if got.status != 403 || got.header.Get("X-Amzn-Errortype") != "MissingAuthenticationTokenException" || got.body != `{"message":"Missing Authentication Token"}` {
			t.Errorf("got %d %v %s", got.status, got.header, got.body)
		}
	})
	t.Run("a package that is too large", func(t *testing.T) {
		body := `{"ZipFile":"` + strings.Repeat("A", 70167211) + `"}`
		_ = a.call(request{"PUT", "/2015-03-31/functions/f/code", body})
		got := a.wire.answer()
		if got.status != 413 || got.body != `{"message":"Request must be smaller than 70167211 bytes for the UpdateFunctionCode operation"}` {
			t.Errorf("got %d %s", got.status, got.body)
		}
	})
}

// TestAPIHasNoWordForOtherAccounts holds what callers of another account are told: the
// whole refusal where a resource policy could let them in, nothing elsewhere.
func TestAPIHasNoWordForOtherAccounts(t *testing.T) {
	a := serve(t)
	const stranger = "/2015-03-31/functions/arn:aws:lambda:us-east-1:999999999999:function:f"
	for _, tc := range []struct {
		name, method, path, body string
		want                     string
	}{
		{"GetFunction", "GET", stranger, "", `{"Message":"User: arn:aws:iam::000000000000:root is not authorized to perform: lambda:GetFunction on resource: arn:aws:lambda:us-east-1:999999999999:function:f because no resource-based policy allows the lambda:GetFunction action"}`},
		{"UpdateFunctionConfiguration", "PUT", stranger + "/configuration", "{}", `{"Message":null}`},
		{"AddPermission", "POST", stranger + "/policy", `{"StatementId":"s","Action":"lambda:InvokeFunction","Principal":"*"}`, `{"Message":null}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_ = a.call(request{tc.method, tc.path, tc.body})
			if got := a.wire.answer(); got.status != 403 || got.body != tc.want {
				t.Errorf("got %d %s, want %s", got.status, got.body, tc.want)
			}
		})
	}
}
