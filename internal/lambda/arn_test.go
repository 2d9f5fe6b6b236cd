package lambda

import "testing"

func TestParseFunctionRef(t *testing.T) {
	const arn = "arn:aws:lambda:us-east-1:123456789012:function:my-fn"
	tests := []struct {
		in   string
		want FunctionRef
		ok   bool
	}{
		{"my-fn", FunctionRef{Name: "my-fn"}, true},
		{"my_fn.1", FunctionRef{Name: "my_fn.1"}, true},
		{"my-fn:prod", FunctionRef{Name: "my-fn", Qualifier: "prod"}, true},
		{"my-fn:3", FunctionRef{Name: "my-fn", Qualifier: "3"}, true},
		{"my-fn:$LATEST", FunctionRef{Name: "my-fn", Qualifier: "$LATEST"}, true},
		{"function:my-fn", FunctionRef{Name: "my-fn"}, true},
		{"123456789012:function:my-fn:prod", FunctionRef{Account: "123456789012", Name: "my-fn", Qualifier: "prod"}, true},
		{"us-east-1:123456789012:function:my-fn", FunctionRef{Region: "us-east-1", Account: "123456789012", Name: "my-fn"}, true},
		{arn, FunctionRef{Region: "us-east-1", Account: "123456789012", Name: "my-fn"}, true},
		{arn + ":$LATEST", FunctionRef{Region: "us-east-1", Account: "123456789012", Name: "my-fn", Qualifier: "$LATEST"}, true},
		{"arn:aws:lambda:us-gov-west-1:123456789012:function:f", FunctionRef{Region: "us-gov-west-1", Account: "123456789012", Name: "f"}, true},
		{"", FunctionRef{}, false},
		{"invalid:function:name", FunctionRef{}, false},
		{"my fn", FunctionRef{}, false},
		{"my-fn:", FunctionRef{}, false},
		{"arn:aws:lambda:us-east-1:function:my-fn", FunctionRef{}, false},
		{"arn:aws:s3:::bucket", FunctionRef{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, ok := ParseFunctionRef(tt.in)
			if ok != tt.ok || got != tt.want {
				t.Errorf("got %+v, %v; want %+v, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

// What parses prints as an ARN that parses to the same function.
func FuzzParseFunctionRef(f *testing.F) {
	for _, s := range []string{"f", "f:1", "1:f", "arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST", "us-east-1:123456789012:function:f", "function:f:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ref, ok := ParseFunctionRef(s)
		if !ok {
			return
		}
		if ref.Name == "" {
			t.Fatalf("%q parses to a function without a name", s)
		}
		id := FunctionID{Account: "123456789012", Region: "us-east-1", Name: ref.Name}
		again, ok := ParseFunctionRef(id.QualifiedARN(ref.Qualifier))
		if !ok || again.Name != ref.Name || again.Qualifier != ref.Qualifier {
			t.Fatalf("%q gives %+v, whose ARN gives %+v, %v", s, ref, again, ok)
		}
	})
}
