package iam

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store/mem"
)

const account = "000000000000"

var testStart = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// fixture is a Service with a clock that the test moves.
type fixture struct {
	*Service
	now time.Time
	cfg Config
}

func open(tb testing.TB, edit func(*Config)) *fixture {
	tb.Helper()
	f := &fixture{now: testStart}
	f.cfg = Config{
		Store:    mem.New(),
		KeyFile:  filepath.Join(tb.TempDir(), "key"),
		Account:  account,
		TestKeys: true,
		Now:      func() time.Time { return f.now },
		Log:      slog.New(slog.DiscardHandler),
	}
	if edit != nil {
		edit(&f.cfg)
	}
	f.reopen(tb)
	return f
}

// reopen is a restart on the same store.
func (f *fixture) reopen(tb testing.TB) {
	tb.Helper()
	if f.Service != nil {
		f.Close()
	}
	s, err := Open(tb.Context(), f.cfg)
	if err != nil {
		tb.Fatalf("open: %v", err)
	}
	tb.Cleanup(s.Close)
	f.Service = s
}

// asRoot is a context of the account's root user.
func asRoot(tb testing.TB) context.Context {
	return lambda.WithCaller(tb.Context(), rootIdentity(account, "test", "test").Caller)
}

// wantError checks the code and, when given, the exact message.
func wantError(tb testing.TB, err error, code, message string) {
	tb.Helper()
	var e *lambda.Error
	if !errors.As(err, &e) {
		tb.Fatalf("got error %v, want code %s", err, code)
	}
	if e.Code != code {
		tb.Errorf("got code %s (%s), want %s", e.Code, e.Message, code)
	}
	if message != "" && e.Message != message {
		tb.Errorf("got message %q\nwant         %q", e.Message, message)
	}
}

func TestAFreshStoreOnLoopbackHasTheTestKey(t *testing.T) {
	f := open(t, nil)
	id, err := f.Lookup(t.Context(), "test", "")
	if err != nil {
		t.Fatal(err)
	}
	want := Identity{SecretAccessKey: "test", Caller: lambda.Caller{
		Kind: lambda.PrincipalRoot, Account: account, ARN: "arn:aws:iam::000000000000:root", UserID: account, AccessKeyID: "test",
	}}
	if id != want {
		t.Errorf("got %+v, want %+v", id, want)
	}
	if _, _, ok := f.NewRootKey(); ok {
		t.Error("a key was generated beside the test key")
	}
	if _, err := f.Lookup(t.Context(), "test", "made-up"); err != nil {
		t.Errorf("the test key with a made-up session token: %v", err)
	}
}

func TestAFreshStoreElsewhereGetsAGeneratedKey(t *testing.T) {
	f := open(t, func(c *Config) { c.TestKeys = false })
	id, secret, ok := f.NewRootKey()
	if !ok || len(id) != 20 || !strings.HasPrefix(id, "AKIA") || len(secret) != 40 {
		t.Fatalf("got key %q with a secret of %d characters, ok %v", id, len(secret), ok)
	}
	if _, err := f.Lookup(t.Context(), "test", ""); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("the test key: got %v, want %v", err, ErrUnknownKey)
	}
	if _, err := f.Lookup(t.Context(), id, "token"); !errors.Is(err, ErrTokenInvalid) {
		t.Errorf("a long-term key with a token: got %v, want %v", err, ErrTokenInvalid)
	}
	f.reopen(t)
	if _, _, again := f.NewRootKey(); again {
		t.Error("a second key was generated after a restart")
	}
	got, err := f.Lookup(t.Context(), id, "")
	if err != nil || got.SecretAccessKey != secret {
		t.Errorf("the key after a restart: same secret %v, error %v", got.SecretAccessKey == secret, err)
	}
	f.cfg.TestKeys = true
	f.reopen(t)
	if _, err := f.Lookup(t.Context(), "test", ""); err != nil {
		t.Errorf("the test key on loopback with a store from elsewhere: %v", err)
	}
}

func TestSecretsAreNotStoredInTheClear(t *testing.T) {
	f := open(t, func(c *Config) { c.TestKeys = false })
	id, secret, _ := f.NewRootKey()
	rec, err := f.cfg.Store.Get(t.Context(), "iam.key", id)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(rec.Value, []byte(secret)) {
		t.Error("the record contains the secret")
	}
}

func TestTheKeyFile(t *testing.T) {
	f := open(t, func(c *Config) { c.TestKeys = false })
	_, secret, _ := f.NewRootKey()
	info, err := os.Stat(f.cfg.KeyFile)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, error %v; want 0600", info.Mode(), err)
	}
	good, err := os.ReadFile(f.cfg.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		spoil func() error
		want  string
	}{
		{"that others may read", func() error { return os.Chmod(f.cfg.KeyFile, 0o644) }, "may be read by others"},
		{"that is gone", func() error { return os.Remove(f.cfg.KeyFile) }, "is gone"},
		{"that holds no key", func() error { return os.WriteFile(f.cfg.KeyFile, []byte("x"), 0o600) }, "does not hold a key"},
		{"of another store", func() error {
			return os.WriteFile(f.cfg.KeyFile, []byte("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), 0o600)
		}, "open access key"},
	}
	for _, tt := range tests {
		t.Run("a key file "+tt.name+" is refused", func(t *testing.T) {
			if err := tt.spoil(); err != nil {
				t.Fatal(err)
			}
			_, err := Open(t.Context(), f.cfg)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Error("the error contains a secret")
			}
			_ = os.Remove(f.cfg.KeyFile)
			if err := os.WriteFile(f.cfg.KeyFile, good, 0o600); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestConfigReportsEverythingAtOnce(t *testing.T) {
	err := Config{Account: "12"}.Validate()
	for _, want := range []string{"no store", "no key file", `"12" is not 12 digits`, "no log"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}
}
