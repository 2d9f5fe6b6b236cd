package iam

import (
	"slices"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/iam/policy"
)

type tagRecord struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// roleRecord is a role with all that hangs on it: one record, so that a change of
// several parts is whole or not there.
type roleRecord struct {
	Name        string      `json:"name"`
	Path        string      `json:"path"`
	ID          string      `json:"id"`
	Trust       string      `json:"trust"`
	Description string      `json:"description,omitempty"`
	Created     time.Time   `json:"created"`
	MaxSession  int32       `json:"max_session"` // seconds
	Boundary    string      `json:"boundary,omitempty"`
	Tags        []tagRecord `json:"tags,omitempty"`
	policySet
}

type inlineRecord struct {
	Name     string `json:"name"`
	Document string `json:"document"`
}

func (r roleRecord) clone() roleRecord {
	r.Tags, r.policySet = slices.Clone(r.Tags), r.policySet.clone()
	return r
}

// policyRecord is a customer-managed policy with its versions, oldest first.
type policyRecord struct {
	Name        string          `json:"name"`
	Path        string          `json:"path"`
	ID          string          `json:"id"`
	Description string          `json:"description,omitempty"`
	Created     time.Time       `json:"created"`
	Updated     time.Time       `json:"updated"`
	Default     string          `json:"default"`
	Last        int             `json:"last"` // number of the newest version ever; never reused
	Versions    []versionRecord `json:"versions"`
	Tags        []tagRecord     `json:"tags,omitempty"`
}

type versionRecord struct {
	ID       string    `json:"id"` // "v1"
	Document string    `json:"document"`
	Created  time.Time `json:"created"`
}

func (p policyRecord) clone() policyRecord {
	p.Versions, p.Tags = slices.Clone(p.Versions), slices.Clone(p.Tags)
	return p
}

func (p *policyRecord) version(id string) (versionRecord, bool) {
	i := slices.IndexFunc(p.Versions, func(v versionRecord) bool { return v.ID == id })
	if i < 0 {
		return versionRecord{}, false
	}
	return p.Versions[i], true
}

// compiled is a document that is parsed when it is first needed: most roles of a
// large store are not used after a start.
type compiled func() (*policy.Policy, error)

func compile(kind policy.Kind, document string) compiled {
	return sync.OnceValues(func() (*policy.Policy, error) { return policy.Parse(kind, document) })
}

// role is a stored role ready for use. It is immutable.
type role struct {
	roleRecord
	account  string
	arn      string
	revision int64
	trust    compiled
	inline   []compiled // beside policySet.Inline
}

// managed is a managed policy ready for use, a customer's or AWS's. It is immutable.
type managed struct {
	policyRecord
	account  string
	arn      string
	revision int64
	current  compiled // the default version
}
