package node

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOnlyATrustedBalancerSaysWhoCalls(t *testing.T) {
	trusted, err := parsePrefixes([]string{"10.0.0.0/8", "192.0.2.1", "::1"})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, peer string
		header     []string
		want       string
	}{
		{"a balancer", "10.1.2.3:999", []string{"198.51.100.7"}, "198.51.100.7:0"},
		{"what the caller wrote before it", "192.0.2.1:999", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7:0"},
		{"in a header of its own", "[::1]:999", []string{"203.0.113.9", "2001:db8::1"}, "[2001:db8::1]:0"},
		{"a stranger", "192.0.2.2:999", []string{"198.51.100.7"}, "192.0.2.2:999"},
		{"a balancer without the header", "10.1.2.3:999", nil, "10.1.2.3:999"},
		{"a balancer with nonsense", "10.1.2.3:999", []string{"unknown"}, "10.1.2.3:999"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = tt.peer
			r.Header["X-Forwarded-For"] = tt.header
			got := ""
			behind(trusted, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr })).ServeHTTP(httptest.NewRecorder(), r)
			if got != tt.want {
				t.Errorf("the caller is %s, want %s", got, tt.want)
			}
		})
	}
	if _, err := parsePrefixes([]string{"everywhere"}); err == nil {
		t.Error("a name is taken for an address")
	}
}
