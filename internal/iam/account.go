package iam

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// accountsMax keeps one node's accounts few enough to hold in memory.
const accountsMax = 1000

type accountRecord struct {
	Created time.Time `json:"created"`
	Name    string    `json:"name,omitempty"`
	Alias   string    `json:"alias,omitempty"` // as in sign-in links; only kept
	First   bool      `json:"first,omitempty"`
}

type keptAccount struct {
	accountRecord
	id       string
	revision int64
}

func readyAccount(key string, revision int64, r accountRecord) *keptAccount {
	return &keptAccount{r, key, revision}
}

// accountCreated is the zero time for an account that does not exist.
func (s *Service) accountCreated(id string) time.Time {
	a, ok := s.accounts.get(id)
	if !ok {
		return time.Time{}
	}
	return a.Created
}

// Account is one of the accounts of a node. They share nothing: what one account
// has, another reaches only where policies of both allow it.
type Account struct {
	ID      string
	Name    string
	Created time.Time
	// First says that it is the account that the node began with, whose root user
	// makes the others.
	First bool
}

// organizationOf is the organization of an account of this node: they are all in the
// one that the node was given.
func (s *Service) organizationOf(id string) string {
	if _, ok := s.accounts.get(id); !ok {
		return ""
	}
	return s.org
}

// Accounts returns all accounts by id.
func (s *Service) Accounts() []Account {
	var out []Account
	for _, a := range s.accounts.of("") {
		out = append(out, s.describeAccount(a))
	}
	return out
}

func (s *Service) describeAccount(a *keptAccount) Account {
	return Account{ID: a.id, Name: a.Name, Created: a.Created, First: a.id == s.account}
}

// IsFirstRoot says whether a caller is the root user of the node's first account,
// who may manage accounts and ask about every principal.
func (s *Service) IsFirstRoot(c lambda.Caller) bool {
	return c.Kind == lambda.PrincipalRoot && c.Account == s.account
}

var accountNamePattern = regexp.MustCompile(`^[\x20-\x7E]{1,50}$`) // as in AWS Organizations

// CreateAccount makes an account with a root key, whose secret is returned only
// here. An empty id draws one. Errors for the caller are ValidationException and
// ResourceConflictException.
func (s *Service) CreateAccount(ctx context.Context, name, id string) (a Account, accessKeyID, secret string, err error) {
	if !accountNamePattern.MatchString(name) {
		return Account{}, "", "", lambda.Errorf(lambda.CodeValidation, "An account's name has 1 to 50 printable characters.")
	}
	if id == "" {
		id = s.drawAccountID()
	}
	if !isAccountID(id) {
		return Account{}, "", "", lambda.Errorf(lambda.CodeValidation, "An account id has 12 digits; %q is none.", id)
	}
	s.writes.Lock()
	defer s.writes.Unlock()
	all := s.accounts.of("")
	if len(all) >= accountsMax {
		return Account{}, "", "", lambda.Errorf(lambda.CodeResourceConflict, "There are %d accounts, more than that is not possible.", accountsMax)
	}
	if i := slices.IndexFunc(all, func(a *keptAccount) bool { return a.Name == name }); i >= 0 {
		return Account{}, "", "", lambda.Errorf(lambda.CodeResourceConflict, "An account called %q exists already: %s.", name, all[i].id)
	}
	_, err = s.accounts.rows.Put(ctx, id, accountRecord{Created: s.stamp(), Name: name}, store.Absent)
	if errors.Is(err, store.ErrConflict) {
		return Account{}, "", "", lambda.Errorf(lambda.CodeResourceConflict, "Account %s exists already.", id)
	}
	if err != nil {
		return Account{}, "", "", fmt.Errorf("store account %s: %w", id, err)
	}
	if accessKeyID, secret, err = s.createKey(ctx, id, ""); err != nil {
		return Account{}, "", "", err
	}
	made, _ := s.accounts.get(id)
	return s.describeAccount(made), accessKeyID, secret, nil
}

// drawAccountID draws twelve digits that do not begin with 0, as AWS's mostly do.
func (s *Service) drawAccountID() string {
	const least = 100_000_000_000
	for {
		n, err := rand.Int(rand.Reader, big.NewInt(9*least))
		if err != nil {
			panic(fmt.Errorf("iam: no randomness: %w", err)) // crypto/rand never fails
		}
		id := fmt.Sprint(n.Int64() + least)
		if _, taken := s.accounts.get(id); !taken {
			return id
		}
	}
}

var aliasPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9]|-[a-z0-9]){2,62}$`)

// changeAccount rewrites the caller's account.
func (s *Service) changeAccount(ctx context.Context, change func(*accountRecord) error) error {
	s.writes.Lock()
	defer s.writes.Unlock()
	id := lambda.CallerFrom(ctx).Account
	a, ok := s.accounts.get(id)
	if !ok {
		return lambda.Errorf(codeNoSuchEntity, "Account %s cannot be found.", id)
	}
	rec := a.accountRecord
	if err := change(&rec); err != nil {
		return err
	}
	_, err := s.accounts.rows.Put(ctx, id, rec, store.Precondition(a.revision))
	return s.stored(err, "account "+id)
}

// createAccountAlias replaces the account's alias: there is one at most.
func (s *Service) createAccountAlias(ctx context.Context, in *iam.CreateAccountAliasInput) (*iam.CreateAccountAliasOutput, error) {
	alias := deref(in.AccountAlias)
	if !aliasPattern.MatchString(alias) {
		return nil, lambda.Errorf(codeValidation, "1 validation error detected: Value '%s' at 'accountAlias' failed to satisfy constraint: "+
			"Member must satisfy regular expression pattern: ^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$", alias)
	}
	for _, a := range s.accounts.of("") {
		if a.Alias == alias && a.id != lambda.CallerFrom(ctx).Account {
			return nil, lambda.Errorf(codeAlreadyExists, "The account alias %s already exists.", alias)
		}
	}
	err := s.changeAccount(ctx, func(a *accountRecord) error {
		a.Alias = alias
		return nil
	})
	return &iam.CreateAccountAliasOutput{}, err
}

func (s *Service) deleteAccountAlias(ctx context.Context, in *iam.DeleteAccountAliasInput) (*iam.DeleteAccountAliasOutput, error) {
	err := s.changeAccount(ctx, func(a *accountRecord) error {
		if a.Alias == "" || a.Alias != deref(in.AccountAlias) {
			return lambda.Errorf(codeNoSuchEntity, "The account alias %s cannot be found.", deref(in.AccountAlias))
		}
		a.Alias = ""
		return nil
	})
	return &iam.DeleteAccountAliasOutput{}, err
}

func (s *Service) listAccountAliases(ctx context.Context, _ *iam.ListAccountAliasesInput) (*iam.ListAccountAliasesOutput, error) {
	out := &iam.ListAccountAliasesOutput{AccountAliases: []string{}}
	if a, ok := s.accounts.get(lambda.CallerFrom(ctx).Account); ok && a.Alias != "" {
		out.AccountAliases = append(out.AccountAliases, a.Alias)
	}
	return out, nil
}
