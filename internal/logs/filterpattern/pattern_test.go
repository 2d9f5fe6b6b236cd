package filterpattern

import (
	"errors"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	const cloudtrail = `{"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","arrayKey":["value","another value"],` +
		`"objectList":[{"name":"a","id":1},{"name":"b","id":2}],"SomeObject":null,"ThisFlag":true,"Off":false,` +
		`"bandwidth":75,"latency":1e3,"text":"200","cluster.name":"c","a-b":{"x y":"z"},"quote":"say \"hi\""}`
	const access = `127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`
	for _, c := range []struct {
		name    string
		pattern string
		message string
		want    bool
	}{
		{"nothing matches everything", "", "anything", true},
		{"space matches everything", "  \t", "", true},
		{"a term is found", "ERROR", "[ERROR 400] BAD REQUEST", true},
		{"a term is found inside a word", "ERROR", "ERRORCODE", true},
		{"terms are case sensitive", "error", "ERROR", false},
		{"a term that is not there", "ERROR", "WARN", false},
		{"all terms must be there, in any order", "ERROR ARGUMENTS", "ARGUMENTS missing: ERROR", true},
		{"one of two terms is not enough", "ERROR ARGUMENTS", "ERROR", false},
		{"a phrase is exact", `"INTERNAL SERVER ERROR"`, "500 INTERNAL SERVER ERROR", true},
		{"a phrase is not its words", `"INTERNAL SERVER ERROR"`, "ERROR SERVER INTERNAL", false},
		{"a phrase may hold anything", `"a-b: {\"x\"} \\ 100%"`, `a-b: {"x"} \ 100%`, true},
		{"an excluded term must not be there", "ERROR -ARGUMENTS", "ERROR ARGUMENTS", false},
		{"an excluded term that is not there", "ERROR -ARGUMENTS", "ERROR", true},
		{"only an excluded term", "-ARGUMENTS", "anything", true},
		{"an excluded phrase", `ERROR -"bad request"`, "ERROR bad request", false},
		{"one optional term is enough", "?ERROR ?ARGUMENTS", "ARGUMENTS", true},
		{"none of the optional terms", "?ERROR ?ARGUMENTS", "fine", false},
		{"optional terms beside others are ignored", "?ERROR REQUEST", "REQUEST", true},
		{"an optional phrase", `?"a b" ?c`, "xa bx", true},
		{"a regular expression", `%ERR(OR)?\s4\d{2}%`, "ERROR 404", true},
		{"a regular expression that does not match", `%^ERROR%`, "an ERROR", false},
		{"an excluded regular expression", `-%4\d\d%`, "status 404", false},
		{"an escaped percent sign", `%100\%%`, "100%", true},
		{"letters of other languages", "größe", "die größe", true},

		{"a member equals", `{ $.eventType = "UpdateTrail" }`, cloudtrail, true},
		{"a member without quotes", `{ $.eventType = UpdateTrail }`, cloudtrail, true},
		{"space does not matter", `{$.eventType="UpdateTrail"}`, cloudtrail, true},
		{"space around the message does not matter", `{ $.a = 1 }`, " {\"a\":1}\n", true},
		{"a member differs", `{ $.eventType != "UpdateTrail" }`, cloudtrail, false},
		{"a member that does not exist is neither equal", `{ $.none = "x" }`, cloudtrail, false},
		{"nor different", `{ $.none != "x" }`, cloudtrail, false},
		{"a wildcard at the end", `{ $.sourceIPAddress = 111.111.* }`, cloudtrail, true},
		{"a wildcard at the beginning", `{ $.eventType = "*Trail" }`, cloudtrail, true},
		{"a wildcard in the middle", `{ $.eventType = "Up*ail" }`, cloudtrail, true},
		{"a wildcard that does not overlap itself", `{ $.eventType = "UpdateTrail*Trail" }`, cloudtrail, false},
		{"a wildcard that differs", `{ $.sourceIPAddress != 123.123.* }`, cloudtrail, true},
		{"an element of an array", `{ $.arrayKey[0] = "value" }`, cloudtrail, true},
		{"an element beyond the end", `{ $.arrayKey[9] = "value" }`, cloudtrail, false},
		{"any element", `{ $.arrayKey[*] = "another value" }`, cloudtrail, true},
		{"a member of an element", `{ $.objectList[1].id = 2 }`, cloudtrail, true},
		{"a member of any element", `{ $.objectList[*].name = "b" }`, cloudtrail, true},
		{"an array compares with nothing", `{ $.arrayKey = "value" }`, cloudtrail, false},
		{"an array does not even differ", `{ $.arrayKey != "value" }`, cloudtrail, false},
		{"null", `{ $.SomeObject IS NULL }`, cloudtrail, true},
		{"not null", `{ $.eventType IS NULL }`, cloudtrail, false},
		{"absent is not null", `{ $.none IS NULL }`, cloudtrail, false},
		{"true", `{ $.ThisFlag IS TRUE }`, cloudtrail, true},
		{"false", `{ $.Off IS FALSE }`, cloudtrail, true},
		{"not true", `{ $.Off IS TRUE }`, cloudtrail, false},
		{"absent", `{ $.SomeOtherObject NOT EXISTS }`, cloudtrail, true},
		{"null exists", `{ $.SomeObject NOT EXISTS }`, cloudtrail, false},
		{"greater", `{ $.bandwidth > 74.5 }`, cloudtrail, true},
		{"not greater than itself", `{ $.bandwidth > 75 }`, cloudtrail, false},
		{"at least", `{ $.bandwidth >= 75 }`, cloudtrail, true},
		{"less", `{ $.bandwidth < 1e2 }`, cloudtrail, true},
		{"at most", `{ $.bandwidth <= 74 }`, cloudtrail, false},
		{"numbers are equal by value", `{ $.latency = 1000 }`, cloudtrail, true},
		{"a negative number", `{ $.n > -5 }`, `{"n":-4}`, true},
		{"a number as text is not greater", `{ $.text > 100 }`, cloudtrail, false},
		{"a number as text is equal as text", `{ $.text = 200 }`, cloudtrail, true},
		{"a number matches a wildcard", `{ $.bandwidth = "7*" }`, cloudtrail, true},
		{"a regular expression on a member", `{ $.eventType = %^Update% }`, cloudtrail, true},
		{"a regular expression that must not match", `{ $.eventType != %Trail$% }`, cloudtrail, false},
		{"both", `{ $.eventType = "UpdateTrail" && $.bandwidth > 1 }`, cloudtrail, true},
		{"only one of both", `{ $.eventType = "x" && $.bandwidth > 1 }`, cloudtrail, false},
		{"either", `{ $.eventType = "x" || $.bandwidth > 1 }`, cloudtrail, true},
		{"and binds more tightly than or", `{ $.bandwidth > 1 || $.none = 1 && $.none = 2 }`, cloudtrail, true},
		{"parentheses", `{ ($.bandwidth > 1 || $.none = 1) && ($.none = 2) }`, cloudtrail, false},
		{"a name with a dot", `{ $.['cluster.name'] = "c" }`, cloudtrail, true},
		{"a name with a space", `{ $.a-b.['x y'] = "z" }`, cloudtrail, true},
		{"an escaped quote", `{ $.quote = "say \"hi\"" }`, cloudtrail, true},
		{"a brace in a string", `{ $.a = "}" }`, `{"a":"}"}`, true},
		{"a message that is no JSON", `{ $.a = 1 }`, `a = 1`, false},
		{"a message with something behind its JSON", `{ $.a = 1 }`, `{"a":1} x`, false},
		{"an array as the message", `{ $[0] = 1 }`, `[1]`, true},
		{"keywords in small letters", `{ $.none not exists && $.ThisFlag is true }`, cloudtrail, true},

		{"all fields", `[ip, user, username, timestamp, request, status_code, bytes]`, access, true},
		{"too few fields", `[ip, user, username, timestamp, request, status_code]`, access, false},
		{"too many fields", `[ip, user, username, timestamp, request, status_code, bytes, more]`, access, false},
		{"a field with a wildcard", `[ip, user, username, timestamp, request =*html*, status_code = 4*, bytes]`, access, true},
		{"a field that does not match", `[ip, user, username, timestamp, request, status_code = 5*, bytes]`, access, false},
		{"a numeric field", `[..., bytes > 1000]`, access, true},
		{"a numeric field that is too small", `[..., bytes > 2000]`, access, false},
		{"fields around an ellipsis", `[ip = 127.*, ..., status_code = 404, bytes]`, access, true},
		{"an ellipsis may stand for nothing", `[a, ..., b]`, "x y", true},
		{"an ellipsis does not stand for less", `[a, ..., b]`, "x", false},
		{"either of a field", `[..., status_code = 5* || status_code = 404, bytes]`, access, true},
		{"both of a field", `[..., status_code >= 400 && status_code < 500, bytes]`, access, true},
		{"not both of a field", `[..., status_code >= 400 && status_code != 404, bytes]`, access, false},
		{"a field in brackets", `[a, b, c, t = "10/Oct/2000*", ...]`, access, true},
		{"a regular expression on a field", `[..., r = %^GET%, s, b]`, access, true},
		{"a bracket that stays open", `[a, b]`, "x [y", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Parse(c.pattern)
			if err != nil {
				t.Fatalf("parse %s: %v", c.pattern, err)
			}
			if got := p.Match(c.message); got != c.want {
				t.Errorf("%s on %s: got %v, want %v", c.pattern, c.message, got, c.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for pattern, want := range map[string]string{
		`user-id`:                          "Invalid character(s) in term 'user-id'",
		`a:b`:                              "Invalid character(s) in term 'a:b'",
		`ok -`:                             "Invalid character(s) in term ''",
		`"open`:                            "Invalid filter pattern",
		`"a"b`:                             "Invalid filter pattern",
		`%open`:                            "Invalid filter pattern",
		`%[%`:                              "Invalid filter pattern",
		`%%`:                               "Invalid filter pattern",
		`{`:                                "Invalid filter pattern",
		`{ }`:                              "Invalid filter pattern",
		`{ $ = 1 }`:                        "Invalid filter pattern",
		`{ a = 1 }`:                        "Invalid filter pattern",
		`{ $.a }`:                          "Invalid filter pattern",
		`{ $.a = }`:                        "Invalid filter pattern",
		`{ $.a == 1 }`:                     "Invalid filter pattern",
		`{ $.a = 1`:                        "Invalid filter pattern",
		`{ ($.a = 1 }`:                     "Invalid filter pattern",
		`{ $.a = 1 ) }`:                    "Invalid filter pattern",
		`{ $.a = 1 && }`:                   "Invalid filter pattern",
		`{ $.a = 1 $.b = 2 }`:              "Invalid filter pattern",
		`{ $.a > "x" }`:                    "Invalid filter pattern",
		`{ $.a < %x% }`:                    "Invalid filter pattern",
		`{ $.a[x] = 1 }`:                   "Invalid filter pattern",
		`{ $.a[0 = 1 }`:                    "Invalid filter pattern",
		`{ $.a IS 1 }`:                     "Invalid filter pattern",
		`{ $.a NOT NULL }`:                 "Invalid filter pattern",
		`{ $. = 1 }`:                       "Invalid filter pattern",
		`[`:                                "Invalid filter pattern",
		`[]`:                               "Invalid filter pattern",
		`[a, ..., b, ...]`:                 "Invalid filter pattern",
		`[a b]`:                            "Invalid filter pattern",
		`[a = 1 || b = 2]`:                 "Invalid filter pattern",
		`[a,]`:                             "Invalid filter pattern",
		`{ $.a[99999999999999999999] = 1}`: "Invalid filter pattern",
		"{ " + strings.Repeat("(", 2000):   "Invalid filter pattern: it has more than 1024 characters",
		`{ $.a["b] = 1 }`:                  "Invalid filter pattern",
	} {
		_, err := Parse(pattern)
		if _, ok := errors.AsType[*SyntaxError](err); !ok || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", pattern, err, want)
		}
	}
}

// FuzzParse: no pattern and no message makes the parser or a match panic, and
// parsing is the same each time.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`ERROR -"a b" ?%x%`, `{ $.a = "b" && ($.n > 1 || $.c[*].d NOT EXISTS) }`, `[ip, ..., status = 4* || status > 500]`,
		`{ $.['x'] = %a\%b% }`, `{ $.a IS NULL }`, `"\"`, `%\%`, `{"`, `[ "`, "{ $.\xff = 1 }",
	} {
		f.Add(seed, `{"a":"b","n":2,"c":[{"d":1}]} 127.0.0.1 "x y" [z] 404`)
	}
	f.Fuzz(func(t *testing.T, pattern, message string) {
		p, err := Parse(pattern)
		if err != nil {
			if _, ok := errors.AsType[*SyntaxError](err); !ok || err.Error() == "" {
				t.Fatalf("%q: the error is no SyntaxError: %v", pattern, err)
			}
			return
		}
		again, err := Parse(" " + pattern + " ")
		if err != nil {
			t.Fatalf("%q parses, and with space around it does not: %v", pattern, err)
		}
		if p.Match(message) != again.Match(message) {
			t.Fatalf("%q matches %q only sometimes", pattern, message)
		}
	})
}
