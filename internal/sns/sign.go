package sns

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // signature version 1 is SHA-1 by AWS's definition
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/store"
)

const (
	// keyBits is the size of AWS's own signing key.
	keyBits = 2048
	// certificateLife is long enough that nobody has to think of a new key.
	certificateLife = 20 * 365 * 24 * time.Hour
	// signaturesMax bounds the signatures that are remembered, so that a message to
	// many endpoints is signed once: it covers what is on its way at the same time.
	signaturesMax = 1024

	certificatePrefix = "SimpleNotificationService-"
	certificateSuffix = ".pem"
	// certificatePath is where certificates are, among Hearth's own pages.
	certificatePath = "/_hearth/sns/"
)

// keyRecord is the signing key as it is stored.
type keyRecord struct {
	Key         []byte `json:"key"`         // PKCS #8
	Certificate []byte `json:"certificate"` // DER
}

// signer signs what endpoints get. The key is made when it is first needed: that
// takes a good part of a second.
type signer struct {
	keys store.Table[keyRecord]
	now  func() time.Time

	mu          sync.Mutex // guards what follows
	key         *rsa.PrivateKey
	certificate []byte // PEM
	name        string // of the certificate's file
	signatures  map[[sha256.Size]byte]string
}

const keyName = "signing"

func newSigner(s store.Store, now func() time.Time) *signer {
	return &signer{keys: store.NewTable[keyRecord](s, "sns-key"), now: now, signatures: map[[sha256.Size]byte]string{}}
}

// ready loads the key, and makes it when there is none yet.
func (s *signer) ready(ctx context.Context) (key *rsa.PrivateKey, certificate []byte, name string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key != nil {
		return s.key, s.certificate, s.name, nil
	}
	rec, _, err := s.keys.Get(ctx, keyName)
	if errors.Is(err, store.ErrNotFound) {
		if rec, err = makeKey(s.now()); err == nil {
			_, err = s.keys.Put(ctx, keyName, rec, store.Absent)
		}
	}
	if err != nil {
		return nil, nil, "", fmt.Errorf("read the signing key: %w", err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(rec.Key)
	if err != nil {
		return nil, nil, "", fmt.Errorf("read the signing key: %w", err)
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, nil, "", fmt.Errorf("the signing key is a %T", parsed)
	}
	sum := sha256.Sum256(rec.Certificate)
	s.key, s.name = private, certificatePrefix+hex.EncodeToString(sum[:16])+certificateSuffix
	s.certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rec.Certificate})
	return s.key, s.certificate, s.name, nil
}

func makeKey(now time.Time) (keyRecord, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return keyRecord{}, fmt.Errorf("make a signing key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return keyRecord{}, fmt.Errorf("make a signing key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "sns.amazonaws.com", Organization: []string{"Hearth"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return keyRecord{}, fmt.Errorf("make a signing certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return keyRecord{}, fmt.Errorf("encode a signing key: %w", err)
	}
	return keyRecord{Key: private, Certificate: der}, nil
}

// sign fills in what a message says of its signature.
func (s *signer) sign(ctx context.Context, baseURL string, m *message) error {
	key, _, name, err := s.ready(ctx)
	if err != nil {
		return err
	}
	m.certificateURL = baseURL + certificatePath + name
	text := m.signed()
	memo := sha256.Sum256([]byte(m.signatureVersion + "\n" + text))
	s.mu.Lock()
	known, ok := s.signatures[memo]
	s.mu.Unlock()
	if ok {
		m.signature = known
		return nil
	}
	if m.signature, err = signText(key, m.signatureVersion, text); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.signatures) >= signaturesMax {
		clear(s.signatures)
	}
	s.signatures[memo] = m.signature
	return nil
}

func signText(key *rsa.PrivateKey, version, text string) (string, error) {
	var hash crypto.Hash
	var digest []byte
	if version == "2" {
		sum := sha256.Sum256([]byte(text))
		hash, digest = crypto.SHA256, sum[:]
	} else {
		sum := sha1.Sum([]byte(text)) //nolint:gosec // signature version 1 is SHA-1 by AWS's definition
		hash, digest = crypto.SHA1, sum[:]
	}
	b, err := rsa.SignPKCS1v15(rand.Reader, key, hash, digest)
	if err != nil {
		return "", fmt.Errorf("sign a message: %w", err)
	}
	return base64.StdEncoding.EncodeToString(b), nil
}

// Serves says whether a request is for a certificate, which Service serves as a page
// of its own: it is public by nature, and asked for without a signature.
func (s *Service) Serves(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, certificatePath) }

// ServeHTTP answers with the certificate that messages name.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, certificate, name, err := s.signer.ready(r.Context())
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
	case err != nil:
		s.cfg.Log.ErrorContext(r.Context(), "reading the certificate of messages", "error", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
	case r.URL.Path != certificatePath+name:
		http.NotFound(w, r)
	default:
		w.Header().Set("Content-Type", "application/x-pem-file")
		_, _ = w.Write(certificate) // the asker may have gone
	}
}
