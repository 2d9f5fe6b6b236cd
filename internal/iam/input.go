package iam

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/hearthfaas/hearth/internal/iam/reference"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// AuthorizeOperation is Authorize for an operation whose input can answer for
// condition keys, such as aws:RequestTag/… or lambda:Layer: the table of the
// action's service says which keys it has and where in the input their values are.
//
// Who makes something with tags must be allowed to tag it too.
func (s *Service) AuthorizeOperation(ctx context.Context, c lambda.Caller, action, resource string, in any) error {
	if err := s.checkInput(ctx, c, action, resource, in); err != nil {
		return err
	}
	tagging, ok := reference.TaggingOf(action)
	if !ok {
		return nil
	}
	tags, ok := member(reflect.ValueOf(in), "Tags")
	if !ok || tags.Len() == 0 {
		return nil
	}
	if tagging.ARN != "" {
		resource = fillARN(tagging.ARN, &c, in)
	}
	return s.checkInput(ctx, c, tagging.Action, resource, in)
}

func (s *Service) checkInput(ctx context.Context, c lambda.Caller, action, resource string, in any) error {
	return s.Check(ctx, c, Request{Action: action, Resource: resource, Context: &inputContext{action: action, in: in}})
}

// fillARN puts the caller's account and region and the input's members into the ARN of
// a kind of resource; what is not known yet, such as a new id, is an asterisk.
func fillARN(arn string, c *lambda.Caller, in any) string {
	return os.Expand(arn, func(name string) string {
		switch name {
		case "Partition":
			return "aws"
		case "Region":
			return c.Region
		case "Account":
			return c.Account
		}
		if v, ok := member(reflect.ValueOf(in), name); ok && v.Kind() == reflect.String {
			return v.String()
		}
		return "*"
	})
}

// inputContext answers for the keys that an operation's input has values for.
type inputContext struct {
	action string
	in     any
}

// Lookup implements policy.Context.
func (i *inputContext) Lookup(key string) ([]string, bool) {
	a, ok := reference.Find(i.action)
	if !ok {
		return nil, false
	}
	k, tag, ok := a.Key(key)
	if !ok || k.Path == "" {
		return nil, false
	}
	if list, rest, ok := listOn(reflect.ValueOf(i.in), k.Path); ok {
		return textsOfAll(list, rest)
	}
	v, ok := member(reflect.ValueOf(i.in), k.Path)
	if !ok {
		return nil, false
	}
	switch {
	case tag != "":
		value, ok := tagsIn(v)[strings.ToLower(tag)]
		return []string{value}, ok
	case key == "aws:tagkeys" && k.Path == "Tags":
		return tagKeysIn(v)
	}
	return texts(v)
}

// listOn finds a list of structs in the middle of a path, such as the entries of a
// request, and what of the path is behind it.
func listOn(v reflect.Value, path string) (list reflect.Value, rest string, ok bool) {
	first, rest, more := strings.Cut(path, ".")
	if !more {
		return list, "", false
	}
	list, ok = member(v, first)
	return list, rest, ok && list.Kind() == reflect.Slice
}

// textsOfAll are the values of a member in all elements of a list.
func textsOfAll(list reflect.Value, path string) ([]string, bool) {
	var out []string
	for i := range list.Len() {
		if v, ok := member(list.Index(i), path); ok {
			one, _ := texts(v)
			out = append(out, one...)
		}
	}
	return out, len(out) > 0
}

// member follows a path through structs; false where something on it is not there.
func member(v reflect.Value, path string) (reflect.Value, bool) {
	for name := range strings.SplitSeq(path, ".") {
		for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return reflect.Value{}, false
		}
		v = v.FieldByName(name)
	}
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	return v, v.IsValid()
}

// tagsIn reads tags in either form that AWS's APIs have: a map, or a list of keys
// and values. Keys come in lower case, as conditions compare them.
func tagsIn(v reflect.Value) map[string]string {
	out := map[string]string{}
	switch v.Kind() {
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			out[strings.ToLower(it.Key().String())] = it.Value().String()
		}
	case reflect.Slice:
		for i := range v.Len() {
			key, okKey := member(v.Index(i), "Key")
			value, okValue := member(v.Index(i), "Value")
			if okKey && okValue {
				out[strings.ToLower(key.String())] = value.String()
			}
		}
	default:
	}
	return out
}

// tagKeysIn are the keys of such tags as they were written.
func tagKeysIn(v reflect.Value) ([]string, bool) {
	var out []string
	switch v.Kind() {
	case reflect.Map:
		for _, key := range v.MapKeys() {
			out = append(out, key.String())
		}
	case reflect.Slice:
		for i := range v.Len() {
			if key, ok := member(v.Index(i), "Key"); ok {
				out = append(out, key.String())
			} else if v.Index(i).Kind() == reflect.String {
				out = append(out, v.Index(i).String())
			}
		}
	default:
	}
	return out, len(out) > 0
}

// texts are the values of a scalar or of a list of them.
func texts(v reflect.Value) ([]string, bool) {
	switch v.Kind() {
	case reflect.String:
		return []string{v.String()}, v.String() != ""
	case reflect.Slice:
		var out []string
		for i := range v.Len() {
			one, _ := texts(v.Index(i))
			out = append(out, one...)
		}
		return out, len(out) > 0
	case reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64:
		return []string{fmt.Sprint(v.Interface())}, true
	default:
		return nil, false
	}
}
