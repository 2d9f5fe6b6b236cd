package rpc

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

const (
	// TokenLifeMax bounds how long a token may be used: what lies about in scripts for
	// longer ought to be a certificate.
	TokenLifeMax = 7 * 24 * time.Hour
	// tokensMax bounds the tokens that wait to be used.
	tokensMax = 1000
	// tokenPrefix tells what a token is, to people and to scanners of secrets.
	tokenPrefix = "hearth1"
)

// ErrToken says that a token is no valid one for this kind of process, or was used.
var ErrToken = errors.New("rpc: the token is wrong, used, expired or for another kind of process")

// token is what a process joins with, once.
type token struct {
	id, secret  string
	fingerprint string // of the authority that it may be told to
}

// String is the form in which people pass tokens on.
func (t token) String() string {
	return strings.Join([]string{tokenPrefix, t.id, t.secret, t.fingerprint}, ".")
}

const (
	tokenIDBytes     = 8
	tokenSecretBytes = 32
)

// parseToken reads a token.
func parseToken(text string) (token, error) {
	parts := strings.Split(strings.TrimSpace(text), ".")
	if len(parts) != 4 || parts[0] != tokenPrefix ||
		!isHex(parts[1], tokenIDBytes) || !isHex(parts[2], tokenSecretBytes) || !isHex(parts[3], sha256.Size) {
		return token{}, fmt.Errorf("%w: it has not the form of a token", ErrToken)
	}
	return token{parts[1], parts[2], parts[3]}, nil
}

func isHex(s string, bytes int) bool {
	if len(s) != 2*bytes {
		return false
	}
	return strings.Trim(s, "0123456789abcdef") == ""
}

// tokenRecord is what is kept of a token: not its secret.
type tokenRecord struct {
	Kind         Kind      `json:"kind"`
	SecretSHA256 string    `json:"secret_sha256"`
	Expires      time.Time `json:"expires"`
}

func (a *Authority) tokens() string { return filepath.Join(a.dir, "tokens") }

// NewToken makes a token with which one process of a kind may join until it expires.
func (a *Authority) NewToken(kind Kind, life time.Duration) (text string, expires time.Time, err error) {
	if kind != Worker && kind != Frontend {
		return "", expires, fmt.Errorf("a token lets a %s or a %s join, not %q", Worker, Frontend, kind)
	}
	if life <= 0 || life > TokenLifeMax {
		return "", expires, fmt.Errorf("a token is valid for at most %s, not for %s", TokenLifeMax, life)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	waiting, err := a.dropExpired()
	if err != nil {
		return "", expires, fmt.Errorf("look through the tokens: %w", err)
	}
	if waiting >= tokensMax {
		return "", expires, fmt.Errorf("%d tokens wait to be used; that is the most", waiting)
	}
	var b [tokenIDBytes + tokenSecretBytes]byte
	_, _ = rand.Read(b[:]) // it never fails
	t := token{hex.EncodeToString(b[:tokenIDBytes]), hex.EncodeToString(b[tokenIDBytes:]), a.Fingerprint()}
	expires = a.now().Add(life)
	record, err := json.Marshal(tokenRecord{kind, secretHash(t.secret), expires})
	if err != nil {
		return "", expires, err
	}
	if err := renameio.WriteFile(filepath.Join(a.tokens(), t.id), record, 0o600); err != nil {
		return "", expires, fmt.Errorf("keep a token: %w", err)
	}
	return t.String(), expires, nil
}

func secretHash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// dropExpired removes the tokens that are of no more use, and counts the others. The
// mutex is held.
func (a *Authority) dropExpired() (waiting int, err error) {
	files, err := os.ReadDir(a.tokens())
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		r, err := a.readToken(f.Name())
		if err == nil && a.now().Before(r.Expires) {
			waiting++
			continue
		}
		if err := os.Remove(filepath.Join(a.tokens(), f.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
	}
	return waiting, nil
}

func (a *Authority) readToken(id string) (r tokenRecord, err error) {
	text, err := os.ReadFile(filepath.Join(a.tokens(), id))
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	return r, err
}

// redeem uses a token up. Its removal is on disk before anybody profits from it.
func (a *Authority) redeem(id, secret string, kind Kind) error {
	if !isHex(id, tokenIDBytes) {
		return ErrToken
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	r, err := a.readToken(id)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read a token: %w", err)
	}
	// Compared even when there is none, so that the time taken tells nothing.
	same := subtle.ConstantTimeCompare([]byte(secretHash(secret)), []byte(r.SecretSHA256)) == 1
	if err != nil || !same || r.Kind != kind || !a.now().Before(r.Expires) {
		return ErrToken
	}
	if err := os.Remove(filepath.Join(a.tokens(), id)); errors.Is(err, fs.ErrNotExist) {
		return ErrToken // a command that makes tokens dropped it as expired
	} else if err != nil {
		return fmt.Errorf("use a token up: %w", err)
	}
	d, err := os.Open(a.tokens())
	if err != nil {
		return fmt.Errorf("use a token up: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
