package iam

import (
	"errors"
	"os"
	"testing"
	"time"
)

// TestRotatingTheKey cuts a rotation short after each of its steps and checks that
// the secrets can be read and that the next start leaves one key.
func TestRotatingTheKey(t *testing.T) {
	setup := func(t *testing.T) (f *fixture, id, secret string) {
		t.Helper()
		f = open(t, nil)
		f.mustUser(t, "ann", "")
		id, secret = f.mustKey(t, "ann")
		return f, id, secret
	}
	check := func(t *testing.T, f *fixture, id, secret string) {
		t.Helper()
		f.reopen(t)
		if got, err := f.Lookup(t.Context(), id, ""); err != nil || got.SecretAccessKey != secret {
			t.Errorf("the key after it: same secret %v, error %v", got.SecretAccessKey == secret, err)
		}
		if _, err := os.Stat(nextKey(f.cfg.KeyFile)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the new key is left lying: %v", err)
		}
	}
	read := func(t *testing.T, path string) []byte {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	write := func(t *testing.T, path string, text []byte) {
		t.Helper()
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	t.Run("a whole rotation", func(t *testing.T) {
		f, id, secret := setup(t)
		f.mustCreateRole(t, "r", lambdaTrust)
		creds, err := f.MintRoleSession(t.Context(), roleARN(account, "/", "r"), "s", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		before := read(t, f.cfg.KeyFile)
		n, err := RotateKey(t.Context(), f.cfg.Store, f.cfg.KeyFile)
		if err != nil || n != 2 {
			t.Fatalf("got %d secrets, %v; want 2", n, err)
		}
		if string(read(t, f.cfg.KeyFile)) == string(before) {
			t.Error("the key is the old one")
		}
		check(t, f, id, secret)
		if _, err := f.Lookup(t.Context(), creds.AccessKeyID, creds.SessionToken); !errors.Is(err, ErrTokenInvalid) {
			t.Errorf("a session from before: got %v, want %v", err, ErrTokenInvalid)
		}
	})
	t.Run("cut short before the records were sealed anew", func(t *testing.T) {
		f, id, secret := setup(t)
		write(t, nextKey(f.cfg.KeyFile), []byte("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="))
		check(t, f, id, secret)
	})
	t.Run("cut short before the new key took its place", func(t *testing.T) {
		f, id, secret := setup(t)
		before := read(t, f.cfg.KeyFile)
		if _, err := RotateKey(t.Context(), f.cfg.Store, f.cfg.KeyFile); err != nil {
			t.Fatal(err)
		}
		write(t, nextKey(f.cfg.KeyFile), read(t, f.cfg.KeyFile))
		write(t, f.cfg.KeyFile, before)
		check(t, f, id, secret)
	})
}
