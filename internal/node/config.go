// Package node wires the parts together into one running process. It is the one
// package that may import all of them: it builds the roles, passes each the peers
// it asks for, starts them in order and stops them in reverse.
//
// It decides which implementation serves which interface and nothing else.
package node

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"time"

	"github.com/hearthfaas/hearth/internal/counter"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/rpc"
	"github.com/hearthfaas/hearth/internal/worker"
	"github.com/hearthfaas/hearth/internal/workermanager"
)

// Config is the whole configuration of a process. The zero value is not valid:
// start from Default.
type Config struct {
	// Listen is the address of the one port, host:port; port 0 takes a free one.
	Listen string `yaml:"listen" json:"listen"`
	// TrustedProxies are the addresses and networks of load balancers whose word on who
	// calls is taken (X-Forwarded-For).
	TrustedProxies []string `yaml:"trusted_proxies,omitempty" json:"trusted_proxies,omitempty"`
	// ClusterListen is the address on which workers and frontends in other processes join,
	// host:port; empty lets nobody join.
	ClusterListen string `yaml:"cluster_listen,omitempty" json:"cluster_listen,omitempty"`
	// LocalWorker says that this process hosts environments itself.
	LocalWorker bool `yaml:"local_worker" json:"local_worker"`
	// Zone is what fails together with this process, where there are other workers.
	Zone string `yaml:"zone,omitempty" json:"zone,omitempty"`
	// DataDir is where everything durable lies; made when it does not exist.
	DataDir string `yaml:"data_dir" json:"data_dir"`
	// Isolation is the sandbox driver: "namespace" or "process".
	Isolation string `yaml:"isolation" json:"isolation"`
	// Account is the id of the account that a fresh data directory has, 12 digits.
	Account string `yaml:"account" json:"account"`
	// Organization is the id of the organization that all accounts are in
	// (aws:PrincipalOrgID), such as o-a1b2c3d4e5; empty is none.
	Organization string `yaml:"organization,omitempty" json:"organization,omitempty"`
	// Region is the one used where a request names none.
	Region string `yaml:"region" json:"region"`
	// AccountConcurrency bounds the environments in use at the same time, for each
	// account and region.
	AccountConcurrency int `yaml:"account_concurrency" json:"account_concurrency"`
	// ScaleBurst is how many environments a function may add within 10 seconds; 0 sets
	// no bound.
	ScaleBurst int `yaml:"scale_burst" json:"scale_burst"`
	// RequestsPerConcurrency is how many invokes a second go with each unit of
	// concurrency; 0 sets no bound.
	RequestsPerConcurrency int `yaml:"requests_per_concurrency" json:"requests_per_concurrency"`
	// IdleTimeout is how long an environment stays warm without an invoke.
	IdleTimeout time.Duration `yaml:"idle_timeout" json:"idle_timeout"`
	// KeepAlive is "fixed": every function's environments stay for IdleTimeout; or
	// "adaptive": for as long as the function's own idle times suggest, and for
	// IdleTimeout while they suggest nothing.
	KeepAlive workermanager.KeepAlive `yaml:"keep_alive" json:"keep_alive"`
	// BootAhead is how many environments at most wait ready, their runtime started, before
	// it is known for which function; 0 starts each from scratch. It needs namespace
	// isolation.
	BootAhead int `yaml:"boot_ahead" json:"boot_ahead"`
	// MemoryMB bounds the memory of all environments together, by what their
	// functions were configured with; 0 takes three quarters of the host's.
	MemoryMB int `yaml:"memory_mb" json:"memory_mb"`
	// Path is where interpreters are looked for, in the form of the variable PATH.
	Path string `yaml:"path" json:"path"`
	// Home is where version managers (pyenv, nvm) keep interpreters; empty leaves
	// them out.
	Home string `yaml:"home" json:"home"`
	// TimeScale makes the waits of asynchronous invokes pass so many times faster,
	// for tests of what retries do; 1 is AWS's pace.
	TimeScale float64 `yaml:"time_scale" json:"time_scale"`
	// LogRetention is how long function logs are kept.
	LogRetention time.Duration `yaml:"log_retention" json:"log_retention"`
	// OIDCKeys says where the signing keys of OpenID Connect issuers are: a JWKS file or
	// URL by the issuer's URL. Issuers that are not in it are asked over the network.
	OIDCKeys map[string]string `yaml:"oidc_keys,omitempty" json:"oidc_keys,omitempty"`
}

