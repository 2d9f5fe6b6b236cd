package wire

import (
	"cmp"
	"fmt"
	"io"
	"reflect"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
)

// kind says how a value looks on the wire, whatever the protocol.
type kind uint8

const (
	kindString kind = iota // enums too
	kindBool
	kindInt
	kindFloat
	kindTime
	kindBlob
	kindList
	kindMap
	kindStruct
	kindUnion
	kindStream // an io.Reader payload
)

// place says where a top-level member travels.
type place uint8

const (
	inBody place = iota
	inLabel
	inQuery
	inHeader
	inPayload // it is the whole body
	inStatus
)

// shape is a Go type as the protocols see it, compiled once when a codec is made.
type shape struct {
	kind     kind
	typ      reflect.Type // never a pointer
	elem     *shape       // of a list's members and a map's values
	members  []*member    // of a struct, in the order of its fields
	byName   map[string]*member
	variants map[string]unionMember
}

// member is one field of a struct.
type member struct {
	name      string // in the body
	field     int
	shape     *shape
	place     place
	placeName string // of the label, query parameter or header
	stamp     string // @timestampFormat, or empty for the place's default
	query     queryForm
}

// queryForm is how a member looks in the forms and the XML of awsQuery.
type queryForm struct {
	name       string
	flat       bool   // its members stand side by side, in nothing that holds them
	item       string // of a list's members: "member"
	key, value string // of a map's entries: "key" and "value"
}

type unionMember struct {
	typ   reflect.Type // the struct with the field Value
	shape *shape       // of Value
}

// wireNames are the members whose name on the wire is not the Go field's, in
// services that publish no schemas. Key: struct type and field.
var wireNames = map[string]string{"PolicyDescriptorType.Arn": "arn"}

// compiler turns Go types into shapes. Types that contain themselves are met
// through the memo.
type compiler struct {
	mu    sync.Mutex // guards memo; a shape is complete, and never changes, once it is let go
	memo  map[reflect.Type]*shape
	rest  bool // members may travel outside of the body
	model model
}

// schemaCatcher records the schema of the struct that is serialized to it. The
// embedded interface is nil: an empty input or output writes nothing but itself and
// the scalars that are not pointers.
type schemaCatcher struct {
	smithy.ShapeSerializer
	schema *smithy.Schema
}

func (s *schemaCatcher) WriteStruct(schema *smithy.Schema) {
	if s.schema == nil {
		s.schema = schema
	}
}
func (s *schemaCatcher) CloseStruct()                         {}
func (s *schemaCatcher) WriteInt32(*smithy.Schema, int32)     {}
func (s *schemaCatcher) WriteInt64(*smithy.Schema, int64)     {}
func (s *schemaCatcher) WriteFloat32(*smithy.Schema, float32) {}
func (s *schemaCatcher) WriteFloat64(*smithy.Schema, float64) {}
func (s *schemaCatcher) WriteBool(*smithy.Schema, bool)       {}
func (s *schemaCatcher) WriteString(*smithy.Schema, string)   {}

// schemaOf returns the schema of an SDK struct, or nil when its module has none.
func schemaOf(typ reflect.Type) *smithy.Schema {
	v, ok := reflect.TypeAssert[smithy.Serializable](reflect.New(typ))
	if !ok {
		return nil
	}
	var c schemaCatcher
	v.Serialize(&c)
	return c.schema
}

// top compiles the input or output of an operation.
func (c *compiler) top(v any) (*shape, error) {
	typ := reflect.TypeOf(v)
	if typ.Kind() != reflect.Pointer || typ.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("wire: %T is not a pointer to a struct", v)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.compile(typ.Elem(), schemaOf(typ.Elem()))
}

// compile returns the shape of typ. schema describes it where the module
// publishes schemas; without one, names are the Go fields'.
func (c *compiler) compile(typ reflect.Type, schema *smithy.Schema) (*shape, error) {
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if s, ok := c.memo[typ]; ok {
		return s, nil
	}
	s := &shape{typ: typ}
	c.memo[typ] = s
	var err error
	switch typ.Kind() {
	case reflect.String:
		s.kind = kindString
	case reflect.Bool:
		s.kind = kindBool
	case reflect.Int32, reflect.Int64, reflect.Int16, reflect.Int8:
		s.kind = kindInt
	case reflect.Float32, reflect.Float64:
		s.kind = kindFloat
	case reflect.Slice:
		if typ.Elem().Kind() == reflect.Uint8 {
			s.kind = kindBlob
			break
		}
		s.kind = kindList
		s.elem, err = c.compile(typ.Elem(), child(schema, (*smithy.Schema).ListMember))
	case reflect.Map:
		s.kind = kindMap
		s.elem, err = c.compile(typ.Elem(), child(schema, (*smithy.Schema).MapValue))
	case reflect.Interface:
		err = c.compileInterface(s, schema)
	case reflect.Struct:
		if typ == reflect.TypeFor[time.Time]() {
			s.kind = kindTime
			break
		}
		err = c.compileStruct(s, schema)
	default:
		err = fmt.Errorf("wire: no protocol has a shape for %s", typ)
	}
	if err != nil {
		delete(c.memo, typ)
	}
	return s, err
}

