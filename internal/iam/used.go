package iam

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// The bounds of what is remembered of the use of roles: a few MB in the worst case.
const (
	// usedSessionsMax is how many sessions are remembered, by role and session name:
	// one for each function, as all its environments share a name. The one that was
	// quiet the longest makes room.
	usedSessionsMax = 2048
	// usedPerSessionMax is how many different actions on resources one session has.
	usedPerSessionMax = 512
)

// Used is an action that a session asked for, and how that came out last.
type Used struct {
	Action   string    `json:"action"`
	Resource string    `json:"resource"`
	Allowed  bool      `json:"allowed"`
	Last     time.Time `json:"last"`
}

// usedActions remembers what sessions of roles asked for. Verdicts that come from
// the cache are not noted again, so Last is the last time that was worked out.
type usedActions struct {
	mu       sync.Mutex // guards what follows
	sessions map[string]*usedSession
	// forgotten are those that made room and may be stored still.
	forgotten []string
}

type usedSession struct {
	last    time.Time
	entries map[[2]string]Used // by action and resource
	more    bool               // something was left out
	changed bool               // since it was stored
}

func (u *usedActions) note(c *lambda.Caller, action, resource string, allowed bool, now func() time.Time) {
	if c.Kind != lambda.PrincipalAssumedRole {
		return
	}
	key := usedKey(c.RoleARN, sessionName(c))
	at := now()
	u.mu.Lock()
	defer u.mu.Unlock()
	se := u.sessions[key]
	if se == nil {
		se = &usedSession{entries: map[[2]string]Used{}}
		u.add(key, se)
	}
	se.last, se.changed = at, true
	pair := [2]string{strings.Clone(action), strings.Clone(resource)} // the strings may be part of a request
	if _, known := se.entries[pair]; !known && len(se.entries) >= usedPerSessionMax {
		se.more = true
		return
	}
	se.entries[pair] = Used{pair[0], pair[1], allowed, at}
}

// put is for what was stored before.
func (u *usedActions) put(key string, se *usedSession) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.add(key, se)
}

func (u *usedActions) add(key string, se *usedSession) {
	if len(u.sessions) >= usedSessionsMax {
		u.dropQuietest()
	}
	if u.sessions == nil {
		u.sessions = map[string]*usedSession{}
	}
	u.sessions[key] = se
}

func (u *usedActions) dropQuietest() {
	quietest := ""
	for key, se := range u.sessions {
		if quietest == "" || se.last.Before(u.sessions[quietest].last) {
			quietest = key
		}
	}
	delete(u.sessions, quietest)
	u.forgotten = append(u.forgotten, quietest)
}

func usedKey(roleARN, session string) string { return roleARN + "\n" + session }

// sessionName is what stands behind the role in a session's id.
func sessionName(c *lambda.Caller) string {
	_, name, _ := strings.Cut(c.UserID, ":")
	return name
}

// UsedBy returns what the sessions of a role with a name asked for so far, sorted; more says that it was too much to remember all. The
// session of a function is called like the function.
func (s *Service) UsedBy(roleARN, session string) (used []Used, more bool) {
	s.used.mu.Lock()
	defer s.used.mu.Unlock()
	se := s.used.sessions[usedKey(roleARN, session)]
	if se == nil {
		return nil, false
	}
	for _, u := range se.entries {
		used = append(used, u)
	}
	slices.SortFunc(used, func(a, b Used) int {
		return cmp.Or(strings.Compare(a.Action, b.Action), strings.Compare(a.Resource, b.Resource))
	})
	return used, se.more
}
