package s3

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// corsRulesMax is how many rules a configuration has (S3 user guide, "CORS").
const corsRulesMax = 100

// ruleIDMax is how long the ID of a rule is (S3 API reference, CORSRule, LifecycleRule).
const ruleIDMax = 255

var corsMethods = []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodHead}

type corsRule struct {
	ID             string
	AllowedHeaders []string `xml:"AllowedHeader"`
	AllowedMethods []string `xml:"AllowedMethod"`
	AllowedOrigins []string `xml:"AllowedOrigin"`
	ExposeHeaders  []string `xml:"ExposeHeader"`
	MaxAgeSeconds  *int
}

func corsRules(text []byte) ([]corsRule, error) {
	var in struct {
		Rules []corsRule `xml:"CORSRule"`
	}
	err := parseXML(text, &in)
	return in.Rules, err
}

func (c *call) checkCORS(text []byte) ([]byte, error) {
	rules, err := corsRules(text)
	if err != nil {
		return nil, err
	}
	if len(rules) == 0 || len(rules) > corsRulesMax {
		return nil, fault("MalformedXML")
	}
	for _, r := range rules {
		if len(r.AllowedMethods) == 0 || len(r.AllowedOrigins) == 0 {
			return nil, fault("MalformedXML")
		}
		for _, m := range r.AllowedMethods {
			if !slices.Contains(corsMethods, m) {
				return nil, faultf("InvalidRequest", "Found unsupported HTTP method in CORS config. Unsupported method is %s", m)
			}
		}
		for _, o := range r.AllowedOrigins {
			if strings.Count(o, "*") > 1 {
				return nil, faultf("InvalidRequest", "AllowedOrigin %q can not have more than one wildcard.", o)
			}
		}
		if len(r.ID) > ruleIDMax {
			return nil, faultf("InvalidRequest", "CORS rule ID cannot be longer than %d characters", ruleIDMax)
		}
		for _, h := range r.ExposeHeaders {
			if strings.Contains(h, "*") {
				return nil, faultf("InvalidRequest", "ExposeHeader %q contains wildcard. We currently do not support wildcard for ExposeHeader.", h)
			}
		}
		for _, h := range r.AllowedHeaders {
			if strings.Count(h, "*") > 1 {
				return nil, faultf("InvalidRequest", "AllowedHeader %q can not have more than one wildcard.", h)
			}
		}
	}
	return text, nil
}

// wild compares with a pattern that has at most one star.
func wild(pattern, text string) bool {
	before, after, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == text
	}
	return len(text) >= len(before)+len(after) && strings.HasPrefix(text, before) && strings.HasSuffix(text, after)
}

// allows is the origin to answer with when the rule lets a request through.
func (r *corsRule) allows(origin, method string, headers []string) (string, bool) {
	if !slices.Contains(r.AllowedMethods, method) {
		return "", false
	}
	at := slices.IndexFunc(r.AllowedOrigins, func(p string) bool { return wild(p, origin) })
	if at < 0 {
		return "", false
	}
	for _, h := range headers {
		if !slices.ContainsFunc(r.AllowedHeaders, func(p string) bool { return wild(strings.ToLower(p), h) }) {
			return "", false
		}
	}
	if r.AllowedOrigins[at] == "*" {
		return "*", true
	}
	return origin, true
}

// corsAnswer sets the headers of the first rule that lets the request through.
func (c *call) corsAnswer(origin, method string, headers []string) bool {
	rec, ok := c.s.index.Bucket(c.bucket)
	if !ok {
		return false
	}
	rules, err := corsRules([]byte(rec.Documents["cors"]))
	if err != nil {
		return false
	}
	for i := range rules {
		r := &rules[i]
		allowed, ok := r.allows(origin, method, headers)
		if !ok {
			continue
		}
		h := c.w.Header()
		h.Set("Access-Control-Allow-Origin", allowed)
		if allowed != "*" {
			h.Set("Access-Control-Allow-Credentials", "true")
		}
		h.Set("Access-Control-Allow-Methods", strings.Join(r.AllowedMethods, ", "))
		if len(headers) > 0 {
			h.Set("Access-Control-Allow-Headers", strings.Join(headers, ", "))
		}
		if len(r.ExposeHeaders) > 0 {
			h.Set("Access-Control-Expose-Headers", strings.Join(r.ExposeHeaders, ", "))
		}
		if r.MaxAgeSeconds != nil {
			h.Set("Access-Control-Max-Age", strconv.Itoa(*r.MaxAgeSeconds))
		}
		h.Set("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")
		return true
	}
	return false
}

// corsHeaders adds to an answer what lets a page of another origin read it.
func (c *call) corsHeaders() {
	if origin := c.r.Header.Get("Origin"); origin != "" && c.bucket != "" {
		c.corsAnswer(origin, c.r.Method, nil)
	}
}

// preflight answers a browser that asks whether a request may be sent.
func (c *call) preflight() error {
	origin, method := c.r.Header.Get("Origin"), c.r.Header.Get("Access-Control-Request-Method")
	if origin == "" {
		return faultf("BadRequest", "Insufficient information. Origin request header needed.")
	}
	if !slices.Contains(corsMethods, method) {
		if method == "" {
			method = "null"
		}
		return faultf("BadRequest", "Invalid Access-Control-Request-Method: %s", method)
	}
	about := elements{"Method", method, "ResourceType", resourceTypes[levelOf(c.bucket, c.key)]}
	rec, ok := c.s.index.Bucket(c.bucket)
	if !ok || rec.Documents["cors"] == "" {
		text := "CORSResponse: CORS is not enabled for this bucket."
		if !ok {
			text = "CORSResponse: Bucket not found"
		}
		return with(faultf("AccessForbidden", "%s", text), about...)
	}
	var headers []string
	for h := range strings.SplitSeq(c.r.Header.Get("Access-Control-Request-Headers"), ",") {
		if h = strings.ToLower(strings.TrimSpace(h)); h != "" {
			headers = append(headers, h)
		}
	}
	if !c.corsAnswer(origin, method, headers) {
		return with(fault("AccessForbidden"), about...)
	}
	c.w.WriteHeader(http.StatusOK)
	return nil
}
