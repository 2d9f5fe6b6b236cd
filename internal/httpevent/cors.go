package httpevent

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Cors are an address's rules for calls from web pages (Lambda API, Cors; API Gateway V2
// API, Cors).
type Cors struct {
	AllowCredentials bool
	AllowHeaders     []string
	AllowMethods     []string
	AllowOrigins     []string
	ExposeHeaders    []string
	MaxAgeSec        *int32
}

// The headers of the protocol (Fetch standard, "CORS protocol").
const (
	allowOrigin      = "Access-Control-Allow-Origin"
	allowCredentials = "Access-Control-Allow-Credentials"
	allowMethods     = "Access-Control-Allow-Methods"
	allowHeaders     = "Access-Control-Allow-Headers"
	exposeHeaders    = "Access-Control-Expose-Headers"
	maxAge           = "Access-Control-Max-Age"
)

// Preflight answers a browser's question before its request, and says whether it was
// one. A question that the rules do not allow is answered without their headers, which
// a browser takes for a no. Without rules the function answers.
func (c *Cors) Preflight(h http.Header, r *http.Request) bool {
	asked := r.Header.Get("Access-Control-Request-Method")
	if c == nil || r.Method != http.MethodOptions || asked == "" || r.Header.Get("Origin") == "" {
		return false
	}
	h.Add("Vary", "Origin")
	h.Add("Vary", "Access-Control-Request-Method")
	h.Add("Vary", "Access-Control-Request-Headers")
	origin, ok := c.origin(r)
	if !ok || !allows(c.AllowMethods, asked) || !c.allowsHeaders(r.Header.Values("Access-Control-Request-Headers")) {
		return true
	}
	h.Set(allowOrigin, origin)
	if c.AllowCredentials {
		h.Set(allowCredentials, "true")
	}
	h.Set(allowMethods, strings.Join(c.AllowMethods, ","))
	if len(c.AllowHeaders) > 0 {
		h.Set(allowHeaders, strings.Join(c.AllowHeaders, ","))
	}
	if c.MaxAgeSec != nil {
		h.Set(maxAge, strconv.Itoa(int(*c.MaxAgeSec)))
	}
	return true
}

// Apply puts the rules' headers on an answer. They win over the function's own.
func (c *Cors) Apply(h http.Header, r *http.Request) {
	if c == nil {
		return
	}
	for _, name := range []string{allowOrigin, allowCredentials, allowMethods, allowHeaders, exposeHeaders, maxAge} {
		h.Del(name)
	}
	if r.Header.Get("Origin") == "" {
		return
	}
	h.Add("Vary", "Origin")
	origin, ok := c.origin(r)
	if !ok {
		return
	}
	h.Set(allowOrigin, origin)
	if c.AllowCredentials {
		h.Set(allowCredentials, "true")
	}
	if len(c.ExposeHeaders) > 0 {
		h.Set(exposeHeaders, strings.Join(c.ExposeHeaders, ","))
	}
}

// origin is the origin that an answer allows: the request's own, or any. Browsers take
// "*" only for requests without credentials.
func (c *Cors) origin(r *http.Request) (string, bool) {
	origin := r.Header.Get("Origin")
	switch {
	case slices.Contains(c.AllowOrigins, "*"):
		if c.AllowCredentials {
			return origin, true
		}
		return "*", true
	case slices.ContainsFunc(c.AllowOrigins, func(o string) bool { return sameOrigin(o, origin) }):
		return origin, true
	}
	return "", false
}

// sameOrigin compares an origin with one of the rules, such as https://*.
func sameOrigin(rule, origin string) bool {
	if before, after, ok := strings.Cut(rule, "*"); ok {
		return len(origin) >= len(before)+len(after) && strings.HasPrefix(origin, before) && strings.HasSuffix(origin, after)
	}
	return strings.EqualFold(rule, origin)
}

func (c *Cors) allowsHeaders(asked []string) bool {
	for _, line := range asked {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name != "" && !allows(c.AllowHeaders, name) {
				return false
			}
		}
	}
	return true
}

func allows(list []string, name string) bool {
	return slices.ContainsFunc(list, func(v string) bool { return v == "*" || strings.EqualFold(v, name) })
}
