package iam

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// The limits of OpenID Connect providers (IAM quotas page).
const (
	clientIDsMax   = 100
	thumbprintsMax = 5
)

// providerRecord is an OpenID Connect provider. Thumbprints are kept and shown;
// the trust in a provider's keys is the transport's, as AWS does by now.
type providerRecord struct {
	Host        string      `json:"host"` // the URL without its scheme
	ClientIDs   []string    `json:"client_ids,omitempty"`
	Thumbprints []string    `json:"thumbprints,omitempty"`
	Created     time.Time   `json:"created"`
	Tags        []tagRecord `json:"tags,omitempty"`
}

type provider struct {
	providerRecord
	account  string
	arn      string
	revision int64
}

func readyProvider(key string, revision int64, r providerRecord) *provider {
	account, _, _ := strings.Cut(key, "/")
	return &provider{r, account, providerARN(account, r.Host), revision}
}

func providerARN(account, host string) string {
	return "arn:aws:iam::" + account + ":oidc-provider/" + host
}

func (p *provider) clone() providerRecord {
	r := p.providerRecord
	r.ClientIDs, r.Thumbprints, r.Tags = slices.Clone(r.ClientIDs), slices.Clone(r.Thumbprints), slices.Clone(r.Tags)
	return r
}

func (s *Service) providerByARN(arn string) (*provider, bool) {
	host, ok := strings.CutPrefix(arn, providerARN(arnAccount(arn), ""))
	if !ok {
		return nil, false
	}
	return s.providers.get(arnAccount(arn) + "/" + host)
}

func (s *Service) getProvider(ctx context.Context, arn *string) (*provider, error) {
	p, ok := s.providerByARN(deref(arn))
	if !ok || p.account != lambda.CallerFrom(ctx).Account {
		return nil, lambda.Errorf(codeNoSuchEntity, "OpenIDConnect Provider not found for arn %s", deref(arn))
	}
	return p, nil
}

func (s *Service) changeProvider(ctx context.Context, arn *string, change func(*providerRecord) error) error {
	s.writes.Lock()
	defer s.writes.Unlock()
	p, err := s.getProvider(ctx, arn)
	if err != nil {
		return err
	}
	rec := p.clone()
	if err := change(&rec); err != nil {
		return err
	}
	_, err = s.providers.rows.Put(ctx, p.account+"/"+p.Host, rec, store.Precondition(p.revision))
	return s.stored(err, p.arn)
}

func (s *Service) createOpenIDConnectProvider(ctx context.Context, in *iam.CreateOpenIDConnectProviderInput) (*iam.CreateOpenIDConnectProviderOutput, error) {
	account := lambda.CallerFrom(ctx).Account
	host, err := issuerHost(deref(in.Url))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(checkTags(in.Tags), checkThumbprints(in.ThumbprintList)); err != nil {
		return nil, err
	}
	if len(in.ClientIDList) > clientIDsMax {
		return nil, lambda.Errorf(codeLimitExceeded, "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: %d", clientIDsMax)
	}
	rec := providerRecord{
		Host: host, ClientIDs: slices.Compact(slices.Sorted(slices.Values(in.ClientIDList))), Thumbprints: in.ThumbprintList,
		Created: s.stamp(), Tags: tagRecords(in.Tags),
	}
	s.writes.Lock()
	defer s.writes.Unlock()
	if len(s.providers.of(account)) >= providersMax {
		return nil, lambda.Errorf(codeLimitExceeded, "Cannot exceed quota for OpenIdConnectProvidersPerAccount: %d", providersMax)
	}
	_, err = s.providers.rows.Put(ctx, account+"/"+host, rec, store.Absent)
	if errors.Is(err, store.ErrConflict) {
		return nil, lambda.Errorf(codeAlreadyExists, "Provider with url https://%s already exists.", host)
	}
	if err != nil {
		return nil, fmt.Errorf("store provider %s: %w", host, err)
	}
	arn := providerARN(account, host)
	return &iam.CreateOpenIDConnectProviderOutput{OpenIDConnectProviderArn: &arn, Tags: in.Tags}, nil
}

// issuerHost is an issuer's URL without the scheme.
func issuerHost(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || len(text) > 255 {
		return "", lambda.Errorf(codeValidation, "Invalid Open ID Connect Provider URL")
	}
	return strings.TrimSuffix(strings.TrimPrefix(text, "https://"), "/"), nil
}

func checkThumbprints(list []string) error {
	if len(list) > thumbprintsMax {
		return lambda.Errorf(codeInvalidInput, "Thumbprint list must contain fewer than 5 entries.")
	}
	for _, t := range list {
		if b, err := hex.DecodeString(t); err != nil || len(b) != 20 {
			return lambda.Errorf(codeValidation, "Thumbprint %s is not the SHA-1 of a certificate in 40 hexadecimal digits", t)
		}
	}
	return nil
}

