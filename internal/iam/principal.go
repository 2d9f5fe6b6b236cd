package iam

import (
	"slices"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// userRecord is a user with all that hangs on it. Access keys have records of
// their own.
type userRecord struct {
	Name     string      `json:"name"`
	Path     string      `json:"path"`
	ID       string      `json:"id"`
	Created  time.Time   `json:"created"`
	Boundary string      `json:"boundary,omitempty"`
	Tags     []tagRecord `json:"tags,omitempty"`
	// Groups has the ids of the user's groups, so that renaming a group changes no
	// user.
	Groups []string `json:"groups,omitempty"`
	policySet
}

func (u userRecord) clone() userRecord {
	u.Tags, u.Groups, u.policySet = slices.Clone(u.Tags), slices.Clone(u.Groups), u.policySet.clone()
	return u
}

type groupRecord struct {
	Name    string    `json:"name"`
	Path    string    `json:"path"`
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	policySet
}

func (g groupRecord) clone() groupRecord {
	g.policySet = g.policySet.clone()
	return g
}

// user and group are stored records ready for use. They are immutable.
type user struct {
	userRecord
	account  string
	arn      string
	revision int64
	inline   []compiled
}

type group struct {
	groupRecord
	account  string
	arn      string
	revision int64
	inline   []compiled
}

func readyUser(key string, revision int64, r userRecord) *user {
	account, _, _ := strings.Cut(key, "/")
	return &user{r, account, userARN(account, r.Path, r.Name), revision, r.compile()}
}

func readyGroup(key string, revision int64, r groupRecord) *group {
	account, _, _ := strings.Cut(key, "/")
	return &group{r, account, groupARN(account, r.Path, r.Name), revision, r.compile()}
}

func userARN(account, path, name string) string {
	return "arn:aws:iam::" + account + ":user" + path + name
}

func groupARN(account, path, name string) string {
	return "arn:aws:iam::" + account + ":group" + path + name
}

func errNoUser(name string) *lambda.Error {
	return lambda.Errorf(codeNoSuchEntity, "The user with name %s cannot be found.", name)
}

func errNoGroup(name string) *lambda.Error {
	return lambda.Errorf(codeNoSuchEntity, "The group with name %s cannot be found.", name)
}

// userByARN finds a user by its whole ARN, path included.
func (s *Service) userByARN(arn string) (*user, bool) {
	account, name, ok := nameOfARN(arn, "user")
	if !ok {
		return nil, false
	}
	u, ok := s.users.get(entityKey(account, name))
	return u, ok && u.arn == arn
}

// callingUser is the user behind a caller; false when it was deleted since, or
// deleted and made again.
func (s *Service) callingUser(c *lambda.Caller) (*user, bool) {
	u, ok := s.userByARN(c.ARN)
	return u, ok && u.ID == c.UserID
}

// groupsOf returns the groups of a user by name.
func (s *Service) groupsOf(u *user) []*group {
	if len(u.Groups) == 0 {
		return nil
	}
	return slices.DeleteFunc(s.groups.of(u.account), func(g *group) bool { return !slices.Contains(u.Groups, g.ID) })
}

// membersOf returns the users of a group by name.
func (s *Service) membersOf(g *group) []*user {
	return slices.DeleteFunc(s.users.of(g.account), func(u *user) bool { return !slices.Contains(u.Groups, g.ID) })
}
