package pattern

import (
	"errors"
	"strings"
	"testing"
)

func TestEventsMeetPatterns(t *testing.T) {
	const instance = `{"version":"0","id":"6a7e8feb","detail-type":"EC2 Instance State-change Notification","source":"aws.ec2",
		"account":"111122223333","time":"2017-12-22T18:43:48Z","region":"us-west-1",
		"resources":["arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0"],
		"detail":{"instance-id":"i-1234567890abcdef0","state":"terminated"}}`
	tests := []struct {
		name, pattern, event string
		want                 bool
	}{
		// Amazon EventBridge user guide, "Event patterns" and "Comparison operators".
		{"two equalities", `{"source":["aws.ec2"],"detail-type":["EC2 Instance State-change Notification"],"detail":{"state":["terminated"]}}`, instance, true},
		{"one of a list", `{"detail":{"state":["stopped","terminated"]}}`, instance, true},
		{"another value", `{"detail":{"state":["running"]}}`, instance, false},
		{"an element of an array", `{"resources":["arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0","x"]}`, instance, true},
		{"case counts", `{"detail":{"state":["Terminated"]}}`, instance, false},
		{"a prefix", `{"time":[{"prefix":"2017-12-22"}],"region":[{"prefix":"us-"}]}`, instance, true},
		{"a prefix without regard to case", `{"source":[{"prefix":{"equals-ignore-case":"AWS."}}]}`, instance, true},
		{"a suffix", `{"detail":{"f":[{"suffix":".png"}]}}`, `{"detail":{"f":"a.png"}}`, true},
		{"a suffix that is not there", `{"detail":{"f":[{"suffix":".png"}]}}`, `{"detail":{"f":"a.png2"}}`, false},
		{"a suffix without regard to case", `{"f":[{"suffix":{"equals-ignore-case":".png"}}]}`, `{"f":"a.PNG"}`, true},
		{"a suffix longer than the text", `{"f":[{"suffix":{"equals-ignore-case":".png"}}]}`, `{"f":"ng"}`, false},
		{"equality without regard to case", `{"detail-type":[{"equals-ignore-case":"ec2 instance state-change notification"}]}`, instance, true},
		{"anything but a value", `{"detail":{"state":[{"anything-but":"initializing"}]}}`, instance, true},
		{"anything but the value", `{"detail":{"state":[{"anything-but":"terminated"}]}}`, instance, false},
		{"anything but numbers", `{"x":[{"anything-but":[100,200,300]}]}`, `{"x":200}`, false},
		{"anything but other numbers", `{"x":[{"anything-but":[100,200,300]}]}`, `{"x":201}`, true},
		{"anything but a number, in text", `{"x":[{"anything-but":100}]}`, `{"x":"100"}`, true},
		{"anything but needs the field", `{"x":[{"anything-but":"a"}]}`, `{"y":"b"}`, false},
		{"anything but in an array", `{"x":[{"anything-but":["a"]}]}`, `{"x":["a","b"]}`, true},
		{"anything but takes null", `{"x":[{"anything-but":"a"}]}`, `{"x":null}`, true},
		{"anything but a prefix", `{"detail":{"state":[{"anything-but":{"prefix":"init"}}]}}`, instance, true},
		{"anything but the prefix", `{"detail":{"state":[{"anything-but":{"prefix":"term"}}]}}`, instance, false},
		{"anything but some prefixes", `{"x":[{"anything-but":{"prefix":["a","b"]}}]}`, `{"x":"bc"}`, false},
		{"anything but a prefix, of a number", `{"x":[{"anything-but":{"prefix":"1"}}]}`, `{"x":12}`, true},
		{"anything but a prefix in any case", `{"x":[{"anything-but":{"prefix":{"equals-ignore-case":"A"}}}]}`, `{"x":"abc"}`, false},
		{"anything but a suffix", `{"x":[{"anything-but":{"suffix":".txt"}}]}`, `{"x":"a.txt"}`, false},
		{"anything but some suffixes", `{"x":[{"anything-but":{"suffix":[".txt",".rtf"]}}]}`, `{"x":"a.png"}`, true},
		{"anything but in any case", `{"x":[{"anything-but":{"equals-ignore-case":["initializing","stopped"]}}]}`, `{"x":"STOPPED"}`, false},
		{"anything but a wildcard", `{"x":[{"anything-but":{"wildcard":"*/lib/*"}}]}`, `{"x":"/usr/lib/a"}`, false},
		{"anything but some wildcards", `{"x":[{"anything-but":{"wildcard":["*/lib/*","*/bin/*"]}}]}`, `{"x":"/usr/share/a"}`, true},
		{
			"numbers in ranges", `{"detail":{"c-count":[{"numeric":[">",0,"<=",5]}],"d-count":[{"numeric":["<",10]}],"x-limit":[{"numeric":["=",3.018e2]}]}}`,
			`{"detail":{"c-count":5,"d-count":9.5,"x-limit":301.8}}`, true,
		},
		{"a number at an open end", `{"x":[{"numeric":[">",0,"<",5]}]}`, `{"x":5}`, false},
		{"a number in text", `{"x":[{"numeric":[">",0]}]}`, `{"x":"5"}`, false},
		{"the largest number", `{"x":[{"numeric":["<=",5000000000]}]}`, `{"x":5e9}`, true},
		{"the smallest number", `{"x":[{"numeric":[">=",-5.0e9]}]}`, `{"x":-5000000000}`, true},
		{"a number that is too large", `{"x":[{"numeric":[">",0]}]}`, `{"x":5000000001}`, false},
		{"a large number as it is written", `{"x":[6000000000]}`, `{"x":6000000000}`, true},
		{"a large number written differently", `{"x":[6000000000]}`, `{"x":6e9}`, false},
		{"a number written differently", `{"x":[300]}`, `{"x":3.0e2}`, true},
		{"six digits count", `{"x":[0.000001]}`, `{"x":0.000002}`, false},
		{"the seventh does not", `{"x":[0.0000001]}`, `{"x":0.0000002}`, true},
		{"an address in a block", `{"detail":{"ip":[{"cidr":"10.0.0.0/24"}]}}`, `{"detail":{"ip":"10.0.0.255"}}`, true},
		{"an address outside", `{"detail":{"ip":[{"cidr":"10.0.0.0/24"}]}}`, `{"detail":{"ip":"10.0.1.0"}}`, false},
		{"a block that begins within", `{"ip":[{"cidr":"10.0.0.7/24"}]}`, `{"ip":"10.0.0.1"}`, true},
		{"an address of IPv6", `{"ip":[{"cidr":"2001:db8::/32"}]}`, `{"ip":"2001:db8:1::1"}`, true},
		{"no address", `{"ip":[{"cidr":"0.0.0.0/0"}]}`, `{"ip":"ten"}`, false},
		{"a field that exists", `{"detail":{"state":[{"exists":true}]}}`, instance, true},
		{"a field that does not", `{"detail":{"status":[{"exists":true}]}}`, instance, false},
		{"a field that is absent", `{"detail":{"status":[{"exists":false}]}}`, instance, true},
		{"null exists", `{"x":[{"exists":true}]}`, `{"x":null}`, true},
		{"an object is no leaf", `{"detail":[{"exists":true}]}`, instance, false},
		{"an object is absent as a leaf", `{"detail":[{"exists":false}]}`, instance, true},
		{"an empty array is absent", `{"x":[{"exists":false}]}`, `{"x":[]}`, true},
		{"absent or a value", `{"x":[{"exists":false},"a"]}`, `{"x":"a"}`, true},
		{"absent or another value", `{"x":[{"exists":false},"a"]}`, `{"x":"b"}`, false},
		{"a wildcard", `{"x":[{"wildcard":"*.txt"}]}`, `{"x":"a.b.txt"}`, true},
		{"wildcards within", `{"x":[{"wildcard":"/Users/*/dir/dir*/*.txt"}]}`, `{"x":"/Users/a/b/dir/dir1/c.txt"}`, true},
		{"a wildcard's ends do not overlap", `{"x":[{"wildcard":"ab*ba"}]}`, `{"x":"aba"}`, false},
		{"an escaped asterisk", `{"x":[{"wildcard":"a\\*b*"}]}`, `{"x":"a*bc"}`, true},
		{"an escaped asterisk is none", `{"x":[{"wildcard":"a\\*b"}]}`, `{"x":"axb"}`, false},
		{"a wildcard without one", `{"x":[{"wildcard":"abc"}]}`, `{"x":"abcd"}`, false},
		{"only a wildcard", `{"x":[{"wildcard":"*"}]}`, `{"x":""}`, true},
		{"null", `{"x":[null]}`, `{"x":null}`, true},
		{"null is no text", `{"x":[null]}`, `{"x":"null"}`, false},
		{"an absent field is not null", `{"x":[null]}`, `{}`, false},
		{"an empty text", `{"x":[""]}`, `{"x":""}`, true},
		{"true", `{"x":[true]}`, `{"x":true}`, true},
		{"true is not false", `{"x":[true]}`, `{"x":false}`, false},
		{"a number is no text", `{"x":["1"]}`, `{"x":1}`, false},
		{"escapes are characters", `{"x":["\u0041/"]}`, `{"x":"A\/"}`, true},

		{"one or another", `{"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"b":"y"}`, true},
		{"neither", `{"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"a":"y"}`, false},
		{"or below", `{"detail":{"$or":[{"c":[{"numeric":[">",0]}]},{"d":[{"numeric":["<",10]}]}]}}`, `{"detail":{"d":9}}`, true},
		{"or within or", `{"s":["q"],"$or":[{"a":["x"],"$or":[{"b":["y"]},{"c":["z"]}]},{"d":["w"]}]}`, `{"s":"q","a":"x","c":"z"}`, true},
		{"or within or, in part", `{"s":["q"],"$or":[{"a":["x"],"$or":[{"b":["y"]},{"c":["z"]}]},{"d":["w"]}]}`, `{"s":"q","a":"x"}`, false},
		{"a field that is called $or", `{"$or":["x"]}`, `{"$or":"x"}`, true},

		{"one element for two conditions", `{"e":{"first":["John"],"last":["Smith"]}}`, `{"e":[{"first":"John","last":"Doe"},{"first":"Jane","last":"Smith"}]}`, false},
		{"both in one element", `{"e":{"first":["Jane"],"last":["Smith"]}}`, `{"e":[{"first":"John","last":"Doe"},{"first":"Jane","last":"Smith"}]}`, true},
		{"elements of different arrays", `{"a":{"x":[1]},"b":{"y":[2]}}`, `{"a":[{"x":0},{"x":1}],"b":[{"y":2}]}`, true},
		{"arrays in arrays", `{"a":{"n":["q"],"b":{"x":[1],"y":[2]}}}`, `{"a":[{"n":"p","b":[{"x":1,"y":2}]},{"n":"q","b":[{"x":1},{"y":2}]}]}`, false},
		{"arrays in arrays, both", `{"a":{"n":["q"],"b":{"x":[1],"y":[2]}}}`, `{"a":[{"n":"p"},{"n":"q","b":[{"x":1},{"x":1,"y":2}]}]}`, true},
		{"arrays directly in arrays", `{"a":{"x":[1],"y":[2]}}`, `{"a":[[{"x":1},{"x":1,"y":2}]]}`, true},
		{"scalars in arrays in arrays", `{"a":[3]}`, `{"a":[[1,2],[3]]}`, true},
		{"absence and an element", `{"a":{"x":[1],"z":[{"exists":false}]}}`, `{"a":[{"x":1},{"y":2}]}`, true},
		{"a name with a dot", `{"a.b":["x"]}`, `{"a":{"b":"x"}}`, true},
		{"a dotted name in the event", `{"a":{"b":["x"]}}`, `{"a.b":"x"}`, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := Parse(test.pattern, EventBridge)
			if err != nil {
				t.Fatal(err)
			}
			ev, err := ParseEvent([]byte(test.event))
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Match(ev); got != test.want {
				t.Errorf("match: %v, want %v", got, test.want)
			}
			s := NewSet[int]()
			s.Put(7, p)
			if got := len(s.Match(ev)) == 1; got != test.want {
				t.Errorf("match in a set: %v, want %v", got, test.want)
			}
			if s.Delete(7); len(s.Match(ev)) != 0 {
				t.Error("a deleted pattern still matches")
			}
		})
	}
}

