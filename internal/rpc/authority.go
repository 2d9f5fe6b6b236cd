package rpc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
)

const (
	// leafLife is how long a certificate is valid: one that was stolen without the
	// machine that renews it is of no use a day later.
	leafLife = 24 * time.Hour
	// leafRenew is what is left of a certificate when it is renewed: enough for a
	// control process that is down for a night.
	leafRenew = 12 * time.Hour
	// authorityLife is the authority's own; it goes with the data directory.
	authorityLife = 20 * 365 * 24 * time.Hour
	// skew lets clocks differ.
	skew = 5 * time.Minute
)

// controlName is what the control process is called; there is one.
const controlName = "control"

// Authority issues the certificates of one Hearth's processes. Its key lies in the
// data directory and never leaves it.
type Authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	now  func() time.Time
	own  *Identity

	mu sync.Mutex // guards the directory of tokens, in this process
}

// OpenAuthority opens the authority of a directory, which gets one when it has none.
// The control process, and a command that makes tokens, may open it at the same time.
func OpenAuthority(dir string, now func() time.Time) (*Authority, error) {
	a := &Authority{dir: dir, now: now}
	if err := os.MkdirAll(a.tokens(), 0o700); err != nil {
		return nil, fmt.Errorf("make the authority's directory: %w", err)
	}
	var err error
	if a.cert, a.key, err = openAuthority(dir, now()); err != nil {
		return nil, fmt.Errorf("open the authority of %s: %w", dir, err)
	}
	a.own = &Identity{now: now, renew: a.ownShown}
	return a, nil
}

func openAuthority(dir string, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, err
	}
	defer lock.Close() // and the lock ends
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return nil, nil, fmt.Errorf("lock it: %w", err)
	}
	file := filepath.Join(dir, "authority.pem")
	key, certs, err := loadIdentity(file)
	if err == nil {
		return certs[0], key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	cert, key, err := makeAuthority(now)
	if err != nil {
		return nil, nil, err
	}
	return cert, key, saveIdentity(file, key, cert.Raw)
}

func makeAuthority(now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	t := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Hearth authority"},
		NotBefore: now.Add(-skew), NotAfter: now.Add(authorityLife),
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return cert, key, err
}

// Identity is the control process's own; it renews itself.
func (a *Authority) Identity() *Identity { return a.own }

// Fingerprint is the hex SHA-256 of the authority's certificate; tokens carry it, so
// that who joins knows whom it may tell them.
func (a *Authority) Fingerprint() string { return fingerprint(a.cert) }

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// sign issues a certificate for the key in a request, whose other wishes count for
// nothing.
func (a *Authority) sign(who Caller, request []byte) ([]byte, error) {
	csr, err := x509.ParseCertificateRequest(request)
	if err != nil {
		return nil, fmt.Errorf("read a certificate request: %w", err)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("check a certificate request: %w", err)
	}
	return a.leaf(csr.PublicKey, who)
}

func (a *Authority) leaf(public any, who Caller) ([]byte, error) {
	now := a.now()
	return x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: who.Name}, DNSNames: []string{who.Kind.host()},
		NotBefore: now.Add(-skew), NotAfter: now.Add(leafLife), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, // all ask and are asked
	}, a.cert, public, a.key)
}

func (a *Authority) ownShown() (*shown, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := a.leaf(key.Public(), Caller{Control, controlName})
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return newShown(key, leaf, a.cert), nil
}

func newShown(key *ecdsa.PrivateKey, leaf, authority *x509.Certificate) *shown {
	pool := x509.NewCertPool()
	pool.AddCert(authority)
	// The authority's certificate goes along: who joins knows no more than its fingerprint.
	return &shown{tls.Certificate{Certificate: [][]byte{leaf.Raw, authority.Raw}, PrivateKey: key, Leaf: leaf}, pool}
}

func serial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[0] &= 0x7f           // positive
	return new(big.Int).SetBytes(b[:])
}

const (
	pemKey  = "EC PRIVATE KEY"
	pemCert = "CERTIFICATE"
)

var errDamaged = errors.New("the file of the key and its certificate is damaged")

// loadIdentity reads a key, its certificate, and those it comes from.
func loadIdentity(file string) (*ecdsa.PrivateKey, []*x509.Certificate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != pemKey {
		return nil, nil, errDamaged
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	var certs []*x509.Certificate
	for block, rest = pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %w", errDamaged, err)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 || !key.PublicKey.Equal(certs[0].PublicKey) {
		return nil, nil, errDamaged
	}
	return key, certs, nil
}

// saveIdentity writes a key and its certificates as one file, so that they fit each
// other whatever happens.
func saveIdentity(file string, key *ecdsa.PrivateKey, certs ...[]byte) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: der})
	for _, c := range certs {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: pemCert, Bytes: c})...)
	}
	return renameio.WriteFile(file, text, 0o600)
}
