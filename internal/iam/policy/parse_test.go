package policy

import (
	"strings"
	"testing"
)

func TestIdentityPolicyErrors(t *testing.T) {
	statement := func(members string) string {
		return `{"Version":"2012-10-17","Statement":[{` + members + `}]}`
	}
	tests := []struct {
		name, document, want string
	}{
		{"no JSON", `{"Version"`, textSyntax},
		{"text after the document", `{} {}`, textSyntax},
		{"no object", `[]`, textSyntax},
		{"no statement", `{"Version":"2012-10-17"}`, textSyntax},
		{"an empty list of statements", `{"Version":"2012-10-17","Statement":[]}`, textSyntax},
		{"an unknown member", `{"Version":"2012-10-17","Foo":1,"Statement":[]}`, textSyntax},
		{"an unknown version", `{"Version":"2013-10-17","Statement":[]}`, textSyntax},
		{"no version", `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`, textOldVersion},
		{"the old version", `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`, textOldVersion},
		{"an effect that is none", statement(`"Effect":"allow","Action":"s3:*","Resource":"*"`), textSyntax},
		{"no effect", statement(`"Action":"s3:*","Resource":"*"`), textSyntax},
		{"no action", statement(`"Effect":"Allow","Resource":"*"`), "Policy statement must contain actions."},
		{"an empty list of actions", statement(`"Effect":"Allow","Action":[],"Resource":"*"`), "Policy statement must contain actions."},
		{"no resource", statement(`"Effect":"Allow","Action":"s3:*"`), "Policy statement must contain resources."},
		{"action and its opposite", statement(`"Effect":"Allow","Action":"s3:*","NotAction":"s3:*","Resource":"*"`), textSyntax},
		{"resource and its opposite", statement(`"Effect":"Allow","Action":"s3:*","Resource":"*","NotResource":"*"`), textSyntax},
		{"a member twice", statement(`"Effect":"Deny","Effect":"Allow","Action":"s3:*","Resource":"*"`), textSyntax},
		{"a principal", statement(`"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*"`), "Policy document should not specify a principal."},
		{"an action without vendor", statement(`"Effect":"Allow","Action":"GetObject","Resource":"*"`), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
		{"an action with two colons", statement(`"Effect":"Allow","Action":"s3:Get:Object","Resource":"*"`), "Actions/Condition can contain only one colon."},
		{"a vendor that cannot be", statement(`"Effect":"Allow","Action":"s_3:Get","Resource":"*"`), "Vendor s_3 is not valid"},
		{"a resource that is no ARN", statement(`"Effect":"Allow","Action":"s3:*","Resource":"bucket"`), `Resource bucket must be in ARN format or "*".`},
		{"a strange partition", statement(`"Effect":"Allow","Action":"s3:*","Resource":"arn:azure:s3:::b"`), `Partition "azure" is not valid for resource "arn:azure:s3:::b".`},
		{"a short ARN", statement(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3"`), "The policy failed legacy parsing"},
		{"a wildcard within the service", statement(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s*:::b"`), "Resource vendor must be fully qualified and cannot contain regexes."},
		{"a sid with a blank", statement(`"Sid":"a b","Effect":"Allow","Action":"s3:*","Resource":"*"`), textSyntax},
		{"an unknown condition operator", statement(`"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringIs":{"a":"b"}}`), textSyntax},
		{"a condition value that is no number", statement(`"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"NumericEquals":{"a":"b"}}`), textSyntax},
		{"a condition value that is no range", statement(`"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"a":"10.0.0.0/99"}}`), textSyntax},
		{"a sid twice", `{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"}]}`, textSidTwice},
		{"a document nested beyond reason", strings.Repeat("[", 10000), textSyntax},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(Identity, tt.document)
			if err == nil {
				t.Fatalf("got no error, want %q", tt.want)
			}
			if err.Error() != tt.want {
				t.Errorf("got %q, want %q", err, tt.want)
			}
		})
	}
}

func TestTrustPolicyErrors(t *testing.T) {
	trust := func(members string) string {
		return `{"Version":"2012-10-17","Statement":[{` + members + `}]}`
	}
	const service = `"Principal":{"Service":"lambda.amazonaws.com"}`
	tests := []struct {
		name, document, want string
	}{
		{"no JSON", `{`, textInvalidJSON},
		{"no statement", `{"Version":"2012-10-17"}`, "Missing required field Statement"},
		{"an unknown field", `{"Versions":"2012-10-17"}`, "Unknown field Versions"},
		{"a resource", trust(`"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*",` + service), "Has prohibited field Resource"},
		{"no principal", trust(`"Effect":"Allow","Action":"sts:AssumeRole"`), "Missing required field Principal"},
		{"no action", trust(`"Effect":"Allow",` + service), "Missing required field Action"},
		{"no effect", trust(`"Action":"sts:AssumeRole",` + service), "Missing required field Effect"},
		{"an action of another service", trust(`"Effect":"Allow","Action":"s3:GetObject",` + service), "AssumeRole policy may only specify STS AssumeRole actions."},
		{"a service that is none", trust(`"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"lambda"}`), `Invalid principal in policy: "SERVICE":"lambda"`},
		{"an account that is none", trust(`"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"12345"}`), `Invalid principal in policy: "AWS":"12345"`},
		{"a role with a wildcard", trust(`"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::123456789012:role/*"}`), `Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:role/*"`},
		{"a kind of principal that is none", trust(`"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Role":"x"}`), `Invalid principal in policy: "ROLE":"x"`},
		{"nobody as principal", trust(`"Effect":"Deny","Action":"sts:AssumeRole","NotPrincipal":{"AWS":[]}`), "Invalid principal in policy."},
		{"everyone but some", trust(`"Effect":"Allow","Action":"sts:AssumeRole","NotPrincipal":{"AWS":"123456789012"}`), "Allow with NotPrincipal is not allowed."},
		{"a principal that is only text", trust(`"Effect":"Allow","Action":"sts:AssumeRole","Principal":"me"`), `Invalid principal in policy: "STRING":"me"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(Trust, tt.document)
			if err == nil {
				t.Fatalf("got no error, want %q", tt.want)
			}
			if err.Error() != tt.want {
				t.Errorf("got %q, want %q", err, tt.want)
			}
		})
	}
}

func TestPrincipalsOfATrustPolicy(t *testing.T) {
	p, err := Parse(Trust, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":
		{"AWS":["123456789012","arn:aws:iam::123456789012:role/a/b"],"Service":"lambda.amazonaws.com"}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(p.Principals(), " ")
	if want := "arn:aws:iam::123456789012:role/a/b"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzParse checks that no document makes the parser or the evaluation panic.
func FuzzParse(f *testing.F) {
	for _, doc := range []string{
		`{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":["s3:Get*"],"Resource":"arn:aws:s3:::${aws:username}/*"}]}`,
		`{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotAction":"iam:*","NotResource":["arn:aws:*:*:1:*"],"Condition":{"ForAnyValue:StringLikeIfExists":{"aws:TagKeys":["a","${*}"]}}}}`,
		`{"Version":"2008-10-17","Id":"x","Statement":[{"Effect":"Allow","Principal":{"AWS":["*","123456789012"],"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`,
		`{"Statement":[{"Effect":"Deny","NotPrincipal":"*","Action":"lambda:*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"${a, 'b'}"},"IpAddress":{"aws:SourceIp":"::/0"}}}]}`,
	} {
		f.Add(doc, "arn:aws:s3:::anna/x")
	}
	f.Fuzz(func(t *testing.T, doc, resource string) {
		for _, kind := range []Kind{Identity, Trust, Resource} {
			p, err := Parse(kind, doc)
			if (p == nil) == (err == nil) {
				t.Fatalf("policy %v with error %v", p, err)
			}
			if p == nil {
				continue
			}
			Evaluate([]Source{{"p", p}}, &Request{
				Action: "s3:GetObject", Resource: resource,
				Context: Values{"aws:username": {resource}, "aws:tagkeys": {"a", doc}, "aws:currenttime": {resource}, "aws:sourceip": {resource}},
			})
		}
	})
}
