package openapi

import "testing"

func TestBasePaths(t *testing.T) {
	for _, c := range []struct{ doc, how, path, want string }{
		{`{"swagger":"2.0","basePath":"/a/b","paths":{}}`, "ignore", "/x", "/x"},
		{`{"swagger":"2.0","basePath":"/a/b","paths":{}}`, "prepend", "/x", "/a/b/x"},
		{`{"swagger":"2.0","basePath":"/a/b","paths":{}}`, "split", "/x", "/b/x"},
		{`{"openapi":"3.0.1","servers":[{"url":"https://h/{basePath}","variables":{"basePath":{"default":"v1"}}}]}`, "prepend", "/", "/v1"},
		{"openapi: 3.1.0\nservers:\n- url: https://host/one/\n", "prepend", "/x", "/one/x"},
		{`{"openapi":"3.0.1"}`, "prepend", "/x", "/x"},
	} {
		d, err := Parse([]byte(c.doc))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := d.Based(c.path, c.how); err != nil || got != c.want {
			t.Errorf("%s %s: got %q %v, want %q", c.doc, c.how, got, err, c.want)
		}
	}
}

func TestDocumentsThatAreNone(t *testing.T) {
	for _, bad := range []string{``, `[]`, `{}`, `{"swagger":"1.2"}`, "\t", `{"openapi":"3.0.0","paths":{"x":{}}}`, `{"openapi":"3.0.0","paths":{"/x":{"get":[]}}}`, `{"openapi":"3.0.0","paths":{"/x":{"get":{"x-amazon-apigateway-integration":{"$ref":"#/components/x-amazon-apigateway-integrations/none"}}}}}`} {
		if d, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%q: got %+v", bad, d)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"openapi":"3.0.1","info":{"title":"t","version":1},"paths":{"/a":{"get":{"responses":{"200":{"headers":{}}},"x-amazon-apigateway-integration":{"type":"aws_proxy"}}}}}`))
	f.Add([]byte("swagger: '2.0'\npaths:\n  /a:\n    get:\n      responses:\n        200: {}\n      security:\n      - key: []\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := Parse(body)
		if (d == nil) == (err == nil) {
			t.Errorf("got %v, %v", d, err)
		}
	})
}
