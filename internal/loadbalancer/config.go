package loadbalancer

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"
)

// Frontend is one process that answers requests.
type Frontend struct {
	URL *url.URL
	// Zone is what fails together with it, such as a machine or a rack.
	Zone string
}

// Config is what a Balancer works with. Start from Default.
type Config struct {
	Frontends []Frontend
	// HealthPath answers 200 on a frontend that is well.
	HealthPath string
	// CheckEvery is the pause between two checks of a frontend, CheckTimeout how long one
	// may take.
	CheckEvery, CheckTimeout time.Duration
	// Fall and Rise are how many checks in a row decide.
	Fall, Rise int
	// EjectAfter is how many broken requests in a row put a frontend out, EjectFor for
	// how long the first time; each time after that it is as much longer, up to EjectMax.
	EjectAfter         int
	EjectFor, EjectMax time.Duration
	// TriesMax bounds the frontends that one request is offered to.
	TriesMax int
	Now      func() time.Time
	Log      *slog.Logger
}

// Default is a configuration without frontends.
func Default() Config {
	return Config{
		HealthPath:   "/_hearth/health",
		CheckEvery:   500 * time.Millisecond, // two of them find a dead frontend within a second
		CheckTimeout: 500 * time.Millisecond,
		Fall:         2,
		Rise:         2,
		EjectAfter:   3,
		EjectFor:     2 * time.Second,
		EjectMax:     time.Minute,
		TriesMax:     3,
		Now:          time.Now,
		Log:          slog.New(slog.DiscardHandler),
	}
}

// Validate reports everything that is wrong with the configuration at once.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(c.Frontends) == 0 {
		bad("there are no frontends")
	}
	seen := map[string]bool{}
	for _, f := range c.Frontends {
		switch {
		case f.URL == nil || f.URL.Host == "" || f.URL.Scheme != "http" && f.URL.Scheme != "https":
			bad("frontend %v is no URL such as http://10.0.0.1:4566", f.URL)
		case f.URL.Path != "" && f.URL.Path != "/":
			bad("frontend %s: a path would change what was signed", f.URL)
		case seen[f.URL.Host]:
			bad("frontend %s is named twice", f.URL)
		}
		if f.URL != nil {
			seen[f.URL.Host] = true
		}
		if f.Zone == "" {
			bad("frontend %v has no zone", f.URL)
		}
	}
	if c.CheckEvery <= 0 || c.CheckTimeout <= 0 || c.EjectFor <= 0 || c.EjectMax < c.EjectFor {
		bad("a duration is not positive, or the longest ejection is shorter than the first")
	}
	if c.Fall < 1 || c.Rise < 1 || c.EjectAfter < 1 || c.TriesMax < 1 {
		bad("a count is below 1")
	}
	return errors.Join(errs...)
}
