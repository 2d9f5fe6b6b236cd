package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// exception is how an error of a service's model looks on the wire.
type exception struct {
	status    int
	member    string // the spelling of "message"
	queryCode string
	bare      bool
}

var (
	exceptionSchema = regexp.MustCompile(`(?s)var (\w+) = smithy\.NewSchema\(smithy\.ShapeID\{[^}]*\}, smithy\.ShapeTypeStructure, \d+, &smithytraits\.Error\{Type: "(\w+)"\}(.*?)\)\n`)
	httpError       = regexp.MustCompile(`HTTPError\{Code: (\d+)\}`)
	queryError      = regexp.MustCompile(`AWSQueryError\{ErrorCode: "([^"]+)"`)
	messageMember   = regexp.MustCompile(`= (\w+)\.AddMember\("([mM]essage)"`)
)

// exceptions reads the errors of a service from the schemas of its module or, when it
// publishes none, from the model in the directory old.
func exceptions(root, old string) (map[string]exception, error) {
	schemas, err := os.ReadFile(filepath.Join(root, "schemas", "schemas.go"))
	if os.IsNotExist(err) {
		return oldExceptions(old)
	}
	if err != nil {
		return nil, err
	}
	all := map[string]exception{}
	for _, m := range exceptionSchema.FindAllStringSubmatch(string(schemas), -1) {
		e := exception{status: 400}
		if m[2] == "server" {
			e.status = 500
		}
		if code := httpError.FindStringSubmatch(m[3]); code != nil {
			if e.status, err = strconv.Atoi(code[1]); err != nil {
				return nil, err
			}
		}
		if code := queryError.FindStringSubmatch(m[3]); code != nil {
			e.queryCode = code[1]
		}
		all[m[1]] = e
	}
	for _, m := range messageMember.FindAllStringSubmatch(string(schemas), -1) {
		if e, ok := all[m[1]]; ok {
			e.member = m[2]
			all[m[1]] = e
		}
	}
	return all, nil
}

// oldExceptions reads the errors of a model of the SDK's first version.
func oldExceptions(dir string) (map[string]exception, error) {
	m, err := loadOld(dir)
	if err != nil {
		return nil, err
	}
	all := map[string]exception{}
	for name, s := range m.Shapes {
		if !s.Exception {
			continue
		}
		e := exception{status: 400, bare: m.Metadata.Protocol == "rest-json"}
		if s.Fault {
			e.status = 500
		}
		e.status = cmp.Or(s.Error.Status, e.status)
		if s.Error.Code != name {
			e.queryCode = s.Error.Code
		}
		for _, spelling := range []string{"message", "Message"} {
			if _, ok := s.Members[spelling]; ok {
				e.member = spelling
			}
		}
		all[name] = e
	}
	return all, nil
}

func writeExceptions(src *bytes.Buffer, service string, all map[string]exception) {
	fmt.Fprintf(src, "var %sErrors = map[string]ErrorShape{\n", service)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		e := all[name]
		fmt.Fprintf(src, "\t%q: {Status: %d", name, e.status)
		if e.member == "Message" {
			fmt.Fprintf(src, ", Member: %q", e.member)
		}
		if e.queryCode != "" {
			fmt.Fprintf(src, ", QueryCode: %q", e.queryCode)
		}
		if e.bare {
			src.WriteString(", Bare: true")
		}
		src.WriteString("},\n")
	}
	src.WriteString("}\n\n")
}
