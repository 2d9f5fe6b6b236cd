package policy

import "testing"

const (
	account  = "123456789012"
	roleARN  = "arn:aws:iam::123456789012:role/r"
	session  = "arn:aws:sts::123456789012:assumed-role/r/s"
	function = "arn:aws:lambda:us-east-1:123456789012:function:f"
	invoke   = "lambda:InvokeFunction"
)

func mustParse(tb testing.TB, kind Kind, document string) []Source {
	tb.Helper()
	p, err := Parse(kind, document)
	if err != nil {
		tb.Fatalf("parse %s: %v", document, err)
	}
	return []Source{{"p", p}}
}

func identity(tb testing.TB, effect string) []Source {
	return mustParse(tb, Identity, `{"Version":"2012-10-17","Statement":{"Sid":"x","Effect":"`+effect+`","Action":"lambda:*","Resource":"*"}}`)
}

func resource(tb testing.TB, effect, principal string) []Source {
	return mustParse(tb, Resource, `{"Version":"2012-10-17","Statement":{"Sid":"r","Effect":"`+effect+
		`","Principal":`+principal+`,"Action":"lambda:InvokeFunction","Resource":"`+function+`"}}`)
}

func TestVerdictOfTheLayers(t *testing.T) {
	const (
		byRole    = `{"AWS":"` + roleARN + `"}`
		bySession = `{"AWS":"` + session + `"}`
		byAccount = `{"AWS":"` + account + `"}`
		byRoot    = `{"AWS":"arn:aws:iam::` + account + `:root"}`
		byOther   = `{"AWS":"999999999999"}`
	)
	none := []Source{}
	tests := []struct {
		name   string
		layers Layers
		want   bool
		cause  string
	}{
		{"nothing allows", Layers{}, false, "because no identity-based policy allows the lambda:InvokeFunction action"},
		{"the identity allows", Layers{Identity: identity(t, "Allow")}, true, ""},
		{"the identity denies", Layers{Identity: append(identity(t, "Allow"), identity(t, "Deny")...)}, false, "with an explicit deny in an identity-based policy"},
		{"a boundary that allows", Layers{Identity: identity(t, "Allow"), Boundary: identity(t, "Allow")}, true, ""},
		{"a boundary that is empty", Layers{Identity: identity(t, "Allow"), Boundary: none}, false, "because no permissions boundary allows the lambda:InvokeFunction action"},
		{"a boundary that denies", Layers{Identity: identity(t, "Allow"), Boundary: identity(t, "Deny")}, false, "with an explicit deny in a permissions boundary"},
		{"a boundary alone allows nothing", Layers{Boundary: identity(t, "Allow")}, false, "because no identity-based policy allows the lambda:InvokeFunction action"},
		{"a session policy that allows", Layers{Identity: identity(t, "Allow"), Session: identity(t, "Allow")}, true, ""},
		{"a session policy that is empty", Layers{Identity: identity(t, "Allow"), Session: none}, false, "because no session policy allows the lambda:InvokeFunction action"},
		{"a session policy that denies", Layers{Identity: identity(t, "Allow"), Session: identity(t, "Deny")}, false, "with an explicit deny in a session policy"},
		{"the resource names the session", Layers{Resource: resource(t, "Allow", bySession)}, true, ""},
		{"the resource names the session, past the boundary", Layers{Resource: resource(t, "Allow", bySession), Boundary: none, Session: none}, true, ""},
		{"the resource names the role", Layers{Resource: resource(t, "Allow", byRole)}, true, ""},
		{"the resource names the role, the boundary still holds", Layers{Resource: resource(t, "Allow", byRole), Boundary: none}, false, "because no permissions boundary allows the lambda:InvokeFunction action"},
		{"the resource names the account only", Layers{Resource: resource(t, "Allow", byAccount)}, false, "because no identity-based policy allows the lambda:InvokeFunction action"},
		{"the resource names the account's root only", Layers{Resource: resource(t, "Allow", byRoot)}, false, "because no identity-based policy allows the lambda:InvokeFunction action"},
		{"the resource names everyone", Layers{Resource: resource(t, "Allow", `"*"`)}, true, ""},
		{"the resource names all AWS principals", Layers{Resource: resource(t, "Allow", `{"AWS":"*"}`)}, true, ""},
		{"the resource names another account", Layers{Resource: resource(t, "Allow", byOther)}, false, "because no identity-based policy allows the lambda:InvokeFunction action"},
		{"the resource denies", Layers{Identity: identity(t, "Allow"), Resource: resource(t, "Deny", byAccount)}, false, "with an explicit deny in a resource-based policy"},
		{"across accounts the identity is not enough", Layers{Identity: identity(t, "Allow"), CrossAccount: true}, false, "because no resource-based policy allows the lambda:InvokeFunction action"},
		{"across accounts the resource is not enough", Layers{Resource: resource(t, "Allow", bySession), CrossAccount: true}, false, "because no identity-based policy allows the lambda:InvokeFunction action"},
		{"across accounts both are", Layers{Identity: identity(t, "Allow"), Resource: resource(t, "Allow", byRole), CrossAccount: true}, true, ""},
		{"a trust policy must allow", Layers{Identity: identity(t, "Allow"), Trust: true}, false, "because no role trust policy allows the lambda:InvokeFunction action"},
	}
	r := &Request{Action: invoke, Resource: function, Principal: Principal{Account: account, ARN: session, RoleARN: roleARN}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := tt.layers.Decide(r)
			if v.Allowed != tt.want {
				t.Fatalf("got allowed %v by %+v, want %v", v.Allowed, v.Decision, tt.want)
			}
			if !tt.want && v.Cause(invoke) != tt.cause {
				t.Errorf("got cause %q, want %q", v.Cause(invoke), tt.cause)
			}
		})
	}
}

