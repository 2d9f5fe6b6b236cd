package policy

import (
	"fmt"
	"testing"
)

// allowed evaluates one Allow statement under a condition.
func allowed(t *testing.T, condition string, ctx Values) bool {
	t.Helper()
	doc := fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":%s}}`, condition)
	p, err := Parse(Identity, doc)
	if err != nil {
		t.Fatalf("parse %s: %v", doc, err)
	}
	d := Evaluate([]Source{{"p", p}}, &Request{Action: "s3:GetObject", Resource: "*", Context: ctx})
	return d.Effect == Allow
}

func TestConditionOperators(t *testing.T) {
	one := func(v string) Values { return Values{"k:k": {v}} }
	tests := []struct {
		condition string
		ctx       Values
		want      bool
	}{
		{`{"StringEquals":{"k:k":"a"}}`, one("a"), true},
		{`{"StringEquals":{"k:k":"a"}}`, one("A"), false},
		{`{"StringEquals":{"k:k":"a*"}}`, one("ab"), false},
		{`{"StringEquals":{"k:k":["a","b"]}}`, one("b"), true},
		{`{"StringEquals":{"K:K":"a"}}`, one("a"), true},
		{`{"StringEquals":{"k:k":12}}`, one("12"), true},
		{`{"StringEquals":{"k:k":"${k:me}"}}`, Values{"k:k": {"x"}, "k:me": {"x"}}, true},
		{`{"StringEquals":{"k:k":"${k:me}"}}`, one("x"), false},
		{`{"StringNotEquals":{"k:k":"${k:me}"}}`, one("x"), false},
		{`{"StringNotEquals":{"k:k":"a"}}`, one("b"), true},
		{`{"StringNotEquals":{"k:k":["a","b"]}}`, one("b"), false},
		{`{"StringEqualsIgnoreCase":{"k:k":"a"}}`, one("A"), true},
		{`{"StringNotEqualsIgnoreCase":{"k:k":"a"}}`, one("A"), false},
		{`{"StringLike":{"k:k":"a?c*"}}`, one("abcdef"), true},
		{`{"StringLike":{"k:k":"a?c*"}}`, one("ac"), false},
		{`{"StringNotLike":{"k:k":"a*"}}`, one("b"), true},
		{`{"StringNotLike":{"k:k":"a*"}}`, one("ab"), false},
		{`{"NumericEquals":{"k:k":"10"}}`, one("10.0"), true},
		{`{"NumericEquals":{"k:k":"10"}}`, one("ten"), false},
		{`{"NumericNotEquals":{"k:k":10}}`, one("11"), true},
		{`{"NumericNotEquals":{"k:k":10}}`, one("ten"), false},
		{`{"NumericLessThan":{"k:k":10}}`, one("9"), true},
		{`{"NumericLessThan":{"k:k":10}}`, one("10"), false},
		{`{"NumericLessThanEquals":{"k:k":10}}`, one("10"), true},
		{`{"NumericGreaterThan":{"k:k":10}}`, one("10"), false},
		{`{"NumericGreaterThan":{"k:k":"9"}}`, one("10"), true},
		{`{"NumericGreaterThanEquals":{"k:k":10}}`, one("10"), true},
		{`{"DateEquals":{"k:k":"2026-01-01T00:00:00Z"}}`, one("1767225600"), true},
		{`{"DateEquals":{"k:k":"2026-01-01"}}`, one("2026-01-01T00:00:00Z"), true},
		{`{"DateNotEquals":{"k:k":"2026-01-01"}}`, one("2026-01-02"), true},
		{`{"DateLessThan":{"k:k":"2026-01-01T00:00:00Z"}}`, one("2025-12-31T23:59:59Z"), true},
		{`{"DateLessThan":{"k:k":"2026-01-01T00:00:00Z"}}`, one("2026-01-01T00:00:00Z"), false},
		{`{"DateLessThanEquals":{"k:k":"2026-01-01T00:00:00Z"}}`, one("2026-01-01T00:00:00Z"), true},
		{`{"DateGreaterThan":{"k:k":"2026"}}`, one("2026-06-01T00:00:00+02:00"), true},
		{`{"DateGreaterThanEquals":{"k:k":"2026-06"}}`, one("2026-06-01"), true},
		{`{"DateGreaterThan":{"k:k":"2026"}}`, one("soon"), false},
		{`{"Bool":{"k:k":"true"}}`, one("True"), true},
		{`{"Bool":{"k:k":true}}`, one("false"), false},
		{`{"BinaryEquals":{"k:k":"QQ=="}}`, one("QQ=="), true},
		{`{"BinaryEquals":{"k:k":"QQ=="}}`, one("Qg=="), false},
		{`{"IpAddress":{"k:k":"10.0.0.0/8"}}`, one("10.1.2.3"), true},
		{`{"IpAddress":{"k:k":"10.0.0.0/8"}}`, one("11.1.2.3"), false},
		{`{"IpAddress":{"k:k":"10.0.0.1"}}`, one("10.0.0.1"), true},
		{`{"IpAddress":{"k:k":"10.0.0.0/8"}}`, one("::ffff:10.1.2.3"), true},
		{`{"IpAddress":{"k:k":"2001:db8::/32"}}`, one("2001:db8::1"), true},
		{`{"IpAddress":{"k:k":["10.0.0.0/8","127.0.0.1/32"]}}`, one("127.0.0.1"), true},
		{`{"NotIpAddress":{"k:k":"10.0.0.0/8"}}`, one("11.1.2.3"), true},
		{`{"NotIpAddress":{"k:k":"10.0.0.0/8"}}`, one("10.1.2.3"), false},
		{`{"ArnEquals":{"k:k":"arn:aws:s3:::b*"}}`, one("arn:aws:s3:::bucket"), true},
		{`{"ArnLike":{"k:k":"arn:aws:sns:*:123456789012:t"}}`, one("arn:aws:sns:eu-west-1:123456789012:t"), true},
		{`{"ArnLike":{"k:k":"arn:aws:sns:*:123456789012:t"}}`, one("arn:aws:sns:eu-west-1:999999999999:t"), false},
		{`{"ArnNotEquals":{"k:k":"arn:aws:s3:::b"}}`, one("arn:aws:s3:::c"), true},
		{`{"ArnNotLike":{"k:k":"arn:aws:s3:::b*"}}`, one("arn:aws:s3:::bucket"), false},
		{`{"Null":{"k:k":"true"}}`, Values{}, true},
		{`{"Null":{"k:k":"true"}}`, one("x"), false},
		{`{"Null":{"k:k":"false"}}`, one("x"), true},
		{`{"Null":{"k:k":false}}`, Values{}, false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s of %v", tt.condition, tt.ctx), func(t *testing.T) {
			if got := allowed(t, tt.condition, tt.ctx); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestConditionsOnMissingAndManyValues(t *testing.T) {
	many := Values{"k:k": {"a", "b"}}
	tests := []struct {
		name, condition string
		ctx             Values
		want            bool
	}{
		{"a missing key fails", `{"StringEquals":{"k:k":"a"}}`, nil, false},
		{"a missing key passes a negated operator", `{"StringNotEquals":{"k:k":"a"}}`, nil, true},
		{"a missing key passes IfExists", `{"StringEqualsIfExists":{"k:k":"a"}}`, nil, true},
		{"a key that exists is compared under IfExists", `{"StringEqualsIfExists":{"k:k":"a"}}`, Values{"k:k": {"b"}}, false},
		{"ForAllValues passes when all values match", `{"ForAllValues:StringEquals":{"k:k":["a","b","c"]}}`, many, true},
		{"ForAllValues fails when one value does not", `{"ForAllValues:StringEquals":{"k:k":["a","c"]}}`, many, false},
		{"ForAllValues passes without values", `{"ForAllValues:StringEquals":{"k:k":"a"}}`, nil, true},
		{"ForAllValues negated asks that none match", `{"ForAllValues:StringNotEquals":{"k:k":["c"]}}`, many, true},
		{"ForAllValues negated fails when one matches", `{"ForAllValues:StringNotLike":{"k:k":["b*"]}}`, many, false},
		{"ForAnyValue passes when one value matches", `{"ForAnyValue:StringEquals":{"k:k":["b","c"]}}`, many, true},
		{"ForAnyValue fails when none match", `{"ForAnyValue:StringEquals":{"k:k":["c"]}}`, many, false},
		{"ForAnyValue fails without values", `{"ForAnyValue:StringLike":{"k:k":"*"}}`, nil, false},
		{"ForAnyValue negated fails without values", `{"ForAnyValue:StringNotEquals":{"k:k":"a"}}`, nil, false},
		{"ForAnyValue negated asks for one other value", `{"ForAnyValue:StringNotEquals":{"k:k":"a"}}`, many, true},
		{"prefix and suffix go together", `{"ForAnyValue:StringLikeIfExists":{"k:k":"a"}}`, nil, true},
		{"several keys must all hold", `{"StringEquals":{"k:k":"a","k:l":"x"}}`, Values{"k:k": {"a"}, "k:l": {"y"}}, false},
		{"several operators must all hold", `{"StringLike":{"k:k":"a*"},"StringNotEquals":{"k:k":"ab"}}`, Values{"k:k": {"ab"}}, false},
		{"no values match nothing", `{"StringEquals":{"k:k":[]}}`, many, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := allowed(t, tt.condition, tt.ctx); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestEveryDocumentedOperatorExists(t *testing.T) {
	for _, name := range []string{
		"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike",
		"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals",
		"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals",
		"Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike",
	} {
		if _, ok := operators[lowerASCII(name)]; !ok {
			t.Errorf("%s is missing", name)
		}
	}
}
