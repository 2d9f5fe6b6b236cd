package iam

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

const (
	// issuerTimeout bounds a request to an identity provider: STS's caller waits.
	issuerTimeout = 5 * time.Second
	// issuersMax bounds the key sets kept; past it they are fetched anew.
	issuersMax = 256
)

// issuers knows where the signing keys of identity providers are, and keeps them.
type issuers struct {
	// configured maps an issuer without its scheme to a file or an URL with its keys;
	// others are found by OpenID Connect discovery.
	configured map[string]string
	client     *http.Client

	mu   sync.Mutex
	sets map[string]oidc.KeySet
}

func newIssuers(configured map[string]string) *issuers {
	byHost := map[string]string{}
	for issuer, where := range configured {
		byHost[strings.TrimSuffix(strings.TrimPrefix(issuer, "https://"), "/")] = where
	}
	return &issuers{configured: byHost, client: &http.Client{Timeout: issuerTimeout}, sets: map[string]oidc.KeySet{}}
}

// keys returns the key set of an issuer. One in a file is read every time, so that
// a change of it counts at once; one behind an URL refreshes itself.
func (i *issuers) keys(ctx context.Context, host string) (oidc.KeySet, error) {
	where := i.configured[host]
	if where != "" && !strings.HasPrefix(where, "http://") && !strings.HasPrefix(where, "https://") {
		return readKeySet(where)
	}
	i.mu.Lock()
	set, ok := i.sets[host]
	i.mu.Unlock()
	if ok {
		return set, nil
	}
	if where == "" {
		var err error
		if where, err = i.discover(ctx, host); err != nil {
			return nil, err
		}
	}
	// A key set fetches with the context that it was made with, long after this call.
	set = oidc.NewRemoteKeySet(oidc.ClientContext(context.WithoutCancel(ctx), i.client), where)
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.sets) >= issuersMax {
		clear(i.sets)
	}
	i.sets[host] = set
	return set, nil
}

// discover asks an issuer where its keys are.
func (i *issuers) discover(ctx context.Context, host string) (string, error) {
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, i.client), "https://"+host)
	if err != nil {
		return "", fmt.Errorf("discover the keys of %s: %w", host, err)
	}
	var claims struct {
		Keys string `json:"jwks_uri"`
	}
	if err := found.Claims(&claims); err != nil || claims.Keys == "" {
		return "", fmt.Errorf("%s names no jwks_uri", host)
	}
	return claims.Keys, nil
}

func readKeySet(file string) (oidc.KeySet, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the keys of an identity provider: %w", err)
	}
	var list jose.JSONWebKeySet
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("read the keys in %s: %w", file, err)
	}
	set := &oidc.StaticKeySet{}
	for _, k := range list.Keys {
		if k.IsPublic() {
			set.PublicKeys = append(set.PublicKeys, k.Key)
		}
	}
	return set, nil
}

// Verify checks the signature of a token with the keys of its issuer, and returns its
// payload. What the payload says is for the caller to check.
func (s *Service) Verify(ctx context.Context, issuer, token string) ([]byte, error) {
	host := strings.TrimSuffix(strings.TrimPrefix(issuer, "https://"), "/")
	keys, err := s.issuers.keys(ctx, host)
	if err != nil {
		return nil, err
	}
	return keys.VerifySignature(ctx, token)
}
