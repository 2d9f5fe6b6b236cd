package sns

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Attribute is a message attribute.
type Attribute struct {
	Type  string `json:"t"` // String, String.Array, Number or Binary, perhaps with a suffix
	Value []byte `json:"v"`
}

func (a Attribute) binary() bool { return kindOf(a.Type) == "Binary" }

func kindOf(dataType string) string {
	kind, _, _ := strings.Cut(dataType, ".")
	return kind
}

// attributeNameMax bounds a name's length in bytes, and that of a type (SNS developer
// guide, "Message attributes").
const attributeNameMax = 256

var typePattern = regexp.MustCompile(`^(?:String|Number|Binary)(?:\.[\x21-\x7E]+)?$`)

// readAttributes checks message attributes. member is where they are in the request,
// for AWS's texts.
func readAttributes(in map[string]types.MessageAttributeValue, member string) (map[string]Attribute, error) {
	if len(in) == 0 {
		return nil, nil
	}
	out := make(map[string]Attribute, len(in))
	for _, name := range slices.Sorted(maps.Keys(in)) {
		v := in[name]
		if err := checkAttributeName(name); err != nil {
			return nil, err
		}
		if v.DataType == nil {
			return nil, lambda.Errorf(lambda.CodeValidation,
				"1 validation error detected: Value null at '%s.%s.member.dataType' failed to satisfy constraint: Member must not be null", member, name)
		}
		a, err := readAttribute(name, *v.DataType, &v)
		if err != nil {
			return nil, err
		}
		out[name] = a
	}
	return out, nil
}

var numberPattern = regexp.MustCompile(`^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$`)

func readAttribute(name, dataType string, v *types.MessageAttributeValue) (Attribute, error) {
	a := Attribute{Type: dataType}
	if len(dataType) > attributeNameMax || !typePattern.MatchString(dataType) {
		return a, invalidValue("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
	}
	if v.StringValue == nil && v.BinaryValue == nil {
		return a, invalidValue("The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, dataType)
	}
	a.Value = []byte(aws.ToString(v.StringValue))
	field, given := "String", v.StringValue != nil
	if a.binary() {
		a.Value, field, given = v.BinaryValue, "Binary", v.BinaryValue != nil
	}
	switch {
	case !given:
		return a, invalidValue("The message attribute '%s' with type '%s' must use field '%s'.", name, dataType, field)
	case len(a.Value) == 0:
		return a, invalidValue("The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, dataType)
	case kindOf(dataType) == "Number":
		if !numberPattern.Match(a.Value) {
			return a, invalidValue("Could not cast message attribute '%s' value to number.", name)
		}
	case dataType == "String.Array":
		return a, checkArray(name, a.Value)
	}
	if !a.binary() && !utf8.Valid(a.Value) {
		return a, invalidValue("The message attribute '%s' is not valid UTF-8.", name)
	}
	return a, nil
}

// checkArray checks the value of the type String.Array: a JSON array of scalars.
func checkArray(name string, value []byte) error {
	var list []any
	err := json.Unmarshal(value, &list)
	for _, v := range list {
		switch v.(type) {
		case []any, map[string]any:
			err = fmt.Errorf("an element of %s is no scalar", name)
		}
	}
	if err != nil {
		return invalidValue("The message attribute '%s' of type 'String.Array' must contain a JSON array of strings, numbers, true, false or null.", name)
	}
	return nil
}

func checkAttributeName(name string) error {
	if name == "" || len(name) > attributeNameMax {
		return invalidValue("Length of message attribute name must be less than %d bytes.", attributeNameMax)
	}
	if name[0] == '.' {
		return invalidValue("Invalid message attribute name starting with character '.' was found.")
	}
	if name[len(name)-1] == '.' {
		return invalidValue("Invalid message attribute name ending with character '.' was found.")
	}
	for _, r := range name {
		if r != '-' && r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return invalidValue("Invalid non-alphanumeric character '#x%X' was found in the message attribute name. "+
				"Can only include alphanumeric characters, hyphens, underscores, or dots.", r)
		}
	}
	if strings.Contains(name, "..") {
		return invalidValue("Message attribute name can not have successive '.' character.")
	}
	return nil
}

// size is what attributes count towards a message's.
func size(attributes map[string]Attribute) int {
	n := 0
	for name, a := range attributes {
		n += len(name) + len(a.Type) + len(a.Value)
	}
	return n
}
