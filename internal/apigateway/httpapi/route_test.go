package httpapi

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
)

// FuzzRoutes holds that a key that is accepted matches what it should and nothing
// panics on any path.
func FuzzRoutes(f *testing.F) {
	f.Add("GET /a/{id}", "/a/%2f")
	f.Add("ANY /{proxy+}", "//")
	f.Add("$default", "")
	f.Add("GET /{a}/{a}", "/x/y")
	f.Fuzz(func(t *testing.T, key, path string) {
		if checkRouteKey(key) != nil {
			return
		}
		table := compile(&Snapshot{Routes: map[string]types.Route{"r": {RouteKey: &key}}})
		r, params := table.find("GET", path)
		if key == defaultRoute && r == nil {
			t.Errorf("$default does not take %q", path)
		}
		if r == nil {
			return
		}
		for name := range params {
			if !strings.Contains(key, "{"+name) {
				t.Errorf("%q gave the parameter %q for %q", path, name, key)
			}
		}
	})
}
