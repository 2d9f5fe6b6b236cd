package iam

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthfaas/hearth/internal/store"
)

// Config is what a Service is made from.
type Config struct {
	// Store keeps the records.
	Store store.Store
	// KeyFile holds the key that secrets and session tokens are sealed with. It is
	// made, with mode 0600, for a store that has no sealed secrets yet.
	KeyFile string
	// Account is the id of the account that a fresh store gets, 12 digits.
	Account string
	// Organization is the id that aws:PrincipalOrgID has for all accounts, such as
	// "o-a1b2c3d4e5"; empty is no organization, and the key is not there.
	Organization string
	// TestKeys accepts access key "test" with secret "test" as the account's root.
	// Only for nodes that listen on loopback alone.
	TestKeys bool
	// IssuerKeys says where the signing keys of OpenID Connect issuers are, a JWKS
	// file or URL by the issuer's URL. Issuers that are not in it are asked over the
	// network, as OpenID Connect discovery describes.
	IssuerKeys map[string]string
	// Now is the clock; nil takes time.Now.
	Now func() time.Time
	Log *slog.Logger
}

// Validate reports everything that is wrong with the configuration at once.
func (c Config) Validate() error {
	var errs []error
	if c.Store == nil {
		errs = append(errs, errors.New("iam: no store"))
	}
	if c.KeyFile == "" {
		errs = append(errs, errors.New("iam: no key file"))
	}
	if !isAccountID(c.Account) {
		errs = append(errs, fmt.Errorf("iam: account %q is not 12 digits", c.Account))
	}
	if c.Organization != "" && !organizationPattern.MatchString(c.Organization) {
		errs = append(errs, fmt.Errorf("iam: organization %q is not o- and 10 to 32 small letters and digits", c.Organization))
	}
	if c.Log == nil {
		errs = append(errs, errors.New("iam: no log"))
	}
	return errors.Join(errs...)
}

// organizationPattern is AWS Organizations'.
var organizationPattern = regexp.MustCompile(`^o-[a-z0-9]{10,32}$`)

// Service is identity as the rest of Hearth sees it. Its methods may be called
// from many goroutines.
type Service struct {
	account  string
	org      string
	testKeys bool
	now      func() time.Time
	log      *slog.Logger
	secrets  sealer // long-term secrets in the store
	tokens   sealer // session tokens
	messages sealer // encoded refusals

	roleRows store.Table[roleRecord]
	polRows  store.Table[policyRecord]
	stops    []func()

	store      store.Store
	usedRows   store.Table[usedRecord]
	keyUseRows store.Table[keyUseRecord]

	mirror    *mirror
	accounts  *shelf[accountRecord, *keptAccount]
	users     *shelf[userRecord, *user]
	groups    *shelf[groupRecord, *group]
	keys      *shelf[keyRecord, *accessKey]
	providers *shelf[providerRecord, *provider]
	keyState  atomic.Int64 // grows with every change of keys and users
	ring      atomic.Pointer[keyring]
	keyUses   sync.Map // access key id → keyUse
	sessions  *bounded[string, *openSession]
	allowed   *bounded[decisionKey, struct{}]
	narrowing *bounded[string, *sessionPolicies]
	resources *resources
	issuers   *issuers
	used      usedActions

	// writes makes one change at a time, so that what a change depends on (is the
	// policy still attached to someone?) holds until it is stored.
	writes sync.Mutex

	newRootID, newRootSecret string
}

// Open reads the identity records of a store. A fresh store gets the account and,
// unless the test key serves it, a generated root key (see NewRootKey). It starts
// no goroutine; Run is the caller's to start, Close ends its watch of the store.
func Open(ctx context.Context, cfg Config) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Service{
		account:  cfg.Account,
		org:      cfg.Organization,
		testKeys: cfg.TestKeys,
		now:      cfg.Now,
		log:      cfg.Log,

		roleRows: store.NewTable[roleRecord](cfg.Store, "iam.role"),
		polRows:  store.NewTable[policyRecord](cfg.Store, "iam.policy"),

		store:      cfg.Store,
		usedRows:   store.NewTable[usedRecord](cfg.Store, "iam.used"),
		keyUseRows: store.NewTable[keyUseRecord](cfg.Store, "iam.keyuse"),

		sessions:  newBounded[string, *openSession](sessionCacheMax),
		allowed:   newBounded[decisionKey, struct{}](decisionCacheMax),
		narrowing: newBounded[string, *sessionPolicies](narrowingCacheMax),
	}
	s.issuers = newIssuers(cfg.IssuerKeys)
	s.resources = newResources(s.ownTags, s.log)
	if s.now == nil {
		s.now = time.Now
	}
	changed := func() {
		s.keyState.Add(1)
		s.allowed.Clear()
	}
	s.mirror = newMirror(changed)
	s.accounts = newShelf(cfg.Store, "iam.account", changed, readyAccount)
	s.users = newShelf(cfg.Store, "iam.user", changed, readyUser)
	s.groups = newShelf(cfg.Store, "iam.group", changed, readyGroup)
	s.keys = newShelf(cfg.Store, "iam.key", changed, s.readyKey)
	s.providers = newShelf(cfg.Store, "iam.provider", changed, readyProvider)
	if err := s.openKeys(ctx, cfg); err != nil {
		return nil, err
	}
	if err := s.load(ctx); err != nil {
		s.Close()
		return nil, err
	}
	if err := s.ensureAccount(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// load watches first and reads then, so that no change falls between.
func (s *Service) load(ctx context.Context) error {
	s.stops = append(s.stops,
		s.roleRows.Watch(func(e store.RowEvent[roleRecord]) {
			if e.Err != nil { // what cannot be read allows nothing, as if it were deleted
				s.log.ErrorContext(context.Background(), "a stored role cannot be read", "key", e.Key, "error", e.Err)
			}
			s.mirror.changeRole(e.Key, e.Revision, e.Value, e.Deleted || e.Err != nil)
		}),
		s.polRows.Watch(func(e store.RowEvent[policyRecord]) {
			if e.Err != nil {
				s.log.ErrorContext(context.Background(), "a stored policy cannot be read", "key", e.Key, "error", e.Err)
			}
			s.mirror.changePolicy(e.Key, e.Revision, e.Value, e.Deleted || e.Err != nil)
		}))
	for row, err := range s.roleRows.All(ctx, "") {
		if err != nil {
			return fmt.Errorf("read roles: %w", err)
		}
		s.mirror.changeRole(row.Key, row.Revision, row.Value, false)
	}
	for row, err := range s.polRows.All(ctx, "") {
		if err != nil {
			return fmt.Errorf("read policies: %w", err)
		}
		s.mirror.changePolicy(row.Key, row.Revision, row.Value, false)
	}
	s.mirror.loaded()
	if err := s.recall(ctx); err != nil {
		return err
	}
	for _, open := range []func(context.Context, *slog.Logger) (func(), error){
		s.accounts.open, s.users.open, s.groups.open, s.keys.open, s.providers.open,
	} {
		stop, err := open(ctx, s.log)
		if err != nil {
			return err
		}
		s.stops = append(s.stops, stop)
	}
	return nil
}

// Close ends the watch of the store. The store itself stays open.
func (s *Service) Close() {
	for _, stop := range s.stops {
		stop()
	}
	s.stops = nil
}
