package policy

import "testing"

func TestPatternMatches(t *testing.T) {
	tests := []struct {
		name    string
		pattern string
		text    string
		fold    bool
		want    bool
	}{
		{"a plain text matches itself", "GetObject", "GetObject", false, true},
		{"a plain text does not match a longer one", "GetObject", "GetObjectAcl", false, false},
		{"case matters", "GetObject", "getobject", false, false},
		{"case does not matter in actions", "lambda:Invoke*", "LAMBDA:invokeFunction", true, true},
		{"a star matches nothing", "Get*", "Get", false, true},
		{"a star in the middle", "Get*Acl", "GetObjectVersionAcl", false, true},
		{"a star in the middle needs its end", "Get*Acl", "GetObject", false, false},
		{"two stars go back", "a*b*c", "aXbXbXc", false, true},
		{"stars that overlap", "*aab", "aaab", false, true},
		{"a question mark is one character", "v?", "v1", false, true},
		{"a question mark is not none", "v?", "v", false, false},
		{"a question mark is not two", "v?", "v12", false, false},
		{"a question mark is one character of any width", "v?", "vé", false, true},
		{"only stars match everything", "**", "anything:at all", false, true},
		{"an empty pattern matches the empty text", "", "", false, true},
		{"an empty pattern matches nothing else", "", "x", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := compilePattern(tt.pattern, syntax{wildcards: true, fold: tt.fold})
			got, known := p.match(&evaluation{request: &Request{}}, tt.text)
			if got != tt.want || !known {
				t.Errorf("%q on %q: got %v (known %v), want %v", tt.pattern, tt.text, got, known, tt.want)
			}
		})
	}
}

func TestPolicyVariables(t *testing.T) {
	ctx := Values{"aws:username": {"anna"}, "aws:principaltag/team": {"a*"}, "aws:tagkeys": {"x", "y"}}
	tests := []struct {
		name            string
		pattern, text   string
		want, wantKnown bool
	}{
		{"a variable becomes its value", "home/${aws:username}/*", "home/anna/x", true, true},
		{"keys are compared without case", "${AWS:UserName}", "anna", true, true},
		{"another value does not match", "home/${aws:username}/*", "home/otto/x", false, true},
		{"a star in a value is no wildcard", "t/${aws:PrincipalTag/team}", "t/abc", false, true},
		{"a star in a value is itself", "t/${aws:PrincipalTag/team}", "t/a*", true, true},
		{"a missing variable is unknown", "t/${aws:PrincipalTag/none}", "t/", false, false},
		{"a missing variable takes its default", "t/${aws:PrincipalTag/none, 'public'}", "t/public", true, true},
		{"a variable that exists ignores the default", "${aws:username, 'x'}", "x", false, true},
		{"a key of many values is no variable", "${aws:TagKeys}", "x", false, false},
		{"escaped wildcards are characters", "a${*}b${?}${$}", "a*b?$", true, true},
		{"escaped wildcards match nothing else", "a${*}", "ab", false, true},
		{"an unfinished variable is text", "a${b", "a${b", true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := compilePattern(tt.pattern, syntax{wildcards: true, variables: true})
			got, known := p.match(&evaluation{request: &Request{Context: ctx}}, tt.text)
			if got != tt.want || known != tt.wantKnown {
				t.Errorf("%q on %q: got %v, known %v; want %v, %v", tt.pattern, tt.text, got, known, tt.want, tt.wantKnown)
			}
		})
	}
}

func TestARNPatternMatches(t *testing.T) {
	const function = "arn:aws:lambda:eu-central-1:123456789012:function:f"
	tests := []struct {
		name, pattern, arn string
		want               bool
	}{
		{"a star alone matches every ARN", "*", function, true},
		{"a star alone matches an action without resource", "*", "*", true},
		{"an ARN does not match an action without resource", function, "*", false},
		{"an unqualified ARN does not cover its alias", function, function + ":live", false},
		{"a trailing star covers colons", function + "*", function + ":live", true},
		{"a wildcard stands for a region", "arn:aws:lambda:*:123456789012:function:f", function, true},
		{"a wildcard for part of a region", "arn:aws:lambda:eu-*:123456789012:function:f", function, true},
		{"a region's wildcard stays within the region", "arn:aws:lambda:*:function:f", function, false},
		{
			"a head wildcard cannot move the account", "arn:aws:lambda:*:999999999999:function:*",
			"arn:aws:lambda:r:123456789012:function:999999999999:function:f", false,
		},
		{"a short pattern covers the rest", "arn:aws:lambda:*", function, true},
		{"account and region may be empty", "arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/a/b:c", true},
		{"a bucket's own ARN is not its objects'", "arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket", false},
		{"every ARN of an account", "arn:aws:*:*:123456789012:*", function, true},
		{"a text that is no ARN", "arn:aws:*:*:123456789012:*", "lambda", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := compileARN(tt.pattern, true)
			got, _ := p.match(&evaluation{request: &Request{}}, tt.arn)
			if got != tt.want {
				t.Errorf("%q on %q: got %v, want %v", tt.pattern, tt.arn, got, tt.want)
			}
		})
	}
}

func TestARNPatternWithAVariableInAHeadPart(t *testing.T) {
	p := compileARN("arn:aws:sqs:${aws:RequestedRegion}:*:${aws:PrincipalTag/q}", true)
	e := &evaluation{request: &Request{Context: Values{"aws:requestedregion": {"eu-west-1"}, "aws:principaltag/q": {"jobs"}}}}
	if ok, known := p.match(e, "arn:aws:sqs:eu-west-1:123456789012:jobs"); !ok || !known {
		t.Errorf("got %v, %v; want a match", ok, known)
	}
	if ok, _ := p.match(e, "arn:aws:sqs:us-east-1:123456789012:jobs"); ok {
		t.Error("another region matched")
	}
}
