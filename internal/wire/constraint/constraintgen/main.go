// Command constraintgen writes the tables that the package constraint checks by.
//
// Lengths, ranges, patterns and enums come from the last service models that AWS
// published with its Go SDK v1, which go mod download fetches and nothing else
// uses; newer_lambda.json holds what Lambda's model has changed since. Structures
// and required members come from the SDK modules that go.mod names. Run it with
// go generate in internal/wire/constraint.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
)

const modelModule = "github.com/aws/aws-sdk-go@v1.55.8"

// source says where a service's model is. Package is the module under
// aws-sdk-go-v2/service and model the path under models/apis.
type source struct{ name, module, model, newer string }

var sources = []source{
	{"lambda", "lambda", "lambda/2015-03-31", "newer_lambda.json"},
	{"logs", "cloudwatchlogs", "logs/2014-03-28", ""},
	{"iam", "iam", "iam/2010-05-08", ""},
	{"sts", "sts", "sts/2011-06-15", ""},
	{"sns", "sns", "sns/2010-03-31", ""},
	{"events", "eventbridge", "eventbridge/2015-10-07", ""},
	{"dynamodb", "dynamodb", "dynamodb/2012-08-10", ""},
	{"dynamodbstreams", "dynamodbstreams", "streams.dynamodb/2012-08-10", ""},
	{"cloudwatch", "cloudwatch", "monitoring/2010-08-01", ""},
	{"scheduler", "scheduler", "scheduler/2021-06-30", ""},
}

// shape is a shape of a model, as api-2.json writes it.
type shape struct {
	Type     string         `json:"type"`
	Min      *float64       `json:"min"`
	Max      *float64       `json:"max"`
	Pattern  string         `json:"pattern"`
	Enum     []string       `json:"enum"`
	Member   *ref           `json:"member"`
	Key      *ref           `json:"key"`
	Value    *ref           `json:"value"`
	Members  map[string]ref `json:"members"`
	Required []string       `json:"required"`
}

type ref struct {
	Shape string `json:"shape"`
}

