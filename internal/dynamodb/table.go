package dynamodb

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearthfaas/hearth/internal/dynamodb/attr"
	"github.com/hearthfaas/hearth/internal/dynamodb/disk"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// Key names a table.
type Key struct {
	Account string // 12 digits
	Region  string
	Name    string
}

// ARN is the table's.
func (k Key) ARN() string {
	return "arn:aws:dynamodb:" + k.Region + ":" + k.Account + ":table/" + k.Name
}

// tableRecord is a table as it lies on disk.
type tableRecord struct {
	Key
	ID         disk.Space // its items' space
	UUID       string
	Attributes []attributeRecord // sorted as they were given
	keyNames
	Billing     string
	BilledSince time.Time `json:",omitzero"` // of on-demand billing
	Throughput  throughput
	Created     time.Time
	Class       string    `json:",omitempty"`
	ClassSince  time.Time `json:",omitzero"`
	Protected   bool
	Encryption  *encryption `json:",omitempty"`
	Indexes     []indexRecord
	Stream      disk.Space `json:",omitempty"` // the latest, whether or not it is enabled
	Streaming   bool
	TTL         ttlRecord
	Tags        map[string]string `json:",omitempty"`
	Policy      policyRecord
	StreamTags  map[string]string `json:",omitempty"`
}

type attributeRecord struct {
	Name string
	Type string // S, N or B
}

// keyNames are the attributes of a key; Range is empty where there is none.
type keyNames struct {
	Hash  string
	Range string `json:",omitempty"`
}

type throughput struct {
	Read, Write int64
	Increased   time.Time `json:",omitzero"`
	Decreased   time.Time `json:",omitzero"`
}

type encryption struct{ Type, Key string }

type indexRecord struct {
	Name  string
	Space disk.Space
	keyNames
	Local      bool
	Projection string
	NonKey     []string `json:",omitempty"`
	Throughput throughput
	// Building says that items from before the index are still being entered.
	Building bool
}

type ttlRecord struct {
	Attribute string     `json:",omitempty"`
	Space     disk.Space `json:",omitempty"`
	Building  bool       `json:",omitempty"`
}

type policyRecord struct {
	Document string `json:",omitempty"`
	Revision string `json:",omitempty"`
	Number   int64  `json:",omitempty"` // grows with every change of the table's or its streams' policies
}

// The ways of billing and of projecting, and the types of keys.
const (
	onDemand    = "PAY_PER_REQUEST"
	provisioned = "PROVISIONED"

	projectAll  = "ALL"
	projectKeys = "KEYS_ONLY"
	projectSome = "INCLUDE"
)

// table is a table in memory. It is never changed.
type table struct {
	tableRecord
	types map[string]attr.Kind // of the attributes of keys
}

func newTable(rec tableRecord) *table {
	t := &table{tableRecord: rec, types: map[string]attr.Kind{}}
	for _, a := range rec.Attributes {
		t.types[a.Name], _ = attr.KindNamed(a.Type)
	}
	return t
}

// changed is a copy of the record that may be changed without the table noticing.
func (t *table) changed() tableRecord {
	rec := t.tableRecord
	rec.Attributes = slices.Clone(rec.Attributes)
	rec.Indexes = slices.Clone(rec.Indexes)
	return rec
}

// names are the attributes of a key, one or two.
func (k keyNames) names() []string {
	if k.Range == "" {
		return []string{k.Hash}
	}
	return []string{k.Hash, k.Range}
}

func (k keyNames) has(name string) bool {
	return name == k.Hash || k.Range != "" && name == k.Range
}

// index finds an index by its name.
func (t *table) index(name string) *indexRecord {
	for i := range t.Indexes {
		if t.Indexes[i].Name == name {
			return &t.Indexes[i]
		}
	}
	return nil
}

// projects says whether the index's entries have an attribute.
func (t *table) projects(i *indexRecord, name string) bool {
	return i.Projection == projectAll || t.has(name) || i.has(name) || slices.Contains(i.NonKey, name)
}

