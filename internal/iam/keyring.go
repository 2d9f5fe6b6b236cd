package iam

import (
	"context"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// accessKey is a stored long-term key ready for use. It is immutable.
type accessKey struct {
	keyRecord
	id       string
	secret   string // empty when it could not be opened: the key then signs nothing
	revision int64
}

// longTermKey is a key ready for Lookup.
type longTermKey struct {
	identity Identity
	// anyToken accepts session tokens and ignores them: set-ups with the test key
	// often carry a made-up one.
	anyToken bool
}

// keyring is every long-term key that may sign, as of one state of the records.
type keyring struct {
	state int64
	keys  map[string]longTermKey
}

// longTerm finds a key that may sign. Its map is made anew after a change of keys
// or users, by whoever asks first; a ring that was read before a change and kept
// after it carries the older state and is passed over.
func (s *Service) longTerm(id string) (longTermKey, bool) {
	state := s.keyState.Load()
	ring := s.ring.Load()
	if ring == nil || ring.state != state {
		ring = &keyring{state, s.signingKeys()}
		s.ring.Store(ring)
	}
	k, ok := ring.keys[id]
	return k, ok
}

// signingKeys are the active keys of users that exist and of accounts' roots.
func (s *Service) signingKeys() map[string]longTermKey {
	byID := map[string]*user{}
	for _, u := range s.users.of("") {
		byID[u.ID] = u
	}
	keys := map[string]longTermKey{}
	for _, k := range s.keys.of("") {
		if k.Inactive || k.secret == "" {
			continue
		}
		if k.User == "" {
			keys[k.id] = longTermKey{identity: rootIdentity(k.Account, k.id, k.secret)}
		} else if u, ok := byID[k.User]; ok {
			keys[k.id] = longTermKey{identity: Identity{SecretAccessKey: k.secret, Caller: userCaller(u, k.id)}}
		}
	}
	if s.testKeys {
		keys[testKey] = longTermKey{identity: rootIdentity(s.account, testKey, testKey), anyToken: true}
	}
	return keys
}

func userCaller(u *user, accessKeyID string) lambda.Caller {
	return lambda.Caller{
		Kind: lambda.PrincipalUser, Account: u.account, ARN: u.arn, UserID: u.ID, AccessKeyID: accessKeyID,
	}
}

func (s *Service) readyKey(id string, revision int64, r keyRecord) *accessKey {
	k := &accessKey{keyRecord: r, id: id, revision: revision}
	secret, err := s.secrets.Open(r.Sealed, id)
	if err != nil {
		s.log.ErrorContext(context.Background(), "an access key cannot be opened and signs nothing", "access_key_id", id)
		return k
	}
	k.secret = string(secret)
	return k
}

// keysOf returns the keys of a user, by its id, or of an account's root when the id
// is empty.
func (s *Service) keysOf(account, userID string) []*accessKey {
	var out []*accessKey
	for _, k := range s.keys.of("") {
		if k.Account == account && k.User == userID {
			out = append(out, k)
		}
	}
	return out
}

// keyUse is when, where and for what a key was used last.
type keyUse struct {
	at              time.Time
	service, region string
	saved           bool
}

// noteKeyUse remembers the use of a user's key. Run writes it down later: writing it
// with every request would cost each of them a write to disk.
func (s *Service) noteKeyUse(c *lambda.Caller, action string) {
	if c.Kind != lambda.PrincipalUser || c.AccessKeyID == "" || c.Session != nil {
		return
	}
	service, _, _ := strings.Cut(action, ":")
	s.keyUses.Store(c.AccessKeyID, keyUse{s.stamp(), service, c.Region, false})
}
