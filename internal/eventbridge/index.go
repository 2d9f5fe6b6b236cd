package eventbridge

import (
	"context"
	"fmt"
	"sync"

	"github.com/hearthfaas/hearth/internal/pattern"
	"github.com/hearthfaas/hearth/internal/schedule"
)

// index is everything but the archived events, in memory: an event finds its rules
// without a look at the disk.
type index struct {
	buses    map[busKey]*bus
	archives map[ownName]*archive
	replays  map[ownName]*replayRecord
}

// ownName names something that an account has in a region.
type ownName struct{ account, region, name string }

func (n ownName) record() string { return n.account + "/" + n.region + "/" + n.name }

// bus is one bus. What it holds changes under the service's mutex.
type bus struct {
	key    busKey
	record busRecord
	// revision of the record, by which identity knows a policy again.
	revision int64
	rules    map[string]*rule
	matcher  *pattern.Set[string] // enabled rules that have a pattern, by name
	archives *pattern.Set[string] // by name
}

// rule is one rule. It does not change: a changed rule is a new one.
type rule struct {
	bus    busKey
	record ruleRecord
	inputs []*input // beside record.Targets
	// schedule is nil without one, or when the rule is disabled.
	schedule *schedule.Schedule
	pattern  *pattern.Pattern // nil likewise
}

func (r *rule) arn() string { return r.bus.rule(r.record.Name) }

// archive is one archive.
type archive struct {
	record  archiveRecord
	pattern *pattern.Pattern
	// tally counts what is in it, once somebody has asked.
	tally tally
}

// tally is the number and size of an archive's events.
type tally struct {
	mu          sync.Mutex // guards what follows; held while they are counted
	known       bool
	count, size int64
}

func newIndex() index {
	return index{buses: map[busKey]*bus{}, archives: map[ownName]*archive{}, replays: map[ownName]*replayRecord{}}
}

// everything matches every event: an archive without a pattern.
var everything = sync.OnceValue(func() *pattern.Pattern {
	p, err := pattern.Parse(`{"version":["0"]}`, pattern.EventBridge)
	if err != nil {
		panic(fmt.Sprint("eventbridge: a built-in pattern does not parse: ", err))
	}
	return p
})

// load fills the index from the records.
func (s *Service) load(ctx context.Context) error {
	for row, err := range s.buses.All(ctx, "") {
		if err != nil {
			return err
		}
		r := row.Value
		b := s.index.grow(busKey{r.Account, r.Region, r.Name})
		b.record, b.revision = r, row.Revision
	}
	for row, err := range s.rules.All(ctx, "") {
		if err != nil {
			return err
		}
		r, err := newRule(row.Value)
		if err != nil {
			return fmt.Errorf("read rule %s: %w", row.Key, err)
		}
		s.index.grow(r.bus).put(r)
	}
	for row, err := range s.archives.All(ctx, "") {
		if err != nil {
			return err
		}
		if err := s.index.putArchive(row.Value); err != nil {
			return fmt.Errorf("read archive %s: %w", row.Key, err)
		}
	}
	for row, err := range s.replays.All(ctx, "") {
		if err != nil {
			return err
		}
		r := row.Value
		s.index.replays[ownName{r.Account, r.Region, r.Name}] = &r
	}
	return nil
}

// grow is a bus, which is made when it is not there.
func (x *index) grow(k busKey) *bus {
	b, ok := x.buses[k]
	if !ok {
		b = &bus{
			key: k, record: busRecord{Account: k.account, Region: k.region, Name: k.name},
			rules: map[string]*rule{}, matcher: pattern.NewSet[string](), archives: pattern.NewSet[string](),
		}
		x.buses[k] = b
	}
	return b
}

// bus finds a bus. Every account has its default one; it takes no memory until
// something is set on it.
func (x *index) bus(k busKey) (*bus, error) {
	if b, ok := x.buses[k]; ok {
		return b, nil
	}
	if k.name == defaultBus {
		return &bus{key: k, record: busRecord{Account: k.account, Region: k.region, Name: k.name}}, nil
	}
	return nil, noBus(k.name)
}

// rule finds a rule.
func (x *index) rule(k busKey, name string) (*rule, error) {
	b, err := x.bus(k)
	if err != nil {
		return nil, err
	}
	if r, ok := b.rules[name]; ok {
		return r, nil
	}
	return nil, noRule(name, k.name)
}

func (b *bus) put(r *rule) {
	b.rules[r.record.Name] = r
	if r.pattern == nil {
		b.matcher.Delete(r.record.Name)
	} else {
		b.matcher.Put(r.record.Name, r.pattern)
	}
}

func (b *bus) drop(name string) {
	delete(b.rules, name)
	b.matcher.Delete(name)
}

func (x *index) putArchive(r archiveRecord) error {
	p := everything()
	if r.Pattern != "" {
		var err error
		if p, err = pattern.Parse(r.Pattern, pattern.EventBridge); err != nil {
			return err
		}
	}
	name := ownName{r.Account, r.Region, r.Name}
	a, ok := x.archives[name]
	if !ok {
		a = &archive{}
		x.archives[name] = a
	}
	a.record, a.pattern = r, p
	k := busKey{r.Account, r.Region, r.Bus}
	if _, err := x.bus(k); err == nil { // else its bus was deleted: it keeps what it has
		x.grow(k).archives.Put(r.Name, p)
	}
	return nil
}

// attach has a bus that was made fill the archives of an earlier one of its name.
func (x *index) attach(b *bus) {
	for name, a := range x.archives {
		if (busKey{name.account, name.region, a.record.Bus}) == b.key {
			b.archives.Put(name.name, a.pattern)
		}
	}
}

// newRule compiles a rule.
func newRule(rec ruleRecord) (*rule, error) {
	r := &rule{bus: busKey{rec.Account, rec.Region, rec.Bus}, record: rec}
	for i := range rec.Targets {
		in, err := newInput(&rec.Targets[i])
		if err != nil {
			return nil, err
		}
		r.inputs = append(r.inputs, in)
	}
	if rec.State == stateDisabled {
		return r, nil
	}
	var err error
	if rec.Pattern != "" {
		if r.pattern, err = pattern.Parse(rec.Pattern, pattern.EventBridge); err != nil {
			return nil, err
		}
	}
	if rec.Schedule != "" {
		if r.schedule, err = schedule.ParseRule(rec.Schedule); err != nil {
			return nil, err
		}
	}
	return r, nil
}
