package reference

import (
	"fmt"
	"strings"
)

// parse reads the table of one service.
func parse(name, text string) (*Service, error) {
	s := &Service{Name: name, Actions: map[string]Action{}, Resources: map[string]Resource{}, taggings: map[string]Tagging{}}
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		read := s.readActions
		switch {
		case strings.HasPrefix(line, "resource "):
			read = s.readResource
		case strings.HasPrefix(line, "tags "):
			read = s.readTags
		}
		if err := read(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return s, nil
}

func (s *Service) readResource(line string) error {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return fmt.Errorf("%q is not: resource KIND ARN", line)
	}
	kind, tagged := strings.CutSuffix(fields[1], "*")
	s.Resources[kind] = Resource{Kind: kind, ARN: fields[2], Tagged: tagged}
	return nil
}

// readTags reads a line behind those of its actions.
func (s *Service) readTags(line string) error {
	fields := strings.Fields(line)
	if len(fields) < 3 {
		return fmt.Errorf("%q is not: tags ACTION ACTIONS", line)
	}
	needed, ok := s.Actions[strings.ToLower(fields[1])]
	if !ok {
		return fmt.Errorf("there is no action %q", fields[1])
	}
	for _, f := range fields[2:] {
		name, kind, _ := strings.Cut(f, "=")
		a, ok := s.Actions[strings.ToLower(name)]
		if !ok {
			return fmt.Errorf("there is no action %q", name)
		}
		resource, ok := s.Resources[kind]
		if kind != "" && !ok {
			return fmt.Errorf("there is no kind of resource %q", kind)
		}
		s.taggings[s.Name+":"+a.Name] = Tagging{Action: s.Name + ":" + needed.Name, ARN: resource.ARN}
	}
	return nil
}

func (s *Service) readActions(line string) error {
	parts := strings.Split(line, " : ")
	if len(parts) < 2 || len(parts) > 3 {
		return fmt.Errorf("%q is not: KINDS : ACTIONS : KEYS", line)
	}
	var kinds []string
	for kind := range strings.FieldsSeq(parts[0]) {
		if kind == "-" {
			continue
		}
		if _, ok := s.Resources[kind]; !ok {
			return fmt.Errorf("there is no kind of resource %q", kind)
		}
		kinds = append(kinds, kind)
	}
	var keys []Key
	if len(parts) == 3 {
		for f := range strings.FieldsSeq(parts[2]) {
			name, path, _ := strings.Cut(f, "=")
			keys = append(keys, Key{name, path})
		}
	}
	for name := range strings.FieldsSeq(parts[1]) {
		if _, twice := s.Actions[strings.ToLower(name)]; twice {
			return fmt.Errorf("action %s is there twice", name)
		}
		s.Actions[strings.ToLower(name)] = Action{Service: s.Name, Name: name, Resources: kinds, Keys: keys}
	}
	return nil
}
