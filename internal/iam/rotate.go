package iam

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"

	"github.com/google/renameio/v2"

	"github.com/hearthfaas/hearth/internal/store"
)

const (
	secretsPurpose = "hearth access keys 1"
	tokensPurpose  = "hearth session tokens 1"
)

// nextKey is where the new key waits while the records are sealed anew.
func nextKey(keyFile string) string { return keyFile + ".new" }

// RotateKey replaces the node key: it seals all secrets of the store with a new one,
// at once, and returns how many there were. Temporary credentials made before are
// void then. No node may run on the store. A rotation that was cut short is brought
// to its end, or undone, by the next Open or RotateKey.
func RotateKey(ctx context.Context, s store.Store, keyFile string) (int, error) {
	table := store.NewTable[keyRecord](s, "iam.key")
	if err := finishRotation(ctx, table, keyFile); err != nil {
		return 0, err
	}
	oldKey, err := readNodeKey(keyFile, false)
	if err != nil {
		return 0, err
	}
	newKey := make([]byte, nodeKeySize)
	rand.Read(newKey)
	changes, err := reseal(ctx, table, oldKey, newKey)
	if err != nil {
		return 0, err
	}
	text := base64.StdEncoding.EncodeToString(newKey) + "\n"
	if err := renameio.WriteFile(nextKey(keyFile), []byte(text), 0o600); err != nil {
		return 0, fmt.Errorf("write the new key: %w", err)
	}
	if len(changes) > 0 {
		if _, err := s.Apply(ctx, changes...); err != nil {
			return 0, errors.Join(fmt.Errorf("store what the new key sealed: %w", err), os.Remove(nextKey(keyFile)))
		}
	}
	if err := os.Rename(nextKey(keyFile), keyFile); err != nil {
		return 0, fmt.Errorf("put the new key in place: %w", err)
	}
	return len(changes), nil
}

// reseal opens every secret with one key and seals it with another.
func reseal(ctx context.Context, table store.Table[keyRecord], oldKey, newKey []byte) ([]store.Change, error) {
	from, err := newSealer(oldKey, secretsPurpose)
	if err != nil {
		return nil, err
	}
	to, err := newSealer(newKey, secretsPurpose)
	if err != nil {
		return nil, err
	}
	var changes []store.Change
	for row, err := range table.All(ctx, "") {
		if err != nil {
			return nil, fmt.Errorf("read access keys: %w", err)
		}
		secret, err := from.Open(row.Value.Sealed, row.Key)
		if err != nil {
			return nil, fmt.Errorf("open access key %s: %w", row.Key, err)
		}
		row.Value.Sealed = to.Seal(secret, row.Key)
		change, err := table.PutChange(row.Key, row.Value, store.Precondition(row.Revision))
		if err != nil {
			return nil, err
		}
		changes = append(changes, change)
	}
	return changes, nil
}

// finishRotation ends a rotation that was cut short: the new key takes its place if
// the records are sealed with it already, and is thrown away if they are not.
func finishRotation(ctx context.Context, table store.Table[keyRecord], keyFile string) error {
	key, err := readNodeKey(nextKey(keyFile), false)
	if _, absent := os.Stat(nextKey(keyFile)); errors.Is(absent, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	sealer, err := newSealer(key, secretsPurpose)
	if err != nil {
		return err
	}
	rows, err := table.List(ctx, "", "", 1)
	if err != nil {
		return fmt.Errorf("read access keys: %w", err)
	}
	if len(rows) > 0 {
		if _, err := sealer.Open(rows[0].Value.Sealed, rows[0].Key); err == nil {
			if err := os.Rename(nextKey(keyFile), keyFile); err != nil {
				return fmt.Errorf("put the new key in place: %w", err)
			}
			return nil
		}
	}
	if err := os.Remove(nextKey(keyFile)); err != nil {
		return fmt.Errorf("remove a key that was not put to use: %w", err)
	}
	return nil
}
