package wire

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"reflect"
	"slices"
)

// xmlWriter builds the XML answers of awsQuery.
type xmlWriter struct{ buf bytes.Buffer }

func (w *xmlWriter) open(name string) {
	w.buf.WriteByte('<')
	w.buf.WriteString(name)
	w.buf.WriteByte('>')
}

func (w *xmlWriter) close(name string) {
	w.buf.WriteString("</")
	w.buf.WriteString(name)
	w.buf.WriteByte('>')
}

// text writes an element that holds s. EscapeText also makes U+FFFD of characters
// that XML cannot carry; a bytes.Buffer returns no errors.
func (w *xmlWriter) text(name, s string) {
	w.open(name)
	_ = xml.EscapeText(&w.buf, []byte(s))
	w.close(name)
}

// emptyResults are the operations whose result has no members and yet is modelled:
// clients insist on the element. Operations without a result have none.
var emptyResults = map[string]bool{
	"UpdateRole": true, "PutAccountProperties": true, // IAM
	"TagResource": true, "UntagResource": true, // SNS, CloudWatch
	"CreateSMSSandboxPhoneNumber": true, "DeleteSMSSandboxPhoneNumber": true, "VerifySMSSandboxPhoneNumber": true,
	"OptInPhoneNumber": true, "SetSMSAttributes": true, // SNS
}

// queryResult is the envelope of a success:
// <OpResponse><OpResult>…</OpResult><ResponseMetadata>…</ResponseMetadata></OpResponse>.
// Operations that return nothing have no OpResult, as at AWS.
func queryResult(namespace, operation, requestID string, s *shape, out reflect.Value) ([]byte, error) {
	var w xmlWriter
	fmt.Fprintf(&w.buf, "<%sResponse xmlns=%q>", operation, namespace)
	if len(s.members) > 0 || emptyResults[operation] {
		w.open(operation + "Result")
		if err := w.members(s, out); err != nil {
			return nil, fmt.Errorf("encode the result of %s: %w", operation, err)
		}
		w.close(operation + "Result")
	}
	w.open("ResponseMetadata")
	w.text("RequestId", requestID)
	w.close("ResponseMetadata")
	w.close(operation + "Response")
	return w.buf.Bytes(), nil
}

// queryError is the envelope of an error. fault is "Sender" or "Receiver".
func queryError(namespace, fault, code, message, requestID string) []byte {
	var w xmlWriter
	fmt.Fprintf(&w.buf, "<ErrorResponse xmlns=%q>", namespace)
	w.open("Error")
	w.text("Type", fault)
	w.text("Code", code)
	w.text("Message", message)
	w.close("Error")
	w.text("RequestId", requestID)
	w.close("ErrorResponse")
	return w.buf.Bytes()
}

func (w *xmlWriter) members(s *shape, v reflect.Value) error {
	for _, m := range s.members {
		field := v.Field(m.field)
		if absent(field) {
			continue
		}
		if err := w.value(m.query, m.shape, field, m.stamp); err != nil {
			return err
		}
	}
	return nil
}

func (w *xmlWriter) value(form queryForm, s *shape, v reflect.Value, stamp string) error {
	v = reflect.Indirect(v)
	name := form.name
	switch s.kind {
	case kindList:
		return w.list(form, s, v)
	case kindMap:
		return w.entries(form, s, v)
	case kindStruct:
		w.open(name)
		if err := w.members(s, v); err != nil {
			return err
		}
		w.close(name)
	case kindUnion:
		variant, u, err := s.variantOf(v)
		if err != nil {
			return err
		}
		w.open(name)
		if err := w.value(plainForm(variant), u.shape, reflect.Indirect(v.Elem()).Field(0), ""); err != nil {
			return err
		}
		w.close(name)
	default:
		text, err := formatText(s, v, cmp.Or(stamp, stampDateTime))
		if err != nil {
			return err
		}
		w.text(name, text)
	}
	return nil
}

// list writes <Name><member>…</member></Name>, or one <Name> for each member when
// the list is flat.
func (w *xmlWriter) list(form queryForm, s *shape, v reflect.Value) error {
	item := plainForm(form.item)
	if form.flat {
		item.name = form.name
	} else {
		w.open(form.name)
	}
	for i := range v.Len() {
		if err := w.value(item, s.elem, v.Index(i), ""); err != nil {
			return err
		}
	}
	if !form.flat {
		w.close(form.name)
	}
	return nil
}

// entries writes the pairs of a map in the order of their keys.
func (w *xmlWriter) entries(form queryForm, s *shape, v reflect.Value) error {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
	entry := "entry"
	if form.flat {
		entry = form.name
	} else {
		w.open(form.name)
	}
	for _, key := range keys {
		w.open(entry)
		w.text(form.key, key.String())
		if err := w.value(plainForm(form.value), s.elem, v.MapIndex(key), ""); err != nil {
			return err
		}
		w.close(entry)
	}
	if !form.flat {
		w.close(form.name)
	}
	return nil
}
