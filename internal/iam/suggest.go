package iam

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hearthfaas/hearth/internal/iam/reference"
)

// suggestResourcesMax is how many resources of an action a suggested policy lists
// one by one; more of them become what they have in common.
const suggestResourcesMax = 8

// Suggest writes the least policy that covers what was used: its actions on its
// resources, with those of many resources drawn together. Allowed and refused uses
// count alike: what a function was refused it wants. It is empty when nothing was
// used.
func Suggest(used []Used) (string, error) {
	byAction := map[string][]string{}
	for _, u := range used {
		resource := generalize(u.Resource)
		if a, ok := reference.Find(u.Action); ok && len(a.Resources) == 0 {
			resource = "*" // the action is on no resource
		}
		if !slices.Contains(byAction[u.Action], resource) {
			byAction[u.Action] = append(byAction[u.Action], resource)
		}
	}
	// Actions on the same resources share a statement.
	byResources := map[string][]string{}
	for action, resources := range byAction {
		resources = drawTogether(resources)
		key := strings.Join(resources, "\n")
		byResources[key] = append(byResources[key], action)
	}
	type statement struct {
		Effect   string   `json:"Effect"`
		Action   []string `json:"Action"`
		Resource []string `json:"Resource"`
	}
	var statements []statement
	for key, actions := range byResources {
		slices.Sort(actions)
		statements = append(statements, statement{"Allow", actions, strings.Split(key, "\n")})
	}
	if len(statements) == 0 {
		return "", nil
	}
	slices.SortFunc(statements, func(a, b statement) int { return slices.Compare(a.Action, b.Action) })
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(struct {
		Version   string      `json:"Version"`
		Statement []statement `json:"Statement"`
	}{"2012-10-17", statements})
	if err != nil {
		return "", fmt.Errorf("write a policy: %w", err)
	}
	return b.String(), nil
}

// generalize leaves out of a resource what differs from one environment of a
// function to the next: the name of its log stream.
func generalize(resource string) string {
	if group, _, ok := strings.Cut(resource, ":log-stream:"); ok {
		return group + ":*"
	}
	if strings.Contains(resource, ":log-group:") && !strings.HasSuffix(resource, ":*") {
		return resource + ":*"
	}
	return resource
}

// drawTogether sorts resources and, when there are many, replaces them by the
// longest path that all have in common.
func drawTogether(resources []string) []string {
	slices.Sort(resources)
	if len(resources) <= suggestResourcesMax {
		return resources
	}
	first, last := resources[0], resources[len(resources)-1]
	n := 0
	for n < len(first) && n < len(last) && first[n] == last[n] {
		n++
	}
	common := first[:n]
	common = common[:strings.LastIndexAny(common, ":/")+1]
	if strings.Count(common, ":") < 5 { // not even the service and account in common
		return resources
	}
	return []string{common + "*"}
}
