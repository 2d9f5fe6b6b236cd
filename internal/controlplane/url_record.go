package controlplane

import (
	"crypto/rand"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// URLAuth says who may call a function URL.
type URLAuth string

// The values of AuthType (Lambda API, FunctionUrlConfig).
const (
	URLAuthNone URLAuth = "NONE"
	URLAuthIAM  URLAuth = "AWS_IAM"
)

// URLCors are the rules on calls of a function URL from web pages. Lists are as the
// request gave them and nil where it gave none.
type URLCors struct {
	AllowCredentials bool     `json:"allow_credentials,omitempty"`
	AllowHeaders     []string `json:"allow_headers,omitempty"`
	AllowMethods     []string `json:"allow_methods,omitempty"`
	AllowOrigins     []string `json:"allow_origins,omitempty"`
	ExposeHeaders    []string `json:"expose_headers,omitempty"`
	// MaxAgeSec is for how long browsers may keep an answer, nil when not given.
	MaxAgeSec *int32 `json:"max_age_sec,omitempty"`
	// CredentialsGiven says that the request gave AllowCredentials, which answers then
	// show even when it is false.
	CredentialsGiven bool `json:"credentials_given,omitempty"`
}

// urlRecord is the URL of a function or of one of its aliases.
type urlRecord struct {
	ID string `json:"id"`
	// Auth, Cors and Streaming are what UpdateFunctionUrlConfig can change.
	Auth      URLAuth   `json:"auth"`
	Cors      *URLCors  `json:"cors,omitempty"` // nil when there are no rules
	Streaming bool      `json:"streaming,omitempty"`
	Created   time.Time `json:"created"`
	Modified  time.Time `json:"modified"`
}

// urlIDLength and urlIDLetters are the form of a function URL's id.
const (
	urlIDLength  = 32
	urlIDLetters = "0123456789abcdefghijklmnopqrstuvwxyz"
)

// newURLID draws an id. It is the first label of a host name that no one guesses.
func newURLID() string {
	const fair = 256 - 256%len(urlIDLetters) // bytes from here on would favour the first letters
	id := make([]byte, 0, urlIDLength)
	var random [2 * urlIDLength]byte
	for len(id) < urlIDLength {
		rand.Read(random[:]) // it aborts the process rather than fail
		for _, b := range random {
			if int(b) < fair && len(id) < urlIDLength {
				id = append(id, urlIDLetters[int(b)%len(urlIDLetters)])
			}
		}
	}
	return string(id)
}

// URLTarget is what a call of a function URL reaches.
type URLTarget struct {
	Function lambda.FunctionID
	// Qualifier is the alias, empty for the function itself.
	Qualifier string
	Auth      URLAuth
	Cors      *URLCors // shared and not to be changed; nil when there are no rules
	// Streaming says that the function's answer is passed on as it is written
	// (InvokeMode RESPONSE_STREAM).
	Streaming bool
}

// urlIndex finds functions by the ids of their URLs. It follows the view.
type urlIndex struct{ targets sync.Map } // id → URLTarget

// URL finds what the function URL with an id reaches. It reads memory only.
func (s *Service) URL(id string) (URLTarget, bool) {
	t, ok := s.urls.targets.Load(id)
	if !ok {
		return URLTarget{}, false
	}
	return t.(URLTarget), true
}

func (s *Service) onURL(e store.RowEvent[urlRecord]) {
	id, part := parseKey(e.Key)
	old, had := s.view.function(id).urls[part]
	if had && e.Revision <= old.revision {
		return
	}
	s.onPart(e.Key, func(f *function, part string) { f.urls = follow(f.urls, part, e) })
	if had {
		s.urls.targets.Delete(old.value.ID)
	}
	if !e.Deleted {
		s.urls.targets.Store(e.Value.ID, URLTarget{
			Function: id, Qualifier: partQualifier(part),
			Auth: e.Value.Auth, Cors: e.Value.Cors, Streaming: e.Value.Streaming,
		})
	}
}

// partQualifier is the reverse of policyPart, as ARNs show it.
func partQualifier(part string) string {
	if part == lambda.Latest {
		return ""
	}
	return part
}

func (e *edit) putURL(qualifier string, r urlRecord) {
	e.add(e.s.tables.urls.PutChange(partKey(e.id, policyPart(qualifier)), r, 0))
}

func (e *edit) deleteURL(qualifier string) {
	e.add(e.s.tables.urls.DeleteChange(partKey(e.id, policyPart(qualifier)), 0), nil)
}