func TestPatternsAreRefusedInTheWordsOfAWS(t *testing.T) {
	tests := []struct{ name, pattern, want string }{
		{"no object", `["x"]`, "Filter is not an object"},
		{"no JSON", `{`, "Unexpected end-of-input: expected close marker for Object"},
		{"a word", `xx`, "Unrecognized token 'xx': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"},
		{"nothing", ``, "No content to map due to end-of-input"},
		{"an empty pattern", `{}`, "Empty objects are not allowed"},
		{"an empty object", `{"a":{}}`, "Empty objects are not allowed"},
		{"an empty list", `{"a":[]}`, "Empty arrays are not allowed"},
		{"a value that is no list", `{"a":"x"}`, `"a" must be an object or an array`},
		{"null that is no list", `{"a":null}`, `"a" must be an object or an array`},
		{"a list in a list", `{"a":[["x"]]}`, "Match value must be String, number, true, false, or null"},
		{"an unknown comparison", `{"a":[{"EXISTS":true}]}`, "Unrecognized match type EXISTS"},
		{"two comparisons in one", `{"a":[{"prefix":"x","suffix":"y"}]}`, "Only one key allowed in match expression"},
		{"a prefix that is no text", `{"a":[{"prefix":1}]}`, "prefix match pattern must be a string"},
		{"a suffix that is no text", `{"a":[{"suffix":["x"]}]}`, "suffix match pattern must be a string"},
		{"a wildcard that is no text", `{"a":[{"wildcard":1}]}`, "wildcard match pattern must be a string"},
		{"two asterisks", `{"a":[{"wildcard":"a**"}]}`, "Consecutive wildcard characters at pos 1"},
		{"an unknown escape", `{"a":[{"wildcard":"a\\b"}]}`, "Invalid escape character at pos 1"},
		{"no case", `{"a":[{"equals-ignore-case":["x"]}]}`, "equals-ignore-case match pattern must be a string"},
		{"exists with text", `{"a":[{"exists":"true"}]}`, "exists match pattern must be either true or false."},
		{"no block", `{"a":[{"cidr":"10.0.0.0"}]}`, "Malformed CIDR, one '/' required"},
		{"no mask", `{"a":[{"cidr":"10.0.0.0/x"}]}`, "Malformed CIDR, mask bits must be an integer"},
		{"a mask too long", `{"a":[{"cidr":"10.0.0.0/33"}]}`, "IPv4 mask bits cannot be greater than 32"},
		{"no address", `{"a":[{"cidr":"10.0.0/8"}]}`, "Nonstandard IP address: 10.0.0"},
		{"a range that is no list", `{"a":[{"numeric":1}]}`, "Value of numeric must be an array."},
		{"an unknown operator", `{"a":[{"numeric":["==",1]}]}`, "Unrecognized numeric range operator: =="},
		{"a range of text", `{"a":[{"numeric":["<","1"]}]}`, "Value of < must be numeric"},
		{"an equality of text", `{"a":[{"numeric":["=","1"]}]}`, "Value of equals must be numeric."},
		{"a range without a number", `{"a":[{"numeric":[">"]}]}`, "Value of > must be numeric"},
		{"an empty range", `{"a":[{"numeric":[">",5,"<",5]}]}`, "Bottom must be less than top"},
		{"a range the wrong way round", `{"a":[{"numeric":["<",5,">",1]}]}`, "Too many elements in numeric expression"},
		{"a range with three ends", `{"a":[{"numeric":[">",1,"<",5,"<",6]}]}`, "Too many terms in numeric range expression"},
		{"a number out of range", `{"a":[{"numeric":[">",5000000001]}]}`, "Value must be between -5.0E9 and 5.0E9, inclusive"},
		{"anything but null", `{"a":[{"anything-but":null}]}`, "Value of anything-but must be an array or single string/number value."},
		{"anything but nothing", `{"a":[{"anything-but":[]}]}`, "Empty arrays are not allowed"},
		{"anything but true", `{"a":[{"anything-but":[true]}]}`, "Inside anything but list, start|null|boolean is not supported."},
		{"anything but a mixture", `{"a":[{"anything-but":["a",1]}]}`, "Inside anything but list, either all values are number or string, mixed type is not supported"},
		{"anything but something", `{"a":[{"anything-but":{"numeric":["=",1]}}]}`, "Unsupported anything-but pattern: numeric"},
		{"anything but an empty prefix", `{"a":[{"anything-but":{"prefix":""}}]}`, "Null prefix/suffix not allowed"},
		{"or with one", `{"$or":[{"a":["x"]}]}`, "Unrecognized match type a"},
		{"behind the end", `{"a":["x"]} x`, "Unrecognized token 'x': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse(test.pattern, EventBridge)
			syntax, ok := errors.AsType[*SyntaxError](err)
			if !ok {
				t.Fatalf("error %v, want a *SyntaxError", err)
			}
			if syntax.Reason != test.want {
				t.Errorf("reason %q, want %q", syntax.Reason, test.want)
			}
		})
	}
}