type model struct {
	Operations map[string]struct {
		Input *ref `json:"input"`
	} `json:"operations"`
	Shapes map[string]*shape `json:"shapes"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "constraintgen:", err)
		os.Exit(1)
	}
}

func run() error {
	models, err := modelsDir()
	if err != nil {
		return err
	}
	for _, src := range sources {
		m, err := load(filepath.Join(models, src.model, "api-2.json"), src)
		if err != nil {
			return err
		}
		module, err := moduleDir(src.module)
		if err != nil {
			return err
		}
		structs := m.structures()
		if err := readSchemas(module, m, structs); err != nil {
			return err
		}
		required, err := readRequired(module)
		if err != nil {
			return err
		}
		if err := write(src.name+"_gen.go", src.name, m, structs, required); err != nil {
			return err
		}
	}
	return nil
}

// modelsDir fetches the module of the models, outside of this module so that it
// does not become one of its dependencies.
func modelsDir() (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", modelModule)
	cmd.Dir = os.TempDir()
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("download %s: %w", modelModule, err)
	}
	var info struct{ Dir string }
	if err := json.Unmarshal(out, &info); err != nil {
		return "", fmt.Errorf("download %s: %w", modelModule, err)
	}
	return filepath.Join(info.Dir, "models", "apis"), nil
}

func moduleDir(module string) (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/"+module).Output()
	if err != nil {
		return "", fmt.Errorf("find the module of %s: %w", module, err)
	}
	return strings.TrimSpace(string(out)), nil
}

func load(file string, src source) (*model, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var m model
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	if src.newer == "" {
		return &m, nil
	}
	if raw, err = os.ReadFile(filepath.Join("constraintgen", src.newer)); err != nil {
		return nil, err
	}
	newer := map[string]*shape{}
	if err := json.Unmarshal(raw, &newer); err != nil {
		return nil, fmt.Errorf("read %s: %w", src.newer, err)
	}
	for name, s := range newer {
		s.Type = "string"
		if old := m.Shapes[name]; old != nil {
			s.Type = old.Type
		} else if s.Pattern == "" && s.Enum == nil && !strings.HasSuffix(name, "Payload") {
			s.Type = "integer"
		}
		m.Shapes[name] = s
	}
	return &m, nil
}

// structures maps each Go struct to its members' shapes, as the old model has it.
func (m *model) structures() map[string]map[string]string {
	inputs := map[string]string{}
	for name, op := range m.Operations {
		if op.Input != nil {
			inputs[op.Input.Shape] = name + "Input"
		}
	}
	structs := map[string]map[string]string{}
	for name, s := range m.Shapes {
		if s.Type != "structure" {
			continue
		}
		goName := exported(name)
		if input, ok := inputs[name]; ok {
			goName = input
		}
		structs[goName] = map[string]string{}
		for member, target := range s.Members {
			structs[goName][exported(member)] = target.Shape
		}
	}
	return structs
}

var (
	addMember  = regexp.MustCompile(`= (\w+)\.AddMember\("(\w+)", (?:smithyprelude\.)?(\w+)`)
	operation  = regexp.MustCompile(`NewOperationSchema\(schemas\.(\w+), schemas\.(\w+),`)
	validator  = regexp.MustCompile(`(?s)func validate\w+\(v \*(?:types\.)?(\w+)\) error \{(.*?)\n\}`)
	required   = regexp.MustCompile(`NewErrParamRequired\("(\w+)"\)`)
	enumValues = regexp.MustCompile(`(?s)func \((\w+)\) Values\(\) \[\]\w+ \{\n\treturn \[\]\w+\{\n(.*?)\n\t\}`)
	quoted     = regexp.MustCompile(`"([^"]*)"`)
)

// readSchemas brings structures, lists, maps and enums up to the SDK module, when
// it publishes schemas.
func readSchemas(module string, m *model, structs map[string]map[string]string) error {
	src, err := os.ReadFile(filepath.Join(module, "schemas", "schemas.go"))
	if os.IsNotExist(err) {
		return readEnums(module, m)
	}
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(module, "api_op_*.go"))
	if err != nil {
		return err
	}
	inputs := map[string]string{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if match := operation.FindSubmatch(raw); match != nil {
			inputs[string(match[2])] = string(match[1]) + "Input"
		}
	}
	for _, match := range addMember.FindAllStringSubmatch(string(src), -1) {
		owner, member, target := strings.TrimPrefix(match[1], "_"), match[2], strings.TrimPrefix(match[3], "_")
		switch member {
		case "member", "key", "value":
			if strings.HasPrefix(match[1], "_") {
				m.collect(owner, member, target)
				continue
			}
		}
		goName := exported(owner)
		if input, ok := inputs[owner]; ok {
			goName = input
		}
		if structs[goName] == nil {
			structs[goName] = map[string]string{}
		}
		structs[goName][exported(member)] = target
	}
	return readEnums(module, m)
}

// collect records what a list's members, or a map's keys and values, are.
func (m *model) collect(owner, member, target string) {
	s := m.Shapes[owner]
	if s == nil {
		s = &shape{}
		m.Shapes[owner] = s
	}
	switch member {
	case "member":
		s.Type, s.Member = "list", &ref{target}
	case "key":
		s.Type, s.Key = "map", &ref{target}
	case "value":
		s.Type, s.Value = "map", &ref{target}
	}
}

func readEnums(module string, m *model) error {
	src, err := os.ReadFile(filepath.Join(module, "types", "enums.go"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, match := range enumValues.FindAllStringSubmatch(string(src), -1) {
		var values []string
		for _, v := range quoted.FindAllStringSubmatch(match[2], -1) {
			values = append(values, v[1])
		}
		for _, name := range []string{match[1], lowerFirst(match[1])} {
			if s := m.Shapes[name]; s != nil {
				s.Enum = values
				break
			}
		}
		if m.Shapes[match[1]] == nil && m.Shapes[lowerFirst(match[1])] == nil {
			m.Shapes[match[1]] = &shape{Type: "string", Enum: values}
		}
	}
	return nil
}

// readRequired lists the required members of each Go struct, from the checks that
// the SDK's own client makes.
func readRequired(module string) (map[string]map[string]bool, error) {
	src, err := os.ReadFile(filepath.Join(module, "validators.go"))
	if err != nil {
		return nil, err
	}
	all := map[string]map[string]bool{}
	for _, match := range validator.FindAllStringSubmatch(string(src), -1) {
		members := map[string]bool{}
		for _, r := range required.FindAllStringSubmatch(match[2], -1) {
			members[r[1]] = true
		}
		all[match[1]] = members
	}
	return all, nil
}

func exported(name string) string { return string(unicode.ToUpper(rune(name[0]))) + name[1:] }

func lowerFirst(name string) string { return string(unicode.ToLower(rune(name[0]))) + name[1:] }