// The errors of what does not exist.
var (
	errNoResource = lambda.Errorf(lambda.CodeResourceNotFound, "Requested resource not found")
	errNoTable    = func(name string) error {
		return lambda.Errorf(lambda.CodeResourceNotFound, "Requested resource not found: Table: %s not found", name)
	}
)

// find is the table with a key, nil when there is none.
func (s *Service) find(k Key) *table {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.tables[k]
}

const arnPrefix = "arn:aws:dynamodb:"

// parseARN takes apart the ARN of a table or of what is below one: rest is what
// follows the table's name, such as "index/name".
func parseARN(arn string) (k Key, rest string, ok bool) {
	s, ok := strings.CutPrefix(arn, arnPrefix)
	if !ok {
		return Key{}, "", false
	}
	parts := strings.SplitN(s, ":", 3)
	if len(parts) != 3 {
		return Key{}, "", false
	}
	name, ok := strings.CutPrefix(parts[2], "table/")
	if !ok {
		return Key{}, "", false
	}
	name, rest, _ = strings.Cut(name, "/")
	return Key{Account: parts[1], Region: parts[0], Name: name}, rest, nameLengthOK(name)
}

// named is the table that a name or an ARN means to a caller.
func named(c lambda.Caller, name string) Key {
	if k, rest, ok := parseARN(name); ok && rest == "" {
		return k
	}
	return Key{Account: c.Account, Region: c.Region, Name: name}
}

// The lengths of names of tables and indexes.
const (
	nameMin = 3
	nameMax = 255
)

func nameLengthOK(name string) bool { return len(name) >= nameMin && len(name) <= nameMax }

// checkName checks the name of a table that an operation on tables is about. It may be
// an ARN.
func checkName(name *string) error {
	if name == nil {
		return errNoName
	}
	if strings.HasPrefix(*name, "arn:") {
		return checkTableARN(*name)
	}
	if !nameLengthOK(*name) {
		return invalid("TableName must be at least 3 characters long and at most 255 characters long")
	}
	return violations(*name)
}

// checkTable does the same for an operation on items, which is told otherwise what is
// wrong.
func checkTable(name *string) error {
	if name == nil {
		return errNoName
	}
	if strings.HasPrefix(*name, "arn:") {
		return checkTableARN(*name)
	}
	return violations(*name)
}

var errNoName = invalid("The parameter 'TableName' is required but was not present in the request")

func checkTableARN(arn string) error {
	if _, rest, ok := parseARN(arn); !ok || rest != "" {
		return invalid("Invalid TableArn: Invalid ResourceArn provided as input %s", arn)
	}
	return nil
}

// violations is the error for the constraints of names, in the words of the edge's.
func violations(name string) error {
	var wrong []string
	add := func(format string, args ...any) {
		wrong = append(wrong, "Value '"+name+"' at 'tableName' failed to satisfy constraint: "+fmt.Sprintf(format, args...))
	}
	if strings.ContainsFunc(name, func(c rune) bool { return c > 0x7f || !nameByte(byte(c)) }) {
		add("Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}
	if len(name) > nameMax {
		add("Member must have length less than or equal to %d", nameMax)
	}
	if len(name) < nameMin {
		add("Member must have length greater than or equal to %d", nameMin)
	}
	switch len(wrong) {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: %s", wrong[0])
	default:
		return invalid("%d validation errors detected: %s", len(wrong), strings.Join(wrong, "; "))
	}
}

func nameByte(c byte) bool {
	return c == '_' || c == '.' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func invalid(format string, args ...any) *lambda.Error {
	return lambda.Errorf(lambda.CodeValidation, format, args...)
}

// wrongParameter is the commonest kind of ValidationException.
func wrongParameter(format string, args ...any) *lambda.Error {
	return invalid("One or more parameter values were invalid: "+format, args...)
}
