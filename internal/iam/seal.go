package iam

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/google/renameio/v2"
)

// nodeKeySize is AES-256's.
const nodeKeySize = 32

// errSealed says that a sealed text was changed, belongs to something else or was
// sealed with another key.
var errSealed = errors.New("iam: a sealed text cannot be opened")

// sealer encrypts and authenticates small texts (AES-256-GCM with random nonces).
type sealer struct{ aead cipher.AEAD }

// newSealer derives the key for one purpose, so that what was sealed for another
// can never be opened in its place.
func newSealer(nodeKey []byte, purpose string) (sealer, error) {
	key, err := hkdf.Key(sha256.New, nodeKey, nil, purpose, nodeKeySize)
	if err != nil {
		return sealer{}, fmt.Errorf("derive the key for %s: %w", purpose, err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, fmt.Errorf("derive the key for %s: %w", purpose, err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return sealer{}, fmt.Errorf("derive the key for %s: %w", purpose, err)
	}
	return sealer{aead}, nil
}

// Seal binds text to owner: only Open with the same owner gives it back.
func (s sealer) Seal(text []byte, owner string) []byte {
	return s.aead.Seal(nil, nil, text, []byte(owner)) //nolint:gosec // this AEAD draws its nonces itself
}

// Open returns what was sealed for owner, or errSealed.
func (s sealer) Open(sealed []byte, owner string) ([]byte, error) {
	text, err := s.aead.Open(nil, nil, sealed, []byte(owner))
	if err != nil {
		return nil, errSealed
	}
	return text, nil
}

// readNodeKey reads the node key. mayCreate allows a missing file to be made; a
// store with sealed secrets must not get a new key, which could not open them.
func readNodeKey(file string, mayCreate bool) ([]byte, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) && mayCreate {
		return createNodeKey(file)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("the key file %s is gone, and with it the secrets in the store; put it back from a backup", file)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key file: %w", err)
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("read the key file: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the key file %s may be read by others (mode %04o); run: chmod 600 %s", file, info.Mode().Perm(), file)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != nodeKeySize {
		return nil, fmt.Errorf("the key file %s does not hold a key of %d bytes in base64", file, nodeKeySize)
	}
	return key, nil
}

func createNodeKey(file string) ([]byte, error) {
	key := make([]byte, nodeKeySize)
	rand.Read(key)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("create the key file: %w", err)
	}
	text := base64.StdEncoding.EncodeToString(key) + "\n"
	// Durable before use: secrets sealed with a key that a crash loses are lost too.
	if err := renameio.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("create the key file: %w", err)
	}
	return key, nil
}