func TestDecisionNamesTheStatement(t *testing.T) {
	sources := []Source{
		{"first", mustParse(t, Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)[0].Policy},
		{"second", mustParse(t, Identity, `{"Version":"2012-10-17","Statement":[
			{"Effect":"Deny","Action":"s3:*","Resource":"*"},
			{"Sid":"NoInvoke","Effect":"Deny","NotAction":"s3:*","Resource":"`+function+`"}]}`)[0].Policy},
	}
	got := Evaluate(sources, &Request{Action: invoke, Resource: function})
	want := Decision{Effect: Deny, Policy: "second", Sid: "NoInvoke", Statement: 1}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	got = Evaluate(sources, &Request{Action: invoke, Resource: function + ":live"})
	want = Decision{Effect: Allow, Policy: "first"}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestOppositeElements(t *testing.T) {
	tests := []struct {
		name, statement, action, resource string
		want                              Effect
	}{
		{"NotAction leaves out", `"Effect":"Allow","NotAction":["iam:*","sts:*"],"Resource":"*"`, "iam:GetRole", "*", None},
		{"NotAction covers the rest", `"Effect":"Allow","NotAction":["iam:*","sts:*"],"Resource":"*"`, invoke, "*", Allow},
		{"NotResource leaves out", `"Effect":"Deny","Action":"*","NotResource":"` + function + `"`, invoke, function, None},
		{"NotResource covers the rest", `"Effect":"Deny","Action":"*","NotResource":"` + function + `"`, invoke, function + ":1", Deny},
		{"NotResource with an unknown variable applies to nothing", `"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::${aws:username}"`, invoke, function, None},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := mustParse(t, Identity, `{"Version":"2012-10-17","Statement":[{`+tt.statement+`}]}`)
			if got := Evaluate(p, &Request{Action: tt.action, Resource: tt.resource}).Effect; got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestServicePrincipals(t *testing.T) {
	p := mustParse(t, Trust, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com","ec2.amazonaws.com"]},"Action":"sts:AssumeRole",
		 "Condition":{"StringEquals":{"AWS:SourceAccount":"123456789012"}}},
		{"Effect":"Deny","NotPrincipal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)
	ctx := Values{"aws:sourceaccount": {account}}
	tests := []struct {
		name, service string
		ctx           Context
		want          Effect
	}{
		{"the named service", "lambda.amazonaws.com", ctx, Allow},
		{"without the condition's key", "lambda.amazonaws.com", nil, None},
		{"a service that is not excepted", "ec2.amazonaws.com", ctx, Deny},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Evaluate(p, &Request{Action: "sts:AssumeRole", Resource: roleARN, Principal: Principal{Service: tt.service}, Context: tt.ctx})
			if got.Effect != tt.want {
				t.Errorf("got %+v, want %v", got, tt.want)
			}
		})
	}
}

func TestConditionalTellsWhatMayNotBeRemembered(t *testing.T) {
	p := mustParse(t, Identity, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"lambda:*","Resource":"*"},
		{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}},
		{"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:*:*:${aws:username}"}]}`)
	for action, want := range map[string]bool{invoke: false, "s3:GetObject": true, "sqs:SendMessage": true} {
		if got := Evaluate(p, &Request{Action: action, Resource: "arn:aws:sqs:r:a:q"}).Conditional; got != want {
			t.Errorf("%s: got %v, want %v", action, got, want)
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	p := mustParse(b, Identity, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"},
		{"Effect":"Allow","Action":["s3:Get*","s3:List*"],"Resource":["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"]},
		{"Effect":"Allow","Action":"lambda:Invoke*","Resource":"arn:aws:lambda:*:123456789012:function:*"}]}`)
	r := &Request{Action: invoke, Resource: function}
	b.ReportAllocs()
	for b.Loop() {
		if Evaluate(p, r).Effect != Allow {
			b.Fatal("not allowed")
		}
	}
}

func BenchmarkParse(b *testing.B) {
	const doc = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"},
		{"Effect":"Allow","Action":["s3:Get*","s3:List*"],"Resource":["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"]}]}`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(Identity, doc); err != nil {
			b.Fatal(err)
		}
	}
}
