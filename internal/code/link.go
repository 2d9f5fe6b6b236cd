package code

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// LinkPath is where the node must serve Links.
const LinkPath = "/_hearth/code/"

// LinkAge is how long a link works: GetFunction documents ten minutes for
// Code.Location.
const LinkAge = 10 * time.Minute

// Links makes and serves links to packages that work without credentials for a
// while, as GetFunction's Code.Location does on AWS.
type Links struct {
	packages *Packages
	key      []byte
	now      func() time.Time
	log      *slog.Logger
}

// NewLinks serves packages under links signed with key. A nil key draws one that
// lasts as long as the process; nodes that serve each other's links share one.
func NewLinks(packages *Packages, key []byte) *Links {
	if key == nil {
		key = make([]byte, sha256.Size)
		rand.Read(key)
	}
	return &Links{packages: packages, key: key, now: packages.now, log: packages.log}
}

// URL is a link to a package below baseURL, such as http://127.0.0.1:4566, that
// works until LinkAge after now.
func (l *Links) URL(baseURL string, digest lambda.CodeDigest, now time.Time) string {
	expires := strconv.FormatInt(now.Add(LinkAge).Unix(), 10)
	q := url.Values{"expires": {expires}, "signature": {l.sign(string(digest), expires)}}
	return strings.TrimSuffix(baseURL, "/") + LinkPath + string(digest) + "?" + q.Encode()
}

func (l *Links) sign(digest, expires string) string {
	m := hmac.New(sha256.New, l.key)
	m.Write([]byte(digest + "\n" + expires))
	return hex.EncodeToString(m.Sum(nil))
}

// ServeHTTP answers GET and HEAD of a link: 403 when the signature is wrong or the
// link has expired, 404 when the package is gone.
func (l *Links) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD are allowed", http.StatusMethodNotAllowed)
		return
	}
	digest := strings.TrimPrefix(r.URL.Path, LinkPath)
	q := r.URL.Query()
	expires := q.Get("expires")
	if !hmac.Equal([]byte(l.sign(digest, expires)), []byte(q.Get("signature"))) {
		http.Error(w, "the link's signature does not match", http.StatusForbidden)
		return
	}
	until, err := strconv.ParseInt(expires, 10, 64)
	if err != nil || l.now().After(time.Unix(until, 0)) {
		http.Error(w, "the link has expired", http.StatusForbidden)
		return
	}
	f, err := l.packages.Open(r.Context(), lambda.CodeDigest(digest))
	if errors.Is(err, ErrNotFound) {
		http.Error(w, "the package is no longer stored", http.StatusNotFound)
		return
	}
	if err != nil {
		l.log.ErrorContext(r.Context(), "open package for download", "code_digest", digest, "error", err)
		http.Error(w, "the package cannot be read", http.StatusInternalServerError)
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Cache-Control", "private")
	w.Header().Set("ETag", `"`+digest+`"`)
	http.ServeContent(w, r, "", time.Time{}, f)
}