func (c *compiler) compileStruct(s *shape, schema *smithy.Schema) error {
	s.kind = kindStruct
	s.byName = map[string]*member{}
	for i := range s.typ.NumField() {
		f := s.typ.Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" || f.Name == "ErrorCodeOverride" {
			continue
		}
		m := &member{name: f.Name, field: i, query: plainForm(f.Name)}
		if name, ok := wireNames[s.typ.Name()+"."+f.Name]; ok {
			m.name, m.query.name = name, name
		}
		if schema == nil && c.model.bindings != nil {
			m.take(c.model, s.typ.Name(), f.Name)
		}
		ms := memberSchema(schema, f.Name)
		if schema != nil && ms == nil {
			return fmt.Errorf("wire: the schema of %s has no member %s", s.typ, f.Name)
		}
		if ms != nil {
			m.name = ms.MemberName()
			m.query = formOf(ms)
			m.bind(ms, c.rest)
		}
		var err error
		if m.shape, err = c.compile(f.Type, ms); err != nil {
			return fmt.Errorf("%s.%s: %w", s.typ.Name(), f.Name, err)
		}
		s.members = append(s.members, m)
		s.byName[m.name] = m
	}
	return nil
}

func (c *compiler) compileInterface(s *shape, schema *smithy.Schema) error {
	if s.typ.Implements(reflect.TypeFor[io.Reader]()) {
		s.kind = kindStream
		return nil
	}
	s.kind = kindUnion
	s.variants = map[string]unionMember{}
	for _, v := range unions[s.typ] {
		value, err := c.compile(v.typ.Field(0).Type, memberSchema(schema, v.name))
		if err != nil {
			return fmt.Errorf("%s.%s: %w", s.typ.Name(), v.name, err)
		}
		s.variants[v.name] = unionMember{typ: v.typ, shape: value}
	}
	return nil
}

// take applies the generated binding of a field.
func (m *member) take(of model, structure, field string) {
	if of.lowerCase {
		first, size := utf8.DecodeRuneInString(field)
		m.name = string(unicode.ToLower(first)) + field[size:]
		m.query.name = m.name
	}
	m.stamp = of.stamp
	b, ok := of.bindings[structure+"."+field]
	if !ok {
		return
	}
	m.place, m.placeName, m.stamp = b.place, b.placeName, cmp.Or(b.stamp, of.stamp)
	if b.name != "" {
		m.name, m.query.name = b.name, b.name
	}
	m.query.item = cmp.Or(b.item, m.query.item)
	m.query.key, m.query.value = cmp.Or(b.key, m.query.key), cmp.Or(b.value, m.query.value)
	m.query.flat = b.flat
}

// plainForm is that of a member of which no trait says otherwise.
func plainForm(name string) queryForm {
	return queryForm{name: name, item: "member", key: "key", value: "value"}
}

// formOf reads Smithy's XML traits.
func formOf(s *smithy.Schema) queryForm {
	f := plainForm(s.MemberName())
	rename := func(name *string, s *smithy.Schema) {
		if s == nil {
			return
		}
		if t, ok := smithy.SchemaTrait[*traits.XMLName](s); ok {
			*name = t.Name
		}
	}
	rename(&f.name, s)
	rename(&f.item, s.ListMember())
	rename(&f.key, s.MapKey())
	rename(&f.value, s.MapValue())
	_, f.flat = smithy.SchemaTrait[*traits.XMLFlattened](s)
	return f
}

// bind reads where a top-level member travels (Smithy's HTTP binding traits), which
// only services with paths of their own heed.
func (m *member) bind(s *smithy.Schema, rest bool) {
	if t, ok := smithy.SchemaTrait[*traits.TimestampFormat](s); ok {
		m.stamp = t.Format
	}
	if !rest {
		return
	}
	if t, ok := smithy.SchemaTrait[*traits.HTTPHeader](s); ok {
		m.place, m.placeName = inHeader, t.Name
	} else if t, ok := smithy.SchemaTrait[*traits.HTTPQuery](s); ok {
		m.place, m.placeName = inQuery, t.Name
	} else if _, ok := smithy.SchemaTrait[*traits.HTTPLabel](s); ok {
		m.place, m.placeName = inLabel, m.name
	} else if _, ok := smithy.SchemaTrait[*traits.HTTPPayload](s); ok {
		m.place = inPayload
	} else if _, ok := smithy.SchemaTrait[*traits.HTTPResponseCode](s); ok {
		m.place = inStatus
	}
}

func child(s *smithy.Schema, of func(*smithy.Schema) *smithy.Schema) *smithy.Schema {
	if s == nil {
		return nil
	}
	return of(s)
}

// memberSchema finds the member that the SDK's generator turned into the field:
// the same name, its first letter in upper case.
func memberSchema(s *smithy.Schema, field string) *smithy.Schema {
	if s == nil {
		return nil
	}
	if m := s.Member(field); m != nil {
		return m
	}
	first, size := utf8.DecodeRuneInString(field)
	return s.Member(string(unicode.ToLower(first)) + field[size:])
}
