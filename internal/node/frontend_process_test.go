package node

import (
	"strings"
	"testing"
)

func TestAFrontendsConfigurationIsChecked(t *testing.T) {
	cases := []struct {
		name   string
		change func(*FrontendConfig)
		want   string // part of the error; empty for none
	}{
		{"as it should be", func(*FrontendConfig) {}, ""},
		{"on the network, of a Hearth on the network", func(c *FrontendConfig) { c.Join, c.Listen = "10.0.0.1:4600", "10.0.0.2:4566" }, ""},
		{"on the network, of a Hearth on this machine alone", func(c *FrontendConfig) { c.Listen = "10.0.0.2:4566" }, "can be reached from other machines"},
		{"on all addresses, of a Hearth on this machine alone", func(c *FrontendConfig) { c.Listen = ":4566" }, "can be reached from other machines"},
		{"no port", func(c *FrontendConfig) { c.Join = "10.0.0.1" }, "join:"},
		{"no zone", func(c *FrontendConfig) { c.Zone = "" }, "zone:"},
		{"a proxy that is no address", func(c *FrontendConfig) { c.TrustedProxies = []string{"lb"} }, "trusted_proxies:"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := DefaultFrontend()
			cfg.Join, cfg.Name, cfg.Zone, cfg.DataDir = "127.0.0.1:4600", "f", "a", "/data"
			c.change(&cfg)
			switch err := cfg.Validate(); {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want it to say %q", err, c.want)
			}
		})
	}
}

// The test key is for this machine alone: a Hearth that others may join does not take it.
func TestAPortForOthersEndsTheLoopback(t *testing.T) {
	for cluster, want := range map[string]bool{"": true, "127.0.0.1:0": true, "10.0.0.1:4600": false, ":4600": false} {
		cfg := Default()
		cfg.ClusterListen = cluster
		if got := cfg.Loopback(); got != want {
			t.Errorf("with %q: %t, want %t", cluster, got, want)
		}
	}
}
