package iam

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// testKey is the access key id and the secret that local tools use by habit.
const testKey = "test"

type accountRecord struct {
	Created time.Time `json:"created"`
}

// keyRecord is a long-term access key of an account's root user.
type keyRecord struct {
	Account string    `json:"account"`
	Sealed  []byte    `json:"sealed"`
	Created time.Time `json:"created"`
}

// longTermKey is a key ready for Lookup.
type longTermKey struct {
	identity Identity
	// anyToken accepts session tokens and ignores them: set-ups with the test key
	// often carry a made-up one.
	anyToken bool
}

// openKeys makes what a fresh store lacks and reads the keys.
func (s *Service) openKeys(ctx context.Context, cfg Config) error {
	rows, err := s.keyTable.List(ctx, "", "", 1)
	if err != nil {
		return fmt.Errorf("read access keys: %w", err)
	}
	nodeKey, err := readNodeKey(cfg.KeyFile, len(rows) == 0)
	if err != nil {
		return err
	}
	if s.secrets, err = newSealer(nodeKey, "hearth access keys 1"); err != nil {
		return err
	}
	if s.tokens, err = newSealer(nodeKey, "hearth session tokens 1"); err != nil {
		return err
	}
	if err := s.ensureAccount(ctx); err != nil {
		return err
	}
	keys := map[string]longTermKey{}
	hasRoot := false
	for row, err := range s.keyTable.All(ctx, "") {
		if err != nil {
			return fmt.Errorf("read access keys: %w", err)
		}
		secret, err := s.secrets.Open(row.Value.Sealed, row.Key)
		if err != nil {
			return fmt.Errorf("open access key %s with the key in %s: %w", row.Key, cfg.KeyFile, err)
		}
		keys[row.Key] = longTermKey{identity: rootIdentity(row.Value.Account, row.Key, string(secret))}
		hasRoot = hasRoot || row.Value.Account == s.account
	}
	if s.testKeys {
		keys[testKey] = longTermKey{identity: rootIdentity(s.account, testKey, testKey), anyToken: true}
	} else if !hasRoot {
		id, secret, err := s.createRootKey(ctx)
		if err != nil {
			return err
		}
		keys[id] = longTermKey{identity: rootIdentity(s.account, id, secret)}
	}
	s.keys.Store(&keys)
	return nil
}

func (s *Service) ensureAccount(ctx context.Context) error {
	_, err := s.accounts.Put(ctx, s.account, accountRecord{Created: s.now().UTC()}, store.Absent)
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("create account %s: %w", s.account, err)
	}
	return nil
}

func (s *Service) createRootKey(ctx context.Context) (id, secret string, err error) {
	id, secret = newAccessKeyID("AKIA"), newSecret()
	rec := keyRecord{Account: s.account, Sealed: s.secrets.Seal([]byte(secret), id), Created: s.now().UTC()}
	if _, err := s.keyTable.Put(ctx, id, rec, store.Absent); err != nil {
		return "", "", fmt.Errorf("store the root key of account %s: %w", s.account, err)
	}
	s.newRootID, s.newRootSecret = id, secret
	return id, secret, nil
}

// NewRootKey returns the root key that this Open generated. ok is false when there
// was one already or the test key serves. It is the only way to learn the secret,
// meant to be shown once to the operator.
func (s *Service) NewRootKey() (accessKeyID, secret string, ok bool) {
	return s.newRootID, s.newRootSecret, s.newRootID != ""
}

func rootIdentity(account, id, secret string) Identity {
	return Identity{SecretAccessKey: secret, Caller: lambda.Caller{
		Kind:        lambda.PrincipalRoot,
		Account:     account,
		ARN:         rootARN(account),
		UserID:      account,
		AccessKeyID: id,
	}}
}

// newAccessKeyID draws an id of 20 characters, such as AKIA… or ASIA….
func newAccessKeyID(prefix string) string { return prefix + randomBase32(16) }

// newUniqueID draws an id of 21 characters, such as AROA… or ANPA….
func newUniqueID(prefix string) string { return prefix + randomBase32(17) }

func randomBase32(n int) string {
	b := make([]byte, n) // more than the 5 bits that each character needs
	rand.Read(b)         //nolint:errcheck // never fails: crypto/rand aborts the process instead
	return base32.StdEncoding.EncodeToString(b)[:n]
}

// newSecret draws a secret of 40 characters with 240 bits.
func newSecret() string {
	b := make([]byte, 30)
	rand.Read(b) //nolint:errcheck // never fails: crypto/rand aborts the process instead
	return base64.StdEncoding.EncodeToString(b)
}

func isAccountID(s string) bool { return len(s) == 12 && strings.Trim(s, "0123456789") == "" }
