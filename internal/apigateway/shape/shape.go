// Package shape moves members between the SDK's types, which have one for a record,
// one for each request and one for each answer, all with the same members.
package shape

import "reflect"

// As makes an Out of the members that from has too.
func As[Out any](from any) *Out {
	out := new(Out)
	copyMembers(reflect.ValueOf(out).Elem(), reflect.Indirect(reflect.ValueOf(from)), false)
	return out
}

// Patch sets the members of to that from has a value for.
func Patch(to, from any) {
	copyMembers(reflect.ValueOf(to).Elem(), reflect.Indirect(reflect.ValueOf(from)), true)
}

func copyMembers(to, from reflect.Value, given bool) {
	for i := range from.NumField() {
		f := from.Type().Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" {
			continue
		}
		dst, src := to.FieldByName(f.Name), from.Field(i)
		if !dst.IsValid() || given && src.IsZero() {
			continue
		}
		switch {
		case dst.Type() == src.Type():
			dst.Set(src)
		case src.Kind() == reflect.Pointer && src.Type().Elem() == dst.Type() && !src.IsNil():
			dst.Set(src.Elem())
		case dst.Kind() == reflect.Pointer && dst.Type().Elem() == src.Type():
			p := reflect.New(src.Type())
			p.Elem().Set(src)
			dst.Set(p)
		}
	}
}