// timeScaleMax makes a wait of a minute 6 ms: below that, retries are a busy loop.
const timeScaleMax = 10_000

// Default is the configuration of `hearth up` without flags.
func Default() Config {
	return Config{
		Listen:                 "127.0.0.1:4566",
		LocalWorker:            true,
		Isolation:              "namespace",
		Account:                "000000000000",
		Region:                 "us-east-1",
		AccountConcurrency:     lambda.AccountConcurrencyDefault,
		ScaleBurst:             1000, // AWS's
		RequestsPerConcurrency: counter.AWSRequestsPerConcurrency,
		IdleTimeout:            10 * time.Minute, // AWS keeps environments for minutes; the order of magnitude is what people expect
		KeepAlive:              workermanager.Fixed,
		BootAhead:              worker.Default().BootAhead,
		Path:                   "/usr/local/bin:/usr/bin:/bin",
		TimeScale:              1,
		LogRetention:           7 * 24 * time.Hour,
	}
}

// Validate reports everything that is wrong with the configuration at once.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		bad("listen: %q is not host:port", c.Listen)
	}
	if _, err := parsePrefixes(c.TrustedProxies); err != nil {
		bad("trusted_proxies: %w", err)
	}
	if c.ClusterListen != "" {
		if _, _, err := net.SplitHostPort(c.ClusterListen); err != nil {
			bad("cluster_listen: %q is not host:port", c.ClusterListen)
		}
	}
	if !c.LocalWorker && c.ClusterListen == "" {
		bad("local_worker: is false, and without cluster_listen there is no other")
	}
	if c.Zone != "" && !rpc.ValidName(c.Zone) {
		bad("zone: %q is not of letters, digits, dots and dashes", c.Zone)
	}
	if !filepath.IsAbs(c.DataDir) {
		bad("data_dir: %q is not an absolute path", c.DataDir)
	}
	if !slices.Contains([]string{"namespace", "process"}, c.Isolation) {
		bad(`isolation: %q is neither "namespace" nor "process"`, c.Isolation)
	}
	if len(c.Account) != 12 {
		bad("account: %q is not 12 digits", c.Account)
	}
	if c.Region == "" {
		bad("region: is empty")
	}
	if c.AccountConcurrency < 1 {
		bad("account_concurrency: %d is below 1", c.AccountConcurrency)
	}
	if c.ScaleBurst < 0 {
		bad("scale_burst: %d is negative", c.ScaleBurst)
	}
	if c.BootAhead < 0 {
		bad("boot_ahead: %d is negative", c.BootAhead)
	}
	if c.RequestsPerConcurrency < 0 {
		bad("requests_per_concurrency: %d is negative", c.RequestsPerConcurrency)
	}
	if c.IdleTimeout < time.Second {
		bad("idle_timeout: %s is below 1s", c.IdleTimeout)
	}
	if !slices.Contains([]workermanager.KeepAlive{workermanager.Fixed, workermanager.Adaptive}, c.KeepAlive) {
		bad(`keep_alive: %q is neither "fixed" nor "adaptive"`, c.KeepAlive)
	}
	if c.MemoryMB < 0 {
		bad("memory_mb: %d is negative", c.MemoryMB)
	}
	if c.TimeScale <= 0 || c.TimeScale > timeScaleMax {
		bad("time_scale: %g is not above 0 and at most %d", c.TimeScale, timeScaleMax)
	}
	if c.LogRetention < time.Hour {
		bad("log_retention: %s is below 1h", c.LogRetention)
	}
	return errors.Join(errs...)
}

// Loopback says whether the configured addresses, that for frontends included, can be
// reached from this machine only; the well-known test key is accepted on such addresses alone.
func (c Config) Loopback() bool {
	return loopback(c.Listen) && (c.ClusterListen == "" || loopback(c.ClusterListen))
}

// loopback says whether an address can be reached from this machine only.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
