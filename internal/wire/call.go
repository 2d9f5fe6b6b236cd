package wire

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"reflect"

	"github.com/aws/smithy-go/encoding/cbor"
)

// Decode makes the operation's input of the request. Members that the operation
// does not have are ignored. Errors are *lambda.Error (SerializationException).
func (c *Call) Decode() (any, error) {
	in := c.Operation.NewInput()
	dst := reflect.ValueOf(in).Elem()
	if c.codec.service.Protocol == AWSQuery {
		root, err := parseForm(c.form)
		if err != nil {
			return nil, err
		}
		c.formRoot = root
		return in, decodeForm(dst, c.served.in, plainForm(""), root)
	}
	if c.codec.service.Protocol == RestJSON1 {
		if err := decodeBound(dst, c.served.in, c.from); err != nil {
			return nil, err
		}
		if m := c.served.in.payload(); m != nil {
			return in, c.decodePayload(dst.Field(m.field), m.shape)
		}
	}
	if len(bytes.TrimSpace(c.body)) == 0 {
		return in, nil
	}
	if c.codec.service.Protocol == RPCv2CBOR {
		return in, decodeCBORBody(dst, c.served.in, c.body)
	}
	v, err := parseJSON(c.body)
	if err != nil {
		return nil, err
	}
	c.parsed = v
	return in, decodeJSON(dst, c.served.in, v, 0)
}

// decodePayload sets the member that is the whole body.
func (c *Call) decodePayload(dst reflect.Value, s *shape) error {
	switch s.kind {
	case kindBlob:
		dst.SetBytes(c.body)
	case kindStream:
		dst.Set(reflect.ValueOf(io.Reader(bytes.NewReader(c.body))))
	default:
		if len(c.body) == 0 {
			return nil
		}
		v, err := parseJSON(c.body)
		if err != nil {
			return err
		}
		return decodeJSON(dst, s, v, 0)
	}
	return nil
}

// WriteResult answers with what the operation returned. When it returns an error
// nothing has been written yet.
func (c *Call) WriteResult(w http.ResponseWriter, requestID string, out any) error {
	v := reflect.ValueOf(out)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Type().Elem() != c.served.out.typ {
		return fmt.Errorf("wire: %s returned a %T, not a *%s", c.Operation.Name, out, c.served.out.typ)
	}
	v = v.Elem()
	switch c.codec.service.Protocol {
	case AWSQuery:
		body, err := queryResult(c.codec.service.Namespace, c.Operation.Name, requestID, c.served.out, v)
		if err != nil {
			return err
		}
		send(w, http.StatusOK, "text/xml", body)
		return nil
	case RestJSON1:
		return c.writeREST(w, v)
	case RPCv2CBOR:
		value, err := encodeCBOR(c.served.out, v)
		if err != nil {
			return fmt.Errorf("encode the result of %s: %w", c.Operation.Name, err)
		}
		w.Header().Set(protocolHeader, rpcMark)
		send(w, http.StatusOK, c.codec.contentType(), cbor.Encode(value))
		return nil
	default:
		body, err := appendJSONStruct(nil, c.served.out, v)
		if err != nil {
			return fmt.Errorf("encode the result of %s: %w", c.Operation.Name, err)
		}
		send(w, http.StatusOK, c.codec.contentType(), body)
		return nil
	}
}

func (c *Call) writeREST(w http.ResponseWriter, v reflect.Value) error {
	out := c.served.out
	var body []byte
	contentType := "application/json"
	if m := out.payload(); m != nil {
		field := v.Field(m.field)
		switch {
		case absent(field):
		case m.shape.kind == kindBlob:
			body, contentType = field.Bytes(), "application/octet-stream"
		default:
			var err error
			if body, err = appendJSON(nil, m.shape, field, m.stamp); err != nil {
				return fmt.Errorf("encode the result of %s: %w", c.Operation.Name, err)
			}
		}
	} else {
		var err error
		if body, err = appendJSONStruct(nil, out, v); err != nil {
			return fmt.Errorf("encode the result of %s: %w", c.Operation.Name, err)
		}
	}
	status, err := encodeHeaders(w.Header(), out, v)
	if err != nil {
		return fmt.Errorf("encode the result of %s: %w", c.Operation.Name, err)
	}
	if status == 0 {
		status = c.served.model.status
	}
	if status == http.StatusNoContent {
		body = nil
	}
	send(w, status, contentType, body)
	return nil
}

// payload returns the member that is the whole body, or nil.
func (s *shape) payload() *member {
	for _, m := range s.members {
		if m.place == inPayload {
			return m
		}
	}
	return nil
}

func (c *Codec) contentType() string {
	switch c.service.Protocol {
	case AWSJSON10:
		return "application/x-amz-json-1.0"
	case AWSJSON11:
		return "application/x-amz-json-1.1"
	case RPCv2CBOR:
		return "application/cbor"
	default:
		return "application/json"
	}
}
