package reference

import (
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Key is a condition key of an action.
type Key struct {
	Name string // as AWS writes it; keys with a tag's name behind end in a slash
	// Path is the way to its value in the operation's input, such as
	// "VpcConfig.SubnetIds"; empty when the value comes from elsewhere.
	Path string
}

// Action is what a policy can allow or deny.
type Action struct {
	Service   string
	Name      string
	Resources []string // kinds of resources, empty for actions that are on none
	Keys      []Key
}

// Resource is a kind of resource.
type Resource struct {
	Kind   string
	ARN    string // with ${Variables}
	Tagged bool   // its tags are the keys aws:ResourceTag/…
}

// Service is one service's table.
type Service struct {
	Name      string
	Actions   map[string]Action // by lower-case name: actions are compared without case
	Resources map[string]Resource

	taggings map[string]Tagging // by the whole name of the action that makes something
}

// Tagging is what a caller must be allowed too who makes something with tags.
type Tagging struct {
	Action string // "sqs:TagQueue"
	ARN    string // with ${Variables}; empty where it is the one that is made
}

// taggings are those of all services, for the one look that each request takes.
var taggings = sync.OnceValue(func() map[string]Tagging {
	all := map[string]Tagging{}
	for _, s := range tables() {
		maps.Copy(all, s.taggings)
	}
	return all
})

// TaggingOf returns what an action such as "sqs:CreateQueue", spelled as AWS does,
// needs when its input brings tags; false when it needs nothing more.
func TaggingOf(action string) (Tagging, bool) {
	t, ok := taggings()[action]
	return t, ok
}

//go:embed *.txt
var files embed.FS

// tables are read when the first is asked for: most processes never do.
var tables = sync.OnceValue(func() map[string]*Service {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(fmt.Errorf("reference: read the tables: %w", err))
	}
	all := map[string]*Service{}
	for _, e := range entries {
		text, err := files.ReadFile(e.Name())
		if err != nil {
			panic(fmt.Errorf("reference: read the tables: %w", err))
		}
		name := strings.TrimSuffix(e.Name(), ".txt")
		s, err := parse(name, string(text))
		if err != nil {
			panic(fmt.Errorf("reference: %s: %w", e.Name(), err))
		}
		all[name] = s
	}
	return all
})

// Of returns the table of a service, by its prefix in actions such as "lambda".
func Of(service string) (*Service, bool) {
	s, ok := tables()[strings.ToLower(service)]
	return s, ok
}

// Services returns the names of all services that have a table, sorted.
func Services() []string {
	var names []string
	for name := range tables() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Find returns an action by its whole name, such as "lambda:InvokeFunction".
func Find(action string) (Action, bool) {
	service, name, _ := strings.Cut(action, ":")
	s, ok := Of(service)
	if !ok {
		return Action{}, false
	}
	a, ok := s.Actions[strings.ToLower(name)]
	return a, ok
}

// Key returns a condition key of the action by its lower-case name, and for keys
// with a tag's name behind, that name.
func (a Action) Key(name string) (k Key, tag string, ok bool) {
	for _, k := range a.Keys {
		own := strings.ToLower(k.Name)
		if tag, found := strings.CutPrefix(name, own); found && strings.HasSuffix(own, "/") && tag != "" {
			return k, tag, true
		}
		if own == name && !strings.HasSuffix(own, "/") {
			return k, "", true
		}
	}
	return Key{}, "", false
}

// Tagged says whether some resource of the action has tags.
func (a Action) Tagged() bool {
	s, ok := Of(a.Service)
	return ok && slices.ContainsFunc(a.Resources, func(kind string) bool { return s.Resources[kind].Tagged })
}
