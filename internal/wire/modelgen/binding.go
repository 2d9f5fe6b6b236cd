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
	"unicode"
)

// The SDK's own serializers say where an operation is that is younger than the old model.
var pathInSerializer = regexp.MustCompile(`(?s)func \(m \*awsRestjson1_serializeOp(\w+)\) HandleSerialize.*?SplitURI\("([^"]+)"\).*?request\.Method = "(\w+)"`)

// bindOperations fills in method, path and status.
func bindOperations(ops []operation, m *oldModel, root string) error {
	if m.Metadata.Protocol != "rest-json" {
		return nil
	}
	src, err := os.ReadFile(filepath.Join(root, "serializers.go"))
	if err != nil {
		return err
	}
	younger := map[string]operation{}
	for _, match := range pathInSerializer.FindAllStringSubmatch(string(src), -1) {
		younger[match[1]] = operation{uri: match[2], method: match[3]}
	}
	for i := range ops {
		op := &ops[i]
		old, ok := m.Operations[op.name]
		if !ok {
			op.method, op.uri = younger[op.name].method, younger[op.name].uri
			continue
		}
		op.method, op.uri = old.HTTP.Method, old.HTTP.URI
		op.status = cmp.Or(old.HTTP.Status, 200)
	}
	return nil
}

// stamps are the names that Smithy gives to the old models' formats.
var stamps = map[string]string{"iso8601": "date-time", "unixTimestamp": "epoch-seconds", "rfc822": "http-date"}

var places = map[string]string{
	"uri": "inLabel", "querystring": "inQuery", "header": "inHeader", "statusCode": "inStatus",
}

var (
	bindingsInSerializer = regexp.MustCompile(`(?s)func awsRestjson1_serializeOpHttpBindings(\w+Input)\(v .*?\n\}\n`)
	boundField           = regexp.MustCompile(`encoder\.(SetQuery|AddQuery|SetURI)\("([^"]+)"\)\.\w+\((?:string\()?\*?v\.(\w+)`)
)

// addYounger adds what the SDK's own serializers bind that the old model does not know.
func addYounger(rows map[string]string, m *oldModel, root string) error {
	if m.Metadata.Protocol != "rest-json" {
		return nil
	}
	src, err := os.ReadFile(filepath.Join(root, "serializers.go"))
	if err != nil {
		return err
	}
	if _, ok := m.Operations["GetRestApis"]; ok {
		rows["GetDomainNameAccessAssociationsOutput.Items"] = `name: "item"` // as in every list of API Gateway
	}
	for _, f := range bindingsInSerializer.FindAllStringSubmatch(string(src), -1) {
		for _, b := range boundField.FindAllStringSubmatch(f[0], -1) {
			place := "inQuery"
			if b[1] == "SetURI" {
				place = "inLabel"
			}
			if key := f[1] + "." + b[3]; rows[key] == "" {
				rows[key] = fmt.Sprintf("placeName: %q, place: %s", b[2], place)
			}
		}
	}
	return nil
}

// writeBindings prints, for every field of the SDK's structs that does not go by its
// own name, how it travels.
func writeBindings(src *bytes.Buffer, service string, m *oldModel, root string) error {
	fmt.Fprintf(src, "var %sBindings = map[string]binding{\n", service)
	rows := map[string]string{}
	for goName, s := range m.structures() {
		for name, mem := range s.Members {
			rows[goName+"."+exported(name)] = m.row(s, name, mem)
		}
	}
	if err := addYounger(rows, m, root); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		if rows[key] != "" {
			fmt.Fprintf(src, "\t%q: {%s},\n", key, rows[key])
		}
	}
	src.WriteString("}\n\n")
	return nil
}

// structures are the shapes by the names of the SDK's structs.
func (m *oldModel) structures() map[string]*oldShape {
	all := map[string]*oldShape{}
	for name, s := range m.Shapes {
		if s.Type == "structure" {
			all[exported(name)] = s
		}
	}
	for name, op := range m.Operations {
		if op.Input != nil {
			all[name+"Input"] = m.Shapes[op.Input.Shape]
		}
		if op.Output != nil {
			all[name+"Output"] = m.Shapes[op.Output.Shape]
		}
	}
	return all
}

// row prints a binding, or nothing when it is what the protocol does anyway.
func (m *oldModel) row(s *oldShape, name string, mem oldMember) string {
	var b bytes.Buffer
	target := m.Shapes[mem.Shape]
	wireName := cmp.Or(mem.LocationName, name)
	place := places[mem.Location]
	if s.Payload == name {
		place = "inPayload"
	}
	if place == "" || place == "inPayload" {
		if wireName != m.plainName(name) {
			fmt.Fprintf(&b, "name: %q, ", wireName)
		}
	} else {
		fmt.Fprintf(&b, "placeName: %q, ", mem.LocationName)
	}
	if place != "" {
		fmt.Fprintf(&b, "place: %s, ", place)
	}
	if stamp := cmp.Or(mem.Stamp, target.Stamp); stamp != "" && target.Type == "timestamp" {
		fmt.Fprintf(&b, "stamp: %q, ", stamps[stamp])
	}
	if m.Metadata.Protocol == "query" {
		for _, part := range []struct {
			field string
			of    *oldMember
		}{{"item", target.Member}, {"key", target.Key}, {"value", target.Value}} {
			if part.of != nil && part.of.LocationName != "" {
				fmt.Fprintf(&b, "%s: %q, ", part.field, part.of.LocationName)
			}
		}
		if mem.Flattened || target.Flattened {
			b.WriteString("flat: true, ")
		}
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte(", ")))
}

// plainName is the name that package wire gives to a member without a binding.
func (m *oldModel) plainName(name string) string {
	if m.lowerCase {
		return string(unicode.ToLower(rune(name[0]))) + name[1:]
	}
	return exported(name)
}

func exported(name string) string { return string(unicode.ToUpper(rune(name[0]))) + name[1:] }
