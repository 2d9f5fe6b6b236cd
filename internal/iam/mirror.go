package iam

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/hearthfaas/hearth/internal/iam/policy"
)

// mirror is the Store's roles and policies in memory.
type mirror struct {
	changed func() // called after every change

	mu       sync.RWMutex
	roles    map[string]*role    // by entityKey
	policies map[string]*managed // by entityKey, customer-managed only
	// removed has the revisions at which keys were deleted while the store was being
	// read: a page read just before a deletion must not bring the record back. It is
	// nil once all is read.
	removed map[string]int64
}

func newMirror(changed func()) *mirror {
	return &mirror{
		changed:  changed,
		roles:    map[string]*role{},
		policies: map[string]*managed{},
		removed:  map[string]int64{},
	}
}

func (m *mirror) changeRole(key string, revision int64, rec roleRecord, deleted bool) {
	account, _, _ := strings.Cut(key, "/")
	m.mu.Lock()
	defer m.changed() // after the unlock: whoever sees the new cache sees the new records
	defer m.mu.Unlock()
	if !m.newer("role "+key, revision, deleted) {
		return
	}
	if old, ok := m.roles[key]; ok && old.revision >= revision {
		return
	}
	if deleted {
		delete(m.roles, key)
		return
	}
	r := &role{
		roleRecord: rec,
		account:    account,
		arn:        roleARN(account, rec.Path, rec.Name),
		revision:   revision,
		trust:      compile(policy.Trust, rec.Trust),
	}
	r.inline = rec.compile()
	m.roles[key] = r
}

func (m *mirror) changePolicy(key string, revision int64, rec policyRecord, deleted bool) {
	account, _, _ := strings.Cut(key, "/")
	m.mu.Lock()
	defer m.changed()
	defer m.mu.Unlock()
	if !m.newer("policy "+key, revision, deleted) {
		return
	}
	if old, ok := m.policies[key]; ok && old.revision >= revision {
		return
	}
	if deleted {
		delete(m.policies, key)
		return
	}
	v, _ := rec.version(rec.Default)
	m.policies[key] = &managed{
		policyRecord: rec,
		account:      account,
		arn:          policyARN(account, rec.Path, rec.Name),
		revision:     revision,
		current:      compile(policy.Identity, v.Document),
	}
}

func (m *mirror) newer(key string, revision int64, deleted bool) bool {
	if m.removed == nil {
		return true
	}
	if at, ok := m.removed[key]; ok && at >= revision {
		return false
	}
	if deleted {
		m.removed[key] = revision
	}
	return true
}

// loaded says that everything was read; from now on changes come in order.
func (m *mirror) loaded() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.removed = nil
}

func (m *mirror) role(account, name string) (*role, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	r, ok := m.roles[entityKey(account, name)]
	return r, ok
}

// roleByARN compares the whole ARN, so that a wrong path is a missing role.
func (m *mirror) roleByARN(arn string) (*role, bool) {
	account, name, ok := nameOfARN(arn, "role")
	if !ok {
		return nil, false
	}
	r, ok := m.role(account, name)
	if !ok || r.arn != arn {
		return nil, false
	}
	return r, true
}

// policyByARN finds customer-managed and AWS-managed policies.
func (m *mirror) policyByARN(arn string) (*managed, bool) {
	account, name, ok := nameOfARN(arn, "policy")
	if !ok {
		return nil, false
	}
	if account == awsAccount {
		p, ok := awsManaged()[arn]
		return p, ok
	}
	p, ok := m.policy(account, name)
	if !ok || p.arn != arn {
		return nil, false
	}
	return p, true
}

func (m *mirror) policy(account, name string) (*managed, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	p, ok := m.policies[entityKey(account, name)]
	return p, ok
}

// rolesOf returns an account's roles by name.
func (m *mirror) rolesOf(account string) []*role {
	m.mu.RLock()
	all := slices.Collect(maps.Values(m.roles))
	m.mu.RUnlock()
	all = slices.DeleteFunc(all, func(r *role) bool { return r.account != account })
	slices.SortFunc(all, func(a, b *role) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// policiesOf returns an account's customer-managed policies, in no order.
func (m *mirror) policiesOf(account string) []*managed {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []*managed
	for _, p := range m.policies {
		if p.account == account {
			out = append(out, p)
		}
	}
	return out
}
