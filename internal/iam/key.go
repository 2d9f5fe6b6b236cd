package iam

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// testKey is the access key id and the secret that local tools use by habit.
const testKey = "test"

// keyRecord is a long-term access key of a user, or of an account's root user.
type keyRecord struct {
	Account  string    `json:"account"`
	User     string    `json:"user,omitempty"` // the user's id; empty for the root user
	Sealed   []byte    `json:"sealed"`
	Created  time.Time `json:"created"`
	Inactive bool      `json:"inactive,omitempty"`
}

// openKeys makes what a fresh store lacks and reads the keys.
func (s *Service) openKeys(ctx context.Context, cfg Config) error {
	rows, err := s.keys.rows.List(ctx, "", "", 1)
	if err != nil {
		return fmt.Errorf("read access keys: %w", err)
	}
	if err := finishRotation(ctx, s.keys.rows, cfg.KeyFile); err != nil {
		return err
	}
	nodeKey, err := readNodeKey(cfg.KeyFile, len(rows) == 0)
	if err != nil {
		return err
	}
	if s.secrets, err = newSealer(nodeKey, secretsPurpose); err != nil {
		return err
	}
	if s.tokens, err = newSealer(nodeKey, tokensPurpose); err != nil {
		return err
	}
	if s.messages, err = newSealer(nodeKey, messagesPurpose); err != nil {
		return err
	}
	for row, err := range s.keys.rows.All(ctx, "") {
		if err != nil {
			return fmt.Errorf("read access keys: %w", err)
		}
		if _, err := s.secrets.Open(row.Value.Sealed, row.Key); err != nil {
			return fmt.Errorf("open access key %s with the key in %s: %w", row.Key, cfg.KeyFile, err)
		}
	}
	return nil
}

// ensureAccount makes the account of a fresh store and, unless the test key serves
// it, its root key.
func (s *Service) ensureAccount(ctx context.Context) error {
	_, err := s.accounts.rows.Put(ctx, s.account, accountRecord{Created: s.now().UTC(), First: true}, store.Absent)
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("create account %s: %w", s.account, err)
	}
	if s.testKeys || len(s.keysOf(s.account, "")) > 0 {
		return nil
	}
	s.newRootID, s.newRootSecret, err = s.createKey(ctx, s.account, "")
	return err
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

// newAccessKeyID draws an id of 20 characters, such as AKIA… or ASIA…, that tells
// its account as AWS's do: in 40 of its 80 bits, after the first.
func newAccessKeyID(prefix, account string) string {
	b := make([]byte, 10)
	rand.Read(b)
	n, _ := strconv.ParseUint(account, 10, 64)
	head := 1<<47 | n<<accountShift | uint64(b[5])&(1<<accountShift-1)
	for i := range 6 {
		b[i] = byte(head >> (40 - 8*i))
	}
	return prefix + base32.StdEncoding.EncodeToString(b)
}

// accountShift is how many random bits follow the account in an access key id.
const accountShift = 7

// accountOfKey reads the account out of an access key id.
func accountOfKey(id string) (string, bool) {
	if len(id) != 20 {
		return "", false
	}
	b, err := base32.StdEncoding.DecodeString(id[4:])
	if err != nil {
		return "", false
	}
	var head uint64
	for _, c := range b[:6] {
		head = head<<8 | uint64(c)
	}
	account := fmt.Sprintf("%012d", head>>accountShift&(1<<40-1))
	return account, isAccountID(account)
}

// newUniqueID draws an id of 21 characters, such as AROA… or ANPA….
func newUniqueID(prefix string) string { return prefix + randomBase32(17) }

func randomBase32(n int) string {
	b := make([]byte, n) // more than the 5 bits that each character needs
	rand.Read(b)
	return base32.StdEncoding.EncodeToString(b)[:n]
}

// newSecret draws a secret of 40 characters with 240 bits.
func newSecret() string {
	b := make([]byte, 30)
	rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}

func isAccountID(s string) bool { return len(s) == 12 && strings.Trim(s, "0123456789") == "" }
