package restapi

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
)

// patch applies operations such as {replace, /description, text} to a record (API
// Gateway API reference, "Patch operations"). special is asked first; it says whether
// it took an operation.
func patch(record any, ops []types.PatchOperation, special func(types.PatchOperation, []string) (bool, error)) error {
	for _, op := range ops {
		path := strings.Split(strings.TrimPrefix(aws.ToString(op.Path), "/"), "/")
		for i := range path {
			path[i] = strings.ReplaceAll(strings.ReplaceAll(path[i], "~1", "/"), "~0", "~")
		}
		if special != nil {
			switch took, err := special(op, path); {
			case err != nil:
				return err
			case took:
				continue
			}
		}
		if !apply(reflect.ValueOf(record).Elem(), path, op) {
			return desk.BadRequest("Invalid patch path '%s' specified for op '%s'. Please choose supported operations", aws.ToString(op.Path), op.Op)
		}
	}
	return nil
}

// apply carries out one operation on what a path leads to; false when there is no such
// place.
func apply(v reflect.Value, path []string, op types.PatchOperation) bool {
	switch v.Kind() {
	case reflect.Pointer:
		if len(path) == 0 && op.Op == types.OpRemove {
			v.SetZero()
			return true
		}
		fresh := reflect.New(v.Type().Elem())
		if !v.IsNil() {
			fresh.Elem().Set(v.Elem())
		}
		if !apply(fresh.Elem(), path, op) {
			return false
		}
		v.Set(fresh)
		return true
	case reflect.Struct:
		if len(path) == 0 {
			return false
		}
		f := v.FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, path[0]) })
		return f.IsValid() && apply(f, path[1:], op)
	case reflect.Map:
		return applyToMap(v, path, op)
	case reflect.Slice:
		return applyToList(v, path, op)
	default:
		return len(path) == 0 && setText(v, op)
	}
}

func applyToMap(v reflect.Value, path []string, op types.PatchOperation) bool {
	if len(path) == 0 {
		if op.Op == types.OpRemove {
			v.SetZero()
			return true
		}
		return false
	}
	key := reflect.ValueOf(path[0]).Convert(v.Type().Key())
	out := reflect.MakeMap(v.Type())
	for it := v.MapRange(); it.Next(); {
		out.SetMapIndex(it.Key(), it.Value())
	}
	if op.Op == types.OpRemove && len(path) == 1 {
		out.SetMapIndex(key, reflect.Value{})
		v.Set(out)
		return true
	}
	elem := reflect.New(v.Type().Elem()).Elem()
	if old := v.MapIndex(key); old.IsValid() {
		elem.Set(old)
	}
	if !apply(elem, path[1:], op) {
		return false
	}
	out.SetMapIndex(key, elem)
	v.Set(out)
	return true
}

// applyToList adds to, removes from or replaces a list of texts. The item is the rest
// of the path, or the operation's value.
func applyToList(v reflect.Value, path []string, op types.PatchOperation) bool {
	if v.Type().Elem().Kind() != reflect.String {
		return false
	}
	var items []string
	for i := range v.Len() {
		items = append(items, v.Index(i).String())
	}
	item := strings.Join(path, "/")
	switch {
	case op.Op == types.OpRemove && item == "" && op.Value == nil:
		items = nil
	case op.Op == types.OpRemove:
		if item == "" {
			item = aws.ToString(op.Value)
		}
		items = slices.DeleteFunc(items, func(s string) bool { return s == item })
	case op.Op == types.OpReplace && item == "":
		items = strings.Split(aws.ToString(op.Value), ",")
	case op.Op == types.OpReplace:
		old := item
		if i, err := strconv.Atoi(item); err == nil && i < len(items) {
			old = items[i]
		}
		items = slices.DeleteFunc(items, func(s string) bool { return s == old })
		items = append(items, aws.ToString(op.Value))
	default:
		if item == "" {
			item = aws.ToString(op.Value)
		}
		if !slices.Contains(items, item) {
			items = append(items, item)
		}
	}
	out := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, s := range items {
		out.Index(i).SetString(s)
	}
	v.Set(out)
	return true
}

// setText sets a scalar from the operation's text.
func setText(v reflect.Value, op types.PatchOperation) bool {
	if op.Op == types.OpRemove {
		v.SetZero()
		return true
	}
	text := aws.ToString(op.Value)
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return false
		}
		v.SetBool(b)
	case reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return false
		}
		v.SetInt(n)
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return false
		}
		v.SetFloat(f)
	default:
		return false
	}
	return true
}