func (s *Service) getOpenIDConnectProvider(ctx context.Context, in *iam.GetOpenIDConnectProviderInput) (*iam.GetOpenIDConnectProviderOutput, error) {
	p, err := s.getProvider(ctx, in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	r := p.clone()
	return &iam.GetOpenIDConnectProviderOutput{
		Url: &r.Host, ClientIDList: r.ClientIDs, ThumbprintList: r.Thumbprints, CreateDate: &r.Created, Tags: describeTags(r.Tags),
	}, nil
}

func (s *Service) listOpenIDConnectProviders(ctx context.Context, _ *iam.ListOpenIDConnectProvidersInput) (*iam.ListOpenIDConnectProvidersOutput, error) {
	out := &iam.ListOpenIDConnectProvidersOutput{OpenIDConnectProviderList: []types.OpenIDConnectProviderListEntry{}}
	for _, p := range s.providers.of(lambda.CallerFrom(ctx).Account) {
		out.OpenIDConnectProviderList = append(out.OpenIDConnectProviderList, types.OpenIDConnectProviderListEntry{Arn: &p.arn})
	}
	return out, nil
}

// deleteOpenIDConnectProvider succeeds for one that does not exist (IAM API
// reference: "this operation is idempotent").
func (s *Service) deleteOpenIDConnectProvider(ctx context.Context, in *iam.DeleteOpenIDConnectProviderInput) (*iam.DeleteOpenIDConnectProviderOutput, error) {
	s.writes.Lock()
	defer s.writes.Unlock()
	p, err := s.getProvider(ctx, in.OpenIDConnectProviderArn)
	if err != nil {
		return &iam.DeleteOpenIDConnectProviderOutput{}, nil // there is nothing to delete
	}
	err = s.providers.rows.Delete(ctx, p.account+"/"+p.Host, store.Precondition(p.revision))
	return &iam.DeleteOpenIDConnectProviderOutput{}, s.stored(err, p.arn)
}

func (s *Service) updateOpenIDConnectProviderThumbprint(ctx context.Context, in *iam.UpdateOpenIDConnectProviderThumbprintInput) (*iam.UpdateOpenIDConnectProviderThumbprintOutput, error) {
	if err := checkThumbprints(in.ThumbprintList); err != nil {
		return nil, err
	}
	err := s.changeProvider(ctx, in.OpenIDConnectProviderArn, func(p *providerRecord) error {
		p.Thumbprints = in.ThumbprintList
		return nil
	})
	return &iam.UpdateOpenIDConnectProviderThumbprintOutput{}, err
}

func (s *Service) addClientID(ctx context.Context, in *iam.AddClientIDToOpenIDConnectProviderInput) (*iam.AddClientIDToOpenIDConnectProviderOutput, error) {
	err := s.changeProvider(ctx, in.OpenIDConnectProviderArn, func(p *providerRecord) error {
		if id := deref(in.ClientID); !slices.Contains(p.ClientIDs, id) {
			p.ClientIDs = append(p.ClientIDs, id)
		}
		if len(p.ClientIDs) > clientIDsMax {
			return lambda.Errorf(codeLimitExceeded, "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: %d", clientIDsMax)
		}
		return nil
	})
	return &iam.AddClientIDToOpenIDConnectProviderOutput{}, err
}

func (s *Service) removeClientID(ctx context.Context, in *iam.RemoveClientIDFromOpenIDConnectProviderInput) (*iam.RemoveClientIDFromOpenIDConnectProviderOutput, error) {
	err := s.changeProvider(ctx, in.OpenIDConnectProviderArn, func(p *providerRecord) error {
		p.ClientIDs = slices.DeleteFunc(p.ClientIDs, func(id string) bool { return id == deref(in.ClientID) })
		return nil
	})
	return &iam.RemoveClientIDFromOpenIDConnectProviderOutput{}, err
}

func (s *Service) tagOpenIDConnectProvider(ctx context.Context, in *iam.TagOpenIDConnectProviderInput) (*iam.TagOpenIDConnectProviderOutput, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	err := s.changeProvider(ctx, in.OpenIDConnectProviderArn, func(p *providerRecord) (err error) {
		p.Tags, err = addTags(p.Tags, in.Tags)
		return err
	})
	return &iam.TagOpenIDConnectProviderOutput{}, err
}

func (s *Service) untagOpenIDConnectProvider(ctx context.Context, in *iam.UntagOpenIDConnectProviderInput) (*iam.UntagOpenIDConnectProviderOutput, error) {
	err := s.changeProvider(ctx, in.OpenIDConnectProviderArn, func(p *providerRecord) error {
		p.Tags = removeTags(p.Tags, in.TagKeys)
		return nil
	})
	return &iam.UntagOpenIDConnectProviderOutput{}, err
}

func (s *Service) listOpenIDConnectProviderTags(ctx context.Context, in *iam.ListOpenIDConnectProviderTagsInput) (*iam.ListOpenIDConnectProviderTagsOutput, error) {
	p, err := s.getProvider(ctx, in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	page, err := pageTags(p.Tags, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListOpenIDConnectProviderTagsOutput{Tags: page.items, IsTruncated: page.truncated, Marker: page.marker}, nil
}
