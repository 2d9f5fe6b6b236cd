package controlplane

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// FuzzNames holds that no name, qualifier or ARN makes the control plane panic, and
// that what it takes for a name of the caller's prints as an ARN that means the same.
func FuzzNames(f *testing.F) {
	for _, seed := range [][2]string{
		{"f", ""},
		{"f:prod", "prod"},
		{"f:$LATEST", "1"},
		{fARN + ":1", ""},
		{"123456789012:function:f", "$LATEST"},
		{"us-east-1:123456789012:function:f", ""},
		{"arn:aws:lambda:eu-west-1:123456789012:function:f", ""},
		{"arn:aws-cn:lambda:", ":"},
		{"arn:aws:lambda:us-east-1:123456789012:layer:l:99999999999999999999", "0"},
		{"arn:aws:lambda:us-east-1:123456789012:event-source-mapping:" + strings.Repeat("0", 36), ""},
		{"arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-00000000000000000", ""},
		{"arn:aws:sqs:us-east-1:123456789012:q", ""},
		{"arn:aws:kinesis:us-east-1:123456789012:stream/s", ""},
	} {
		f.Add(seed[0], seed[1])
	}
	c := caller()
	f.Fuzz(func(t *testing.T, name, qualifier string) {
		id, q, err := resolve(c, "GetFunction", &name, &qualifier)
		toCaller(t, err)
		if err == nil {
			again, q2, err := resolve(c, "GetFunction", new(id.QualifiedARN(q)), nil)
			if qualifierLike(q) && (err != nil || again != id || q2 != q) {
				t.Errorf("%q with %q is %v %q, whose ARN is %v %q %v", name, qualifier, id, q, again, q2, err)
			}
		}
		_, _, err = resolveURL(c, "GetFunctionUrlConfig", &name, &qualifier)
		toCaller(t, err)
		if id, n, versioned, ok := parseLayerARN(name); ok && versioned {
			if again, n2, _, ok := parseLayerARN(id.versionARN(n)); !ok || again != id || n2 != n {
				t.Errorf("layer %q is %v %d, whose ARN is %v %d", name, id, n, again, n2)
			}
		}
		_, err = resolveLayer(c, &name)
		toCaller(t, err)
		_, err = taggable(c, "ListTags", &name)
		toCaller(t, err)
		_, err = kindOf(name, nil)
		toCaller(t, err)
		if m, err := decodeMarker(&name); err == nil {
			if n, v := m.cut(); strings.Contains(string(m), "/") && newMarker(n, v) != m {
				t.Errorf("marker %q is cut into %q and %q", m, n, v)
			}
		}
		resourceARN(c, &name, &qualifier)
		h := home{c.Account, c.Region}
		if id, ok := signingID(h, name); ok && signingARN(h, id) != name {
			t.Errorf("code signing configuration %q is %q", name, id)
		}
		if laterVersion(name, qualifier) && laterVersion(qualifier, name) {
			t.Errorf("of %q and %q each comes after the other", name, qualifier)
		}
		if n := parseLabel(qualifier); n > 0 && versionLabel(n) != qualifier {
			t.Errorf("version %q is %d", qualifier, n)
		}
		if who, ok := principal(name); ok && !json.Valid(who) {
			t.Errorf("principal %q is printed as %s", name, who)
		}
	})
}

// qualifierLike says whether a Qualifier would pass the model's pattern, which is
// checked before the control plane is asked.
func qualifierLike(q string) bool {
	return q == "" || q == lambda.Latest || strings.Trim(q, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

func toCaller(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*lambda.Error](err); err != nil && !ok {
		t.Errorf("an error that is not for the caller: %v", err)
	}
}

// FuzzResourcePolicy holds that a policy which is taken prints as one that is taken
// again and prints the same, and that what is stored comes back.
func FuzzResourcePolicy(f *testing.F) {
	for _, doc := range []string{
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"lambda:*","Resource":"` + fARN + `"}]}`,
		`{"Version":"2008-10-17","Id":"<é>","Statement":{"Sid":"s","Effect":"Deny","NotPrincipal":{"AWS":[]},"NotAction":[],"Resource":["*","*"],"Condition":{"Bool":{"a":"true"}}}}`,
		`{"Version":"2012-10-17","Statement":[]}`, `{"Version":"2012-10-17","Statement":[null]}`, `{"Version":"2012-10-17"}`, `null`, `[]`, `{"Statement":[{"Sid":1}]}`,
	} {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePolicy(text, fARN)
		toCaller(t, err)
		if err != nil {
			return
		}
		printed := p.document()
		again, err := parsePolicy(printed, fARN)
		if err != nil || again.document() != printed {
			t.Errorf("%s prints %s, which gives %v", text, printed, err)
		}
		stored, err := json.Marshal(p)
		var back policyRecord
		if err == nil {
			err = json.Unmarshal(stored, &back)
		}
		if err != nil || back.document() != printed {
			t.Errorf("%s comes back from the store as %s, %v", printed, back.document(), err)
		}
	})
}

// FuzzFilterCriteria holds that no filter pattern makes the check panic.
func FuzzFilterCriteria(f *testing.F) {
	for _, pattern := range []string{
		`{"body":{"a":["b",null,{"prefix":"c"},{"anything-but":["d"]},{"numeric":[">",0,"<=",5]},{"exists":false}]}}`,
		`{"$or":[{"a":["b"]},{"c":[{"suffix":"d"},{"equals-ignore-case":"e"},{"cidr":"::/0"},{"wildcard":"*"}]}]}`,
		`{"a":[{"numeric":["=",1e400]}]}`, `{"a":[]}`, `{"a":{}}`, `[]`, strings.Repeat(`{"a":`, 100) + `["b"]` + strings.Repeat(`}`, 100),
	} {
		f.Add(pattern)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		kept, err := checkFilters(&types.FilterCriteria{Filters: []types.Filter{{Pattern: &pattern}}})
		toCaller(t, err)
		if err == nil && (len(kept) != 1 || kept[0] != pattern) {
			t.Errorf("%q is kept as %q", pattern, kept)
		}
	})
}
