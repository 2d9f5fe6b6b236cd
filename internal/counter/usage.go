package counter

import "github.com/hearthfaas/hearth/internal/lambda"

// peaks are the most of an account's figures since they were last asked for; the
// account's mutex guards them.
type peaks struct{ inFlight, unreserved int }

func (p *peaks) raise(a *account) {
	p.inFlight = max(p.inFlight, a.inFlight)
	p.unreserved = max(p.unreserved, a.unreserved)
}

// Usage is the most that one account used of its concurrency in one region, and what
// was drawn of the provisioned part, since the last call of Usage.
type Usage struct {
	Account, Region string
	Concurrent      int
	Unreserved      int // of the functions without a reserve
	Claimed         int // those, and all that is reserved or provisioned for others
	Provisioned     []ProvisionedUsage
}

// ProvisionedUsage is the same of one version's provisioned concurrency.
type ProvisionedUsage struct {
	Function         lambda.FunctionID
	Version          string
	Size, Concurrent int
	Drawn, Spilled   int // invokes
}

// Usage reports what was used since it was last called and begins anew. Only one may
// ask.
func (c *Counter) Usage() []Usage {
	c.mu.RLock()
	defer c.mu.RUnlock()
	out := make([]Usage, 0, len(c.accounts))
	for key, a := range c.accounts {
		out = append(out, a.usage(key))
	}
	return out
}

func (a *account) usage(key accountKey) Usage {
	a.mu.Lock()
	defer a.mu.Unlock()
	u := Usage{
		Account: key.account, Region: key.region,
		Concurrent: a.peak.inFlight, Unreserved: a.peak.unreserved,
	}
	if u.Concurrent > 0 {
		u.Claimed = a.peak.unreserved + a.reserved + a.provisioned
	}
	a.peak = peaks{}
	a.peak.raise(a)
	for _, f := range a.functions {
		for version, p := range f.pools {
			if p.peak+p.drawn+p.spilled == 0 {
				continue
			}
			u.Provisioned = append(u.Provisioned, ProvisionedUsage{
				Function: lambda.FunctionID{Account: key.account, Region: key.region, Name: f.name}, Version: version,
				Size: p.size, Concurrent: p.peak, Drawn: p.drawn, Spilled: p.spilled,
			})
			p.peak, p.drawn, p.spilled = p.inFlight, 0, 0
		}
	}
	return u
}
