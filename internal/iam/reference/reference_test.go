package reference

import (
	"strings"
	"testing"
)

func TestEveryTableIsReadable(t *testing.T) {
	want := []string{"apigateway", "cloudwatch", "dynamodb", "events", "execute-api", "iam", "lambda", "logs", "s3", "scheduler", "sns", "sqs", "sts"}
	got := Services()
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got services %v, want %v", got, want)
	}
	for _, name := range got {
		s, _ := Of(name)
		used := map[string]bool{}
		for _, a := range s.Actions {
			for _, kind := range a.Resources {
				used[kind] = true
			}
			for _, k := range a.Keys {
				if prefix, _, ok := strings.Cut(k.Name, ":"); !ok || prefix != "aws" && prefix != name {
					t.Errorf("%s:%s: key %q has neither the prefix aws nor the service's", name, a.Name, k.Name)
				}
			}
		}
		for kind := range s.Resources {
			if !used[kind] {
				t.Errorf("%s: no action is on %s", name, kind)
			}
		}
	}
}

func TestAnActionKnowsItsKeys(t *testing.T) {
	a, ok := Find("LAMBDA:createfunction")
	if !ok || a.Name != "CreateFunction" || !a.Tagged() {
		t.Fatalf("got %+v, ok %v", a, ok)
	}
	for _, tt := range []struct{ key, path, tag string }{
		{"aws:requesttag/team", "Tags", "team"},
		{"aws:tagkeys", "Tags", ""},
		{"lambda:subnetids", "VpcConfig.SubnetIds", ""},
	} {
		k, tag, ok := a.Key(tt.key)
		if !ok || k.Path != tt.path || tag != tt.tag {
			t.Errorf("%s: got path %q, tag %q, ok %v; want %q, %q", tt.key, k.Path, tag, ok, tt.path, tt.tag)
		}
	}
	for _, key := range []string{"aws:requesttag/", "aws:requesttag", "lambda:principal", ""} {
		if _, _, ok := a.Key(key); ok {
			t.Errorf("%q was found", key)
		}
	}
}

func TestUnreadableTablesAreRefused(t *testing.T) {
	for _, text := range []string{
		"resource x", "a", "missing : Get", "- : Get\n- : get", "- : Get : k=v : more",
		"- : Get\ntags Get", "- : Get\ntags Tag Get", "- : Get\ntags Get Make", "- : Get\ntags Get Get=thing",
	} {
		if _, err := parse("x", text); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}