func TestErrorsNameThePlace(t *testing.T) {
	for pattern, want := range map[string]string{
		`{"source":"x"}`: "\"source\" must be an object or an array\n at [Source: (String)\"{\"source\":\"x\"}\"; line: 1, column: 12]",
		"{\n \"a\":[]}":  "Empty arrays are not allowed\n at [Source: (String)\"{\n \"a\":[]}\"; line: 2, column: 8]",
	} {
		if _, err := Parse(pattern, EventBridge); err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", pattern, err, want)
		}
	}
}

func TestManyAlternativesOfOrAreRefused(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"x":["y"]`)
	for i := range 10 {
		b.WriteString(`,"` + strings.Repeat("o", i+1) + `":{"$or":[{"a":["x"]},{"b":["x"]}]}`)
	}
	b.WriteString(`}`)
	_, err := Parse(b.String(), EventBridge)
	if err == nil || !strings.Contains(err.Error(), "too complex") {
		t.Errorf("2^10 combinations: %v", err)
	}
}

func TestMappingsFilterRecords(t *testing.T) {
	const metadata = `"messageId":"1","attributes":{"SenderId":"me"}`
	plain := `{` + metadata + `,"body":"hello"}`
	object := `{` + metadata + `,"body":"{\"a\":{\"b\":[1,2]}, \"s\":\"x\"}"}`
	array := `{` + metadata + `,"body":"[{\"a\":1}]"}`
	broken := `{` + metadata + `,"body":"{\"a\":"}`
	tests := []struct {
		name, pattern, record string
		want                  bool
	}{
		// Lambda developer guide, "Properly filtering Amazon SQS messages".
		{"text for text", `{"body":["hello"]}`, plain, true},
		{"other text", `{"body":["hi"]}`, plain, false},
		{"text, but an object is asked for", `{"body":{"a":{"b":[1]}}}`, plain, false},
		{"text, but absence in an object is asked for", `{"body":{"z":[{"exists":false}]}}`, plain, false},
		{"an object for an object", `{"body":{"a":{"b":[2]}}}`, object, true},
		{"an object, but text is asked for", `{"body":[{"exists":false}]}`, object, false},
		{"an object in an array", `{"body":{"a":[1]}}`, array, true},
		{"broken JSON is text", `{"body":[{"prefix":"{"}]}`, broken, true},
		{"broken JSON is no object", `{"body":{"a":[1]}}`, broken, false},
		{"nothing of the body", `{"attributes":{"SenderId":["me"]}}`, plain, true},
		{"or over both forms", `{"$or":[{"body":["hello"]},{"body":{"s":["x"]}}]}`, object, true},
		{"everything", `{}`, plain, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := Parse(test.pattern, Mapping)
			if err != nil {
				t.Fatal(err)
			}
			ev, err := ParseRecord([]byte(test.record), "body")
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Match(ev); got != test.want {
				t.Errorf("match: %v, want %v", got, test.want)
			}
		})
	}
}

func TestFilterPoliciesOfTopics(t *testing.T) {
	attributes := map[string]Attribute{
		"store":    {"String", "example_corp"},
		"price":    {"Number", "210.75"},
		"interest": {"String.Array", `["soccer","rugby",null,true,7]`},
		"broken":   {"String.Array", `soccer`},
		"bytes":    {"Binary", "AAEC"},
		"a.b":      {"String.custom", "dotted"},
	}
	tests := []struct {
		policy string
		want   bool
	}{
		{`{"store":["example_corp"]}`, true},
		{`{"store":[{"anything-but":"example_corp"}]}`, false},
		{`{"price":[{"numeric":[">=",100,"<=",250]}]}`, true},
		{`{"price":["210.75"]}`, false},
		{`{"price":[210.75]}`, true},
		{`{"interest":["rugby"]}`, true},
		{`{"interest":["tennis"]}`, false},
		{`{"interest":[{"anything-but":["soccer"]}]}`, true},
		{`{"interest":[null]}`, true},
		{`{"interest":[7]}`, true},
		{`{"broken":[{"exists":true}]}`, false},
		{`{"bytes":[{"exists":false}]}`, true},
		{`{"a.b":["dotted"]}`, true},
		{`{"store":["example_corp"],"event":[{"exists":false}]}`, true},
		{`{"$or":[{"store":["x"]},{"price":[{"numeric":["<",300]}]}]}`, true},
	}
	ev := AttributesEvent(attributes)
	for _, test := range tests {
		p, err := Parse(test.policy, TopicAttributes)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Match(ev); got != test.want {
			t.Errorf("%s: %v, want %v", test.policy, got, test.want)
		}
	}
}

func TestFilterPoliciesAreRefused(t *testing.T) {
	tests := []struct {
		policy string
		d      Dialect
		want   string
	}{
		{`{"a":{"b":["x"]}}`, TopicAttributes, "Filter policy scope MessageAttributes does not support nested filter policy"},
		{`{"a":[{"wildcard":"*"}]}`, TopicBody, "Unrecognized match type wildcard"},
		{`{"a":["1"],"b":["1"],"c":["1"],"d":["1"],"e":["1"],"f":["1"]}`, TopicBody, "Filter policy can not have more than 5 keys"},
		{`{"a":{"b":{"c":["1","2","3","4","5","6","7","8"]}},"d":["1","2","3","4","5","6","7"]}`, TopicBody, "Filter policy is too complex"},
	}
	for _, test := range tests {
		_, err := Parse(test.policy, test.d)
		if syntax, ok := errors.AsType[*SyntaxError](err); !ok || syntax.Reason != test.want {
			t.Errorf("%s: %v, want %s", test.policy, err, test.want)
		}
	}
}

// Patterns and events in which a matcher that goes back would not come to an end.
func TestHostileInputEnds(t *testing.T) {
	parse := func(text string) *Pattern {
		p, err := Parse(text, EventBridge)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	wild := parse(`{"x":[{"wildcard":"` + strings.Repeat("*a", 400) + `*b"}]}`)
	ev, err := ParseEvent([]byte(`{"x":"` + strings.Repeat("a", 200_000) + `"}`))
	if err != nil || wild.Match(ev) {
		t.Errorf("wildcards: %v", err)
	}
	var text, event strings.Builder
	text.WriteString(`{"z":{"p":[1],"q":[2]}`)
	event.WriteString(`{"z":[{"p":1},{"q":2}]`)
	for i := range 40 {
		name := strings.Repeat("a", i+1)
		text.WriteString(`,"` + name + `":{"x":[1],"y":[{"exists":true}]}`)
		event.WriteString(`,"` + name + `":[` + strings.Repeat(`{"x":1,"y":2},`, 100) + `{"x":1}]`)
	}
	ev, err = ParseEvent([]byte(event.String() + "}"))
	if err != nil || parse(text.String()+"}").Match(ev) {
		t.Errorf("arrays: %v", err)
	}
	if _, err := ParseEvent([]byte(strings.Repeat(`{"a":`, 100_000))); err == nil {
		t.Error("a well of objects is taken apart")
	}
}
